"""The ASGI adaptor against a server played by hand."""

from collections.abc import AsyncGenerator
from functools import partial
from typing import Any

import anyio
import pytest
from anyio import Event as Signal
from anyio import create_task_group, sleep_forever
from anyio.abc import TaskGroup

from bytesocket_app import ByteSocket, Limits, Settings, Socket
from bytesocket_app.telemetry import Count
from bytesocket_app.testing import virtual_clock
from bytesocket_app.transports import Receiver
from bytesocket_app.transports.asgi import ABORT, AsgiTransport
from bytesocket_app.transports.writer import Writer
from bytesocket_app.wire.frame import Frame
from tests.support.asgi import Call, socket_scope
from tests.support.listening import Noted
from tests.support.talk import Said, Say, logged, talk, until, wait
from tests.support.turns import a_turn

pytestmark = pytest.mark.anyio

SAY = '{"event":"say","data":{"text":"hi"},"id":1}'


def echo(app: ByteSocket) -> ByteSocket:
    @app.on(Say)
    async def say(event: Say) -> str:
        return event.text

    return app


def begun(app: ByteSocket, **scope: Any) -> Call:
    call = Call(app, socket_scope(**scope))
    call.tell("websocket.connect")
    return call


async def test_a_connection_from_its_request_to_its_end() -> None:
    app = echo(talk())
    ends: list[tuple[int, str]] = []

    @app.lifecycle.close
    async def closed(code: int, reason: str) -> None:
        ends.append((code, reason))

    call = begun(app)
    async with create_task_group() as tasks:
        tasks.start_soon(call.run)
        assert (await call.said("accept"))["subprotocol"] == "bytesocket.json"
        call.text(SAY)
        answer = await call.said("send")
        assert answer == {"type": "websocket.send", "text": '{"type":32,"id":1,"data":"hi"}'}
        call.tell("websocket.receive", bytes=b"", text=None)
        await until(lambda: call.sent[-1] == {"type": "websocket.send", "bytes": b""})
        call.tell("websocket.disconnect", code=4321, reason="bye")
    assert ends == [(4321, "bye")]
    assert call.returned


@pytest.mark.parametrize("end", [{}, {"code": None, "reason": None}])
async def test_a_disconnect_without_a_code_is_1005(end: Any) -> None:
    app = talk()
    ends: list[tuple[int, str]] = []

    @app.lifecycle.close
    async def closed(code: int, reason: str) -> None:
        ends.append((code, reason))

    call = begun(app)
    call.tell("websocket.disconnect", **end)
    await call.run()
    assert ends == [(1005, "")]


async def test_the_handshake_is_as_the_scope_says() -> None:
    app = talk()
    headers = [(b"Host", b"h"), (b"X-Forwarded-For", b"a"), (b"x-forwarded-for", b"b\xe4")]
    headers += [(b"cookie", b"sid=42; a/b=odd; nothing"), (b"cookie", b'theme="very dark"; =')]
    call = begun(app, headers=headers)
    async with create_task_group() as tasks:
        tasks.start_soon(call.run)
        await call.said("accept")
        socket = app.sockets()[0]
        assert (socket.url, socket.query, socket.host) == ("/ws", "a=1", "h")
        assert socket.x_forwarded_for == "a, bä"
        assert socket.cookies == {"sid": "42", "a/b": "odd", "theme": "very dark", "": ""}
        assert socket.client == ("127.0.0.1", 4711)
        assert socket.handshake.native["type"] == "websocket"
        call.tell("websocket.disconnect", code=1000)


@pytest.mark.parametrize("can_drop", [True, False])
async def test_a_connection_is_dropped_by_the_server_or_counted_as_left(*, can_drop: bool) -> None:
    dropped: list[str] = []
    scope = socket_scope()
    if can_drop:
        scope["extensions"][ABORT] = partial(dropped.append, "now")
    app = talk()
    app.telemetry.listener = noted = Noted()
    call = Call(app, scope)
    call.tell("websocket.connect")
    async with create_task_group() as tasks:
        tasks.start_soon(call.run)
        await call.said("accept")
        next(iter(app.housekeeping.connections)).abort()
    assert call.returned
    assert dropped == (["now"] if can_drop else [])
    assert noted.amounts(Count.LEFT) == ([] if can_drop else [1])


async def test_empty_subprotocols_are_none() -> None:
    call = begun(talk(), subprotocols=["", "bytesocket.json"])
    async with create_task_group() as tasks:
        tasks.start_soon(call.run)
        assert (await call.said("accept"))["subprotocol"] == "bytesocket.json"
        call.tell("websocket.disconnect", code=1000)


