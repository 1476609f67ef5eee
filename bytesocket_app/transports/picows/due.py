"""Deadlines of one length: a queue instead of a timer for each of ten thousand connections."""

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Due(Generic[T]):
    """Things that all come due after the same time, and so in the order they were added.

    Args:
        seconds: The time; 0 for never.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._waiting: deque[tuple[float, T]] = deque()

    def add(self, thing: T, now: float) -> None:
        """Have a thing come due `seconds` from now."""
        if self.seconds:
            self._waiting.append((now + self.seconds, thing))

    def take(self, now: float) -> Iterator[T]:
        """Take what is due; what is added meanwhile is not."""
        waiting = self._waiting
        while waiting and waiting[0][0] <= now:
            yield waiting.popleft()[1]
