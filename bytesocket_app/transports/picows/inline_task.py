"""Handling a message in the moment it is read, without waking a task for it.

A connection's own task is parked most of the time. Waking it takes two turns of the event loop,
which is more than the handling of a small message. So the coroutine that the task runs can also
be taken on from outside, in the task's name (`asyncio._enter_task`, from "Extending asyncio" in
Python's documentation), until it parks again. If it waits for something else before that, the
task is woken and goes on from there, as if it had come there itself.
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
"""What a parked coroutine yields."""
_NOTHING: Final = object()
"""In place of what a coroutine waits for, which may be None."""


@generator_coroutine
def park() -> Generator[Any, None, None]:
    """Wait until `InlineTask.take` or `InlineTask.wake`, inside the coroutine of `InlineTask`."""
    yield _PARKED


class InlineTask:
    """Awaits a coroutine; while that is parked, takes steps of it from outside.

    All of it runs in one context of its own, whoever takes the step.

    Args:
        coroutine: What to await.
        on_wait: Called whenever it waits for something else than to be taken on.
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
        """Go on with a parked coroutine right here; nothing happens if it is not parked."""
        parked = self._parked
        if parked is None or parked.done():
            return
        try:
            _enter(self._loop, self._task)
        except RuntimeError:  # called from another task: this one has to go on by itself
            parked.set_result(None)
            return
        try:
            request = self._context.run(self._send, None)
        except StopIteration:
            self._is_done = True
        except BaseException as exc:  # noqa: BLE001 - it belongs to the task
            self._is_done, self._failure = True, exc
        else:
            if request is _PARKED:
                return
            self._request = request
            self._on_wait()
        finally:
            _leave(self._loop, self._task)
        self.wake()  # unless the step did that itself

    def wake(self) -> None:
        """Have the task go on with a parked coroutine."""
        if self._parked is not None and not self._parked.done():
            self._parked.set_result(None)

    def __await__(self) -> Generator[Any, Any, None]:
        """Run the coroutine in the awaiting task, as far as steps do not take it on."""
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
            except BaseException as exc:  # noqa: BLE001 - it belongs to the coroutine
                step, answer = throw, exc
            if self._is_done:
                if self._failure is not None:
                    raise self._failure
                return

    def _park(self) -> Generator[Any, Any, Any]:
        """Wait; returns what the coroutine came to wait for meanwhile, if it did."""
        self._parked = self._loop.create_future()
        try:
            yield from self._parked
        finally:
            self._parked = None
            request, self._request = self._request, _NOTHING
        return request
