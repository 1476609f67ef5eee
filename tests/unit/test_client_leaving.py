"""Leaving a client, and what ends with it: nothing hangs, and nothing is lost in silence."""

import asyncio  # noqa: TID251 - its way to cancel a task that never ran is under test
import socket
import threading
from collections.abc import Generator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from websockets.http11 import Request
from websockets.server import ServerProtocol

from bytesocket_app.client import (
    ClientContract,
    ClientSettings,
    Disconnected,
    DynamicClient,
    EndOfConnection,
    ErrorContext,
    EventRate,
    RequestError,
)
from tests.support.conditions import DEADLINE, until
from tests.support.scripted_server import ScriptedServer
from tests.support.talk import Said, Say, Wave, logged

pytestmark = pytest.mark.anyio

FAST = ClientSettings(backoff_base=0.02, backoff_cap=0.05, close_timeout=2, request_timeout=30)
RATES = (
    EventRate(event="say", per_second=0.001, burst=1),
    EventRate(event="wave", room="lobby", per_second=0.001, burst=1),
)


class Paced(DynamicClient):
    """A client whose second message waits for a long time."""

    contract = ClientContract(rates=RATES)


@contextmanager
def stuck_server() -> Generator[str]:
    """Serve one connection that reads nothing after its handshake; gives its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as kept:

        def accept() -> None:
            connection, _ = listener.accept()
            kept.enter_context(connection)
            protocol = ServerProtocol()
            protocol.receive_data(connection.recv(65536))
            request = next(iter(protocol.events_received()))
            assert isinstance(request, Request)
            protocol.send_response(protocol.accept(request))
            connection.sendall(b"".join(protocol.data_to_send()))

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(DEADLINE)


def said(text: str, **more: Any) -> dict[str, Any]:
    return {"event": "said", "data": {"text": text}, **more}


async def test_a_listener_may_leave_its_own_client() -> None:
    """It goes on behind that, and the listeners that wait are called."""
    heard: list[str] = []
    with ScriptedServer() as server, anyio.fail_after(DEADLINE):
        stack = AsyncExitStack()
        client = await stack.enter_async_context(DynamicClient(server.url, settings=FAST))
        done = anyio.Event()

        @client.on(Said)
        async def leave(event: Said) -> None:
            if event.text == "leave":
                await stack.aclose()
                await anyio.lowlevel.checkpoint()
            heard.append(event.text)
            if event.text == "last":
                done.set()

        await client.ready
        server.peers[-1].connection.send('{"event": "said", "data": {"text": "leave"}}')
        server.send(said("last"))
        await done.wait()
    assert heard == ["leave", "last"]
    assert client.state == "closed"


async def test_a_room_of_an_ended_client_has_no_events() -> None:
    with ScriptedServer() as server:
        async with DynamicClient(server.url, settings=FAST) as client:
            await client.close()
            room = client.join("lobby")
            with anyio.fail_after(DEADLINE):
                assert [event async for event in room.events(Said)] == []
            with pytest.raises(Disconnected):
                await room.ready


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_client_whose_task_is_cancelled_before_it_ran_can_be_left() -> None:
    """As loops do that shut down."""
    with anyio.fail_after(DEADLINE):
        async with DynamicClient("ws://127.0.0.1:9", settings=FAST):
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                if "Background" in repr(task):
                    task.cancel()


async def test_hooks_hear_the_last_of_a_close_that_is_not_answered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What was not sent is told to the error hooks, and the end to those of states and closes."""
    told: list[Any] = []
    settings = ClientSettings(close_timeout=0.2, drain_timeout=0.1)

    def on_error(context: ErrorContext) -> None:
        error = context.error
        told.append(error.data if isinstance(error, RequestError) else error)

    with stuck_server() as url, anyio.fail_after(DEADLINE):
        async with Paced(url, settings=settings) as client:
            client.on_state(told.append)
            client.on_error(on_error)
            client.on_close(told.append)
            await client.ready
            assert [await client.emit(Say(text="x")) for _ in range(3)] == [
                "sent",
                "queued",
                "queued",
            ]
    assert told == [
        "connecting",
        "open",
        EndOfConnection(1000, "normal", is_final=True),
        "closed",
        {"say": 2},
    ]
    assert not [line for line in logged(caplog, 30) if "the client was left" in line]


