"""Parent process of `run` with several workers: it owns the sockets, and watches over the workers.

Each worker has a slot with a socket of its own, which outlives it, or they share one. A socket is
listened on by its worker alone, once that serves: one that nobody listens on is given no
connections. A worker that ends is started again.
"""

import signal
import socket
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import anyio
from anyio.abc import ByteReceiveStream, TaskStatus

from bytesocket_cli import console
from bytesocket_cli.child import Child
from bytesocket_cli.errors import FINE, UNAVAILABLE, USAGE, CliError
from bytesocket_cli.interrupts import signals
from bytesocket_cli.targets import Target
from bytesocket_cli.worker import EXTRA

GRACE: Final = 10.0
"""Seconds that open sockets get to close at the end."""

PATIENCE: Final = GRACE + EXTRA + 1.0
"""Seconds after which a worker that was told to stop is killed; it ends itself before."""

PAUSES: Final = (0.0, 0.5, 1.0, 2.0, 5.0)
"""Seconds until a worker is started again: after its first end, its second, and so on."""

STEADY: Final = 30.0
"""Seconds of service after which a worker's earlier ends are forgotten; and the seconds within
which `MOST` ends of one worker are too many."""

MOST: Final = 5
"""Ends of one worker, within `STEADY` seconds, with which everything ends."""

LAST_LINES: Final = 20
"""Lines of a worker that are shown again when everything ends because of it."""

LONGEST: Final = 64 * 1024
"""Bytes of a line; a longer one is printed in pieces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersPlan:
    """Configuration of the workers.

    Attributes:
        target: The application.
        listeners: A bound socket for each worker, or one that is listened on, for all of them.
        number: How many workers there are.
        options: Arguments of the children; see `worker.child`.
        ready: Callback for the moment when all of them serve, called with a child's report.
    """

    target: Target
    listeners: Sequence[socket.socket]
    number: int
    options: Mapping[str, Any]
    ready: Callable[[dict[str, Any]], None]


class WorkerSlot:
    """Place of one worker, which outlives it.

    Args:
        number: Its number for people, from 1.
        listener: Its socket.
        is_own: True if no other worker has that socket.

    Attributes:
        number, listener: As given.
        child: The worker's process; None before the first.
        has_served: True once a worker of this slot served.
        lines: The last lines of the worker.
        outputs: Streams of the worker that are not at their end.
    """

    def __init__(self, number: int, listener: socket.socket, *, is_own: bool) -> None:
        self.number = number
        self.listener = listener
        self.child: Child | None = None
        self.has_served = False
        self.lines: deque[str] = deque(maxlen=LAST_LINES)
        self.outputs = 0
        self._is_own = is_own
        self._streak = 0
        self._ends: deque[float] = deque(maxlen=MOST)

    def ended(self, now: float, served: float) -> float | None:
        """Take note of the end of a worker that served for some seconds.

        Returns:
            Seconds until it is to be started again; None if it ends too often.
        """
        if served >= STEADY:
            self._streak = 0
        pause = PAUSES[min(self._streak, len(PAUSES) - 1)]
        self._streak += 1
        self._ends.append(now)
        too_often = len(self._ends) == MOST and now - self._ends[0] <= STEADY
        return None if too_often else pause

    def hush(self) -> None:
        """Stop listening on the slot's socket, which would be given connections that nobody takes.

        What waits in its queue is refused.
        """
        if self._is_own:
            with suppress(OSError):  # nobody listened
                self.listener.shutdown(socket.SHUT_RD)


class Workers:
    """The workers, each of which is started again when it ends.

    Args:
        plan: The configuration.

    Attributes:
        failure: What ended them all, if it was no signal.
    """

    def __init__(self, plan: WorkersPlan) -> None:
        self.failure: CliError | None = None
        self._plan = plan
        self._tasks = anyio.create_task_group()
        self._readers = anyio.create_task_group()
        self._quiet = anyio.Event()
        count, sockets = plan.number, plan.listeners
        self._slots = [
            WorkerSlot(number + 1, sockets[number % len(sockets)], is_own=len(sockets) == count)
            for number in range(count)
        ]

    async def work(self, stopped: anyio.CancelScope) -> None:
        """Serve until `stopped` is cancelled, or there is a failure; then stop the workers."""
        async with self._readers:
            with stopped:
                async with self._tasks:
                    for slot in self._slots:
                        self._tasks.start_soon(self._tend, slot)
            await self._close()
            self._readers.cancel_scope.cancel()

    async def _close(self) -> None:
        """Stop every worker, all at the same time, and wait until what they printed is shown."""
        async with anyio.create_task_group() as tasks:
            for slot in self._slots:
                if slot.child is not None:
                    tasks.start_soon(slot.child.stop)
        for slot in self._slots:
            await self._wait_for_outputs(slot)

    def kill(self) -> None:
        """End every worker now."""
        for slot in self._slots:
            if slot.child is not None:
                slot.child.kill()

    async def _tend(self, slot: WorkerSlot) -> None:
        """Start a slot's worker, and start it again whenever it ends."""
        while True:
            served = 0.0
            failure = await self._launch(slot)
            if failure is None:
                begun = anyio.current_time()
                how = await _end(slot)
                served = anyio.current_time() - begun
            elif slot.has_served:
                how = f"did not start: {failure}"
            else:
                self._fail(failure)
                return
            await self._put_away(slot)
            pause = slot.ended(anyio.current_time(), served)
            if pause is None:
                await self._wait_for_outputs(slot)
                self._fail(_too_often(slot, how))
                return
            later = f" in {pause:g} s" if pause else ""
            console.warn(f"worker {slot.number} {how}; it is started again{later}")
            await anyio.sleep(pause)

    async def _launch(self, slot: WorkerSlot) -> CliError | None:
        """Start a slot's worker; returns why it does not serve."""
        slot.lines.clear()
        child = await self._start(slot)
        for stream, is_error in zip(child.outputs, (False, True), strict=True):
            if stream is not None:
                slot.outputs += 1
                self._readers.start_soon(self._pass_on, slot, stream, is_error)
        report = await child.report()
        ready = report.get("ready")
        if ready is None:
            return await _import_failure(child, report)
        if ready["local"]:
            return _refusal(self._plan.number, ready["import_string"])
        child.serve()
        report = await child.report()
        if "started" not in report:
            return await _start_failure(child, report)
        self._serves(slot, ready)
        return None

    async def _start(self, slot: WorkerSlot) -> Child:
        """Start a slot's process, which is noted even if this is cancelled meanwhile."""
        slot.child = None
        with anyio.CancelScope(shield=True):
            slot.child = await Child.start(
                self._plan.target,
                slot.listener,
                grace=GRACE,
                patience=PATIENCE,
                options=self._plan.options,
                is_piped=True,
            )
        assert slot.child is not None  # noqa: S101 - it was started
        return slot.child

    def _serves(self, slot: WorkerSlot, ready: dict[str, Any]) -> None:
        if slot.has_served:
            console.say(f"worker {slot.number} serves again")
            return
        slot.has_served = True
        if all(each.has_served for each in self._slots):
            self._plan.ready(ready)

    async def _put_away(self, slot: WorkerSlot) -> None:
        """Clean up after a slot's worker."""
        child, slot.child = slot.child, None
        slot.hush()
        assert child is not None  # noqa: S101 - it was started
        with anyio.CancelScope(shield=True):
            await child.stop()

    def _fail(self, failure: CliError) -> None:
        """End everything; the first failure is the one that is told."""
        if self.failure is None:
            self.failure = failure
            self._tasks.cancel_scope.cancel()

    async def _pass_on(self, slot: WorkerSlot, stream: ByteReceiveStream, is_error: bool) -> None:  # noqa: FBT001 - started as a task
        """Print what a worker prints, with its number before each line."""

        def show(line: bytes) -> None:
            text = line.decode(errors="backslashreplace").rstrip("\r")
            slot.lines.append(text)
            console.pass_on(f"worker {slot.number}: {text}", is_error=is_error)

        rest = b""
        async with stream:
            async for chunk in stream:
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    show(line)
                if len(rest) > LONGEST:
                    show(rest)
                    rest = b""
        if rest:
            show(rest)
        slot.outputs -= 1
        self._quiet.set()

    async def _wait_for_outputs(self, slot: WorkerSlot) -> None:
        """Wait a moment until all that a slot's worker printed is shown."""
        with anyio.move_on_after(1, shield=True):
            while slot.outputs:
                self._quiet = anyio.Event()
                await self._quiet.wait()


