"""`bytesocket dev` and `bytesocket run` as real processes, and a WebSocket peer without manners."""

import base64
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, cast

ROOT = Path(__file__).parents[2]
DEADLINE = 30.0
"""Seconds for anything to happen on a busy machine; what must be quick is measured by the test."""

PYTHONS = [*filter(None, os.environ.get("BYTESOCKET_PYTHONS", "").split(":"))] or [sys.executable]
"""The interpreters that servers are started with: those that are named, or else this one."""

APP = """\
from bytesocket_app import ByteSocket, ClientEvent, ServerEvent, Socket


class Post(ClientEvent, name="chat:post"):
    text: str


class Posted(ServerEvent, name="chat:posted"):
    text: str


class Receipt(ServerEvent, name="chat:receipt"):
    text: str


app = ByteSocket(title="Talk", events=[Post, Posted, Receipt], serialization="json")


@app.on(Post)
async def post(socket: Socket, event: Post) -> str:
    return event.text + " ONE"
"""


def environment(**extra: str) -> dict[str, str]:
    """The environment of a command: plain text, and the packages of this working copy."""
    paths = os.pathsep.join(str(ROOT / part) for part in ("", "cli", "templates"))
    # The options of this run are not those of a project's own tests.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    return inherited | {"PYTHONPATH": paths, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"} | extra


def _environment_of(python: str) -> dict[str, str]:
    """The environment of a command: another interpreter has its own packages installed."""
    made = environment()
    if python != sys.executable:
        del made["PYTHONPATH"]
    return made


def bytesocket(
    *arguments: str,
    cwd: Path,
    python: str = sys.executable,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [python, "-m", "bytesocket_cli", *arguments]
    return subprocess.run(
        command,
        cwd=cwd,
        env={**_environment_of(python), **variables},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


class ServerProcess:
    """A command that serves, with its output and its end."""

    def __init__(
        self,
        *arguments: str,
        cwd: Path,
        python: str = sys.executable,
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        # A session of its own: a Ctrl-C for its group must not reach the tests.
        self.process = subprocess.Popen(
            [python, "-m", "bytesocket_cli", *arguments],
            cwd=cwd,
            env={**_environment_of(python), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        """What it printed so far."""
        return "".join(self._lines)

    @cached_property
    def port(self) -> int:
        """The port that its banner names, before lines about other servers may come."""
        found = re.search(r"://127\.0\.0\.1:(\d+)", self.wait_for("://127.0.0.1:"))
        assert found is not None
        return int(found[1])

    def wait_for(self, text: str, times: int = 1) -> str:
        """Wait until the output has a text so many times; return the last line with it."""
        with self._news:
            done = self._news.wait_for(lambda: self.output.count(text) >= times, DEADLINE)
            found = [line for line in self._lines if text in line]
        assert done, f"{text!r} did not come {times} times within {DEADLINE} s:\n{self.output}"
        return found[-1]

    def stop(self, number: int = signal.SIGINT, *, group: bool = False) -> float:
        """Send a signal and wait for the end; return how many seconds that took."""
        begun = time.monotonic()
        (os.killpg if group else os.kill)(self.process.pid, number)
        self.process.wait(DEADLINE)
        taken = time.monotonic() - begun
        self._reader.join(DEADLINE)
        return taken

    @contextmanager
    def hanging(self) -> Generator[None]:
        """Let it hang for the block: connections stay, and nothing is read."""
        os.killpg(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.process.pid, signal.SIGCONT)

    def close(self) -> None:
        """End it, whatever state it is in, its children too."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        cast("IO[str]", self.process.stdout).close()

    def _read(self) -> None:
        for line in cast("IO[str]", self.process.stdout):
            with self._news:
                self._lines.append(line)
                self._news.notify_all()


@contextmanager
def serving(
    *arguments: str,
    cwd: Path,
    python: str = sys.executable,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Generator[ServerProcess, None, None]:
    """Run a serving command for the block, with these environment variables beside the usual."""
    process = ServerProcess(*arguments, cwd=cwd, python=python, variables=variables)
    try:
        yield process
    except BaseException as error:
        error.add_note(f"the server had said: {process.output}")
        raise
    finally:
        process.close()


def ended(process: "subprocess.Popen[str]") -> None:
    """End a process, if need be by force."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


class RudePeer:
    """A WebSocket client that does only what it is told: it never answers a close by itself.

    Args:
        port: Of the server, on this machine.
        path: Of the socket.
        window: Bytes that the kernel holds for it while it does not read; 0 leaves that to it.
        offers: Extensions, as in the header.
    """

    def __init__(
        self, port: int, path: str = "/ws", *, window: int = 0, offers: str = "none"
    ) -> None:
        self._socket = socket.socket()
        self._socket.settimeout(DEADLINE)
        if window:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self._socket.connect(("127.0.0.1", port))
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Extensions: {offers}\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        self._buffer = b""
        head = self._until(lambda: b"\r\n\r\n" in self._buffer)
        self.head, _, self._buffer = head.partition(b"\r\n\r\n")
        assert b" 101 " in self.head, self.head

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a text frame."""
        self._send(0x1, json.dumps(message).encode())

    def receive(self) -> tuple[int, bytes]:
        """Receive one frame: its opcode and its payload."""
        self._until(lambda: len(self._buffer) >= 2)
        size, start = self._buffer[1] & 0x7F, 2
        if size > 125:
            width, kind = (2, "!H") if size == 126 else (8, "!Q")
            self._until(lambda: len(self._buffer) >= 2 + width)
            size, start = struct.unpack(kind, self._buffer[2 : 2 + width])[0], 2 + width
        self._until(lambda: len(self._buffer) >= start + size)
        opcode, payload = self._buffer[0] & 0xF, self._buffer[start : start + size]
        self._buffer = self._buffer[start + size :]
        return opcode, payload

    def request(self, name: str, data: Any) -> Any:
        """Send a request and return the reply's data."""
        self.send({"event": name, "data": data, "id": 1})
        opcode, payload = self.receive()
        assert opcode == 0x1, (opcode, payload)
        return json.loads(payload)["data"]

    def close_code(self) -> int:
        """Wait for the close frame and return its code."""
        opcode = 0
        payload = b""
        while opcode != 0x8:
            opcode, payload = self.receive()
        return int.from_bytes(payload[:2])

    def close(self) -> None:
        """Drop the connection without a word."""
        self._wake_reader()
        self._socket.close()

    def read(self, seconds: float) -> None:
        """Read whatever comes and throw it away, so fast that nothing has to wait."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._socket.recv(1 << 20)

    def reset(self) -> None:
        """Drop the connection so that the server's kernel is told at once: by a TCP reset."""
        self._wake_reader()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def _wake_reader(self) -> None:
        """Wake a thread that reads: until then the kernel keeps a connection that is closed."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)

    def _send(self, opcode: int, payload: bytes) -> None:
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        size = len(payload)
        head = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack("!H", size)
        self._socket.sendall(bytes([0x80 | opcode]) + head + mask + masked)

    def _until(self, is_there: Callable[[], bool]) -> bytes:
        while not is_there():
            chunk = self._socket.recv(65536)
            assert chunk, f"the server closed the connection; unread: {self._buffer!r}"
            self._buffer += chunk
        return self._buffer


def get(port: int, path: str = "/") -> tuple[int, bytes]:
    """Fetch a page: its status and its body."""
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body
