"""A connection on picows at work: batches, pauses, readers that stop, pings, and the end."""

import os
import select
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
import pytest

from bytesocket_app import ByteSocket, Limits, Policies, Settings, Socket, Timeouts
from bytesocket_app.serving.connection import Connection
from bytesocket_app.socket import SendingSide
from bytesocket_app.transports.picows.server_state import LINGER, UNFINISHED
from bytesocket_app.transports.picows.write_batch import LONGEST
from tests.support.raw_peer import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    RawPeer,
    Served,
    frame,
    on_picows,
)
from tests.support.talk import DEADLINE, Said, Say, logged, talk, until
from tests.support.turns import a_turn

pytestmark = pytest.mark.anyio

SAY = b'{"event":"say","data":{"text":"hi"},"id":1}'
ANSWER = b'{"type":32,"id":1,"data":"hi"}'
BIG = "x" * 50_000


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


class Stage:
    """An application that echoes, and can be held up."""

    def __init__(self, **settings: Any) -> None:
        self.app: ByteSocket = talk(Settings(**settings), serialization="json")
        self.ends: list[tuple[int, str]] = []
        self.heard = 0
        self.go = anyio.Event()
        self.go.set()

        @self.app.on(Say)
        async def say(event: Say) -> str:
            self.heard += 1
            if not self.go.is_set():
                await self.go.wait()
            return event.text

        @self.app.lifecycle.close
        async def closed(code: int, reason: str) -> None:
            self.ends.append((code, reason))

    @property
    def socket(self) -> Socket[Any]:
        (only,) = self.app.sockets()
        return only

    @property
    def buffered(self) -> int:
        return self.side.transport.buffered

    @property
    def side(self) -> SendingSide:
        side = self.app.memberships.side(self.socket)
        assert side is not None
        return side

    @asynccontextmanager
    async def peer(self) -> AsyncGenerator[tuple[Served, RawPeer]]:
        async with on_picows(self.app) as served, served.connect() as peer:
            await until(self.app.sockets)
            yield served, peer


async def test_what_a_batch_makes_leaves_in_one_write() -> None:
    stage = Stage()
    async with stage.peer() as (_, peer):
        await peer.send(frame(TEXT, SAY) * 8)
        data = b""
        while len(data) < 8 * (2 + len(ANSWER)):
            data += await peer.stream.receive()
            assert len(data) % (2 + len(ANSWER)) == 0
        assert data.count(ANSWER) == 8


async def test_answers_leave_when_all_is_handled_that_came_in_one_turn() -> None:
    stage = Stage()
    unanswered: list[bool] = []
    async with two_at_once(stage) as (_, (peer, one), (other, two)):

        @stage.app.lifecycle.message
        async def look() -> None:
            unanswered.append(not any(select.select([one, two], [], [], 0)))
            if len(unanswered) == 2:
                await stage.app.broadcast(Said(text="to all"))

        one.send(frame(TEXT, SAY))
        two.send(frame(TEXT, SAY))
        # What another connection makes for it in the same turn comes after its own answer.
        both = [await peer.receive(), await peer.receive()]
        assert both[0] == (TEXT, ANSWER)
        assert b"to all" in both[1][1]
        assert b"to all" in (await other.receive())[1]
        assert await other.receive() == (TEXT, ANSWER)
    assert unanswered == [True, True]


async def test_an_answer_does_not_wait_for_slow_handlers_of_others() -> None:
    stage = Stage()
    answered: list[bool] = []
    async with two_at_once(stage) as (served, (peer, one), (other, two)):

        @stage.app.lifecycle.message
        async def take_long() -> None:
            answered.append(any(select.select([one, two], [], [], 0)))
            served.advance(2 * LONGEST)

        one.send(frame(TEXT, SAY))
        two.send(frame(TEXT, SAY))
        assert await peer.receive() == await other.receive() == (TEXT, ANSWER)
    assert answered == [False, True]


async def test_what_many_say_in_one_turn_reaches_the_others_in_one_write() -> None:
    stage = Stage()
    reached: list[int] = []
    async with (
        stage.peer() as (served, one),
        served.connect() as two,
        served.connect() as three,
        served.connect() as listener,
    ):
        await until(lambda: len(stage.app.sockets()) == 4)
        with by_hand(listener) as ears, by_hand(one) as a, by_hand(two) as b, by_hand(three) as c:

            @stage.app.lifecycle.message
            async def tell() -> None:
                readable = select.select([ears], [], [], 0)[0]
                reached.append(len(ears.recv(1 << 16, socket.MSG_PEEK)) if readable else 0)
                await stage.app.broadcast(Said(text=str(len(reached))))

            for speaker in (a, b, c):
                speaker.send(frame(TEXT, SAY))
            told = [(await listener.receive())[1] for _ in range(3)]
    assert [b'"text":"%d"' % number in text for number, text in enumerate(told, 1)] == [True] * 3
    # The first did not know that others would follow; they did.
    assert reached == [0, 2 + len(told[0]), 2 + len(told[0])]


