"""Handshake of a connection: one HTTP request, and an HTTP answer or the upgrade."""

import asyncio
import logging
from typing import Any, cast

from anyio import CancelScope
from anyio.abc import TaskGroup
from typing_extensions import override

from bytesocket_app.event_loop import cancelled_itself, ends_everything
from bytesocket_app.transports.entry import UPGRADE_REQUIRED
from bytesocket_app.transports.interface import Acceptance, Handshake, Rejection
from bytesocket_app.transports.picows.head import BadRequest, Head, Request
from bytesocket_app.transports.picows.parser import attach_parser, feed
from bytesocket_app.transports.picows.reader import Reader
from bytesocket_app.transports.picows.server_state import Deadlines, ServerState
from bytesocket_app.transports.picows.transport import PicowsTransport

logger = logging.getLogger("bytesocket")

EARLY: int = 64 * 1024
"""Bytes that a client may send before its upgrade is answered; reading then pauses."""


class HandshakeProtocol(asyncio.Protocol):
    """Protocol that reads the request and is replaced by picows' after an upgrade.

    Attributes:
        is_open: True while the request is awaited, and its deadline applies.
    """

    def __init__(self, server_state: ServerState, tasks: TaskGroup) -> None:
        self._server = server_state
        self._tasks = tasks
        self._head: Head | None = Head()
        self._early = bytearray()
        self._deciding: CancelScope | None = None
        self._real: asyncio.Transport
        self.is_open = True

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport, and start the deadline of the request."""
        self._real = cast("asyncio.Transport", transport)  # uvloop's has another base class
        self._server.arrived(self, self._real)

    @override
    def data_received(self, data: bytes) -> None:
        """Read the request; keep the bytes after it until the upgrade is decided."""
        if self._head is None or not self.is_open:
            self._early += data
            if len(self._early) > EARLY:
                self._real.pause_reading()
            return
        try:
            request = self._head.feed(data)
            if request is not None:
                self._early += self._head.rest
                self._route(request)
        except BadRequest as bad:
            self.answer(bad.status, f"{bad}\n", bad.headers)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the decision: the client left."""
        self.is_open = False
        self._server.gone(self._real)
        if self._deciding is not None:
            self._deciding.cancel()

    def late(self) -> None:
        """Close the connection, as its request did not come in time."""
        if self.is_open:
            self.answer(408, "No request came in time.\n")

    def answer(self, status: int, text: str, headers: Any = ()) -> None:
        """Answer in HTTP, and close the connection."""
        self.is_open = False
        if self._head is not None and not self._real.is_closing():
            self._real.write(self._head.answer(status, text, headers))
            self._real.close()
            self._server.lingers(self._real)

    def _route(self, request: Request) -> None:
        self.is_open = False
        deadlines = self._server.deadlines(request.path)
        if deadlines is not None and request.wants_websocket:
            key = request.key()
            self._tasks.start_soon(self._serve, deadlines, request, key)
        elif (found := self._server.probe(request.path)) is not None:
            self.answer(*found)
        elif deadlines is not None:
            host = request.headers.get("host", "localhost")
            text = UPGRADE_REQUIRED.format(host=host, path=request.path)
            self.answer(426, text, [("upgrade", "websocket")])
        else:
            self.answer(404, "Not found.\n")

    async def _serve(self, deadlines: Deadlines, request: Request, key: str) -> None:
        """Serve a connection that asks for an upgrade, to the end of its hooks."""
        try:
            with self._server.call():
                await self._decide(deadlines, request, key)
        except BaseException as error:
            # The last guard: an exception would end the task group of all connections.
            if ends_everything(error):
                raise
            if not cancelled_itself(error):
                logger.exception("serving a connection failed")
            self._real.abort()

    async def _decide(self, deadlines: Deadlines, request: Request, key: str) -> None:
        handshake = self._handshake(request)
        decision: Acceptance | Rejection | None = None
        with CancelScope() as self._deciding:
            decision = await deadlines.served.endpoint.admit(handshake)
        self._deciding = None
        if decision is None or self._real.is_closing():
            return  # the client left meanwhile
        if isinstance(decision, Rejection):
            self.answer(decision.status, f"{decision.reason}\n", decision.headers)
            return
        self._head = None
        await self._run(deadlines, handshake, decision, key)

    async def _run(
        self, deadlines: Deadlines, handshake: Handshake, decision: Acceptance, key: str
    ) -> None:
        limits = deadlines.served.settings.limits
        link = PicowsTransport(self._real, self._server)
        reader = Reader(link, limits, deadlines.unfinished)
        # uvloop notices that the parser has a buffer of its own when reading starts again.
        self._real.pause_reading()
        parser = attach_parser(
            self._real,
            reader,
            link,
            key=key,
            subprotocol=decision.subprotocol,
            message_bytes=limits.message_bytes,
        )
        receiver = deadlines.served.endpoint.open(handshake, link, decision, self._tasks)
        link.open(receiver, reader)
        reader.open(receiver)
        deadlines.opened(link)
        feed(parser, bytes(self._early))
        self._early.clear()
        if not reader.is_paused:
            self._real.resume_reading()
        try:
            await link.run(receiver)
        finally:
            if not link.is_over:
                link.abort()

    def _handshake(self, request: Request) -> Handshake:
        peer: tuple[str, int] | None = self._real.get_extra_info("peername")
        secure = self._real.get_extra_info("ssl_object") is not None
        return Handshake(
            path=request.path,
            query=request.query,
            headers=request.headers,
            subprotocols=request.subprotocols,
            client=(peer[0], peer[1]) if peer else None,
            scheme="wss" if secure else "ws",
            native=self._server.native,
        )
