"""A server as a process of its own, and what `/proc` says about it."""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.crowd import HOST
from tests.benchmarks.peer import LoadError
from tests.support.ports import reserved_port

START = 20.0
"""Seconds that a server may take until it listens."""

_TICKS = os.sysconf("SC_CLK_TCK")


class ServerTree:
    """A process and all that descend from it.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process = process
        self.port = port

    def cpu_seconds(self) -> float:
        """User and system time so far; the kernel counts it in hundredths of a second."""
        return sum(sum(map(int, fields[11:13])) for fields in self._stats()) / _TICKS

    def memory_kb(self) -> float:
        """Resident memory."""
        pages = sum(int(fields[21]) for fields in self._stats())
        return pages * os.sysconf("SC_PAGE_SIZE") / 1024

    def _stats(self) -> list[list[str]]:
        """The fields of `/proc/PID/stat` after the command's name, for each process of the tree."""
        everybody: dict[int, list[str]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    text = (entry / "stat").read_text()
                except OSError:  # ended meanwhile
                    continue
                everybody[int(entry.name)] = text[text.rindex(")") + 2 :].split()
        tree: set[int] = set()
        fresh = {self._process.pid} & everybody.keys()
        while fresh:
            tree |= fresh
            fresh = {pid for pid, fields in everybody.items() if int(fields[1]) in fresh}
        return [everybody[pid] for pid in tree]


@contextmanager
def launched(
    command: Callable[[int], Sequence[str]],
    *,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    patience: float = START,
) -> Generator[ServerTree, None, None]:
    """Run a server for the block.

    Args:
        command: Makes its command line for a port.
        cwd: Where it runs.
        environment: More variables for it.
        patience: Seconds that it may take until it listens, and until it has ended.

    Raises:
        LoadError: It does not listen in time; the message has the end of its output.
    """
    with reserved_port() as port, tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command(port),
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            if not _listens(process, port, patience):
                output.seek(0)
                said = output.read().decode(errors="replace")[-2000:]
                raise LoadError(f"the server did not start: {' '.join(command(port))}\n{said}")
            yield ServerTree(process, port)
        finally:
            _end(process, patience)


def _listens(process: subprocess.Popen[bytes], port: int, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection((HOST, port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False


def _end(process: subprocess.Popen[bytes], patience: float) -> None:
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(15)
