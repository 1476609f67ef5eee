"""Concurrent handlers: how many may run for a connection, and for all of them."""

from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import Context, copy_context
from sys import maxsize
from typing import Protocol, TypeAlias

from anyio import CancelScope, Event
from anyio.abc import TaskGroup

from bytesocket_app.dispatch import Step

Work: TypeAlias = Callable[[], Awaitable[None]]
"""A concurrent handler's call, still to be made."""


class Starter(Protocol):
    """Connection with handlers that wait for a slot."""

    def start_one(self) -> bool:
        """Start a handler in a slot that is taken; False if there is none to start."""
        ...


class Slots:
    """Slots for the concurrent handlers of all connections.

    Connections that wait for one get them in turn, one at a time.

    Args:
        total: Number of slots; 0 for no limit.
    """

    def __init__(self, total: int = 0) -> None:
        self._free = total or maxsize
        self._queue: dict[Starter, None] = {}

    def take(self, starter: Starter) -> bool:
        """Take a slot; if there is none, wait for it in the queue."""
        if self._free and not self._queue:
            self._free -= 1
            return True
        self.wait(starter)
        return False

    def wait(self, starter: Starter) -> None:
        """Have `start_one` called when a slot is free, in turn."""
        self._queue[starter] = None

    def give_back(self) -> None:
        """Free a slot, for the connection that has waited longest."""
        self._free += 1
        while self._free and self._queue:
            starter = next(iter(self._queue))
            del self._queue[starter]
            self._free -= 1
            if not starter.start_one():
                self._free += 1

    def forget(self, starter: Starter) -> None:
        """Take a connection out of the queue."""
        self._queue.pop(starter, None)


class ConcurrentHandlers:
    """Concurrent handlers of one connection: those that run, and those that wait for a slot.

    Args:
        tasks: Runs them; it lives as long as the connection.
        slots: The slots of all connections.
        limit: Number of handlers that run at once; 0 for no limit.
        call: Makes a call, and never raises except to end everything.
        ended: Called when one has ended.

    Attributes:
        running: The steps of those that run, with their scopes.
        waiting: Those that wait. The connection handles no further message until there is none.
    """

    def __init__(
        self,
        tasks: TaskGroup,
        slots: Slots,
        limit: int,
        call: Callable[[Work], Awaitable[None]],
        ended: Callable[[], object],
    ) -> None:
        self.running: dict[CancelScope, Step] = {}
        self.waiting: deque[tuple[Context, Step, Work]] = deque()
        self._tasks = tasks
        self._slots = slots
        self._limit = limit or maxsize
        self._call = call
        self._ended = ended
        self._all_started: Event | None = None

    def __len__(self) -> int:
        """Return the number of those that run or wait."""
        return len(self.running) + len(self.waiting)

    def spawn(self, step: Step, work: Work) -> None:
        """Start a handler in a task of its own, or have it wait."""
        if self.waiting or not self._may_start():
            # It may be started by another connection's task, whose context is not this one's.
            self.waiting.append((copy_context(), step, work))
        else:
            self._start(step, work)

    def start_one(self) -> bool:
        """Start the first that waits in a slot that is taken; False if none may be started."""
        self._drop_if_closed()
        if not self.waiting or len(self.running) >= self._limit:
            return False
        self._start_next()
        if self.waiting and len(self.running) < self._limit:
            self._slots.wait(self)  # behind the others
        return True

    async def all_started(self) -> None:
        """Wait until none waits."""
        while self.waiting:
            if self._all_started is None:
                self._all_started = Event()
            await self._all_started.wait()

    def cut(self) -> None:
        """Cancel those with `cancel_on_close=True`."""
        for step in tuple(self.running.values()):
            step.cut()

    def drop_waiting(self) -> None:
        """Forget those that wait."""
        self.waiting.clear()
        self._slots.forget(self)
        self._tell()

    def cancel(self) -> None:
        """Forget those that wait, and cancel those that run."""
        self.drop_waiting()
        for scope in tuple(self.running):
            scope.cancel()

    def _drop_if_closed(self) -> None:
        """Forget those that wait once the server has closed the connection (protocol.md Q20)."""
        if self.waiting and self.waiting[0][1].sending.close_sent is not None:
            self.drop_waiting()

    def _may_start(self) -> bool:
        return len(self.running) < self._limit and self._slots.take(self)

    def _start_next(self) -> None:
        context, step, work = self.waiting.popleft()
        context.run(self._start, step, work)
        self._tell()

    def _tell(self) -> None:
        if not self.waiting and self._all_started is not None:
            self._all_started.set()
            self._all_started = None

    def _start(self, step: Step, work: Work) -> None:
        scope = CancelScope()
        self.running[scope] = step
        self._tasks.start_soon(self._run, scope, work)

    async def _run(self, scope: CancelScope, work: Work) -> None:
        try:
            with scope:
                await self._call(work)
        finally:
            del self.running[scope]
            self._slots.give_back()
            self._drop_if_closed()
            while self.waiting and self._may_start():
                self._start_next()
            self._ended()
