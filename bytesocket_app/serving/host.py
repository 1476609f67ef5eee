"""Where the work for all sockets runs: the sweep of deadlines, and the shared writer.

A lifespan or a runner lends its task group. Without one (a bare mount, a test) the oldest
connection lends its own, and hands over when it ends.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final, Protocol

from anyio import CancelScope, Event, create_task_group, sleep
from anyio.abc import TaskGroup

from bytesocket_app.transports.writer import Writer

SWEEP_INTERVAL: Final = 0.25
"""Seconds between two looks at the deadlines; the slack that every deadline has."""


class Hosted(Protocol):
    """A running connection, as far as the host is concerned."""

    def check(self, now: float) -> None:
        """Compare its deadlines with the time."""
        ...

    def abort(self) -> None:
        """Drop the connection."""
        ...


class Host:
    """Runs what serves all sockets, wherever there is a task group for it.

    Attributes:
        sessions: The running connections, oldest first, with their task groups.
        writer: What flushes sockets that have output.
        clock: The time that deadlines are compared with.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.sessions: dict[Hosted, TaskGroup] = {}
        self.writer = Writer()
        self.clock = clock
        self._owner: TaskGroup | None = None
        self._sweeping: CancelScope | None = None
        self._emptied: Event | None = None

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        """Lend a task group of its own for as long as the context lasts."""
        async with create_task_group() as tasks:
            self._settle(tasks)
            try:
                yield
            finally:
                self._withdraw()
                tasks.cancel_scope.cancel()

    def enter(self, session: Hosted, tasks: TaskGroup) -> None:
        """A connection begins."""
        self.sessions[session] = tasks
        if self._owner is None:
            self._settle(tasks)

    def leave(self, session: Hosted) -> None:
        """A connection ends; if it was the host, the oldest of the others takes over."""
        tasks = self.sessions.pop(session)
        if not self.sessions and self._emptied is not None:
            self._emptied.set()
        if tasks is self._owner:
            self._withdraw()
            heir = next(iter(self.sessions.values()), None)
            if heir is not None:
                self._settle(heir)

    async def emptied(self) -> None:
        """Wait until no connection is left."""
        while self.sessions:
            self._emptied = Event()
            await self._emptied.wait()

    def sweep(self, now: float) -> None:
        """Compare every connection's deadlines with `now`, in seconds of `clock`."""
        for session in tuple(self.sessions):
            session.check(now)

    def _settle(self, tasks: TaskGroup) -> None:
        if self._owner is not None:
            self._withdraw()
        self._owner = tasks
        self._sweeping = CancelScope()
        tasks.start_soon(self._sweep_forever, self._sweeping)
        self.writer.lend(tasks)

    def _withdraw(self) -> None:
        self._owner = None
        if self._sweeping is not None:
            self._sweeping.cancel()
        self.writer.reclaim()

    async def _sweep_forever(self, scope: CancelScope) -> None:
        with scope:
            while True:
                await sleep(SWEEP_INTERVAL)
                self.sweep(self.clock())
