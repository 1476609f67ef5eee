"""A loss is public at once; what came before it is handled, for a bounded time, and counted."""

from typing import Any

import anyio
import pytest
from anyio import Event as Signal

from bytesocket_app import (
    CallNext,
    ConfigurationError,
    Message,
    Refusal,
    Settings,
    Socket,
    Timeouts,
)
from bytesocket_app.telemetry import Count, Operation
from bytesocket_app.testing import TestClient, virtual_clock
from tests.support.listening import Noted
from tests.support.talk import Said, Say, Wave, logged, talk, until, wait

pytestmark = pytest.mark.anyio


async def test_a_loss_is_public_whatever_a_handler_is_doing() -> None:
    app = talk(Settings(timeouts=Timeouts(handler=0)))
    lobby = app.room("lobby")
    begun, gate = Signal(), Signal()

    @app.auth(key=str)
    async def authenticate(credentials: str) -> str:
        return credentials

    @app.on(Say)
    async def hang() -> None:
        begun.set()
        await gate.wait()

    async with TestClient(app, "ann") as client:
        await client.join("lobby")
        (socket,) = app.sockets()
        await client.emit(Say(text="go"))
        await wait(begun)
        await client.close(4001, "mine")
        assert socket.is_closed
        assert not socket.can_send
        assert lobby.count() == 0
        assert app.sockets() == []
        assert len(app.memberships.users) == 0
        assert await socket.wait_closed() == (4001, "mine")
        assert await socket.emit(Said(text="x")) == "dropped"
        gate.set()


async def test_a_loop_that_emits_until_its_client_is_gone_ends() -> None:
    app = talk(Settings(timeouts=Timeouts(handler=0)))
    outcomes = set[str]()

    @app.on(Say)
    async def stream(socket: Socket) -> None:
        while not socket.is_closed:
            outcomes.add(await socket.emit(Said(text="again")))
            await anyio.lowlevel.checkpoint()

    async with TestClient(app) as client:
        await client.emit(Say(text="go"))
        await client.receive(Said)
    assert outcomes <= {"sent", "queued", "dropped"}


async def test_what_was_said_before_a_loss_reaches_the_others() -> None:
    app = talk()
    lobby = app.room("lobby")
    lobby.relay(Wave)

    @lobby.on(Say)
    async def say(socket: Socket, event: Say) -> None:
        await socket.rooms.emit("lobby", Said(text=event.text))

    async with TestClient(app) as bob:
        await bob.join("lobby")
        async with TestClient(app) as ann:
            await ann.join("lobby")
            await ann.emit(Wave(hand="right"), room="lobby")
            await ann.emit(Say(text="bye"), room="lobby")
            await ann.close()
        assert await bob.receive(Wave) == Wave(hand="right")
        assert await bob.receive(Said) == Said(text="bye")


async def test_who_joins_speaks_and_leaves_in_one_breath_is_heard() -> None:
    app, log = talk(), list[str]()
    lobby = app.room("lobby")
    lobby.relay(Wave)
    lobby.on_join(lambda: log.append("joined"))
    lobby.on_leave(lambda: log.append("left"))
    async with TestClient(app) as bob:
        await bob.join("lobby")
        async with TestClient(app) as ann:
            await ann.send({"type": 9, "room": "lobby"})
            await ann.emit(Wave(), room="lobby")
            await ann.close()
        assert await bob.receive(Wave) == Wave()
        assert lobby.count() == 1
    assert log == ["joined", "left"]


async def test_who_left_before_the_loss_is_not_heard_after_its_leave() -> None:
    app, log = talk(), list[str]()
    lobby = app.room("lobby")
    lobby.relay(Wave)
    lobby.on_leave(lambda: log.append("left"))
    async with TestClient(app) as bob:
        await bob.join("lobby")
        async with TestClient(app) as ann:
            await ann.join("lobby")
            await ann.emit(Wave(hand="before"), room="lobby")
            await ann.send({"type": 12, "room": "lobby"})
            await ann.emit(Wave(hand="after"), room="lobby")
            await ann.close()
        assert log == ["left"]
        await lobby.emit(Said(text="end"))
        assert await bob.receive_message() == {
            "event": "wave",
            "room": "lobby",
            "data": {"hand": "before"},
        }
        assert (await bob.receive_message())["event"] == "said"


async def test_who_is_kicked_after_the_loss_is_not_heard_any_more() -> None:
    app, log = talk(), list[str]()
    lobby = app.room("lobby")
    lobby.relay(Wave)
    lobby.on_leave(lambda: log.append("left"))
    begun, gate = Signal(), Signal()

    @app.on(Say)
    async def kick(socket: Socket) -> None:
        begun.set()
        await gate.wait()
        await lobby.at().leave(socket)

    async with TestClient(app) as bob:
        await bob.join("lobby")
        async with TestClient(app) as ann:
            await ann.join("lobby")
            await ann.emit(Say(text="kick me"))
            await ann.emit(Wave(), room="lobby")
            await wait(begun)
            await ann.close()
            gate.set()
        assert log == ["left"]
        await lobby.emit(Said(text="end"))
        assert (await bob.receive_message())["event"] == "said"


async def test_a_hook_of_a_loss_that_hangs_keeps_the_others_from_nothing() -> None:
    app, log = talk(Settings(timeouts=Timeouts(close=0.05))), list[str]()
    for name in ("a", "b", "c"):
        room = app.room(name)

        @room.on_leave
        async def hang(room: str) -> None:
            log.append(room)
            await anyio.sleep_forever()

        @room.on_leave
        async def left(room: str) -> None:
            await anyio.lowlevel.checkpoint()
            log.append(f"{room} left")

    app.lifecycle.close(lambda: log.append("closed"))
    async with TestClient(app) as client:
        for name in ("a", "b", "c"):
            await client.join(name)
    assert log == ["a", "a left", "b", "b left", "c", "c left", "closed"]


