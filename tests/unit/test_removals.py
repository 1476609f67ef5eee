"""Clients that server code takes out of a room are told, once and in order, if they can read it."""

from collections.abc import Awaitable, Callable
from typing import Any, TypedDict

import anyio
import pytest
from anyio import Event as Signal
from anyio import create_task_group, fail_after

from bytesocket_app import (
    ByteSocket,
    ConfigurationError,
    Limits,
    Policies,
    Refusal,
    Settings,
    Socket,
    Timeouts,
)
from bytesocket_app.declarations.rooms import Room
from bytesocket_app.errors import UndeclaredRoom
from bytesocket_app.socket import PLAIN
from bytesocket_app.testing import NothingCame, TestClient, virtual_clock
from bytesocket_app.types import CodecName
from bytesocket_app.wire import CODECS
from tests.support.talk import DEADLINE, Said, Wave, talk, wait

pytestmark = pytest.mark.anyio

BOTH = pytest.mark.parametrize("codec", ["json", "binary"])
TOLD = {"type": 38, "room": "lobby", "code": PLAIN.code, "message": PLAIN.message}


class Words(TypedDict, total=False):
    """What a removal says."""

    code: str
    message: str


Remove = Callable[[ByteSocket, Socket, str, Words], Awaitable[None]]


def clubs(**more: Any) -> ByteSocket:
    """Rooms, and users by their credentials."""
    app = talk(**more)
    for name in ("lobby", "cellar"):
        app.room(name).relay(Wave)

    @app.auth(key=str)
    async def known(credentials: str) -> str:
        return credentials

    return app


def member(app: ByteSocket, codec: CodecName = "json", name: str = "ann") -> TestClient:
    """A client that comes as a generated one does."""
    return TestClient(app, name, codec=codec, contract=True)


def socket_of(app: ByteSocket, name: str = "ann") -> Socket:
    """The socket of a user."""
    (found,) = (socket for socket in app.sockets() if socket.user == name)
    return found


async def rest(client: TestClient) -> list[Any]:
    """All messages that came, up to the answer to a request."""
    await client.send({"type": 12, "room": "no such room"})
    found: list[Any] = []
    while (message := await client.receive_message()) != {"type": 13, "room": "no such room"}:
        found.append(message)
    return found


async def by_socket(app: ByteSocket, socket: Socket, room: str, words: Words) -> None:
    await socket.rooms.leave(room, **words)


async def in_bulk(app: ByteSocket, socket: Socket, room: str, words: Words) -> None:
    await socket.rooms.bulk.leave([room, "nowhere"], **words)


async def by_room(app: ByteSocket, socket: Socket, room: str, words: Words) -> None:
    await app.rooms.at(room).leave(socket, **words)


async def by_user(app: ByteSocket, socket: Socket, room: str, words: Words) -> None:
    await app.user(str(socket.user_key)).leave(room, **words)


async def by_clearing(app: ByteSocket, socket: Socket, room: str, words: Words) -> None:
    await app.rooms.clear(room, **words)


async def by_its_handle(app: ByteSocket, socket: Socket, room: str, words: Words) -> None:
    await app.rooms.at(room).clear(**words)


async def by_the_view(app: ByteSocket, socket: Socket, room: str, words: Words) -> None:
    await socket.app.rooms.clear(room, **words)


async def by_the_view_of_a_room(app: ByteSocket, socket: Socket, room: str, words: Words) -> None:
    await socket.app.rooms.at(room).leave(socket, **words)


async def by_the_view_of_a_user(app: ByteSocket, socket: Socket, room: str, words: Words) -> None:
    await socket.app.user(str(socket.user_key)).leave(room, **words)


WAYS = pytest.mark.parametrize(
    "remove",
    [
        by_socket,
        in_bulk,
        by_room,
        by_user,
        by_clearing,
        by_its_handle,
        by_the_view,
        by_the_view_of_a_room,
        by_the_view_of_a_user,
    ],
)


