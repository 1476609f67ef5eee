"""Publishers: what other programs emit arrives as what the application emits."""

import os
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread
from pydantic import ConfigDict

from bytesocket_app import (
    AsyncPublisher,
    ByteSocket,
    ClientEvent,
    ConfigurationError,
    Publisher,
    ServerEvent,
    Socket,
    UndeclaredEvent,
    UndeclaredRoom,
)
from bytesocket_app.engines import MemoryBroker, MemoryEngine
from bytesocket_app.engines.memory import broker_of
from bytesocket_app.events import declare
from bytesocket_app.testing import TestClient
from tests.support.talk import until

pytestmark = pytest.mark.anyio

NUMBERS = count()


class Told(ServerEvent, name="told"):
    """Something that other programs tell."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    number: int
    data: bytes = b""


class Asked(ClientEvent, name="asked"):
    """Something that clients send."""


Ticked = declare("ticked", float, direction="server")
EVENTS: list[Any] = [Told, Ticked, Asked]


def fresh() -> str:
    """The URL of a broker of the test's own."""
    return f"memory://test-{next(NUMBERS)}"


def application(url: str, **more: Any) -> ByteSocket:
    """An application with rooms, whose users are named by the query."""
    app = ByteSocket(title="Telling", events=EVENTS, engine=url, **more)
    app.room("lobby")
    doc = app.room("doc:{doc_id}")

    @app.auth(key=str)
    async def name(socket: Socket) -> str:
        return socket.handshake.query or "nobody"

    @doc.on_join
    async def joined(socket: Socket, doc_id: int) -> None: ...

    return app


@asynccontextmanager
async def member(
    app: ByteSocket, *rooms: str, user: str = "ann", codec: Any = "json"
) -> AsyncGenerator[TestClient]:
    """A client in rooms, of an application that runs."""
    async with TestClient(app, query=user, codec=codec) as client:
        for room in rooms:
            await client.join(room)
        yield client


@pytest.mark.parametrize("codec", ["json", "binary"])
async def test_what_a_publisher_emits_arrives_typed_with_both_codecs(codec: Any) -> None:
    url = fresh()
    app = application(url)
    async with app.running(), member(app, "lobby", "doc:7", codec=codec) as ann:
        async with AsyncPublisher(engine=url, title="Telling", events=EVENTS) as publisher:
            await publisher.emit("lobby", Told(number=1, data=b"\x00"))
            await publisher.emit("doc:7", Ticked(float("nan")))
            await publisher.user("ann").emit(Told(number=2))
            await publisher.broadcast(Told(number=3))
            await publisher.bulk.emit(["lobby", "doc:7"], Told(number=4))
            await publisher.publish_raw("lobby", '{"room": "lobby", "event": "x", "data": 1}')

            said = [await ann.receive_message() for _ in range(6)]

        assert said[0]["room"] == "lobby"
        assert said[0]["data"]["number"] == 1
        assert said[1] == {"room": "doc:7", "event": "ticked", "data": said[1]["data"]}
        assert str(said[1]["data"]) == ("None" if codec == "json" else "nan")
        assert "room" not in said[2]
        assert said[2]["data"]["number"] == 2
        assert said[3]["data"]["number"] == 3
        assert said[4]["rooms"] == ["lobby", "doc:7"]
        assert said[5] == {"room": "lobby", "event": "x", "data": 1}
        assert app.cluster is not None
        assert app.cluster.elsewhere is not None
        node = app.cluster.elsewhere.node
        await until(lambda: not len(node.publishers))
        assert node.counters.foreign == node.counters.lost == node.counters.doubles == 0


async def test_a_publisher_is_no_process_of_the_application() -> None:
    url = fresh()
    app = application(url)
    async with app.running():
        assert app.cluster is not None
        assert app.cluster.elsewhere is not None
        node = app.cluster.elsewhere.node
        async with AsyncPublisher(engine=url, title="Telling", events=EVENTS) as publisher:
            await publisher.emit("lobby", Told(number=1))
            assert await publisher.processes() == 1
            assert len(node.peers) == 0
            assert len(node.publishers) == 1
        await until(lambda: not len(node.publishers))


async def test_a_publisher_alone_knows_that_nobody_answers() -> None:
    async with AsyncPublisher(engine=fresh(), title="Telling", events=EVENTS) as publisher:
        await publisher.emit("lobby", Told(number=1))
        assert await publisher.processes(0.01) == 0


