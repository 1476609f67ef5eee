"""What README says that takes the place of the TypeScript server's API does so."""

import re
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

import bytesocket_app
from bytesocket_app import ByteSocket, Limits, Policies, Refusal, Settings, Socket, Timeouts
from bytesocket_app.rooms import BROADCAST_ROOM
from bytesocket_app.testing import RequestError, TestClient
from bytesocket_app.testing.conformance import serve_in_memory
from bytesocket_app.transports import Handshake
from bytesocket_app.types import CodecName
from tests.support.server_process import ROOT
from tests.support.talk import Said, Say, talk, until

pytestmark = pytest.mark.anyio

README = (ROOT / "README.md").read_text("utf-8")
SECTION = README.partition("\n## Coming from @bytesocket/server\n")[2].partition("\n## ")[0]
ROWS = [
    [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in SECTION.splitlines()
    if line.startswith("| ") and not line.startswith("| there") and "option there" not in line
]


def ours() -> Iterator[tuple[str, str]]:
    """The names of ours that the tables speak of, each with its row: `app.rooms.guard`."""
    roots = "app|socket|room|handshake|Timeouts|Limits|Policies"
    for row in ROWS:
        for span in re.findall(r"`([^`]+)`", " ".join(row[1:])):
            for found in re.findall(rf"(?<![\w.])(?:{roots})(?:\.\w+(?:\(\w*\))?)+", span):
                yield row[0], found


def meant(path: str) -> None:
    """Look a name up; raises AttributeError."""
    app = ByteSocket(title="Talk")
    root, *parts = re.sub(r"\(\w*\)", "", path).split(".")
    things: dict[str, Any] = {
        "app": app,
        "room": app.room("lobby"),
        "handshake": Handshake("/ws"),
        "Timeouts": Timeouts(),
        "Limits": Limits(),
        "Policies": Policies(),
        "socket": None,
    }
    thing = things[root]
    if root == "socket":
        thing = Socket
        if parts[0] in {"rooms", "user", "state", "id", "app", "handshake"}:
            return  # attributes, which `test_socket` tries
    for part in parts:
        hooked = callable(thing) and part in {"once", "remove"}
        thing = getattr(bytesocket_app.Hook if hooked else thing, part)


def test_there_are_tables() -> None:
    assert len(ROWS) > 60
    assert len(list(ours())) > 60


@pytest.mark.parametrize(("row", "path"), [pytest.param(*each, id=each[1]) for each in ours()])
def test_the_names_in_the_tables_are_there(row: str, path: str) -> None:
    meant(path)


async def test_an_application_is_closed_once_it_was_ended_for_good() -> None:
    app = talk()
    states = [app.closed]
    async with TestClient(app) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(app.aclose)
        assert await client.wait_closed() == (1001, "server destroy")
        states.append(app.closed)
    assert [*states, app.closed] == [False, True, True]
    with pytest.raises(RequestError, match="503"):
        async with TestClient(app):
            raise AssertionError("it must not open")


async def test_a_drain_does_not_end_an_application_for_good() -> None:
    app = talk()
    await app.drain(0)
    assert (app.is_draining, app.closed) == (True, False)


async def test_the_list_of_rooms_has_the_broadcast_room_if_it_is_asked_for() -> None:
    app, seen = talk(), list[list[str]]()
    app.room("lobby")

    @app.auth
    async def authenticate(socket: Socket, credentials: str) -> str:
        seen.append(socket.rooms.list(include_broadcast=True))
        return credentials

    @app.lifecycle.close
    async def closed(socket: Socket) -> None:
        seen.append(socket.rooms.list(include_broadcast=True))

    async with TestClient(app, "ann") as client:
        await client.join("lobby")
        (socket,) = app.sockets()
        assert socket.rooms.list() == ["lobby"]
        assert socket.rooms.list(include_broadcast=True) == [BROADCAST_ROOM, "lobby"]
    await until(lambda: len(seen) == 2)
    assert seen == [[], [BROADCAST_ROOM, "lobby"]]


async def test_a_client_that_left_the_broadcast_room_is_not_listed_there() -> None:
    app = talk(Settings.drop_in())
    async with TestClient(app) as client:
        await client.leave(BROADCAST_ROOM)
        (socket,) = app.sockets()
        assert socket.rooms.list(include_broadcast=True) == []


async def test_text_goes_as_a_text_frame_and_bytes_as_a_binary_one() -> None:
    app = talk()
    app.room("lobby")
    async with serve_in_memory(app) as site, site.connect() as peer:
        (socket,) = app.sockets()
        await socket.rooms.join("lobby")
        codecs: tuple[CodecName, ...] = ("json", "binary")
        for codec in codecs:
            frame = app.encode(Said(text="x"), codec=codec)
            await socket.send_raw(frame)
            await app.rooms.publish_raw("lobby", frame)
            assert [await peer.receive() for _ in range(2)] == [frame, frame]
            assert type(frame) is (str if codec == "json" else bytes)


async def test_a_guard_may_have_less_time_than_handlers() -> None:
    app = talk()

    @app.room("lobby").guard
    async def ask_the_bank() -> None:
        with anyio.move_on_after(0.01) as waiting:
            await anyio.sleep_forever()
        if waiting.cancelled_caught:
            raise Refusal("The bank does not answer.", code="forbidden")

    @app.on(Say)
    async def say(event: Say) -> int:
        return len(event.text)

    async with TestClient(app) as client:
        with pytest.raises(RequestError, match="bank"):
            await client.join("lobby")
        assert await client.request(Say(text="four"), int) == 4
