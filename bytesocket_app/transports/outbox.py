"""Frames that wait for one slow network, counted in bytes.

As long as the network keeps up there is one queue. Once it is behind, volatile frames wait apart,
the newest of each slot only, and every one knows its place in the order of all.
"""

from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Final

from bytesocket_app.wire.frame import Frame

OVERHEAD: Final = 16
"""Bytes that a waiting frame counts for beside its payload, so that empty ones add up too."""

BEHIND: Final = 64 * 1024
"""Bytes waiting above which the network is behind, whatever the transport knows of it."""


class Outbox:
    """A queue of frames that knows its size and can lose its oldest.

    While the network is behind, a volatile frame takes the place of the one that waits in its
    slot, and goes to the end: a reader who comes back gets everything else and the newest, in
    order. Otherwise what waits is a batch that leaves as soon as it is complete, and all of it.

    Attributes:
        size: Bytes waiting, with something for each frame itself.
        behind: Whether the network takes nothing at the moment; the transport says so.
    """

    __slots__ = ("_frames", "_is_mixed", "_taken", "_volatile", "behind", "size")

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._is_mixed = False  # there are volatile ones among them
        # By slot: the newest, and how many of the frames above go before it, those counted in
        # that were taken since the first one came in here.
        self._volatile: OrderedDict[Hashable, tuple[int, Frame]] = _NOTHING
        self._taken = 0
        self.behind = False
        self.size = 0

    def append(self, frame: Frame) -> None:
        """Put a frame at the end; a volatile one may take another's place."""
        if frame.slot is None:
            self._frames.append(frame)
        elif self.behind or self.size > BEHIND:
            self._replace(frame, frame.slot)
        else:
            self._is_mixed = True
            self._frames.append(frame)
        self.size += frame.size + OVERHEAD

    def popleft(self) -> Frame:
        """Take the first frame; IndexError if there is none."""
        frame = self._first() if self._volatile else self._frames.popleft()
        self.size -= frame.size + OVERHEAD
        return frame

    def drop_oldest(self, *, volatile: bool = False) -> int:
        """Throw away the oldest volatile frame, else the oldest.

        Args:
            volatile: Spare the others.

        Returns:
            Its bytes, 0 if there was none.
        """
        if self._is_mixed:
            self._part()
        if self._volatile:
            _, (_, frame) = self._volatile.popitem(last=False)
        elif self._frames and not volatile:
            frame = self._frames.popleft()
        else:
            return 0
        self.size -= frame.size + OVERHEAD
        return frame.size + OVERHEAD

    def clear(self) -> None:
        """Throw away everything."""
        self._frames.clear()
        self._volatile = _NOTHING
        self._is_mixed = False
        self.size = 0

    def __len__(self) -> int:
        """How many frames wait."""
        return len(self._frames) + len(self._volatile)

    def _replace(self, frame: Frame, slot: Hashable) -> None:
        if self._is_mixed:
            self._part()
        if not self._volatile:
            self._volatile = OrderedDict()
            self._taken = 0
        replaced = self._volatile.pop(slot, None)
        if replaced is not None:
            self.size -= replaced[1].size + OVERHEAD
        self._volatile[slot] = (self._taken + len(self._frames), frame)

    def _part(self) -> None:
        """Put what is volatile apart, leaving the newest of each slot."""
        waiting = [self.popleft() for _ in range(len(self))]
        self._is_mixed = False
        for frame in waiting:
            if frame.slot is None:
                self._frames.append(frame)
            else:
                self._replace(frame, frame.slot)
            self.size += frame.size + OVERHEAD

    def _first(self) -> Frame:
        """Take the first of both queues, while something volatile waits apart."""
        slot = next(iter(self._volatile))
        place, frame = self._volatile[slot]
        if place <= self._taken:
            del self._volatile[slot]
            return frame
        self._taken += 1
        return self._frames.popleft()


_NOTHING: Final[OrderedDict[Hashable, tuple[int, Frame]]] = OrderedDict()
"""Stands in for a socket's own as long as it needs none; never written to."""
