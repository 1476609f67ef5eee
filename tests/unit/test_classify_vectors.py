"""What becomes of every shape of message, measured on the origin and run under `drop_in`.

Two names of the vectors cannot be declared here: `""`, which no contract can carry, and `"7"`
beside `7`. Messages with these names are unheard events, so only their listeners are missing.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from bytesocket_app import ByteSocket, CallNext, Message, Settings, Socket
from bytesocket_app.declarations.rooms import Room
from bytesocket_app.errors import Disconnected
from bytesocket_app.testing import TestClient
from bytesocket_app.wire.shapes import is_object

pytestmark = pytest.mark.anyio

FILE = json.loads((Path(__file__).parent.parent / "vectors" / "classify.json").read_text())
ROOMS: list[str] = FILE["setup"]["rooms"]
HEARD: list[Any] = [name for name in FILE["setup"]["events"] if name not in ("", "7")]
IN_ROOMS: list[Any] = FILE["setup"]["events"][:2]


class Seen:
    """The origin's setup: listeners that note what they hear."""

    def __init__(self) -> None:
        self.middleware = False
        self.heard: list[Any] = []
        self.in_room: list[Any] = []
        self.credentials: list[Any] = []
        self.rooms: dict[str, Room] = {}
        self.app = ByteSocket(title="Vectors", settings=Settings.drop_in())
        self.app.middleware(self.pass_on)
        for name in HEARD:
            self._listen(name)

    async def pass_on(self, socket: Socket, message: Message, call_next: CallNext) -> None:
        self.middleware = True
        await call_next(message)

    def _listen(self, name: Any) -> None:
        async def note(data: Any) -> None:
            self.heard.append([name, data])

        handle = self.app.declare(name, Any, direction="both")
        self.app.on(handle)(note)
        for room in ROOMS if name in IN_ROOMS else ():
            self._listen_in(room, handle)

    def _listen_in(self, room: str, handle: Any) -> None:
        async def note(data: Any, room: str) -> None:
            self.in_room.append([room, handle.name, data])

        if room not in self.rooms:
            self.rooms[room] = self.app.room(room)
        self.rooms[room].on(handle)(note)


def without_missing(calls: list[Any], message: Any) -> list[Any]:
    """The vectors leave a missing `data` out of the calls; a handler here gets None."""
    has_data = is_object(message) and "data" in message
    return calls if has_data else [call[:-1] for call in calls]


async def drained(client: TestClient) -> list[Any]:
    """All messages that came before the answer to a last request of ours."""
    if client.closed is None:
        await client.send({"type": 12, "room": "the end"})
    found: list[Any] = []
    while True:
        try:
            message = await client.receive_message()
        except Disconnected:
            return found
        if message == {"type": 13, "room": "the end"}:
            return found
        found.append(message)


@pytest.mark.parametrize("vector", FILE["vectors"], ids=lambda v: v["id"])
async def test_a_message_is_taken_as_the_origin_takes_it(vector: dict[str, Any]) -> None:
    seen, expected, message = Seen(), vector["server"], vector["message"]
    async with TestClient(seen.app) as sender, TestClient(seen.app) as member:
        for room in ROOMS:
            await member.join(room)
        await sender.send(message)
        replies, relayed = await drained(sender), await drained(member)
        closed = None if sender.closed is None else list(sender.closed)
    unheard = is_object(message) and message.get("event") in ("", "7")
    assert seen.middleware == expected["middleware"]
    assert without_missing(seen.heard, message) == ([] if unheard else expected["global"])
    assert without_missing(seen.in_room, message) == expected["room"]
    assert replies == expected["reply"]
    assert relayed == expected["relayed"]
    assert closed == expected["closed"]


@pytest.mark.parametrize("vector", FILE["vectors"], ids=lambda v: v["id"])
async def test_before_authentication_only_credentials_count(vector: dict[str, Any]) -> None:
    seen, expected = Seen(), vector["server_before_auth"]
    message = vector["message"]

    @seen.app.auth
    async def decide(credentials: Any) -> None:
        seen.credentials.append(credentials)

    async with TestClient(seen.app) as sender:
        await sender.send(message)
        if expected["closed"] is not None:
            assert await sender.wait_closed() == tuple(expected["closed"])
            return
        await sender.send({"type": 4, "data": "the end"})
        assert await sender.receive_message() == {"type": 5}
        assert sender.closed is None
    assert seen.middleware == expected["middleware"]
    assert seen.credentials[0] == (message["data"] if expected["auth_called"] else "the end")
