"""Shared writer for all sockets of a process, in place of a task for each.

Transports with output wait in a queue, and one task flushes them in order. A flush that has to wait
keeps its task, and another task takes over the queue, so a slow reader delays no other socket.
"""

from collections import deque
from functools import partial
from typing import Final, Protocol

from anyio import Event
from anyio.abc import TaskGroup

from bytesocket_app.transports.suspension import OnSuspend

SPARE: Final = 8
"""Idle tasks that are kept; further ones end when they have nothing to do."""


class Flushable(Protocol):
    """Transport that the writer flushes."""

    async def send_all(self) -> None:
        """Send all waiting frames."""
        ...


class Writer:
    """Writer that flushes transports, in a task group that it is lent.

    At most one task takes transports from the queue; the others wait in a flush, or are idle.
    """

    def __init__(self) -> None:
        self._waiting: deque[Flushable] = deque()
        self._idle: list[Event] = []
        self._tasks: TaskGroup | None = None
        self._lent = 0
        self._in_charge = False
        self._reliefs = 0

    @property
    def idle(self) -> int:
        """Number of tasks that wait for something to do."""
        return len(self._idle)

    def put(self, transport: Flushable) -> None:
        """Queue a transport for a flush; a transport must not queue itself twice."""
        self._waiting.append(transport)
        if not self._in_charge:
            self._summon()

    def lend(self, tasks: TaskGroup) -> None:
        """Start tasks in this task group from now on."""
        self._tasks = tasks
        self._lent += 1
        self._in_charge = False
        if self._waiting:
            self._summon()

    def reclaim(self) -> None:
        """Start no more tasks in the lent group; idle ones end, busy ones end after their flush."""
        self._tasks = None
        self._lent += 1
        self._in_charge = False
        while self._idle:
            self._idle.pop().set()

    def _summon(self) -> None:
        """Start or wake a task for the queue, unless one has it, so a fan-out wakes only one."""
        if self._in_charge or self._tasks is None:
            return
        self._in_charge = True
        if self._idle:
            self._idle.pop().set()
        else:
            self._tasks.start_soon(self._work, self._lent)

    async def _work(self, lent: int) -> None:
        while lent == self._lent:
            await self._drain(lent)
            if lent != self._lent or len(self._idle) >= SPARE:
                return
            wakeup = Event()
            self._idle.append(wakeup)
            await wakeup.wait()

    async def _drain(self, lent: int) -> None:
        """Flush queued transports until none is left, or another task has taken over the queue."""
        while lent == self._lent:
            if not self._waiting:
                self._in_charge = False
                return
            reliefs = self._reliefs
            await OnSuspend(self._flush_in_turn(lent), partial(self._hand_over, lent))
            if lent != self._lent:
                return
            if reliefs != self._reliefs:  # the flush had to wait: another task has the queue
                if self._in_charge:
                    return
                self._in_charge = True

    async def _flush_in_turn(self, lent: int) -> None:
        """Flush transports one after another; the first flush that has to wait is the last."""
        waiting, reliefs = self._waiting, self._reliefs
        while waiting and reliefs == self._reliefs and lent == self._lent:
            await waiting.popleft().send_all()

    def _hand_over(self, lent: int) -> None:
        if lent == self._lent:
            self._reliefs += 1
            self._in_charge = False
            if self._waiting:
                self._summon()
