"""Several rooms at once: joined by one message, all or none, and sent to by one message."""

from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import anyio
import pytest

from bytesocket_app import ByteSocket, ClientEvent, Event, Refusal, Socket
from bytesocket_app.client import (
    ClientSettings,
    Disconnected,
    DynamicClient,
    DynamicGroup,
    DynamicRoom,
    ErrorContext,
    RequestError,
    RoomGroup,
)
from bytesocket_app.errors import ConfigurationError
from bytesocket_app.types import CodecName
from bytesocket_app.wire import decode
from bytesocket_cli.codegen.python import python
from tests.support.beside import Beside, beside
from tests.support.conditions import until
from tests.support.generated import load

pytestmark = pytest.mark.anyio

FAST = ClientSettings(backoff_base=0.02, backoff_cap=0.05, request_timeout=30)
codecs = pytest.mark.parametrize("codec", get_args(CodecName))


class Wave(Event, name="wave"):
    text: str


class Edit(ClientEvent, name="edit"):
    version: int


class Full(Refusal, code="full"):
    pass


@dataclass
class Hall:
    """An application, and the messages that came to it."""

    app: ByteSocket
    frames: list[Any] = field(default_factory=list[Any])
    is_shut: bool = True

    def joins(self) -> list[Any]:
        return [frame for frame in self.frames if frame.get("type") in {9, 12, 15, 18}]


@pytest.fixture
def hall() -> Hall:
    app = ByteSocket(title="Hall")
    hall = Hall(app)
    for name in ("lobby", "news"):
        app.room(name).relay(Wave)
    doc = app.room("doc:{doc_id}")
    doc.relay(Wave)

    @doc.on(Edit)
    async def edit(event: Edit, socket: Socket, doc_id: int) -> None:
        if event.version < doc_id:
            raise Refusal(f"version {event.version}", code="invalid")

    vault = app.room("vault")
    vault.relay(Wave)

    @vault.guard(raises=(Full,))
    async def guard(socket: Socket) -> None:
        if hall.is_shut:
            raise Full("No room.")

    @app.lifecycle.message
    async def note(payload: str | bytes) -> None:
        if payload:
            hall.frames.append(decode(payload, is_binary=isinstance(payload, bytes)))

    return hall


@pytest.fixture
def server(hall: Hall) -> Generator[Beside]:
    with beside(hall.app) as server:
        yield server


@pytest.fixture
def made(hall: Hall, tmp_path: Path) -> Any:
    return load(python(dict(hall.app.contract().document)), "hall_client", tmp_path)


def dynamic(server: Beside, codec: CodecName = "json", **more: Any) -> DynamicClient:
    return DynamicClient(f"{server.url}/ws", codec=codec, settings=FAST, **more)


async def cut(hall: Hall, server: Beside) -> None:
    """End all connections as a restart does."""

    async def close() -> None:
        for socket in hall.app.sockets():
            await socket.close(1012)

    await server.do(close)


@codecs
async def test_several_rooms_are_joined_by_one_message(
    hall: Hall, server: Beside, codec: CodecName
) -> None:
    with anyio.fail_after(30):
        async with dynamic(server, codec) as client:
            await client.ready
            doc = DynamicRoom.of("doc:{doc_id}", doc_id=7)
            group = client.join_all("lobby", doc, "lobby")
            joined = [group.is_joined]
            await group.ready
            assert [*joined, group.is_joined] == [False, True]
            assert client.rooms == group.names == ("lobby", "doc:7")
            assert [room.name for room in group] == ["lobby", "doc:7"]
    assert hall.joins() == [{"type": 15, "rooms": ["lobby", "doc:7"]}]


async def test_a_group_is_joined_again_by_one_message_after_a_loss(
    hall: Hall, server: Beside
) -> None:
    with anyio.fail_after(30):
        async with dynamic(server) as client:
            group = client.join_all("lobby", "news")
            await group.ready
            await cut(hall, server)
            await until(lambda: not group.is_joined)
            await group.ready
            await group.leave()
            await until(lambda: not client.rooms)
    both = {"type": 15, "rooms": ["lobby", "news"]}
    left = [{"type": 12, "room": "lobby"}, {"type": 12, "room": "news"}]
    assert hall.joins() == [both, both, *left]


