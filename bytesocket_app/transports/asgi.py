"""The ASGI adaptor: hypercorn, uvicorn and granian speak to it.

Source: the ASGI specification, "WebSocket connection scope".
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from contextlib import suppress
from functools import partial
from itertools import cycle
from typing import Any, Final, Self, TypeAlias, TypeVar

from anyio import CancelScope, Event, create_task_group
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint
from typing_extensions import override

from bytesocket_app.telemetry import Count, Telemetry
from bytesocket_app.transports.headers import head_size, kept
from bytesocket_app.transports.interface import Endpoint, Handshake, Rejection
from bytesocket_app.transports.queued import QueuedTransport
from bytesocket_app.transports.writer import Writer
from bytesocket_app.wire.close import CloseCode
from bytesocket_app.wire.frame import Frame

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

T = TypeVar("T")

LOT: Final = 64
"""Messages read beside a connection's own task before other tasks run."""

_AT_ONCE: Final = 3
"""Turns of the event loop in which a handshake is decided that asks nobody."""

ABORT: Final = "bytesocket.abort"
"""Extension of a scope: a function that drops the connection at once. ASGI has no word for it; our
own runners for hypercorn and uvicorn put it there."""


class AsgiTransport(QueuedTransport):
    """One WebSocket of an ASGI server. What is written goes out through the shared writer.

    The connection's own task reads for itself while it has nothing else to do, so that a message
    is handled where it was read. Only while that task is held up does another one read, for pings
    and disconnects; it hands back once the own task gets by without waiting.

    ================  =========  ========  ======  ====  ==========================================
    who reads         is_parked  held_up   second  gone  left by
    ================  =========  ========  ======  ====  ==========================================
    nobody: at work   no         no        no      no    `park`, or a wait (`hold_up`)
    the own task      yes        no        no      no    a message, or `interrupt`
    the second task   any        yes       yes     no    the own task's next batch (`cork`)
    handing back      any        no        yes     no    a message while the own task is parked; or
                                                         a wait: it keeps the reading (`hold_up`)
    nobody: gone      any        any       any     yes
    ================  =========  ========  ======  ====  ==========================================

    `second` says that there is a second task; while it is handing back it still reads, once. For
    the states of output see `QueuedTransport`.

    Args:
        receive: The ASGI server's receive.
        send: The ASGI server's send.
        writer: Flushes sockets that have output.
        tasks: Where the second reader runs; it lives as long as the connection.
        drop: Has the server drop the connection, where it can be told (see `ABORT`), or notes that
            it cannot be.
    """

    __slots__ = (
        "_drop",
        "_gone",
        "_held_up",
        "_receive",
        "_second",
        "_send",
        "_writer",
    )

    def __init__(
        self,
        receive: Receive,
        send: Send,
        writer: Writer,
        tasks: TaskGroup,
        drop: Callable[[], object] | None = None,
    ) -> None:
        super().__init__(tasks)
        self._drop = drop
        self._receive = receive
        self._send = send
        self._writer = writer
        self._gone = False
        self._held_up = False
        self._second: CancelScope | None = None

    @override
    def schedule(self) -> None:
        """Have the shared writer flush this connection."""
        self._writer.put(self)

    @classmethod
    @override
    def write_many(  # pyright: ignore[reportIncompatibleMethodOverride] - it loses the Self
        cls, transports: Collection[Self], frame: Frame, *, skip: Self | None = None
    ) -> list[Self]:
        """Queue a frame on each of many connections; idle ones, which are most, without `write`."""
        behind: list[Self] = []
        for each in transports:
            if each is skip:
                continue
            busy = each._queued or each._corked or each._over or each._closing  # noqa: SLF001
            outbox = each._outbox  # noqa: SLF001
            if not (busy or each._alone or outbox.size or outbox.behind):  # noqa: SLF001
                each._queued = True  # noqa: SLF001
                each._alone = frame  # noqa: SLF001
                each._writer.put(each)  # noqa: SLF001
            elif each.write(frame):
                behind.append(each)
        return behind

    @override
    def send(self, frame: Frame) -> Awaitable[None]:
        """Give the server one message; returns its own coroutine, one less for each message."""
        send = self._send
        if frame.is_binary:
            return send({"type": "websocket.send", "bytes": frame.payload})
        return send({"type": "websocket.send", "text": frame.decoded or frame.text})

    @override
    def send_close(self, code: int, reason: str) -> Awaitable[None]:
        """Give the server the close."""
        return self._send({"type": "websocket.close", "code": code, "reason": reason})

    @override
    def before_close(self) -> None:
        """Stop reading: granian sends no close frame while a `receive` is pending."""
        self._stop_reading()

    @override
    def abort(self) -> None:
        """Stop reading and writing; the server then drops the connection, at once if it can."""
        self.lose()
        if self._drop is not None:
            self._drop()

    @override
    def cork(self) -> None:
        """Hold what is written for a flush by the connection's own task."""
        self._corked = True
        self._held_up = False

    @override
    def hold_up(self) -> None:
        """Give what is held to the shared writer, and the reading to a task beside."""
        if self._held_up:
            return
        self._held_up = True
        super().hold_up()
        if self._second is None and not self._gone:
            self._second = CancelScope()
            self._tasks.start_soon(self._read_beside)

    @override
    async def park(self) -> None:
        """Read one message here, or wait for what is read beside."""
        self.is_parked = True
        try:
            if self._second is not None or self._gone:
                self._parked = Event()
                await self._parked.wait()
                return
            message = await self._receive()
        finally:
            self.is_parked = False
        self._push(message)

    def finish(self) -> None:
        """Leave nothing behind: the receiver is done."""
        self._gone = True
        self.drop()
        self._stop_reading()

    async def _read_beside(self) -> None:
        while not self._gone:
            self._second = CancelScope()
            with self._second:
                await self._read_until_handed_back()
                break
        self._second = None

    async def _read_until_handed_back(self) -> None:
        for count in cycle(range(LOT)):
            if self._gone:
                return
            message = await self._receive()
            handing_back = self._parked is not None and not self._held_up
            accepted = self._push(message)
            del message  # it may be large, and the next one may not come for long
            self.wake()
            if handing_back:
                return
            if not accepted:
                await self.resumed()
            elif not count:  # a server that has messages gives them without a wait
                await checkpoint()

    def _push(self, message: Message) -> bool:
        """Push one message into the receiver; False if it asks for a pause."""
        if message["type"] == "websocket.disconnect":
            self._gone = True
            code = message.get("code") or CloseCode.NO_STATUS
            self.lose(code, message.get("reason") or "")
            return True
        payload = message.get("bytes")
        if payload is None:
            return self.receiver.received(message["text"], False)  # noqa: FBT003
        return self.receiver.received(payload, True)  # noqa: FBT003

    def _stop_reading(self) -> None:
        """Cancel the pending `receive`, whoever waits for it."""
        if self._second is not None:
            self._second.cancel()
        elif self.is_parked:
            self.receiver.interrupt()


