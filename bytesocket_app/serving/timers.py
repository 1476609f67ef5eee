"""Runner of timers (`@app.every`): each in a task inside the application's lifespan."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

from anyio import create_task_group
from anyio.abc import TaskGroup

from bytesocket_app.clock import Clock
from bytesocket_app.declarations.every import DeclaredTimers, RepeatedFunction
from bytesocket_app.errors import ErrorContext, Phase
from bytesocket_app.event_loop import ends_everything
from bytesocket_app.lifecycle.failures import Failures, leaf
from bytesocket_app.telemetry import Count, Operation, Telemetry

logger = logging.getLogger("bytesocket")

_UNREAD: Final = "emit what others are to know, and return None."


class TimerRunner:
    """Runner of an application's timers, once in a process.

    They run in the task group of the oldest user of the lifespan. If it leaves while others stay,
    as test clients in several tasks may, a turn is cancelled, and the next one is in time.

    Args:
        app: The application, which the functions may ask for.
        timers: The declared ones.
        clock: The application's clock.
        failures: The boundary for exceptions.
        telemetry: Told of each turn.
    """

    def __init__(
        self,
        app: object,
        timers: DeclaredTimers,
        clock: Clock,
        failures: Failures,
        telemetry: Telemetry,
    ) -> None:
        self._app = app
        self._timers = timers
        self._clock = clock
        self._failures = failures
        self._telemetry = telemetry
        self._lenders: list[TaskGroup] = []
        self._runs_in: TaskGroup | None = None
        self._begun: dict[RepeatedFunction, tuple[float, int]] = {}
        timers.added = self._added

    @property
    def what(self) -> str:
        """The first timer, with its place; empty if there is none."""
        return self._timers.all[0].what if self._timers.all else ""

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Run the timers for the block, unless they run already."""
        failure: Exception | None = None
        async with create_task_group() as tasks:
            self._lenders.append(tasks)
            if self._lenders == [tasks]:
                self._start(tasks)
            try:
                yield
            except Exception as error:  # noqa: BLE001 - raised outside the group, which would wrap it
                failure = error
            finally:
                self._lenders.remove(tasks)
                tasks.cancel_scope.cancel()
        if not self._lenders:
            self._begun.clear()
        elif self._runs_in is tasks:
            self._start(self._lenders[0])
        if failure is not None:
            raise failure

    def _start(self, tasks: TaskGroup) -> None:
        self._runs_in = tasks
        for timer in self._timers.all:
            if timer not in self._begun:
                logger.info("%s begins; each process runs its own", timer.what)
            tasks.start_soon(self._repeat, timer)

    def _added(self, timer: RepeatedFunction) -> None:
        if self._lenders:
            self._lenders[0].start_soon(self._repeat, timer)

    async def _repeat(self, timer: RepeatedFunction) -> None:
        clock, interval = self._clock, timer.interval
        first, turn = self._begun.get(timer) or (
            clock.now() + (0.0 if timer.immediately else interval),
            0,
        )
        while True:
            self._begun[timer] = (first, turn)
            due = first + turn * interval  # a product, as a sum drifts
            await clock.sleep(max(due - clock.now(), 0))
            await self._turn(timer)
            turn += 1
            if missed := max(int((clock.now() - due) // interval), 0):
                turn += missed
                self._telemetry.count(Count.LATE, phase=Phase.EVERY)
                logger.warning("%s took longer: turns left out: %d", timer.what, missed)

    async def _turn(self, timer: RepeatedFunction) -> None:
        """Call the function once, in a task of its own; only a cancellation leaves this.

        A function may cancel its task, or lend it to code that does. That ends one turn, and
        not the timer.
        """
        async with create_task_group() as tasks:
            tasks.start_soon(self._observed, timer)

    async def _observed(self, timer: RepeatedFunction) -> None:
        telemetry, token = self._telemetry, None
        if telemetry.listener is not None:
            source, interval = timer.bound.source, timer.interval
            token = telemetry.began(Operation.TURN, {"source": source, "interval": interval})
        outcome = "cancelled"
        try:
            outcome = "ok" if await self._called(timer) else "internal"
        finally:
            if token is not None:
                telemetry.ended(token, outcome)

    async def _called(self, timer: RepeatedFunction) -> bool:
        source = timer.bound.source
        try:
            value: Any = await timer.bound.invoke(self._app)
            if value is not None:
                what = f"a function of every({timer.interval:g})"
                self._failures.promises.unread(what, source, value, _UNREAD)
        except BaseException as raised:
            error = leaf(raised)
            if ends_everything(error) or isinstance(error, KeyboardInterrupt):
                raise
        else:
            return True
        logger.error("%s failed", timer.what, exc_info=error)
        self._telemetry.count(Count.FAILED, source=source)
        await self._failures.report(None, ErrorContext(Phase.EVERY, error))
        return False
