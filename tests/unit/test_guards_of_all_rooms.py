"""`@app.rooms.guard` and `.leave_guard`: asked whichever room it is, before the room's own."""

from typing import Annotated, Any

import pytest

from bytesocket_app import (
    ByteSocket,
    ConfigurationError,
    Depends,
    GuardHook,
    Refusal,
    Settings,
    Socket,
)
from bytesocket_app.testing import RequestError, TestClient
from bytesocket_cli.codegen.python import python
from tests.support.talk import error, talk

pytestmark = pytest.mark.anyio


class Banned(Refusal, code="banned"):
    data: str


def house(settings: Settings | None = None) -> tuple[ByteSocket, list[str]]:
    """A house whose cellar nobody may enter or leave; the list has what each guard was asked."""
    app, asked = talk(settings), list[str]()
    room = app.room("room:{name}")
    app.room("hall", join="server")

    @app.rooms.guard(raises=(Banned,))
    async def not_the_cellar(socket: Socket, room: str) -> None:
        asked.append(f"any {room}")
        if room == "room:cellar":
            raise Banned("It is dark there.", data=room)

    @room.guard
    async def own(name: str) -> None:
        asked.append(f"own {name}")

    return app, asked


async def bulk(client: TestClient, kind: int, *rooms: str) -> Any:
    await client.send({"type": kind, "rooms": list(rooms)})
    return await client.receive_message()


async def test_a_guard_of_all_rooms_is_asked_before_the_rooms_own() -> None:
    app, asked = house()
    async with TestClient(app) as client:
        await client.join("room:attic")
        with pytest.raises(RequestError) as refused:
            await client.join("room:cellar")
        assert (refused.value.code, refused.value.data) == ("banned", "room:cellar")
        assert app.sockets()[0].rooms.list() == ["room:attic"]
    assert asked == ["any room:attic", "own attic", "any room:cellar"]


async def test_it_is_asked_for_each_room_of_a_bulk_join_which_is_all_or_nothing() -> None:
    app, asked = house()
    async with TestClient(app) as client:
        answer = await bulk(client, 15, "room:a", "room:cellar", "room:b")
        assert (answer["type"], error(answer)["code"]) == (17, "banned")
        assert app.sockets()[0].rooms.list() == []
    assert asked == ["any room:a", "own a", "any room:cellar"]


async def test_guards_of_the_whole_list_are_not_asked_about_a_request_that_cannot_be() -> None:
    app, asked = house()

    @app.rooms.guard
    async def whole(rooms: list[str]) -> None:
        raise AssertionError(rooms)

    async with TestClient(app) as client:
        for rooms in (["room:a", "nowhere"], ["room:b", "hall"], ["nowhere", "room:c"]):
            answer = await bulk(client, 15, *rooms)
            assert (answer["type"], error(answer)["code"]) == (17, "unknown_room")
        assert (await bulk(client, 15))["type"] == 16
    assert asked == ["any room:a", "own a", "any room:b", "own b"]


async def test_the_first_room_that_refuses_is_the_answer() -> None:
    app, _ = house()
    async with TestClient(app) as client:
        answer = await bulk(client, 15, "room:cellar", "nowhere")
        assert error(answer)["code"] == "banned"
        answer = await bulk(client, 15, "nowhere", "room:cellar")
        assert error(answer)["code"] == "unknown_room"


async def test_server_code_joins_and_leaves_without_asking_them() -> None:
    app, asked = house()

    @app.rooms.leave_guard
    async def never() -> None:
        raise Refusal("Never.")

    async with TestClient(app) as client:
        (socket,) = app.sockets()
        await socket.rooms.join("room:cellar")
        await socket.rooms.leave("room:cellar")
        assert socket.rooms.list() == []
        await client.close()
    assert asked == []


async def test_it_is_asked_about_undeclared_rooms_where_clients_may_join_those() -> None:
    app, asked = house(Settings.drop_in())
    async with TestClient(app) as client:
        await client.join("garden")
        await client.join("room:attic")
    assert asked == ["any garden", "any room:attic", "own attic"]


async def test_a_guard_that_asks_for_the_rooms_is_called_once_with_the_whole_list() -> None:
    app, asked = house()
    lists = list[list[str]]()

    @app.rooms.guard
    async def at_most_two(rooms: list[str]) -> None:
        lists.append(rooms)
        if len(rooms) > 2:
            raise Refusal("Two at a time.", code="forbidden")

    async with TestClient(app) as client:
        answer = await bulk(client, 15, "room:a", "room:b", "room:c", "room:a")
        assert (answer["type"], error(answer)["code"]) == (17, "forbidden")
        assert asked == []
        assert (await bulk(client, 15, "room:a", "room:b"))["type"] == 16
        await client.join("room:c")  # a single join is a list of one: nobody gets around it
    assert lists == [["room:a", "room:b", "room:c"], ["room:a", "room:b"], ["room:c"]]


