"""A socket sends when it can, waits for its network, closes once, and is closed for slowness."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from sys import maxsize
from typing import Any, TypeAlias, cast

import anyio
import pytest
from anyio import create_task_group
from anyio.abc import TaskGroup
from typing_extensions import override

from bytesocket_app import Handshake, ServerEvent, Socket
from bytesocket_app.socket import AuthState, Removal, SendingSide, new_id, raw_frame, several
from bytesocket_app.socket.sending_side import SPREE
from bytesocket_app.telemetry import Telemetry
from bytesocket_app.transports.memory import MemoryTransport
from bytesocket_app.transports.null import NullTransport
from bytesocket_app.types import CodecName, Outcome
from bytesocket_app.wire.frame import Frame
from tests.support.talk import until
from tests.support.turns import a_turn

pytestmark = pytest.mark.anyio


class Posted(ServerEvent):
    text: str = ""


class Loom:
    """Notes what a socket asks of those around it."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def encode(self, event: Any, codec: CodecName, /) -> Frame:
        return Frame(f"{event.text} {codec}".encode(), is_binary=codec == "binary")

    def publish(
        self,
        rooms: Iterable[str],
        event: Any,
        *,
        exclude: str | None = None,
        codec: CodecName | None = None,
        bulk: bool = False,
    ) -> Outcome:
        self.calls.append(("publish", list(rooms), event, exclude, codec, bulk))
        return "sent"

    def broadcast(
        self, event: Any, *, exclude: str | None = None, codec: CodecName | None = None
    ) -> Outcome:
        self.calls.append(("broadcast", event, exclude, codec))
        return "sent"

    def publish_raw(
        self, room: str, payload: str | bytes, *, exclude: str | None = None
    ) -> Outcome:
        self.calls.append(("publish_raw", room, payload, exclude))
        return "sent"

    async def join(self, socket: Socket, room: str, /) -> None:
        self.calls.append(("join", room))
        if room == "trap":
            await socket.close()

    async def leave(self, socket: Socket, room: str, removal: Removal, /) -> None:
        self.calls.append(("leave", room))

    def rooms_of(self, socket: Socket, /, *, include_broadcast: bool = False) -> list[str]:
        return ["lobby"]


class Wire(MemoryTransport):
    """A transport that tells what it was given."""

    def texts(self) -> list[bytes]:
        return [self.outbox.popleft().payload for _ in range(len(self.outbox))]

    @override
    def close(self, code: int, reason: str) -> None:
        self.ended = [*getattr(self, "ended", []), (code, reason)]


HEADERS = {
    "host": "example.org",
    "user-agent": "test",
    "authorization": "Bearer t",
    "x-forwarded-for": "10.0.0.1",
    "cookie": "a=1; b=2",
}


class Made:
    """A socket with all that it needs.

    Attributes:
        released: Times that its memberships were given up.
    """

    def __init__(self, *, limit: int = 0, drop_oldest: bool = False, **handshake: Any) -> None:
        self.wire, self.loom = Wire(), Loom()
        self.side = SendingSide(
            new_id(),
            self.wire,
            codec="json",
            limit=limit or maxsize,
            drop_oldest=drop_oldest,
            telemetry=Telemetry(),
        )
        self.released = 0
        self.side.released = self._release
        request = Handshake("/ws", **handshake)
        self.socket: Socket = Socket(request, self.side, self.loom, app=cast("Any", None))

    def _release(self) -> None:
        self.released += 1


def make(**handshake: Any) -> tuple[Socket, Wire, Loom]:
    made = Made(**handshake)
    return made.socket, made.wire, made.loom


def test_a_socket_shows_its_request() -> None:
    socket, _, _ = make(query="a=1", headers=HEADERS, client=("127.0.0.1", 5))
    assert (socket.url, socket.query, socket.client) == ("/ws", "a=1", ("127.0.0.1", 5))
    assert socket.headers is HEADERS
    assert socket.cookies == {"a": "1", "b": "2"}
    assert (socket.host, socket.user_agent) == ("example.org", "test")
    assert (socket.authorization, socket.x_forwarded_for) == ("Bearer t", "10.0.0.1")


def test_headers_that_did_not_come_are_empty_text() -> None:
    socket, _, _ = make()
    assert socket.host == socket.user_agent == socket.authorization == socket.x_forwarded_for == ""
    assert socket.client is None


