"""A WebSocket client that sends bytes as it is told, rules or not, against a server on picows."""

import base64
import os
import socket
import ssl
import struct
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass

import anyio
from anyio.abc import SocketStream

from bytesocket_app import ByteSocket
from bytesocket_app.testing.clock import VirtualClock, virtual_clock
from bytesocket_app.transports.picows.server import listening
from bytesocket_app.transports.picows.server_state import ServerState

DEADLINE = 30.0

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
CONTINUATION = 0x0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is.

    Attributes:
        port: On this machine.
    """

    port: int

    @asynccontextmanager
    async def connect(self, path: str = "/ws", **headers: str) -> AsyncGenerator["RawPeer"]:
        """Connect a peer and have it upgraded."""
        async with self.visit() as peer:
            await peer.ask(path, **headers)
            status, _ = await peer.answer()
            assert status == 101, status
            yield peer

    @asynccontextmanager
    async def visit(self) -> AsyncGenerator["RawPeer"]:
        """Connect, and say nothing yet."""
        with anyio.fail_after(DEADLINE):
            stream = await anyio.connect_tcp("127.0.0.1", self.port)
        async with stream:
            yield RawPeer(stream)


@dataclass(frozen=True, slots=True)
class Served(Place):
    """An application on picows, and its time.

    Attributes:
        reception: The deadlines of its connections.
        clock: The time.
    """

    server_state: ServerState
    clock: VirtualClock

    def advance(self, seconds: float) -> None:
        """Let time pass, and have every deadline that is over then take effect."""
        self.clock.advance(seconds)
        self.server_state.sweep(self.clock.now)


class RawPeer:
    """One connection, in the hands of a test."""

    def __init__(self, stream: SocketStream) -> None:
        self.stream = stream
        self._buffer = b""

    async def ask(self, path: str = "/ws", **headers: str) -> None:
        """Send a valid request for an upgrade, with these headers changed; "" leaves one out."""
        fields = {
            "Host": "127.0.0.1",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"{name}: {value}" for name, value in fields.items() if value]
        await self.send("\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode())

    async def send(self, data: bytes) -> None:
        """Send bytes."""
        await self.stream.send(data)

    async def say(self, text: str) -> None:
        """Send a text message."""
        await self.send(frame(TEXT, text.encode()))

    async def answer(self) -> tuple[int, bytes]:
        """The HTTP answer: its status, and its body as far as it says how long that is."""
        await self._until(lambda: b"\r\n\r\n" in self._buffer)
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        size = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                size = int(line.partition(b":")[2])
        await self._until(lambda: len(self._buffer) >= size)
        body, self._buffer = self._buffer[:size], self._buffer[size:]
        return int(head.split()[1]), body

    async def receive(self) -> tuple[int, bytes]:
        """The next frame: its opcode, and its payload."""
        await self._until(lambda: is_whole(self._buffer))
        opcode, payload, self._buffer = parsed(self._buffer)
        return opcode, payload

    async def closed(self) -> tuple[int, str]:
        """The server's close frame, after whatever else it sends: the code, and the reason."""
        opcode, payload = await self.receive()
        while opcode != CLOSE:
            opcode, payload = await self.receive()
        if not payload:
            return 1005, ""
        return int.from_bytes(payload[:2]), payload[2:].decode()

    async def ended(self) -> None:
        """Wait until the server has closed the connection; nothing may come before that."""
        try:
            with anyio.fail_after(DEADLINE):
                data = self._buffer or await self.stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return
        raise AssertionError(f"unexpected: {data[:100]!r}")

    async def _until(self, is_there: Callable[[], bool]) -> None:
        with anyio.fail_after(DEADLINE):
            while not is_there():
                self._buffer += await self.stream.receive(2**16)


def _extent(buffer: bytes) -> tuple[int, int]:
    """Where the payload of a server's frame begins and ends."""
    size, start = buffer[1] & 0x7F, 2
    if size > 125:
        start = 4 if size == 126 else 10
        size = int.from_bytes(buffer[2:start])
    return start, start + size


def is_whole(buffer: bytes) -> bool:
    """True if a server's whole frame has come."""
    if len(buffer) < 2:
        return False
    start, end = _extent(buffer)
    return len(buffer) >= max(start, end)


def parsed(buffer: bytes) -> tuple[int, bytes, bytes]:
    """The opcode and the payload of a server's frame, and what comes after it."""
    start, end = _extent(buffer)
    return buffer[0] & 0xF, buffer[start:end], buffer[end:]


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, masked: bool = True
) -> bytes:
    """A client's frame, or what is none: `rsv` are the three reserved bits."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    size, flag = len(payload), 0x80 if masked else 0
    if size < 126:
        head = bytes([first, flag | size])
    elif size < 2**16:
        head = bytes([first, flag | 126]) + struct.pack("!H", size)
    else:
        head = bytes([first, flag | 127]) + struct.pack("!Q", size)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    key = int.from_bytes((mask * (size // 4 + 1))[:size])
    return head + mask + (int.from_bytes(payload) ^ key).to_bytes(size)


@asynccontextmanager
async def on_picows(
    app: ByteSocket, *more: ByteSocket, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[Served]:
    """Serve an application on picows; its deadlines pass when the test says so.

    Further applications share the server, but are not run.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    port: int = listener.getsockname()[1]
    with virtual_clock(app) as clock:
        server_state = ServerState([app, *more], nullcontext, clock)
        async with app.running(), listening(server_state, listener, tls):
            yield Served(port, server_state, clock)