async def test_a_guard_that_asks_for_both_is_called_for_each_room() -> None:
    app, calls = talk(), list[tuple[str, list[str]]]()
    app.room("room:{name}")

    @app.rooms.guard
    async def each(room: str, rooms: list[str]) -> None:
        calls.append((room, rooms.copy()))
        rooms.clear()  # its own copy

    async with TestClient(app) as client:
        await bulk(client, 15, "room:a", "room:b")
    assert calls == [("room:a", ["room:a", "room:b"]), ("room:b", ["room:a", "room:b"])]


async def test_a_dependency_that_asks_for_the_room_is_served_for_each() -> None:
    app, seen = talk(), list[str]()
    app.room("room:{name}")

    async def upper(room: str) -> str:
        return room.upper()

    @app.rooms.guard
    async def each(shout: Annotated[str, Depends(upper)], app: ByteSocket) -> None:
        seen.append(f"{shout} of {app.title}")

    async with TestClient(app) as client:
        await bulk(client, 15, "room:a", "room:b")
    assert seen == ["ROOM:A of Talk", "ROOM:B of Talk"]


@pytest.mark.parametrize("kind", [12, 18])
async def test_a_leave_guard_of_all_rooms_keeps_members_in(kind: int) -> None:
    app, asked = talk(), list[str]()
    room = app.room("room:{name}")

    @app.rooms.leave_guard
    async def locked(room: str) -> None:
        asked.append(room)
        raise Refusal("The door is locked.", code="forbidden")

    async with TestClient(app) as client:
        await client.join("room:a")
        target: dict[str, Any] = (
            {"room": "room:a"} if kind == 12 else {"rooms": ["room:a", "room:b"]}
        )
        await client.send({"type": kind, **target})
        answer = await client.receive_message()
        assert (answer["type"], error(answer)["code"]) == (kind + 2, "forbidden")
        assert room.count(name="a") == 1
    assert asked == ["room:a"]


async def test_guards_of_all_rooms_are_for_one_call_or_taken_away_as_any_hook() -> None:
    app, calls = talk(), list[str]()
    app.room("room:{name}")

    async def each(room: str) -> None:
        calls.append(room)

    async def whole(rooms: list[str]) -> None:
        calls.append(f"{rooms}")

    app.rooms.guard.once(each)
    app.rooms.guard(whole)
    async with TestClient(app) as client:
        await client.join("room:a")
        app.rooms.guard.remove(whole)
        await client.join("room:b")
    assert calls == ["['room:a']", "room:a"]
    assert isinstance(app.rooms.guard, GuardHook)


def test_what_it_refuses_with_is_in_the_contract_of_every_room_that_clients_join() -> None:
    app, _ = house()
    document = app.contract().document
    rooms = {room["pattern"]: room for room in document["rooms"]}
    assert rooms["room:{name}"]["refusals"] == ["banned"]
    assert "refusals" not in rooms["hall"]
    assert "Its guard refuses with: `BannedError`." in python(document)


async def test_a_strict_application_knows_what_they_declare() -> None:
    app = talk(strict=True)
    app.room("room:{name}")

    @app.rooms.guard
    async def surprise() -> None:
        raise Banned("No.", data="x")

    async with TestClient(app) as client:
        with pytest.raises(RequestError, match="internal"):
            await client.join("room:a")
        app.rooms.guard(raises=(Banned,))
        with pytest.raises(RequestError, match="banned"):
            await client.join("room:a")


def test_what_it_cannot_ask_for_is_said_where_it_is_declared() -> None:
    app = talk()

    async def wants(name: str) -> None: ...

    with pytest.raises(
        ConfigurationError,
        match=r"all_rooms.py:\d+\) cannot be a guard of all rooms: .*`name: str`",
    ):
        app.rooms.guard(wants)

    async def answers() -> bool:
        return True

    with pytest.raises(ConfigurationError, match="a guard returns no bool"):
        app.rooms.leave_guard(answers)


async def test_the_users_it_asks_for_are_compared_with_those_of_authentication() -> None:
    app = talk()

    async def authenticate() -> int:
        return 7

    async def asks(socket: Socket[str]) -> None: ...

    app.auth(authenticate)
    app.rooms.guard(asks)
    with pytest.raises(ConfigurationError, match=r"asks for Socket\[str\]"):
        async with TestClient(app):
            raise AssertionError("it must not start")
