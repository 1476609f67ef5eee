"""The servers that are compared, and the language that each of them speaks."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import msgpack

from tests.benchmarks.crowd import Greeting
from tests.benchmarks.frames import masked
from tests.support.node import NODE, installed

HERE: Final = Path(__file__).parent
MESSAGE: Final = "hello world, this is a message"

_ECHO = {"event": "echo", "data": {"message": MESSAGE}}
_CHAT = {"room": "lobby", "event": "chat", "data": {"message": MESSAGE}}
_JOIN = {"type": 9, "room": "lobby"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a client sends.

    Attributes:
        greeting: How a connection begins.
        echo: A message that comes back.
        chat: A message that goes to the others.
    """

    greeting: Greeting
    echo: bytes
    chat: bytes


def _text(message: Any) -> bytes:
    return masked(json.dumps(message, separators=(",", ":")))


def _binary(message: Any) -> bytes:
    return masked(bytes(msgpack.packb(message)))


JSON: Final = Dialect(Greeting("/ws", (_text(_JOIN),), 1), _text(_ECHO), _text(_CHAT))
MESSAGEPACK: Final = Dialect(Greeting("/ws", (_binary(_JOIN),), 1), _binary(_ECHO), _binary(_CHAT))
# Linux acknowledges every segment to a peer that only listens, and every second one to a peer that
# has spoken, which makes a fan-out a fifteenth dearer: all have to speak before they listen.
BARE: Final = Dialect(Greeting("/ws", (JSON.echo,), 1), JSON.echo, JSON.chat)
SOCKETIO: Final = Dialect(
    # The server speaks first; "40" opens the namespace, which is answered too.
    Greeting("/socket.io/?EIO=4&transport=websocket", (masked("40"),), 2),
    masked("42" + json.dumps(["echo", {"message": MESSAGE}])),
    masked("42" + json.dumps(["chat", {"message": MESSAGE}])),
)


@dataclass(frozen=True, slots=True)
class Server:
    """One that takes part.

    Attributes:
        label: Its name in the table.
        dialect: What it understands.
        command: Its command line for a port; runs in this folder.
        needs: The Python packages without which it cannot run.
    """

    label: str
    dialect: Dialect
    command: Callable[[int], Sequence[str]]
    needs: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        """The packages that are not installed."""
        return [name for name in self.needs if find_spec(name) is None]


def ours(transport: str, target: str = "app.py") -> Callable[[int], Sequence[str]]:
    """Build the command line of an application of this folder: `bytesocket run`."""
    options = ("--transport", transport, "--host", "127.0.0.1", "--port")
    command = (sys.executable, "-m", "bytesocket_cli", "run", target, *options)
    return lambda port: (*command, str(port))


def _uvicorn(target: str) -> Callable[[int], Sequence[str]]:
    # The WebSocket implementation that `bytesocket run` chooses too.
    options = ("--ws", "websockets-sansio", "--log-level", "critical", "--port")
    return lambda port: (sys.executable, "-m", "uvicorn", target, *options, str(port))


def _hypercorn(target: str) -> Callable[[int], Sequence[str]]:
    loop = ("--worker-class", "uvloop") if find_spec("uvloop") else ()
    command = (sys.executable, "-m", "hypercorn", target, *loop, "--bind")
    return lambda port: (*command, f"127.0.0.1:{port}")


def _node(port: int) -> Sequence[str]:
    return NODE, str(installed() / "bare_ws.mjs"), str(port)


REFERENCE: Final = "node-ws"
"""The server whose figures are 1."""

SERVERS: Final = {
    REFERENCE: Server("bare `ws` on Node", BARE, _node),
    "picows": Server("**bytesocket** on picows", JSON, ours("picows"), ("picows", "uvloop")),
    "picows-binary": Server(
        "the same, MessagePack", MESSAGEPACK, ours("picows", "app.py:binary"), ("picows", "uvloop")
    ),
    "picows-through": Server(
        "the same, one middleware", JSON, ours("picows", "app.py:through"), ("picows", "uvloop")
    ),
    "uvicorn": Server("**bytesocket** on uvicorn", JSON, ours("uvicorn"), ("uvicorn",)),
    "asgi-uvicorn": Server("bare ASGI on uvicorn", BARE, _uvicorn("bare_asgi:app"), ("uvicorn",)),
    "hypercorn": Server("**bytesocket** on hypercorn", JSON, ours("hypercorn")),
    "asgi-hypercorn": Server("bare ASGI on hypercorn", BARE, _hypercorn("bare_asgi:app")),
    "python-socketio": Server(
        "python-socketio on uvicorn", SOCKETIO, _uvicorn("socketio_app:app"), ("socketio",)
    ),
}
