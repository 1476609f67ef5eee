"""Event-loop specifics: the one module of the core that asks asyncio or trio themselves.

Everything else speaks anyio, which has no word for these things.
"""

import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import copy_context
from math import inf
from threading import current_thread, main_thread
from typing import Any, Literal

from anyio import current_effective_deadline
from typing_extensions import TypeIs


def _loaded(name: str) -> Any:
    """Return a library if something has imported it: a loop that was never loaded does not run."""
    return sys.modules.get(name)


def is_asyncio() -> bool:
    """Return True inside a running asyncio event loop."""
    asyncio = _loaded("asyncio")
    if asyncio is None:
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def is_cancellation(error: BaseException) -> bool:
    """Return True for a cancellation that somebody asked for.

    A `CancelledError` that comes out of a function while nobody cancelled its task is stray: a
    future or a task of another library was cancelled, and its awaiter let that through. On trio
    only `trio.Cancelled` cancels, and nobody but trio can make one.
    """
    asyncio = _loaded("asyncio")
    if asyncio is not None and isinstance(error, asyncio.CancelledError):
        try:
            task = asyncio.current_task()
        except RuntimeError:  # no asyncio loop runs here
            return False
        return task is not None and task.cancelling() > 0
    trio = _loaded("trio")
    return trio is not None and isinstance(error, trio.Cancelled)


def cancelled_itself(error: BaseException) -> bool:
    """Return True for the cancellation of a task that no cancel scope around it asked for.

    A handler that cancels its own task does that, and code of another library that cancels a task
    it was lent. An adaptor ends that one connection then, and not what all connections share.
    """
    asyncio = _loaded("asyncio")
    is_asyncios = asyncio is not None and isinstance(error, asyncio.CancelledError)
    return is_asyncios and current_effective_deadline() > -inf


def is_stray(error: BaseException) -> bool:
    """Return True for a cancellation that nobody asked for; see `is_cancellation`.

    Of a group, True if it holds a stray one and nothing but ordinary exceptions beside it.
    """
    if is_group(error):
        is_plain = isinstance(error, Exception)
        inner = error.exceptions
        return not is_plain and all(isinstance(one, Exception) or is_stray(one) for one in inner)
    asyncio, trio = _loaded("asyncio"), _loaded("trio")
    if asyncio is not None and isinstance(error, asyncio.CancelledError):
        return not is_cancellation(error)
    # One that was kept, or came out of a scope of another task.
    is_trios = trio is not None and isinstance(error, trio.Cancelled)
    return is_trios and current_effective_deadline() > -inf


def is_failure(error: BaseException) -> bool:
    """Return True for what a user's function fails with: an exception, or a stray cancellation."""
    return isinstance(error, Exception) or is_stray(error)


def ends_everything(error: BaseException) -> bool:
    """Return True for an exception that must leave the task of one connection.

    That is a cancellation that a scope around the task asked for. Anything else ends this
    connection only: a function that cancels its own task too, `GeneratorExit`, and a
    `KeyboardInterrupt` that an application's code raises. (The servers' runners wait for signals,
    and asyncio cancels the main task at the first Ctrl+C.)
    """
    if is_group(error):
        return any(ends_everything(inner) for inner in error.exceptions)
    return is_cancellation(error) and not cancelled_itself(error)


def is_group(error: BaseException) -> TypeIs[BaseExceptionGroup[BaseException]]:
    """Return True for a group of exceptions, as task groups raise it."""
    return isinstance(error, BaseExceptionGroup)


def is_being_cancelled() -> bool:
    """Return True if this task was asked to cancel, whether or not that has reached it yet."""
    if current_effective_deadline() == -inf:
        return True
    asyncio = _loaded("asyncio")
    return asyncio is not None and is_cancellation(asyncio.CancelledError())


def running_loop() -> Literal["asyncio", "trio"]:
    """Return the name of the event loop that runs here."""
    trio = _loaded("trio")
    return "trio" if trio is not None and trio.lowlevel.in_trio_run() else "asyncio"


def caller_from_threads() -> Callable[[Callable[[], object]], None]:
    """Return what has the running event loop call functions, in their order, from any thread.

    It does nothing once the loop has ended.
    """
    if is_asyncio():
        schedule = _loaded("asyncio").get_running_loop().call_soon_threadsafe
    else:
        schedule = _loaded("trio").lowlevel.current_trio_token().run_sync_soon

    def call(function: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # trio.RunFinishedError is one
            schedule(function)

    return call


def spawn(function: Callable[[], Coroutine[Any, Any, None]], ended: Callable[[], object]) -> object:
    """Start a task that belongs to the event loop and to no other task; returns it, to be kept.

    The function handles all of its exceptions. The task has a copy of the caller's context. It is
    cancelled when the event loop shuts down: on trio once the main task is done.

    Args:
        function: The function.
        ended: Called when the task is over, also if asyncio cancels it before its first step.
    """
    if running_loop() == "trio":
        # A system task: only those may outlive their parent. Ctrl+C goes to the main task.
        trio = _loaded("trio")

        async def run() -> None:
            try:
                await function()
            finally:
                ended()

        protected = trio.lowlevel.enable_ki_protection(run)
        return trio.lowlevel.spawn_system_task(protected, context=copy_context())

    def done(_: object) -> None:
        ended()

    task = _loaded("asyncio").get_running_loop().create_task(function())
    task.add_done_callback(done)
    return task


def ends_the_program(error: BaseException) -> bool:
    """Return True for a KeyboardInterrupt or a SystemExit, also in a group."""
    if is_group(error):
        return any(ends_the_program(inner) for inner in error.exceptions)
    return isinstance(error, KeyboardInterrupt | SystemExit)


def interrupt_main_task() -> None:
    """Interrupt trio's main task, as Ctrl+C does.

    For what a task outside of it lets out that is to end the program: asyncio ends then by itself.
    Called by a function that `spawn` runs.
    """
    if running_loop() == "trio" and current_thread() is main_thread():
        signal.raise_signal(signal.SIGINT)


def after_turn(callback: Callable[[], object]) -> None:
    """Call a function once the network had a turn: after the event loop has polled it.

    Without a running loop, as in a plain unit test, the function is called at once.
    """
    asyncio, trio = _loaded("asyncio"), _loaded("trio")
    try:
        loop = None if asyncio is None else asyncio.get_running_loop()
    except RuntimeError:
        loop = None
    if loop is not None:
        # What is called soon runs after the next poll, and before what that found ready.
        loop.call_soon(loop.call_soon, callback)
    elif trio is not None and trio.lowlevel.in_trio_run():
        trio.lowlevel.current_trio_token().run_sync_soon(callback)
    else:
        callback()
