"""Turns: what processes of one test run must not do at the same time."""

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def turn(file: Path) -> Generator[None]:
    """Wait until nobody else has a turn at this file; others wait for the end of the block.

    The file is any that stays where it is; it is only locked, not read.
    """
    with file.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # given up as it is closed
        yield
