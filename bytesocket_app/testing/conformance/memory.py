"""Site in memory: serves an application without a network, and is an example of a `Serve`."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager

from anyio import create_task_group

from bytesocket_app.application import ByteSocket
from bytesocket_app.testing.conformance.stage import Ended, Peer, Refused, Site
from bytesocket_app.transports import Handshake, Rejection
from bytesocket_app.transports.memory import MemoryTransport


@asynccontextmanager
async def serve_in_memory(app: ByteSocket, *, lifespan: bool = True) -> AsyncGenerator[Site]:
    """Serve an application to peers in the same process, with or without its lifespan."""
    if not lifespan:
        yield _MemorySite(app)
        return
    async with app.running():
        yield _MemorySite(app)


class _MemorySite:
    def __init__(self, app: ByteSocket) -> None:
        self._app = app

    @asynccontextmanager
    async def connect(
        self,
        path: str = "/ws",
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        subprotocols: Sequence[str] = (),
    ) -> AsyncGenerator[Peer]:
        if path != self._app.path:
            raise Refused(404)
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        handshake = Handshake(
            path=path,
            query=query,
            headers={"host": "memory", **lower},
            subprotocols=tuple(subprotocols),
        )
        decision = await self._app.endpoint.admit(handshake)
        if isinstance(decision, Rejection):
            raise Refused(decision.status)
        transport = MemoryTransport()
        async with create_task_group() as tasks:
            receiver = self._app.endpoint.open(handshake, transport, decision, tasks)
            transport.receiver = receiver
            tasks.start_soon(receiver.run)
            try:
                yield MemoryPeer(transport, decision.subprotocol)
            finally:
                transport.end(1005, "")


class MemoryPeer:
    """Client end of a memory transport."""

    def __init__(self, transport: MemoryTransport, subprotocol: str | None) -> None:
        self._transport = transport
        self.subprotocol = subprotocol

    async def send(self, payload: str | bytes) -> None:
        """Send one message."""
        await self._transport.push(payload, is_binary=isinstance(payload, bytes))

    async def receive(self) -> str | bytes | Ended:
        """Wait for the next message, or the end."""
        frame = await self._transport.take()
        if frame is None:
            code, reason = self._transport.closed or (1006, "")
            return Ended(int(code), reason)
        return frame.payload if frame.is_binary else frame.text

    async def close(self, code: int, reason: str) -> None:
        """Close the connection."""
        self._transport.end(code, reason)

    async def abort(self) -> None:
        """Drop the connection."""
        self._transport.end(1006, "")
