"""Everything that reaches sockets reaches them in every process: two applications, one broker."""

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from typing import Any

import anyio
import pytest

from bytesocket_app import ByteSocket, ConfigurationError, Limits, Policies, Settings, Socket
from bytesocket_app.delivery.asking import RoomCount, RoomSockets
from bytesocket_app.engines.memory import BROKERS
from bytesocket_app.testing import NothingCame, TestClient
from bytesocket_app.types import CodecName
from tests.support.talk import DEADLINE, Said, Wave, talk, until

pytestmark = pytest.mark.anyio

NUMBERS = count()
PLAIN = {"event": "said", "data": {"text": "hi"}}
HI = Said(text="hi")


def named(credentials: str) -> str:
    return credentials


def club(broker: str, **more: Any) -> ByteSocket:
    """An application with rooms, whose credentials are the user."""
    app = talk(engine=f"memory://{broker}", **more)
    app.auth(key=str)(named)
    for room in ("lobby", "cellar"):
        app.room(room).relay(Wave)
    return app


@asynccontextmanager
async def processes(**more: Any) -> AsyncGenerator[tuple[ByteSocket, ByteSocket]]:
    """Two applications on one broker."""
    name = f"elsewhere-{next(NUMBERS)}"
    one, two = club(name, **more), club(name, **more)
    async with one.running(), two.running():
        await until(lambda: one.metrics()["cluster_nodes"] == two.metrics()["cluster_nodes"] == 2)
        yield one, two
    del BROKERS[name]


def id_of(app: ByteSocket, user: str) -> str:
    (found,) = [each.id for each in app.sockets() if each.user_key == user]
    return found


def here(app: ByteSocket, room: str, number: int) -> Callable[[], bool]:
    return lambda: app.rooms.at(room).count() == number


async def in_time(condition: Callable[[], object]) -> None:
    """Wait for what comes after a while."""
    with anyio.fail_after(DEADLINE):
        while not condition():  # noqa: ASYNC110 - nothing tells of it
            await anyio.sleep(0.05)


