"""One writer for all sockets of a process, instead of one task each.

Transports with output queue up; one task flushes them in turn. A flush that has to wait keeps its
task, and another takes over the rest, so a slow reader holds up nobody.
"""

from collections import deque
from typing import Final, Protocol

from anyio import Event
from anyio.abc import TaskGroup

from bytesocket_app.transports.suspension import OnSuspend

SPARE: Final = 8
"""Idle tasks kept for the next time; the rest end when they have nothing to do."""


class Flushable(Protocol):
    """What the writer flushes."""

    async def flush(self) -> None:
        """Send what waits."""
        ...


class Writer:
    """Flushes transports, in a task group that somebody lends it."""

    def __init__(self) -> None:
        self._waiting: deque[Flushable] = deque()
        self._idle: list[Event] = []
        self._tasks: TaskGroup | None = None
        self._lent = 0

    def put(self, transport: Flushable) -> None:
        """Have a transport flushed soon. Each transport sees to it that it waits only once."""
        self._waiting.append(transport)
        self._summon()

    def lend(self, tasks: TaskGroup) -> None:
        """Run in this task group from now on."""
        self._tasks = tasks
        self._lent += 1
        if self._waiting:
            self._summon()

    def reclaim(self) -> None:
        """Start nothing more in the lent group; its idle tasks end, busy ones after their flush."""
        self._tasks = None
        self._lent += 1
        self._wake_all()

    def _summon(self) -> None:
        if self._idle:
            self._idle.pop().set()
        elif self._tasks is not None:
            self._tasks.start_soon(self._work, self._lent)

    def _wake_all(self) -> None:
        while self._idle:
            self._idle.pop().set()

    async def _work(self, lent: int) -> None:
        while lent == self._lent:
            while self._waiting and lent == self._lent:
                await OnSuspend(self._waiting.popleft().flush(), self._hand_over)
            if lent != self._lent or len(self._idle) >= SPARE:
                return
            wakeup = Event()
            self._idle.append(wakeup)
            await wakeup.wait()

    def _hand_over(self) -> None:
        if self._waiting:
            self._summon()
