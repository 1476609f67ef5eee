"""`@room.leave_guard`: who may leave a room when it asks to."""

from typing import Any

import anyio
import pytest
from anyio import Event as Signal

from bytesocket_app import (
    ByteSocket,
    ConfigurationError,
    ErrorContext,
    Refusal,
    Router,
    Settings,
    Socket,
)
from bytesocket_app.client import DynamicClient
from bytesocket_app.declarations.rooms import Room
from bytesocket_app.errors import where
from bytesocket_app.testing import RequestError, TestClient, virtual_clock
from bytesocket_app.testing.conformance import NetworkSite, Site
from tests.support import sites
from tests.support.talk import error, logged, talk, until, wait

pytestmark = pytest.mark.anyio


class Playing(Refusal, code="playing"):
    data: int


def game(settings: Settings | None = None) -> tuple[ByteSocket, Room, list[int]]:
    """Tables of a game: those with an odd number cannot be left; the list has who was asked."""
    app, asked = talk(settings), list[int]()
    table = app.room("table:{number}")

    @table.leave_guard(raises=(Playing,))
    async def between_games_only(socket: Socket, number: int) -> None:
        assert f"table:{number}" in socket.rooms.list()
        asked.append(number)
        if number % 2:
            raise Playing("Finish the game first.", data=number)

    return app, table, asked


async def told(client: TestClient, message: dict[str, Any]) -> Any:
    await client.send(message)
    return await client.receive_message()


def network(site: Site) -> NetworkSite:
    assert isinstance(site, NetworkSite)
    return site


async def test_a_leave_guard_keeps_a_member_in_and_its_code_is_the_answer() -> None:
    app, table, asked = game()
    async with TestClient(app) as client:
        await client.join("table:1")
        await client.join("table:2")
        answer = await told(client, {"type": 12, "room": "table:1"})
        assert (answer["type"], answer["room"]) == (14, "table:1")
        assert answer["data"] == {
            "phase": "onLeaveRoom",
            "error": {"code": "playing", "message": "Finish the game first.", "data": 1},
        }
        await client.leave("table:2")
        assert (table.count(number=1), table.count(number=2)) == (1, 0)
    assert asked == [1, 2]


async def test_a_bulk_leave_is_all_or_nothing() -> None:
    app, table, asked = game()
    async with TestClient(app) as client:
        await told(client, {"type": 15, "rooms": ["table:2", "table:3", "table:4"]})
        rooms = ["table:2", "table:3", "table:4", "table:2"]
        answer = await told(client, {"type": 18, "rooms": rooms})
        assert (answer["type"], answer["rooms"]) == (20, rooms)
        assert answer["data"]["phase"] == "onLeaveRooms"
        assert error(answer)["code"] == "playing"
        assert [table.count(number=n) for n in (2, 3, 4)] == [1, 1, 1]
        answer = await told(client, {"type": 18, "rooms": ["table:2", "table:4"]})
        assert answer == {"type": 19, "rooms": ["table:2", "table:4"]}
        assert [table.count(number=n) for n in (2, 3, 4)] == [0, 1, 0]
    assert asked == [2, 3, 2, 4]


async def test_nobody_is_asked_at_a_close_or_when_server_code_takes_a_socket_out() -> None:
    app, table, asked = game()
    async with TestClient(app) as client:
        await client.join("table:1")
        await client.join("table:3")
        (socket,) = app.sockets()
        await socket.rooms.leave("table:1")
        assert table.count(number=1) == 0
        await client.close()
    await until(lambda: not app.housekeeping.connections)
    assert (table.count(number=3), asked) == (0, [])


async def test_nobody_is_asked_about_a_room_that_the_client_is_not_in() -> None:
    app, _, asked = game()
    async with TestClient(app) as client:
        for room in ("table:1", "table:x", "nowhere"):
            await client.leave(room)
    assert asked == []


async def test_leave_guards_run_in_order_once_and_can_be_taken_away() -> None:
    app, log = talk(), list[str]()
    lobby = app.room("lobby")

    @lobby.leave_guard
    def first() -> None:
        log.append("first")

    @lobby.leave_guard.once
    async def second() -> None:
        log.append("second")
        raise Refusal("Not yet.")

    @lobby.leave_guard
    async def third() -> None:
        log.append("third")

    async with TestClient(app) as client:
        await client.join("lobby")
        with pytest.raises(RequestError, match="Not yet") as refused:
            await client.leave("lobby")
        assert refused.value.code == "refused"
        lobby.leave_guard.remove(first)
        await client.leave("lobby")
    assert log == ["first", "second", "third"]


async def test_a_join_asks_no_leave_guard_and_a_leave_no_join_guard() -> None:
    app, log = talk(), list[str]()
    lobby = app.room("lobby")

    @lobby.guard
    async def coming() -> None:
        log.append("join")

    @lobby.leave_guard
    async def going() -> None:
        log.append("leave")

    async with TestClient(app) as client:
        await client.join("lobby")
        assert log == ["join"]
        await client.leave("lobby")
        assert log == ["join", "leave"]


