"""What is said now, later, or never."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from anyio.abc import TaskGroup

from bytesocket_app.client.connection import BEHIND, WebSocketConnection
from bytesocket_app.client.outgoing import Outgoing
from bytesocket_app.client.settings import ClientSettings
from bytesocket_app.errors import Disconnected, EncodeError, RequestError, RequestTimeout
from bytesocket_app.events import ClientEvent, PayloadType
from bytesocket_app.wire import JSON
from tests.support.memory_socket import Peer, memory_connection

pytestmark = pytest.mark.anyio

TEXT = PayloadType(str)


class Post(ClientEvent, name="post"):
    text: Any = "hi"


class Move(ClientEvent, name="move", volatile=True):
    x: int = 1


async def ignore(payload: bytes, is_binary: bool) -> None:
    pass


async def run(connection: WebSocketConnection) -> None:
    await connection.run(ignore)


@asynccontextmanager
async def connected(
    outgoing: Outgoing,
) -> AsyncGenerator[tuple[WebSocketConnection, Peer, TaskGroup]]:
    connection, peer, _ = memory_connection()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, connection)
        outgoing.opened(connection)
        yield connection, peer, tasks
        tasks.cancel_scope.cancel()


async def test_rooms_come_before_the_queue() -> None:
    outgoing = Outgoing(JSON, ClientSettings())
    assert await outgoing.emit(Post()) == "queued"
    assert await outgoing.emit(Move()) == "dropped"
    outgoing.join("r")
    assert await outgoing.emit(Post(text="later"), "r") == "queued"
    with anyio.fail_after(30):
        async with connected(outgoing) as (_, peer, _tasks):
            assert await outgoing.emit(Move(x=2)) == "sent"
            assert [await peer.message() for _ in range(4)] == [
                {"type": 9, "room": "r"},
                {"event": "post", "data": {}},
                {"room": "r", "event": "post", "data": {"text": "later"}},
                {"event": "move", "data": {"x": 2}},
            ]


async def test_a_full_queue_drops_events_and_refuses_requests() -> None:
    outgoing = Outgoing(JSON, ClientSettings(queue_limit=1))
    assert await outgoing.emit(Post()) == "queued"
    assert await outgoing.emit(Post()) == "dropped"
    with pytest.raises(Disconnected, match="full"):
        await outgoing.request(Post(), TEXT)
    assert len(outgoing.requests) == 0


async def test_while_the_network_is_behind_what_is_volatile_is_not_sent() -> None:
    outgoing = Outgoing(JSON, ClientSettings())
    connection, peer, stream = memory_connection()
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run, connection)
            outgoing.opened(connection)
            gate = stream.gate = anyio.Event()
            fates = [await outgoing.emit(Move(x=1))]
            await anyio.wait_all_tasks_blocked()
            fates += [await outgoing.emit(Post(text="x" * BEHIND)), await outgoing.emit(Move(x=2))]
            assert [*fates, await outgoing.emit(Post())] == ["sent", "sent", "dropped", "sent"]
            gate.set()
            seen = [await peer.message() for _ in range(3)]
            assert [message["event"] for message in seen] == ["move", "post", "post"]
            assert await outgoing.emit(Move(x=3)) == "sent"
            assert await peer.message() == {"event": "move", "data": {"x": 3}}
            tasks.cancel_scope.cancel()


async def test_a_burst_that_the_network_takes_is_sent_whole() -> None:
    outgoing = Outgoing(JSON, ClientSettings())
    with anyio.fail_after(30):
        async with connected(outgoing) as (_, peer, _tasks):
            fates = {await outgoing.emit(Move(x=x)) for x in range(2 * BEHIND // 30)}
            assert fates == {"sent"}
            assert await peer.message() == {"event": "move", "data": {"x": 0}}


async def test_a_connection_on_its_way_out_counts_as_none() -> None:
    outgoing = Outgoing(JSON, ClientSettings())
    with anyio.fail_after(30):
        async with connected(outgoing) as (connection, _, _tasks):
            connection.close(1000)
            assert await outgoing.emit(Post()) == "queued"


async def test_requests_end_in_every_way() -> None:
    outgoing = Outgoing(JSON, ClientSettings())
    outcomes: dict[str, object] = {}

    async def ask(name: str) -> None:
        try:
            outcomes[name] = await outgoing.request(Post(text=name), TEXT, timeout=0)
        except (RequestError, Disconnected) as error:
            outcomes[name] = type(error)

    with anyio.fail_after(30):
        async with connected(outgoing) as (_, peer, tasks):
            for name in ("good", "refused", "invalid", "lost"):
                tasks.start_soon(ask, name)
                asked = await peer.message()
                assert asked["data"] == {"text": name}
            ids = {text: index for index, text in enumerate(("good", "refused", "invalid"), 1)}
            outgoing.requests.answer(ids["good"], "fine")
            outgoing.requests.refuse(ids["refused"], RequestError("no"))
            outgoing.requests.answer(ids["invalid"], 5)
            await anyio.wait_all_tasks_blocked()
            outgoing.closed("gone")
            await anyio.wait_all_tasks_blocked()
    assert outcomes == {
        "good": "fine",
        "refused": RequestError,
        "invalid": RequestError,
        "lost": Disconnected,
    }
    assert len(outgoing.requests) == 0


async def test_a_request_that_timed_out_in_the_queue_is_never_sent() -> None:
    outgoing = Outgoing(JSON, ClientSettings())
    with pytest.raises(RequestTimeout):
        await outgoing.request(Post(), TEXT, timeout=0.001)
    assert await outgoing.emit(Post(text="only this")) == "queued"
    with anyio.fail_after(30):
        async with connected(outgoing) as (_, peer, _tasks):
            assert (await peer.message())["data"] == {"text": "only this"}


async def test_a_queued_request_outlives_a_failed_connection() -> None:
    outgoing = Outgoing(JSON, ClientSettings())
    answers: list[str] = []

    async def ask() -> None:
        answers.append(await outgoing.request(Post(), TEXT))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as outer:
            outer.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            outgoing.closed("could not connect")
            async with connected(outgoing) as (_, peer, _tasks):
                asked = await peer.message()
                outgoing.requests.answer(asked["id"], "yes")
                await anyio.wait_all_tasks_blocked()
    assert answers == ["yes"]


async def test_after_the_end_nothing_is_sent() -> None:
    outgoing = Outgoing(JSON, ClientSettings())
    outgoing.end(Disconnected("closed"))
    assert await outgoing.emit(Post()) == "dropped"
    with pytest.raises(Disconnected, match="closed"):
        await outgoing.request(Post(), TEXT)


async def test_what_cannot_be_written_raises_where_it_is_said() -> None:
    outgoing = Outgoing(JSON, ClientSettings())
    with pytest.raises(EncodeError):
        await outgoing.emit(Post(text=object()))
    with pytest.raises(EncodeError):
        await outgoing.request(Post(text=object()), TEXT)
    assert len(outgoing.requests) == 0