class TestEmits:
    @pytest.mark.parametrize("codec", ["json", "binary"])
    async def test_a_room_has_members_in_all_processes(self, codec: CodecName) -> None:
        async with processes() as (one, two), TestClient(two, "bob", codec=codec) as bob:
            await bob.join("lobby")
            assert await one.rooms.emit("lobby", HI) == "sent"
            assert await one.rooms.at("lobby").emit(HI) == "sent"
            for _ in range(2):
                assert await bob.receive_message() == {"room": "lobby", **PLAIN}

    async def test_a_relay_leaves_out_its_sender_wherever_it_is(self) -> None:
        async with (
            processes() as (one, two),
            TestClient(one, "ann") as ann,
            TestClient(one, "eve") as eve,
            TestClient(two, "bob", codec="binary") as bob,
        ):
            for each in (ann, bob, eve):
                await each.join("lobby")
            await ann.emit(Wave(hand="ann"), room="lobby")
            assert (await bob.receive(Wave)).hand == (await eve.receive(Wave)).hand == "ann"
            await bob.emit(Wave(hand="bob"), room="lobby")
            assert (await ann.receive(Wave)).hand == (await eve.receive(Wave)).hand == "bob"
            with pytest.raises(NothingCame):
                await bob.receive(Wave, timeout=0.05)

    async def test_a_broadcast_reaches_every_process_and_not_who_sent_it(self) -> None:
        async with (
            processes() as (one, two),
            TestClient(one, "ann") as ann,
            TestClient(two, "bob") as bob,
        ):
            await one.broadcast(Said(text="all"))
            await one.sockets()[0].broadcast(Said(text="others"))
            await one.rooms.emit("__bytesocket_broadcast__", Said(text="by name"))
            texts = [(await bob.receive(Said)).text for _ in range(3)]
            assert texts == ["all", "others", "by name"]
            texts = [(await ann.receive(Said)).text for _ in range(2)]
            assert texts == ["all", "by name"]

    @pytest.mark.parametrize(("copies", "number"), [("one", 1), ("each", 2)])
    async def test_a_bulk_message_comes_as_often_as_in_one_process(
        self, copies: Any, number: int
    ) -> None:
        settings = Settings(policies=Policies(bulk_copies=copies))
        async with (
            processes(settings=settings) as (one, two),
            TestClient(two, "bob") as bob,
            TestClient(one, "ann") as ann,
        ):
            for each in (ann, bob):
                await each.join("lobby")
                await each.join("cellar")
            await one.rooms.bulk.emit(["lobby", "cellar"], HI)
            await one.rooms.emit("lobby", Said(text="end"))
            await one.rooms.emit("cellar", Said(text="end"))
            for each in (ann, bob):
                for _ in range(number):
                    assert (await each.receive_message())["rooms"] == ["lobby", "cellar"]
                assert (await each.receive(Said)).text == "end"

    async def test_encoded_messages_go_as_they_are(self) -> None:
        async with processes() as (one, two), TestClient(two, "bob") as bob:
            await bob.join("lobby")
            assert await one.rooms.publish_raw("lobby", '{"text": "as  it is"}') == "sent"
            assert await bob.receive_message() == {"text": "as  it is"}

    async def test_a_user_and_a_socket_are_reached_where_they_are(self) -> None:
        async with (
            processes() as (one, two),
            TestClient(two, "bob") as bob,
            TestClient(two, "eve") as eve,
        ):
            assert await one.user("bob").emit(HI) == "sent"
            assert await one.socket(id_of(two, "bob")).emit(HI) == "sent"
            assert await one.socket(id_of(two, "eve")).emit(Said(text="eve")) == "sent"
            assert await bob.receive_message() == await bob.receive_message() == PLAIN
            assert (await eve.receive(Said)).text == "eve"

    async def test_keys_and_names_of_all_kinds_find_their_way(self) -> None:
        odd = [
            "* > . %",
            "a\r\nb",
            "room with spaces",
            "🦎.🦎",
            "ü" * 128,
            "x" * 5000,
            "\ud800",
            "",
        ]
        settings = Settings(policies=Policies(undeclared="open"))
        async with (
            processes(settings=settings) as (one, two),
            TestClient(two, "bob", codec="binary"),
        ):
            (bob,) = two.sockets()
            for name in odd:
                await bob.rooms.join(name)
            for name in odd:
                found = await one.rooms.sockets(name)
                assert [each.id for each in found.sockets] == [bob.id], name
                await one.rooms.clear(name)
                await until(here(two, name, 0))
            assert two.metrics()["engine_foreign_total"] == 0

    @pytest.mark.parametrize("key", [7, "7", 2**70, "i7", "ä.*", ""])
    async def test_users_have_keys_of_all_kinds(self, key: int | str) -> None:
        name = f"keys-{next(NUMBERS)}"
        one, two = (talk(engine=f"memory://{name}") for _ in range(2))

        def its_key(_: object) -> int | str:
            return key

        for app in (one, two):
            app.auth(key=its_key)(named)
        async with one.running(), two.running(), TestClient(two, "x") as bob:
            await one.user("another").emit(HI)
            await one.user(key).emit(Said(text="yes"))
            assert (await bob.receive(Said)).text == "yes"