async def supervise(plan: WorkersPlan) -> None:
    """Serve until SIGINT or SIGTERM; a second signal kills the workers without waiting.

    Raises:
        CliError: The application could not be imported or started, or a worker ends all the time.
    """
    stopped = anyio.CancelScope()
    workers = Workers(plan)

    async def listen(*, task_status: TaskStatus[None]) -> None:
        with signals(signal.SIGINT, signal.SIGTERM) as received:
            task_status.started()
            async for _ in received:
                if stopped.cancel_called:
                    workers.kill()
                stopped.cancel()

    async with anyio.create_task_group() as tasks:
        await tasks.start(listen)
        await workers.work(stopped)
        tasks.cancel_scope.cancel()
    if workers.failure is not None:
        raise workers.failure


async def _end(slot: WorkerSlot) -> str:
    """Wait for the end of a slot's worker; returns how it ended."""
    assert slot.child is not None  # noqa: S101 - it serves
    return f"ended by itself ({_shown(await slot.child.wait())})"


async def _import_failure(child: Child, report: dict[str, Any]) -> CliError:
    """Return the failure of a worker that did not import the application."""
    if "error" in report:
        return CliError(report["error"])
    code = await child.wait()
    return CliError(f"the application ended its process while imported ({_shown(code)})")


async def _start_failure(child: Child, report: dict[str, Any]) -> CliError:
    """Return the failure of a worker that imported the application and does not serve."""
    if "failed" in report:
        return CliError(report["failed"], code=report["code"])
    code = await child.wait()
    return CliError(f"the server ended at its start ({_shown(code)})", code=UNAVAILABLE)


def _refusal(number: int, import_string: str) -> CliError:
    return CliError(
        f"--workers {number} needs an engine that carries events between processes, and "
        f"{import_string} has memory://, which is one process alone: its rooms would fall apart. "
        "Name one, as in --engine redis://localhost:6379, or run one worker.",
        code=USAGE,
    )


def _too_often(slot: WorkerSlot, how: str) -> CliError:
    lines = "".join(f"\n    {line}" for line in slot.lines) or " none"
    return CliError(
        f"worker {slot.number} ended {MOST} times within {STEADY:g} s, and the last time it {how}. "
        f"So all workers were stopped. Its last lines:{lines}",
        code=UNAVAILABLE,
    )


def _shown(code: int) -> str:
    """Write an exit code, or the signal that it stands for."""
    if code >= FINE:
        return f"exit code {code}"
    with suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"