async def test_hooks_of_a_loss_run_once_after_what_came_before() -> None:
    app, log = talk(), list[str]()
    lobby = app.room("lobby")
    gate = Signal()

    @app.on(Say)
    async def say(event: Say) -> None:
        await gate.wait()
        log.append(event.text)

    lobby.on_leave(lambda: log.append("left"))
    app.lifecycle.close(lambda: log.append("closed"))
    async with TestClient(app) as client:
        await client.join("lobby")
        await client.emit(Say(text="one"))
        await client.emit(Say(text="two"))
        await client.close()
        assert log == []
        gate.set()
    assert log == ["one", "two", "left", "closed"]


@pytest.mark.parametrize("concurrent", [False, True])
async def test_work_for_the_gone_ends_after_its_time_and_is_counted(
    concurrent: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app = talk(Settings(timeouts=Timeouts(handler=0, after_close=5)))
    app.telemetry.listener = noted = Noted()
    begun, log = Signal(), list[str]()

    @app.on(Say, concurrent=concurrent)
    async def hang(event: Say) -> None:
        begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            log.append(event.text)

    with virtual_clock(app) as clock:
        async with TestClient(app) as client:
            for number in range(3):
                await client.emit(Say(text=str(number)))
            await wait(begun)
            await client.close()
            clock.advance(4.9)
            assert app.housekeeping.connections
            clock.advance(0.2)
            await until(lambda: not app.housekeeping.connections)
    assert sorted(log) == (["0", "1", "2"] if concurrent else ["0"])
    assert sum(noted.amounts(Count.DROPPED)) == (3 if concurrent else 2)
    assert "took too long and is dropped" in logged(caplog, 30)[0]


@pytest.mark.parametrize("concurrent", [False, True])
async def test_a_handler_may_be_cancelled_with_its_connection(concurrent: bool) -> None:
    app, log = talk(), list[str]()
    begun = Signal()

    @app.on(Say, cancel_on_close=True, concurrent=concurrent)
    async def stream() -> None:
        begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            log.append("cleaned up")

    async with TestClient(app) as client:
        await client.emit(Say(text="go"))
        await wait(begun)
        await client.close()
        await until(lambda: log)
    assert log == ["cleaned up"]


async def test_what_waits_for_a_handler_that_ends_with_its_connection_is_not_begun() -> None:
    app, log = talk(), list[str]()
    begun = Signal()

    @app.on(Say, cancel_on_close=True)
    async def stream(event: Say) -> None:
        log.append(event.text)
        begun.set()
        await anyio.sleep_forever()

    async with TestClient(app) as client:
        await client.emit(Say(text="one"))
        await client.emit(Say(text="two"))
        await wait(begun)
    assert log == ["one"]


@pytest.mark.parametrize("is_begun", [True, False])
async def test_middleware_and_telemetry_hear_of_a_handler_that_ended_with_its_connection(
    is_begun: bool,
) -> None:
    app, heard = talk(), list[str]()
    noted = app.telemetry.listener = Noted()
    begun, gate = Signal(), Signal()

    @app.middleware
    async def transaction(socket: Socket, message: Message, call_next: CallNext) -> None:
        begun.set()
        if not is_begun:
            await gate.wait()
        try:
            await call_next(message)
        except Refusal as refusal:
            heard.append(refusal.code)
            raise
        heard.append("commit")

    @app.on(Say, cancel_on_close=True)
    async def pay(event: Say) -> str:
        await anyio.sleep_forever()
        return "paid"

    async with TestClient(app) as client:
        await client.emit(Say(text="go"))
        await wait(begun)
        await client.close()
        gate.set()
        await until(lambda: heard)
    assert heard == ["cancelled"]
    assert [outcome for _, outcome in noted.of(Operation.MESSAGE)] == ["cancelled"]


def test_a_thread_cannot_be_cancelled_with_its_connection() -> None:
    def say(event: Say) -> None:
        raise NotImplementedError

    with pytest.raises(ConfigurationError, match=r"test_losses.py:\d+: a `def` cannot have cancel"):
        talk().on(Say, cancel_on_close=True)(say)


async def test_a_lost_connection_whose_authentication_is_pending_opens_nothing() -> None:
    app, log = talk(), list[str]()
    begun, gate = Signal(), Signal()

    @app.auth
    async def authenticate(credentials: str) -> str:
        begun.set()
        await gate.wait()
        return credentials

    app.lifecycle.open(lambda: log.append("open"))
    app.lifecycle.auth_success(lambda: log.append("success"))
    app.lifecycle.close(lambda: log.append("close"))
    async with TestClient(app) as client:
        await client.send({"type": 4, "data": "ann"})
        await wait(begun)
        await client.close()
        gate.set()
    assert log == ["close"]


async def test_the_end_of_a_handshake_that_was_refused_is_told_to_who_waits() -> None:
    app, ends = talk(), list[tuple[int, str]]()
    held: list[Socket] = []

    @app.auth
    async def authenticate(socket: Socket) -> Any:
        held.append(socket)
        raise ValueError("no")

    with pytest.raises(Exception, match="500"):
        async with TestClient(app):
            raise NotImplementedError
    with anyio.fail_after(5):
        ends.append(await held[0].wait_closed())
    assert ends == [(1006, "")]