async def serve_websocket(
    endpoint: Endpoint,
    writer: Writer,
    telemetry: Telemetry,
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    path: str,
) -> None:
    """Serve one WebSocket connection from its request to the end of its hooks.

    Args:
        endpoint: The application's end of its connections.
        writer: What flushes sockets that have output.
        telemetry: Told of connections that the server cannot be told to drop.
        scope: The ASGI scope, of type `websocket`.
        receive: The ASGI server's receive.
        send: The ASGI server's send.
        path: The path as the application sees it, mounts taken off.
    """
    await receive()  # websocket.connect: the specification's first event
    handshake = _handshake(scope, path)
    watch = _Watch(receive)
    decision = await watch.during(endpoint.admit(handshake))
    if isinstance(decision, Rejection):
        await reject(decision, scope, send)
        return
    try:
        await send({"type": "websocket.accept", "subprotocol": decision.subprotocol})
    except BaseException:
        decision.abandon()
        raise
    if watch.is_gone:
        decision.abandon()
        return
    async with create_task_group() as tasks:
        left = partial(telemetry.count, Count.LEFT)
        extensions: Mapping[str, Any] = scope.get("extensions") or {}
        drop: Callable[[], object] = extensions.get(ABORT, left)
        transport = AsgiTransport(receive, send, writer, tasks, drop)
        transport.receiver = endpoint.open(handshake, transport, decision, tasks)
        await transport.run()
        # Not the whole group: others may be guests in it (the shared writer, for one).
        transport.finish()


class _Watch:
    """Watch for the loss of a connection whose handshake takes a while to be decided.

    Attributes:
        is_gone: True once the server told of it: hypercorn takes an accept all the same.
    """

    def __init__(self, receive: Receive) -> None:
        self.is_gone = False
        self._receive = receive

    async def during(self, deciding: Awaitable[T]) -> T:
        """Watch while something is awaited; returns or raises what that does."""
        failures: list[Exception] = []
        async with create_task_group() as tasks:
            tasks.start_soon(self._wait)
            try:
                return await deciding
            except Exception as error:  # noqa: BLE001 - raised below: not in a group
                failures.append(error)
            finally:
                tasks.cancel_scope.cancel()
        raise failures.pop()

    async def _wait(self) -> None:
        """Wait for the end; what is decided at once is not watched."""
        for _ in range(_AT_ONCE):
            await checkpoint()
        with suppress(Exception):  # the server says it again when the accept is sent
            message = await self._receive()
            self.is_gone = message["type"] == "websocket.disconnect"


async def reject(rejection: Rejection, scope: Scope, send: Send) -> None:
    """Refuse a handshake with an HTTP status where the server can, else with a plain 403."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": CloseCode.POLICY, "reason": ""})
        return
    body = f"{rejection.reason}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    headers.append((b"content-length", str(len(body)).encode()))
    headers += [(name.encode(), value.encode()) for name, value in rejection.headers]
    start = {"status": rejection.status, "headers": headers}
    await send({"type": "websocket.http.response.start", **start})
    await send({"type": "websocket.http.response.body", "body": body})


def _handshake(scope: Scope, path: str) -> Handshake:
    client = scope.get("client")
    native: Mapping[str, Any] = scope
    raw, query = scope["headers"], scope["query_string"]
    return Handshake(
        path=path,
        query=query.decode("latin-1"),
        headers=kept(raw),
        subprotocols=tuple(name for name in scope.get("subprotocols") or () if name),
        client=(client[0], client[1]) if client else None,
        scheme=scope.get("scheme", "ws"),
        native=native,
        header_count=len(raw),
        header_bytes=head_size(raw, len(scope.get("raw_path") or path) + len(query)),
    )
