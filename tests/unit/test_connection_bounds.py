"""What one connection may hold, and how long it may work for a peer that is gone."""

# pyright: reportPrivateUsage=false
# What a connection holds is looked at from inside.

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from weakref import WeakSet

import anyio
import pytest
from anyio import Event as Signal
from anyio import create_task_group

from bytesocket_app import (
    ByteSocket,
    CallNext,
    Limits,
    Message,
    Settings,
    Socket,
    Timeouts,
)
from bytesocket_app.errors import where
from bytesocket_app.serving.connection import Connection
from bytesocket_app.telemetry import Count
from bytesocket_app.testing import TestClient, virtual_clock
from bytesocket_app.transports import Acceptance, Handshake
from bytesocket_app.transports.memory import MemoryTransport
from tests.support.listening import Noted
from tests.support.talk import Say, Wave, logged, talk, until, wait

pytestmark = pytest.mark.anyio

KIB = 1024
PING = b""


def limited(**limits: int) -> ByteSocket:
    return talk(Settings(limits=Limits(**limits)))


def connection_of(app: ByteSocket, number: int = 0) -> Connection:
    found = list(app.housekeeping.connections)[number]
    assert isinstance(found, Connection)
    return found


def saying(text: str) -> str:
    return f'{{"event":"say","data":{{"text":"{text}"}}}}'


class Gate:
    """A handler that waits, and what has begun and ended in it."""

    def __init__(self, app: ByteSocket, *, concurrent: bool = False) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.most = 0
        self._steps: dict[str, Signal] = {}
        self._all = False
        app.on(Say, concurrent=concurrent)(self.wait)

    async def wait(self, event: Say) -> None:
        self.begun.append(event.text)
        step = self._steps[event.text] = Signal()
        self.most = max(self.most, len(self._steps))
        try:
            if not self._all:
                await step.wait()
        finally:
            self.ended.append(event.text)
            self._steps.pop(event.text, None)

    def open(self, text: str) -> None:
        self._steps.pop(text).set()

    def is_full(self, count: int) -> bool:
        """True while so many wait."""
        return len(self._steps) == count

    def open_all(self) -> None:
        self._all = True
        for step in self._steps.values():
            step.set()


class Flood:
    """A client that sends messages as long as it is let."""

    def __init__(self, client: TestClient, texts: list[str]) -> None:
        self.sent = 0
        self._client = client
        self._texts = texts

    async def __call__(self) -> None:
        for text in self._texts:
            await self._client.emit(Say(text=text))
            self.sent += 1


def numbered(count: int, size: int = 0) -> list[str]:
    return [f"{number:04}".ljust(size, "x") for number in range(count)]


@asynccontextmanager
async def opened(app: ByteSocket) -> AsyncGenerator[Connection]:
    """Open a connection that a test pushes into itself."""
    handshake, transport = Handshake("/ws"), MemoryTransport()
    accepted = await app.endpoint.admit(handshake)
    assert isinstance(accepted, Acceptance)
    async with create_task_group() as tasks:
        receiver = app.endpoint.open(handshake, transport, accepted, tasks)
        transport.receiver = receiver
        tasks.start_soon(transport.run, receiver)
        await until(lambda: app.housekeeping.connections)
        try:
            yield connection_of(app)
        finally:
            transport.end(1006, "")


class Text(str):
    """A message that can be seen to be freed."""

    __slots__ = ("__weakref__",)


