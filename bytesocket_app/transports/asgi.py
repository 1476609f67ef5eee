"""The ASGI adaptor: hypercorn, uvicorn and granian speak to it.

Source: the ASGI specification, "WebSocket connection scope".
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, TypeAlias

from anyio import CancelScope, Event, create_task_group

from bytesocket_app.transports.interface import (
    Endpoint,
    Handshake,
    Receiver,
    Rejection,
)
from bytesocket_app.transports.outbox import Outbox
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
    """One WebSocket of an ASGI server. What is written goes out through the shared writer."""

    def __init__(self, send: Send, writer: Writer) -> None:
        self._send = send
        self._writer = writer
        self._outbox = Outbox()
        self._corked = False
        self._queued = False
        self._closing: Message | None = None
        self._over = False
        self.receiver: Receiver | None = None
        self.reading = CancelScope()
        self.done = False
        self.resumed = Event()

    @property
    def buffered(self) -> int:
        """Bytes not yet taken by the server."""
        return self._outbox.size

    def write(self, frame: Frame) -> None:
        """Queue a frame; nothing happens after `close`."""
        if self._closing is None and not self._over:
            self._outbox.append(frame)
            if not (self._corked or self._queued):
                self._enqueue()

    def drop_oldest(self, *, volatile: bool = False) -> int:
        """Throw away one waiting frame."""
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
        self.finish()
        if self.receiver is not None:
            self.receiver.lost(CloseCode.ABNORMAL, "")

    def resume(self) -> None:
        """Read on."""
        self.resumed.set()

    def cork(self) -> None:
        """Hold what is written for a flush by the connection's own task."""
        self._corked = True

    def release(self) -> None:
        """Give what is held to the shared writer."""
        self._corked = False
        if (len(self._outbox) or self._closing is not None) and not self._queued:
            self._enqueue()

    async def flush(self) -> None:
        """Hand everything to the server. A second flush leaves the work to the first."""
        self._queued = False
        self._corked = False
        if self._outbox.behind:
            return
        # For whoever writes while `send` waits; nobody else looks.
        self._outbox.behind = True
        try:
            while len(self._outbox):
                frame = self._outbox.popleft()
                if frame.is_binary:
                    await self._send({"type": "websocket.send", "bytes": frame.payload})
                else:
                    await self._send({"type": "websocket.send", "text": frame.text})
            if self._closing is not None and not self._over:
                self._over = True
                # granian sends no close frame while a `receive` is pending; it begins a new one.
                self.reading.cancel()
                await self._send(self._closing)
        except (OSError, RuntimeError):
            # The peer went while we wrote (servers raise one or the other); `receive` tells.
            self.finish()
        except Exception:
            # Whatever else a server raises costs this connection, not the writer they share.
            logger.exception("the server could not send")
            self.finish()
        finally:
            self._outbox.behind = False

    def finish(self) -> None:
        """Drop what is left: nobody reads it any more."""
        self._over = True
        self._outbox.clear()

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
    transport = AsgiTransport(send, writer)
    async with create_task_group() as tasks:
        receiver = transport.receiver = endpoint.open(handshake, transport, decision, tasks)
        tasks.start_soon(_read, transport, receiver, receive)
        await receiver.run()
        transport.finish()
        transport.done = True
        # Not the whole group: others may be guests in it (the shared writer, for one).
        transport.reading.cancel()


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


async def _read(transport: AsgiTransport, receiver: Receiver, receive: Receive) -> None:
    while not transport.done:
        with transport.reading:
            await _push(transport, receiver, receive)
            return
        transport.reading = CancelScope()


async def _push(transport: AsgiTransport, receiver: Receiver, receive: Receive) -> None:
    """Push what comes into the receiver until the peer is gone."""
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            transport.finish()
            receiver.lost(message.get("code") or CloseCode.NO_STATUS, message.get("reason") or "")
            return
        payload = message.get("bytes")
        if payload is None:
            accepted = receiver.received(message["text"], False)  # noqa: FBT003
        else:
            accepted = receiver.received(payload, True)  # noqa: FBT003
        if not accepted:
            await transport.resumed.wait()
            transport.resumed = Event()


def _handshake(scope: Scope, path: str) -> Handshake:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        # RFC 9113 section 8.2.3: HTTP/2 may send every cookie in a header of its own.
        separator = "; " if name == "cookie" else ", "
        headers[name] = f"{headers[name]}{separator}{value}" if name in headers else value
    client = scope.get("client")
    native: Mapping[str, Any] = scope
    return Handshake(
        path=path,
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        subprotocols=tuple(scope.get("subprotocols") or ()),
        client=(client[0], client[1]) if client else None,
        scheme=scope.get("scheme", "ws"),
        native=native,
    )
