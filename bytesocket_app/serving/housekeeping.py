"""Housekeeping: tasks that serve all sockets, which check deadlines and write output.

They run in the task group of a lifespan or of a runner. Without one (a bare mount, a test) they run
in that of the oldest connection, and move to the next one when it ends.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from math import inf
from typing import Final, Protocol

from anyio import CancelScope, Event, create_task_group, sleep
from anyio.abc import TaskGroup

from bytesocket_app.settings import Timeouts
from bytesocket_app.transports.writer import Writer

SHORTEST: Final = 0.25
LONGEST: Final = 1.0
"""Greatest number of seconds between two checks of the deadlines."""


def sweep_interval(timeouts: Timeouts) -> float:
    """Return the seconds between two checks of the deadlines: a tenth of the shortest, bounded.

    A deadline is noticed up to two checks late: a step counts from the first check it is seen by.
    """
    swept = [timeouts.auth, timeouts.middleware, timeouts.handler, timeouts.idle, timeouts.close]
    # A fifth of these two is soon enough: they end what is over already.
    swept += [2 * timeouts.after_close, 2 * timeouts.stalled]
    shortest = min((seconds for seconds in swept if seconds), default=inf)
    return min(max(shortest / 10, SHORTEST), LONGEST)


class RunningConnection(Protocol):
    """Running connection, with the methods that housekeeping calls."""

    def check(self, now: float) -> None:
        """Compare its deadlines with the time."""
        ...

    def abort(self) -> None:
        """Drop the connection."""
        ...


class Housekeeping:
    """Runner of the tasks that serve all sockets.

    Args:
        clock: Returns the time that deadlines are compared with.
        interval: Seconds between two checks of the deadlines.

    Attributes:
        connections: The running connections, oldest first, with their task groups.
        writer: Flushes sockets that have output.
        clock: As it was given.
    """

    def __init__(self, clock: Callable[[], float], interval: float = SHORTEST) -> None:
        self._interval = interval
        self.connections: dict[RunningConnection, TaskGroup] = {}
        self.writer = Writer()
        self.clock = clock
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
        if owner is not None:
            self._sweeping = CancelScope()
            owner.start_soon(self._sweep_forever, self._sweeping)
            self.writer.lend(owner)

    async def _sweep_forever(self, scope: CancelScope) -> None:
        with scope:
            while True:
                await sleep(self._interval)
                self.sweep(self.clock())
