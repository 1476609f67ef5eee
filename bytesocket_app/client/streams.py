"""Iterators over events: `async for event in chat.events(Posted)`."""

from collections import deque
from collections.abc import Callable
from typing import Generic, Self, TypeVar

from bytesocket_app.client.signal import Signal

E = TypeVar("E")


class EventStream(Generic[E]):
    """An iterator over the events of one class, which continues over reconnections.

    Events are collected from its creation on. The iteration ends when the iterator or the client
    is closed. If more than `limit` events wait, the oldest are dropped.

    Args:
        limit: Largest number of waiting events.
        check: Called before a wait; raises an exception if the wait would have no end.
    """

    def __init__(self, limit: int, check: Callable[[], object] = bool) -> None:
        self._limit = limit
        self._check = check
        self._waiting: deque[E] = deque()
        self._is_ended = False
        self._changed = Signal()

    def push(self, event: E) -> bool:
        """Add an event; returns False if the oldest one was dropped for it."""
        if self._is_ended:
            return True
        has_space = len(self._waiting) < self._limit
        if not has_space:
            self._waiting.popleft()
        self._waiting.append(event)
        self._changed.notify()
        return has_space

    def end(self) -> None:
        """End the iteration after the events that wait."""
        self._is_ended = True
        self._changed.notify()

    async def aclose(self) -> None:
        """End the iteration at once and drop the events that wait. Never waits."""
        self._waiting.clear()
        self.end()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        while not self._waiting:
            if self._is_ended:
                raise StopAsyncIteration
            self._check()
            await self._changed.wait()
        return self._waiting.popleft()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
