"""Running a connection's coroutine from the read callback, without waking its task.

A connection's task is parked most of the time. To wake it takes two turns of the event loop, more
than a small message needs. So the task's coroutine can also be resumed from outside, with the task
set as the current one (`asyncio._enter_task`, see "Extending asyncio" in Python's documentation),
until it parks again. If it waits for something else before that, the task is woken and continues
from there.
"""

import asyncio
from asyncio import tasks as asyncio_tasks
from collections.abc import Callable, Coroutine, Generator
from contextvars import copy_context
from types import coroutine as generator_coroutine
from typing import Any, Final

_enter: Final[Callable[[Any, Any], None]] = getattr(asyncio_tasks, "_enter_task")  # noqa: B009
_leave: Final[Callable[[Any, Any], None]] = getattr(asyncio_tasks, "_leave_task")  # noqa: B009

_PARKED: Final = object()
"""Value that a parked coroutine yields."""
_NOTHING: Final = object()
"""Marker for no awaited object, because None is a valid one."""


@generator_coroutine
def park() -> Generator[Any, None, None]:
    """Wait until `InlineTask.take` or `InlineTask.wake`; only in the coroutine of an InlineTask."""
    yield _PARKED


class InlineTask:
    """Awaitable around a coroutine, which can be resumed from outside while it is parked.

    The coroutine always runs in one `contextvars` context of its own.

    Args:
        coroutine: The coroutine to await.
        on_wait: Called whenever the coroutine waits without being parked.
    """

    __slots__ = (
        "_context",
        "_coroutine",
        "_failure",
        "_is_done",
        "_loop",
        "_on_wait",
        "_parked",
        "_request",
        "_send",
        "_task",
    )

    def __init__(self, coroutine: Coroutine[Any, Any, None], on_wait: Callable[[], object]) -> None:
        self._coroutine = coroutine
        self._send = coroutine.send
        self._on_wait = on_wait
        self._context = copy_context()
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[Any] | None = asyncio.current_task()
        self._parked: asyncio.Future[None] | None = None
        self._request: Any = _NOTHING
        self._failure: BaseException | None = None
        self._is_done = False

    def take(self) -> None:
        """Resume a parked coroutine in the caller; do nothing if it is not parked."""
        parked = self._parked
        if parked is None or parked.done():
            return
        try:
            _enter(self._loop, self._task)
        except RuntimeError:  # called from another task: resume in the coroutine's own task
            parked.set_result(None)
            return
        try:
            request = self._context.run(self._send, None)
        except StopIteration:
            self._is_done = True
        except BaseException as exc:  # noqa: BLE001 - raised again in the task
            self._is_done, self._failure = True, exc
        else:
            if request is _PARKED:
                return
            self._request = request
            self._on_wait()
        finally:
            _leave(self._loop, self._task)
        self.wake()  # does nothing if the step woke it already

    def wake(self) -> None:
        """Resume a parked coroutine in its own task."""
        if self._parked is not None and not self._parked.done():
            self._parked.set_result(None)

    def __await__(self) -> Generator[Any, Any, None]:
        """Run the coroutine in the awaiting task, except while it is resumed from outside."""
        send, throw = self._send, self._coroutine.throw
        step: Callable[[Any], Any] = send
        answer: Any = None
        while True:
            try:
                request = self._context.run(step, answer)
            except StopIteration:
                return
            step, answer = send, None
            try:
                if request is _PARKED:
                    request = yield from self._park()
                else:
                    self._on_wait()
                if request is not _NOTHING:
                    answer = yield request
            except GeneratorExit:
                self._coroutine.close()
                raise
            except BaseException as exc:  # noqa: BLE001 - thrown into the coroutine
                step, answer = throw, exc
            if self._is_done:
                if self._failure is not None:
                    raise self._failure
                return

    def _park(self) -> Generator[Any, Any, Any]:
        """Wait; returns the object that the coroutine waits for since, if there is one."""
        self._parked = self._loop.create_future()
        try:
            yield from self._parked
        finally:
            self._parked = None
            request, self._request = self._request, _NOTHING
        return request
