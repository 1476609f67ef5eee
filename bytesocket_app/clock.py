"""Clock of an application, `app.clock`: the time of its deadlines, and sleeping by it."""

import time
from collections.abc import Awaitable, Callable
from typing import Final

from anyio import sleep

_LONGEST: Final = 86_400.0
"""Seconds of one sleep of an event loop: uvloop's timers end at some millions of years."""

Sleep = Callable[[float], Awaitable[None]]


class Clock:
    """Time as the application's deadlines see it: ask for it by `clock: Clock`, or `app.clock`.

    ::

        @app.on(Start)
        async def start(socket: Socket, clock: Clock) -> None:
            await clock.sleep(3)
            await socket.emit(Over())

    It is the real time, except in tests: `bytesocket_app.testing.virtual_clock` stops it, and
    advances it without a wait.

    Args:
        read: Returns the time in seconds.

    Attributes:
        sleeper: Function that waits for a number of seconds; replaced by the virtual clock.
    """

    def __init__(self, read: Callable[[], float]) -> None:
        self._read = read
        self.sleeper: Sleep = real_sleep

    def now(self) -> float:
        """Return the time in seconds from an arbitrary start; it never goes back."""
        return self._read()

    async def sleep(self, seconds: float) -> None:
        """Wait for a number of seconds; 0 lets the other tasks run.

        `math.inf` waits until the task is cancelled. A cancellation leaves nothing behind.

        Raises:
            ValueError: The number is negative, or none.
        """
        if not seconds >= 0:
            raise ValueError(f"clock.sleep({seconds!r}): seconds are a number from 0 on.")
        await self.sleeper(seconds)


async def real_sleep(seconds: float) -> None:
    """Wait for a number of real seconds, however great."""
    end = time.monotonic() + seconds
    while seconds > _LONGEST:
        await sleep(_LONGEST)
        seconds = end - time.monotonic()
    await sleep(max(seconds, 0))
