"""One writer for all sockets of a process, instead of one task each.

Transports with output queue up; one task flushes them in turn. A flush that has to wait keeps its
task, and another takes over the rest, so a slow reader holds up nobody.
"""

from collections import deque
from functools import partial
from typing import Final, Protocol

from anyio import Event
from anyio.abc import TaskGroup

from bytesocket_app.transports.suspension import OnSuspend

SPARE: Final = 8
"""Idle tasks kept for the next time; the rest end when they have nothing to do."""


class Flushable(Protocol):
    """What the writer flushes."""

    async def send_all(self) -> None:
        """Send what waits."""
        ...


class Writer:
    """Flushes transports, in a task group that somebody lends it.

    At most one task is in charge of the queue; the others wait in a flush each, or are idle.
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
        """How many tasks wait for something to do."""
        return len(self._idle)

    def put(self, transport: Flushable) -> None:
        """Have a transport flushed soon. Each transport sees to it that it waits only once."""
        self._waiting.append(transport)
        if not self._in_charge:
            self._summon()

    def lend(self, tasks: TaskGroup) -> None:
        """Run in this task group from now on."""
        self._tasks = tasks
        self._lent += 1
        self._in_charge = False
        if self._waiting:
            self._summon()

    def reclaim(self) -> None:
        """Start nothing more in the lent group; its idle tasks end, busy ones after their flush."""
        self._tasks = None
        self._lent += 1
        self._in_charge = False
        while self._idle:
            self._idle.pop().set()

    def _summon(self) -> None:
        """Put a task in charge. Nothing to do if there is one: a fan-out wakes one, not all."""
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
        """Flush what waits until nothing does, or until another task is in charge."""
        while lent == self._lent:
            if not self._waiting:
                self._in_charge = False
                return
            reliefs = self._reliefs
            await OnSuspend(self._flush_in_turn(lent), partial(self._hand_over, lent))
            if lent != self._lent:
                return
            if reliefs != self._reliefs:  # the flush had to wait, and gave the charge away
                if self._in_charge:
                    return
                self._in_charge = True

    async def _flush_in_turn(self, lent: int) -> None:
        """Flush one after another, until one has to wait: that is the last."""
        waiting, reliefs = self._waiting, self._reliefs
        while waiting and reliefs == self._reliefs and lent == self._lent:
            await waiting.popleft().send_all()

    def _hand_over(self, lent: int) -> None:
        if lent == self._lent:
            self._reliefs += 1
            self._in_charge = False
            if self._waiting:
                self._summon()
