"""One connection: its order, its deadlines, its end."""

# pyright: reportPrivateUsage=false
# What must not leak or be encoded twice is looked at from inside.

import logging
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import anyio
import pytest
from anyio import Event as Signal
from anyio import create_task_group
from typing_extensions import override

from bytesocket_app import (
    ByteSocket,
    CallNext,
    ErrorContext,
    Limits,
    Message,
    Policies,
    Settings,
    Socket,
    Timeouts,
)
from bytesocket_app.errors import where
from bytesocket_app.serving.connection import Connection
from bytesocket_app.telemetry import Count, Operation, TelemetryListener, Value
from bytesocket_app.testing import TestClient, virtual_clock
from bytesocket_app.transports import Acceptance, Handshake, Transport
from bytesocket_app.transports.memory import MemoryTransport
from bytesocket_app.wire.frame import Frame
from tests.support.talk import Said, Say, error, logged, talk, until, wait
from tests.support.turns import a_turn

pytestmark = pytest.mark.anyio

PING = b""


def recording(app: ByteSocket) -> list[str]:
    """Have what is said written down."""
    heard: list[str] = []

    @app.on(Say)
    async def say(event: Say) -> None:
        heard.append(event.text)

    return heard


async def say(client: TestClient, *texts: str) -> None:
    for text in texts:
        await client.emit(Say(text=text))


