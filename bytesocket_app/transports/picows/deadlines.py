"""Deadlines of equal length, in a queue instead of a timer for each connection."""

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar
from weakref import ReferenceType, ref

T = TypeVar("T")


class DeadlineQueue(Generic[T]):
    """Queue of objects that come due after the same time, so in the order they were added.

    The queue holds weak references, so a closed connection is freed before it is due.

    Args:
        seconds: Time until an object is due; 0 for never.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._waiting: deque[tuple[float, ReferenceType[T]]] = deque()

    def add(self, thing: T, now: float) -> None:
        """Add an object, due `seconds` after `now`."""
        if self.seconds:
            self._waiting.append((now + self.seconds, ref(thing)))

    def take(self, now: float) -> Iterator[T]:
        """Remove and yield the objects that are due; those added during the iteration are not."""
        waiting = self._waiting
        while waiting and waiting[0][0] <= now:
            thing = waiting.popleft()[1]()
            if thing is not None:
                yield thing
