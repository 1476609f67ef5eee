"""An ASGI server's side of one scope, by hand."""

from collections import deque
from typing import Any

from anyio import Event, fail_after

from bytesocket_app.transports.asgi import ASGIApp, Message, Scope
from tests.support.talk import DEADLINE, until


def socket_scope(path: str = "/ws", **more: Any) -> Scope:
    """A WebSocket's scope, with the extension for refusals in HTTP."""
    return {
        "type": "websocket",
        "path": path,
        "query_string": b"a=1",
        "headers": [(b"host", b"example.org")],
        "subprotocols": ["bytesocket.json"],
        "client": ("127.0.0.1", 4711),
        "scheme": "ws",
        "extensions": {"websocket.http.response": {}},
        **more,
    }


class Call:
    """One call of an application: what it is told, and what it said."""

    def __init__(self, app: ASGIApp, scope: Scope) -> None:
        self.sent: list[Message] = []
        self.fails: Exception | None = None
        self.failures = 0
        self.gate: Event | None = None
        self.returned = False
        self._app = app
        self._scope = scope
        self._incoming: deque[Message] = deque()
        self._news = Event()

    def tell(self, kind: str, **more: Any) -> None:
        """Give the application an event."""
        self._incoming.append({"type": kind, **more})
        self._news.set()

    def text(self, payload: str) -> None:
        """Give the application a text frame."""
        self.tell("websocket.receive", text=payload)

    def kinds(self) -> list[str]:
        """What the application said, by type."""
        return [message["type"].split(".", 1)[1] for message in self.sent]

    async def run(self) -> None:
        """Call the application."""
        await self._app(self._scope, self._receive, self._send)
        self.returned = True

    async def said(self, kind: str) -> Message:
        """Wait until the application said something of a kind."""
        await until(lambda: kind in self.kinds())
        return next(m for m in self.sent if m["type"].endswith(kind))

    async def _receive(self) -> Message:
        with fail_after(DEADLINE):
            while not self._incoming:
                self._news = Event()
                await self._news.wait()
        return self._incoming.popleft()

    async def _send(self, message: Message) -> None:
        if self.fails is not None:
            self.failures += 1
            raise self.fails
        self.sent.append(message)
        if self.gate is not None and message["type"] == "websocket.send":
            await self.gate.wait()