async def test_what_comes_with_a_close_is_handled_and_answered_and_nothing_after_it() -> None:
    stage = Stage()
    async with stage.peer() as (_, peer):
        await peer.send(frame(TEXT, SAY) + frame(CLOSE, b"\x03\xe8") + frame(TEXT, SAY))
        assert await peer.receive() == (TEXT, ANSWER)
        assert await peer.receive() == (CLOSE, b"\x03\xe8")
        await peer.ended()
        await until(lambda: stage.ends)
        assert (stage.heard, stage.ends) == (1, [(1000, "")])


async def test_what_comes_after_a_breach_is_not_handled() -> None:
    stage = Stage()
    async with stage.peer() as (_, peer):
        await peer.send(frame(BINARY, rsv=4) + frame(TEXT, SAY))
        await peer.send(frame(TEXT, SAY))
        assert await peer.closed() == (1002, "reserved bits are set")
        await until(lambda: stage.ends)
        assert (stage.heard, stage.ends) == (0, [(1002, "reserved bits are set")])


async def test_what_comes_during_a_pause_is_kept_in_order() -> None:
    stage = Stage(limits=Limits(inbox=4))
    stage.go = anyio.Event()
    async with stage.peer() as (_, peer):
        says = [frame(TEXT, SAY.replace(b"hi", b"%d" % number)) for number in range(40)]
        middle = SAY.replace(b"hi", b"half")
        says[20:20] = [frame(TEXT, middle[:7], fin=False), frame(CONTINUATION, middle[7:])]
        await peer.send(b"".join(says) + frame(PING, b"now") + frame(CLOSE, b"\x03\xe8bye"))
        assert await peer.receive() == (PONG, b"now")
        assert stage.heard == 1
        stage.go.set()
        await until(lambda: stage.ends)
        assert stage.heard == 41
        assert stage.ends == [(1000, "bye")]


async def test_a_paused_connection_is_read_no_further() -> None:
    stage = Stage(limits=Limits(inbox=2))
    stage.go = anyio.Event()
    async with stage.peer() as (_, peer):
        shrink(peer, socket.SO_SNDBUF)
        said = f'{{"event":"say","data":{{"text":"{BIG}"}}}}'.encode()
        sent = 0
        with anyio.move_on_after(1) as scope:
            while sent < 1000:
                await peer.send(frame(TEXT, said))
                sent += 1
        assert scope.cancelled_caught
        assert stage.heard == 1


async def test_the_answers_to_a_reader_that_stops_hold_up_its_own_messages() -> None:
    stage = Stage(limits=Limits(inbox=4))
    async with stage.peer() as (served, peer), served.connect() as other:
        shrink(peer, socket.SO_SNDBUF)
        text = "x" * 10_000
        said = f'{{"event":"say","data":{{"text":"{text}"}},"id":1}}'.encode()
        with anyio.move_on_after(1) as scope:  # as long as it takes to be sure that it is not read
            for _ in range(5000):
                await peer.send(frame(TEXT, said))
        assert scope.cancelled_caught
        heard = stage.heard
        assert heard < 4000
        await other.send(frame(TEXT, SAY))
        assert await other.receive() == (TEXT, ANSWER)
        # It reads again: everything it asked for is there.
        for _ in range(heard):
            opcode, payload = await peer.receive()
            assert (opcode, len(payload)) == (TEXT, len(ANSWER) - 2 + len(text))


async def test_a_reader_that_stops_is_closed_with_1013() -> None:
    stage = Stage(limits=Limits(outbox_bytes=200_000))
    async with stage.peer() as (served, peer):
        stalled = stage.side
        async with served.connect() as other:
            await until(lambda: len(stage.app.sockets()) == 2)
            sent = 0
            while not stalled.is_closed:
                await stage.app.broadcast(Said(text=BIG))
                assert len((await other.receive())[1]) > len(BIG)
                sent += 1
                assert sent < 1000
            assert stalled.dropped
            found = 0
            opcode, payload = await peer.receive()
            while opcode == TEXT:
                found += 1
                opcode, payload = await peer.receive()
            assert (opcode, payload) == (CLOSE, b"\x03\xf5slow reader")
            assert 0 < found < sent