async def test_what_a_server_leaves_out_is_empty() -> None:
    scope = socket_scope(client=None, subprotocols=None)
    del scope["scheme"]
    app = talk()
    call = Call(app, scope)
    call.tell("websocket.connect")
    async with create_task_group() as tasks:
        tasks.start_soon(call.run)
        assert (await call.said("accept"))["subprotocol"] is None
        socket = app.sockets()[0]
        assert (socket.client, socket.handshake.scheme) == (None, "ws")
        call.tell("websocket.disconnect", code=1000)


async def test_a_refusal_is_http_where_the_server_can() -> None:
    app = talk()
    await app.drain(0)
    call = begun(app)
    await call.run()
    start, body = call.sent
    assert start["status"] == 503
    assert body["body"] == b"The server is restarting; try again.\n"
    plain = begun(app, extensions=None)
    await plain.run()
    assert plain.kinds() == ["close"]


async def test_our_close_goes_out_after_what_was_written_with_its_reason_cut() -> None:
    app = talk()

    @app.on(Say)
    async def say(socket: Socket) -> None:
        await socket.emit(Said(text="last words"))
        await socket.close(4000, "ü" * 100)
        await socket.emit(Said(text="never"))

    call = begun(app)
    async with create_task_group() as tasks:
        tasks.start_soon(call.run)
        call.text(SAY)
        close = await call.said("close")
        assert call.kinds() == ["accept", "send", "close"]
        assert (close["code"], close["reason"]) == (4000, "ü" * 61)
        call.text(SAY)
        call.tell("websocket.disconnect", code=4000)
    assert call.kinds() == ["accept", "send", "close"]


async def test_a_stuck_reader_does_not_hold_up_the_others_nor_its_own_messages() -> None:
    app = echo(talk())
    stuck, quick = begun(app), begun(app)
    stuck.gate = Signal()
    async with app.running(), create_task_group() as tasks:
        for call in (stuck, quick):
            tasks.start_soon(call.run)
            await call.said("accept")
        await until(lambda: len(app.memberships.index) == 1 and len(app.sockets()) == 2)
        await app.broadcast(Said(text="one"))
        await app.broadcast(Said(text="two"))
        await until(lambda: len(quick.sent) == 3)
        await until(lambda: len(stuck.sent) == 2)
        stuck.text(SAY)
        await anyio.wait_all_tasks_blocked()
        assert len(stuck.sent) == 2
        stuck.gate.set()
        await until(lambda: len(stuck.sent) == 4)
        for call in (stuck, quick):
            call.tell("websocket.disconnect", code=1000)


async def test_a_slow_reader_is_closed_and_dropped_when_it_never_reads() -> None:
    app = talk(Settings(limits=Limits(outbox_bytes=500)))
    call = begun(app)
    call.gate = Signal()
    with virtual_clock(app) as clock:
        async with app.running(), create_task_group() as tasks:
            tasks.start_soon(call.run)
            await call.said("accept")
            await until(app.sockets)
            (socket,) = app.sockets()
            for _ in range(5):
                await app.broadcast(Said(text="x" * 300))
                await anyio.wait_all_tasks_blocked()
                await a_turn()
            assert socket.is_closed
            clock.advance(1)
            clock.advance(11)
            await until(lambda: call.returned)
            call.gate.set()
            assert await socket.wait_closed() == (1013, "slow reader")


async def test_the_reader_pauses_when_the_core_asks_for_it() -> None:
    app = talk(Settings(limits=Limits(inbox=2)))
    gate, heard = Signal(), list[str]()

    @app.on(Say)
    async def say(event: Say) -> None:
        await gate.wait()
        heard.append(event.text)

    call = begun(app)
    for _ in range(9):
        call.text(SAY)
    call.tell("websocket.disconnect", code=1000)
    async with create_task_group() as tasks:
        tasks.start_soon(call.run)
        await call.said("accept")
        await anyio.wait_all_tasks_blocked()
        assert len(app.sockets()) == 1
        gate.set()
    assert len(heard) == 9


async def test_a_ping_does_not_end_the_reading_once_a_slow_handler_is_done() -> None:
    app, goes_on, heard = talk(), Signal(), list[str]()

    @app.on(Say)
    async def say(event: Say) -> None:
        heard.append(event.text)
        if event.text == "slow":
            await goes_on.wait()

    call = begun(app)
    async with create_task_group() as tasks:
        tasks.start_soon(call.run)
        await call.said("accept")
        call.text(SAY.replace("hi", "slow"))
        await until(lambda: heard)
        goes_on.set()
        await call.said("send")
        call.text(SAY)  # read beside, and handled without waiting
        await until(lambda: len(call.sent) == 3)
        call.tell("websocket.receive", bytes=b"")
        await until(lambda: len(call.sent) == 4)
        call.text(SAY)
        await until(lambda: len(heard) == 3)
        call.tell("websocket.disconnect", code=1000)
    assert call.sent[3] == {"type": "websocket.send", "bytes": b""}


