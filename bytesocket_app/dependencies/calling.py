"""One call with dependencies: make them, call the function, clean up whatever came of it."""

import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any

from anyio import CancelScope, CapacityLimiter, current_time, get_cancelled_exc_class, to_thread
from typing_extensions import TypeIs

from bytesocket_app.arguments import arranged, picking, underlying
from bytesocket_app.errors import where

logger = logging.getLogger("bytesocket")

Values = list[Any]
"""What a call has so far: the values of all offers, then what each step made, in order."""

CleanUp = Callable[[BaseException | None], Awaitable[object]]
"""Runs what follows a `yield`; given an exception, throws it in there."""

Picks = list[tuple[str | None, int]]


@dataclass(frozen=True, slots=True)
class DependencyStep:
    """How one value of a call is made.

    Attributes:
        make: Given all values so far; None if `open` makes it.
        open: Given all values so far, returns the value and its clean-up.
        source: `file:line` of the function, for the log.
    """

    make: Callable[..., Awaitable[Any]] | None
    open: Callable[..., Awaitable[tuple[Any, CleanUp]]] | None = None
    source: str = ""


def step(function: Callable[..., Any], picks: Picks, width: int) -> DependencyStep:
    """Make a step of a dependency's function.

    Args:
        function: As the application wrote it.
        picks: For each parameter its keyword, None for a positional one, and the value's index.
        width: How many values there are when its turn comes.
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
    """Make a step of something of ours that needs no thread, given the values of the indexes."""

    async def make(*values: Any) -> Any:
        return function(*(values[index] for index in indexes))

    return DependencyStep(make)


async def run(
    steps: Sequence[DependencyStep],
    invoke: Callable[..., Awaitable[Any]],
    values: Values,
    bound: float,
) -> Any:
    """Carry out a call.

    Clean-up runs in the reverse order, sheltered from the call's deadline. A clean-up that
    swallows the exception thrown into it does not make the call succeed; one that raises another
    gives the call's outcome, unless the call was cancelled.

    Args:
        steps: What to make first.
        invoke: The function, called with all values.
        values: The values of the offers; what the steps make is appended.
        bound: Seconds for all clean-up; 0 for as long as it likes.
    """
    makes = [each.make for each in steps if each.make is not None]
    if len(makes) == len(steps):  # nothing to clean up
        for make in makes:
            values.append(await make(*values))
        return await invoke(*values)
    opened: list[tuple[CleanUp, str]] = []
    result, error = None, None
    # The shelter is put up before anything is made: a dependency may hold a cancel scope or a
    # task group over its `yield`, and those must be left in the order they were entered.
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
            del error  # a frame that holds its own traceback is garbage only for the collector
    return result


async def _close(
    opened: list[tuple[CleanUp, str]], error: BaseException | None, shelter: CancelScope
) -> BaseException | None:
    """Clean up; returns what the call ends with, None where all went well."""
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
    """The exception that a task group over a `yield` wrapped, where it had no other."""
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
    value = await to_thread.run_sync(manager.__enter__)

    async def clean_up(error: BaseException | None) -> object:
        trace = None if error is None else error.__traceback__
        leave = partial(manager.__exit__, None if error is None else type(error), error, trace)
        # A limiter of its own: clean-up must not wait for threads that wait for what it frees.
        return await to_thread.run_sync(leave, abandon_on_cancel=True, limiter=CapacityLimiter(1))

    return value, clean_up
