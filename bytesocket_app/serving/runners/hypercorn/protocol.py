"""hypercorn's protocol for one connection, with what hypercorn leaves to chance decided.

It stands in for hypercorn's `ProtocolWrapper`, which goes over to HTTP/2 where a peer asks for it.
This one does not: a stream of HTTP/2 can end in ways that hypercorn tells nobody of.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final
from weakref import WeakSet

import h11
from anyio.lowlevel import checkpoint
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.events import Body, Data, Request, StreamClosed
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.protocol.ws_stream import ASGIWebsocketState, WSStream
from typing_extensions import override
from wsproto.events import CloseConnection
from wsproto.events import Event as WebSocketEvent

from bytesocket_app.serving.runners.failures import tell
from bytesocket_app.serving.runners.hosting import LEFTOVERS
from bytesocket_app.transports.headers import head_size, told
from bytesocket_app.wire.close import CloseCode

SHARE: Final = 4096
"""Bytes that a connection parses before others run: they may be hundreds of frames."""

QUICK: Final = 0.001
"""Seconds within which a share is parsed that has few frames."""


class HypercornConfig(Config):
    """Configuration of a server with our protocol.

    Attributes:
        close_timeout: Seconds that a connection gets to take its last bytes.
        connections: Connections on trio, where hypercorn shields what it sends from cancellation.
    """

    close_timeout: float = 10.0
    connections: WeakSet[Any]


class HalfClosed(Event):
    """End of what is sent to a peer that may still be sending."""


@dataclass(frozen=True)
class PeerRefused(StreamEvent):
    """Refusal of whatever a stream's peer still sends."""


class GuardedProtocol(H11Protocol):
    """HTTP/1.1 for one connection: whatever fails in it ends it, with a 400 if none was answered.

    A refused peer is not cut off at once: a reset would overtake its answer. It has as long as for
    a request, and what it still sends is thrown away.
    """

    def __init__(self, *args: Any) -> None:
        *parts, send, _alpn_protocol = args
        self._out: Callable[[Event], Awaitable[None]] = send
        parts.append(self._pass_on)
        super().__init__(*parts)
        self._is_refused = False
        self._leftovers = 0

    @override
    async def handle(self, event: Event) -> None:
        """Take bytes of the peer, a share at a time, or the end of the connection."""
        if not isinstance(event, RawData) or len(event.data) <= SHARE:
            await self._take(event)
            return
        start, share = 0, SHARE
        while start < len(event.data):
            began = perf_counter()
            await self._take(RawData(event.data[start : start + share]))
            start += share
            if perf_counter() - began < QUICK:  # a part of a large message
                share = min(share * 2, SHARE * 4)
            else:
                share = SHARE
                await checkpoint()

    async def _take(self, event: Event) -> None:
        if self._is_refused and isinstance(event, RawData):
            self._leftovers += len(event.data)
            if self._leftovers > LEFTOVERS:
                await self._out(Closed())
            return
        try:
            await super().handle(event)
        except Exception as error:  # noqa: BLE001 - of any library below
            tell(error)
            await self._fail()

    @override
    async def stream_send(self, event: StreamEvent) -> None:
        """Take what a stream sends."""
        if isinstance(event, PeerRefused):
            self._is_refused = True
        else:
            await super().stream_send(event)

    async def _fail(self) -> None:
        """End the connection, whatever state it is in."""
        http: Any = getattr(self.connection, "h11_connection", self.connection)
        try:
            if http.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
                await self._send_error_response(400)
            await self._close_stream()
        except Exception as error:  # noqa: BLE001 - as above
            tell(error)
            self._is_refused = False  # at once, then
        await self.send(Closed())

    async def _pass_on(self, event: Event) -> None:
        """Pass an event on to the server; after a refusal the end comes later."""
        if not self._is_refused:
            await self._out(event)
        elif isinstance(event, Closed):
            await self._out(HalfClosed())
            await self._out(Updated(idle=True))
        # And an application that was answering an earlier request has nobody to answer.

    @override
    async def _send_error_response(self, status_code: int) -> None:
        await super()._send_error_response(told(status_code))
        self._is_refused = True

    @override
    async def _check_protocol(self, event: h11.Request) -> None:
        """Stay with HTTP/1.1."""

    @override
    async def _create_stream(self, request: h11.Request) -> None:
        if request.http_version > b"1.1":
            await self._send_error_response(505)
            await self.send(Closed())
        elif head_size(request.headers, len(request.target)) > self.config.h11_max_incomplete_size:
            await self._send_error_response(431)
            await self.send(Closed())
        else:
            await super()._create_stream(request)


class GuardedStream(WSStream):
    """One WebSocket whose application is always told of its end."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._application: Any = self.app
        self.app: Any = self._run

    @override
    async def handle(self, event: StreamEvent) -> None:
        """Take what the peer sent, or the end of the connection."""
        if isinstance(event, Body | Data) and not (self.closed or self.handshake.accepted):
            await self._refuse_early_bytes()
            return
        await super().handle(event)
        if isinstance(event, Request) and self.closed:
            # It was answered with an error, and nobody else would end the connection.
            await self.send(StreamClosed(stream_id=self.stream_id))

    @override
    async def app_send(self, message: Any) -> None:
        """Take what the application sends; None at its end."""
        try:
            await super().app_send(message)
        except (h11.LocalProtocolError, UnicodeError) as error:
            tell(error)
            await self._end()

    @override
    async def _send_wsproto_event(self, event: WebSocketEvent) -> None:
        """Send an event; a close of hypercorn's own, with 1009, ends the connection."""
        await super()._send_wsproto_event(event)
        is_own = self.state is ASGIWebsocketState.CONNECTED
        if is_own and isinstance(event, CloseConnection) and event.code == CloseCode.TOO_BIG:
            await self.send(PeerRefused(stream_id=self.stream_id))
            await self._end(CloseCode.TOO_BIG)

    async def _refuse_early_bytes(self) -> None:
        """Answer bytes that came before we took the connection (RFC 6455 section 4.1)."""
        if self.state is not ASGIWebsocketState.HANDSHAKE:
            return  # an answer is on its way
        self.closed = True  # first: the application may answer meanwhile
        await self._send_error_response(400)
        await self._end()

    async def _end(self, code: CloseCode = CloseCode.ABNORMAL) -> None:
        self.closed = True
        queue: Any = self
        if queue.app_put is not None:
            await queue.app_put({"type": "websocket.disconnect", "code": code})
        await self.send(StreamClosed(stream_id=self.stream_id))

    async def _run(self, scope: Any, receive: Any, *rest: Any) -> None:
        """Run the application, and nobody waits for it any more once it is done."""
        try:
            await self._application(scope, receive, *rest)
        finally:
            self.app_put = _nowhere
            _empty(receive)


async def _nowhere(_: Any) -> None:
    """Take what the peer still sends."""


def _empty(receive: Any) -> None:
    """Take what waits in the queue behind `receive`: a full one blocks the connection's reader."""
    queue = receive.__self__
    take: Callable[[], object] = getattr(queue, "get_nowait", None) or queue.receive_nowait
    try:
        while True:
            take()
    except Exception:  # noqa: BLE001 - each event loop has its own
        return
