"""What went over the wire, for the message of a failed wait."""

from collections import deque
from typing import Any, Final

from typing_extensions import override

KEPT: Final = 50


class NothingCame(AssertionError):
    """A wait ended without what it waited for; the message shows the frames that did come."""


class FrameLog:
    """The last frames in both directions."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=KEPT)

    def sent(self, message: Any) -> None:
        """Note what the client sent."""
        self._lines.append(f"  > {message!r}")

    def received(self, message: Any) -> None:
        """Note what the server sent."""
        self._lines.append(f"  < {message!r}")

    def closed(self, code: int, reason: str) -> None:
        """Note the end of the connection."""
        self._lines.append(f"  x closed {code} {reason!r}")

    @override
    def __str__(self) -> str:
        """The frames, oldest first."""
        return "\n".join(self._lines) or "  (no frames)"