class TestWhoIsTold:
    @BOTH
    @WAYS
    async def test_a_member_that_names_a_contract(self, remove: Remove, codec: CodecName) -> None:
        app = clubs()
        async with member(app, codec) as client:
            await client.join("lobby")
            await client.join("cellar")
            await remove(app, socket_of(app), "lobby", {})
            assert await rest(client) == [TOLD]
            assert socket_of(app).rooms.list() == ["cellar"]

    @WAYS
    async def test_nobody_else(self, remove: Remove) -> None:
        app = clubs()
        async with (
            TestClient(app, "ann") as unmodified,
            member(app, name="bob") as outside,
        ):
            await unmodified.join("lobby")
            await remove(app, socket_of(app), "lobby", {})
            assert socket_of(app).rooms.list() == []
            assert await rest(unmodified) == await rest(outside) == []

    @WAYS
    async def test_a_client_that_is_no_member_is_told_nothing(self, remove: Remove) -> None:
        app = clubs()
        async with member(app) as client, member(app, name="bob") as other:
            await other.join("lobby")
            await client.join("lobby")
            await client.leave("lobby")
            await remove(app, socket_of(app), "lobby", {})
            await remove(app, socket_of(app), "lobby", {})
            assert await rest(client) == []

    async def test_a_clients_own_request_to_leave_is_answered_and_no_more(self) -> None:
        app = clubs()
        async with member(app) as client:
            await client.join("lobby")
            await client.send({"type": 12, "room": "lobby"})
            assert await rest(client) == [{"type": 13, "room": "lobby"}]
            await client.join("lobby")
            await client.send({"type": 18, "rooms": ["lobby"]})
            assert await rest(client) == [{"type": 19, "rooms": ["lobby"]}]

    async def test_a_close_tells_nothing_of_rooms(self) -> None:
        app = clubs()
        async with member(app) as client:
            await client.join("lobby")
            await socket_of(app).close()
            assert await client.wait_closed() == (1000, "normal")
            with pytest.raises(Exception, match="closed with 1000"):
                await client.receive_message()

    async def test_every_socket_of_a_user_and_nobody_elses(self) -> None:
        app = clubs()
        async with (
            member(app) as one,
            member(app, "binary") as two,
            member(app, name="bob") as other,
        ):
            for client in (one, two, other):
                await client.join("lobby")
            await app.user("ann").leave("lobby")
            assert await rest(one) == await rest(two) == [TOLD]
            assert await rest(other) == []
            assert [socket.user for socket in app.rooms.at("lobby").sockets()] == ["bob"]

    async def test_the_test_client_shows_it(self) -> None:
        app = clubs()
        async with member(app) as client:
            await client.join("lobby")
            await app.rooms.clear("lobby", code="closing", message="We close.")
            assert await client.removed("lobby") == ("closing", "We close.")
            with pytest.raises(NothingCame, match="the removal from 'cellar' did not come"):
                await client.removed("cellar", timeout=0.01)
            assert "38" in str(client.log)

    async def test_a_test_client_without_a_contract_is_told_why_it_hears_nothing(self) -> None:
        app = clubs()
        async with TestClient(app, credentials="ann") as client:
            await client.join("lobby")
            await app.rooms.clear("lobby")
            with pytest.raises(NothingCame, match=r"only TestClient\(\.\.\., contract=True\)"):
                await client.removed("lobby", timeout=0.01)


class TestWhatIsSaid:
    @BOTH
    @WAYS
    @pytest.mark.parametrize("code", ["banned", "game.over", "refused", "forbidden", "removed"])
    async def test_the_code_and_the_message_of_the_call(
        self, remove: Remove, codec: CodecName, code: str
    ) -> None:
        app = clubs()
        async with member(app, codec) as client:
            await client.join("lobby")
            await remove(app, socket_of(app), "lobby", {"code": code, "message": "Żółw 🐢!"})
            said = {"type": 38, "room": "lobby", "code": code, "message": "Żółw 🐢!"}
            assert await rest(client) == [said]

    @WAYS
    @pytest.mark.parametrize(
        "code", ["", "two words", "ä", "not_a_member", "internal", "x" * 65, 7]
    )
    async def test_a_code_that_is_no_word_of_its_own_removes_nobody(
        self, remove: Remove, code: Any
    ) -> None:
        app = clubs()
        async with member(app) as client:
            await client.join("lobby")
            socket = socket_of(app)
            with pytest.raises(ConfigurationError, match=r"of a removal .*test_removals"):
                await remove(app, socket, "lobby", {"code": code})
            assert (await rest(client), socket.rooms.list()) == ([], ["lobby"])
        with pytest.raises(ConfigurationError, match="of a removal"):
            await remove(app, socket, "lobby", {"code": code})

    async def test_a_name_that_is_no_rooms_is_told_to_the_caller(self) -> None:
        app = clubs(strict=True)
        doc = app.room("doc:{number}")

        @doc.guard
        async def guard(number: int) -> None: ...

        for clear in (app.rooms.clear, app.user("ann").leave):
            with pytest.raises(UndeclaredRoom):
                await clear("loby")
            with pytest.raises(ValueError, match="doc:7"):
                await clear("doc:07")
            with pytest.raises(TypeError, match="no name of a room"):
                await clear(doc)  # type: ignore[arg-type]
            await clear("doc:7")