async def test_a_bulk_join_is_all_or_nothing(hall: Hall, server: Beside) -> None:
    errors: list[ErrorContext] = []
    with anyio.fail_after(30):
        async with dynamic(server) as client:
            client.on_error(errors.append)
            group = client.join_all("lobby", "vault")
            with pytest.raises(RequestError, match=r"full: No room\.") as refused:
                await group.ready
            assert refused.value.code == "full"
            assert client.rooms == ()
            assert [room.is_joined for room in group] == [False, False]
            single = client.join("lobby")
            await single.ready
            assert not group.is_joined
            with pytest.raises(RequestError, match="full"):
                await group.ready
            await single.leave()
            await until(lambda: not client.rooms)
            hall.is_shut = False
            await cut(hall, server)
            await until(lambda: group.is_joined)
    assert [error.phase for error in errors] == ["onJoinRooms"]


async def test_no_refusal_of_others_takes_a_room_from_a_handle_of_its_own(
    hall: Hall, server: Beside
) -> None:
    with anyio.fail_after(30):
        async with dynamic(server) as client:
            lobby = client.join("lobby")
            group = client.join_all("lobby", "news", "vault")
            await lobby.ready
            with pytest.raises(RequestError, match="full"):
                await group.ready
            await cut(hall, server)
            await until(lambda: not lobby.is_joined)
            await lobby.ready
            with pytest.raises(RequestError, match="full"):
                await group.ready
            assert client.rooms == ("lobby",)
            hall.is_shut = False
            again = client.join_all("news", "vault")
            await again.ready
            assert group.is_joined


async def test_a_refused_group_is_told_so_when_a_handle_of_its_own_leaves(
    hall: Hall, server: Beside
) -> None:
    """That one was let in, and out again: nobody asks for the group, which has its refusal."""
    async with dynamic(server) as client:
        with anyio.fail_after(30):
            group = client.join_all("lobby", "vault")
            with pytest.raises(RequestError):
                await group.ready
            lobby = client.join("lobby")
            await lobby.ready
            await lobby.leave()
            await until(lambda: not client.rooms)
            for room in group:
                with pytest.raises(RequestError) as refused:
                    await room.ready
                assert refused.value.code == "full"


async def test_groups_that_share_a_room_do_not_wait_for_each_other(
    hall: Hall, server: Beside
) -> None:
    with anyio.fail_after(30):
        async with dynamic(server) as client:
            await client.ready
            first = client.join_all("vault", "lobby")
            second = client.join_all("lobby", "news")
            await second.ready
            with pytest.raises(RequestError, match="full"):
                await first.ready
            assert client.rooms == ("lobby", "news")


@codecs
async def test_one_message_goes_to_several_rooms(
    hall: Hall, server: Beside, codec: CodecName
) -> None:
    heard: list[str] = []
    with anyio.fail_after(30):
        async with dynamic(server, codec) as one, dynamic(server) as two:
            group, other = one.join_all("lobby", "news"), two.join_all("lobby", "news")

            @other.on(Wave)
            def note(event: Wave) -> None:
                heard.append(event.text)

            stream = other.events(Wave)
            await group.ready
            await other.ready
            assert await group.emit(Wave(text="a")) == "sent"
            assert (await anext(stream)).text == "a"
            await group.request(Wave(text="b"))
            assert await group.emit_raw("wave", {"text": "c"}) == "sent"
            assert [(await anext(stream)).text for _ in "bc"] == ["b", "c"]
            await until(lambda: heard == ["a", "b", "c"])
            other.off(Wave, note)
            await next(iter(other)).leave()
            assert other.names == ("news",)
            await group.emit(Wave(text="d"))
            assert (await anext(stream)).text == "d"
            await other.leave()
            with pytest.raises(StopAsyncIteration):
                await anext(stream)
    assert heard == ["a", "b", "c"]
    sent = {"rooms": ["lobby", "news"], "event": "wave", "data": {"text": "a"}}
    assert next(frame for frame in hall.frames if "event" in frame) == sent


async def test_a_group_hears_once_for_all_of_its_rooms(hall: Hall, server: Beside) -> None:
    heard: list[str] = []
    with anyio.fail_after(30):
        async with dynamic(server) as client:
            group = client.join_all("lobby", "news")
            await group.ready

            def first(event: Wave) -> None:
                heard.append(f"first {event.text}")

            def every(event: Wave) -> None:
                heard.append(event.text)

            assert group.once(Wave, first) is first
            group.once(Wave)(first)
            group.on(Wave, every)
            group.on(Wave, every)
            rooms = hall.app.rooms
            await server.do(lambda: rooms.bulk.emit(["lobby", "news"], Wave(text="both")))
            await server.do(lambda: rooms.emit("news", Wave(text="news")))
            await until(lambda: heard[-1:] == ["news"])
    assert heard == ["first both", "first both", "both", "news"]


