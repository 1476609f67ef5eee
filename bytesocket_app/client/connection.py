"""One WebSocket over one byte stream: `websockets`' protocol core driven by anyio.

It knows frames, pings and closing, and nothing of ByteSocket's messages.
"""

import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import anyio
from anyio.abc import ByteStream
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.protocol import SEND_EOF, State
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI

from bytesocket_app.client.signal import Signal
from bytesocket_app.errors import DialFailed
from bytesocket_app.wire import CloseCode, close_reason

HIGH_WATER: Final = 64 * 1024
"""Bytes waiting for the network above which `drained` waits."""

Received: TypeAlias = Callable[[bytes, bool], Awaitable[None]]
"""Called with each message: its payload, and whether the frame was binary."""

_BROKEN = (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a connection ended: the peer's close code, else ours, else 1006."""

    code: int
    reason: str


class Connection:
    """An open WebSocket. `run` reads and writes until it ends; the rest may be called meanwhile.

    Args:
        stream: The bytes below.
        protocol: The protocol core, its handshake done.
        close_timeout: Seconds from our close frame until the connection is dropped.
    """

    def __init__(self, stream: ByteStream, protocol: ClientProtocol, close_timeout: float) -> None:
        self._stream = stream
        self._protocol = protocol
        self._close_timeout = close_timeout
        self._outgoing: list[bytes] = []
        self._unsent = 0
        self._wake = Signal()
        self._progress = Signal()
        self._fragments: list[bytes] = []
        self._is_binary = False
        self._scope = anyio.CancelScope()

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._protocol.state is State.OPEN

    @property
    def subprotocol(self) -> str | None:
        """What the server chose of what was offered."""
        return self._protocol.subprotocol

    def send(self, payload: bytes, *, is_binary: bool) -> None:
        """Put a message on its way; nothing happens if the connection is not open."""
        if not self.is_open:
            return
        if is_binary:
            self._protocol.send_binary(payload)
        else:
            self._protocol.send_text(payload)
        self._flush()

    async def drained(self) -> None:
        """Wait until little enough waits for the network, or the connection is over."""
        while self._unsent > HIGH_WATER and self.is_open:
            await self._progress.wait()

    def close(self, code: int, reason: str = "", *, timeout: float | None = None) -> None:
        """Begin the closing handshake. `run` ends when the peer answers or the time is over."""
        if self.is_open:
            self._protocol.send_close(code, close_reason(reason))
            self._flush()
        self._end_within(self._close_timeout if timeout is None else timeout)
        self._progress.notify()

    def _end_within(self, seconds: float) -> None:
        self._scope.deadline = min(self._scope.deadline, anyio.current_time() + seconds)

    async def run(self, received: Received) -> Ending:
        """Read messages until the connection is over, and close the stream."""
        try:
            with self._scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._write)
                    await self._read(received)
                    tasks.cancel_scope.cancel()
        finally:
            self._progress.notify()
            await anyio.aclose_forcefully(self._stream)
        return self._ending()

    def _ending(self) -> Ending:
        close = self._protocol.close_rcvd or self._protocol.close_sent
        if close is None:
            return Ending(CloseCode.ABNORMAL, "")
        return Ending(close.code, close.reason)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data is not SEND_EOF and data:
                self._outgoing.append(data)
                self._unsent += len(data)
        self._wake.notify()

    async def _write(self) -> None:
        while True:
            while not self._outgoing:
                await self._wake.wait()
            data = b"".join(self._outgoing)
            self._outgoing.clear()
            try:
                await self._stream.send(data)
            except _BROKEN:
                self._unsent = 0
                self._progress.notify()
                return
            self._unsent -= len(data)
            self._progress.notify()

    async def _read(self, received: Received) -> None:
        while True:
            events = self._protocol.events_received()
            self._flush()
            for event in events:
                if isinstance(event, Frame):
                    await self._frame(event, received)
            if self._protocol.close_rcvd is not None:
                return await self._last_words()
            if not self.is_open:
                self._end_within(self._close_timeout)
            try:
                self._protocol.receive_data(await self._stream.receive())
            except _BROKEN:
                return self._protocol.receive_eof()

    async def _last_words(self) -> None:
        """Let the writer finish: our half of the closing handshake should reach the peer."""
        with anyio.move_on_after(self._close_timeout):
            while self._unsent:
                await self._progress.wait()

    async def _frame(self, frame: Frame, received: Received) -> None:
        if frame.opcode in {Opcode.TEXT, Opcode.BINARY}:
            self._is_binary = frame.opcode is Opcode.BINARY
            self._fragments = []
        elif frame.opcode is not Opcode.CONT:
            return
        self._fragments.append(bytes(frame.data))
        if frame.fin:
            await received(b"".join(self._fragments), self._is_binary)
            self._fragments = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """All that is needed to connect.

    Attributes:
        address: Where to.
        headers: Further headers of the handshake.
        subprotocols: What to offer, best first.
        ssl_context: For wss; None takes the system's certificates.
        message_bytes: The longest message to accept.
        close_timeout: Seconds for a closing handshake.
    """

    address: WebSocketURI
    headers: Mapping[str, str]
    subprotocols: Sequence[str]
    ssl_context: ssl.SSLContext | None
    message_bytes: int
    close_timeout: float

    async def connect(self) -> Connection:
        """Connect and do the opening handshake. The caller sets the deadline.

        Raises:
            DialFailed: There is no WebSocket at the address.
        """
        try:
            stream = await self._stream()
        except (OSError, anyio.BrokenResourceError, anyio.EndOfStream) as error:
            raise DialFailed(
                f"cannot connect to {self.address.host}:{self.address.port}: {error}"
            ) from error
        try:
            protocol = await self._handshake(stream)
        except BaseException:
            await anyio.aclose_forcefully(stream)
            raise
        return Connection(stream, self._checked(protocol), self.close_timeout)

    async def _stream(self) -> ByteStream:
        if not self.address.secure:
            return await anyio.connect_tcp(self.address.host, self.address.port)
        return await anyio.connect_tcp(
            self.address.host,
            self.address.port,
            tls=True,
            ssl_context=self.ssl_context,
            tls_standard_compatible=False,
        )

    async def _handshake(self, stream: ByteStream) -> ClientProtocol:
        protocol = ClientProtocol(
            self.address,
            subprotocols=[Subprotocol(name) for name in self.subprotocols] or None,
            max_size=self.message_bytes,
        )
        request = protocol.connect()
        request.headers.update(self.headers)
        protocol.send_request(request)
        try:
            await stream.send(b"".join(protocol.data_to_send()))
            while protocol.state is State.CONNECTING and protocol.handshake_exc is None:
                protocol.receive_data(await stream.receive())
        except _BROKEN:
            protocol.receive_eof()
        return protocol

    def _checked(self, protocol: ClientProtocol) -> ClientProtocol:
        if protocol.state is State.CONNECTING or protocol.handshake_exc is not None:
            error = protocol.handshake_exc or InvalidHandshake("the connection ended")
            status = error.response.status_code if isinstance(error, InvalidStatus) else None
            raise DialFailed(
                f"no WebSocket at {self.address.resource_name} of "
                f"{self.address.host}:{self.address.port}: {error}",
                status,
            ) from error
        return protocol
