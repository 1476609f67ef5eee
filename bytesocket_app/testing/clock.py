"""Virtual clock: time advances only when a test advances it."""

import heapq
import itertools
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from anyio import Event, move_on_after, sleep, wait_all_tasks_blocked
from anyio.lowlevel import checkpoint

from bytesocket_app.application import ByteSocket
from bytesocket_app.clock import real_sleep
from bytesocket_app.testing.log import NothingCame
from bytesocket_app.threads import at_work

DEADLINE: Final = 5.0
"""Real seconds that tasks may be at work before `elapse` gives up."""

_ROUNDS: Final = 8
"""Turns of the event loop that tasks get before it is asked whether they all wait."""

_MOMENT: Final = 1e-6
"""Seconds by which sums of intervals may differ from the time they stand for."""


class VirtualClock:
    """Clock that an application's deadlines are compared with, while it is installed.

    What sleeps by `app.clock`, and every `@app.every`, waits for it too.

    Attributes:
        now: Current time in seconds, from an arbitrary start.
    """

    def __init__(self, app: ByteSocket) -> None:
        self.now = 1000.0
        self._app = app
        self._sleepers: list[tuple[float, int, Event]] = []
        self._order = itertools.count()
        self._over = False

    def __call__(self) -> float:
        """Return the current time in seconds, as `time.monotonic` does."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Advance the time at once, and apply every deadline that has passed by then.

        For the framework's own deadlines. It does not wait, so that who sleeps by `app.clock`
        wakes later, at the new time; `elapse` goes there step by step.
        """
        self._sweep()  # what began since the last sweep began no later than now
        self.now += seconds
        self._sweep()
        self._wake_due()

    async def elapse(self, seconds: float) -> None:
        """Let seconds pass: each sleep that ends by then does so in its order and at its time.

        Each time it waits until all tasks wait for something, so that a countdown of ten seconds
        has made all of its ten steps when this returns. It takes no real time.

        Raises:
            ValueError: The seconds are negative.
            NothingCame: Tasks were still at work after five real seconds.
        """
        if not seconds >= 0:
            raise ValueError(f"clock.elapse({seconds!r}): time goes forward only.")
        end = self.now + seconds
        await self._settle()
        self._sweep()
        while (due := self._next()) is not None and due <= end + _MOMENT:
            self.now = max(self.now, due)
            self._sweep()
            await self._settle()  # a handler whose time is over ends before its sleep does
            self._wake_one()
            await self._settle()
            self._sweep()
        self.now = max(self.now, end)
        self._sweep()
        await self._settle()

    async def sleep(self, seconds: float) -> None:
        """Wait until the time has advanced by so much; what `app.clock.sleep` calls."""
        if self._over:
            await real_sleep(seconds)
        elif seconds <= 0:
            await checkpoint()
        else:
            due = self.now + seconds
            sleeper = (due, next(self._order), Event())
            heapq.heappush(self._sleepers, sleeper)
            try:
                await sleeper[2].wait()
            finally:
                if sleeper in self._sleepers:
                    self._sleepers.remove(sleeper)
                    heapq.heapify(self._sleepers)
            if self.now + _MOMENT < due:  # the clock was taken away
                await real_sleep(due - self.now)

    @property
    def last_in(self) -> float | None:
        """Seconds until the last of the present sleeps ends; None if nobody sleeps."""
        return max((due - self.now for due, *_ in self._sleepers), default=None)

    def end(self) -> None:
        """Let the time pass by itself from now on; who sleeps does so for what is left."""
        self._over = True
        while self._sleepers:
            heapq.heappop(self._sleepers)[2].set()

    def _sweep(self) -> None:
        self._app.housekeeping.sweep(self.now)

    def _next(self) -> float | None:
        return self._sleepers[0][0] if self._sleepers else None

    def _wake_one(self) -> None:
        if self._sleepers and self._sleepers[0][0] <= self.now:
            heapq.heappop(self._sleepers)[2].set()

    def _wake_due(self) -> None:
        while self._sleepers and self._sleepers[0][0] <= self.now + _MOMENT:
            heapq.heappop(self._sleepers)[2].set()

    async def _settle(self) -> None:
        """Wait until every task waits for something, and no function runs in a thread."""
        with move_on_after(DEADLINE):
            while True:
                for _ in range(_ROUNDS):
                    await checkpoint()
                await wait_all_tasks_blocked()
                if not at_work.threads:
                    return
                await sleep(0.001)
        raise NothingCame(
            f"tasks are still at work after {DEADLINE:g} real seconds, at {self.now:g} s of the "
            "virtual clock: something never waits, or waits in a thread."
        )


@contextmanager
def virtual_clock(app: ByteSocket) -> Generator[VirtualClock]:
    """Give an application a virtual clock; to be entered before its first connection.

    ::

        with virtual_clock(app) as clock:
            async with TestClient(app) as client:
                await client.emit(Start(seconds=3))
                await clock.elapse(3)
                assert await client.receive(Over)
    """
    clock, real = VirtualClock(app), app.housekeeping.clock
    sleeper = app.clock.sleeper
    app.housekeeping.clock, app.clock.sleeper = clock, clock.sleep
    try:
        yield clock
    finally:
        app.housekeeping.clock, app.clock.sleeper = real, sleeper
        clock.end()
