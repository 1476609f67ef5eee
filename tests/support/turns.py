"""Turns: of processes that must not do a thing at the same time, and of the event loop."""

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from anyio import Event

from bytesocket_app.event_loop import after_turn


@contextmanager
def turn(file: Path) -> Generator[None]:
    """Wait until nobody else has a turn at this file; others wait for the end of the block.

    The file is any that stays where it is; it is only locked, not read.
    """
    with file.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # given up as it is closed
        yield


async def a_turn() -> None:
    """Let the event loop take its turn, and the network with it."""
    over = Event()
    after_turn(over.set)
    await over.wait()
