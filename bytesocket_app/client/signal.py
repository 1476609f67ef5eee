"""Waiting for something to change."""

from collections.abc import Awaitable, Callable, Generator
from typing import Any

import anyio
from typing_extensions import override


class Signal:
    """Wakes everybody who waits, again and again."""

    def __init__(self) -> None:
        self._event: anyio.Event | None = None

    def notify(self) -> None:
        """Wake those who wait now; those who come later wait for the next time."""
        event, self._event = self._event, None
        if event is not None:
            event.set()

    async def wait(self) -> None:
        """Wait for the next `notify`."""
        if self._event is None:
            self._event = anyio.Event()
        await self._event.wait()


class Ready(Awaitable[None]):
    """Something to `await`, as often as one likes; not awaiting it is no mistake."""

    def __init__(self, wait: Callable[[], Awaitable[None]]) -> None:
        self._wait = wait

    @override
    def __await__(self) -> Generator[Any, None, None]:
        return self._wait().__await__()
