"""Server that is already running an unknown application: only its protocol can be checked."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bytesocket_app.application import ByteSocket
from bytesocket_app.testing.conformance.network import NetworkSite
from bytesocket_app.testing.conformance.stage import Ended, Peer, Refused, Site
from bytesocket_app.wire import JSON, decode
from bytesocket_app.wire.message_type import MessageType


@dataclass(frozen=True, slots=True)
class RunningServer:
    """`Serve` that starts nothing: every site is the server at the address.

    Args:
        url: Address of the WebSocket: `ws://127.0.0.1:8000/ws`.
        credentials: Credentials to send first on each connection; None sends no auth message.
    """

    url: str
    credentials: Any = None

    @asynccontextmanager
    async def __call__(self, _app: ByteSocket) -> AsyncGenerator[Site]:
        """Return the server as a site, whatever the application."""
        site: Site = self
        yield site

    @asynccontextmanager
    async def connect(
        self,
        path: str = "/ws",  # noqa: ARG002 - every path is the one of the address
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        subprotocols: Sequence[str] = (),
    ) -> AsyncGenerator[Peer]:
        """Connect to the address, ignoring `path`, and authenticate if there are credentials.

        Raises:
            Refused: The handshake or the credentials were refused.
        """
        parts = urlsplit(self.url)
        site = NetworkSite(f"{parts.scheme}://{parts.netloc}")
        joined = "&".join(part for part in (parts.query, query) if part)
        async with site.connect(
            parts.path or "/", query=joined, headers=headers, subprotocols=subprotocols
        ) as peer:
            if self.credentials is not None:
                await self._authenticate(peer)
            yield peer

    async def _authenticate(self, peer: Peer) -> None:
        message = {"type": MessageType.AUTH.value, "data": self.credentials}
        await peer.send(JSON.encode(message).decode())
        answer = await peer.receive()
        if isinstance(answer, Ended):
            raise Refused(answer.code)
        found = decode(answer, isinstance(answer, bytes))
        if found != {"type": MessageType.AUTH_SUCCESS.value}:
            raise Refused(401)
