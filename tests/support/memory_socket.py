"""A client connection without a network: its other end is the test."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.lowlevel
from anyio.abc import ByteStream
from typing_extensions import override
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from bytesocket_app.client.connection import WebSocketConnection
from bytesocket_app.client.signal import Signal
from bytesocket_app.wire import JSON, Codec, decode


class Pipe:
    """Bytes on their way in one direction."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.is_closed = False
        self.changed = Signal()

    def close(self) -> None:
        self.is_closed = True
        self.changed.notify()


@dataclass
class MemoryStream(ByteStream):
    """One end of two pipes. `blocked` makes `send` hang, as a full network does; `gate` a while."""

    outgoing: Pipe
    incoming: Pipe
    blocked: bool = False
    gate: anyio.Event | None = None
    written: list[bytes] = field(default_factory=list[bytes])

    @override
    async def send(self, item: bytes) -> None:
        await anyio.lowlevel.checkpoint()
        if self.blocked:
            await anyio.sleep_forever()
        if self.gate is not None:
            await self.gate.wait()
        if self.outgoing.is_closed:
            raise anyio.BrokenResourceError
        self.written.append(item)
        self.outgoing.chunks.append(item)
        self.outgoing.changed.notify()

    @override
    async def receive(self, max_bytes: int = 65536) -> bytes:
        await anyio.lowlevel.checkpoint()
        while not self.incoming.chunks:
            if self.incoming.is_closed:
                raise anyio.EndOfStream
            await self.incoming.changed.wait()
        return self.incoming.chunks.pop(0)

    @override
    async def send_eof(self) -> None:
        self.outgoing.close()

    @override
    async def aclose(self) -> None:
        self.outgoing.close()
        self.incoming.close()
        await anyio.lowlevel.checkpoint()


class Peer:
    """The server's end: what the client sent, and a way to answer."""

    def __init__(self, stream: MemoryStream) -> None:
        self.stream = stream
        self.protocol = ServerProtocol(state=State.OPEN)
        self.frames: list[Frame] = []

    async def next(self) -> Frame:
        """Wait for the client's next frame."""
        while not self.frames:
            self.protocol.receive_data(await self.stream.receive())
            events = self.protocol.events_received()
            self.frames += [event for event in events if isinstance(event, Frame)]
        return self.frames.pop(0)

    async def message(self) -> Any:
        """Wait for the client's next message, decoded."""
        frame = await self.next()
        return decode(bytes(frame.data), frame.opcode is Opcode.BINARY)

    async def say(self, act: Callable[[ServerProtocol], None]) -> None:
        """Send what `act` does to the server's protocol."""
        act(self.protocol)
        await self.flush()

    async def flush(self) -> None:
        data = b"".join(self.protocol.data_to_send())
        if data:
            await self.stream.send(data)

    async def send(self, message: Any, codec: Codec = JSON) -> None:
        """Send a message, as JSON unless another codec is given."""
        frame = codec.encode(message)
        if codec.is_binary:
            await self.say(lambda protocol: protocol.send_binary(frame))
        else:
            await self.say(lambda protocol: protocol.send_text(frame))

    async def pong(self) -> None:
        """Send the empty frame that answers a heartbeat."""
        await self.say(lambda protocol: protocol.send_binary(b""))


def memory_connection(
    *, close_timeout: float = 5, message_bytes: int = 1024
) -> tuple[WebSocketConnection, Peer, MemoryStream]:
    """Make an open connection, the server's end of it, and the client's stream."""
    up, down = Pipe(), Pipe()
    ours, theirs = MemoryStream(up, down), MemoryStream(down, up)
    uri = parse_uri("ws://memory/")
    protocol = ClientProtocol(uri, state=State.OPEN, max_size=message_bytes)
    return WebSocketConnection(ours, protocol, close_timeout), Peer(theirs), ours
