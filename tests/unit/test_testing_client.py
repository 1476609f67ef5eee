"""The test client: every wait ends, and says what came instead."""

import math
from typing import Any

import anyio
import pytest
from anyio import Event as Signal
from anyio import create_task_group
from pydantic import BaseModel, ConfigDict

from bytesocket_app import ByteSocket, ServerEvent, Socket, UndeclaredEvent
from bytesocket_app.errors import Disconnected
from bytesocket_app.testing import NothingCame, RequestError, TestClient, virtual_clock
from bytesocket_app.testing.log import KEPT, FrameLog
from tests.support.talk import Said, Say, Wave, logged, talk, until, wait
from tests.support.ways import WAYS, Connect, Way

pytestmark = pytest.mark.anyio

SOON = 0.02


@pytest.fixture(params=WAYS)
def connect(request: pytest.FixtureRequest) -> Connect:
    """Each way to an application: what a client can do, it can do on all of them."""
    return Way(request.param)


class Length(BaseModel):
    """A reply."""

    length: int


def replying() -> ByteSocket:
    app = talk()
    app.room("lobby").relay(Wave)

    @app.on(Say)
    async def say(socket: Socket, event: Say) -> Length:
        await socket.emit(Said(text=event.text))
        return Length(length=len(event.text))

    return app


@pytest.mark.parametrize("wrong", ["say", {"text": "hi"}])
async def test_what_is_no_event_is_not_sent(wrong: Any, connect: Connect) -> None:
    async with connect(replying()) as client:
        with pytest.raises(TypeError, match=r"pass an event, as in Post\("):
            await client.emit(wrong)
        with pytest.raises(TypeError, match=r"pass an event, as in Post\("):
            await client.request(wrong)


async def test_a_client_that_is_not_entered_sends_and_waits_for_nothing() -> None:
    client = TestClient(replying())
    for call in (
        lambda: client.emit(Say(text="hi")),
        lambda: client.request(Say(text="hi")),
        lambda: client.receive(Said),
        lambda: client.join("lobby"),
        client.wait_closed,
    ):
        with pytest.raises(
            RuntimeError, match=r"not running: use it inside `async with TestClient"
        ):
            await call()


class TestWaits:
    async def test_what_came_instead_is_in_the_message(self, connect: Connect) -> None:
        async with connect(replying()) as client:
            await client.emit(Say(text="hello"))
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(NothingCame) as caught:
                await client.receive(Wave, timeout=SOON)
        text = str(caught.value)
        assert text.startswith("event 'wave' did not come within 0.02 s. The frames:")
        assert "  > {'event': 'say', 'data': {'text': 'hello'}}" in text
        assert "  < {'event': 'said', 'data': {'text': 'hello'}}" in text

    async def test_the_clients_own_deadline_counts_where_no_other_is_given(
        self, connect: Connect
    ) -> None:
        async with connect(talk(), deadline=SOON) as client:
            with pytest.raises(NothingCame, match=r"within 0\.02 s.*\n.*no frames"):
                await client.receive_message()

    async def test_an_end_ends_every_wait(self, connect: Connect) -> None:
        app = talk()
        async with connect(app) as client:
            await app.sockets()[0].close(4000, "bye")
            with pytest.raises(Disconnected, match=r"closed with 4000 'bye' before event 'said'"):
                await client.receive(Said)
            with pytest.raises(Disconnected, match="x closed 4000"):
                await client.request(Say(text="x"))
            assert await client.wait_closed() == (4000, "bye")
            assert client.closed == (4000, "bye")

    async def test_a_connection_that_does_not_end_is_told_so(self, connect: Connect) -> None:
        async with connect(talk()) as client:
            with pytest.raises(NothingCame, match="the end of the connection"):
                await client.wait_closed(timeout=SOON)
            assert client.closed is None

    async def test_early_arrivals_are_kept_each_for_one_wait(self, connect: Connect) -> None:
        async with connect(replying()) as client:
            assert await client.request(Say(text="a"), Length) == Length(length=1)
            assert await client.request(Say(text="bb")) == {"length": 2}
            assert (await client.receive(Said)).text == "a"
            assert (await client.receive(Said)).text == "bb"
            with pytest.raises(NothingCame):
                await client.receive(Said, timeout=SOON)

    async def test_several_waits_at_once_each_get_theirs(self, connect: Connect) -> None:
        app = talk()
        gates = {name: Signal() for name in ("first", "second")}

        @app.on(Say, concurrent=True)
        async def say(event: Say) -> str:
            await gates[event.text].wait()
            return event.text

        replies: list[str] = []

        async with connect(app) as client, create_task_group() as tasks:

            async def ask(text: str) -> None:
                replies.append(await client.request(Say(text=text), str))

            for text in gates:
                tasks.start_soon(ask, text)
            await anyio.wait_all_tasks_blocked()
            gates["second"].set()
            await until(lambda: replies == ["second"])
            gates["first"].set()
        assert replies == ["second", "first"]

    async def test_rooms_are_told_apart(self, connect: Connect) -> None:
        app = replying()
        for room in ("a", "b", "c"):
            app.room(room)
        async with connect(app) as client:
            for room in ("a", "b"):
                await app.sockets()[0].rooms.join(room)
            await app.rooms.emit("a", Said(text="in a"))
            await app.rooms.bulk.emit(["b", "c"], Said(text="in b"))
            assert (await client.receive(Said, room="b")).text == "in b"
            assert (await client.receive(Said, room="a")).text == "in a"


