"""Frames that wait for one slow network, counted in bytes.

As long as the network keeps up there is one queue. Once it is behind, volatile frames wait apart,
the newest of each slot only, and every one knows its place in the order of all.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import Final

from bytesocket_app.event_loop import after_turn
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

    Args:
        is_network: True if frames are taken from here by the peer itself: then all that waits here
            waits for the network. Otherwise a server takes them, which is behind only when it says
            so, or when much waits.

    Attributes:
        size: Bytes waiting, with something for each frame itself.
        behind: True while the network takes nothing; the transport says so.
        departed: Bytes taken so far.
    """

    __slots__ = (
        "_batch",
        "_callback",
        "_frames",
        "_fresh",
        "_is_mixed",
        "_is_network",
        "_limit",
        "_taken",
        "_volatile",
        "behind",
        "departed",
        "size",
    )

    def __init__(self, *, is_network: bool = False) -> None:
        self._is_network = is_network
        self._frames: deque[Frame] = deque()
        self._is_mixed = False  # there are volatile ones among them
        # By slot: the newest, and how many of the frames above go before it, those counted in
        # that were taken since the first one came in here.
        self._volatile: OrderedDict[Hashable, tuple[int, Frame]] = _NOTHING
        self._taken = 0
        self._fresh = 0
        # Bytes at the front that came while the network kept up: nobody was told that they wait.
        self._batch = 0
        self._limit = 0
        self._callback: Callable[[], object] | None = None
        self.behind = False
        self.departed = 0
        self.size = 0

    @property
    def waiting(self) -> int:
        """Bytes waiting, or 0 as long as the network keeps up."""
        size = self.size
        return size if self.behind or self._is_network or size > BEHIND else 0

    @property
    def overdue(self) -> int:
        """Bytes waiting that the network had a turn to take, without a batch on its way."""
        return max(self.size - self._fresh - self._batch, 0)

    def append(self, frame: Frame) -> None:
        """Put a frame at the end; a volatile one may take another's place."""
        late = self.behind or self.size > BEHIND
        if frame.slot is None:
            self._frames.append(frame)
        elif late:
            self._replace(frame, frame.slot)
        else:
            self._is_mixed = True
            self._frames.append(frame)
        size = frame.size + OVERHEAD
        self.size += size
        # A large one that nothing waits before had no turn either.
        if late or self._is_network or size > BEHIND:
            if not self._fresh:
                after_turn(self._age)
            self._fresh += size
        else:
            self._batch += size

    def popleft(self) -> Frame:
        """Take the first frame; IndexError if there is none."""
        frame = self._first() if self._volatile else self._frames.popleft()
        size = frame.size + OVERHEAD
        self.size -= size
        self.departed += size
        if self._batch:
            self._batch = max(self._batch - size, 0)
        if self._callback is not None and self.size <= self._limit:
            self.notify()
        return frame

    def drop_oldest(self, *, volatile: bool = False) -> int:
        """Throw away the oldest volatile frame, else the oldest that no task waits for.

        If tasks wait for all of them, it is the oldest.

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
            frame = self._pop_unawaited()
        else:
            return 0
        size = frame.size + OVERHEAD
        self.size -= size
        self._batch = min(self._batch, self.size)
        return size

    def clear(self) -> None:
        """Throw away everything, and call back whoever waits for room."""
        self._frames.clear()
        self._volatile = _NOTHING
        self._is_mixed = False
        self.size = self._batch = 0
        self.notify()

    def notify_below(self, limit: int, callback: Callable[[], object]) -> None:
        """Call back once when at most `limit` bytes wait."""
        self._limit = limit
        self._callback = callback
        if self.size <= limit:
            self.notify()

    def notify(self) -> None:
        """Call back whoever waits for room, now."""
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()

    def __len__(self) -> int:
        """Return the number of frames waiting."""
        return len(self._frames) + len(self._volatile)

    def _age(self) -> None:
        """Count all that waits as overdue: the network had its turn."""
        self._fresh = 0

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
        waiting = [self._pop() for _ in range(len(self))]
        self._is_mixed = False
        self.size = 0
        for frame in waiting:
            if frame.slot is None:
                self._frames.append(frame)
            else:
                self._replace(frame, frame.slot)
            self.size += frame.size + OVERHEAD

    def _pop(self) -> Frame:
        return self._first() if self._volatile else self._frames.popleft()

    def _pop_unawaited(self) -> Frame:
        """Take the first that no task waits for, else the first; nothing volatile waits apart."""
        frames = self._frames
        for place, frame in enumerate(frames):
            if not frame.is_awaited:
                del frames[place]
                return frame
        return frames.popleft()

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
"""Stand-in for a socket's own as long as it needs none; never written to."""
