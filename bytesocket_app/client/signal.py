"""Primitives to wait for a change."""

from collections.abc import Awaitable, Callable, Generator
from typing import Any

import anyio
from typing_extensions import override


class Signal:
    """A notification that can be waited for repeatedly."""

    def __init__(self) -> None:
        self._event: anyio.Event | None = None

    def notify(self) -> None:
        """Wake all current waiters; later ones wait for the next call."""
        event, self._event = self._event, None
        if event is not None:
            event.set()

    async def wait(self) -> None:
        """Wait for the next `notify`."""
        if self._event is None:
            self._event = anyio.Event()
        await self._event.wait()


class Ready(Awaitable[None]):
    """An awaitable that may be awaited any number of times, or never."""

    def __init__(self, wait: Callable[[], Awaitable[None]]) -> None:
        self._wait = wait

    @override
    def __await__(self) -> Generator[Any, None, None]:
        return self._wait().__await__()
