"""Site at a network address: an application served by a real server."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

from anyio import (
    BrokenResourceError,
    create_memory_object_stream,
    create_task_group,
    fail_after,
)
from websockets.uri import parse_uri

from bytesocket_app.client.connection import WebSocketConnection
from bytesocket_app.client.dial import Dial
from bytesocket_app.errors import ConnectError
from bytesocket_app.testing.conformance.stage import Ended, Peer, Refused

Arrival = str | bytes | Ended

AHEAD: Final = 16
"""Messages that a peer reads before they are asked for; then it leaves them to the network."""


class NetworkSite:
    """Server that is already running.

    Args:
        origin: The server's address without a path: `ws://127.0.0.1:8000`.
        deadline: Timeout of a handshake, in seconds.

    Attributes:
        origin: The address, without a trailing slash.
    """

    def __init__(self, origin: str, *, deadline: float = 10.0) -> None:
        self.origin = origin.rstrip("/")
        self._deadline = deadline

    @asynccontextmanager
    async def connect(
        self,
        path: str = "/ws",
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        subprotocols: Sequence[str] = (),
    ) -> AsyncGenerator[Peer]:
        """Connect; raise Refused if the handshake is not accepted."""
        address = f"{self.origin}{path}" + (f"?{query}" if query else "")
        dial = Dial(
            address=parse_uri(address),
            headers=headers or {},
            subprotocols=subprotocols,
            ssl_context=None,
            message_bytes=2**24,
            close_timeout=2.0,
        )
        try:
            with fail_after(self._deadline):
                connection = await dial.connect()
        except ConnectError as failed:
            raise Refused(failed.status or 0) from failed
        peer = NetworkPeer(connection)
        with peer.arrived:
            async with create_task_group() as tasks:
                tasks.start_soon(peer.run)
                try:
                    yield peer
                finally:
                    peer.arrived.close()  # what still comes is read, and thrown away
                    connection.close(1000, timeout=2.0)


class NetworkPeer:
    """Client of a network connection."""

    def __init__(self, connection: WebSocketConnection) -> None:
        self._connection = connection
        self._arrive, self.arrived = create_memory_object_stream[Arrival](AHEAD)
        self.subprotocol = connection.subprotocol

    async def run(self) -> None:
        """Read messages until the connection is closed."""
        with self._arrive:
            ending = await self._connection.run(self._note)
            await self._put(Ended(ending.code, ending.reason))

    async def send(self, payload: str | bytes) -> None:
        """Send one message."""
        raw = payload.encode() if isinstance(payload, str) else payload
        self._connection.send(raw, is_binary=isinstance(payload, bytes))
        await self._connection.drained()

    async def receive(self) -> str | bytes | Ended:
        """Wait for the next message, or the end."""
        return await self.arrived.receive()

    async def close(self, code: int, reason: str) -> None:
        """Start the closing handshake."""
        self._connection.close(code, reason)

    async def abort(self) -> None:
        """Drop the connection without a close frame."""
        self._connection.abort()

    async def _note(self, payload: bytes, is_binary: bool) -> None:  # noqa: FBT001
        await self._put(payload if is_binary else payload.decode())

    async def _put(self, arrival: Arrival) -> None:
        with suppress(BrokenResourceError):  # the test has left
            await self._arrive.send(arrival)
