"""`app.clock`: the time of the application, real outside of tests and turned by hand in them."""

import math
from collections.abc import AsyncGenerator
from typing import Annotated, Any

import anyio
import pytest

import bytesocket_app.testing.clock as clock_module
from bytesocket_app import (
    Application,
    AuthError,
    ByteSocket,
    Clock,
    Depends,
    ErrorContext,
    Handshake,
    Settings,
    Socket,
    Timeouts,
)
from bytesocket_app.testing import NothingCame, RequestError, TestClient, virtual_clock
from bytesocket_app.threads import at_work
from tests.support.talk import Said, Say, Wave, talk, until

pytestmark = pytest.mark.anyio


def countdown() -> ByteSocket:
    """An application that counts seconds down, from its handler."""
    app = talk()

    @app.on(Say)
    async def say(socket: Socket, event: Say, clock: Clock) -> str:
        for left in range(int(event.text), 0, -1):
            await socket.emit(Said(text=str(left)))
            await clock.sleep(1)
        return "over"

    return app


async def test_a_countdown_is_tested_without_a_wait() -> None:
    app = countdown()
    with virtual_clock(app) as clock:
        async with TestClient(app) as client:
            await client.emit(Say(text="10"))
            await client.clock.elapse(9.5)
            assert [(await client.receive(Said)).text for _ in range(10)] == [
                str(left) for left in range(10, 0, -1)
            ]
            await clock.elapse(0.5)
            assert await client.request(Say(text="0"), str) == "over"


async def test_every_function_may_ask_for_the_clock() -> None:
    app, seen = talk(), dict[str, Clock]()

    async def made(clock: Clock) -> float:
        seen["dependency"] = clock
        return clock.now()

    @app.lifespan
    async def lifespan(app: ByteSocket, clock: Clock) -> AsyncGenerator[None]:
        seen["lifespan"] = clock
        yield

    @app.auth
    async def auth(credentials: str, clock: Clock) -> str:
        seen["auth"] = clock
        if credentials == "bad":
            raise AuthError("No.")
        return credentials

    @app.lifecycle.upgrade
    async def upgrade(handshake: Handshake, clock: Clock) -> None:
        seen["upgrade"] = clock

    @app.lifecycle.error
    async def failed(context: ErrorContext, clock: Clock) -> None:
        seen["error"] = clock

    @app.on(Say)
    def say(clock: Clock | None, now: Annotated[float, Depends(made)]) -> float:
        assert clock is not None
        seen["handler"] = clock
        return now

    room = app.room("lobby")

    @room.guard
    async def guard(clock: Clock) -> None:
        seen["guard"] = clock

    @room.on(Wave)
    async def wave(app: Application, socket: Socket, clock: Clock) -> None:
        assert app.clock is socket.app.clock
        seen["room"] = clock
        raise LookupError("for the error hook")

    with virtual_clock(app) as clock:
        async with TestClient(app, "ann") as client:
            assert await client.request(Say(text="x"), float) == clock.now
            await client.join("lobby")
            with pytest.raises(RequestError):
                await client.request(Wave(), room="lobby")
    assert set(seen) == {
        "auth",
        "dependency",
        "error",
        "guard",
        "handler",
        "lifespan",
        "room",
        "upgrade",
    }
    assert set(seen.values()) == {app.clock}


async def test_a_task_of_the_lifespan_sleeps_by_the_virtual_clock() -> None:
    app = talk()

    async def remind(clock: Clock) -> None:
        while True:
            await clock.sleep(60)
            await app.broadcast(Said(text=f"{clock.now():g}"))

    @app.lifespan
    async def lifespan(clock: Clock) -> AsyncGenerator[None]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(remind, clock)
            yield
            tasks.cancel_scope.cancel()

    with virtual_clock(app) as clock:
        begun = clock.now
        async with TestClient(app) as client:
            await clock.elapse(150)
            found = [float((await client.receive(Said)).text) - begun for _ in range(2)]
            with pytest.raises(NothingCame):
                await client.receive(Said, timeout=0)
    assert found == [60, 120]


async def test_sleeps_end_in_their_order_and_each_at_its_time() -> None:
    app, ends = talk(), list[tuple[str, float]]()

    async def sleep(name: str, seconds: float) -> None:
        await app.clock.sleep(seconds)
        ends.append((name, app.clock.now()))

    with virtual_clock(app) as clock:
        begun = clock.now
        async with anyio.create_task_group() as tasks:
            for name, seconds in (("c", 3), ("a", 1), ("b", 1.5), ("d", 5), ("now", 0)):
                tasks.start_soon(sleep, name, seconds)
            await clock.elapse(4)
            assert ends == [("now", begun), ("a", begun + 1), ("b", begun + 1.5), ("c", begun + 3)]
            assert clock.now == begun + 4
            clock.advance(1)
            await until(lambda: len(ends) == 5)
    assert ends[-1] == ("d", begun + 5)


async def test_sums_of_tenths_are_where_they_should_be() -> None:
    app, steps = talk(), list[int]()

    async def count() -> None:
        for step in range(30):
            await app.clock.sleep(0.1)
            steps.append(step)

    with virtual_clock(app) as clock:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(count)
            await clock.elapse(0.3)
            assert len(steps) == 3
            await clock.elapse(2.7)
            assert len(steps) == 30


