"""`@app.every`: turns inside the lifespan, one after the other, however they end."""

import asyncio  # noqa: TID251 - tasks of its own cancel themselves
import logging
import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Annotated, Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from bytesocket_app import (
    ByteSocket,
    Clock,
    ConfigurationError,
    Count,
    Depends,
    ErrorContext,
    Operation,
    Phase,
    Refusal,
    Router,
)
from bytesocket_app.testing import TestClient, virtual_clock
from tests.support.talk import Said, logged, talk, until, wait
from tests.support.ways import WAYS, Way

pytestmark = pytest.mark.anyio


async def test_a_turn_comes_at_each_interval_and_none_at_the_start() -> None:
    app, turns = talk(), list[float]()

    @app.every(1.5)
    async def tick(clock: Clock, app: ByteSocket) -> None:
        turns.append(clock.now())
        await app.broadcast(Said(text=str(len(turns))))

    with virtual_clock(app) as clock:
        begun = clock.now
        async with TestClient(app) as client:
            await clock.elapse(1)
            assert turns == []
            await clock.elapse(4)
            assert turns == [begun + 1.5, begun + 3, begun + 4.5]
            assert (await client.receive(Said)).text == "1"
        await clock.elapse(10)
    assert len(turns) == 3


@pytest.mark.parametrize("interval", [0.1, 1 / 3, 7])
async def test_turns_do_not_drift(interval: float) -> None:
    app, turns = talk(), list[float]()

    @app.every(interval, immediately=True)
    def tick(clock: Clock) -> None:
        turns.append(clock.now())

    with virtual_clock(app) as clock:
        begun = clock.now
        async with TestClient(app):
            await clock.elapse(interval * 100)
    assert len(turns) == 101
    assert turns[0] == begun
    assert math.isclose(turns[-1], begun + interval * 100)


async def test_a_turn_that_takes_long_leaves_out_those_it_missed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app, turns, at_once = talk(), list[float](), list[int]()

    @app.every(1)
    async def tick(clock: Clock) -> None:
        turns.append(clock.now() - begun)
        at_once.append(1)
        await clock.sleep(2.5)
        at_once.pop()
        assert not at_once

    with virtual_clock(app) as clock:
        begun = clock.now
        async with TestClient(app):
            await clock.elapse(8)
    assert turns == [1, 4, 7]
    line, *_ = logged(caplog, logging.WARNING)
    assert line.endswith("took longer: turns left out: 2")
    assert f"every 1 s {__file__}:" in line


async def test_an_exception_is_logged_with_its_place_and_the_next_turn_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app, turns, told = talk(), list[int](), list[ErrorContext]()

    @app.every(1)
    async def tick() -> None:
        turns.append(1)
        if len(turns) < 3:
            raise (LookupError("a fault"), Refusal("Nobody asks.", code="refused"))[len(turns) - 1]

    @app.lifecycle.error
    async def failed(context: ErrorContext) -> None:
        told.append(context)

    with virtual_clock(app) as clock:
        async with TestClient(app):
            await clock.elapse(3)
    assert len(turns) == 3
    lines = logged(caplog)
    assert len(lines) == 2
    assert all(line.startswith(f"every 1 s {__file__}:") for line in lines)
    assert [context.phase for context in told] == [Phase.EVERY, Phase.EVERY]
    assert isinstance(told[0].error, LookupError)


def stops_itself_at_once() -> None:
    running().cancel()


async def stops_itself_and_waits() -> None:
    running().cancel()
    await checkpoint()


async def awaits_what_was_cancelled() -> None:
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def closes_itself() -> None:
    raise GeneratorExit


