"""In-process ASGI server for one WebSocket: the test client's way through a host application.

Source: the ASGI specification, "WebSocket" (2.5) and the extension "WebSocket Denial Response".
"""

from collections import deque
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final
from urllib.parse import unquote

from anyio import CancelScope, Event, create_task_group, move_on_after

from bytesocket_app.errors import RequestError
from bytesocket_app.testing.log import NothingCame
from bytesocket_app.transports import Handshake
from bytesocket_app.transports.asgi import ABORT, ASGIApp, Message
from bytesocket_app.transports.lifespan import LifespanError, run_lifespan
from bytesocket_app.wire.close import CloseCode
from bytesocket_app.wire.frame import Frame

PATIENCE: Final = 10.0
"""Seconds that a host may take for a handshake, and for its shutdown."""

_AHEAD: Final = 16
"""Messages that the application has not read, with which the client waits, as behind a network."""

_BUFFER: Final = 65_536
"""Bytes that the peer did not take, with which the application waits, as behind a network."""

_DENIAL: Final = "websocket.http.response"


class HostedTransport:
    """One WebSocket of an ASGI application, from the side of the server and of the peer.

    Args:
        host: The application.

    Attributes:
        outbox: Frames that the application sent and the peer did not take yet.
        closed: The close code and reason, once the connection is over.
        over: Set when the application is done with the connection.
    """

    def __init__(self, host: ASGIApp) -> None:
        self._host = host
        self.outbox: deque[Frame] = deque()
        self.closed: tuple[int, str] | None = None
        self.over = Event()
        self._sent = Event()
        self._inbox: deque[Message] = deque([{"type": "websocket.connect"}])
        self._came = Event()
        self._read = Event()
        self._taken = Event()
        self._untaken = 0
        self._answered = Event()
        self._accepted = False
        self._settled = Event()
        self._refusal: RequestError | None = None
        self._denial = (0, b"")
        self._failure: Exception | None = None
        self._scope_of_tasks: CancelScope | None = None

    async def connect(self, handshake: Handshake, stack: AsyncExitStack) -> None:
        """Run the host's lifespan and make the handshake, for as long as the stack lasts.

        Raises:
            RequestError: The host refused the handshake; the code is the HTTP status.
            NothingCame: The host did not answer it in time.
            Exception: Whatever the host raised.
        """
        state = await stack.enter_async_context(_living(self._host))
        tasks = await stack.enter_async_context(create_task_group())
        self._scope_of_tasks = tasks.cancel_scope
        tasks.start_soon(self._run, {**_scope(handshake), "state": dict(state)})
        with move_on_after(PATIENCE):
            await self._answered.wait()
            if self._accepted:
                await self._settled.wait()
        if not self._answered.is_set():
            tasks.cancel_scope.cancel()
            raise NothingCame(f"the host did not answer the handshake within {PATIENCE:g} s")
        if not self._accepted:
            await self.over.wait()
            self.raise_failure()
            raise self._refusal or RequestError("500", "The host ended without an answer.")

    def raise_failure(self) -> None:
        """Raise what the host raised, if it did."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def cancel(self) -> None:
        """Cancel what the host does for this connection."""
        if self._scope_of_tasks is not None:
            self._scope_of_tasks.cancel()

    def end(self, code: int, reason: str) -> None:
        """End the connection from either side."""
        if self.closed is None:
            self.closed = (code, reason)
            self._tell({"type": "websocket.disconnect", "code": code, "reason": reason})
            self._sent.set()
            self._read.set()
            self._taken.set()

    async def take(self) -> Frame | None:
        """Wait for the next frame; None once the connection is over and all are taken."""
        while not self.outbox:
            if self.closed is not None:
                return None
            self._sent = Event()
            await self._sent.wait()
        frame = self.outbox.popleft()
        self._untaken -= frame.size
        self._taken.set()
        return frame

    async def push(self, payload: bytes | str, *, is_binary: bool) -> None:
        """Send a message; wait while the application has many that it did not read."""
        if self.closed is not None:
            return
        self._tell({"type": "websocket.receive", "bytes" if is_binary else "text": payload})
        while len(self._inbox) > _AHEAD and self.closed is None:
            self._read = Event()
            await self._read.wait()

    def _tell(self, message: Message) -> None:
        self._inbox.append(message)
        self._came.set()

    async def _run(self, scope: dict[str, Any]) -> None:
        scope["extensions"] = {_DENIAL: {}, ABORT: self._abort}
        try:
            await self._host(scope, self._receive, self._send)
        except Exception as error:  # noqa: BLE001 - raised where the test waits
            self._failure = error
        finally:
            self.end(CloseCode.ABNORMAL, "")
            self.over.set()
            self._answered.set()
            self._settled.set()

    async def _receive(self) -> Message:
        if self._accepted:  # as over the memory transport: the application is at its first wait
            self._settled.set()
        while not self._inbox:
            self._came = Event()
            await self._came.wait()
        is_last = self._inbox[0]["type"] == "websocket.disconnect"
        message = self._inbox[0] if is_last else self._inbox.popleft()
        self._read.set()
        return message

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if not self._answered.is_set():
            self._answer(kind, message)
        elif self.closed is not None:
            raise ConnectionResetError("the peer is gone")
        elif kind == "websocket.close":
            self.end(message.get("code") or CloseCode.NORMAL, message.get("reason") or "")
        elif kind == "websocket.send":
            payload, is_binary = message.get("bytes"), message.get("bytes") is not None
            data = payload if payload is not None else str(message["text"]).encode()
            await self._write(Frame(data, is_binary))
        else:
            raise RuntimeError(f"the host sent {kind!r} after it accepted the connection")

    async def _write(self, frame: Frame) -> None:
        """Give the peer a frame; wait while it takes none and much waits for it."""
        self.outbox.append(frame)
        self._untaken += frame.size
        self._sent.set()
        while self._untaken > _BUFFER and self.closed is None:
            self._taken = Event()
            await self._taken.wait()

    def _answer(self, kind: str, message: Message) -> None:
        """Take the answer to the handshake."""
        if kind == "websocket.accept":
            self._accepted = True
            self._answered.set()
        elif kind == "websocket.close":
            self._refuse(403, message.get("reason") or "Forbidden")
        elif kind == f"{_DENIAL}.start":
            self._denial = (message["status"], b"")
        elif kind == f"{_DENIAL}.body":
            status, body = self._denial
            self._denial = (status, body + message.get("body", b""))
            if not message.get("more_body"):
                self._refuse(status, self._denial[1].decode("utf-8", "replace").strip())
        else:
            raise RuntimeError(f"the host sent {kind!r} as the answer to a WebSocket's handshake")

    def _refuse(self, status: int, reason: str) -> None:
        self._refusal = RequestError(str(status), reason)
        self.end(CloseCode.ABNORMAL, "")
        self._answered.set()

    def _abort(self) -> None:
        self.end(CloseCode.ABNORMAL, "")


def _scope(handshake: Handshake) -> dict[str, Any]:
    """Return the ASGI scope of a handshake, with the headers that clients send of themselves."""
    headers = {
        "host": "testserver",
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",  # RFC 6455 section 1.3
        "sec-websocket-protocol": ", ".join(handshake.subprotocols),
        **handshake.headers,
    }
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": unquote(handshake.path),
        "raw_path": handshake.path.encode(),
        "query_string": handshake.query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
        "client": handshake.client,
        "server": ("testserver", 80),
        "subprotocols": list(handshake.subprotocols),
    }


class _Life:
    """Lifespan of a host that several clients share.

    Attributes:
        state: What the host put into its lifespan's state.
        guests: Clients beside the one that runs it.
    """

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.guests = 0
        self.started = Event()
        self.failure: Exception | None = None
        self.left = Event()


_LIVES: Final[dict[int, _Life]] = {}
"""The lifespans that run, by the identity of their host."""


@asynccontextmanager
async def _living(host: ASGIApp) -> AsyncGenerator[dict[str, Any]]:
    """Run a host's lifespan for the block, once for all clients at the same time.

    The first client runs it in its own task, and leaves after the others.

    Raises:
        Exception: What the host's lifespan raised at its start; a LifespanError without one.
    """
    life = _LIVES.get(id(host))
    if life is None:
        async with _hosting(host) as life:
            yield life.state
        return
    life.guests += 1
    try:
        await life.started.wait()
        if life.failure is not None:
            raise life.failure
        yield life.state
    finally:
        life.guests -= 1
        life.left.set()


@asynccontextmanager
async def _hosting(host: ASGIApp) -> AsyncGenerator[_Life]:
    life = _LIVES[id(host)] = _Life()
    try:
        async with run_lifespan(host, life.state, timeout=PATIENCE):
            life.started.set()
            try:
                yield life
            finally:
                with move_on_after(PATIENCE, shield=True):
                    while life.guests:
                        life.left = Event()
                        await life.left.wait()
                _LIVES.pop(id(host), None)
    except LifespanError as error:
        cause = error.__cause__
        life.failure = cause if isinstance(cause, Exception) else error
        raise life.failure from None
    finally:
        _LIVES.pop(id(host), None)
        life.started.set()