async def test_threads_share_a_publisher_and_each_keeps_its_order() -> None:
    url = fresh()
    app = application(url)
    publisher = Publisher(engine=url, title="Telling", events=EVENTS)

    def work(thread: int) -> None:
        for number in range(50):
            publisher.emit("lobby", Told(number=thread * 100 + number))

    async with app.running(), member(app, "lobby") as ann:
        async with anyio.create_task_group() as tasks:
            for thread in range(8):
                tasks.start_soon(to_thread.run_sync, partial(work, thread))
        numbers = [(await ann.receive(Told)).number for _ in range(400)]
        await to_thread.run_sync(publisher.close)

    assert sorted(numbers) == [thread * 100 + number for thread in range(8) for number in range(50)]
    for thread in range(8):
        own = [number for number in numbers if number // 100 == thread]
        assert own == sorted(own)


async def test_a_publisher_may_be_closed_and_used_again_also_by_threads_at_once() -> None:
    url = fresh()
    app = application(url)
    publisher = Publisher(engine=url, title="Telling", events=EVENTS)

    def work(thread: int) -> None:
        for number in range(10):
            with publisher:
                publisher.emit("lobby", Told(number=thread * 100 + number))

    async with app.running(), member(app, "lobby") as ann:
        async with anyio.create_task_group() as tasks:
            for thread in range(4):
                tasks.start_soon(to_thread.run_sync, partial(work, thread))
        numbers = [(await ann.receive(Told)).number for _ in range(40)]

    assert sorted(numbers) == [thread * 100 + number for thread in range(4) for number in range(10)]
    assert "bytesocket-publisher" not in [thread.name for thread in threading.enumerate()]


async def test_a_pipeline_keeps_the_order_and_is_confirmed_at_its_end() -> None:
    url = fresh()
    app = application(url)
    async with app.running(), member(app, "lobby") as ann:
        async with AsyncPublisher(engine=url, title="Telling", events=EVENTS) as publisher:
            async with publisher.pipeline() as many:
                for number in range(3000):
                    await many.emit("lobby", Told(number=number))
            await publisher.emit("lobby", Told(number=3000))
        assert [(await ann.receive(Told)).number for _ in range(3001)] == list(range(3001))

        blocking = Publisher(engine=url, title="Telling", events=EVENTS)

        def work() -> None:
            with blocking, blocking.pipeline() as many:
                for number in range(3000):
                    many.emit("lobby", Told(number=number))

        await to_thread.run_sync(work)
        assert [(await ann.receive(Told)).number for _ in range(3000)] == list(range(3000))


async def test_what_a_pipeline_took_before_an_exception_is_sent() -> None:
    url = fresh()
    app = application(url)
    async with app.running(), member(app, "lobby") as ann:
        async with AsyncPublisher(engine=url, title="Telling", events=EVENTS) as publisher:

            async def fail() -> None:
                async with publisher.pipeline() as many:
                    await many.emit("lobby", Told(number=1))
                    raise KeyError

            with pytest.raises(KeyError):
                await fail()
        assert (await ann.receive(Told)).number == 1


async def test_a_member_of_several_rooms_gets_one_copy_of_a_bulk_event() -> None:
    url = fresh()
    app = application(url)
    async with app.running(), member(app, "lobby", "doc:7") as ann:
        async with AsyncPublisher(engine=url, title="Telling", events=EVENTS) as publisher:
            await publisher.bulk.emit(["lobby", "doc:7", "lobby"], Told(number=1))
            await publisher.emit("lobby", Told(number=2))
        first, second = [await ann.receive_message() for _ in range(2)]
    assert first["rooms"] == ["lobby", "doc:7"]
    assert second["data"]["number"] == 2


async def test_an_event_that_is_not_declared_is_refused_before_anything_is_sent() -> None:
    class Other(ServerEvent, name="tolt"):
        pass

    async with AsyncPublisher(engine=fresh(), title="Telling", events=EVENTS) as publisher:
        with pytest.raises(UndeclaredEvent, match=r"`Publisher\(events=.*Did you mean 'told'"):
            await publisher.emit("lobby", Other())
        with pytest.raises(UndeclaredEvent, match="clients send it"):
            await publisher.broadcast(Asked())  # type: ignore[arg-type]
        with pytest.raises(UndeclaredEvent, match="is no event"):
            await publisher.emit("lobby", {"number": 1})  # type: ignore[arg-type]


async def test_names_of_rooms_are_checked_as_far_as_they_are_known() -> None:
    url = fresh()
    app = application(url)
    rooms: list[Any] = [*app.declared_rooms(), "tag:{tag}"]
    async with AsyncPublisher(engine=url, title="Telling", events=EVENTS, rooms=rooms) as publisher:
        with pytest.raises(UndeclaredRoom, match="Did you mean 'lobby'"):
            await publisher.emit("loby", Told(number=1))
        with pytest.raises(ValueError, match="The room's name is 'doc:7'"):
            await publisher.bulk.emit(["lobby", "doc:07"], Told(number=1))
        with pytest.raises(TypeError, match="no name of a room"):
            await publisher.emit(7, Told(number=1))  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="is one text"):
            await publisher.bulk.emit("lobby", Told(number=1))
        with pytest.raises(ValueError, match="with `broadcast`"):
            await publisher.publish_raw("__bytesocket_broadcast__", "{}")
        with pytest.raises(ValueError, match="cannot be a room's name"):
            await publisher.emit("tag:\ud800", Told(number=1))
        await publisher.emit("tag:any", Told(number=1))
        await publisher.publish_raw("doc:7", b"")