class TestVerbs:
    async def test_a_handles_payload_goes_and_comes(self, connect: Connect) -> None:
        app = ByteSocket(title="T")
        score = app.declare("score", int)
        app.room("game").relay(score)
        async with connect(app) as a, connect(app, codec="binary") as b:
            for client in (a, b):
                await client.join("game")
            await a.emit(score(7), room="game")
            assert await b.receive(score) == 7

    async def test_an_undeclared_event_cannot_come(self, connect: Connect) -> None:
        class Never(ServerEvent, name="never"):
            """Not declared."""

        async with connect(talk()) as client:
            with pytest.raises(UndeclaredEvent, match="it cannot come"):
                await client.receive(Never)

    async def test_leaving_is_answered_and_may_be_refused(self, connect: Connect) -> None:
        app = replying()
        async with connect(app) as client:
            await client.join("lobby")
            await client.leave("lobby")
            assert app.sockets()[0].rooms.list() == []
            with pytest.raises(RequestError):
                await client.leave("__bytesocket_broadcast__")

    async def test_headers_and_query_reach_the_application(self, connect: Connect) -> None:
        app = talk()
        async with connect(app, headers={"User-Agent": "me"}, query="a=1"):
            socket = app.sockets()[0]
            assert (socket.user_agent, socket.query, socket.client) == (
                "me",
                "a=1",
                ("testclient", 0),
            )

    async def test_closing_is_the_clients_to_do(self, connect: Connect) -> None:
        app = talk()
        ends: list[tuple[int, str]] = []

        @app.lifecycle.close
        async def closed(code: int, reason: str) -> None:
            ends.append((code, reason))

        async with connect(app) as client:
            await client.close(4001, "mine")
            await client.close(4002, "again")
        assert ends == [(4001, "mine")]


class TestEnds:
    async def test_a_broadcast_right_after_entering_arrives(self, connect: Connect) -> None:
        app = talk()
        async with connect(app) as client:
            await app.broadcast(Said(text="x"))
            assert (await client.receive(Said)).text == "x"

    async def test_a_handler_that_hangs_fails_the_test_and_not_the_suite(
        self, connect: Connect
    ) -> None:
        app, begun = talk(), Signal()

        @app.on(Say)
        async def hang() -> None:
            begun.set()
            await anyio.sleep_forever()

        async def fail() -> None:
            async with connect(app, deadline=SOON) as client:
                await client.emit(Say(text="x"))
                await wait(begun)

        with pytest.raises(NothingCame, match=r"at work 0\.02 s after the end"):
            await fail()
        assert not app.housekeeping.connections

    async def test_a_failing_test_keeps_its_own_error(self, connect: Connect) -> None:
        app, begun = talk(), Signal()

        @app.on(Say)
        async def hang() -> None:
            begun.set()
            await anyio.sleep_forever()

        async def fail() -> None:
            async with connect(app, deadline=SOON) as client:
                await client.emit(Say(text="x"))
                await wait(begun)
                raise LookupError("mine")

        with pytest.raises(LookupError, match="mine"):
            await fail()

    async def test_a_refused_client_leaves_nothing(
        self, caplog: pytest.LogCaptureFixture, connect: Connect
    ) -> None:
        app = talk()

        @app.auth
        async def auth(credentials: str) -> str:
            raise LookupError(credentials)

        with pytest.raises(RequestError):
            await connect(app, "x").__aenter__()
        assert not app.housekeeping.connections
        assert logged(caplog)

    async def test_a_client_whose_credentials_hang_is_told(self, connect: Connect) -> None:
        app = talk()

        @app.auth
        async def auth(credentials: str) -> str:
            await anyio.sleep_forever()
            return credentials

        with pytest.raises(NothingCame, match="the answer to the credentials"):
            await connect(app, "x", deadline=SOON).__aenter__()


def test_the_log_keeps_the_last_frames() -> None:
    log = FrameLog()
    for number in range(KEPT + 1):
        log.sent(number)
    lines = str(log).splitlines()
    assert (lines[0], lines[-1], len(lines)) == ("  > 1", f"  > {KEPT}", KEPT)


async def test_a_virtual_clock_gives_the_real_one_back() -> None:
    app = talk()
    real = app.housekeeping.clock
    with virtual_clock(app) as clock:
        begun = app.housekeeping.clock()
        clock.advance(3)
        assert math.isclose(app.housekeeping.clock() - begun, 3)
    assert app.housekeeping.clock is real


class Secret(BaseModel):
    """Credentials with bytes."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    token: bytes


@pytest.mark.parametrize("codec", ["json", "binary"])
async def test_credentials_may_hold_bytes(codec: Any, connect: Connect) -> None:
    app = talk()

    @app.auth
    async def authenticate(credentials: Secret) -> bytes:
        return credentials.token

    async with connect(app, Secret(token=b"\xff\x00"), codec=codec):
        assert app.sockets()[0].user == b"\xff\x00"