class TestOrder:
    async def test_a_fast_message_does_not_overtake_a_slow_one(self) -> None:
        app = talk()
        heard = recording(app)
        slow, begun = Signal(), Signal()

        @app.middleware
        async def delay(socket: Socket, message: Message, call_next: CallNext) -> None:
            if message.data["text"] == "slow":
                begun.set()
                await slow.wait()
            await call_next(message)

        async with TestClient(app) as client:
            await say(client, "slow", "fast")
            await wait(begun)
            assert heard == []
            slow.set()
            await until(lambda: len(heard) == 2)
        assert heard == ["slow", "fast"]

    async def test_pings_are_answered_while_a_handler_runs(self) -> None:
        app = talk()
        gate = Signal()

        @app.on(Say)
        async def wait_for_it(socket: Socket) -> None:
            await gate.wait()
            await socket.emit(Said(text="done"))

        async with TestClient(app) as client:
            await say(client, "go")
            await client.send_raw(PING)
            assert await client.receive_message() == PING
            gate.set()
            await client.receive(Said)

    async def test_a_concurrent_handler_lets_the_next_message_pass(self) -> None:
        app = talk()
        gate, heard = Signal(), list[str]()

        @app.on(Say, concurrent=True)
        async def listen(event: Say) -> str:
            if event.text == "first":
                await gate.wait()
            heard.append(event.text)
            return event.text

        async with TestClient(app) as client, create_task_group() as tasks:
            tasks.start_soon(client.request, Say(text="first"))
            assert await client.request(Say(text="second"), str) == "second"
            gate.set()
        assert heard == ["second", "first"]

    async def test_the_close_hook_waits_for_concurrent_handlers(self) -> None:
        app = talk()
        gate, order = Signal(), list[str]()

        @app.on(Say, concurrent=True)
        async def listen() -> None:
            await gate.wait()
            order.append("handler")

        @app.lifecycle.close
        async def closed() -> None:
            order.append("close")

        async with TestClient(app) as client:
            await say(client, "go")
            await client.close()
            gate.set()
        assert order == ["handler", "close"]

    async def test_a_mistake_beside_the_others_is_logged(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = talk()
        async with TestClient(app) as client:
            await until(lambda: app.housekeeping.connections)
            session = next(iter(app.housekeeping.connections))
            assert isinstance(session, Connection)

            async def defect() -> None:
                raise KeyError("ours")

            session.step.spawn(session.step.fork(), defect)
            await until(lambda: logged(caplog))
            assert client.closed is None
        assert "a concurrent handler failed" in logged(caplog)[0]


class TestBacklog:
    async def test_a_full_inbox_pauses_the_reader_until_half_of_it_is_done(self) -> None:
        app = talk(Settings(limits=Limits(inbox=4)))
        steps, sent = [Signal() for _ in range(12)], list[int]()
        begun = list[int]()

        @app.on(Say)
        async def listen(event: Say) -> None:
            begun.append(int(event.text))
            await steps[int(event.text)].wait()

        async def flood(client: TestClient) -> None:
            for number in range(12):
                await client.emit(Say(text=str(number)))
                sent.append(number)

        async with TestClient(app) as client, create_task_group() as tasks:
            tasks.start_soon(flood, client)
            await until(lambda: begun == [0])
            await anyio.wait_all_tasks_blocked()
            assert len(sent) == 3  # the sender of the fourth waits
            steps[0].set()
            await until(lambda: begun == [0, 1])
            await anyio.wait_all_tasks_blocked()
            assert len(sent) == 3
            steps[1].set()
            await until(lambda: len(sent) > 3)
            for step in steps:
                step.set()
            await until(lambda: len(begun) == 12)

    async def test_a_socket_that_closes_itself_while_paused_lets_the_reader_go(self) -> None:
        app = talk(Settings(limits=Limits(inbox=4)))

        @app.on(Say)
        async def leave(socket: Socket) -> None:
            await socket.close(4444, "enough")

        async with TestClient(app) as client:
            await say(client, *"123456789")
            assert await client.wait_closed() == (4444, "enough")


class TestSize:
    @pytest.mark.parametrize("text", ["x" * 101, "ä" * 51])
    async def test_a_message_too_big_closes_1009(self, text: str) -> None:
        app = talk(Settings(limits=Limits(message_bytes=100)))
        async with TestClient(app) as client:
            await client.send_raw(text)
            assert await client.wait_closed() == (1009, "message too big")

    async def test_before_authentication_16_kib_are_too_much(self) -> None:
        app = talk()

        @app.auth
        async def auth(credentials: str) -> str:
            return credentials

        async with TestClient(app) as client:
            await client.send({"type": 4, "data": "x" * 16 * 1024})
            assert await client.wait_closed() == (1009, "message too big")
        async with TestClient(app, "me") as client:
            await client.send({"event": "unheard", "data": "x" * 16 * 1024})
            assert error(await client.receive_message())["code"] == "unknown_event"

    async def test_no_limit_is_no_limit(self) -> None:
        app = talk(Settings(limits=Limits(message_bytes=0, auth_message_bytes=0)))
        heard = recording(app)
        async with TestClient(app) as client:
            await say(client, "x" * (1 << 21))
            await until(lambda: heard)


class TestDeadlines:
    async def test_a_handler_over_its_time_is_answered_and_the_connection_goes_on(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = talk()
        begun = Signal()

        @app.on(Say)
        async def hang(event: Say) -> str:
            if event.text == "hang":
                begun.set()
                await anyio.sleep_forever()
            return event.text

        with virtual_clock(app) as clock:
            async with TestClient(app) as client:
                await client.send({"event": "say", "data": {"text": "hang"}, "id": 7})
                await wait(begun)
                clock.advance(29.9)
                clock.advance(0.2)
                answer = await client.receive_message()
                assert (answer["type"], answer["id"]) == (33, 7)
                assert error(answer)["code"] == "timeout"
                assert await client.request(Say(text="still here"), str) == "still here"
        assert "took too long" in logged(caplog)[0]

    async def test_a_handler_in_a_thread_ends_in_its_time_and_takes_nothing_with_it(self) -> None:
        app = talk()
        gate, begun = threading.Event(), threading.Event()

        @app.on(Say)
        def block(event: Say) -> str:
            if event.text == "block":
                begun.set()
                assert gate.wait(30)
            return event.text

        with virtual_clock(app) as clock:
            async with TestClient(app) as client:
                await client.send({"event": "say", "data": {"text": "block"}, "id": 1})
                await client.send({"event": "say", "data": {"text": "next"}, "id": 2})
                await until(begun.is_set)
                clock.advance(31)
                clock.advance(1)
                gate.set()
                for identity, text in ((1, "block"), (2, "next")):
                    answer = await client.receive_message()
                    assert answer == {"type": 32, "id": identity, "data": text}

    async def test_middleware_over_its_time_is_answered_and_reported_once(self) -> None:
        app = talk()
        heard, begun, reports = recording(app), Signal(), list[ErrorContext]()

        @app.middleware
        async def hang(socket: Socket, message: Message, call_next: CallNext) -> None:
            if message.data["text"] == "hang":
                begun.set()
                await anyio.sleep_forever()
            await call_next(message)

        @app.lifecycle.error
        async def report(context: ErrorContext) -> None:
            reports.append(context)

        with virtual_clock(app) as clock:
            async with TestClient(app) as client:
                await say(client, "hang")
                await wait(begun)
                clock.advance(11)
                answer = await client.receive_message()
                assert answer["type"] == 3
                assert answer["data"]["phase"] == "middlewareTimeout"
                await say(client, "next")
                await until(lambda: heard)
        assert heard == ["next"]
        assert [str(context.error) for context in reports] == ["Middleware timeout after 10 s"]

    async def test_a_handlers_time_is_not_the_middlewares(self) -> None:
        app = talk()
        gate, begun, after = Signal(), Signal(), Signal()

        @app.middleware
        async def around(socket: Socket, message: Message, call_next: CallNext) -> None:
            await call_next(replace(message, data={"text": "changed"}))
            after.set()
            await anyio.sleep_forever()

        @app.on(Say)
        async def slow(event: Say) -> str:
            begun.set()
            await gate.wait()
            return event.text

        with virtual_clock(app) as clock:
            async with TestClient(app) as client:
                await client.send({"event": "say", "data": {}, "id": 1})
                await wait(begun)
                clock.advance(20)
                gate.set()
                await wait(after)
                clock.advance(11)
                answer = await client.receive_message()
                assert (answer["type"], answer["id"]) == (33, 1)
                assert answer["data"]["phase"] == "middlewareTimeout"

    async def test_an_idle_connection_is_closed_and_a_ping_keeps_one_alive(self) -> None:
        app = talk()
        with virtual_clock(app) as clock:
            async with TestClient(app) as busy, TestClient(app) as idle:
                clock.advance(119)
                await busy.send_raw(PING)
                clock.advance(2)
                assert await idle.wait_closed() == (1001, "idle timeout")
                assert busy.closed is None

    async def test_a_peer_that_never_answers_the_close_is_dropped(self) -> None:
        app = talk()
        closed: list[tuple[int, str]] = []

        @app.lifecycle.close
        async def note(code: int, reason: str) -> None:
            closed.append((code, reason))

        with virtual_clock(app) as clock:
            async with stubborn(app) as transport:
                socket = app.sockets()[0]
                await socket.close(4000, "bye")
                clock.advance(9.5)
                assert transport.aborts == 0
                clock.advance(1)
                assert transport.aborts == 1
                await until(lambda: closed)
        assert closed == [(4000, "bye")]

    async def test_what_an_open_hook_waits_for_does_not_outlive_the_connection(self) -> None:
        app = talk()
        begun = Signal()

        @app.lifecycle.open
        async def hang() -> None:
            begun.set()
            await anyio.sleep_forever()

        with virtual_clock(app) as clock:
            async with stubborn(app):
                await wait(begun)
                await app.sockets()[0].close()
                clock.advance(1)
                clock.advance(11)
                await until(lambda: not app.housekeeping.connections)


class TestEnd:
    async def test_messages_before_the_peers_close_are_handled_and_hooks_run_once(self) -> None:
        app = talk()
        order: list[Any] = []
        gate = Signal()

        @app.on(Say)
        async def listen(event: Say) -> None:
            await gate.wait()
            order.append(event.text)

        @app.lifecycle.close
        async def closed(socket: Socket, code: int, reason: str) -> None:
            order.append((code, reason, socket.is_closed))

        async with TestClient(app) as client:
            await say(client, "one", "two")
            await client.close(4321, "mine")
            gate.set()
        assert order == ["one", "two", (4321, "mine", True)]

    async def test_frames_after_our_close_are_dropped(self) -> None:
        app = talk()
        heard: list[str] = []

        @app.on(Say)
        async def leave(socket: Socket, event: Say) -> None:
            heard.append(event.text)
            await socket.close()

        async with stubborn(app) as transport:
            for text in ("one", "two"):
                transport.say(text)
            await until(lambda: transport.closing)
            transport.say("three")
            transport.peer_closes(1000)
            await until(lambda: not app.housekeeping.connections)
        assert heard == ["one"]
        assert transport.closing == (1000, "normal")

    async def test_a_defect_of_ours_costs_one_connection(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app = talk()

        async def defect(*_: object) -> None:
            raise KeyError("ours")

        async with TestClient(app) as client, TestClient(app) as other:
            monkeypatch.setattr(app.endpoint._dispatcher, "dispatch", defect)
            await say(client, "x")
            assert await client.wait_closed() == (1011, "internal error")
            assert other.closed is None
        assert "dispatch failed" in logged(caplog)[0]

    async def test_hooks_that_hang_end_with_the_connection_and_leave_no_note(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = talk(Settings(timeouts=Timeouts(close=0.2)))
        lobby = app.room("lobby")
        closed = list[int]()

        @lobby.on_leave
        async def hang() -> None:
            await anyio.sleep_forever()

        @app.lifecycle.close
        async def close(code: int) -> None:
            closed.append(code)

        async with TestClient(app) as client:
            await client.join("lobby")
        assert closed == [1000]
        first, second = logged(caplog, logging.WARNING)
        assert f"hook {where(hang)} of room 'lobby' was cut off" in first
        assert "leave hooks took too long" in second
        assert not app.memberships._ends

    async def test_a_cancelled_connection_still_runs_its_hooks(self) -> None:
        app = talk()
        closed = list[int]()

        @app.lifecycle.close
        async def close(code: int) -> None:
            await anyio.lowlevel.checkpoint()
            closed.append(code)

        async with stubborn(app) as transport:
            transport.tasks.cancel_scope.cancel()
        assert closed == [1001]
        assert not app.housekeeping.connections

    async def test_only_the_first_end_counts(self) -> None:
        app = talk()
        closed = list[int]()

        @app.lifecycle.close
        async def close(code: int) -> None:
            closed.append(code)

        async with stubborn(app) as transport:
            transport.peer_closes(4001)
            transport.peer_closes(4002)
            await until(lambda: closed)
        assert closed == [4001]


class TestSlowReaders:
    async def test_one_is_closed_with_1013_and_the_others_get_all(self) -> None:
        app = talk(Settings(limits=Limits(outbox_bytes=1000)))
        async with TestClient(app) as slow, TestClient(app) as quick:
            for number in range(5):
                await app.broadcast(Said(text=f"{number}" * 300))
                assert (await quick.receive(Said)).text[0] == str(number)
            assert await slow.wait_closed() == (1013, "slow reader")
            assert quick.closed is None

    async def test_under_drop_oldest_the_newest_arrive(self) -> None:
        settings = Settings(
            limits=Limits(outbox_bytes=1000), policies=Policies(slow_reader="drop_oldest")
        )
        app = talk(settings)
        dropped = list[int]()
        app.telemetry.listener = counts(Count.DROPPED, dropped)
        async with TestClient(app) as slow:
            for number in range(9):
                await app.broadcast(Said(text=f"{number}" * 300))
                await a_turn()
            # The last one has not had its turn, and so does not count yet.
            assert [(await slow.receive(Said)).text[0] for _ in range(3)] == ["6", "7", "8"]
            assert dropped == [1] * 6

    async def test_pings_that_are_never_read_count_too(self) -> None:
        app = talk(Settings(limits=Limits(outbox_bytes=1000)))
        async with TestClient(app) as client:
            for _ in range(100):
                await client.send_raw(PING)
                await a_turn()
            assert await client.wait_closed() == (1013, "slow reader")


def counts(count: Count, amounts: list[int]) -> TelemetryListener:
    """Note how many of one thing are counted."""

    class Listener:
        def began(self, operation: Operation, values: Mapping[str, Value], /) -> None:
            pass

        def ended(self, token: Any, outcome: str, /) -> None:
            pass

        def counted(self, what: Count, amount: int, values: Mapping[str, Value], /) -> None:
            if what is count:
                amounts.append(amount)

    return Listener()


class Stubborn(MemoryTransport):
    """A peer that answers a close when it likes, and a close frame when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.closing: tuple[int, str] | None = None
        self.aborts = 0
        self.tasks: anyio.abc.TaskGroup

    @override
    def close(self, code: int, reason: str) -> None:
        self.closing = self.closing or (code, reason)

    @override
    def abort(self) -> None:
        self.aborts += 1
        self.peer_closes(1006)

    def say(self, text: str) -> None:
        assert self.receiver is not None
        self.receiver.received(f'{{"event":"say","data":{{"text":"{text}"}}}}', False)
        self.wake()

    def peer_closes(self, code: int) -> None:
        assert self.receiver is not None
        self.receiver.lost(code, "")


class stubborn:  # noqa: N801 - reads as a function
    """Connect a stubborn peer for the block."""

    def __init__(self, app: ByteSocket) -> None:
        self._app = app
        self._transport = Stubborn()
        self._group = create_task_group()

    async def __aenter__(self) -> Stubborn:
        handshake = Handshake("/ws")
        accepted = await self._app.endpoint.admit(handshake)
        assert isinstance(accepted, Acceptance), accepted
        tasks = await self._group.__aenter__()
        self._transport.tasks = tasks
        receiver = self._app.endpoint.open(handshake, self._transport, accepted, tasks)
        self._transport.receiver = receiver
        tasks.start_soon(receiver.run)
        await until(lambda: self._app.housekeeping.connections)
        return self._transport

    async def __aexit__(self, *exc: object) -> None:
        if not self._group.cancel_scope.cancel_called:
            self._transport.peer_closes(1006)
        self._group.cancel_scope.deadline = anyio.current_time() + 10
        await self._group.__aexit__(None, None, None)


def test_the_doubles_are_transports() -> None:
    transport: Transport = Stubborn()
    transport.write(Frame(b"x", is_binary=True))
    assert transport.buffered
