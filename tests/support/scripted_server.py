"""A small server that speaks the protocol as it is told to, in threads, and writes a log."""

import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve
from websockets.typing import Subprotocol

from bytesocket_app.wire import BINARY, JSON, Codec, decode

DEADLINE = 30.0

Reply = Callable[[Any], Any]


@dataclass
class Script:
    """How the server behaves. Change it while it runs, if you like."""

    auth: Callable[[Any], bool] | None = None
    auth_error: Any = field(
        default_factory=lambda: {
            "phase": "auth",
            "error": {"code": "unauthorized", "message": "who are you?"},
            "code": 4003,
        }
    )
    refused_rooms: dict[str, Any] = field(default_factory=dict[str, Any])
    replies: dict[Any, Reply] = field(default_factory=dict[Any, Reply])
    answers_pings: bool = True
    knows_replies: bool = True
    status: int | None = None
    codec: Codec | None = None
    greets: Callable[["Peer"], None] | None = None
    subprotocols: tuple[str, ...] = ("bytesocket.json", "bytesocket.binary")


class Refuse(Exception):
    """Raised by a scripted reply: answers type 33 with this error context."""

    def __init__(self, context: Any) -> None:
        self.context = context


@dataclass
class Peer:
    """One connection as the server sees it."""

    connection: ServerConnection
    codec: Codec
    number: int
    received: list[Any] = field(default_factory=list[Any])
    close_code: int | None = None

    def send(self, message: Any, codec: Codec | None = None) -> None:
        chosen = codec or self.codec
        self.connection.send(chosen.encode(message), text=not chosen.is_binary)


class ScriptedServer:
    """`with ScriptedServer(Script()) as server:`; listens on a port of its own until the end."""

    def __init__(self, script: Script | None = None) -> None:
        self.script = script or Script()
        self.peers: list[Peer] = []
        self.paths: list[str] = []
        self.headers: list[Any] = []
        self._changed = threading.Condition()
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._server = serve(
            self._serve,
            "127.0.0.1",
            0,
            subprotocols=[Subprotocol(name) for name in self.script.subprotocols] or None,
            select_subprotocol=_first_common,
            process_request=self._request,
            compression=None,
            ping_interval=None,
            close_timeout=1,
        )
        self.port: int = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        assert self._server is not None
        assert self._thread is not None
        self._server.shutdown()
        self._thread.join(DEADLINE)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def _request(self, connection: ServerConnection, request: Request) -> Response | None:
        with self._changed:
            self.paths.append(request.path)
            self.headers.append(request.headers)
            self._changed.notify_all()
        if self.script.status is not None:
            return connection.respond(self.script.status, "no\n")
        return None

    def _serve(self, connection: ServerConnection) -> None:
        codec = self.script.codec or (
            BINARY if connection.subprotocol == "bytesocket.binary" else JSON
        )
        peer = Peer(connection, codec, len(self.peers))
        with self._changed:
            self.peers.append(peer)
            self._changed.notify_all()
        with suppress(ConnectionClosed, OSError):
            if self.script.greets is not None:
                self.script.greets(peer)
            for payload in connection:
                self._handle(peer, payload)
        with self._changed:
            peer.close_code = connection.protocol.close_code
            self._changed.notify_all()

    def _handle(self, peer: Peer, payload: str | bytes) -> None:
        if payload == b"":
            message: Any = "ping"
        else:
            message = decode(payload, isinstance(payload, bytes))
        with self._changed:
            peer.received.append(message)
            self._changed.notify_all()
        if message == "ping":
            if self.script.answers_pings:
                peer.connection.send(b"")
        else:
            self._answer(peer, message)

    def _answer(self, peer: Peer, message: dict[str, Any]) -> None:
        script = self.script
        kind, room = message.get("type"), message.get("room")
        if kind == 4 and script.auth is not None:
            if script.auth(message["data"]):
                peer.send({"type": 5})
            else:
                peer.send({"type": 6, "data": script.auth_error})
                peer.connection.close(4003, "auth")
        elif kind == 9 and room in script.refused_rooms:
            peer.send({"type": 11, "room": room, "data": script.refused_rooms[room]})
        elif kind in {9, 12}:
            peer.send({"type": kind + 1, "room": room})
        elif "id" in message and script.knows_replies and message["event"] in script.replies:
            self._reply(peer, message)

    def _reply(self, peer: Peer, message: dict[str, Any]) -> None:
        try:
            data = self.script.replies[message["event"]](message["data"])
        except Refuse as refused:
            peer.send({"type": 33, "id": message["id"], "data": refused.context})
        else:
            peer.send({"type": 32, "id": message["id"], "data": data})

    def send(self, message: Any, codec: Codec | None = None) -> None:
        """Send a message over the newest connection."""
        self.peers[-1].send(message, codec)

    def kill(self) -> None:
        """Cut every connection without a word."""
        for peer in self.peers:
            with suppress(OSError):
                peer.connection.socket.shutdown(socket.SHUT_RDWR)

    def wait(
        self, condition: Callable[["ScriptedServer"], Any], *, within: float = DEADLINE
    ) -> Any:
        """Block until `condition(self)` is true and return it; fail with the log otherwise."""
        with self._changed:
            if not self._changed.wait_for(lambda: condition(self), within):
                raise AssertionError(f"never happened; the server saw {self.log()}")
            return condition(self)

    def log(self) -> list[list[Any]]:
        """What came, by connection."""
        return [peer.received for peer in self.peers]


def _first_common(
    connection: ServerConnection, offered: Iterable[Subprotocol]
) -> Subprotocol | None:
    return next(iter(offered), None)
