"""Connecting to an address: TCP, TLS, and the opening handshake."""

import logging
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import anyio
from anyio.abc import ByteStream, SocketAttribute
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI

from bytesocket_app.client.connection import BROKEN, WebSocketConnection
from bytesocket_app.client.handshake_headers import add_headers
from bytesocket_app.errors import ConnectError

_FRAMES: Final = logging.getLogger("bytesocket.client.frames")
"""Logger of `websockets`, which tells of all frames at DEBUG: not unless its own level is set,
whatever that of the others is."""
_FRAMES.setLevel(logging.INFO)

UNSENT: Final = 16 * 1024
"""Unsent bytes that the kernel may buffer. Its default is megabytes, which would hide that the
network is behind."""


_FOR_NOW: Final = frozenset({429, 503})
"""Statuses of servers that are there, and take no connection at the moment."""
_REFUSED: Final = frozenset({401, 403})
"""Statuses of servers that are there, and do not let this client in."""
_SHOWN: Final = 200
"""Characters of a server's own words in a line."""
_KEPT: Final = 1024
"""Bytes of a server's own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """Parameters of a connection attempt.

    Attributes:
        address: The address to connect to.
        headers: Further headers of the handshake; those that it has itself are replaced.
        subprotocols: Subprotocols to offer, best first.
        ssl_context: TLS settings for wss; None takes the system's certificates.
        message_bytes: Largest message to accept.
        close_timeout: Seconds allowed for a closing handshake.
    """

    address: WebSocketURI
    headers: Mapping[str, str]
    subprotocols: Sequence[str]
    ssl_context: ssl.SSLContext | None
    message_bytes: int
    close_timeout: float

    async def connect(self) -> WebSocketConnection:
        """Connect and perform the opening handshake. The caller sets the deadline.

        If cancelled or failed, the stream is closed.

        Raises:
            ConnectError: The address cannot be reached, or serves no WebSocket there.
        """
        try:
            stream = await self._stream()
        except BROKEN as error:
            raise ConnectError(
                f"cannot connect to {self.address.host}:{self.address.port}: {error}"
            ) from error
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):  # Linux and macOS
            raw = stream.extra(SocketAttribute.raw_socket)  # noqa: S610 - anyio's, not Django's
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
        try:
            protocol = self._checked(await self._handshake(stream))
        except BaseException:
            await anyio.aclose_forcefully(stream)
            raise
        return WebSocketConnection(stream, protocol, self.close_timeout)

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
            logger=_FRAMES,
        )
        request = protocol.connect()
        add_headers(request.headers, self.headers)
        # A query and headers hold secrets, which no log line has.
        is_told, protocol.debug = protocol.debug, False
        protocol.send_request(request)
        protocol.debug = is_told
        _FRAMES.debug("> GET %s HTTP/1.1", self.address.path or "/")
        try:
            await stream.send(b"".join(protocol.data_to_send()))
            while protocol.state is State.CONNECTING and protocol.handshake_exc is None:
                protocol.receive_data(await stream.receive())
        except BROKEN:
            protocol.receive_eof()
        return protocol

    def _checked(self, protocol: ClientProtocol) -> ClientProtocol:
        if protocol.state is State.CONNECTING or protocol.handshake_exc is not None:
            error = protocol.handshake_exc or InvalidHandshake("the connection ended")
            response = error.response if isinstance(error, InvalidStatus) else None
            status = None if response is None else response.status_code
            cause = str(error) if response is None else _said(response)
            raise ConnectError(
                f"{_problem(status)} at {self.address.path or '/'} of "
                f"{self.address.host}:{self.address.port}: {cause}",
                status,
                "" if response is None else _body(response),
                is_for_now=response is not None and "Retry-After" in response.headers,
            ) from error
        return protocol


def _problem(status: int | None) -> str:
    if status in _FOR_NOW:
        return "no connection for now"
    return "refused" if status in _REFUSED else "no WebSocket"


def _said(response: Response) -> str:
    """Return the status of an answer, and what the server says in a line of plain text."""
    status = f"HTTP {response.status_code}"
    text = _body(response)[:_SHOWN] if _content_type(response) == "text/plain" else ""
    return f"{status}: {text}" if text and text.isprintable() else status


def _body(response: Response) -> str:
    """Return the body of an answer if it is text or JSON: the first kilobyte."""
    kind = _content_type(response)
    if kind not in {"text/plain", "application/json"} and not kind.endswith("+json"):
        return ""
    return bytes(response.body or b"")[:_KEPT].decode(errors="replace").strip()


def _content_type(response: Response) -> str:
    named = response.headers.get_all("Content-Type") or [""]
    return named[0].partition(";")[0].strip().lower()