def test_a_users_key_is_checked() -> None:
    publisher = Publisher(engine=fresh(), title="Telling", events=EVENTS)
    with pytest.raises(TypeError, match="a user's key is a string or an integer"):
        publisher.user(True)
    with pytest.raises(TypeError, match="a user's key is a string or an integer"):
        publisher.user(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [Publisher, AsyncPublisher])
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"engine": "memory://"}, "would reach nobody"),
        ({"engine": "redos://h"}, "Did you mean 'redis'"),
        ({"engine": "redis://h?namspace=x"}, "Did you mean 'namespace'"),
        ({"engine": MemoryEngine(MemoryBroker())}, "a function that makes an engine"),
        ({"title": " "}, "the title of the application"),
        ({"deadline": 0}, "no number of seconds"),
        ({"deadline": True}, "no number of seconds"),
        ({"events": "told"}, "no place to find events"),
    ],
)
def test_what_a_publisher_cannot_use_is_refused_where_it_is_made(
    kind: Any, arguments: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        kind(**{"engine": "memory://x", "title": "Telling", "events": EVENTS} | arguments)
    assert Path(__file__).name in str(caught.value)


async def test_an_async_publisher_is_used_inside_its_block() -> None:
    publisher = AsyncPublisher(engine=fresh(), title="Telling", events=EVENTS)
    with pytest.raises(ConfigurationError, match="is not open"):
        await publisher.emit("lobby", Told(number=1))
    async with publisher:
        with pytest.raises(ConfigurationError, match="open already"):
            await publisher.__aenter__()
        await publisher.emit("lobby", Told(number=1))
    async with publisher:
        await publisher.emit("lobby", Told(number=1))


async def test_an_exception_in_the_block_comes_out_as_it_is() -> None:
    async def fail() -> None:
        async with AsyncPublisher(engine=fresh(), title="Telling", events=EVENTS) as publisher:
            await publisher.emit("lobby", Told(number=1))
            raise KeyError

    with pytest.raises(KeyError):
        await fail()


async def test_the_environments_engine_goes_before_the_one_in_the_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = fresh()
    app = application(url)
    monkeypatch.setenv("BYTESOCKET_ENGINE", url)
    async with app.running(), member(app, "lobby") as ann:
        async with AsyncPublisher(engine="redis://h", title="Telling", events=EVENTS) as publisher:
            await publisher.emit("lobby", Told(number=1))
        assert (await ann.receive(Told)).number == 1


async def test_an_engine_of_ones_own_is_made_in_the_event_loop() -> None:
    url = fresh()
    app = application(url)
    broker = broker_of(url.removeprefix("memory://"))
    async with app.running(), member(app, "lobby") as ann:
        async with AsyncPublisher(
            engine=lambda: MemoryEngine(broker), title="Telling", events=EVENTS
        ) as publisher:
            await publisher.emit("lobby", Told(number=1))
        assert (await ann.receive(Told)).number == 1


async def test_another_namespace_or_secret_reaches_nobody() -> None:
    name = fresh()
    url = f"{name}?secret=one-and-sixteen-bytes"
    app = application(url)
    async with app.running(), member(app, "lobby") as ann:
        assert app.cluster is not None
        assert app.cluster.elsewhere is not None
        for engine, title in (
            (f"{name}?secret=two-and-sixteen-bytes", "Telling"),
            (name, "Telling"),
            (url, "Talking"),
            (f"{url}&namespace=other", "Telling"),
        ):
            async with AsyncPublisher(engine=engine, title=title, events=EVENTS) as publisher:
                await publisher.emit("lobby", Told(number=0))
        async with AsyncPublisher(
            engine=f"{url}&namespace=Telling", title="Other", events=EVENTS
        ) as publisher:
            await publisher.emit("lobby", Told(number=1))
        assert (await ann.receive(Told)).number == 1
        assert app.cluster.elsewhere.node.counters.foreign > 0


def test_an_unused_publisher_starts_no_thread_and_a_forgotten_one_ends_its_own() -> None:
    publisher = Publisher(engine=fresh(), title="Telling", events=EVENTS)
    before = threading.active_count()
    publisher.close()
    assert threading.active_count() == before
    publisher.emit("lobby", Told(number=1))
    assert threading.active_count() > before
    del publisher
    assert threading.active_count() == before


def test_a_process_is_found_by_its_id_after_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = Publisher(engine=fresh(), title="Telling", events=EVENTS)
    publisher.emit("lobby", Told(number=1))
    parent = os.getpid()
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: parent + 1)
        publisher.emit("lobby", Told(number=2))
        publisher.close()
    names = [thread.name for thread in threading.enumerate()]
    assert names.count("bytesocket-publisher") == 1
    publisher.close()