async def test_a_bulk_request_tells_the_first_refusal(hall: Hall, server: Beside) -> None:
    with anyio.fail_after(30):
        async with dynamic(server) as client:
            docs = client.join_all(*(DynamicRoom.of("doc:{d}", d=number) for number in (1, 5)))
            await docs.ready
            await docs.request(Edit(version=9))
            with pytest.raises(RequestError, match="invalid: version 3"):
                await docs.request(Edit(version=3))
            with pytest.raises(RequestError, match="not_a_member"):
                await DynamicGroup(*docs, client.join("vault")).request(Wave(text="x"))


async def test_a_bulk_emit_waits_for_the_connection_or_is_dropped(
    hall: Hall, server: Beside
) -> None:
    client = dynamic(server)
    early = client.join_all("lobby", "news")
    with pytest.raises(RuntimeError, match="async with"):
        await early.emit(Wave(text="x"))
    with pytest.raises(RuntimeError, match="async with"):
        await early.ready
    with anyio.fail_after(30):
        async with client:
            assert await early.emit(Wave(text="early")) == "queued"
            await until(lambda: any("event" in frame for frame in hall.frames))
            await early.leave()
            assert await early.emit(Wave(text="late")) == "dropped"
            with pytest.raises(Disconnected, match="has left room 'lobby'"):
                await early.request(Wave(text="late"))
            nothing = client.join_all()
            await nothing.ready
            assert await nothing.emit(Wave(text="x")) == await nothing.emit_raw("x", 1) == "dropped"
            with pytest.raises(Disconnected, match="no rooms"):
                await nothing.request(Wave(text="late"))
            with pytest.raises(StopAsyncIteration):
                await anext(nothing.events(Wave))


async def test_a_room_that_the_server_ends_leaves_its_group(hall: Hall, server: Beside) -> None:
    errors: list[RequestError] = []

    def note(error: RequestError) -> None:
        errors.append(error)

    async def remove() -> None:
        for socket in hall.app.sockets():
            removed = {"type": 38, "room": "lobby", "code": "removed", "message": "Out."}
            await socket.send_raw(hall.app.encode(removed))

    with anyio.fail_after(30):
        async with dynamic(server) as client:
            group = client.join_all("lobby", "news")
            stream = group.events(Wave)
            await group.ready
            lobby, news = group
            lobby.on_left(note)
            await server.do(remove)
            await until(lambda: errors)
            assert errors[0].code == "removed"
            assert group.names == client.rooms == ("news",)
            assert await group.emit(Wave(text="x")) == "sent"
            assert await lobby.emit_raw("wave", {}) == "dropped"
            with pytest.raises(RequestError, match="removed"):
                await lobby.request_raw("wave", {})
            with pytest.raises(RequestError, match="removed"):
                await group.ready
            await cut(hall, server)
            await until(lambda: hall.joins()[-1] == {"type": 15, "rooms": ["news"]})
            await news.ready
            await group.leave()
            with pytest.raises(StopAsyncIteration):
                await anext(stream)
            with pytest.raises(RequestError, match="removed"):
                await group.request(Wave(text="x"))


async def test_a_generated_client_joins_several_rooms(
    hall: Hall, server: Beside, made: Any
) -> None:
    with anyio.fail_after(30):
        async with made.HallClient(server.url, settings=FAST) as client:
            group = client.join_all(made.LobbyRoom.of(), made.DocRoom.of(doc_id="7"))
            await group.ready
            lobby, doc = group
            assert (type(lobby), type(doc)) == (made.LobbyRoom, made.DocRoom)
            assert await group.emit(made.Wave(text="x")) == "sent"
            await RoomGroup(doc).request(made.Edit(version=7))
            assert client.rooms == ("lobby", "doc:7")
            with pytest.raises(TypeError):
                made.DocRoom.of(doc=7)


async def test_a_group_is_of_one_client() -> None:
    one, two = DynamicClient("ws://127.0.0.1:1/"), DynamicClient("ws://127.0.0.1:1/")
    with pytest.raises(ConfigurationError, match="one client"):
        RoomGroup(one.join("a"), two.join("a"))
    with pytest.raises(ConfigurationError, match="takes"):
        one.join_all("doc:{doc_id}")


async def test_leaving_a_group_under_way_leaves_its_rooms(hall: Hall, server: Beside) -> None:
    with anyio.fail_after(30):
        async with dynamic(server) as client:
            await client.ready
            async with client.join_all("lobby", "news") as group:
                assert client.rooms == ("lobby", "news")
            await until(lambda: not client.rooms)
            pending = client.join_all("lobby", "news")
            await pending.leave()
            await pending.leave()
            await until(lambda: len(hall.joins()) >= 6)
            await until(lambda: not client.rooms)
            assert not group.is_joined
