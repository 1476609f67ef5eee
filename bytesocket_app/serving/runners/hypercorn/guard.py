"""Boundary around one connection of hypercorn, whose task groups have none."""

from collections.abc import Callable, Coroutine
from typing import Any

from bytesocket_app.event_loop import is_cancellation, is_group
from bytesocket_app.serving.runners.failures import tell
from bytesocket_app.transports.asgi import ABORT


async def guarded(run: Coroutine[Any, Any, None], abort: Callable[[], object]) -> None:
    """Await the run of one connection; whatever it raises ends this connection alone.

    Raises:
        KeyboardInterrupt: It was raised.
        BaseException: The event loop's own cancellation, which somebody asked for.
    """
    try:
        await run
    except BaseException as error:
        abort()
        passing = _passing(error)
        if passing is error:
            raise
        if passing is not None:
            raise passing from None
        tell(error)


def _passing(error: BaseException) -> BaseException | None:
    """Return what of an exception is not the connection's own business."""
    if is_group(error):
        return error.subgroup(_passes)
    return error if _passes(error) else None


def _passes(error: BaseException) -> bool:
    return not is_group(error) and (isinstance(error, KeyboardInterrupt) or is_cancellation(error))


def with_abort(app: Any, abort: Callable[[], object]) -> Any:
    """Wrap one connection's application: its scopes say how the connection is dropped."""

    async def run(scope: Any, *rest: Any) -> None:
        scope.setdefault("extensions", {})[ABORT] = abort
        await app(scope, *rest)

    return run
