"""Housekeeping: tasks that serve all sockets, which check deadlines and write output.

They run in the task group of a lifespan or of a runner. Without one (a bare mount, a test) they run
in that of the oldest connection, and move to the next one when it ends.
"""

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from math import inf
from typing import Final, Protocol

from anyio import CancelScope, Event, create_task_group, sleep
from anyio.abc import TaskGroup

from bytesocket_app.logs import restraint
from bytesocket_app.serving.concurrency import Slots
from bytesocket_app.settings import Limits, Timeouts
from bytesocket_app.transports.writer import Writer

logger = logging.getLogger("bytesocket")

SHORTEST: Final = 0.25
LONGEST: Final = 1.0
"""Greatest number of seconds between two checks of the deadlines."""


def sweep_interval(timeouts: Timeouts) -> float:
    """Return the seconds between two checks of the deadlines: a tenth of the shortest, bounded.

    A deadline is noticed up to two checks late: a step counts from the first check it is seen by.
    """
    swept = [timeouts.auth, timeouts.middleware, timeouts.handler, timeouts.idle, timeouts.close]
    swept.append(timeouts.silence)
    # A fifth of these two is soon enough: they end what is over already.
    swept += [2 * timeouts.after_close, 2 * timeouts.stalled]
    shortest = min((seconds for seconds in swept if seconds), default=inf)
    return min(max(shortest / 10, SHORTEST), LONGEST)


class Companion(Protocol):
    """Work with deadlines of its own beside that for connections."""

    def sweep(self, now: float, /) -> None:
        """Do what is due."""
        ...

    async def run(self) -> None:
        """Do what is due when it is, until cancelled."""
        ...


class RunningConnection(Protocol):
    """Running connection, with the methods that housekeeping calls."""

    def check(self, now: float) -> None:
        """Compare its deadlines with the time."""
        ...

    def abort(self) -> None:
        """Drop the connection."""
        ...

    def give_up(self) -> None:
        """End all work for a peer that is gone."""
        ...


class Housekeeping:
    """Runner of the tasks that serve all sockets.

    Args:
        clock: Returns the time that deadlines are compared with.
        interval: Seconds between two checks of the deadlines.
        limits: How much may run for all connections together.
        companion: Further work for as long as anybody lends a task group; None for none.

    Attributes:
        connections: The running connections, oldest first, with their task groups.
        writer: Flushes sockets that have output.
        clock: As it was given.
        slots: The slots of concurrent handlers.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        interval: float = SHORTEST,
        limits: Limits | None = None,
        companion: Companion | None = None,
    ) -> None:
        limits = limits or Limits()
        self._interval = interval
        self.slots = Slots(limits.concurrent_total)
        self._most_lost = limits.after_close
        self._lost: dict[RunningConnection, None] = {}
        self._given_up = 0
        self.connections: dict[RunningConnection, TaskGroup] = {}
        self.writer = Writer()
        self.clock = clock
        self._companion = companion
        self._lifespans: list[TaskGroup] = []
        self._owner: TaskGroup | None = None
        self._sweeping: CancelScope | None = None
        self._emptied: Event | None = None

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        """Lend a task group of its own for as long as the context lasts."""
        async with create_task_group() as tasks:
            self._lifespans.append(tasks)
            self._settle()
            try:
                yield
            finally:
                self._lifespans.remove(tasks)
                self._settle()
                tasks.cancel_scope.cancel()

    def enter(self, connection: RunningConnection, tasks: TaskGroup) -> None:
        """List a connection that begins."""
        self.connections[connection] = tasks
        self._settle()

    def lost(self, connection: RunningConnection) -> None:
        """List a connection whose peer is gone while messages of it are still handled.

        Beyond `Limits.after_close` the work for the one that was lost first ends.
        """
        self._lost[connection] = None
        if 0 < self._most_lost < len(self._lost):
            first = next(iter(self._lost))
            del self._lost[first]
            self._given_up += 1
            first.give_up()

    def handled(self, connection: RunningConnection) -> None:
        """Take note that no message of a connection is handled any more."""
        self._lost.pop(connection, None)

    def leave(self, connection: RunningConnection) -> None:
        """Take a connection off the list; if it ran the tasks, the oldest other one takes over."""
        del self.connections[connection]
        if not self.connections and self._emptied is not None:
            self._emptied.set()
            self._emptied = None
        self._settle()

    async def emptied(self) -> None:
        """Wait until no connection is left."""
        while self.connections:
            if self._emptied is None:
                self._emptied = Event()
            await self._emptied.wait()

    def sweep(self, now: float) -> None:
        """Compare every connection's deadlines with `now`, in seconds of `clock`."""
        for connection in tuple(self.connections):
            connection.check(now)
        if self._given_up:
            logger.warning(
                "messages of %d lost connections are dropped: more than %d were still at work "
                "(Limits.after_close)",
                self._given_up,
                self._most_lost,
            )
            self._given_up = 0
        if self._companion is not None:
            self._companion.sweep(now)
        restraint.settle()

    def _settle(self) -> None:
        """Run the tasks in the oldest lifespan, else in the oldest connection, else nowhere."""
        lenders = self._lifespans or self.connections.values()
        owner = next(iter(lenders), None)
        if owner is self._owner:
            return
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
            self.writer.reclaim()
        self._owner = owner
        if owner is None:
            restraint.settle(all_of_them=True)  # nobody else would
        else:
            self._sweeping = CancelScope()
            owner.start_soon(self._sweep_forever, self._sweeping)
            self.writer.lend(owner)

    async def _sweep_forever(self, scope: CancelScope) -> None:
        with scope:
            async with create_task_group() as tasks:
                if self._companion is not None:
                    tasks.start_soon(self._companion.run)
                while True:
                    await sleep(self._interval)
                    self.sweep(self.clock())