async def test_deadlines_of_the_framework_come_between_the_sleeps() -> None:
    app, seen = talk(Settings(timeouts=Timeouts(handler=5))), list[str]()

    @app.on(Say)
    async def say(event: Say, clock: Clock) -> None:
        try:
            await clock.sleep(float(event.text))
        finally:
            seen.append(f"{event.text} {clock.now() - begun:g}")

    with virtual_clock(app) as clock:
        begun = clock.now
        async with TestClient(app) as client:
            await client.emit(Say(text="4"))
            await client.emit(Say(text="60"))
            await clock.elapse(100)
            assert seen[0] == "4 4"
            assert len(seen) == 2
            with pytest.raises(NothingCame):
                await client.receive_message(timeout=0)


async def test_a_function_in_a_thread_is_waited_for() -> None:
    app, seen = talk(), list[float]()
    release = anyio.Event()

    @app.on(Say)
    def say(clock: Clock) -> None:
        anyio.from_thread.run(release.wait)
        seen.append(clock.now())

    async def later() -> None:
        await until(lambda: at_work.threads)
        release.set()

    with virtual_clock(app) as clock:
        begun = clock.now
        async with TestClient(app) as client, anyio.create_task_group() as tasks:
            await client.emit(Say(text="x"))
            tasks.start_soon(later)
            await clock.elapse(7)
    assert seen == [begun]


async def test_who_never_waits_is_told_and_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock_module, "DEADLINE", 0.05)
    app = talk()

    async def spin() -> None:
        while True:
            await app.clock.sleep(0)

    with virtual_clock(app) as clock:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(spin)
            with pytest.raises(NothingCame, match=r"still at work after 0\.05 real seconds"):
                await clock.elapse(1)
            tasks.cancel_scope.cancel()


async def test_a_handler_that_sleeps_by_a_clock_that_stands_is_named_at_the_end() -> None:
    app = countdown()

    async def forget() -> None:
        async with TestClient(app, deadline=0.05) as client:
            await client.emit(Say(text="2"))
            await client.receive(Said, timeout=30)

    with virtual_clock(app), pytest.raises(NothingCame, match=r"`await clock\.elapse\(1\)` wakes"):
        await forget()


async def test_who_waits_while_the_virtual_clock_stands_is_told_to_advance_it() -> None:
    app = countdown()
    with virtual_clock(app) as clock:
        async with TestClient(app) as client:
            await client.emit(Say(text="1"))
            with pytest.raises(NothingCame, match=r"stands: `await clock\.elapse\(1\)` wakes"):
                await client.request(Say(text="0"), str, timeout=0.05)
            await clock.elapse(1)
            assert await client.receive(Said) == Said(text="1")
            with pytest.raises(NothingCame) as caught:
                await client.receive(Said, timeout=0.01)
            assert "stands" not in str(caught.value)


async def test_the_clock_of_a_client_needs_a_virtual_one() -> None:
    async with TestClient(talk()) as client:
        with pytest.raises(RuntimeError, match=r"`with virtual_clock\(app\):` around"):
            _ = client.clock


async def test_who_sleeps_when_the_virtual_clock_goes_sleeps_on_by_the_real_one() -> None:
    app, ended = talk(), anyio.Event()

    async def sleep() -> None:
        await app.clock.sleep(1.01)
        ended.set()

    async with anyio.create_task_group() as tasks:
        with virtual_clock(app) as clock:
            tasks.start_soon(sleep)
            await clock.elapse(1)
            assert not ended.is_set()
        with anyio.fail_after(30):
            await ended.wait()


async def test_a_cancelled_sleep_leaves_nothing_behind() -> None:
    app = talk()
    with virtual_clock(app) as clock:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(app.clock.sleep, 5)
            tasks.start_soon(app.clock.sleep, math.inf)
            await clock.elapse(1)
            assert clock.last_in == math.inf
            tasks.cancel_scope.cancel()
        assert clock.last_in is None


class TestRealTime:
    async def test_a_sleep_takes_its_time(self) -> None:
        app = talk()
        begun = app.clock.now()
        await app.clock.sleep(0.02)
        await app.clock.sleep(0)
        assert app.clock.now() - begun >= 0.019

    @pytest.mark.parametrize("seconds", [math.inf, 1e300])
    async def test_a_sleep_of_any_length_can_be_cancelled(self, seconds: float) -> None:
        app = talk()
        with anyio.move_on_after(0.02) as scope:
            await app.clock.sleep(seconds)
        assert scope.cancelled_caught

    @pytest.mark.parametrize("seconds", [-1, math.nan])
    async def test_what_is_no_length_of_time_is_refused(self, seconds: float) -> None:
        app = talk()
        with pytest.raises(ValueError, match="seconds are a number from 0 on"):
            await app.clock.sleep(seconds)
        with virtual_clock(app) as clock, pytest.raises(ValueError, match="forward only"):
            await clock.elapse(seconds)


async def test_the_rates_and_the_clock_are_one_time() -> None:
    app = talk()

    @app.on(Say, rate="1/s", burst=1)
    async def say(event: Say) -> str:
        return event.text

    with virtual_clock(app) as clock:
        async with TestClient(app) as client:
            assert await client.request(Say(text="a"), str) == "a"
            with pytest.raises(RequestError, match="rate_limited"):
                await client.request(Say(text="b"), str)
            await clock.elapse(1)
            assert await client.request(Say(text="c"), str) == "c"


def test_a_parameter_that_is_named_clock_is_no_clock() -> None:
    app = talk()

    async def say(clock: Any) -> None: ...

    hook: Any = app.on(Say)
    with pytest.raises(Exception, match="nothing serves the parameter"):
        hook(say)
