"""Tasks of a client, which belong to no task of its user."""

import logging
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any, Final

import anyio

from bytesocket_app.event_loop import (
    ends_the_program,
    interrupt_main_task,
    is_cancellation,
    spawn,
)

log = logging.getLogger("bytesocket.client")

_AROUND: Final = ContextVar[tuple["Background", ...]]("around", default=())
"""Those that run the code that asks, innermost last."""


class Background:
    """Functions that run until they are stopped, in a task of their own.

    A task group would belong to the task that entered it, and would have to be left there, and
    before those around it. This one may be started and stopped by any tasks of one event loop, and
    several of them in any order.

    Args:
        functions: Functions that run until they are cancelled, or until they are done.
    """

    def __init__(self, *functions: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._functions = functions
        self._scope = anyio.CancelScope()
        self._ended = anyio.Event()
        self._task: object = None
        self.crash: BaseException | None = None
        """Exception that ended the functions before they were stopped; None without one."""

    def start(self) -> None:
        """Start the functions."""
        self._task = spawn(self._run, self._ended.set)

    @property
    def is_around(self) -> bool:
        """True in code that the functions call, which must not wait until they have ended."""
        return self in _AROUND.get()

    async def stop(self) -> None:
        """Cancel the functions and wait until they have ended, also if cancelled meanwhile."""
        self._scope.cancel()
        with anyio.CancelScope(shield=True):
            await self._ended.wait()

    async def _run(self) -> None:
        _AROUND.set((*_AROUND.get(), self))
        try:
            with self._scope:
                async with anyio.create_task_group() as tasks:
                    for function in self._functions:
                        tasks.start_soon(function)
        except BaseException as error:
            if is_cancellation(error):
                raise
            self.crash = error
            if ends_the_program(error):
                interrupt_main_task()
            log.exception("the client ended: leave its `async with` to have this raised")