class TestCommands:
    async def test_a_user_and_a_socket_are_closed_where_they_are(self) -> None:
        async with (
            processes() as (one, two),
            TestClient(two, "bob") as bob,
            TestClient(two, "eve") as eve,
            TestClient(two, "zoe") as zoe,
        ):
            assert await one.user("bob").close(final=True) == "sent"
            assert await bob.wait_closed() == (4400, "closed for good")
            assert await one.socket(id_of(two, "eve")).close(4001, "enough") == "sent"
            assert await eve.wait_closed() == (4001, "enough")
            with pytest.raises(ValueError, match="cannot be sent"):
                await one.socket(id_of(two, "zoe")).close(5)
            assert zoe.closed is None

    @pytest.mark.parametrize("by", ["user", "socket"])
    async def test_joining_and_leaving_run_the_hooks_where_the_socket_is(self, by: str) -> None:
        name, log = f"hooks-{next(NUMBERS)}", list[str]()
        one, two = club(name), club(name)
        for app, place in ((one, "one"), (two, "two")):
            room = app.room("hall:{number}")

            @room.on_join
            async def joined(socket: Socket, number: int, place: str = place) -> None:
                log.append(f"{socket.user} joined {number} in {place}")

            @room.on_leave
            async def left(socket: Socket, number: int, place: str = place) -> None:
                log.append(f"{socket.user} left {number} in {place}")

        async with one.running(), two.running(), TestClient(two, "bob", contract=True) as bob:
            far = one.user("bob") if by == "user" else one.socket(id_of(two, "bob"))
            assert await far.join("hall:7") == "sent"
            await until(here(two, "hall:7", 1))
            await one.rooms.emit("hall:7", HI)
            assert (await bob.receive(Said)).text == "hi"
            assert await far.leave("hall:7", code="full", message="No room.") == "sent"
            assert await bob.removed("hall:7") == ("full", "No room.")
            await until(lambda: len(log) == 2)
            assert log == ["bob joined 7 in two", "bob left 7 in two"]
            with pytest.raises(ValueError, match="number"):
                await far.join("hall:x")

    async def test_a_room_is_cleared_in_all_processes(self) -> None:
        async with (
            processes() as (one, two),
            TestClient(one, "ann", contract=True) as ann,
            TestClient(two, "bob", contract=True) as bob,
        ):
            for each in (ann, bob):
                await each.join("lobby")
            assert await one.rooms.clear("lobby", code="closing", message="Good night.") == "sent"
            assert await ann.removed("lobby") == ("closing", "Good night.")
            assert await bob.removed("lobby") == ("closing", "Good night.")
            await bob.join("lobby")
            assert await one.rooms.at("lobby").clear() == "sent"
            assert (await bob.removed("lobby"))[0] == "removed"

    async def test_what_is_nowhere_is_no_error(self) -> None:
        async with processes() as (one, two):
            nobody = one.socket("00000000-0000-0000-0000-000000000000")
            outcomes = [
                await nobody.emit(HI),
                await nobody.close(),
                await nobody.join("lobby"),
                await nobody.leave("lobby"),
                await one.user("nobody").join("lobby"),
            ]
            assert outcomes == ["sent"] * 5
            await until(lambda: two.metrics()["engine_received_total"] >= 4)
            assert two.metrics()["engine_foreign_total"] == 0
            assert repr(nobody).startswith("<socket 0000")
        with pytest.raises(TypeError, match="id of a socket is a text"):
            one.socket(7)  # type: ignore[arg-type]

    async def test_commands_and_emits_to_one_user_keep_their_order(self) -> None:
        async with processes() as (one, two), TestClient(two, "bob") as bob:
            for number in range(20):
                await one.user("bob").emit(Said(text=str(number)))
            await one.user("bob").close()
            await one.user("bob").emit(Said(text="too late"))
            assert [(await bob.receive(Said)).text for _ in range(20)] == [*map(str, range(20))]
            assert await bob.wait_closed() == (1000, "normal")

    async def test_a_hook_that_fails_harms_nobody_else(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        name = f"fails-{next(NUMBERS)}"
        one, two = club(name), club(name)
        for app in (one, two):

            @app.room("trap").on_join
            async def joined() -> None:
                raise RuntimeError("not today")

        async with one.running(), two.running(), TestClient(two, "bob") as bob:
            with caplog.at_level(logging.ERROR):
                await one.user("bob").join("trap")
                await until(lambda: "not today" in caplog.text)
            await one.user("bob").emit(HI)
            assert (await bob.receive(Said)).text == "hi"


class TestConfirmation:
    async def test_a_user_is_reached_from_the_answer_to_authentication_on(self) -> None:
        async with processes() as (one, two):
            for number in range(20):
                async with TestClient(two, f"user {number}") as client:
                    await one.user(f"user {number}").emit(HI)
                    assert (await client.receive(Said)).text == "hi"

    async def test_a_user_is_reached_from_the_open_hook_on(self) -> None:
        name = f"open-{next(NUMBERS)}"
        one, two = club(name), club(name)

        @two.lifecycle.open
        async def opened(socket: Socket) -> None:
            await one.user(socket.user).emit(HI)

        async with one.running(), two.running():
            for _ in range(5):
                async with TestClient(two, "bob") as bob:
                    assert (await bob.receive(Said)).text == "hi"

    async def test_channels_of_those_who_left_are_given_up(self) -> None:
        async with processes() as (_, two):
            before = two.metrics()["engine_channels"]
            async with TestClient(two, "bob") as bob:
                await bob.join("lobby")
                assert two.metrics()["engine_channels"] == before + 2
            await in_time(lambda: two.metrics()["engine_channels"] == before)

    async def test_a_user_who_does_not_come_is_heard_for_a_while_only(self) -> None:
        async with processes() as (_, two):
            before = two.metrics()["engine_channels"]
            await two.memberships.expected("late")
            await two.memberships.expected("late")
            assert two.metrics()["engine_channels"] == before + 1
            await in_time(lambda: two.metrics()["engine_channels"] == before)


class TestAsking:
    async def test_sockets_of_all_processes_are_counted_and_named(self) -> None:
        async with (
            processes() as (one, two),
            TestClient(one, "ann") as ann,
            TestClient(two, "bob") as bob,
            TestClient(two, "eve") as eve,
        ):
            for each in (ann, bob, eve):
                await each.join("lobby")
            assert await one.rooms.count("lobby") == RoomCount(3, ())
            assert await two.rooms.count("cellar") == RoomCount(0, ())
            found = await one.rooms.sockets("lobby")
            assert found.missing == ()
            assert {(each.id, each.user_key) for each in found.sockets} == {
                (id_of(one, "ann"), "ann"),
                (id_of(two, "bob"), "bob"),
                (id_of(two, "eve"), "eve"),
            }
            assert len({each.node for each in found.sockets}) == 2
            assert one.rooms.at("lobby").count() == 1

    async def test_without_an_engine_it_is_this_process(self) -> None:
        app = talk()
        app.room("lobby").relay(Wave)
        async with TestClient(app) as ann:
            await ann.join("lobby")
            assert await app.rooms.count("lobby") == RoomCount(1, ())
            (place,) = (await app.rooms.sockets("lobby")).sockets
            assert (place.id, place.user_key, place.node) == (app.sockets()[0].id, None, "")
            assert await app.socket(place.id).emit(HI) == "sent"
            assert (await ann.receive(Said)).text == "hi"

    async def test_who_does_not_answer_is_named(self) -> None:
        name = f"silent-{next(NUMBERS)}"
        one, two = club(name), club(name)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(one.running())
            await stack.enter_async_context(two.running())
            ann = await stack.enter_async_context(TestClient(one, "ann"))
            await ann.join("lobby")
            await until(lambda: one.metrics()["cluster_nodes"] == 2)
            assert two.cluster is not None
            elsewhere = two.cluster.elsewhere
            assert elsewhere is not None
            elsewhere.takers.clear()
            node = elsewhere.node.id.hex()
            assert await one.rooms.count("lobby") == RoomCount(1, (node,))
            BROKERS[name].stop()
            await until(lambda: not one.metrics()["engine_up"])
            found = await one.rooms.sockets("lobby")
            assert isinstance(found, RoomSockets)
            assert ([each.user_key for each in found.sockets], found.missing) == (["ann"], (node,))

    async def test_thousands_are_named_in_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("bytesocket_app.delivery.asking.PART", 3)
        async with processes() as (one, two), AsyncExitStack() as stack:
            for number in range(10):
                client = await stack.enter_async_context(TestClient(two, f"{number}"))
                await client.join("lobby")
            found = await one.rooms.sockets("lobby")
            assert sorted(str(each.user_key) for each in found.sockets) == [*map(str, range(10))]
            assert found.missing == ()
            monkeypatch.setattr("bytesocket_app.delivery.asking.MOST", 4)
            found = await one.rooms.sockets("lobby")
            assert (len(found.sockets), len(found.missing)) == (4, 1)
            assert await one.rooms.count("lobby") == RoomCount(10, ())


class TestOutages:
    async def test_emits_say_what_becomes_of_them_and_the_counters_say_the_same(self) -> None:
        name = f"outage-{next(NUMBERS)}"
        settings = Settings(limits=Limits(engine_messages=5))
        one, two = club(name, settings=settings), club(name, settings=settings)
        async with one.running(), two.running(), TestClient(two, "bob") as bob:
            await bob.join("lobby")
            BROKERS[name].stop()
            await until(lambda: not one.metrics()["engine_up"])
            outcomes = [await one.rooms.emit("lobby", Said(text=str(n))) for n in range(8)]
            assert outcomes == ["queued"] * 5 + ["dropped"] * 3
            metrics = one.metrics()
            assert metrics["engine_waiting"] == 5
            assert metrics['engine_dropped_total{why="buffer"}'] == 3
            assert metrics['engine_published_total{outcome="dropped"}'] == 3
            assert await one.user("bob").close() == "dropped"
            BROKERS[name].start()
            assert [(await bob.receive(Said)).text for _ in range(5)] == [*"01234"]
            assert one.metrics()["engine_waiting"] == 0

    async def test_the_bytes_that_wait_are_limited_and_0_is_no_limit(self) -> None:
        for limits, expected in (
            (Limits(engine_bytes=100), {"queued", "dropped"}),
            (Limits(engine_bytes=0, engine_messages=0), {"queued"}),
        ):
            name = f"bytes-{next(NUMBERS)}"
            app = club(name, settings=Settings(limits=limits))
            async with app.running():
                BROKERS[name].stop()
                await until(lambda: not app.metrics()["engine_up"])  # noqa: B023
                outcomes = {await app.rooms.emit("lobby", HI) for _ in range(2000)}
                assert outcomes == expected


class TestMetrics:
    def test_without_an_engine_there_are_none(self) -> None:
        assert dict(talk().metrics()) == {}

    async def test_they_have_the_names_and_count(self) -> None:
        name = f"metrics-{next(NUMBERS)}"
        one, two = club(name), club(name)
        assert set(one.metrics().values()) == {0}
        async with one.running(), two.running(), TestClient(two, "bob") as bob:
            await bob.join("lobby")
            await one.rooms.emit("lobby", HI)
            await bob.receive(Said)
            await in_time(lambda: one.metrics()["engine_round_trip_seconds"])
            sent, got = one.metrics(), two.metrics()
            assert sent['engine_published_total{outcome="sent"}'] == 1
            assert got["engine_received_total"] == 1
            assert sent["engine_up"] == sent["engine_connections_total"] == 1
            assert sent["cluster_nodes"] == 2
            assert 0 < sent["engine_round_trip_seconds"] < 30
            assert set(sent) == set(club("another").metrics())
            engine = {
                *("up", "connections_total", "round_trip_seconds", "received_total", "lost_total"),
                *("doubles_total", "foreign_total", "refused_total", "waiting", "waiting_bytes"),
                *(f'published_total{{outcome="{one}"}}' for one in ("sent", "queued", "dropped")),
                *(f'dropped_total{{why="{one}"}}' for one in ("buffer", "volatile")),
                *(f'rates_total{{counted="{one}"}}' for one in ("engine", "here")),
                "channels",
            }
            cluster = {"cluster_nodes", "cluster_settle_seconds"}
            assert set(sent) == {f"engine_{name}" for name in engine} | cluster

    async def test_rooms_that_tell_who_is_there_are_counted_with_their_users(self) -> None:
        name = f"metrics-{next(NUMBERS)}"
        one, two = club(name), club(name)
        for app in (one, two):
            app.room("doc:{number}", presence="count")
        async with (
            one.running(),
            two.running(),
            TestClient(one, "ann") as ann,
            TestClient(one, "ann") as again,
            TestClient(two, "bob") as bob,
        ):
            assert (one.metrics()["presence_rooms"], one.metrics()["presence_users"]) == (0, 0)
            for client in (ann, again, bob):
                await client.join("doc:1")
            await ann.join("doc:2")
            assert (one.metrics()["presence_rooms"], one.metrics()["presence_users"]) == (2, 2)
            assert (two.metrics()["presence_rooms"], two.metrics()["presence_users"]) == (1, 1)


class TestSecrets:
    SECRET = "a secret of the whole application"

    async def test_only_who_has_it_is_heard(self) -> None:
        name = f"secret-{next(NUMBERS)}"
        one, two = (club(name, engine_secret=self.SECRET) for _ in range(2))
        stranger = club(name, engine_secret=b"another secret, just as long")
        nobody = club(name)
        async with (
            one.running(),
            two.running(),
            stranger.running(),
            nobody.running(),
            TestClient(two, "bob") as bob,
        ):
            await bob.join("lobby")
            await stranger.rooms.emit("lobby", Said(text="a lie"))
            await nobody.rooms.emit("lobby", Said(text="a lie"))
            await one.rooms.emit("lobby", Said(text="the truth"))
            assert (await bob.receive(Said)).text == "the truth"
            assert one.metrics()["cluster_nodes"] == two.metrics()["cluster_nodes"] == 2
            assert two.metrics()["engine_foreign_total"] >= 2

    @pytest.mark.parametrize("secret", ["hunter2", b"", 7])
    def test_one_that_is_none_is_refused_and_not_shown(self, secret: Any) -> None:
        with pytest.raises(ConfigurationError, match="engine_secret is no secret") as caught:
            ByteSocket(title="Talk", engine_secret=secret)
        assert "hunter2" not in str(caught.value)
        assert "test_elsewhere.py" in str(caught.value)