class TestOrder:
    @BOTH
    async def test_nothing_of_the_room_comes_after_it(self, codec: CodecName) -> None:
        app = clubs()
        async with member(app, codec) as client, member(app, name="bob") as other:
            for each in (client, other):
                await each.join("lobby")
            await app.rooms.emit("lobby", Said(text="before"))
            await app.user("ann").leave("lobby")
            await app.rooms.emit("lobby", Said(text="after"))
            await other.emit(Wave(), room="lobby")
            assert await rest(other)
            first, second = await rest(client)
            assert (first["data"], second) == ({"text": "before"}, TOLD)

    async def test_all_have_left_before_a_leave_hook_runs_and_each_runs_once(self) -> None:
        app, seen = clubs(), list[Any]()
        lobby = app.room("hall")

        @lobby.on_leave
        async def left(socket: Socket) -> None:
            seen.append((socket.user, lobby.count()))

        async with member(app) as one, member(app, name="bob") as two:
            for client in (one, two):
                await client.join("hall")
            await app.rooms.clear("hall")
            assert seen == [("ann", 0), ("bob", 0)]
            for client in (one, two):
                await client.removed("hall")
                await client.join("hall")  # a new membership
            await app.user("ann").leave("hall")
        assert seen == [("ann", 0), ("bob", 0), ("ann", 1), ("bob", 0)]

    async def test_a_cancelled_caller_leaves_nobody_inside_and_no_hook_out(self) -> None:
        app, seen, begun = clubs(), list[Any](), Signal()
        hall = app.room("hall")

        @hall.on_leave
        async def left(socket: Socket) -> None:
            seen.append(socket.user)
            if socket.user == "ann":
                begun.set()
                await anyio.sleep_forever()

        async with member(app) as one, member(app, name="bob") as two:
            for client in (one, two):
                await client.join("hall")
            async with create_task_group() as tasks:
                tasks.start_soon(app.rooms.clear, "hall")
                await wait(begun)
                tasks.cancel_scope.cancel()
            assert (seen, hall.count()) == (["ann", "bob"], 0)
            for client in (one, two):
                await client.removed("hall")

    async def test_a_slow_reader_among_them_is_closed_and_the_others_are_told(self) -> None:
        app = clubs(settings=Settings(limits=Limits(outbox_bytes=1000)))
        async with member(app) as deaf, member(app, name="bob") as client:
            slow, quick = socket_of(app), socket_of(app, "bob")
            with fail_after(DEADLINE):
                while not slow.is_closed:
                    for socket in (slow, quick):
                        await socket.rooms.join("lobby")
                    await app.rooms.clear("lobby")
                    assert await client.removed("lobby") == PLAIN
            assert await deaf.wait_closed() == (1013, "slow reader")

    @BOTH
    async def test_it_is_encoded_once_for_each_codec(
        self, codec: CodecName, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app, encoded = clubs(), list[Any]()
        write = type(CODECS[codec]).encode

        def counted(self: Any, message: Any) -> bytes:
            if message.get("type") == 38:
                encoded.append(message)
            return write(self, message)

        async with member(app, codec) as one, member(app, codec) as two, member(app, codec) as last:
            for client in (one, two, last):
                await client.join("lobby")
            monkeypatch.setattr(type(CODECS[codec]), "encode", counted)
            await app.rooms.clear("lobby")
            for client in (one, two, last):
                assert await client.removed("lobby") == PLAIN
        assert encoded == [TOLD]


def kicking(kick: Callable[[Socket], Awaitable[None]]) -> tuple[ByteSocket, Room]:
    """A hall whose join hook does something."""
    app = clubs()
    hall = app.room("hall")

    @hall.on_join
    async def joined(socket: Socket) -> None:
        await kick(socket)

    return app, hall


class TestDuringAJoin:
    """A client lets the answer decide, so what happens before the answer is told after it."""

    @BOTH
    @pytest.mark.parametrize("request_type", [9, 15], ids=["single", "bulk"])
    async def test_a_join_hook_that_takes_the_socket_out_is_told_after_the_answer(
        self, codec: CodecName, request_type: int
    ) -> None:
        async def kick(socket: Socket) -> None:
            await socket.rooms.leave("hall", code="full")

        app, hall = kicking(kick)
        named = {"room": "hall"} if request_type == 9 else {"rooms": ["lobby", "hall"]}
        async with member(app, codec) as client:
            await client.send({"type": request_type, **named})
            assert await client.receive_message() == {"type": request_type + 1, **named}
            assert await client.receive_message() == {
                "type": 38,
                "room": "hall",
                "code": "full",
                "message": PLAIN.message,
            }
            assert hall.count() == 0
            assert await rest(client) == []

    async def test_who_is_in_again_by_then_is_not_told(self) -> None:
        async def kick(socket: Socket) -> None:
            if calls:
                return
            calls.append(1)
            await socket.rooms.leave("hall")
            await socket.rooms.join("hall")

        calls: list[int] = []
        app, hall = kicking(kick)
        async with member(app) as client:
            await client.join("hall")
            assert (await rest(client), hall.count()) == ([], 1)
            await app.rooms.clear("hall")
            await client.removed("hall")

    async def test_other_rooms_are_told_of_at_once(self) -> None:
        async def kick(socket: Socket) -> None:
            await socket.rooms.leave("lobby")
            await socket.rooms.leave("hall")

        app, _ = kicking(kick)
        async with member(app) as client:
            await client.join("lobby")
            await client.send({"type": 9, "room": "hall"})
            told = [message["type"] for message in await rest(client)]
            assert told == [38, 10, 38]

    async def test_another_task_that_clears_the_room_meanwhile_is_told_after_the_answer(
        self,
    ) -> None:
        async def kick(socket: Socket) -> None:
            begun.set()
            await gate.wait()

        begun, gate = Signal(), Signal()
        app, _ = kicking(kick)
        async with member(app) as client:
            await client.send({"type": 9, "room": "hall"})
            await wait(begun)
            await app.rooms.clear("hall")
            gate.set()
            assert [message["type"] for message in await rest(client)] == [10, 38]

    async def test_a_hook_that_takes_too_long_changes_nothing_of_it(self) -> None:
        async def kick(socket: Socket) -> None:
            await socket.rooms.leave("hall")
            await anyio.sleep_forever()

        app, _ = kicking(kick)
        async with member(app) as client:
            with virtual_clock(app) as clock:
                await client.send({"type": 9, "room": "hall"})
                await anyio.wait_all_tasks_blocked()
                clock.advance(Timeouts().handler + 1)
                assert (await client.receive_message())["type"] == 10
                assert await client.removed("hall") == PLAIN

    async def test_a_guard_that_takes_the_socket_out_and_refuses_is_told_in_this_order(
        self,
    ) -> None:
        app = clubs()
        hall = app.room("hall")

        @hall.guard
        async def guard(socket: Socket) -> None:
            await socket.rooms.leave("hall")
            raise Refusal("You are banned.")

        async with member(app) as client:
            await socket_of(app).rooms.join("hall")
            await client.send({"type": 9, "room": "hall"})
            assert [message["type"] for message in await rest(client)] == [38, 11]


async def test_under_drop_in_the_rooms_of_nobodys_are_cleared_too() -> None:
    app = talk(Settings(policies=Policies(undeclared="open")))
    async with TestClient(app, contract=True) as client:
        await client.join("any")
        await app.rooms.clear("any")
        assert await client.removed("any") == PLAIN
