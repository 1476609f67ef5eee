"""Deadlines of one length: a queue instead of a timer for each of ten thousand connections."""

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar
from weakref import ReferenceType, ref

T = TypeVar("T")


class DeadlineQueue(Generic[T]):
    """Things that all come due after the same time, and so in the order they were added.

    What nobody else holds any more is forgotten: a closed connection does not wait to be due.

    Args:
        seconds: The time; 0 for never.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._waiting: deque[tuple[float, ReferenceType[T]]] = deque()

    def add(self, thing: T, now: float) -> None:
        """Have a thing come due `seconds` from now."""
        if self.seconds:
            self._waiting.append((now + self.seconds, ref(thing)))

    def take(self, now: float) -> Iterator[T]:
        """Take what is due; what is added meanwhile is not."""
        waiting = self._waiting
        while waiting and waiting[0][0] <= now:
            thing = waiting.popleft()[1]()
            if thing is not None:
                yield thing
