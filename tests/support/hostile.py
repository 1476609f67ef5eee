"""Target of attacks: a server process, healthy bystanders, and sockets that send any bytes."""

import base64
import json
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self, TypeVar

from tests.support.memory import Peak
from tests.support.raw_peer import BINARY, CLOSE, PING, TEXT, frame, is_whole, parsed
from tests.support.server_process import ROOT, ended, environment

T = TypeVar("T")

DEADLINE = 30.0
"""Seconds for anything to happen on a busy machine."""


class Target:
    """A server under attack.

    Args:
        process: The server.
        port: Its port on this machine.
        log: File with its standard error.
    """

    def __init__(self, process: "subprocess.Popen[str]", port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self._log = log

    @property
    def pid(self) -> int:
        """The process id, to compare before and after."""
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        """True while the process runs."""
        return self.process.poll() is None

    def log(self) -> str:
        """Everything that the server has logged."""
        return self._log.read_text(errors="replace")

    def errors(self) -> list[str]:
        """Lines of the log at WARNING and above, and tracebacks' first lines."""
        starts = ("WARNING", "ERROR", "CRITICAL", "Traceback")
        return [line for line in self.log().splitlines() if line.startswith(starts)]

    def connect(self, source: str = "") -> "Attacker":
        """Open a TCP connection, from this address if one is given, and say nothing yet."""
        return Attacker(self.port, source)

    def upgraded(self, path: str = "/ws", *, source: str = "", **headers: str) -> "Attacker":
        """Open a WebSocket."""
        peer = self.connect(source)
        peer.upgrade(path, **headers)
        return peer

    def report(self, **credentials: Any) -> dict[str, int]:
        """Ask the application what it holds, the asking connection included."""
        with self.upgraded() as peer:
            if credentials:
                peer.say(type=4, data=credentials["token"])
                assert peer.hear()["type"] == 5
            found: dict[str, int] = peer.request("report", {})
            return found

    def tracebacks(self) -> list[str]:
        """Lines of the log that tell of an exception or an error."""
        starts = ("ERROR", "CRITICAL", "Traceback", "Task exception")
        return [line for line in self.log().splitlines() if line.startswith(starts)]

    def wait_for_report(
        self, credentials: Mapping[str, Any] | None = None, **expected: int
    ) -> dict[str, int]:
        """Wait until the application holds no more than these."""
        return until(
            lambda: self.report(**(credentials or {})),
            lambda found: all(found[name] <= most for name, most in expected.items()),
        )


class Attacker:
    """TCP connection that sends what it is told.

    Args:
        port: The port to connect to.
        source: The address to connect from, any of this machine's: 127.0.0.2 is another one.
        receive_buffer: Bytes that the kernel holds while this does not read; 0 leaves that to it.
    """

    def __init__(self, port: int, source: str = "", *, receive_buffer: int = 0) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect(("127.0.0.1", port))
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.socket.sendall(data)

    def upgrade(self, path: str = "/ws", **headers: str) -> None:
        """Have the connection upgraded to a WebSocket."""
        self.send(request(path, **headers))
        status, _ = self.answer()
        assert status == 101, status

    def half_close(self) -> None:
        """Say that nothing more will be sent, unless the server was quicker."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def say(self, **message: Any) -> None:
        """Send a JSON message."""
        self.send(frame(TEXT, json.dumps(message).encode()))

    def say_binary(self, payload: bytes) -> None:
        """Send a binary message."""
        self.send(frame(BINARY, payload))

    def receive(self) -> tuple[int, bytes]:
        """Receive one frame: its opcode and its payload; ConnectionError at the end."""
        while not is_whole(self._buffer):
            self._more()
        opcode, payload, self._buffer = parsed(self._buffer)
        return opcode, payload

    def hear(self) -> Any:
        """Receive one JSON message; a server's pings, which come after 25 s, are passed over."""
        opcode, payload = self.receive()
        while opcode == PING:
            opcode, payload = self.receive()
        assert opcode == TEXT, (opcode, payload)
        return json.loads(payload)

    def request(self, event: str, data: Any, identity: int = 1) -> Any:
        """Send a request; returns the data of its reply."""
        self.say(event=event, data=data, id=identity)
        while True:
            message = self.hear()
            if message.get("id") == identity:
                return message["data"]

    def closed(self) -> int:
        """Wait for the server's close frame; returns its code, 1006 if the connection broke."""
        while True:
            try:
                opcode, payload = self.receive()
            except (ConnectionError, AssertionError):
                return 1006
            if opcode == CLOSE:
                return int.from_bytes(payload[:2]) if payload else 1005

    def answer(self) -> tuple[int, bytes]:
        """Receive an HTTP answer: its status and its head; (0, b"") if there is none."""
        try:
            while b"\r\n\r\n" not in self._buffer:
                self._more()
        except ConnectionError:
            return 0, b""
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        return int(head.split()[1]), head

    def gone(self) -> bool:
        """Wait until the server has closed the connection, whatever it sends before."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionError:
            return True
        return True

    def reset(self) -> None:
        """Drop the connection by a TCP reset."""
        with suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        """Drop the connection without a word."""
        self.socket.close()

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        self._buffer += data


def until(ask: Callable[[], T], is_enough: Callable[[T], bool]) -> T:
    """Ask again and again until an answer is as it should be; returns it."""
    end = time.monotonic() + DEADLINE
    while not is_enough(found := ask()):
        assert time.monotonic() < end, found
        time.sleep(0.05)  # between two questions; there is nothing to wait on
    return found


def request(path: str = "/ws", **headers: str) -> bytes:
    """A valid request for an upgrade, with these headers changed; "" leaves one out."""
    fields = {
        "Host": "127.0.0.1",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in fields.items() if value]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode("latin-1")


@contextmanager
def target(kind: str, app: str = "tests.support.hostile_app:plain", *pem: str) -> Generator[Target]:
    """Serve an application in a process of its own for the block, with TLS if `pem` is given."""
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.hostile_app", kind, app, *pem],
                cwd=ROOT,
                env=environment(),
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, f"{kind} did not start: {log.read_text()}"
            served = Target(process, int(line), log)
            _wait_for(served)
            yield served
        finally:
            ended(process)


@contextmanager
def cheap(served: Target, most: float = 16) -> Generator[None]:
    """Fail if a server has more MiB in the block than these, beside those it had before."""
    peak = Peak(served.pid)
    yield
    assert peak.grown() <= most


@contextmanager
def bystanders(served: Target, count: int = 2, token: str | None = None) -> Generator[None]:
    """Keep healthy clients for the block; at its end each still gets its echo."""
    peers = [served.upgraded() for _ in range(count)]
    try:
        for peer in peers:
            if token is not None:
                peer.say(type=4, data=token)
                assert peer.hear() == {"type": 5}
            assert peer.request("echo", {"text": "before"}) == "before"
        yield
        assert served.is_alive, served.log()[-4000:]
        for peer in peers:
            assert peer.request("echo", {"text": "after"}) == "after"
    finally:
        for peer in peers:
            peer.close()


def _wait_for(served: Target) -> None:
    end = time.monotonic() + DEADLINE
    while True:
        try:
            socket.create_connection(("127.0.0.1", served.port), 1).close()
        except OSError:
            assert time.monotonic() < end, "the server did not come up"
            time.sleep(0.02)  # between two attempts; there is nothing to wait on
        else:
            return
