"""The ASGI adaptor: hypercorn, uvicorn and granian speak to it.

Source: the ASGI specification, "WebSocket connection scope".
"""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from typing import Any, Self, TypeAlias

from anyio import CancelScope, Event, create_task_group
from anyio.abc import TaskGroup

from bytesocket_app.transports.headers import joined
from bytesocket_app.transports.interface import (
    Endpoint,
    Handshake,
    Receiver,
    Rejection,
)
from bytesocket_app.transports.outbox import Outbox
from bytesocket_app.transports.suspension import Attended
from bytesocket_app.transports.writer import Writer
from bytesocket_app.wire.close import CloseCode, close_reason
from bytesocket_app.wire.frame import Frame

logger = logging.getLogger("bytesocket")

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


class AsgiTransport:
    """One WebSocket of an ASGI server. What is written goes out through the shared writer.

    The connection's own task reads for itself while it has nothing else to do, so that a message
    is handled where it was read. Only while that task is held up does another one read, for pings
    and disconnects; it hands back once the own task gets by without waiting.

    Args:
        receive: The ASGI server's receive.
        send: The ASGI server's send.
        writer: What flushes sockets that have output.
        tasks: Where the second reader runs; it lives as long as the connection.
    """

    __slots__ = (
        "_alone",
        "_closing",
        "_corked",
        "_gone",
        "_held_up",
        "_outbox",
        "_over",
        "_parked",
        "_queued",
        "_receive",
        "_resumed",
        "_second",
        "_send",
        "_tasks",
        "_writer",
        "is_parked",
        "receiver",
    )

    receiver: Receiver

    def __init__(self, receive: Receive, send: Send, writer: Writer, tasks: TaskGroup) -> None:
        self._receive = receive
        self._send = send
        self._writer = writer
        self._tasks = tasks
        self._outbox = Outbox()
        # Mostly one frame waits, and a queue for it would cost more than the rest of its way.
        self._alone: Frame | None = None
        self._corked = False
        self._queued = False
        self._closing: Message | None = None
        self._over = False
        self._gone = False
        self.is_parked = False
        self._held_up = False
        self._parked: Event | None = None
        self._resumed: Event | None = None
        self._second: CancelScope | None = None

    @property
    def buffered(self) -> int:
        """Bytes not yet taken by the server."""
        self._queue_alone()
        return self._outbox.size

    def write(self, frame: Frame) -> int:
        """Queue a frame; nothing happens after `close`."""
        outbox = self._outbox
        if self._closing is None and not self._over:
            if not (self._corked or self._queued):
                self._queued = True
                self._writer.put(self)
            if self._alone is None and not (outbox.size or outbox.behind):
                self._alone = frame
                return 0
            self._queue_alone()
            outbox.append(frame)
        # What nobody tried to send yet says nothing of the network: a handler may emit much.
        return outbox.size if outbox.behind else 0

    @classmethod
    def write_many(
        cls, links: Collection[Self], frame: Frame, *, skip: Self | None = None
    ) -> list[Self]:
        """Queue a frame on each."""
        return [link for link in links if link is not skip and link.write(frame)]

    def drop_oldest(self, *, volatile: bool = False) -> int:
        """Throw away one waiting frame."""
        self._queue_alone()
        return self._outbox.drop_oldest(volatile=volatile)

    def close(self, code: int, reason: str) -> None:
        """Send a close frame after what is written."""
        if self._closing is None and not self._over:
            text = close_reason(reason)
            self._closing = {"type": "websocket.close", "code": code, "reason": text}
            if not self._queued:
                self._enqueue()

    def abort(self) -> None:
        """Stop reading and writing; the server then drops the connection."""
        self._drop()
        self.receiver.lost(CloseCode.ABNORMAL, "")

    def resume(self) -> None:
        """Read on."""
        if self._resumed is not None:
            self._resumed.set()
            self._resumed = None

    def cork(self) -> None:
        """Hold what is written for a flush by the connection's own task."""
        self._corked = True
        self._held_up = False

    def hold_up(self) -> None:
        """Give what is held to the shared writer, and the reading to a task beside."""
        if self._held_up:
            return
        self._held_up = True
        self._corked = False
        if self._has_output() and not self._queued:
            self._enqueue()
        if self._second is None and not self._gone:
            self._second = CancelScope()
            self._tasks.start_soon(self._read_beside)

    def flush(self) -> Awaitable[None] | None:
        """Hand everything to the server."""
        if self._has_output():
            return self.send_all()
        self._queued = self._corked = False
        return None

    async def send_all(self) -> None:
        """Hand everything to the server. A second call leaves the work to the first."""
        self._queued = self._corked = False
        outbox, send = self._outbox, self._send
        if outbox.behind:
            return
        # For whoever writes while `send` waits; nobody else looks.
        outbox.behind = True
        try:
            while self._alone is not None or outbox.size:
                frame, self._alone = self._alone or outbox.popleft(), None
                if frame.is_binary:
                    await send({"type": "websocket.send", "bytes": frame.payload})
                else:
                    await send({"type": "websocket.send", "text": frame.decoded or frame.text})
            if self._closing is not None and not self._over:
                self._over = True
                # granian sends no close frame while a `receive` is pending; it begins a new one.
                self._stop_reading()
                await send(self._closing)
        except (OSError, RuntimeError):
            # The peer went while we wrote (servers raise one or the other); `receive` tells.
            self._drop()
        except Exception:
            # Whatever else a server raises costs this connection, not the writer they share.
            logger.exception("the server could not send")
            self._drop()
        finally:
            outbox.behind = False

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

    def wake(self) -> None:
        """End the wait for what is read beside."""
        if self._parked is not None:
            self._parked.set()
            self._parked = None

    def finish(self) -> None:
        """Leave nothing behind: the receiver is done."""
        self._gone = True
        self._drop()
        self._stop_reading()

    async def _read_beside(self) -> None:
        while not self._gone:
            self._second = CancelScope()
            with self._second:
                await self._read_until_handed_back()
                break
        self._second = None

    async def _read_until_handed_back(self) -> None:
        while not self._gone:
            message = await self._receive()
            handing_back = self._parked is not None and not self._held_up
            accepted = self._push(message)
            self.wake()
            if handing_back:
                return
            if not accepted:
                self._resumed = resumed = Event()
                await resumed.wait()

    def _push(self, message: Message) -> bool:
        """Push one message into the receiver; False if it asks for a pause."""
        if message["type"] == "websocket.disconnect":
            self._gone = True
            self._drop()
            code = message.get("code") or CloseCode.NO_STATUS
            self.receiver.lost(code, message.get("reason") or "")
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

    def _drop(self) -> None:
        """Drop what is left: nobody reads it any more."""
        self._over = True
        self._alone = None
        self._outbox.clear()

    def _queue_alone(self) -> None:
        if self._alone is not None:
            self._outbox.append(self._alone)
            self._alone = None

    def _has_output(self) -> bool:
        return self._alone is not None or self._outbox.size > 0 or self._closing is not None

    def _enqueue(self) -> None:
        self._queued = True
        self._writer.put(self)


