"""`async for event in chat.events(Posted)`: events as they come."""

from collections import deque
from typing import Generic, Self, TypeVar

from bytesocket_app.client.signal import Signal

E = TypeVar("E")


class EventStream(Generic[E]):
    """An iterator over the events of one class; it goes on over reconnections.

    It collects from the moment it is made, and ends when it or the client is closed. If more than
    `limit` events wait, the oldest go.

    Args:
        limit: How many events may wait.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[E] = deque()
        self._is_ended = False
        self._changed = Signal()

    def push(self, event: E) -> bool:
        """Add an event; False if the oldest one had to go for it."""
        if self._is_ended:
            return True
        has_space = len(self._waiting) < self._limit
        if not has_space:
            self._waiting.popleft()
        self._waiting.append(event)
        self._changed.notify()
        return has_space

    def end(self) -> None:
        """Let the iteration end once what waits has been taken."""
        self._is_ended = True
        self._changed.notify()

    async def aclose(self) -> None:
        """End at once."""
        self._waiting.clear()
        self.end()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        while not self._waiting:
            if self._is_ended:
                raise StopAsyncIteration
            await self._changed.wait()
        return self._waiting.popleft()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