def running() -> "asyncio.Task[object]":
    task = asyncio.current_task()
    assert task is not None
    return task


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(
    "fault",
    [
        stops_itself_at_once,
        stops_itself_and_waits,
        awaits_what_was_cancelled,
        closes_itself,
    ],
)
async def test_a_turn_that_cancels_its_own_task_ends_neither_the_timer_nor_the_application(
    fault: Callable[[], Awaitable[None] | None],
) -> None:
    app, turns = talk(), list[int]()

    @app.every(1)
    async def tick() -> None:
        turns.append(1)
        waiting = fault()
        if waiting is not None:
            await waiting

    with virtual_clock(app) as clock:
        async with app.running():
            await clock.elapse(3)
    assert len(turns) == 3


async def test_dependencies_are_made_and_cleaned_up_each_turn_and_may_be_replaced() -> None:
    app, seen = talk(), list[str]()

    async def database() -> AsyncGenerator[str]:
        seen.append("open")
        yield "real"
        seen.append("close")

    @app.every(1)
    async def tick(found: Annotated[str, Depends(database)]) -> None:
        seen.append(found)

    with virtual_clock(app) as clock:
        async with TestClient(app):
            await clock.elapse(1)
            app.dependency_overrides[database] = lambda: "fake"
            await clock.elapse(1)
    assert seen == ["open", "real", "close", "fake"]


async def test_it_runs_inside_the_lifespan_and_is_cancelled_before_its_end() -> None:
    app, seen = talk(), list[str]()

    @app.lifespan
    async def lifespan() -> AsyncGenerator[None]:
        seen.append("up")
        yield
        seen.append("down")

    @app.every(1, immediately=True)
    async def tick(clock: Clock) -> None:
        seen.append("turn")
        try:
            await clock.sleep(math.inf)
        finally:
            seen.append("cancelled")

    with virtual_clock(app) as clock:
        async with app.running():
            await clock.elapse(0)
    assert seen == ["up", "turn", "cancelled", "down"]


async def test_several_users_of_the_lifespan_have_one_turn_also_when_the_first_one_goes() -> None:
    app, turns = talk(), list[float]()
    go, gone = anyio.Event(), anyio.Event()

    @app.every(1)
    async def tick(clock: Clock) -> None:
        turns.append(clock.now() - begun)

    async def first() -> None:
        async with TestClient(app):
            await go.wait()
        gone.set()

    with virtual_clock(app) as clock:
        begun = clock.now
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first)
            await until(app.sockets)
            async with TestClient(app), TestClient(app):
                await clock.elapse(1.5)
                go.set()
                await gone.wait()
                await clock.elapse(1)
    assert turns == [1, 2]


async def test_a_user_whose_turn_ends_late_starts_no_second_timer() -> None:
    app, turns = talk(), list[float]()
    entered, leave, may_end = anyio.Event(), anyio.Event(), anyio.Event()

    @app.every(1)
    async def tick(clock: Clock) -> None:
        turns.append(clock.now())
        with anyio.CancelScope(shield=True):
            await may_end.wait()

    async def first() -> None:
        async with app.running():
            entered.set()
            await leave.wait()

    with virtual_clock(app) as clock:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first)
            await wait(entered)
            async with app.running():
                await clock.elapse(1)
                leave.set()
                await clock.elapse(0)
            async with app.running():
                may_end.set()
                await clock.elapse(3)
    assert turns == [turns[0] + each for each in range(4)]


async def test_a_router_has_them_too_and_one_may_come_while_the_application_runs() -> None:
    app, router, turns = talk(), Router(prefix="x:"), list[str]()

    @router.every(2)
    async def slow() -> None:
        turns.append("router")

    app.include(router)
    with virtual_clock(app) as clock:
        async with TestClient(app):

            @app.every(1)
            def late() -> None:
                turns.append("late")

            await clock.elapse(2)
    assert sorted(turns) == ["late", "late", "router"]


async def test_the_function_stays_what_it_is() -> None:
    app = talk()

    @app.every(1)
    async def tick(app: ByteSocket) -> str:
        return app.title

    assert await tick(app) == "Talk"


