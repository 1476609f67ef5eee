"""Joining and leaving by message: decided as a whole, answered once."""

import asyncio  # noqa: TID251 - a hook that cancels its own task
import logging
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from anyio import Event as Signal
from anyio import create_task_group

from bytesocket_app import (
    AuthError,
    ByteSocket,
    Limits,
    Policies,
    Refusal,
    Settings,
    Socket,
    Timeouts,
)
from bytesocket_app.declarations.rooms import Room
from bytesocket_app.errors import where
from bytesocket_app.rooms import BROADCAST_ROOM
from bytesocket_app.testing import RequestError, TestClient, virtual_clock
from bytesocket_app.types import CodecName
from tests.support.talk import Said, Wave, error, logged, talk, until, wait

pytestmark = pytest.mark.anyio


async def bulk(client: TestClient, kind: int, *rooms: str) -> Any:
    """Send a bulk request and take its answer."""
    await client.send({"type": kind, "rooms": list(rooms)})
    answer = await client.receive_message()
    assert answer["type"] in (kind + 1, kind + 2)
    assert answer["rooms"] == list(rooms)
    return answer


def rooms_of(app: ByteSocket) -> list[str]:
    return app.sockets()[0].rooms.list()


async def cancel_this_task(*, waits: bool = True) -> None:
    """Do what a hook of an application may do by mistake."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    if waits:
        await anyio.lowlevel.checkpoint()


def watched(room: Room) -> list[str]:
    """What the hooks of a room are told."""
    seen: list[str] = []

    @room.on_join
    async def joined(room: str) -> None:
        seen.append(f"+{room}")

    @room.on_leave
    async def left(room: str) -> None:
        seen.append(f"-{room}")

    return seen


class TestAnswers:
    async def test_joining_and_leaving_are_confirmed(self) -> None:
        app = talk()
        app.room("lobby")
        async with TestClient(app) as client:
            await client.send({"type": 9, "room": "lobby"})
            assert await client.receive_message() == {"type": 10, "room": "lobby"}
            assert rooms_of(app) == ["lobby"]
            await client.send({"type": 12, "room": "lobby"})
            assert await client.receive_message() == {"type": 13, "room": "lobby"}
            assert rooms_of(app) == []

    async def test_a_bulk_request_is_confirmed_with_the_same_list(self) -> None:
        app = talk()
        for name in ("a", "b"):
            app.room(name)
        async with TestClient(app) as client:
            assert await bulk(client, 15, "a", "b", "a") == {"type": 16, "rooms": ["a", "b", "a"]}
            assert rooms_of(app) == ["a", "b"]
            assert await bulk(client, 18, "b", "nowhere") == {
                "type": 19,
                "rooms": ["b", "nowhere"],
            }
            assert rooms_of(app) == ["a"]
            assert (await bulk(client, 15))["type"] == 16

    @pytest.mark.parametrize(
        ("kind", "phase"),
        [(9, "onJoinRoom"), (12, "onLeaveRoom"), (15, "onJoinRooms"), (18, "onLeaveRooms")],
    )
    async def test_the_broadcast_room_is_out_of_reach(self, kind: int, phase: str) -> None:
        app = talk()
        target = {"room": BROADCAST_ROOM} if kind < 15 else {"rooms": [BROADCAST_ROOM]}
        async with TestClient(app) as client:
            await client.send({"type": kind, **target})
            answer = await client.receive_message()
            assert answer["type"] == kind + 2
            assert answer["data"]["phase"] == phase
            assert error(answer)["code"] == "unknown_room"

    async def test_middleware_has_no_part_in_it(self) -> None:
        app = talk()
        app.room("lobby")

        @app.middleware
        async def never(socket: Any, message: Any, call_next: Any) -> None:
            raise AssertionError("membership is not a message")

        async with TestClient(app) as client:
            await client.join("lobby")
            await client.leave("lobby")


class TestPermission:
    async def test_no_server_code_puts_a_socket_into_a_room_before_it_is_authenticated(
        self,
    ) -> None:
        app = talk()
        lobby = app.room("lobby")
        seen = watched(lobby)
        begun, gate = Signal(), Signal()

        @app.auth
        async def authenticate(socket: Socket, credentials: str) -> str:
            await lobby.at().join(socket)
            await app.rooms.at("lobby").join(socket)
            await socket.rooms.join("lobby")
            begun.set()
            await gate.wait()
            raise AuthError("no")

        async with TestClient(app) as client:
            await client.send({"type": 4, "data": "ann"})
            await wait(begun)
            assert lobby.count() == 0
            await lobby.emit(Said(text="secret"))
            gate.set()
            assert (await client.receive_message())["type"] == 6
        assert seen == []

    async def test_only_declared_rooms_can_be_joined(self) -> None:
        async with TestClient(talk()) as client:
            with pytest.raises(RequestError, match="There is no room 'x' to join") as caught:
                await client.join("x")
        assert caught.value.code == "unknown_room"

    async def test_a_near_miss_is_told_of_what_clients_may_join(self) -> None:
        app = talk()
        app.room("lobby")
        app.room("backstage", join="server")
        async with TestClient(app) as client:
            with pytest.raises(RequestError, match=r"'loby' to join. Did you mean 'lobby'\?"):
                await client.join("loby")
            with pytest.raises(RequestError, match=r"'loby'\. Did you mean 'lobby'\?"):
                await client.request(Wave(), room="loby")
            for name in ("backstag", "backstage", "lobby" * 20):
                with pytest.raises(RequestError, match="There is no room") as caught:
                    await client.join(name)
                assert "Did you mean" not in caught.value.message
            for number in range(50):
                app.room(f"room{number}")
            with pytest.raises(RequestError, match=r"'loby' to join\.$"):
                await client.join("loby")

    async def test_a_room_of_the_server_cannot_be_joined_by_a_client(self) -> None:
        app = talk()
        app.room("feed", join="server")
        async with TestClient(app) as client:
            with pytest.raises(RequestError, match="There is no room"):
                await client.join("feed")
            await app.sockets()[0].rooms.join("feed")
            assert rooms_of(app) == ["feed"]

    async def test_the_open_policy_lets_all_in_but_not_where_a_guard_stands(self) -> None:
        app = talk(Settings.drop_in())

        @app.room("vip").guard
        async def nobody() -> None:
            raise Refusal("Members only.")

        async with TestClient(app) as client:
            await client.join("anything at all\n")
            with pytest.raises(RequestError, match="Members only"):
                await client.join("vip")
            await client.join(BROADCAST_ROOM)

    async def test_one_guard_serves_single_and_bulk_joins(self) -> None:
        app = talk()
        doc = app.room("doc:{number}")
        asked: list[int] = []

        @doc.guard
        async def even(socket: Socket, number: int) -> None:
            asked.append(number)
            if number % 2:
                raise Refusal("Only even ones.", code="odd", data=number)

        seen = watched(doc)
        async with TestClient(app) as client:
            await client.join("doc:2")
            with pytest.raises(RequestError) as caught:
                await client.join("doc:3")
            assert (caught.value.code, caught.value.data) == ("odd", 3)
            answer = await bulk(client, 15, "doc:4", "doc:5", "doc:6")
            assert (answer["type"], error(answer)["code"]) == (17, "odd")
            assert rooms_of(app) == ["doc:2"]
        assert asked == [2, 3, 4, 5]
        assert seen == ["+doc:2", "-doc:2"]

    async def test_guards_run_in_order_and_the_first_refusal_decides(self) -> None:
        app = talk()
        lobby = app.room("lobby")
        asked: list[str] = []

        @lobby.guard
        async def first() -> None:
            asked.append("first")

        @lobby.guard
        def second() -> None:
            asked.append("second")
            raise Refusal("second says no")

        @lobby.guard
        async def third() -> None:
            asked.append("third")

        async with TestClient(app) as client:
            with pytest.raises(RequestError, match="second says no"):
                await client.join("lobby")
        assert asked == ["first", "second"]

    async def test_a_parameter_of_another_type_is_invalid(self) -> None:
        app = talk()
        doc = app.room("doc:{number}")

        @doc.guard
        async def check(number: int) -> None:
            """Any number will do."""

        async with TestClient(app) as client:
            with pytest.raises(RequestError, match="number cannot be 'x'") as caught:
                await client.join("doc:x")
        assert caught.value.code == "invalid"

    async def test_a_guard_that_breaks_is_internal(self, caplog: pytest.LogCaptureFixture) -> None:
        app = talk()

        @app.room("lobby").guard
        async def fail() -> None:
            raise RuntimeError("secret")

        async with TestClient(app) as client:
            with pytest.raises(RequestError, match="Something went wrong") as caught:
                await client.join("lobby")
        assert caught.value.code == "internal"
        assert "secret" in caplog.text


class TestLimits:
    @pytest.mark.parametrize("codec", ["json", "binary"])
    @pytest.mark.parametrize("count", [65, 128])
    async def test_what_was_joined_singly_is_joined_again_by_one_message(
        self, codec: CodecName, count: int
    ) -> None:
        app = talk()
        app.room("r{n}")
        names = [f"r{number}" for number in range(count)]
        async with TestClient(app, codec=codec) as client:
            for name in names:
                await client.join(name)
        # The origin's client names all its rooms in one message after a reconnection.
        async with TestClient(app, codec=codec) as client:
            assert (await bulk(client, 15, *names))["type"] == 16
            assert rooms_of(app) == names
            assert (await bulk(client, 15, *names))["type"] == 16

    async def test_a_bulk_join_beyond_the_rooms_of_a_socket_is_refused_as_a_whole(self) -> None:
        app = talk()
        app.room("r{n}")
        async with TestClient(app) as client:
            answer = await bulk(client, 15, *(f"r{number}" for number in range(129)))
            assert error(answer)["code"] == "too_many_rooms"
            assert rooms_of(app) == []

    async def test_rooms_per_message_is_no_limit_to_a_bulk_join(self) -> None:
        app = talk(Settings(limits=Limits(rooms_per_message=2, rooms_per_socket=0)))
        app.room("r{n}")
        async with TestClient(app) as client:
            names = [f"r{number}" for number in range(300)]
            assert (await bulk(client, 15, *names))["type"] == 16

    async def test_rooms_per_message_limits_a_bulk_leave(self) -> None:
        app = talk(Settings(limits=Limits(rooms_per_message=2)))
        app.room("r{n}")
        async with TestClient(app) as client:
            await bulk(client, 15, "r1", "r2", "r3")
            answer = await bulk(client, 18, "r1", "r2", "r3")
            assert (answer["type"], error(answer)["code"]) == (20, "too_many_rooms")
            assert rooms_of(app) == ["r1", "r2", "r3"]
            assert (await bulk(client, 18, "r1", "r2", "r1"))["type"] == 19
            assert rooms_of(app) == ["r3"]

    async def test_rooms_per_socket_and_joining_one_twice_is_no_new_one(self) -> None:
        app = talk(Settings(limits=Limits(rooms_per_socket=2)))
        app.room("r{n}")
        async with TestClient(app) as client:
            await client.join("r1")
            answer = await bulk(client, 15, "r2", "r3")
            assert error(answer)["code"] == "too_many_rooms"
            await client.join("r2")
            await client.join("r2")
            await app.sockets()[0].rooms.join("r3")
            await client.join("r1")

    @pytest.mark.parametrize(
        ("name", "fine"),
        [
            ("r" + "x" * 255, True),
            ("r" + "x" * 256, False),
            ("r" + "ä" * 128, False),
            ("r\n", False),
            ("r\x7f", False),
            ("r\x85", False),
            ("r👩\u200d💻 \u00a0", True),
        ],
    )
    async def test_names(self, name: str, fine: bool) -> None:
        app = talk()
        app.room("r{n}")
        async with TestClient(app) as client:
            if fine:
                await client.join(name)
                return
            with pytest.raises(RequestError, match="no room's name"):
                await client.join(name)


class TestHooks:
    async def test_each_runs_once_disconnects_included(self) -> None:
        app = talk()
        seen = watched(app.room("r{n}"))
        async with TestClient(app) as client:
            for _ in range(2):
                await client.join("r1")
            await bulk(client, 15, "r1", "r2", "r3")
            for _ in range(2):
                await client.leave("r1")
            socket = app.sockets()[0]
            await socket.rooms.join("r4")
            await socket.rooms.leave("r3")
            await socket.close()
        assert seen == ["+r1", "+r2", "+r3", "-r1", "+r4", "-r3", "-r2", "-r4"]

    async def test_a_hook_that_raises_changes_nothing(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = talk()
        lobby = app.room("lobby")
        seen: list[str] = []

        @lobby.on_join
        async def fail() -> None:
            raise RuntimeError("hook")

        @lobby.on_join
        async def after() -> None:
            seen.append("after")

        async with TestClient(app) as client:
            await client.join("lobby")
            assert rooms_of(app) == ["lobby"]
        assert seen == ["after"]
        assert len(logged(caplog)) == 1
        assert "of room 'lobby' failed" in logged(caplog)[0]


class TestTime:
    async def test_a_guard_that_takes_too_long_refuses(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = talk()
        begun = Signal()

        @app.room("lobby").guard
        async def hang() -> None:
            begun.set()
            await anyio.sleep_forever()

        with virtual_clock(app) as clock:
            async with TestClient(app) as client:
                await client.send({"type": 9, "room": "lobby"})
                await wait(begun)
                clock.advance(31)
                answer = await client.receive_message()
                assert (answer["type"], error(answer)["code"]) == (11, "timeout")
                assert rooms_of(app) == []
        assert f"guard {where(hang)} of 'lobby' took too long" in logged(caplog)[0]

    async def test_a_hook_that_takes_too_long_does_not_undo_the_join(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = talk(Settings(timeouts=Timeouts(close=0.05)))
        begun, called = Signal(), list[int]()

        @app.room("r{n}").on_join
        async def hang(n: int) -> None:
            called.append(n)
            begun.set()
            await anyio.sleep_forever()

        with virtual_clock(app) as clock:
            async with TestClient(app) as client:
                await client.send({"type": 15, "rooms": ["r1", "r2"]})
                await wait(begun)
                clock.advance(31)
                assert await client.receive_message() == {"type": 16, "rooms": ["r1", "r2"]}
                assert rooms_of(app) == ["r1", "r2"]
        first, second, third, fourth = logged(caplog, logging.WARNING)
        assert f"hook {where(hang)} of room 'r{{n}}' was cut off" in first
        assert "hooks of" in second
        assert f"hook {where(hang)} of room 'r{{n}}' was cut off" in third
        assert "took longer than 0.05 s" in fourth
        assert called == [1, 2]

    @pytest.mark.parametrize("kind", [9, 12, 15, 18])
    async def test_a_refusal_whose_error_hook_takes_too_long_is_the_only_answer(
        self, kind: int
    ) -> None:
        app = talk()
        begun, gate = Signal(), Signal()

        @app.room("lobby").guard
        async def refuse() -> None:
            raise Refusal("no", code="no")

        app.room("feed", join="server")

        @app.lifecycle.error
        async def hear() -> None:
            begun.set()
            await gate.wait()

        room = "lobby" if kind in {9, 15} else "feed"
        target = {"room": room} if kind < 15 else {"rooms": [room]}
        with virtual_clock(app) as clock:
            async with TestClient(app) as client:
                await client.send({"type": kind, **target})
                await wait(begun)
                clock.advance(31)
                gate.set()
                await client.send({"type": 18, "rooms": []})
                answers = [await client.receive_message() for _ in range(2)]
        assert [answer["type"] for answer in answers] == [kind + 2, 19]
        assert error(answers[0])["code"] == ("no" if room == "lobby" else "unknown_room")

    async def test_a_guard_that_makes_a_refusal_of_its_cancellation_is_answered_once(self) -> None:
        app, begun = talk(), Signal()

        @app.room("lobby").guard
        async def refuse() -> None:
            begun.set()
            try:
                await anyio.sleep_forever()
            except BaseException as error:
                raise Refusal("no", code="no") from error

        @app.lifecycle.error
        async def hear() -> None:
            await anyio.lowlevel.checkpoint()

        with virtual_clock(app) as clock:
            async with TestClient(app) as client:
                await client.send({"type": 9, "room": "lobby"})
                await wait(begun)
                clock.advance(31)
                await client.send({"type": 18, "rooms": []})
                answers = [await client.receive_message() for _ in range(2)]
        assert [answer["type"] for answer in answers] == [11, 19]

    async def test_a_socket_closed_while_its_guard_decides_enters_nothing(self) -> None:
        app = talk()
        gate, begun = Signal(), Signal()
        lobby = app.room("lobby")
        seen = watched(lobby)

        @lobby.guard
        async def decide() -> None:
            begun.set()
            await gate.wait()

        async with TestClient(app) as client, create_task_group() as tasks:
            tasks.start_soon(client.send, {"type": 9, "room": "lobby"})
            await wait(begun)
            await app.sockets()[0].close()
            gate.set()
            await until(lambda: not app.housekeeping.connections)
        assert lobby.count() == 0
        assert len(app.memberships.index) == 0
        assert not seen


async def test_membership_is_asked_for_unless_the_policy_says_otherwise() -> None:
    app = talk(Settings(policies=Policies(membership=False)))
    app.room("lobby").relay(Wave)
    async with TestClient(app) as outside, TestClient(app) as inside:
        await inside.join("lobby")
        await outside.emit(Wave(), room="lobby")
        assert await inside.receive(Wave, room="lobby") == Wave()


async def test_a_room_that_the_server_fills_cannot_be_left_by_its_client() -> None:
    app = ByteSocket(title="T")
    feed = app.room("feed", join="server")
    async with TestClient(app) as client:
        await app.sockets()[0].rooms.join("feed")
        with pytest.raises(RequestError, match="no room 'feed' to leave") as caught:
            await client.leave("feed")
        assert (caught.value.code, feed.count()) == ("unknown_room", 1)


class TestHooksThatAreCut:
    """Each hook of a change is called once, whatever is cancelled between."""

    @pytest.mark.parametrize("kind", [15, 18])
    async def test_a_late_hook_keeps_the_next_room_from_nothing(self, kind: int) -> None:
        app = talk()
        begun, log = Signal(), list[str]()
        a, b = app.room("a"), app.room("b")
        noted = watched(b)
        slow, sign = (a.on_join, "+") if kind == 15 else (a.on_leave, "-")

        @slow
        async def hang() -> None:
            log.append("slow")
            begun.set()
            await anyio.sleep_forever()

        @slow
        def second() -> None:
            log.append("second")

        with virtual_clock(app) as clock:
            async with TestClient(app) as client:
                if kind == 18:
                    await bulk(client, 15, "a", "b")
                await client.send({"type": kind, "rooms": ["a", "b"]})
                await wait(begun)
                clock.advance(31)
                assert (await client.receive_message())["type"] == kind + 1
                await until(lambda: f"{sign}b" in noted)
        assert log == ["slow", "second"]
        assert noted == ["+b", "-b"]

    @pytest.mark.parametrize("anyio_backend", ["asyncio"])  # on trio no task can cancel itself
    async def test_a_hook_that_cancels_its_own_task_keeps_the_next_room_from_nothing(self) -> None:
        app, log = talk(), list[str]()
        room = app.room("r{n}")

        @room.on_join
        async def cancel(n: int) -> None:
            log.append(f"+{n}")
            await cancel_this_task(waits=n != 2)

        @room.on_join
        def joined(n: int) -> None:
            log.append(f"joined {n}")

        @room.on_leave
        async def left(n: int) -> None:
            log.append(f"-{n}")
            await cancel_this_task()

        app.lifecycle.close(lambda: log.append("closed"))
        async with TestClient(app) as client:
            await client.send({"type": 15, "rooms": ["r1", "r2", "r3"]})
            await until(lambda: "closed" in log)
        assert log.pop() == "closed"
        assert sorted(log) == sorted(
            f"{sign}{n}" for sign in ("+", "joined ", "-") for n in (1, 2, 3)
        )
        for n in range(1, 4):
            assert log.index(f"joined {n}") < log.index(f"-{n}")

    @pytest.mark.parametrize("when", ["before", "meanwhile"])
    async def test_server_code_that_is_cancelled_misses_no_hook(self, when: str) -> None:
        app, log = talk(), list[str]()
        lobby = app.room("lobby")
        begun = Signal()

        @lobby.on_leave
        async def first() -> None:
            log.append("first")
            begun.set()
            if when == "meanwhile":
                await anyio.sleep_forever()

        @lobby.on_leave
        def second() -> None:
            log.append("second")

        async with TestClient(app) as client, create_task_group() as tasks:
            await client.join("lobby")
            (socket,) = app.sockets()
            if when == "before":
                tasks.cancel_scope.cancel()
                await lobby.at().leave(socket)
            else:
                tasks.start_soon(lobby.at().leave, socket)
                await wait(begun)
                tasks.cancel_scope.cancel()
        assert log == ["first", "second"]

    async def test_a_kick_while_a_bulk_join_is_at_work_follows_the_join_hook(self) -> None:
        app = talk()
        begun, gate = Signal(), Signal()
        seen = watched(app.room("b"))

        @app.room("a").on_join
        async def wait_there() -> None:
            begun.set()
            await gate.wait()

        async with TestClient(app) as client:
            await client.send({"type": 15, "rooms": ["a", "b"]})
            await wait(begun)
            await app.rooms.at("b").leave(app.sockets()[0])
            assert seen == ["+b", "-b"]
            gate.set()
            assert (await client.receive_message())["type"] == 16
        assert seen == ["+b", "-b"]