async def test_a_burst_that_the_network_had_no_turn_to_take_closes_nobody() -> None:
    stage = Stage(limits=Limits(outbox_bytes=200_000))
    async with stage.peer():
        stalled = stage.side
        for _ in range(1600):
            await stage.app.broadcast(Said(text="x" * 10_000))
        assert not stalled.is_closed
        await a_turn()
        await stage.app.broadcast(Said(text="one too many"))
        assert stalled.close_sent == (1013, "slow reader")


async def test_a_healthy_reader_gets_all_that_a_handler_emits_at_once() -> None:
    stage = Stage(limits=Limits(outbox_bytes=200_000))

    @stage.app.lifecycle.message
    async def much(socket: Socket) -> None:
        for number in range(2000):
            assert await socket.emit(Said(text=f"{number:06}" * 200)) != "dropped"

    async with stage.peer() as (_, peer):
        await peer.send(frame(TEXT, SAY))
        for number in range(2000):
            opcode, payload = await peer.receive()
            assert (opcode, f"{number:06}".encode() in payload) == (TEXT, True)
        assert await peer.receive() == (TEXT, ANSWER)


async def test_a_reader_that_stops_may_lose_the_oldest_instead() -> None:
    stage = Stage(limits=Limits(outbox_bytes=200_000), policies=Policies(slow_reader="drop_oldest"))
    async with stage.peer() as (_, peer):
        stalled = stage.side
        while stalled.dropped < 10:
            await stage.app.broadcast(Said(text=BIG))
            await a_turn()
        await stage.app.broadcast(Said(text="last"))
        payload = b""
        while b"last" not in payload:
            opcode, payload = await peer.receive()
            assert opcode == TEXT
        await peer.send(frame(TEXT, SAY))
        assert await peer.receive() == (TEXT, ANSWER)


async def test_a_close_for_a_reader_that_stops_for_good_does_not_wait_for_ever() -> None:
    stage = Stage(limits=Limits(outbox_bytes=200_000))
    async with stage.peer() as (served, _):
        side = stage.side
        while not side.is_closed:
            await stage.app.broadcast(Said(text=BIG))
            await a_turn()
        served.advance(1)
        served.advance(10.1)
        await until(lambda: stage.ends)
        assert stage.ends == [(1013, "slow reader")]


async def test_pings_of_a_peer_that_does_not_read_are_not_collected() -> None:
    stage = Stage()
    async with stage.peer() as (_, peer):
        for _ in range(1000):
            await stage.socket.emit(Said(text=BIG))
            if stage.buffered > 100_000:
                break
        blocked = stage.buffered
        await peer.send(b"".join(frame(PING, b"%d" % number) for number in range(2000)))
        await peer.send(frame(TEXT, b'{"event":"say","data":{"text":"hi"}}'))
        await until(lambda: stage.heard)
        assert stage.buffered == blocked
        opcode = TEXT
        payload = b""
        while opcode == TEXT:
            opcode, payload = await peer.receive()
        assert (opcode, payload) == (PONG, b"1999")


async def test_a_silent_peer_is_pinged_and_lives_if_it_answers() -> None:
    stage = Stage(timeouts=Timeouts(idle=0))
    async with stage.peer() as (served, peer):
        for _ in range(3):
            served.advance(25.1)
            assert await peer.receive() == (PING, b"")
            await peer.send(frame(PONG) + frame(PING, b"read"))
            assert await peer.receive() == (PONG, b"read")
            served.advance(20.1)
        assert stage.ends == []


async def test_a_peer_that_answers_no_ping_is_dropped() -> None:
    stage = Stage()
    async with stage.peer() as (served, peer):
        served.advance(25.1)
        assert await peer.receive() == (PING, b"")
        served.advance(19)
        await peer.send(frame(TEXT, SAY))
        assert await peer.receive() == (TEXT, ANSWER)
        served.advance(1.1)
        await peer.ended()
        await until(lambda: stage.ends)
        assert stage.ends == [(1006, "")]


async def test_a_peer_that_is_not_read_owes_no_pong() -> None:
    stage = Stage(limits=Limits(inbox=1), timeouts=Timeouts(handler=0))
    stage.go = anyio.Event()
    async with stage.peer() as (served, peer):
        await peer.send(frame(TEXT, SAY) * 5)
        await until(lambda: stage.heard)
        served.advance(25.1)
        assert await peer.receive() == (PING, b"")
        served.advance(20.1)
        stage.go.set()
        for _ in range(5):
            assert await peer.receive() == (TEXT, ANSWER)


async def test_pings_can_be_turned_off() -> None:
    stage = Stage(timeouts=Timeouts(ping=0, idle=0))
    async with stage.peer() as (served, peer):
        served.advance(1000)
        await peer.send(frame(TEXT, SAY))
        assert await peer.receive() == (TEXT, ANSWER)