async def serve_websocket(
    endpoint: Endpoint,
    writer: Writer,
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    path: str,
) -> None:
    """Serve one WebSocket connection from its request to the end of its hooks.

    Args:
        endpoint: The application's door.
        writer: What flushes sockets that have output.
        scope: The ASGI scope, of type `websocket`.
        receive: The ASGI server's receive.
        send: The ASGI server's send.
        path: The path as the application sees it, mounts taken off.
    """
    await receive()  # websocket.connect: the specification's first event
    handshake = _handshake(scope, path)
    decision = await endpoint.admit(handshake)
    if isinstance(decision, Rejection):
        await reject(decision, scope, send)
        return
    await send({"type": "websocket.accept", "subprotocol": decision.subprotocol})
    async with create_task_group() as tasks:
        transport = AsgiTransport(receive, send, writer, tasks)
        transport.receiver = endpoint.open(handshake, transport, decision, tasks)
        await Attended(transport.receiver.run(), transport)
        # Not the whole group: others may be guests in it (the shared writer, for one).
        transport.finish()


async def reject(rejection: Rejection, scope: Scope, send: Send) -> None:
    """Refuse a handshake with an HTTP status where the server can, else with a plain 403."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": CloseCode.POLICY, "reason": ""})
        return
    body = f"{rejection.reason}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    headers.append((b"content-length", str(len(body)).encode()))
    start = {"status": rejection.status, "headers": headers}
    await send({"type": "websocket.http.response.start", **start})
    await send({"type": "websocket.http.response.body", "body": body})


def _handshake(scope: Scope, path: str) -> Handshake:
    client = scope.get("client")
    native: Mapping[str, Any] = scope
    return Handshake(
        path=path,
        query=scope["query_string"].decode("latin-1"),
        headers=joined(scope["headers"]),
        subprotocols=tuple(scope.get("subprotocols") or ()),
        client=(client[0], client[1]) if client else None,
        scheme=scope.get("scheme", "ws"),
        native=native,
    )
