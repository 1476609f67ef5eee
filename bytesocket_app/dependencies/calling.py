"""Calls with dependencies: make them, call the function, clean them up in any case."""

import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any

from anyio import CancelScope, CapacityLimiter, current_time, get_cancelled_exc_class, to_thread
from typing_extensions import TypeIs

from bytesocket_app.arguments import arranged, picking, underlying
from bytesocket_app.errors import where
from bytesocket_app.threads import in_thread

logger = logging.getLogger("bytesocket")

Values = list[Any]
"""Values of a call so far: those of all offers, then the results of the steps, in order."""

CleanUp = Callable[[BaseException | None], Awaitable[object]]
"""Function that runs the code after a `yield`; an exception given to it is raised there."""

Picks = list[tuple[str | None, int]]


@dataclass(frozen=True, slots=True)
class DependencyStep:
    """Step of a call that makes one value.

    Attributes:
        make: Function of all values so far that returns the value; None if `open` is used.
        open: Function of all values so far that returns the value and its clean-up.
        source: `file:line` of the function, for the log.
    """

    make: Callable[..., Awaitable[Any]] | None
    open: Callable[..., Awaitable[tuple[Any, CleanUp]]] | None = None
    source: str = ""


def step(function: Callable[..., Any], picks: Picks, width: int) -> DependencyStep:
    """Return the step for a dependency's function.

    Args:
        function: The function as the application wrote it.
        picks: For each parameter its keyword, None for a positional one, and its value's index.
        width: Number of values before this step.
    """
    target = underlying(function)
    if not isinstance(function, type):
        if inspect.isasyncgenfunction(target):
            entered = picking(asynccontextmanager(function), picks, width)
            return DependencyStep(None, partial(_enter, entered), where(function))
        if inspect.isgeneratorfunction(target):
            entered = picking(contextmanager(function), picks, width)
            return DependencyStep(None, partial(_enter_in_thread, entered), where(function))
    return DependencyStep(arranged(function, picks, width))


def at_once(function: Callable[..., Any], *indexes: int) -> DependencyStep:
    """Return the step for a function of the framework, called without a thread.

    Args:
        function: The function.
        indexes: Indexes of the values to pass.
    """

    async def make(*values: Any) -> Any:
        return function(*(values[index] for index in indexes))

    return DependencyStep(make)


async def run(
    steps: Sequence[DependencyStep],
    invoke: Callable[..., Awaitable[Any]],
    values: Values,
    bound: float,
) -> Any:
    """Make the dependencies, call the function, and clean up; returns the function's result.

    Clean-up runs in reverse order, shielded from cancellation of the call. A clean-up that
    suppresses the exception raised in it does not make the call succeed; one that raises another
    exception determines the call's outcome, unless the call was cancelled.

    Args:
        steps: Steps that make the dependencies.
        invoke: The function, called with all values.
        values: The values of the offers; the results of the steps are appended.
        bound: Seconds for all clean-up; 0 for no limit.
    """
    makes = [each.make for each in steps if each.make is not None]
    if len(makes) == len(steps):  # nothing to clean up
        for make in makes:
            values.append(await make(*values))
        return await invoke(*values)
    opened: list[tuple[CleanUp, str]] = []
    result, error = None, None
    # The scope is entered before anything is made: a dependency may hold a cancel scope or a
    # task group over its `yield`, and those must be left in the reverse order of entering.
    with CancelScope() as shelter:
        try:
            for each in steps:
                if each.make is not None:
                    values.append(await each.make(*values))
                elif each.open is not None:
                    value, clean_up = await each.open(*values)
                    opened.append((clean_up, each.source))
                    values.append(value)
            result = await invoke(*values)
        except BaseException as exc:  # noqa: BLE001 - raised below, after the clean-up
            error = exc
        if opened:
            shelter.shield = True
            shelter.deadline = current_time() + bound if bound else inf
            error = await _close(opened, error, shelter)
    if error is not None:
        try:
            raise error
        finally:
            del error  # a frame that refers to its own traceback is freed by the collector only
    return result


async def _close(
    opened: list[tuple[CleanUp, str]], error: BaseException | None, shelter: CancelScope
) -> BaseException | None:
    """Clean up; return the exception that the call ends with, or None."""
    while opened:
        clean_up, source = opened.pop()
        try:
            await clean_up(error)
        except BaseException as exc:
            if _alone(exc) is error:
                continue
            if shelter.cancel_called and isinstance(exc, get_cancelled_exc_class()):
                logger.error("clean-up of dependency %s took too long", source)  # noqa: TRY400
            elif error is None or isinstance(error, Exception) or not isinstance(exc, Exception):
                error = exc
            else:
                logger.exception("clean-up of dependency %s failed", source)
    return error


def _alone(error: BaseException) -> BaseException:
    """Return the only exception of a group, which a task group over a `yield` wraps."""
    while _is_group(error) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _is_group(error: BaseException) -> TypeIs[BaseExceptionGroup[BaseException]]:
    return isinstance(error, BaseExceptionGroup)


async def _enter(
    entered: Callable[..., AbstractAsyncContextManager[Any]], *values: Any
) -> tuple[Any, CleanUp]:
    manager = entered(*values)
    value = await manager.__aenter__()

    async def clean_up(error: BaseException | None) -> object:
        trace = None if error is None else error.__traceback__
        return await manager.__aexit__(None if error is None else type(error), error, trace)

    return value, clean_up


async def _enter_in_thread(
    entered: Callable[..., AbstractContextManager[Any]], *values: Any
) -> tuple[Any, CleanUp]:
    manager = entered(*values)
    value, context = await in_thread(partial(_in_own_context, manager.__enter__))

    async def clean_up(error: BaseException | None) -> object:
        trace = None if error is None else error.__traceback__
        leave = partial(manager.__exit__, None if error is None else type(error), error, trace)
        leave = partial(context.run, leave)
        # A limiter of its own: clean-up must not wait for threads that wait for its resource.
        return await to_thread.run_sync(leave, abandon_on_cancel=True, limiter=CapacityLimiter(1))

    return value, clean_up


def _in_own_context(enter: Callable[[], Any]) -> tuple[Any, Context]:
    """Call a function in a new context; returns its value, and the context for the clean-up.

    Every call in a thread gets a copy of its caller's context. A generator that sets a ContextVar
    resets it by a token, which is good only in the context where it was set.
    """
    context = copy_context()
    return context.run(enter), context