@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("after close")])
async def test_a_peer_that_went_while_we_wrote_is_no_error(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    app = echo(talk())
    call = begun(app)
    async with create_task_group() as tasks:
        tasks.start_soon(call.run)
        await call.said("accept")
        call.fails = error
        call.text(SAY)
        await until(lambda: call.failures)
        call.text(SAY)
        await anyio.wait_all_tasks_blocked()
        call.tell("websocket.disconnect", code=1006)
    assert (call.returned, call.failures) == (True, 1)
    assert not logged(caplog)


async def test_whatever_else_a_server_raises_costs_one_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = echo(talk())
    broken, fine = begun(app), begun(app)
    async with app.running(), create_task_group() as tasks:
        for call in (broken, fine):
            tasks.start_soon(call.run)
            await call.said("accept")
        await until(lambda: len(app.sockets()) == 2)
        broken.fails = KeyError("a server's mistake")
        await app.broadcast(Said(text="x"))
        await fine.said("send")
        for call in (broken, fine):
            call.tell("websocket.disconnect", code=1000)
    assert "could not send" in logged(caplog)[0]


LOOP = 100_000
"""Emits after which a loop was not going to end."""


def flooding(app: ByteSocket) -> list[str]:
    """Have "say" answered by emits without end; returns what became of each."""
    outcomes: list[str] = []

    @app.on(Say)
    async def say(socket: Socket) -> None:
        while not socket.is_closed and len(outcomes) < LOOP:
            outcomes.append(await socket.emit(Said(text="again")))

    return outcomes


def ended(app: ByteSocket) -> list[int]:
    """Note the close codes of an application's sockets."""
    codes: list[int] = []

    @app.lifecycle.close
    async def closed(code: int) -> None:
        codes.append(code)

    return codes


@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("after close")])
async def test_emits_wait_for_the_reader_to_tell_the_end_after_a_write_failed(
    error: Exception,
) -> None:
    app = talk()
    outcomes, ends = flooding(app), ended(app)
    call = begun(app)
    async with app.running(), create_task_group() as tasks:
        tasks.start_soon(call.run)
        await call.said("accept")
        call.fails = error
        call.text(SAY)
        await until(lambda: call.failures)
        call.tell("websocket.disconnect", code=1001)
        await until(lambda: call.returned)
    assert call.failures == 1
    assert len(outcomes) < LOOP
    assert outcomes[-1] == "dropped"
    assert ends == [1001]


async def test_a_failed_write_is_the_end_if_the_reader_tells_none() -> None:
    app = talk()
    outcomes, ends = flooding(app), ended(app)
    call = begun(app)
    async with app.running(), create_task_group() as tasks:
        tasks.start_soon(call.run)
        await call.said("accept")
        call.fails = OSError("gone")
        call.text(SAY)
        await until(lambda: call.returned)
    assert len(outcomes) < LOOP
    assert ends == [1006]


async def test_a_failed_write_is_the_end_at_once_while_reading_is_paused() -> None:
    app = talk(Settings(limits=Limits(inbox=1)))
    outcomes, going = list[str](), Signal()

    @app.on(Say)
    async def say(socket: Socket) -> None:
        await going.wait()
        while not socket.is_closed and len(outcomes) < LOOP:
            outcomes.append(await socket.emit(Said(text="again")))

    call = begun(app)
    async with app.running(), create_task_group() as tasks:
        tasks.start_soon(call.run)
        await call.said("accept")
        for _ in range(3):
            call.text(SAY)
        await anyio.wait_all_tasks_blocked()
        call.fails = OSError("gone")
        going.set()
        with anyio.fail_after(0.9):  # less than a reader would get
            await until(lambda: call.returned)
    assert len(outcomes) < LOOP


async def test_a_failure_to_send_ends_a_connection_that_only_reads() -> None:
    app = talk()
    call = begun(app)
    async with app.running(), create_task_group() as tasks:
        tasks.start_soon(call.run)
        await call.said("accept")
        await until(app.sockets)
        call.fails = KeyError("a server's mistake")
        await app.broadcast(Said(text="x"))
        await until(lambda: call.returned)
    assert app.sockets() == []


class Deaf:
    """A receiver that only notes its end."""

    def __init__(self) -> None:
        self.ends: list[tuple[int, str]] = []

    def received(self, payload: bytes | str, is_binary: bool, /) -> bool:
        return True

    def heard(self) -> None:
        pass

    def lost(self, code: int, reason: str, /) -> None:
        self.ends.append((code, reason))

    def interrupt(self) -> None:
        """Nobody waits."""

    async def run(self) -> None:
        """Never."""