class TestBytes:
    async def test_32_messages_of_a_mebibyte_do_not_wait_together(self) -> None:
        app = talk()
        gate = Gate(app)
        async with TestClient(app) as client, create_task_group() as tasks:
            flood = Flood(client, numbered(32, 900 * KIB))
            tasks.start_soon(flood)
            await until(lambda: gate.begun)
            await anyio.wait_all_tasks_blocked()
            assert flood.sent == 1  # one is at work, one waits, and so does its sender
            assert connection_of(app)._inbox_bytes < 2 * 1024 * KIB
            gate.open_all()
        assert [text[:4] for text in gate.ended] == numbered(32)

    async def test_reading_goes_on_when_half_of_the_bytes_are_done(self) -> None:
        app = limited(inbox=0, inbox_bytes=8 * KIB)
        gate = Gate(app)
        texts = numbered(30, 2 * KIB)
        async with TestClient(app) as client, create_task_group() as tasks:
            flood = Flood(client, texts)
            tasks.start_soon(flood)
            await until(lambda: len(gate.begun) == 1)
            await anyio.wait_all_tasks_blocked()
            assert flood.sent == 3  # four came before one was at work: the sender waits
            gate.open(texts[0])
            await until(lambda: len(gate.begun) == 2)
            await anyio.wait_all_tasks_blocked()
            assert flood.sent == 3
            gate.open(texts[1])
            await until(lambda: len(gate.begun) == 3)
            gate.open(texts[2])
            await until(lambda: flood.sent > 3)
            gate.open_all()
        assert gate.ended == texts

    async def test_text_counts_with_all_the_memory_it_takes(self) -> None:
        app = limited(inbox=0, inbox_bytes=100 * KIB)
        gate = Gate(app)
        async with opened(app) as connection:
            connection.received(saying("first"), False)
            connection._transport.wake()
            await until(lambda: gate.begun)
            assert connection.received(saying("\u4e2d" * 30 * KIB), False)
            assert not connection.received(saying("\u4e2d" * 30 * KIB), False)
            gate.open_all()

    async def test_a_message_above_the_limit_is_handled(self) -> None:
        app = limited(inbox_bytes=KIB)
        gate = Gate(app)
        gate.open_all()
        async with TestClient(app) as client:
            await client.emit(Say(text="x" * 100 * KIB))
            await client.emit(Say(text="after"))
            await until(lambda: len(gate.ended) == 2)

    async def test_no_limit_is_no_limit(self) -> None:
        app = limited(inbox=0, inbox_bytes=0)
        gate = Gate(app)
        async with TestClient(app) as client:
            for text in numbered(40, 100 * KIB):
                await client.emit(Say(text=text))
            await until(lambda: gate.begun)
            gate.open_all()
            await until(lambda: len(gate.ended) == 40)

    async def test_a_connection_at_rest_keeps_no_message(self) -> None:
        app = talk()
        gate = Gate(app)
        gate.open_all()
        kept = WeakSet[Text]()
        async with opened(app) as connection:
            text = Text(saying("x"))
            kept.add(text)
            connection.received(text, False)
            del text
            connection._transport.wake()
            await until(lambda: gate.ended)
            await until(lambda: not kept)

    async def test_what_waits_is_freed_when_the_server_closes(self) -> None:
        app = talk()
        gate = Gate(app)
        kept = WeakSet[Text]()
        with virtual_clock(app) as clock:
            async with opened(app) as connection:
                push(connection, kept, 3)
                await until(lambda: gate.begun)
                assert len(kept) == 3
                connection.sending.shut(4444, "enough")
                clock.advance(0)
                assert len(kept) <= 1  # the one at work
                gate.open_all()
            assert not kept

    async def test_what_waits_is_freed_when_the_work_for_the_gone_is_given_up(self) -> None:
        app = talk(Settings(timeouts=Timeouts(after_close=5)))
        gate = Gate(app)
        kept = WeakSet[Text]()
        with virtual_clock(app) as clock:
            async with opened(app) as connection:
                push(connection, kept, 3)
                await until(lambda: gate.begun)
                connection.lost(1006, "")
                clock.advance(4)
                assert len(kept) == 3
                clock.advance(2)
                assert len(kept) <= 1
                await until(lambda: not kept)


def push(connection: Connection, kept: "WeakSet[Text]", count: int) -> None:
    for text in numbered(count):
        message = Text(saying(text))
        kept.add(message)
        connection.received(message, False)
    connection._transport.wake()


