"""Waiting for what must become true, here or in another thread."""

from collections.abc import Callable

import anyio

DEADLINE = 30.0


async def until(condition: Callable[[], object], *, within: float = DEADLINE) -> None:
    """Wait until a condition is true; fail after some seconds."""
    with anyio.fail_after(within):
        while not condition():  # noqa: ASYNC110 - nothing notifies of it
            await anyio.sleep(0.001)