async def test_a_call_that_is_dropped_leaves_the_next_event_to_once() -> None:
    heard: list[str] = []
    go = anyio.Event()
    settings = ClientSettings(event_buffer=1, event_bytes=4000)
    with ScriptedServer() as server, anyio.fail_after(DEADLINE):
        async with DynamicClient(server.url, settings=settings) as client:

            @client.on(Said)
            async def slow(_: Said) -> None:
                await go.wait()

            dropped = anyio.Event()

            @client.on_error
            def tell(context: ErrorContext) -> None:
                if isinstance(context.error, RequestError):
                    dropped.set()

            await client.ready
            client.once(Wave, lambda wave: heard.append(wave.hand))

            answered = anyio.Event()

            async def await_answer() -> None:
                """Let the client read on."""
                await client.request(Wave(), timeout=DEADLINE)
                answered.set()

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(await_answer)
                await until(lambda: {"event": "wave", "data": {}, "id": 1} in server.log()[0])
                for number in range(6):
                    server.send(said(str(number)))
                server.send({"event": "wave", "data": {"hand": "lost"}})
                server.send({"type": 32, "id": 1})
                await answered.wait()
                go.set()
                await dropped.wait()
                server.send({"event": "wave", "data": {"hand": "right"}})
                server.send({"event": "wave", "data": {"hand": "more"}})
                await until(lambda: heard)
    assert heard == ["right"]


async def test_a_handle_that_left_hears_nothing_more_not_even_what_waits() -> None:
    heard: list[str] = []
    with ScriptedServer() as server, anyio.fail_after(DEADLINE):
        async with DynamicClient(server.url, settings=FAST) as client:
            room = client.join("lobby")

            @room.on(Said)
            async def first(event: Said) -> None:
                heard.append(event.text)
                await room.leave()

            @room.on(Said)
            def second(event: Said) -> None:
                heard.append(f"never {event.text}")

            client.on(Said, lambda event: heard.append(f"client {event.text}"))
            await room.ready
            for text in ("1", "2"):
                server.send(said(text, room="lobby"))
            await until(lambda: "client 2" in heard)
    assert heard == ["1", "client 1", "client 2"]


async def test_what_waits_for_a_room_ends_with_its_removal() -> None:
    """Events are told as dropped, requests fail with the code, and what is for others goes on."""
    told: list[Any] = []
    failed: list[str] = []
    removed = {"type": 38, "room": "lobby", "code": "banned", "message": "out"}
    with ScriptedServer() as server, anyio.fail_after(DEADLINE):
        server.script.replies["other"] = lambda data: data
        async with Paced(server.url, settings=FAST) as client:

            @client.on_error
            def tell(context: ErrorContext) -> None:
                if isinstance(context.error, RequestError):
                    told.append((context.error.code, context.error.data))

            room = client.join("lobby")
            await room.ready
            assert [await room.emit(Wave()) for _ in range(2)] == ["sent", "queued"]
            assert await room.emit_raw("wave", {}) == "queued"

            async def ask() -> None:
                with pytest.raises(RequestError) as refused:
                    await room.request(Wave())
                failed.append(refused.value.code)
                assert await client.request_raw("other", 1) == 1

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask)
                await anyio.wait_all_tasks_blocked()
                server.send(removed)
            await until(lambda: told)
    assert failed == ["banned"]
    assert told == [("dropped", {"wave": 2})]
    waves = [message for message in server.log()[0] if message != "ping" and "event" in message]
    assert [message["event"] for message in waves] == ["wave", "other"]


async def test_reconnecting_on_purpose_is_no_loss_that_an_attempt_is_forgiven_for() -> None:
    settings = ClientSettings(max_attempts=1, stable_after=0.01, backoff_base=0.02)
    with ScriptedServer() as server, anyio.fail_after(DEADLINE):
        async with DynamicClient(server.url, settings=settings) as client:
            await client.ready
            await anyio.sleep(0.02)
            server.script.status = 503
            client.reconnect()
            with pytest.raises(Disconnected, match="1 attempt to connect failed"):
                await client.ready
    assert len(server.paths) == 2
