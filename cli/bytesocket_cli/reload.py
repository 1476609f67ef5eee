"""Parent process of `dev`: it owns the listening socket and replaces the child that serves.

For each change a new child imports the application while the old one still serves. If the import
fails, the error is shown and nothing else happens. Otherwise the old child closes its sockets and
ends, and the new one starts to serve; connections made meanwhile wait in the listening socket.
"""

import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import anyio
from anyio.abc import TaskStatus

from bytesocket_cli import console
from bytesocket_cli.child import Child
from bytesocket_cli.errors import CliError
from bytesocket_cli.interrupts import signals
from bytesocket_cli.targets import Target
from bytesocket_cli.watching import OwnWrites, changes

Report: TypeAlias = dict[str, Any]
"""Message from a child; see `worker`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadPlan:
    """Configuration of the supervisor.

    Attributes:
        target: The application.
        listener: The bound socket.
        reload: True to watch for changes.
        ignored: Files that never cause a reload, because this command writes them.
        ready: Callback for each child that begins to serve, called with the child's report.
    """

    target: Target
    listener: socket.socket
    reload: bool
    ignored: tuple[Path, ...]
    ready: Callable[[Report], None]


class Supervisor:
    """Supervisor of the children: at most one that serves, and one that is being tried."""

    def __init__(self, plan: ReloadPlan) -> None:
        self._plan = plan
        self._children: list[Child] = []
        self._tasks = anyio.create_task_group()
        self._serving: Child | None = None
        self._changed: set[Path] = set()
        self._own_writes = OwnWrites()
        self._died: int | None = None
        self._news = anyio.Event()

    async def work(self, stopped: anyio.Event) -> str | None:
        """Serve, and replace the serving child after each change.

        Returns:
            The failure that ends it: the first attempt failed, or, without reload, the server
            ended.
        """
        failure: str | None = None
        async with self._tasks:
            if self._plan.reload:
                self._tasks.start_soon(self._watch, stopped)
            failure = await self._first()
            while failure is None:
                failure = await self._next()
            stopped.set()
            self._tasks.cancel_scope.cancel()
        return failure

    async def close(self) -> None:
        """Stop every child."""
        async with anyio.create_task_group() as tasks:
            for child in self._children:
                tasks.start_soon(child.stop)

    def kill(self) -> None:
        """End every child now."""
        for child in self._children:
            child.kill()

    async def _watch(self, stopped: anyio.Event) -> None:
        async for found in changes(self._plan.target.watched, self._plan.ignored, stopped):
            followed, own = self._own_writes.sift(found)
            for path in sorted(own):
                console.warn(
                    f"{path.name} changes whenever the application starts, which seems to write "
                    "it: its changes during a start are ignored from now on. Write it into a "
                    "folder that is not watched, one whose name begins with a dot."
                )
            if own:
                self._tasks.start_soon(self._look_again, own)
            if followed:
                self._changed |= followed
                self._news.set()

    async def _look_again(self, files: frozenset[Path]) -> None:
        await self._own_writes.look_again(files)
        self._changed |= files
        self._news.set()

    async def _attend(self, child: Child) -> None:
        code = await child.wait()
        if child.is_wanted:
            self._serving = None
            self._children.remove(child)
            self._died = code
            self._news.set()

    async def _first(self) -> str | None:
        report: Report | None = None
        while report is None:
            self._changed.clear()
            child, report = await self._try()
            if report is None:
                await self._end(child)
            elif "error" in report:
                return str(report["error"])
            else:
                return await self._begin(child, report["ready"])
        return None

    async def _next(self) -> str | None:
        if not self._changed and self._died is None:
            self._news = anyio.Event()
            await self._news.wait()
        if self._died is not None:
            failure, self._died = f"the server ended by itself (exit code {self._died})", None
            if not self._plan.reload:
                return failure
            console.fail(f"{failure}: waiting for a change")
        else:
            console.say(f"changed: {', '.join(sorted(path.name for path in self._changed))}")
            self._changed.clear()
            await self._replace()
        return None

    async def _replace(self) -> None:
        new, report = await self._try()
        if report is None or "error" in report:
            await self._end(new)
            if report is not None:
                self._refuse(report["error"])
            return
        if self._serving is not None:
            await self._end(self._serving)
        failure = await self._begin(new, report["ready"])
        if failure is not None:
            await self._end(new)
            self._refuse(failure)

    def _refuse(self, failure: str) -> None:
        self._own_writes.end()
        console.fail(failure)
        now = "nothing is serving" if self._serving is None else "the code before is still serving"
        console.warn(f"{now}: waiting for a change")

    async def _try(self) -> tuple[Child, Report | None]:
        """Start a child and wait until it has imported the application, or has failed to.

        Returns:
            The child, and its report, or None for the report if the next change came first.
        """
        self._own_writes.begin()
        child = await Child.start(self._plan.target, self._plan.listener)
        self._children.append(child)
        report: Report | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._cancel_on_change, tasks.cancel_scope)
            report = await child.report()
            if not report:
                code = await child.wait()
                report = {"error": f"the application ended its process while imported ({code})"}
            tasks.cancel_scope.cancel()
        return child, report

    async def _cancel_on_change(self, scope: anyio.CancelScope) -> None:
        while not self._changed:
            self._news = anyio.Event()
            await self._news.wait()
        scope.cancel()

    async def _begin(self, child: Child, ready: Report) -> str | None:
        child.serve()
        report = await child.report()
        if "started" not in report:
            code = await child.wait()
            return report.get("failed") or f"the server ended at its start (exit code {code})"
        self._own_writes.end()
        self._serving = child
        self._tasks.start_soon(self._attend, child)
        self._plan.ready(ready)
        return None

    async def _end(self, child: Child) -> None:
        await child.stop()
        self._children.remove(child)
        if child is self._serving:
            self._serving = None


async def supervise(plan: ReloadPlan) -> None:
    """Serve until SIGINT or SIGTERM; a second signal kills the children without waiting.

    Raises:
        CliError: The application could not be imported or started the first time, or without
            reload the server ended by itself.
    """
    supervisor = Supervisor(plan)
    stopped = anyio.Event()
    work = anyio.CancelScope()
    failure: str | None = None

    async def listen(*, task_status: TaskStatus[None]) -> None:
        with signals(signal.SIGINT, signal.SIGTERM) as received:
            task_status.started()
            async for _ in received:
                if work.cancel_called:
                    supervisor.kill()
                stopped.set()  # the watching thread looks at it: it cannot be cancelled
                work.cancel()

    async with anyio.create_task_group() as tasks:
        await tasks.start(listen)
        with work:
            failure = await supervisor.work(stopped)
        await supervisor.close()
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise CliError(failure)