async def test_a_handler_may_emit_more_at_once_than_may_wait_for_a_slow_reader() -> None:
    app = talk(Settings(limits=Limits(outbox_bytes=64)))

    @app.on(Say)
    async def say(socket: Socket, event: Say) -> None:
        for _ in range(9):
            await socket.emit(Said(text=event.text * 64))

    call = begun(app)
    async with create_task_group() as tasks:
        tasks.start_soon(call.run)
        await call.said("accept")
        call.text(SAY)
        await until(lambda: call.kinds().count("send") == 10)  # and the answer
        call.tell("websocket.disconnect", code=1000, reason="")
    assert "close" not in call.kinds()


async def never() -> Any:
    await sleep_forever()


async def flushed(transport: AsgiTransport) -> None:
    sending = transport.flush()
    if sending is not None:
        await sending


class TestTransport:
    """The transport alone."""

    @pytest.fixture
    async def tasks(self) -> AsyncGenerator[TaskGroup]:
        async with create_task_group() as tasks:
            yield tasks
            tasks.cancel_scope.cancel()

    def make(self, tasks: TaskGroup) -> tuple[AsgiTransport, list[Any], Deaf]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        transport, deaf = AsgiTransport(never, send, Writer(), tasks), Deaf()
        receiver: Receiver = deaf
        transport.receiver = receiver
        return transport, sent, deaf

    async def test_what_is_corked_waits_for_a_flush_or_the_writer(self, tasks: TaskGroup) -> None:
        transport, sent, _ = self.make(tasks)
        transport.cork()
        transport.write(Frame(b"a", is_binary=True))
        transport.hold_up()
        transport.hold_up()
        assert transport.buffered
        await flushed(transport)
        assert sent == [{"type": "websocket.send", "bytes": b"a"}]
        transport.cork()
        transport.hold_up()
        await flushed(transport)
        assert (len(sent), transport.buffered) == (1, 0)

    async def test_while_a_send_waits_only_the_newest_of_what_is_volatile_does(
        self, tasks: TaskGroup
    ) -> None:
        sent: list[Any] = []
        stalled, goes_on = Signal(), Signal()

        async def send(message: Any) -> None:
            sent.append(message["text"])
            stalled.set()
            await goes_on.wait()

        transport = AsgiTransport(never, send, Writer(), tasks)
        async with create_task_group() as flushing:
            transport.write(Frame(b"first", is_binary=False))
            flushing.start_soon(flushed, transport)
            await wait(stalled)
            for number in range(3):
                transport.write(Frame(f"at {number}".encode(), is_binary=False, slot="cursor"))
                transport.write(Frame(f"post {number}".encode(), is_binary=False))
            goes_on.set()
        assert sent == ["first", "post 0", "post 1", "at 2", "post 2"]
        transport.write(Frame(b"at 3", is_binary=False, slot="cursor"))
        transport.write(Frame(b"at 4", is_binary=False, slot="cursor"))
        await flushed(transport)
        assert sent[5:] == ["at 3", "at 4"]

    async def test_only_what_waits_for_the_network_counts_as_waiting(
        self, tasks: TaskGroup
    ) -> None:
        stalled, goes_on = Signal(), Signal()

        async def send(_: Any) -> None:
            stalled.set()
            await goes_on.wait()

        transport = AsgiTransport(never, send, Writer(), tasks)
        assert transport.write(Frame(b"first", is_binary=True)) == 0
        async with create_task_group() as flushing:
            flushing.start_soon(flushed, transport)
            await wait(stalled)
            assert transport.write(Frame(b"second", is_binary=True)) == transport.buffered > 0
            goes_on.set()

    async def test_after_an_abort_nothing_goes_out(self, tasks: TaskGroup) -> None:
        transport, sent, deaf = self.make(tasks)
        transport.write(Frame(b"a", is_binary=True))
        transport.abort()
        transport.write(Frame(b"b", is_binary=True))
        transport.close(1000, "")
        await flushed(transport)
        assert (sent, deaf.ends) == ([], [(1006, "")])

    async def test_only_the_first_close_counts(self, tasks: TaskGroup) -> None:
        transport, sent, _ = self.make(tasks)
        transport.close(4000, "first")
        transport.close(4001, "second")
        await flushed(transport)
        await flushed(transport)
        assert [(m["code"], m["reason"]) for m in sent] == [(4000, "first")]

    async def test_the_oldest_frame_can_be_dropped(self, tasks: TaskGroup) -> None:
        transport, sent, _ = self.make(tasks)
        transport.write(Frame(b"a", is_binary=False))
        transport.write(Frame(b"b", is_binary=False))
        assert transport.drop_oldest()
        await flushed(transport)
        assert sent == [{"type": "websocket.send", "text": "b"}]