def test_every_socket_has_an_id_and_a_state_of_its_own() -> None:
    one, other = make()[0], make()[0]
    assert one.id != other.id
    assert len(one.id) == 36
    assert one.state == {}
    assert one.state is not other.state
    assert one.user is None
    assert repr(one) == f"<socket {one.id}>"


def test_what_a_socket_is_called_in_the_log_tells_the_users_key_and_no_more() -> None:
    made = Made()
    made.side.user_key = "ann"
    made.socket.user = {"name": "ann", "token": "secret"}
    assert repr(made.socket) == f"<socket {made.socket.id} of user 'ann'>"


@pytest.mark.parametrize("state", list(AuthState))
def test_a_socket_can_send_when_open_and_authenticated(state: AuthState) -> None:
    made = Made()
    socket, made.side.auth_state = made.socket, state
    assert socket.is_authenticated == (state in (AuthState.NONE, AuthState.SUCCESS))
    assert socket.can_send == socket.is_authenticated
    made.side.lose(1006, "")
    assert not socket.can_send


async def test_emit_uses_the_sockets_codec_unless_told() -> None:
    socket, wire, _ = make()
    await socket.emit(Posted(text="a"))
    await socket.emit(Posted(text="b"), codec="binary")
    assert wire.texts() == [b"a json", b"b binary"]


async def test_before_authentication_only_ready_frames_go_out() -> None:
    made = Made()
    made.side.auth_state = AuthState.IDLE
    assert await verbs(made.socket) == ["dropped"] * 5
    await made.socket.rooms.join("a")
    await made.socket.rooms.leave("a")
    assert (made.wire.texts(), made.loom.calls) == ([], [])
    assert await made.socket.send_raw("raw") != "dropped"
    assert made.wire.texts() == [b"raw"]


async def verbs(socket: Socket) -> list[str]:
    """The outcomes of all verbs that need an authenticated socket."""
    return [
        await socket.emit(Posted()),
        await socket.broadcast(Posted()),
        await socket.rooms.emit("a", Posted()),
        await socket.rooms.bulk.emit(["a"], Posted()),
        await socket.rooms.publish_raw("a", "x"),
    ]


async def test_a_closed_socket_sends_nothing_and_says_so() -> None:
    socket, wire, loom = make()
    await socket.close()
    assert await verbs(socket) == ["dropped"] * 5
    assert await socket.send_raw("raw") == "dropped"
    assert (wire.texts(), loom.calls) == ([], [])


async def test_a_lost_socket_speaks_to_others_while_what_came_before_is_handled() -> None:
    made = Made()
    made.side.lose(1006, "")
    assert await verbs(made.socket) == ["dropped", "sent", "sent", "sent", "sent"]
    made.side.is_draining = False
    assert await verbs(made.socket) == ["dropped"] * 5


async def test_closing_is_done_once_by_the_first_call() -> None:
    made = Made()
    await made.socket.close(4001, "first")
    await made.socket.close(4002, "second")
    assert made.wire.ended == [(4001, "first")]
    assert made.side.close_sent == (4001, "first")
    assert made.socket.is_closed
    made.side.lose(1000, "")
    assert made.released == 1
    assert await made.socket.wait_closed() == (4001, "first")


async def test_whoever_waits_for_the_end_gets_the_peers_code_and_reason() -> None:
    made, told = Made(), list[tuple[int, str]]()

    async def wait() -> None:
        told.append(await made.socket.wait_closed())

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            made.side.lose(4001, "mine")
            made.side.lose(1006, "")
    assert told == [(4001, "mine")] * 2


async def test_a_close_without_arguments_is_normal() -> None:
    socket, wire, _ = make()
    await socket.close()
    assert wire.ended == [(1000, "normal")]


async def test_a_final_close_is_4400_or_a_final_code() -> None:
    socket, wire, _ = make()
    with pytest.raises(ValueError, match="1000 is not final"):
        await socket.close(1000, final=True)
    assert not socket.is_closed
    await socket.close(final=True)
    other, other_wire, _ = make()
    await other.close(4444, "bye", final=True)
    assert (wire.ended, other_wire.ended) == ([(4400, "closed for good")], [(4444, "bye")])


async def test_a_long_close_reason_is_cut() -> None:
    socket, wire, _ = make()
    await socket.close(4000, "ü" * 100)
    assert wire.ended == [(4000, "ü" * 61)]