@pytest.mark.parametrize("strict", [False, True])
async def test_a_returned_value_is_read_by_nobody(
    caplog: pytest.LogCaptureFixture, strict: bool
) -> None:
    app, turns = talk(strict=strict), list[int]()

    @app.every(1)
    async def tick() -> int:
        turns.append(1)
        return 7

    with virtual_clock(app) as clock:
        async with TestClient(app):
            await clock.elapse(3)
    assert len(turns) == 3
    lines = logged(caplog)
    assert len(lines) == (3 if strict else 1)
    text = caplog.text
    assert "a function of every(1) returned int, which nobody reads" in text


async def test_turns_are_operations_and_failures_and_delays_are_counted() -> None:
    app, told = talk(), list[tuple[Any, ...]]()

    class Listening:
        def began(self, operation: Operation, values: Any, /) -> int:
            told.append((operation, values["interval"]))
            return len(told)

        def ended(self, token: Any, outcome: str, /) -> None:
            told.append(("ended", outcome))

        def counted(self, count: Count, amount: int, values: Any, /) -> None:
            told.append((count, amount, values.get("phase")))

    app.telemetry.listener = Listening()
    turns = list[int]()

    @app.every(1)
    async def tick(clock: Clock) -> None:
        turns.append(1)
        if len(turns) == 1:
            raise LookupError
        await clock.sleep(1.5)

    with virtual_clock(app) as clock:
        async with app.running():
            await clock.elapse(3.5)
    assert told == [
        (Operation.TURN, 1),
        (Count.FAILED, 1, None),
        ("ended", "internal"),
        (Operation.TURN, 1),
        ("ended", "ok"),
        (Count.LATE, 1, Phase.EVERY),
    ]


async def test_the_log_says_that_each_process_runs_its_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "bytesocket")
    app = talk()

    @app.every(60)
    async def tick() -> None: ...

    async with app.running():
        pass
    assert f"every 60 s {__file__}:" in caplog.text
    assert "each process runs its own" in caplog.text
    assert "in each process" in str(ByteSocket.every.__doc__)


async def test_an_error_of_the_block_is_raised_as_it_is() -> None:
    app = talk()

    @app.every(60)
    async def tick() -> None: ...

    with pytest.raises(LookupError, match="mine"):
        async with app.life.running():
            raise LookupError("mine")


@pytest.mark.parametrize(
    ("interval", "message"),
    [
        (0, "above 0 that is finite, not 0"),
        (-1.0, "above 0"),
        (10**400, "finite, not 1000"),
        (5e-324, "not 5e-324; the least is 1e-09."),
        (math.inf, "finite, not inf"),
        (math.nan, "finite, not nan"),
        ("1s", "seconds as a number, as in every(1.0), not '1s'"),
        (True, "seconds as a number"),
        (len, "needs the seconds between two turns, as in @app.every(1.0)"),
    ],
)
@pytest.mark.parametrize("make", [talk, Router])
def test_an_interval_is_checked_where_it_is_written(make: Any, interval: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make().every(interval)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{__file__}:")


def test_what_a_turn_cannot_have_is_refused() -> None:
    app = talk()
    with pytest.raises(ConfigurationError, match=r"cannot be a function of every\(1\)"):

        @app.every(1)
        async def tick(socket: Any) -> None: ...

    with pytest.raises(ConfigurationError, match="is a generator"):

        @app.every(1)
        async def tock() -> AsyncGenerator[None]:
            yield


@pytest.mark.parametrize("way", WAYS[:3])
async def test_a_servers_and_a_hosts_lifespan_run_it_too(way: str) -> None:
    app, turns = talk(), list[int]()

    @app.every(1)
    async def tick(app: ByteSocket) -> None:
        turns.append(1)
        await app.broadcast(Said(text=str(len(turns))))

    with virtual_clock(app):
        async with Way(way)(app) as client:
            await client.clock.elapse(3)
            assert [(await client.receive(Said)).text for _ in range(3)] == ["1", "2", "3"]
    assert len(turns) == 3
