"""A client that reads all the time is closed by no answer or burst, whatever comes behind it."""

import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Literal, TypeAlias

import anyio
import pytest
from anyio.lowlevel import checkpoint

from bytesocket_app import ByteSocket, Limits, Policies, Settings, Socket, Timeouts
from bytesocket_app.socket import SendingSide
from bytesocket_app.testing.conformance.stage import Stage, Talker
from tests.conformance.test_transports import RUNS, SITES
from tests.support.talk import DEADLINE, Said, talk

LARGE = 1536 * 1024
"""Bytes of one answer: half as much again as may wait for a client."""

NOISES = 1000
"""Messages behind that nobody waits for: far less than may wait."""

ANSWERS = 8
TASKS = 15
CHUNK = 64 * 1024
MOST = 1000
"""Events of that size that no network takes on behalf of a peer that does not read."""

Noise: TypeAlias = Callable[[ByteSocket, Talker], Awaitable[object]]


async def ping(_: ByteSocket, talker: Talker) -> None:
    """The client pings, and is answered."""
    await talker.peer.send(b"")


async def event_of_a_room(app: ByteSocket, _: Talker) -> None:
    """A room that the client is in gets an event."""
    await app.rooms.at("lobby").emit(Said(text="hi"))


async def event_for_everybody(app: ByteSocket, _: Talker) -> None:
    """Everybody gets an event."""
    await app.broadcast(Said(text="hi"))


def busy(
    slow_reader: Literal["close", "drop_oldest"] = "close", *, limit: int = 1024 * 1024
) -> ByteSocket:
    """An application that sends a lot to who asks for it, and waits for ever."""
    settings = Settings(
        limits=Limits(outbox_bytes=limit),
        policies=Policies(slow_reader=slow_reader),
        timeouts=Timeouts(stalled=0, handler=0),
    )
    app = talk(settings)
    app.room("lobby")

    @app.on("answer")
    async def answer(data: int) -> str:
        return "x" * data

    @app.on("beside", concurrent=True)
    async def beside(data: int) -> str:
        return "x" * data

    @app.on("emit", concurrent=True)
    async def emit(socket: Socket, data: int) -> None:
        await socket.emit(Said(text="x" * data))

    @app.on("tasks")
    async def tasks(socket: Socket, data: int) -> None:
        async def work() -> None:
            for _ in range(TASKS):
                await socket.emit(Said(text="x" * data))

        async with anyio.create_task_group() as group:
            for _ in range(TASKS):
                group.start_soon(work)

    return app


REQUESTS: dict[str, list[tuple[str, int]]] = {
    "an answer": [("answer", LARGE)],
    "answers, one after another": [("answer", LARGE)] * 6,
    "answers beside each other": [("beside", LARGE)] * 8,
    "emits beside each other": [("emit", 100_000)] * 30,
    "tasks that emit": [("tasks", 60_000)],
}
SMALL: dict[str, list[tuple[str, int]]] = {
    "answers beside each other": [("beside", 20_000)] * 8,
    "emits beside each other": [("emit", 3000)] * 30,
    "tasks that emit": [("tasks", 5000)],
}
"""The same for a limit of 32 KiB, less than a transport may take as one batch."""


@pytest.fixture(params=RUNS)
def run(request: pytest.FixtureRequest) -> tuple[str, str]:
    found: tuple[str, str] = request.param
    return found


@pytest.fixture
def anyio_backend(run: tuple[str, str]) -> str:
    return run[1]


@pytest.mark.anyio
@pytest.mark.parametrize("noise", [ping, event_of_a_room, event_for_everybody])
@pytest.mark.parametrize("requests", REQUESTS.values(), ids=REQUESTS)
async def test_a_healthy_reader_gets_it_all(
    requests: Iterable[tuple[str, int]], noise: Noise, run: tuple[str, str]
) -> None:
    await gets_all(run, busy(), requests, noise, NOISES)


@pytest.mark.anyio
@pytest.mark.parametrize("noise", [ping, event_of_a_room])
@pytest.mark.parametrize("requests", SMALL.values(), ids=SMALL)
async def test_a_healthy_reader_gets_it_all_under_a_small_limit(
    requests: Iterable[tuple[str, int]], noise: Noise, run: tuple[str, str]
) -> None:
    await gets_all(run, busy(limit=32 * 1024), requests, noise, NOISES // 5)


async def gets_all(
    run: tuple[str, str],
    app: ByteSocket,
    requests: Iterable[tuple[str, int]],
    noise: Noise,
    noises: int,
) -> None:
    """Send requests, have noise made behind them, and read until all are answered."""
    serve, _ = SITES[run[0]]
    asked = set[int]()
    stage = Stage(lambda each: serve(each, lifespan=True), deadline=DEADLINE)
    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.join("lobby")
        for number, (event, data) in enumerate(requests):
            asked.add(number)
            await talker.peer.send(json.dumps({"event": event, "data": data, "id": number}))
        async with anyio.create_task_group() as group:

            async def make_noise() -> None:
                for _ in range(noises):
                    await noise(app, talker)
                    await checkpoint()

            group.start_soon(make_noise)
            while asked:
                message: Any = await talker.hear()
                if message and message.get("type") == 32:
                    asked.discard(message["id"])
        await talker.rest()


@pytest.mark.anyio
@pytest.mark.parametrize("slow_reader", ["close", "drop_oldest"])
async def test_who_does_not_read_meets_the_policy_behind_answers_too(
    slow_reader: Literal["close", "drop_oldest"], run: tuple[str, str]
) -> None:
    serve, _ = SITES[run[0]]
    app = busy(slow_reader)
    stage = Stage(lambda each: serve(each, lifespan=True), deadline=DEADLINE)
    async with stage.serve(app) as site, stage.pair(site) as (slow, other):
        for number in range(ANSWERS):
            await slow.say({"event": "beside", "data": LARGE, "id": number})
        # The one that is waited for is the one that does not read.
        while not (waited := [side for side in sides(app) if side.senders]):
            await other.rest()
        (side,) = waited
        sent = 0
        while not (side.is_closed or side.dropped) and sent < MOST:
            sent += 1
            await app.broadcast(Said(text=f"{sent} ".ljust(CHUNK)))
            await other.rest()
        assert side.is_closed == (slow_reader == "close")
        assert side.dropped
        if slow_reader == "close":
            assert side.close_sent == (1013, "slow reader")
            return
        heard = await slow.rest()
        answers = [message["id"] for message in heard if "id" in message]
        assert sorted(answers) == list(range(ANSWERS)), "an answer was dropped"
        events = [message["data"]["text"] for message in heard if "id" not in message]
        assert len(events) == sent - side.dropped
        assert events[-1].split()[0] == str(sent)


def sides(app: ByteSocket) -> list[SendingSide]:
    """Give the sending sides of all connections."""
    found = [app.memberships.side(socket) for socket in app.sockets()]
    return [side for side in found if side is not None]
