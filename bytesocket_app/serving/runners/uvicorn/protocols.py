"""uvicorn's protocols for one connection, with deadlines, clear answers and a guard."""

import asyncio  # noqa: TID251 - uvicorn runs on it alone
import logging
import sys
from contextlib import suppress
from typing import Any, Final

import h11
import uvicorn
from typing_extensions import override
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import State

from bytesocket_app.serving.runners.failures import tell
from bytesocket_app.serving.runners.hosting import LEFTOVERS, NEVER
from bytesocket_app.transports.asgi import ABORT
from bytesocket_app.transports.headers import head_size, told

SHARE: Final = 16 * 1024
"""Bytes that a connection reads in a turn of the event loop: they may be thousands of frames."""

_BAD_REQUEST: Final = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class UvicornConfig(uvicorn.Config):
    """Configuration of a server with our protocols.

    Attributes:
        handshake: Seconds for TLS, and again for each request; None for no deadline.
        close_timeout: Seconds that a connection gets to take its last bytes; None for ever.
    """

    handshake: float | None = None
    close_timeout: float | None = None


class Timer:
    """One deadline of a connection: its transport is dropped then."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handle: asyncio.TimerHandle | None = None

    def start(self, seconds: float | None, transport: asyncio.Transport) -> None:
        """Begin, unless it has begun."""
        if self._handle is None and seconds is not None:
            self._handle = self._loop.call_later(seconds, transport.abort)

    def stop(self) -> None:
        """Take it back."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


class QuietLog(logging.LoggerAdapter[logging.Logger]):
    """uvicorn's log, without the traceback that it has for text that is not UTF-8."""

    @property
    def level(self) -> int:
        """The level of the log."""
        return self.logger.level

    @override
    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Log an exception that is being handled."""
        error = sys.exc_info()[1]
        if isinstance(error, UnicodeDecodeError) and "UTF-8" in str(msg):
            tell(error)
        else:
            super().exception(msg, *args, **kwargs)


class GuardedHttp(H11Protocol):
    """HTTP/1.1 for one connection.

    A refused peer is not cut off at once: a reset would overtake its answer. It has as long as for
    a request, and what it still sends is thrown away.
    """

    config: UvicornConfig

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline = Timer(self.loop)
        self._is_refused = False
        self._leftovers = 0

    @override
    def connection_made(self, transport: Any) -> None:
        """Begin, with a deadline for the request."""
        super().connection_made(transport)
        if hasattr(transport, "max_size"):  # asyncio's own, without TLS: 256 KiB
            transport.max_size = SHARE
        self._deadline.start(self.config.handshake, transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._deadline.stop()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        """Take bytes of the peer."""
        if self._is_refused:
            self._leftovers += len(data)
            if self._leftovers > LEFTOVERS:
                self.transport.abort()
            return
        try:
            super().data_received(data)
        except Exception as error:  # noqa: BLE001 - of any library below
            tell(error)
            self._refuse(400)
        cycle: Any = self.cycle
        is_answered = cycle is not None and cycle.response_complete
        if self._is_refused or is_answered or self.conn.their_state is h11.IDLE:
            self._deadline.start(self.config.handshake, self.transport)
        else:
            self._deadline.stop()

    @override
    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Go over to a WebSocket, unless bytes came before it was taken (RFC 6455 section 4.1)."""
        limit = self.config.h11_max_incomplete_event_size or sys.maxsize
        if self.conn.trailing_data[0] or event.http_version < b"1.1":
            self._refuse(400)
        elif head_size(self.headers, len(event.target)) > limit:
            self._refuse(431)
        else:
            super().handle_websocket_upgrade(event)

    @override
    def shutdown(self) -> None:
        """End the connection once its answer is complete: the server stops."""
        try:
            super().shutdown()
        except h11.LocalProtocolError as error:
            tell(error)
            self.transport.abort()

    @override
    def send_400_response(self, msg: str) -> None:
        """Answer a request that is none, or that is too large."""
        error = sys.exc_info()[1]  # uvicorn is handling it
        self._refuse(getattr(error, "error_status_hint", 400))

    def _refuse(self, status: int) -> None:
        self._is_refused = True
        # Not only for bytes that come: a request may wait for the answer to the one before.
        self._deadline.start(self.config.handshake, self.transport)
        cycle: Any = self.cycle
        if cycle is not None:  # an application that was answering has nobody to answer
            cycle.disconnected = True
            cycle.message_event.set()
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.close()
            return
        headers = [(b"content-length", b"0"), (b"connection", b"close")]
        head = self.conn.send(h11.Response(status_code=told(status), headers=headers))
        self.transport.write((head or b"") + (self.conn.send(h11.EndOfMessage()) or b""))
        if self.transport.can_write_eof():
            with suppress(OSError):  # the peer is gone
                self.transport.write_eof()