@pytest.mark.parametrize("code", [1005, 1006, 999, 5000])
async def test_a_code_that_cannot_be_sent_closes_nothing(code: int) -> None:
    socket, _, _ = make()
    with pytest.raises(ValueError, match="cannot be sent as a close code"):
        await socket.close(code)
    assert not socket.is_closed


async def test_others_are_reached_without_the_socket_itself() -> None:
    socket, _, loom = make()
    event = Posted()
    await socket.broadcast(event, codec="json")
    await socket.rooms.emit("a", event)
    await socket.rooms.bulk.emit(["a", "b"], event)
    await socket.rooms.publish_raw("a", b"x")
    assert loom.calls == [
        ("broadcast", event, socket.id, "json"),
        ("publish", ["a"], event, socket.id, None, False),
        ("publish", ["a", "b"], event, socket.id, None, True),
        ("publish_raw", "a", b"x", socket.id),
    ]


async def test_membership_is_asked_for_room_by_room() -> None:
    socket, _, loom = make()
    await socket.rooms.join("a")
    await socket.rooms.bulk.join(["b", "c"])
    await socket.rooms.bulk.leave(["b"])
    await socket.rooms.leave("a")
    assert loom.calls == [
        ("join", "a"),
        ("join", "b"),
        ("join", "c"),
        ("leave", "b"),
        ("leave", "a"),
    ]
    assert socket.rooms.list() == ["lobby"]


async def test_a_socket_closed_by_a_join_joins_no_further() -> None:
    socket, _, loom = make()
    await socket.rooms.bulk.join(["trap", "b"])
    assert ("join", "b") not in loom.calls


async def test_one_name_is_no_list_of_rooms() -> None:
    socket, _, _ = make()
    for call in (socket.rooms.bulk.join, socket.rooms.bulk.leave):
        with pytest.raises(TypeError, match=r"rooms='lobby' is one text: pass a list, \['lobby'\]"):
            await call("lobby")
    with pytest.raises(TypeError, match="is one text"):
        await socket.rooms.bulk.emit("lobby", Posted())
    assert several(["a"]) == ["a"]


def test_ready_frames_are_text_or_binary() -> None:
    assert (raw_frame("ü").payload, raw_frame("ü").is_binary) == ("ü".encode(), False)
    assert (raw_frame(b"\xff").payload, raw_frame(b"\xff").is_binary) == (b"\xff", True)
    assert raw_frame("\ud800").payload == b"?"


def frame(size: int, slot: str | None = None) -> Frame:
    return Frame(b"x" * size, is_binary=False, slot=slot)


async def test_a_slow_reader_is_closed_and_told_to_come_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = Made(limit=1000)
    for size in (600, 600):
        made.side.write_unawaited(frame(size))
    assert not made.socket.is_closed, "the network had no turn yet"
    await a_turn()
    with caplog.at_level(logging.WARNING, "bytesocket"):
        made.side.write_unawaited(frame(1))
    assert made.wire.ended == [(1013, "slow reader")]
    assert made.side.dropped == 3
    assert made.wire.texts() == []
    assert f"more than 1000 bytes wait for <socket {made.socket.id}>" in caplog.text


async def test_a_slow_reader_may_lose_the_oldest_instead(caplog: pytest.LogCaptureFixture) -> None:
    made = Made(limit=1000, drop_oldest=True)
    with caplog.at_level(logging.WARNING, "bytesocket"):
        for size in (600, 601, 602):
            made.side.write_unawaited(frame(size))
            await a_turn()
        made.side.write_unawaited(frame(1))
    assert not made.socket.is_closed
    assert [len(text) for text in made.wire.texts()] == [602, 1]
    assert made.side.dropped == 2
    assert caplog.text.count("bytes wait") == 1


async def test_what_may_be_lost_goes_before_a_slow_reader_is_closed() -> None:
    made = Made(limit=1000)
    for number in range(20):
        made.side.write_unawaited(frame(100 + number, slot="cursor"))
    await a_turn()
    made.side.write_unawaited(frame(900))
    assert not made.socket.is_closed
    await a_turn()
    made.side.write_unawaited(frame(1))
    assert [len(text) for text in made.wire.texts()] == [900, 1]
    assert made.side.dropped
    made.side.write_unawaited(frame(1900))
    await a_turn()
    made.side.write_unawaited(frame(1))
    assert made.wire.ended == [(1013, "slow reader")]


Act: TypeAlias = Callable[[Made, TaskGroup], None]
"""Something that sends to a socket, before the network had a turn."""


