"""A rival: the same work as `app.py` by hand, as a bare ASGI application."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel


class Text(BaseModel):
    """What both events carry."""

    message: str


class Envelope(BaseModel):
    """What clients send."""

    event: str
    data: Text
    room: str | None = None


Send = Callable[[dict[str, Any]], Awaitable[None]]

members: set[Send] = set()
"""Everybody: there is one room, and who connects is in it."""


async def app(
    scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Send
) -> None:
    """Serve one connection, or the server's lifespan."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        members.add(send)
        try:
            while (message := await receive())["type"] == "websocket.receive":
                await answer(Envelope.model_validate_json(message["text"]), send)
        finally:
            members.discard(send)


async def answer(envelope: Envelope, sender: Send) -> None:
    """Echo a message, or relay it to the other members."""
    out: dict[str, Any] = {"event": envelope.event, "data": envelope.data.model_dump()}
    if envelope.room is None:
        await sender({"type": "websocket.send", "text": json.dumps(out)})
        return
    relayed = {"type": "websocket.send", "text": json.dumps({"room": envelope.room, **out})}
    for member in list(members):
        if member is not sender:
            await member(relayed)