class GuardedWebSocket(WebSocketsSansIOProtocol):
    """One WebSocket."""

    config: UvicornConfig

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._last_bytes = Timer(self.loop)
        self.logger: Any = QuietLog(self.logger)
        self._is_lost = self._is_refused = False
        self._leftovers = 0
        self._pong = b""

    @override
    def handle_ping(self) -> None:
        """Answer a ping. A peer that does not read gets the answer to its last ones only."""
        if self.writable.is_set() or self.conn.state is not State.OPEN:  # or a close goes with it
            super().handle_ping()
        else:
            # RFC 6455 section 5.5.3; of several in one read the first brings all answers.
            self._pong = b"".join(self.conn.data_to_send()) or self._pong

    @override
    def resume_writing(self) -> None:
        """Go on, after the answer that was held back."""
        super().resume_writing()
        pong, self._pong = self._pong, b""
        if pong and not self.close_sent:
            self.transport.write(pong)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._is_lost = True
        self._last_bytes.stop()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        """Take bytes of the peer."""
        if self._is_refused:
            self._leftovers += len(data)
            if self._leftovers > LEFTOVERS:
                self.transport.abort()
            return
        try:
            super().data_received(data)
        except Exception as error:  # noqa: BLE001 - of any library below
            tell(error)
            self._refuse()
            return
        if not self.handshake_initiated and self.conn.handshake_exc is not None:
            self._refuse()

    @override
    def handle_parser_exception(self) -> None:
        """Close for what the peer sent; the rest of it is thrown away while it reads why."""
        if not self.transport.can_write_eof():  # TLS: nothing but the end tells that it is one
            super().handle_parser_exception()
            return
        # Without this the application's end would close the connection: a reset, which overtakes.
        self.close_timer = self.loop.call_later(
            self.config.close_timeout or NEVER, self.transport.abort
        )
        closing = self.conn.close_sent
        assert closing is not None  # noqa: S101 - the parser has written it
        self.queue.put_nowait(
            {"type": "websocket.disconnect", "code": closing.code, "reason": closing.reason}
        )
        self.close_sent = self._is_refused = True
        self.transport.write(b"".join(self.conn.data_to_send()))
        with suppress(OSError):  # the peer is gone
            self.transport.write_eof()

    @override
    def handle_connect(self, event: Request) -> None:
        """Take the request, of which uvicorn would keep a copy beside the scope."""
        super().handle_connect(event)
        del self.request

    @override
    async def run_asgi(self) -> None:
        """Run the application."""
        scope: Any = self.scope
        scope["extensions"][ABORT] = self.transport.abort
        await super().run_asgi()

    @override
    async def send(self, message: Any) -> None:
        """Take what the application sends."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            # uvicorn forgets that this is an answer, and logs an error for each.
            self.handshake_complete = True

    @override
    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """Give the peer a while to take what the application sent."""
        super().on_task_complete(task)
        if not self._is_lost:
            self._last_bytes.start(self.config.close_timeout, self.transport)

    def _refuse(self) -> None:
        """End the connection; without an answer so far, with the library's or a plain one."""
        if not self.handshake_initiated:
            answer = b"".join(self.conn.data_to_send()) or _BAD_REQUEST
            self.handshake_complete = True
            self.transport.write(answer)
        self.close_sent = True
        self.transport.close()
        self._last_bytes.start(self.config.close_timeout, self.transport)