async def test_a_message_that_is_never_finished_ends_the_connection() -> None:
    stage = Stage(timeouts=Timeouts(ping=0, idle=0))
    async with stage.peer() as (served, peer):
        await peer.send(frame(TEXT, SAY[:9], fin=False) + frame(CONTINUATION, SAY[9:]))
        assert await peer.receive() == (TEXT, ANSWER)
        await peer.send(frame(BINARY, b"x", fin=False) + frame(PING))
        assert await peer.receive() == (PONG, b"")
        served.advance(UNFINISHED - 1)
        served.advance(1.1)
        assert await peer.closed() == (1008, "the message was not finished")


async def test_our_close_waits_for_the_peers_and_hears_nothing_else() -> None:
    stage = Stage()
    async with stage.peer() as (_, peer):
        await stage.socket.emit(Said(text="first"))
        await stage.socket.close(4000, "enough")
        assert (await peer.receive())[0] == TEXT
        assert await peer.receive() == (CLOSE, b"\x0f\xa0enough")
        await peer.send(frame(TEXT, SAY) + frame(TEXT, SAY, fin=False) + frame(PING))
        await peer.send(frame(CLOSE, b"\x0f\xa0"))
        await peer.ended()
        await until(lambda: stage.ends)
        assert stage.ends == [(4000, "enough")]
        assert stage.heard == 0


async def test_our_close_ends_a_pause() -> None:
    stage = Stage(limits=Limits(inbox=1))
    stage.go = anyio.Event()
    async with stage.peer() as (_, peer):
        await peer.send(frame(TEXT, SAY) * 5)
        await until(lambda: stage.heard)
        await stage.socket.close(4000)
        assert await peer.closed() == (4000, "normal")
        await peer.send(frame(CLOSE, b"\x0f\xa0"))
        await peer.ended()
        stage.go.set()
        await until(lambda: stage.ends)
        assert stage.heard == 1


async def test_a_peer_that_never_answers_our_close_is_dropped() -> None:
    stage = Stage()
    async with stage.peer() as (served, peer):
        await stage.socket.close(4000)
        assert await peer.closed() == (4000, "normal")
        served.advance(0)
        served.advance(10.1)
        await peer.ended()


async def test_a_peer_that_talks_on_after_its_breach_is_dropped_in_the_end() -> None:
    stage = Stage()
    async with stage.peer() as (served, peer):
        await peer.send(frame(TEXT, rsv=4))
        assert (await peer.closed())[0] == 1002
        await peer.ended()  # our half; the peer goes on in its own
        for _ in range(20):
            await peer.send(bytes(100_000))
        served.advance(LINGER + 0.1)
        with anyio.fail_after(DEADLINE):
            while await takes(peer):
                pass


async def test_a_defect_costs_its_own_connection_only(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bool:
        raise RuntimeError("a defect")

    stage = Stage()
    monkeypatch.setattr(Connection, "received", broken)
    async with stage.peer() as (served, peer):
        monkeypatch.undo()
        await peer.send(frame(TEXT, SAY))
        assert (await peer.closed())[0] == 1011
        async with served.connect() as other:
            await other.send(frame(TEXT, SAY))
            assert await other.receive() == (TEXT, ANSWER)
    assert any("on_ws_frame" in message for message in logged(caplog))


async def takes(peer: RawPeer) -> bool:
    """Whether the connection still takes bytes."""
    try:
        await peer.send(bytes(100_000))
    except anyio.BrokenResourceError:
        return False
    return True


@asynccontextmanager
async def two_at_once(
    stage: Stage,
) -> AsyncGenerator[tuple[Served, tuple[RawPeer, socket.socket], tuple[RawPeer, socket.socket]]]:
    """Two peers, each with its socket: what is sent on both comes in one turn of the event loop."""
    async with stage.peer() as (served, peer), served.connect() as other:
        await until(lambda: len(stage.app.sockets()) == 2)
        with by_hand(peer) as one, by_hand(other) as two:
            yield served, (peer, one), (other, two)


@contextmanager
def by_hand(peer: RawPeer) -> Generator[socket.socket]:
    """The peer's socket as the kernel has it, to be used without the event loop."""
    raw = peer.stream.extra(anyio.abc.SocketAttribute.raw_socket)
    with socket.socket(fileno=os.dup(raw.fileno())) as own:
        yield own


def shrink(peer: RawPeer, option: int) -> None:
    """Have the kernel hold little for a peer, so that what it does not take is felt."""
    raw = peer.stream.extra(anyio.abc.SocketAttribute.raw_socket)
    raw.setsockopt(socket.SOL_SOCKET, option, 65536)
