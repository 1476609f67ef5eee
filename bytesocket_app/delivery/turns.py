"""Hooks in turn: each is called, whatever is cancelled between."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeAlias

from anyio import move_on_after
from anyio.lowlevel import checkpoint

from bytesocket_app.event_loop import is_being_cancelled

logger = logging.getLogger("bytesocket")

Call: TypeAlias = Callable[[], Awaitable[object]]
"""Call of a hook, still to be made."""


async def in_turn(calls: Iterator[Call]) -> None:
    """Await one call after another; a cancellation ends the one at work.

    A call is taken from the iterator when it begins, so those that have not begun remain there.
    """
    while True:
        if is_being_cancelled():
            await checkpoint()  # so that the cancellation meets no call before its begin
        call = next(calls, None)
        if call is None:
            return
        await call()


async def all_in_turn(calls: Iterator[Call], patience: float) -> None:
    """Do the same, but after a cancellation make the calls that remain before it goes on.

    Args:
        calls: The calls.
        patience: Seconds for each call that remains; 0 for no limit.
    """
    try:
        await in_turn(calls)
    except (GeneratorExit, KeyboardInterrupt):
        raise
    except BaseException:
        await rest_in_turn(calls, patience)
        raise


async def rest_in_turn(calls: Iterator[Call], patience: float) -> BaseException | None:
    """Await one call after another, shielded, each for a bounded time.

    Args:
        calls: The calls.
        patience: Seconds for each call; 0 for no limit.

    Returns:
        The first exception of one: a call may cancel its own task.
    """
    first = await _bounded(checkpoint, patience) if is_being_cancelled() else None
    while (call := next(calls, None)) is not None:
        ended = await _bounded(call, patience)
        first = first or ended
        if is_being_cancelled():
            await _bounded(checkpoint, patience)
    return first


async def _bounded(call: Call, patience: float) -> BaseException | None:
    try:
        with move_on_after(patience or None, shield=True) as scope:
            await call()
    except (GeneratorExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001 - told to the caller
        return error
    if scope.cancelled_caught:
        logger.error("a room's hook after a cancellation took longer than %g s", patience)
    return None