async def test_leave_hooks_run_only_if_the_guards_agree() -> None:
    app, table, _ = game()
    left = list[int]()

    @table.on_leave
    async def gone(number: int) -> None:
        left.append(number)

    async with TestClient(app) as client:
        await told(client, {"type": 15, "rooms": ["table:1", "table:2"]})
        await told(client, {"type": 18, "rooms": ["table:1", "table:2"]})
        assert left == []
        await told(client, {"type": 12, "room": "table:2"})
        assert left == [2]


@pytest.mark.parametrize(("kind", "phase"), [(12, "onLeaveRoom"), (18, "onLeaveRooms")])
async def test_the_error_hooks_hear_of_a_refused_leave_with_its_phase(
    kind: int, phase: str
) -> None:
    app, _, _ = game()
    heard = list[tuple[str, object]]()

    @app.lifecycle.error
    async def hear(context: ErrorContext) -> None:
        heard.append((context.phase, type(context.error)))

    target: dict[str, Any] = {"room": "table:1"} if kind == 12 else {"rooms": ["table:1"]}
    async with TestClient(app) as client:
        await client.join("table:1")
        assert (await told(client, {"type": kind, **target}))["type"] == kind + 2
    assert heard == [(phase, Playing)]


async def test_a_leave_guard_that_takes_too_long_refuses(caplog: pytest.LogCaptureFixture) -> None:
    app, begun = talk(), Signal()
    lobby = app.room("lobby")

    @lobby.leave_guard
    async def hang() -> None:
        begun.set()
        await anyio.sleep_forever()

    with virtual_clock(app) as clock:
        async with TestClient(app) as client:
            await client.join("lobby")
            await client.send({"type": 12, "room": "lobby"})
            await wait(begun)
            clock.advance(31)
            answer = await client.receive_message()
            assert (answer["type"], error(answer)["code"]) == (14, "timeout")
            assert lobby.count() == 1
    assert f"guard {where(hang)} of 'lobby' took too long" in logged(caplog)[0]


async def test_a_leave_guard_that_breaks_is_internal(caplog: pytest.LogCaptureFixture) -> None:
    app = talk()
    lobby = app.room("lobby")

    @lobby.leave_guard
    async def fail() -> None:
        raise RuntimeError("secret")

    async with TestClient(app) as client:
        await client.join("lobby")
        with pytest.raises(RequestError, match="Something went wrong") as refused:
            await client.leave("lobby")
        assert (refused.value.code, lobby.count()) == ("internal", 1)
    assert "secret" in caplog.text


async def test_a_leave_guard_that_returns_false_keeps_the_member(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = talk()
    lobby = app.room("lobby")

    @lobby.leave_guard
    async def guard() -> Any:
        return False

    async with TestClient(app) as client:
        await client.join("lobby")
        with pytest.raises(RequestError, match="internal"):
            await client.leave("lobby")
        assert lobby.count() == 1
    assert "it says no by raising" in caplog.text


def test_a_leave_guard_is_not_declared_to_return_a_bool() -> None:
    async def guard() -> bool:
        return True

    with pytest.raises(ConfigurationError, match=r"leave_guards.py:\d+: a guard returns no bool"):
        talk().room("lobby").leave_guard(guard)


def test_what_a_leave_guard_refuses_with_is_in_the_contract() -> None:
    app, _, _ = game()
    document = app.contract().document
    assert document["rooms"][0]["refusals"] == ["playing"]
    assert document["refusals"]["playing"]["data"] == {"type": "integer"}


async def test_a_routers_room_has_leave_guards() -> None:
    app, router = talk(), Router(prefix="v1:")
    room = router.room("doc:{number}")

    @room.leave_guard
    async def never(number: int) -> None:
        raise Refusal("Never.", code="not_found")

    app.include(router)
    async with TestClient(app) as client:
        await client.join("v1:doc:7")
        with pytest.raises(RequestError, match="Never"):
            await client.leave("v1:doc:7")


async def test_leave_guards_hold_under_the_origins_settings() -> None:
    app, table, _ = game(Settings.drop_in())
    async with TestClient(app) as client:
        await client.join("table:1")
        with pytest.raises(RequestError, match="Finish"):
            await client.leave("table:1")
        assert table.count(number=1) == 1
        await client.join("anything")
        await client.leave("anything")


async def test_a_python_client_hears_of_a_refused_leave_and_may_join_again() -> None:
    app, table, asked = game()
    heard = list[ErrorContext]()
    async with (
        sites.on_hypercorn(app, lifespan=True) as site,
        DynamicClient(f"{network(site).origin}/ws", codec="json") as client,
    ):
        client.on_error(heard.append)
        seat = client.join("table:1")
        await seat.ready
        await seat.leave()
        await until(lambda: heard)
        again = client.join("table:1")
        await again.ready  # it never left
        assert table.count(number=1) == 1
    (context,) = heard
    assert isinstance(context.error, RequestError)
    assert (context.phase, context.error.code) == ("onLeaveRoom", "playing")
    assert asked == [1]
