"""Generated Python clients show who is in a room, and change their own entry."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from anyio import Event, create_task_group, fail_after, sleep
from pydantic import BaseModel

from bytesocket_app import ByteSocket, Settings, Socket, Timeouts
from bytesocket_app.client import ClientSettings, ErrorContext, PresenceChange, RequestError
from bytesocket_app.serving.runners.listening import listen
from bytesocket_app.types import CodecName, UserKey
from bytesocket_app.wire import decode
from bytesocket_cli.codegen.python import python
from tests.support.generated import load
from tests.support.scripted_server import Script, ScriptedServer

pytestmark = pytest.mark.anyio

FAST = ClientSettings(backoff_base=0.02, backoff_cap=0.05, close_timeout=1)


class Fellow(BaseModel):
    name: str
    typing: bool = False


def desk() -> ByteSocket:
    app = ByteSocket(title="Desk", settings=Settings(timeouts=Timeouts(presence_linger=0.2)))

    @app.auth(key=str)
    async def known(credentials: str) -> str:
        return credentials

    doc = app.room("doc:{doc_id}")

    @doc.presence(clients=["typing"])
    def fellow(socket: Socket[str], doc_id: int) -> Fellow:
        return Fellow(name=f"{socket.user} at {doc_id}")

    app.room("stage", presence="count")
    app.room("cellar")
    return app


@asynccontextmanager
async def served(app: ByteSocket) -> AsyncGenerator[str]:
    """Serve an application on a free port; gives its address."""
    stop = Event()
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        async with create_task_group() as tasks:
            tasks.start_soon(run, app, listener, stop)
            yield f"ws://127.0.0.1:{port}/ws"
            stop.set()


async def run(app: ByteSocket, listener: Any, stop: Event) -> None:
    await app.serve(listener=listener, stop=stop, grace=1)


async def wait(holds: Callable[[], bool]) -> None:
    with fail_after(30):
        while not holds():  # noqa: ASYNC110 - what a server brings about tells no event
            await sleep(0.005)


@pytest.fixture
def module(tmp_path: Path) -> ModuleType:
    return load(python(desk().contract().document), "presence_client", tmp_path)


def shown(presence: Any) -> dict[UserKey, list[tuple[str, bool]]]:
    return {key: [(one.name, one.typing) for one in each] for key, each in presence.items()}


@pytest.mark.parametrize("codec", ["json", "binary"])
async def test_a_generated_client_sees_who_comes_changes_and_goes(
    module: ModuleType, codec: CodecName
) -> None:
    app, told = desk(), list[PresenceChange]()
    async with served(app) as url:
        client = module.DeskClient(url, auth="ann", codec=codec, settings=FAST)
        async with client as ann:
            room = ann.join("doc:{doc_id}", doc_id=7)
            room.on_presence(told.append)
            await wait(lambda: shown(room.presence) == {"ann": [("ann at 7", False)]})
            async with module.DeskClient(url, auth="bob", codec=codec, settings=FAST) as bob:
                there = bob.join("doc:{doc_id}", doc_id=7)
                await there.ready
                await wait(lambda: list(room.presence) == list(there.presence) == ["ann", "bob"])
                assert await there.presence.update(typing=True) == "sent"
                changed = [("bob at 7", True)]
                await wait(lambda: shown(room.presence).get("bob") == changed)
                assert isinstance(room.presence["bob"][0], module.Fellow)
                assert (len(room.presence), room.presence.count) == (2, 2)
            await wait(lambda: list(room.presence) == ["ann"])
            await wait(lambda: len(told) == 4)
    assert told == [
        PresenceChange(("ann",), (), ()),
        PresenceChange(("bob",), (), ()),
        PresenceChange((), ("bob",), ()),
        PresenceChange((), (), ("bob",)),
    ]


async def test_after_a_reconnection_the_map_is_right_again(module: ModuleType) -> None:
    app, told = desk(), list[PresenceChange]()
    async with (
        served(app) as url,
        module.DeskClient(url, auth="ann", settings=FAST) as ann,
        module.DeskClient(url, auth="bob", settings=FAST) as bob,
    ):
        room = ann.join("doc:{doc_id}", doc_id=7)
        other = bob.join("doc:{doc_id}", doc_id=7)
        await wait(lambda: set(room.presence) == {"ann", "bob"})
        room.on_presence(told.append)
        (socket,) = (one for one in app.sockets() if one.user == "ann")
        await socket.close(4000, "again")
        await other.leave()
        await wait(lambda: set(room.presence) == {"ann"} and room.is_joined and bool(told))
        assert told == [PresenceChange((), (), ("bob",))]


async def test_a_room_that_counts_has_a_count_and_nobody(module: ModuleType) -> None:
    app, told = desk(), list[PresenceChange]()
    async with served(app) as url, module.DeskClient(url, auth="ann", settings=FAST) as ann:
        stage = ann.join("stage")
        stage.on_presence(told.append)
        await wait(lambda: stage.presence.count == 1)
        assert dict(stage.presence) == {}
        await wait(lambda: told == [PresenceChange((), (), ())])


async def test_a_handle_that_left_hears_no_more(module: ModuleType) -> None:
    app, told, kept = desk(), list[PresenceChange](), list[PresenceChange]()
    async with (
        served(app) as url,
        module.DeskClient(url, auth="ann", settings=FAST) as ann,
        module.DeskClient(url, auth="bob", settings=FAST) as bob,
    ):
        one, two = ann.join("doc:{doc_id}", doc_id=7), ann.join("doc:{doc_id}", doc_id=7)
        await wait(lambda: list(two.presence) == ["ann"])
        assert one.presence is two.presence
        one.on_presence(told.append)
        two.on_presence(kept.append)
        await one.leave()
        await bob.join("doc:{doc_id}", doc_id=7).ready
        await wait(lambda: len(kept) == 1)
        assert told == []


async def test_a_refused_change_reaches_the_error_hooks(module: ModuleType) -> None:
    app, errors = desk(), list[ErrorContext]()
    async with served(app) as url, module.DeskClient(url, auth="ann", settings=FAST) as ann:
        ann.on_error(errors.append)
        room = ann.join("doc:{doc_id}", doc_id=7)
        await room.ready
        await room.presence.update(typing="perhaps")
        await wait(lambda: len(errors) == 1)
    assert "The entry is not valid" in str(errors[0].error)


def test_a_client_of_a_room_without_presence_has_none(module: ModuleType) -> None:
    assert not hasattr(module.CellarRoom, "presence")


BOTH = pytest.mark.parametrize("codec", ["json", "binary"])


@BOTH
async def test_a_user_with_two_connections_has_two_entries_and_leaves_with_the_last(
    module: ModuleType, codec: CodecName
) -> None:
    app, told = desk(), list[PresenceChange]()
    async with (
        served(app) as url,
        module.DeskClient(url, auth="ann", codec=codec, settings=FAST) as ann,
    ):
        room = ann.join("doc:{doc_id}", doc_id=7)
        await wait(lambda: list(room.presence) == ["ann"])
        room.on_presence(told.append)
        async with module.DeskClient(url, auth="bob", codec=codec, settings=FAST) as bob:
            bob.join("doc:{doc_id}", doc_id=7)
            await wait(lambda: len(room.presence.get("bob", ())) == 1)
            async with module.DeskClient(url, auth="bob", codec=codec, settings=FAST) as tab:
                tab.join("doc:{doc_id}", doc_id=7)
                await wait(lambda: len(room.presence["bob"]) == 2)
            await wait(lambda: len(room.presence["bob"]) == 1)
        await wait(lambda: list(room.presence) == ["ann"])
        await wait(lambda: len(told) == 4)
    assert told == [
        PresenceChange(("bob",), (), ()),
        *[PresenceChange((), ("bob",), ())] * 2,
        PresenceChange((), (), ("bob",)),
    ]


@BOTH
async def test_rooms_that_are_joined_together_tell_who_is_there(
    module: ModuleType, codec: CodecName
) -> None:
    app, joins = desk(), list[Any]()

    @app.lifecycle.message
    async def note(payload: str | bytes) -> None:
        message = decode(payload, isinstance(payload, bytes)) if payload else None
        if isinstance(message, dict) and "type" in message and message["type"] in {9, 15}:
            joins.append(message)

    docs = [module.DocRoom.of(doc_id=number) for number in (7, 8)]
    async with (
        served(app) as url,
        module.DeskClient(url, auth="ann", codec=codec, settings=FAST) as ann,
    ):
        cellar = ann.join_all(module.CellarRoom.of())
        await cellar.ready
        group = ann.join_all(*docs, module.StageRoom.of())
        seven, eight, stage = group
        await group.ready
        await wait(lambda: [*seven.presence] == [*eight.presence] == ["ann"])
        await wait(lambda: stage.presence.count == 1)
        assert seven.presence["ann"][0].name == "ann at 7"
        (socket,) = app.sockets()
        await socket.close(4000, "again")
        await wait(lambda: len(joins) == 4 and group.is_joined and cellar.is_joined)
        assert [*seven.presence] == [*eight.presence] == ["ann"]
    watched = {"type": 15, "rooms": ["doc:7", "doc:8", "stage"], "presence": True}
    assert joins == [{"type": 15, "rooms": ["cellar"]}, watched] * 2


@BOTH
async def test_who_is_taken_out_of_a_room_sees_nobody_and_is_told_so_once(
    module: ModuleType, codec: CodecName
) -> None:
    app, told, lefts = desk(), list[PresenceChange](), list[RequestError]()
    async with (
        served(app) as url,
        module.DeskClient(url, auth="ann", codec=codec, settings=FAST) as ann,
        module.DeskClient(url, auth="bob", codec=codec, settings=FAST) as bob,
    ):
        (room,) = ann.join_all(module.DocRoom.of(doc_id=7))
        await room.ready
        there = bob.join("doc:{doc_id}", doc_id=7)
        await wait(lambda: set(room.presence) == set(there.presence) == {"ann", "bob"})
        room.on_presence(told.append)
        room.on_left(lefts.append)
        await app.user("ann").leave("doc:7")
        await wait(lambda: len(told) == len(lefts) == 1)
        assert (dict(room.presence), room.presence.count) == ({}, 0)
        assert await room.presence.update(typing=True) == "dropped"
        await wait(lambda: list(there.presence) == ["bob"])
        again = ann.join("doc:{doc_id}", doc_id=7)
        await wait(lambda: set(again.presence) == {"ann", "bob"})
        assert dict(room.presence) == {}
    assert told == [PresenceChange((), (), ("ann", "bob"))]
    assert [error.code for error in lefts] == ["removed"]


@BOTH
async def test_a_room_that_was_left_shows_nobody(module: ModuleType, codec: CodecName) -> None:
    app = desk()
    async with (
        served(app) as url,
        module.DeskClient(url, auth="ann", codec=codec, settings=FAST) as ann,
    ):
        room = ann.join("doc:{doc_id}", doc_id=7)
        await wait(lambda: list(room.presence) == ["ann"])
        await room.leave()
        assert await room.presence.update(typing=True) == "dropped"
        await wait(lambda: not room.presence and room.presence.count == 0)


def entry(name: str = "ann", **more: Any) -> dict[str, Any]:
    return {"name": name, "typing": False, **more}


@BOTH
async def test_an_entry_that_does_not_fit_leaves_the_others(
    module: ModuleType, codec: CodecName
) -> None:
    """It is told to the error hooks, as the same of an event is."""
    errors, told = list[ErrorContext](), list[PresenceChange]()
    odd: list[Any] = [["eve", [entry()], 1], ["fay", entry()], [None, [entry()]], 5, None, "ab"]
    with ScriptedServer(Script(auth=lambda _: True)) as server:
        client = module.DeskClient(f"{server.url}/ws", auth="ann", codec=codec, settings=FAST)
        async with client as ann:
            ann.on_error(errors.append)
            room = ann.join("doc:{doc_id}", doc_id=7)
            room.on_presence(told.append)
            await room.ready
            users = [
                ["ann", [entry(), 7, entry(typing="perhaps"), entry(typing=True)]],
                ["bob", [None]],
                *odd,
                ["cy", [entry("cy")]],
            ]
            server.send({"type": 36, "room": "doc:7", "data": {"users": users}})
            await wait(lambda: len(told) == 1)
            assert shown(room.presence) == {
                "ann": [("ann", False), ("ann", True)],
                "bob": [],
                "cy": [("cy", False)],
            }
            await wait(lambda: len(errors) == 3)
            assert {str(one.phase) for one in errors} == {"validation"}
            nothing: list[Any] = [None, 5, [], {}, {"enter": odd}, {"exit": [None, ["ann"], "x"]}]
            for data in (*nothing, {"exit": ["ann", "bob"]}):
                server.send({"type": 36, "room": "doc:7", "data": data})
            await wait(lambda: list(room.presence) == ["cy"])
    assert told == [
        PresenceChange(("ann", "bob", "cy"), (), ()),
        PresenceChange((), (), ("ann", "bob")),
    ]


@BOTH
async def test_what_comes_before_the_answer_to_a_join_is_not_about_it(
    module: ModuleType, codec: CodecName
) -> None:
    """As when a room is left and joined again at once."""
    refusal = {"phase": "onJoinRoom", "error": {"code": "refused", "message": "Wait."}}
    told = list[PresenceChange]()
    script = Script(auth=lambda _: True, refused_rooms={"doc:7": refusal})
    with ScriptedServer(script) as server:
        client = module.DeskClient(f"{server.url}/ws", auth="ann", codec=codec, settings=FAST)
        async with client as ann:
            room = ann.join("doc:{doc_id}", doc_id=7)
            room.on_presence(told.append)
            with pytest.raises(RequestError):
                await room.ready
            for message in (
                {"type": 36, "room": "doc:7", "data": {"enter": [["eve", [entry("eve")]]]}},
                {"type": 10, "room": "doc:7"},
                {"type": 36, "room": "doc:7", "data": {"users": [["ann", [entry()]]]}},
            ):
                server.send(message)
            await wait(lambda: bool(told))
    assert told == [PresenceChange(("ann",), (), ())]