def answers(*sizes: int) -> Act:
    def act(made: Made, _: TaskGroup) -> None:
        for size in sizes:
            made.side.write(frame(size))

    return act


def emits(*sizes: int) -> Act:
    def act(made: Made, tasks: TaskGroup) -> None:
        for size in sizes:
            tasks.start_soon(made.socket.send_raw, "x" * size)

    return act


def cancelled(*sizes: int) -> Act:
    async def send(made: Made, size: int) -> None:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await made.socket.send_raw("x" * size)

    def act(made: Made, tasks: TaskGroup) -> None:
        for size in sizes:
            tasks.start_soon(send, made, size)

    return act


def unawaited(*sizes: int) -> Act:
    def act(made: Made, _: TaskGroup) -> None:
        for size in sizes:
            made.side.write_unawaited(frame(size))

    return act


AWAITED: dict[str, tuple[list[Act], str]] = {
    "nothing": ([], "counts for itself"),
    "a large answer": ([answers(5000)], "counts for itself"),
    "large answers": ([answers(5000, 5000, 5000)], "counts for itself"),
    "a large emit": ([emits(5000)], "counts for itself"),
    "many tasks that emit": ([emits(*[400] * 30)], "counts for itself"),
    "emits and answers": ([emits(600, 900), answers(700, 50)], "counts for itself"),
    "emits that were cancelled": ([cancelled(600, 900)], "counts with it"),
    "what nobody awaits": ([unawaited(600, 600)], "counts with it"),
    "large answers and what nobody awaits": (
        [answers(5000), unawaited(900), emits(5000), unawaited(300)],
        "counts with it",
    ),
}
"""What is written first, and how what nobody awaits counts behind it, with a limit of 1000 bytes.

More than 1000 bytes that nobody awaits close the connection always; a few only if what is before
them is no task's that waits.
"""


@pytest.mark.parametrize("few", [True, False], ids=["a little", "much"])
@pytest.mark.parametrize("case", AWAITED)
async def test_what_tasks_wait_for_closes_nobody(case: str, few: bool) -> None:
    made, (acts, counts) = Made(limit=1000), AWAITED[case]
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            for act in acts:
                act(made, tasks)
                await anyio.wait_all_tasks_blocked()
            await a_turn()
            made.side.write_unawaited(frame(100 if few else 1100))
            await a_turn()
            made.side.write_unawaited(frame(0))
            closes = not few or counts == "counts with it"
            assert made.side.is_closed == closes
            assert bool(made.side.dropped) == closes
            made.side.shut(1000, "")
    assert made.side.held == made.side.senders == 0


async def test_answers_that_have_left_give_no_credit() -> None:
    made = Made(limit=1000)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            made.side.write(frame(5000))
            tasks.start_soon(made.side.drained)
            await anyio.wait_all_tasks_blocked()
            assert made.wire.texts() == [b"x" * 5000]
    for size in (1100, 0):
        made.side.write_unawaited(frame(size))
        await a_turn()
    assert made.wire.ended == [(1013, "slow reader")]


async def test_who_loses_the_oldest_loses_no_answer_and_nothing_that_a_task_awaits() -> None:
    made = Made(limit=1000, drop_oldest=True)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            answers(50, 3000)(made, tasks)
            emits(2000)(made, tasks)
            await anyio.wait_all_tasks_blocked()
            for size in (601, 602, 603, 604):
                made.side.write_unawaited(frame(size))
                await a_turn()
            made.side.write_unawaited(frame(1))
            assert not made.side.is_closed
            assert [len(text) for text in made.wire.texts()] == [50, 3000, 2000, 604, 1]
    assert made.side.dropped == 3


async def test_without_a_limit_everything_waits() -> None:
    socket, wire, _ = make()
    await socket.send_raw("x" * 10_000)
    assert len(wire.texts()) == 1


async def test_an_emit_waits_while_more_than_half_of_the_outbox_does() -> None:
    made, outcomes = Made(limit=1000), list[str]()

    async def flood() -> None:
        for _ in range(6):
            outcomes.append(await made.socket.send_raw("x" * 400))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(flood)
            await anyio.wait_all_tasks_blocked()
            assert outcomes == ["queued"]
            assert made.wire.buffered < 1000
            while len(outcomes) < 6:
                assert await made.wire.take()
                await anyio.wait_all_tasks_blocked()
                assert made.wire.buffered < 1000
    assert not made.socket.is_closed


