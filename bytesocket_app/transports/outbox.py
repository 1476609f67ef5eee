"""Frames that wait for one slow network, counted in bytes."""

from collections import deque
from typing import Final

from bytesocket_app.wire.frame import Frame

OVERHEAD: Final = 16
"""Bytes that a waiting frame counts for beside its payload, so that empty ones add up too."""


class Outbox:
    """A queue of frames that knows its size and can lose its oldest.

    Attributes:
        size: Bytes waiting, with something for each frame itself.
    """

    __slots__ = ("_frames", "size")

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self.size = 0

    def append(self, frame: Frame) -> None:
        """Put a frame at the end."""
        self._frames.append(frame)
        self.size += frame.size + OVERHEAD

    def popleft(self) -> Frame:
        """Take the first frame; IndexError if there is none."""
        frame = self._frames.popleft()
        self.size -= frame.size + OVERHEAD
        return frame

    def drop_oldest(self) -> int:
        """Throw away the oldest volatile frame, else the oldest; returns its bytes, 0 if none."""
        for index, frame in enumerate(self._frames):
            if frame.volatile:
                del self._frames[index]
                self.size -= frame.size + OVERHEAD
                return frame.size + OVERHEAD
        return self.popleft().size + OVERHEAD if self._frames else 0

    def clear(self) -> None:
        """Throw away everything."""
        self._frames.clear()
        self.size = 0

    def __len__(self) -> int:
        """How many frames wait."""
        return len(self._frames)
