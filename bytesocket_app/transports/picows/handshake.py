"""Handshake of a connection: one HTTP request, and an HTTP answer or the upgrade."""

import asyncio
import logging
from functools import partial
from typing import Any, ClassVar, Final, cast

from anyio import CancelScope
from anyio.abc import TaskGroup
from typing_extensions import override

from bytesocket_app.event_loop import cancelled_itself, ends_everything
from bytesocket_app.transports.entry import NO_TUNNEL, UPGRADE_REQUIRED
from bytesocket_app.transports.headers import told
from bytesocket_app.transports.interface import Acceptance, Handshake, Rejection
from bytesocket_app.transports.picows.closing import hang_up
from bytesocket_app.transports.picows.head import BadRequest, Head, Request
from bytesocket_app.transports.picows.opening import Opened, Upgrade, open_connection
from bytesocket_app.transports.picows.server_state import ServerState

logger = logging.getLogger("bytesocket")

EARLY: Final = 16 * 1024
"""Bytes after a request that are kept until its upgrade is answered; reading then pauses. The read
that goes beyond it adds `READ` at most."""

READ: Final = 16 * 1024
"""Bytes per read before the upgrade."""


class HandshakeProtocol(asyncio.BufferedProtocol):
    """Protocol that reads the request and is replaced by picows' after an upgrade.

    Attributes:
        connecting: Cancelled if the request is late before there is a transport; set by the task
            that makes one.
        real: The connection; None before there is one.
        is_open: True while the request is awaited, and its deadline applies.
    """

    _scratch: ClassVar[bytearray] = bytearray(READ)

    def __init__(self, server_state: ServerState, tasks: TaskGroup) -> None:
        self._server = server_state
        self._tasks = tasks
        self._head: Head | None = Head(server_state.bounds)
        self._early = bytearray()
        self._deciding: CancelScope | None = None
        self.real: asyncio.Transport | None = None
        self.connecting: CancelScope | None = None
        self.is_open = True

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self.real = cast("asyncio.Transport", transport)  # uvloop's has another base class
        self._server.arrived(self.real)

    @override
    def get_buffer(self, sizehint: int) -> bytearray:
        """Return a buffer that all connections share, as its bytes are copied at once."""
        return self._scratch

    @override
    def buffer_updated(self, nbytes: int) -> None:
        """Read the request; keep the bytes after it until the upgrade is decided."""
        data = bytes(self._scratch[:nbytes])
        if self._head is None or not self.is_open:
            self._keep(data)
            return
        try:
            request = self._head.feed(data)
            if request is not None:
                self.is_open = False
                self._keep(self._head.rest)
                self._route(request)
        except BadRequest as bad:
            self.answer(told(bad.status), f"{bad}\n", bad.headers)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the decision: the client left."""
        self.is_open = False
        if self.real is not None:
            self._server.gone(self.real)
        if self._deciding is not None:
            self._deciding.cancel()

    def late(self) -> None:
        """Close the connection, as its request did not come in time."""
        if self.real is not None:
            if self.is_open:
                self.answer(408, "No request came in time.\n")
        elif self.connecting is not None:
            self.connecting.cancel()

    def abort(self) -> None:
        """Drop the connection, if there is one."""
        if self.real is not None:
            self.real.abort()

    def answer(self, status: int, text: str, headers: Any = ()) -> None:
        """Answer in HTTP, and close the connection."""
        self.is_open = False
        head, real = self._head, self.real
        if head is None or real is None:
            return
        self._head = None
        self._early.clear()
        if not real.is_closing():
            real.write(head.answer(status, text, headers))
            if real.can_write_eof():
                hang_up(real, partial(self._server.gone, real))
            else:  # TLS says so by itself
                real.close()
            self._server.lingers(real)

    async def decide(self, upgrade: Upgrade) -> Opened | None:
        """Have an upgrade decided, and answer it.

        Returns:
            The open connection; None if it was refused, or the client left meanwhile.
        """
        real = self.real
        decision: Acceptance | Rejection | None = None
        with CancelScope() as self._deciding:
            decision = await upgrade.deadlines.served.endpoint.admit(upgrade.handshake)
        self._deciding = None
        if decision is None or real is None or real.is_closing():
            if isinstance(decision, Acceptance):
                decision.abandon()
            return None
        if isinstance(decision, Rejection):
            self.answer(decision.status, f"{decision.reason}\n", decision.headers)
            return None
        early, self._head = bytes(self._early), None
        return open_connection(real, self._server, self._tasks, upgrade, decision, early)

    def _keep(self, data: bytes) -> None:
        """Keep bytes for the WebSocket."""
        self._early += data
        if len(self._early) > EARLY and self.real is not None:
            self.real.pause_reading()

    def _route(self, request: Request) -> None:
        deadlines = self._server.deadlines(request.path)
        if deadlines is not None:
            deadlines.bounds.check(request.size, request.count)
        if request.method == "CONNECT":
            self.answer(405, NO_TUNNEL)
        elif deadlines is not None and request.wants_websocket:
            key = request.key()
            upgrade = Upgrade(deadlines, self._handshake(request), key)
            self._tasks.start_soon(_serve, self, self._server, upgrade)
        elif (found := self._server.probe(request.path)) is not None:
            self.answer(*found)
        elif deadlines is not None:
            host = request.headers.get("host", "localhost")
            text = UPGRADE_REQUIRED.format(host=host, path=request.path)
            self.answer(426, text, [("upgrade", "websocket")])
        elif request.wants_websocket:
            self.answer(404, f"No socket here; try {' or '.join(self._server.paths)}.\n")
        else:
            self.answer(404, self._server.missing())

    def _handshake(self, request: Request) -> Handshake:
        assert self.real is not None  # noqa: S101 - it brought the request
        peer: tuple[str, int] | None = self.real.get_extra_info("peername")
        secure = self.real.get_extra_info("ssl_object") is not None
        return Handshake(
            path=request.path,
            query=request.query,
            headers=request.headers,
            subprotocols=request.subprotocols,
            client=(peer[0], peer[1]) if peer else None,
            scheme="wss" if secure else "ws",
            native=self._server.native,
        )


async def _serve(front: HandshakeProtocol, server_state: ServerState, upgrade: Upgrade) -> None:
    """Serve a connection that asks for an upgrade, to the end of its hooks."""
    real = front.real
    try:
        with server_state.call():
            opened = await front.decide(upgrade)
            del front, upgrade
            if opened is not None:
                await opened.run()
    except BaseException as error:
        # The last guard: an exception would end the task group of all connections.
        if ends_everything(error):
            raise
        if not cancelled_itself(error):
            logger.exception("serving a connection failed")
        if real is not None:
            real.abort()