async def test_an_emit_that_waits_goes_on_when_the_connection_is_lost() -> None:
    made, outcomes = Made(limit=1000), list[str]()

    async def send() -> None:
        outcomes.append(await made.socket.send_raw("x" * 600))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send)
            await anyio.wait_all_tasks_blocked()
            assert outcomes == []
            made.side.lose(1006, "")
    assert outcomes == ["dropped"]


async def test_a_cancelled_emit_is_on_its_way_all_the_same() -> None:
    made = Made(limit=1000)
    with anyio.move_on_after(0.01) as scope:
        await made.socket.send_raw("x" * 600)
    assert scope.cancelled_caught
    assert made.side.senders == 0
    assert made.wire.texts() == [b"x" * 600]


async def test_from_whom_nothing_leaves_while_somebody_waits_is_closed() -> None:
    made, outcomes = Made(limit=1000), list[str]()

    async def send() -> None:
        outcomes.append(await made.socket.send_raw("x" * 600))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            await made.socket.send_raw("x" * 10)
            tasks.start_soon(send)
            await until(lambda: made.side.senders)
            made.side.check_progress(100.0, 5)
            made.side.check_progress(104.9, 5)
            assert await made.wire.take()
            made.side.check_progress(109.0, 5)
            made.side.check_progress(113.9, 5)
            assert not made.socket.is_closed
            made.side.check_progress(114.1, 5)
    assert made.wire.ended == [(1013, "slow reader")]
    assert outcomes == ["dropped"]


async def test_a_volatile_event_never_waits() -> None:
    made = Made(limit=1000)
    with anyio.fail_after(30):
        for _ in range(3):
            assert await made.side.settle(frame(600, "cursor"), 600) == "queued"


async def test_a_socket_gets_its_way_out_when_it_is_accepted() -> None:
    made = Made()
    made.side.connect(NullTransport())
    assert await made.socket.send_raw("lost") == "dropped"
    assert await made.socket.emit(Posted()) == "dropped"
    made.side.connect(made.wire)
    assert await made.socket.send_raw("found") == "queued"
    assert made.wire.texts() == [b"found"]


class Swallows(Wire):
    """A transport whose network is gone; it is told so no sooner than it has a turn."""

    @override
    def write(self, frame: Frame) -> int:
        return 0


SENDS: dict[str, Callable[[Socket], Awaitable[Outcome]]] = {
    "emit": lambda socket: socket.emit(Posted()),
    "broadcast": lambda socket: socket.broadcast(Posted()),
    "send_raw": lambda socket: socket.send_raw("x"),
    "rooms.emit": lambda socket: socket.rooms.emit("lobby", Posted()),
    "rooms.publish_raw": lambda socket: socket.rooms.publish_raw("lobby", "x"),
    "rooms.bulk.emit": lambda socket: socket.rooms.bulk.emit(["lobby"], Posted()),
}


@pytest.mark.parametrize("name", SENDS)
async def test_a_loop_that_sends_and_never_waits_lets_others_go_on(name: str) -> None:
    made = Made()
    made.side.connect(Swallows())
    send, outcomes = SENDS[name], list[Outcome]()

    async def lose() -> None:
        made.side.lose(1006, "")

    async with create_task_group() as tasks:
        tasks.start_soon(lose)
        while not made.socket.is_closed and len(outcomes) < 10 * SPREE:
            outcomes.append(await send(made.socket))
    assert len(outcomes) in (SPREE, 2 * SPREE)  # trio has no order within a turn


async def test_who_sends_now_and_then_goes_on_at_once() -> None:
    made = Made()
    made.side.connect(Swallows())
    for _ in range(SPREE - 1):
        assert await made.socket.emit(Posted()) == "sent"
    with anyio.CancelScope() as scope:
        scope.cancel()
        assert await made.socket.broadcast(Posted()) == "sent"
    assert scope.cancelled_caught  # the one that was due
    with anyio.CancelScope() as scope:
        scope.cancel()
        assert await made.socket.emit(Posted()) == "sent"
    assert not scope.cancelled_caught


async def test_what_waits_without_a_limit_counts_as_well() -> None:
    made = Made()  # without a limit
    turns = 0

    async def count() -> None:
        nonlocal turns
        turns += 1

    async with create_task_group() as tasks:
        tasks.start_soon(count)
        for _ in range(SPREE):
            assert not turns
            assert await made.socket.emit(Posted()) == "queued"
        for _ in range(SPREE):
            assert await made.socket.emit(Posted()) == "queued"
        assert turns == 1
