"""What a server says on one connection, as a list that tests compare."""

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, TypeAlias

import msgpack

from bytesocket_app import ByteSocket
from bytesocket_app.errors import Disconnected
from bytesocket_app.testing import TestClient
from bytesocket_app.wire.shapes import is_object
from tests.support.hostile import Attacker
from tests.support.raw_peer import BINARY, CLOSE, PING, PONG, TEXT, frame

Heard: TypeAlias = int | str
"""One thing that was heard: a close code, 1006 for a connection that broke; "pong" with what it
carries; "reply" with its data; "error" with its code."""


def goodbye(code: int = 1000) -> bytes:
    """A client's close frame."""
    return frame(CLOSE, code.to_bytes(2))


def echo(text: str = "x", identity: int = 1) -> bytes:
    """The text of a request that is answered with its own text."""
    return json.dumps(
        {"event": "echo", "data": {"text": text}, "id": identity}, ensure_ascii=False
    ).encode()


def echo_binary(text: str = "x", identity: int = 1) -> bytes:
    """The same in MessagePack."""
    packed: bytes = msgpack.packb({"event": "echo", "data": {"text": text}, "id": identity})
    return packed


def send(peer: Attacker, pieces: Iterable[bytes]) -> None:
    """Send pieces, as long as the server listens."""
    with suppress(OSError):
        for piece in pieces:
            peer.send(piece)


def transcript(
    peer: Attacker, *, goodbye_after: int | None = None, hangs_up: bool = True
) -> list[Heard]:
    """Listen to the end, answer the server's close, and wait until it has hung up.

    Args:
        peer: The client.
        goodbye_after: Number of things to hear before the client closes; None if it does not.
        hangs_up: False not to wait for the end of the connection.
    """
    heard: list[Heard] = []
    while True:
        if len(heard) == goodbye_after:
            goodbye_after = None
            send(peer, [goodbye()])
        try:
            opcode, payload = peer.receive()
        except ConnectionError:
            return [*heard, 1006]
        if opcode == CLOSE:
            heard.append(int.from_bytes(payload[:2]) if payload else 1005)
            send(peer, [frame(CLOSE, payload[:2])])
            if hangs_up:
                peer.gone()
            return heard
        if opcode == PING:
            send(peer, [frame(PONG, payload)])
            continue
        heard.append(described(opcode, payload))


def described(opcode: int, payload: bytes) -> str:
    """A frame in words."""
    if opcode == PONG:
        return f"pong {payload.decode('latin-1')}".rstrip()
    if opcode == BINARY and not payload:
        return "pong of ours"
    assert opcode in (TEXT, BINARY), (opcode, payload)
    return in_words(json.loads(payload) if opcode == TEXT else msgpack.unpackb(payload))


def in_words(message: Any) -> str:
    """A message in words."""
    if message == b"":
        return "pong of ours"
    data = message.get("data")
    if message.get("type") in (3, 33):
        return f"error {data['error']['code']}"
    if message.get("type") == 32:
        return f"reply {data}"
    return f"type {message.get('type')}" if "type" in message else f"event {message['event']}"


async def conversation(app: ByteSocket, payload: str | bytes) -> list[str]:
    """Feed one message to an application in this process; returns what is heard.

    The last is "open" if an echo is answered behind it, else the close code and reason.
    """
    heard: list[str] = []
    async with TestClient(app, deadline=30) as client:
        await client.send_raw(payload)
        await client.send_raw(echo("after", 9999).decode())
        while True:
            try:
                message = await client.receive_message()
            except Disconnected:
                code, reason = client.closed or (1006, "")
                return [*heard, f"{code} {reason}"]
            if is_object(message) and message.get("id") == 9999:
                return [*heard, "open"]
            heard.append(in_words(message))
