"""Repetition of a command in a new process: at once, and after each change of a file.

The process is new each time, since modules that were imported once are not imported again.
"""

import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL

import anyio
from anyio.abc import TaskStatus

from bytesocket_cli import console
from bytesocket_cli.interrupts import signals
from bytesocket_cli.watching import changes


@dataclass(frozen=True, slots=True)
class Repetition:
    """Command to repeat, and the files to watch.

    Attributes:
        arguments: Arguments of the command, without its name.
        roots: The folders to watch.
        ignored: Files that the command writes.
        only: The only file whose change counts; None for all files of an application.
    """

    arguments: Sequence[str]
    roots: Sequence[Path]
    ignored: Sequence[Path]
    only: Path | None = None


async def repeat(repetition: Repetition) -> None:
    """Run the command now and after each change, until SIGINT or SIGTERM.

    A failed run prints its own error, and does not end the repetition.
    """
    stopped = anyio.Event()
    async with anyio.create_task_group() as tasks:
        await tasks.start(_listen, stopped, tasks.cancel_scope)
        changed = _Changes()
        tasks.start_soon(_watch, repetition, stopped, changed)
        console.say(f"watching {', '.join(map(str, repetition.roots))}; stop with Ctrl-C")
        while True:
            await _run(repetition.arguments)
            names = await changed.next()
            console.say(f"changed: {', '.join(names)}")


class _Changes:
    """Files that changed since the last call of `next`."""

    def __init__(self) -> None:
        self._found: set[Path] = set()
        self._news = anyio.Event()

    def add(self, found: frozenset[Path]) -> None:
        self._found |= found
        self._news.set()

    async def next(self) -> list[str]:
        """Wait for a change; return the names of all files that changed since the last call."""
        await self._news.wait()
        names = sorted(path.name for path in self._found)
        self._found.clear()
        self._news = anyio.Event()
        return names


async def _listen(
    stopped: anyio.Event, scope: anyio.CancelScope, *, task_status: TaskStatus[None]
) -> None:
    with signals(signal.SIGINT, signal.SIGTERM) as received:
        task_status.started()
        async for _ in received:
            stopped.set()  # the watching thread looks at it: it cannot be cancelled
            scope.cancel()


async def _watch(repetition: Repetition, stopped: anyio.Event, changed: _Changes) -> None:
    only = repetition.only
    async for found in changes(repetition.roots, repetition.ignored, stopped):
        if only is None or only in found:
            changed.add(found if only is None else frozenset({only}))


async def _run(arguments: Sequence[str]) -> None:
    command = [sys.executable, "-P", "-m", "bytesocket_cli", *arguments]
    # A session of its own: Ctrl-C is for the parent, which ends the child by cancelling.
    await anyio.run_process(
        command, stdin=DEVNULL, stdout=None, stderr=None, check=False, start_new_session=True
    )
