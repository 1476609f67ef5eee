"""Calls of a user's function by the client's own tasks."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from bytesocket_app.errors import ByteSocketError
from bytesocket_app.event_loop import is_failure

T = TypeVar("T")


async def isolated(function: Callable[[], Awaitable[T]], what: str) -> T:
    """Call a function in a task of its own, and return what it returns.

    A cancellation that it brings about itself does not end the caller: it has cancelled its own
    task, or awaited another that was cancelled.

    Args:
        function: Calls the user's code.
        what: What that is, for the error message.

    Raises:
        Exception: Any exception of the function.
        ByteSocketError: It was cancelled, and not by us.
    """
    results: list[T] = []
    failure: list[BaseException] = []

    async def run() -> None:
        try:
            results.append(await function())
        except BaseException as error:
            if not is_failure(error):
                raise
            failure.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
    if results:
        return results[0]
    cause = failure[0] if failure else None
    if isinstance(cause, Exception):
        raise cause
    raise ByteSocketError(
        f"{what} was cancelled, and not by the client: it awaited something that was, or cancelled "
        "its own task"
    ) from cause
