"""Child process of `dev`, or of `run` with several workers: its start, its messages, its end."""

import json
import signal
import socket
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from subprocess import PIPE
from types import MappingProxyType
from typing import Any, Final

import anyio
from anyio.abc import ByteReceiveStream, Process

from bytesocket_cli.handover import INHERITED, share
from bytesocket_cli.targets import Target

GRACE = 2.0
"""Seconds that open sockets get to close when the server stops or is replaced."""

PATIENCE = 2.3
"""Seconds after which a child that was told to stop is killed."""

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class Child:
    """Process that imports the application, and serves it when told to."""

    def __init__(
        self, process: Process, control: socket.socket, patience: float = PATIENCE
    ) -> None:
        self._process = process
        self._control = control
        self._patience = patience
        self._buffer = b""
        self.is_wanted = True

    @classmethod
    async def start(
        cls,
        target: Target,
        listener: socket.socket,
        *,
        grace: float = GRACE,
        patience: float = PATIENCE,
        options: Mapping[str, Any] = _NOTHING,
        is_piped: bool = False,
    ) -> "Child":
        """Start a process that imports the application.

        Args:
            target: The application.
            listener: The socket that it will serve.
            grace: Seconds that open sockets get to close at the end.
            patience: Seconds after which it is killed if it does not end.
            options: Further arguments; see `worker.child`.
            is_piped: True to read what it prints from `outputs`, False to let it print.
        """
        ours, theirs = socket.socketpair()
        ours.settimeout(0)
        arguments = {
            "root": str(target.root),
            "directory": str(target.project.directory),
            "module": target.module,
            "attribute": target.attribute,
            "backend": target.project.backend,
            "grace": grace,
            **options,
        }
        sockets = {"listener": listener, "control": theirs}
        with theirs:
            process = await _start(arguments, sockets, PIPE if is_piped else None)
        return cls(process, ours, patience)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def outputs(self) -> tuple[ByteReceiveStream | None, ByteReceiveStream | None]:
        """Streams of what it prints to stdout and stderr, if that is piped."""
        return self._process.stdout, self._process.stderr

    async def report(self) -> dict[str, Any]:
        """Wait for the child's next message; return {} if the child ended without one."""
        while b"\n" not in self._buffer:
            try:
                chunk = self._control.recv(65536)
            except BlockingIOError:
                await anyio.wait_readable(self._control)
                continue
            except ConnectionError:
                return {}
            if not chunk:
                return {}
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def serve(self) -> None:
        """Tell the child to accept connections."""
        self._control.send(b"serve\n")

    async def wait(self) -> int:
        """Wait for the end of the process and return its exit code."""
        return await self._process.wait()

    async def stop(self) -> None:
        """Tell the child to close its sockets and end; kill it if it does not end in time."""
        self.is_wanted = False
        with suppress(OSError):  # it is gone, or leaving
            self._control.shutdown(socket.SHUT_WR)
        with anyio.move_on_after(self._patience):
            await self._process.wait()
        self.kill()
        await self._process.wait()
        self._control.close()

    def kill(self) -> None:
        """End the process now."""
        self.is_wanted = False
        with suppress(ProcessLookupError):
            self._process.kill()


async def _start(
    arguments: Mapping[str, Any], sockets: Mapping[str, socket.socket], output: int | None
) -> Process:
    """Start a process that has these sockets."""
    command = [sys.executable, "-P", "-m", "bytesocket_cli.worker"]
    if not INHERITED:
        process = await anyio.open_process(
            [*command, json.dumps(arguments)], stdin=PIPE, stdout=output, stderr=output
        )
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        await process.stdin.send(share(sockets, process.pid))
        return process
    numbers = {name: one.fileno() for name, one in sockets.items()}
    with _blocked_interrupt():
        return await anyio.open_process(
            [*command, json.dumps({**arguments, **numbers})],
            stdin=None,
            stdout=output,
            stderr=output,
            pass_fds=tuple(numbers.values()),
        )


@contextmanager
def _blocked_interrupt() -> Generator[None]:
    """Block SIGINT, which a child inherits: while it starts, Ctrl-C would end in a traceback."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
