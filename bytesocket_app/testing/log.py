"""Log of the messages on a connection, shown when a wait fails."""

from collections import deque
from typing import Any, Final

from typing_extensions import override

KEPT: Final = 50


class NothingCame(AssertionError):
    """Failed wait: nothing that it waited for came in time; the message shows the last frames."""


class FrameLog:
    """Last frames of a connection, in both directions."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=KEPT)

    def sent(self, message: Any) -> None:
        """Record a message that the client sent."""
        self._lines.append(f"  > {message!r}")

    def received(self, message: Any) -> None:
        """Record a message that the server sent."""
        self._lines.append(f"  < {message!r}")

    def closed(self, code: int, reason: str) -> None:
        """Record the end of the connection."""
        self._lines.append(f"  x closed {code} {reason!r}")

    def clear(self) -> None:
        """Forget all frames."""
        self._lines.clear()

    @override
    def __str__(self) -> str:
        """Return the frames, one a line, oldest first."""
        return "\n".join(self._lines) or "  (no frames)"