class TestConcurrentHandlers:
    async def test_ten_thousand_messages_make_32_tasks(self) -> None:
        app = talk()
        gate = Gate(app, concurrent=True)
        async with TestClient(app) as client, create_task_group() as tasks:
            flood = Flood(client, numbered(1000))
            tasks.start_soon(flood)
            await until(lambda: len(gate.begun) == 32)
            await anyio.wait_all_tasks_blocked()
            assert len(gate.begun) == 32
            assert flood.sent < 32 + 1 + 32  # those that run, the next one, the inbox
            gate.open_all()
            await until(lambda: len(gate.ended) == 1000)
        assert sorted(gate.begun) == numbered(1000)
        assert gate.most == 32

    async def test_pings_are_answered_while_the_next_message_waits(self) -> None:
        app = limited(concurrent=1)
        gate = Gate(app, concurrent=True)
        async with TestClient(app) as client:
            for text in "abc":
                await client.emit(Say(text=text))
            await until(lambda: gate.begun)
            await client.send_raw(PING)
            assert await client.receive_message() == PING
            assert gate.begun == ["a"]
            gate.open_all()

    async def test_messages_stay_in_order(self) -> None:
        app = limited(concurrent=1)
        gate, order = Gate(app, concurrent=True), list[str]()

        @app.on(Wave)
        async def wave() -> None:
            order.append(f"wave after {gate.ended}")

        async with TestClient(app) as client:
            for text in "ab":
                await client.emit(Say(text=text))
            await client.emit(Wave())
            await until(lambda: gate.begun == ["a"])
            await anyio.wait_all_tasks_blocked()
            assert order == []
            gate.open("a")
            await until(lambda: order)
            gate.open_all()
        assert order == ["wave after ['a']"]

    async def test_the_slots_of_all_sockets_go_round(self) -> None:
        app = limited(concurrent_total=2)
        gate = Gate(app, concurrent=True)
        async with TestClient(app) as one, TestClient(app) as two:
            for text in ("a1", "a2", "a3"):
                await one.emit(Say(text=text))
            await until(lambda: sorted(gate.begun) == ["a1", "a2"])
            for text in ("b1", "b2"):
                await two.emit(Say(text=text))
            await one.emit(Say(text="a4"))
            await anyio.wait_all_tasks_blocked()
            for done in ("a1", "a2", "a3", "b1"):
                gate.open(done)
                await until(lambda: gate.is_full(2))
                await anyio.wait_all_tasks_blocked()
                assert len(gate.begun) - len(gate.ended) == 2
            gate.open_all()
            await until(lambda: len(gate.ended) == 6)
        assert gate.begun[2:] == ["a3", "b1", "a4", "b2"]

    async def test_several_handlers_of_one_message_keep_to_the_limit_too(self) -> None:
        app = limited(concurrent=2)
        running, most, count, stop = 0, 0, 0, Signal()

        def handler() -> None:
            async def work() -> None:
                nonlocal running, most, count
                running, count = running + 1, count + 1
                most = max(most, running)
                await stop.wait()
                running -= 1

            app.on(Say, concurrent=True)(work)

        for _ in range(5):
            handler()
        async with TestClient(app) as client:
            await client.emit(Say(text="x"))
            await until(lambda: count)
            await anyio.wait_all_tasks_blocked()
            assert count == 2
            stop.set()
            await until(lambda: count == 5)
        assert most == 2

    async def test_a_slot_that_another_connection_frees_is_used_in_the_messages_own_context(
        self,
    ) -> None:
        app = limited(concurrent_total=1)
        whose: ContextVar[str] = ContextVar("whose")
        seen, gate = list[tuple[str, str]](), Signal()

        @app.middleware
        async def mark(socket: Socket, message: Message, call_next: CallNext) -> None:
            whose.set(socket.id)
            await call_next(message)

        @app.on(Say, concurrent=True)
        async def say(socket: Socket) -> None:
            seen.append((whose.get(), socket.id))
            await gate.wait()

        async with TestClient(app) as one, TestClient(app) as two:
            await one.emit(Say(text="x"))
            await until(lambda: seen)
            await two.emit(Say(text="x"))
            await anyio.wait_all_tasks_blocked()
            gate.set()
            await until(lambda: len(seen) == 2)
        assert all(own == found for own, found in seen)
        assert seen[0] != seen[1]

    async def test_the_wait_is_no_part_of_a_deadline(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = limited(concurrent=1)
        gate = Gate(app, concurrent=True)
        with virtual_clock(app) as clock:
            async with TestClient(app) as client:
                for text in "ab":
                    await client.emit(Say(text=text))
                await until(lambda: gate.begun == ["a"])
                await anyio.wait_all_tasks_blocked()
                clock.advance(60)
                gate.open("a")
                await until(lambda: gate.begun == ["a", "b"])
                gate.open_all()
                await until(lambda: len(gate.ended) == 2)
                assert client.closed is None
        assert not logged(caplog)

    async def test_an_interrupted_wait_is_a_wait_still(self) -> None:
        app = limited(concurrent=1)
        gate, waved = Gate(app, concurrent=True), list[bool]()

        @app.on(Wave)
        async def wave() -> None:
            waved.append(True)

        async with TestClient(app) as client:
            for text in "ab":
                await client.emit(Say(text=text))
            await client.emit(Wave())
            await until(lambda: gate.begun == ["a"])
            await anyio.wait_all_tasks_blocked()
            connection_of(app).interrupt()
            await anyio.wait_all_tasks_blocked()
            assert not waved
            gate.open_all()
            await until(lambda: waved)
        assert gate.ended == ["a", "b"]

    async def test_those_of_a_lost_connection_wait_as_well_and_end_in_its_time(self) -> None:
        settings = Settings(
            limits=Limits(concurrent_total=1), timeouts=Timeouts(handler=0, after_close=5)
        )
        app = talk(settings)
        app.telemetry.listener = noted = Noted()
        gate = Gate(app, concurrent=True)
        with virtual_clock(app) as clock:
            async with TestClient(app) as one, TestClient(app) as two:
                await two.emit(Say(text="b1"))
                await until(lambda: gate.begun == ["b1"])
                for text in ("a1", "a2"):
                    await one.emit(Say(text=text))
                await anyio.wait_all_tasks_blocked()
                await two.emit(Say(text="b2"))
                await one.close()
                await anyio.wait_all_tasks_blocked()
                assert len(app.housekeeping.connections) == 2
                clock.advance(6)
                await until(lambda: len(app.housekeeping.connections) == 1)
                assert noted.amounts(Count.DROPPED) == [2]
                gate.open("b1")  # the slot goes to the other one, not to the gone
                await until(lambda: gate.begun == ["b1", "b2"])
                gate.open_all()

    async def test_an_aborted_connection_gives_its_slots_back(self) -> None:
        app = limited(concurrent_total=1)
        gate = Gate(app, concurrent=True)
        async with TestClient(app) as two:
            async with TestClient(app) as one:
                for text in ("a1", "a2", "a3"):
                    await one.emit(Say(text=text))
                await until(lambda: gate.begun == ["a1"])
                await two.emit(Say(text="b1"))
                await anyio.wait_all_tasks_blocked()
                connection_of(app, 1).give_up()
                connection_of(app, 1).abort()
            await until(lambda: gate.begun == ["a1", "b1"])
            gate.open_all()

    async def test_those_that_wait_are_dropped_when_the_server_closes(self) -> None:
        app = limited(concurrent_total=1)
        begun: list[str] = []

        @app.on(Say, concurrent=True)
        async def close(socket: Socket, event: Say) -> None:
            begun.append(event.text)
            if event.text == "b":  # its turn comes while the next one waits
                await anyio.wait_all_tasks_blocked()
                await socket.close()

        async with TestClient(app) as client:
            for text in "abc":
                await client.emit(Say(text=text))
            await client.wait_closed()
            await until(lambda: not app.housekeeping.connections)
        assert begun == ["a", "b"]

    async def test_a_closed_connection_ends_without_a_slot_for_those_that_wait(self) -> None:
        timeouts = Timeouts(handler=0, after_close=0)
        settings = Settings(limits=Limits(concurrent_total=1), timeouts=timeouts)
        app = talk(settings)
        gate = Gate(app, concurrent=True)
        async with TestClient(app) as one, TestClient(app) as two:
            await one.emit(Say(text="a"))
            await until(lambda: gate.begun == ["a"])
            await two.emit(Say(text="b"))
            await anyio.wait_all_tasks_blocked()
            await connection_of(app, 1).socket.close()
            await until(lambda: len(app.housekeeping.connections) == 1)
            gate.open_all()
        assert gate.begun == ["a"]

    async def test_no_limit_is_no_limit(self) -> None:
        app = limited(concurrent=0, concurrent_total=0)
        gate = Gate(app, concurrent=True)
        async with TestClient(app) as client:
            for text in numbered(200):
                await client.emit(Say(text=text))
            await until(lambda: len(gate.begun) == 200)
            gate.open_all()


class TestAfterClose:
    @pytest.mark.parametrize("concurrent", [False, True])
    async def test_300_connections_that_go_at_once_leave_work_for_ten(
        self, concurrent: bool, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = limited(after_close=10, inbox=0)
        app.telemetry.listener = noted = Noted()
        gate = Gate(app, concurrent=concurrent)
        with virtual_clock(app) as clock:
            async with AsyncExitStack() as stack:
                clients = [await stack.enter_async_context(TestClient(app)) for _ in range(300)]
                for number, client in enumerate(clients):
                    for text in numbered(31):
                        await client.emit(Say(text=f"{number}.{text}"))
                at_once = 300 * (31 if concurrent else 1)
                await until(lambda: len(gate.begun) == at_once)
                for client in clients:
                    client._transport.end(1006, "")
                await until(lambda: len(app.housekeeping.connections) == 10)
                assert len(gate.begun) == at_once
                gate.open_all()
                await until(lambda: not app.housekeeping.connections)
                clock.advance(0)
        assert len(gate.begun) == at_once + (0 if concurrent else 10 * 30)
        assert {text.split(".")[0] for text in gate.ended[-310:]} >= set(map(str, range(290, 300)))
        assert sum(noted.amounts(Count.DROPPED)) == 290 * (31 if concurrent else 30)
        lines = logged(caplog, 30)
        assert len(lines) == 1
        assert "messages of 290 lost connections are dropped" in lines[0]

    async def test_connections_without_work_do_not_count(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = limited(after_close=1)
        gate = Gate(app)
        async with AsyncExitStack() as stack:
            busy = await stack.enter_async_context(TestClient(app))
            clients = [await stack.enter_async_context(TestClient(app)) for _ in range(50)]
            for text in "ab":
                await busy.emit(Say(text=text))
            await until(lambda: gate.begun)
            for client in (busy, *clients):
                client._transport.end(1006, "")
            await until(lambda: len(app.housekeeping.connections) == 1)
            gate.open_all()
            await until(lambda: not app.housekeeping.connections)
            app.housekeeping.sweep(app.housekeeping.clock())
        assert gate.ended == ["a", "b"]
        assert not logged(caplog, 30)

    async def test_nothing_runs_after_its_time_however_many_were_lost(self) -> None:
        app = talk(Settings(timeouts=Timeouts(handler=30, after_close=5)))
        gate = Gate(app)
        with virtual_clock(app) as clock:
            async with AsyncExitStack() as stack:
                clients = [await stack.enter_async_context(TestClient(app)) for _ in range(50)]
                for client in clients:
                    for text in numbered(31):
                        await client.emit(Say(text=text))
                await until(lambda: len(gate.begun) == 50)
                for client in clients:
                    client._transport.end(1006, "")
                clock.advance(4)
                await anyio.wait_all_tasks_blocked()
                assert len(app.housekeeping.connections) == 50
                clock.advance(2)
                await until(lambda: not app.housekeeping.connections)
        assert len(gate.begun) == len(gate.ended) == 50

    async def test_a_hook_that_is_at_work_counts(self) -> None:
        app = limited(after_close=1)
        begun, ended = list[str](), list[str]()

        @app.lifecycle.open
        async def hang(socket: Socket) -> None:
            begun.append(socket.id)
            try:
                await anyio.sleep_forever()
            finally:
                ended.append(socket.id)

        async with TestClient(app) as one, TestClient(app) as two:
            await until(lambda: len(begun) == 2)
            one._transport.end(1006, "")
            two._transport.end(1006, "")
            await until(lambda: ended)
            assert ended == begun[:1]
            connection_of(app).give_up()


class TestServerCode:
    async def test_a_join_hook_that_hangs_ends_for_code_beside_the_connection(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = talk(Settings(timeouts=Timeouts(handler=0.05)))
        sockets, cancelled = list[Socket](), list[str]()
        lobby = app.room("lobby")

        @app.lifecycle.open
        async def note(socket: Socket) -> None:
            sockets.append(socket)

        async def hang() -> None:
            try:
                await anyio.sleep_forever()
            finally:
                cancelled.append("hook")

        lobby.on_join(hang)
        lobby.on_leave(hang)
        async with TestClient(app):
            await until(lambda: sockets)
            with anyio.fail_after(30):
                await sockets[0].rooms.join("lobby")
                assert sockets[0].rooms.list() == ["lobby"]
                await sockets[0].rooms.leave("lobby")
            assert cancelled == ["hook", "hook"]
        late = f"hook {where(hang)} of room 'lobby' took too long"
        assert [late in line for line in logged(caplog)] == [True, True]


class TestSilence:
    NAMED = "contract=0123456789abcdef"

    async def closed_after(
        self, seconds: float, ping: float | None, *, query: str = NAMED, origin: str = ""
    ) -> bool:
        """Let a client ping once, and be silent; True if it is closed then."""
        app = talk()
        headers = {"origin": origin, "host": "example.org"} if origin else {}
        with virtual_clock(app) as clock:
            async with TestClient(app, query=query, headers=headers) as client:
                if ping is not None:
                    clock.advance(ping)
                    await client.send_raw(PING)
                    assert await client.receive_message() == PING
                clock.advance(seconds)
                await anyio.wait_all_tasks_blocked()
                if client.closed is not None:
                    assert client.closed == (1001, "idle timeout")
                return client.closed is not None

    @pytest.mark.parametrize("ping", [None, 25, 40])
    async def test_45_seconds_of_a_client_that_named_a_contract(self, ping: float | None) -> None:
        assert not await self.closed_after(44, ping)
        assert await self.closed_after(46, ping)

    @pytest.mark.parametrize(
        ("query", "origin"),
        [
            pytest.param("", "", id="names-no-contract"),
            pytest.param(f"{NAMED}&heartbeat=0.000", "", id="has-no-heartbeat"),
            pytest.param(f"heartbeat=600000&{NAMED}", "", id="has-a-slow-heartbeat"),
            pytest.param(f"{NAMED}&heartbeat=Infinity", "", id="has-as-good-as-none"),
            pytest.param(f"{NAMED}&heartbeat=1e+22", "", id="has-a-very-slow-heartbeat"),
            pytest.param(NAMED, "http://example.org", id="is-a-page-which-may-be-hidden"),
        ],
    )
    async def test_others_keep_their_120(self, query: str, origin: str) -> None:
        assert not await self.closed_after(119, 25, query=query, origin=origin)
        assert await self.closed_after(121, 25, query=query, origin=origin)

    @pytest.mark.parametrize("heartbeat", ["60000", "60000.0", "6e+4"])
    async def test_who_pings_every_60_seconds_has_108(self, heartbeat: str) -> None:
        query = f"{self.NAMED}&heartbeat={heartbeat}"
        assert not await self.closed_after(107, 25, query=query)
        assert await self.closed_after(109, 25, query=query)

    @pytest.mark.parametrize("heartbeat", ["", "nan", "-1", "1e3", "x", "9" * 400, "inf"])
    async def test_a_heartbeat_that_is_no_number_says_nothing(self, heartbeat: str) -> None:
        query = f"{self.NAMED}&heartbeat={heartbeat}"
        assert await self.closed_after(46, 25, query=query)

    async def test_a_client_that_is_not_read_is_not_silent(self) -> None:
        app = talk(Settings(limits=Limits(inbox=2), timeouts=Timeouts(handler=0)))
        gate, stop = Gate(app), Signal()

        async def flood(client: TestClient) -> None:
            for text in "abcd":
                await client.emit(Say(text=text))
            stop.set()

        with virtual_clock(app) as clock:
            async with (
                TestClient(app, query=self.NAMED) as client,
                create_task_group() as tasks,
            ):
                await client.send_raw(PING)
                assert await client.receive_message() == PING
                tasks.start_soon(flood, client)
                await until(lambda: gate.begun)
                await anyio.wait_all_tasks_blocked()
                clock.advance(200)
                await anyio.wait_all_tasks_blocked()
                assert client.closed is None
                gate.open_all()
                await wait(stop)
