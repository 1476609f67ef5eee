"""A rival: the same application on python-socketio, without the validation."""

from importlib import import_module
from typing import Any

socketio: Any = import_module("socketio")  # it has no types
# The load generator does not answer Engine.IO's pings: no connection lives until the first.
server = socketio.AsyncServer(async_mode="asgi", transports=["websocket"], ping_interval=3600)
app = socketio.ASGIApp(server)


async def connect(sid: str, environ: dict[str, Any]) -> None:
    """Put everybody into the one room."""
    await server.enter_room(sid, "lobby")


async def echo(sid: str, data: dict[str, Any]) -> None:
    """Answer the sender."""
    await server.emit("echo", data, to=sid)


async def chat(sid: str, data: dict[str, Any]) -> None:
    """Relay to the other members."""
    await server.emit("chat", data, room="lobby", skip_sid=sid)


for handler in (connect, echo, chat):
    server.on(handler.__name__, handler)
