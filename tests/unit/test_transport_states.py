"""Legal states of the transports that have many flags, as drawn in their docstrings, by walks.

Each walk is a random sequence of what the core, the network and the peer may do. After each step
the flags must stand in a row of every table; and all rows must be reached.
"""

import random
import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeAlias, cast

import anyio
import pytest
from anyio import Event, create_task_group
from anyio.lowlevel import checkpoint
from typing_extensions import override

from bytesocket_app.transports.asgi import AsgiTransport, Message
from bytesocket_app.transports.picows.transport import CHUNK, PicowsTransport
from bytesocket_app.transports.picows.write_batch import WriteBatch
from bytesocket_app.transports.queued import QueuedTransport
from bytesocket_app.transports.writer import Writer
from bytesocket_app.wire.frame import Frame

pytestmark = pytest.mark.anyio

Table: TypeAlias = tuple[tuple[str, ...], ...]
"""A head and rows, the first cell of each a name, the others `yes`, `no` or `any`."""


def table(text: str) -> Table:
    """Read a table as it is written below: cells apart by two spaces."""
    return tuple(tuple(re.split(r"\s{2,}", line.strip())) for line in text.strip().splitlines())


OUTPUT = table("""
    state                corked  queued  sending  waits  over
    idle                 no      no      no       no     no
    queued               no      yes     no       any    no
    corked               yes     no      no       any    no
    corked while queued  yes     yes     no       any    no
    sending              any     any     yes      any    no
    over                 any     any     any      no     yes
""")

READERS = table("""
    who reads        is_parked  held_up  second  gone
    nobody: at work  no         no       no      no
    the own task     yes        no       no      no
    the second task  any        yes      yes     no
    handing back     any        no       yes     no
    nobody: gone     any        any      any     yes
""")

WAY_OUT = table("""
    way out      direct  corked  blocked  closing  over  held  waiting  farewell
    direct       yes     no      no       no       no    no    no       no
    corked       no      yes     no       no       no    any   no       no
    blocked      no      no      yes      no       no    no    any      no
    close waits  no      no      yes      yes      no    no    any      yes
    close said   no      no      any      yes      no    no    no       no
    over         no      no      any      yes      yes   no    no       no
""")

WAY_IN = table("""
    way in       reading  due  behind  parting  over
    idle         no       no   any     no       no
    handing out  yes      any  any     any      no
    put off      no       yes  yes     no       no
    over         any      any  no      any      yes
""")

NETWORK = table("""
    network     blocked  behind  pong  reads_later  waiters
    takes more  no       no      no    no           no
    is full     yes      any     any   any          any
""")

DRAWN: list[tuple[type, list[Table]]] = [
    (QueuedTransport, [OUTPUT]),
    (AsgiTransport, [READERS]),
    (PicowsTransport, [WAY_OUT, WAY_IN, NETWORK]),
]


def drawn(docstring: str) -> list[Table]:
    """The tables of a docstring, without a column `left by` and the lines that go on in it."""
    found: list[Table] = []
    lines = docstring.splitlines()
    rules = [number for number, line in enumerate(lines) if re.fullmatch(r"\s*=+(  +=+)+", line)]
    for top, middle, bottom in zip(rules[::3], rules[1::3], rules[2::3], strict=True):
        starts = [match.span() for match in re.finditer("=+", lines[top])]
        rows = [
            tuple(line[start:end].strip() for start, end in starts)
            for line in (lines[top + 1], *lines[middle + 1 : bottom])
        ]
        width = len(rows[0]) - (rows[0][-1] == "left by")
        found.append(tuple(row[:width] for row in rows if row[0]))
    return found


@pytest.mark.parametrize(
    ("kind", "tables"), DRAWN, ids=lambda value: getattr(value, "__name__", "")
)
def test_the_docstring_has_these_tables(kind: type, tables: list[Table]) -> None:
    assert drawn(kind.__doc__ or "") == tables


class Walk:
    """Notes which rows of a table are reached, and that nothing else is."""

    def __init__(self, *tables: Table) -> None:
        self.tables = tables
        self.reached: set[tuple[str, str]] = set()
        self.steps: list[str] = []

    def look(self, flags: Mapping[str, object]) -> None:
        for head, *rows in self.tables:
            here = ["yes" if flags[name] else "no" for name in head[1:]]
            fitting = [
                name
                for name, *cells in rows
                if all(cell in ("any", is_so) for cell, is_so in zip(cells, here, strict=True))
            ]
            state = dict(zip(head[1:], here, strict=True))
            assert len(fitting) == 1, f"{fitting}: {state} after {self.steps[-30:]}"
            self.reached.add((head[0], fitting[0]))

    def complete(self) -> None:
        rows = {(head[0], name) for head, *rest in self.tables for name, *_ in rest}
        assert rows - self.reached == set(), "never reached"


class Core:
    """The core's end of a connection, which asks for a pause now and then."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.ends = 0
        self.on_interrupt: Callable[[], object] = lambda: None

    def received(self, payload: bytes | str, is_binary: bool, /) -> bool:
        return self.dice.random() < 0.7

    def heard(self) -> None:
        """Take note of nothing."""

    def lost(self, code: int, reason: str, /) -> None:
        self.ends += 1

    def interrupt(self) -> None:
        self.on_interrupt()

    async def run(self) -> None:
        """Do nothing: the walk plays the connection's own task."""


def frame(dice: random.Random) -> Frame:
    size = dice.choice([0, 10, 1000, CHUNK // 2, CHUNK])
    return Frame(bytes(size), is_binary=True, slot=dice.choice([None, None, "slot"]))


class Gated(QueuedTransport):
    """A queued transport whose network takes a message when it is told to."""

    def __init__(self, tasks: anyio.abc.TaskGroup, dice: random.Random) -> None:
        super().__init__(tasks)
        self.dice = dice
        self.receiver = Core(dice)
        self.gates: list[Event] = []

    async def pass_gate(self) -> None:
        if self.dice.random() < 0.5:
            gate = Event()
            self.gates.append(gate)
            await gate.wait()
        if self.dice.random() < 0.02:
            raise OSError("the peer is gone")

    @override
    async def send(self, frame: Frame) -> None:
        await self.pass_gate()

    @override
    async def send_close(self, code: int, reason: str) -> None:
        await self.pass_gate()

    @override
    def abort(self) -> None:
        self.lose()


def output(transport: Any) -> dict[str, object]:
    over = transport._over
    frames = transport._alone is not None or transport._outbox.size
    return {
        "corked": transport._corked,
        "queued": transport._queued,
        "sending": transport._outbox.behind,
        "waits": frames or (transport._closing is not None and not over),
        "over": over,
    }


async def test_a_queued_transport_keeps_to_its_table() -> None:
    walk = Walk(OUTPUT)
    for seed in range(60):
        dice = random.Random(seed)
        async with create_task_group() as tasks:
            transport = Gated(tasks, dice)

            async def flush(transport: Gated = transport) -> None:
                flushing = transport.flush()
                if flushing is not None:
                    await flushing

            def open_gate(transport: Gated = transport) -> None:
                if transport.gates:
                    transport.gates.pop(0).set()

            operations: list[tuple[str, int, Callable[[], Any]]] = [
                ("write", 8, lambda: transport.write(frame(dice))),  # noqa: B023
                ("cork", 4, transport.cork),
                ("hold_up", 3, transport.hold_up),
                ("flush", 4, lambda: tasks.start_soon(flush)),
                ("drop_oldest", 2, transport.drop_oldest),
                ("buffered", 1, lambda: transport.buffered),  # noqa: B023
                ("gate", 6, open_gate),
                ("close", 1, lambda: transport.close(1000, "")),  # noqa: B023
                ("abort", dice.choice([0, 0, 1]), transport.abort),
                ("turn", 6, lambda: None),
            ]
            await walk_at_random(walk, operations, dice, lambda: output(transport))  # noqa: B023
            transport.abort()
            tasks.cancel_scope.cancel()
    walk.complete()


async def walk_at_random(
    walk: Walk,
    operations: list[tuple[str, int, Callable[[], Any]]],
    dice: random.Random,
    flags: Callable[[], Mapping[str, object]],
) -> None:
    walk.steps.clear()
    walk.look(flags())
    weights = [weight for _, weight, _ in operations]
    for _ in range(120):
        (chosen,) = dice.choices(operations, weights)
        walk.steps.append(chosen[0])
        chosen[2]()
        walk.look(flags())
        if chosen[0] in ("turn", "flush"):
            await checkpoint()
            walk.look(flags())


class AsgiServer:
    """A server that has a message when it is told to, and takes one likewise."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.messages: list[Message] = []
        self.news = Event()

    def tell(self, kind: str) -> None:
        self.messages.append({"type": f"websocket.{kind}", "text": "hi"})
        self.news.set()

    async def receive(self) -> Message:
        while not self.messages:
            self.news = Event()
            await self.news.wait()
        return self.messages.pop(0)

    async def send(self, message: Message) -> None:
        for _ in range(self.dice.choice([0, 0, 1, 3])):
            await checkpoint()


def readers(transport: Any) -> dict[str, object]:
    return {
        "is_parked": transport.is_parked,
        "held_up": transport._held_up,
        "second": transport._second is not None,
        "gone": transport._gone,
        **output(transport),
    }


class OwnTask(Core):
    """Plays the connection's own task: it parks, then makes a batch that may wait, and flushes."""

    transport: AsgiTransport
    look: Callable[[], object]

    @override
    async def run(self) -> None:
        transport, dice = self.transport, self.dice
        while not self.ends:
            with anyio.CancelScope() as parking:
                self.on_interrupt = parking.cancel
                await transport.park()
            self.on_interrupt = lambda: None
            transport.cork()
            self.look()
            for _ in range(dice.choice([0, 0, 1, 4])):
                await checkpoint()
                self.look()
            transport.resume()
            transport.write(frame(dice))
            self.look()
            flushing = transport.flush()
            if flushing is not None:
                await flushing


async def serve_one(transport: AsgiTransport) -> None:
    await transport.run()
    transport.finish()


async def test_an_asgi_transport_keeps_to_its_tables() -> None:
    walk = Walk(READERS, OUTPUT)
    for seed in range(60):
        dice = random.Random(seed)
        async with create_task_group() as tasks:
            server, writer, core = AsgiServer(dice), Writer(), OwnTask(dice)
            writer.lend(tasks)
            transport = AsgiTransport(server.receive, server.send, writer, tasks)
            transport.receiver, core.transport = core, transport
            core.look = lambda: walk.look(readers(transport))  # noqa: B023
            tasks.start_soon(serve_one, transport)
            operations: list[tuple[str, int, Callable[[], Any]]] = [
                ("write", 4, lambda: transport.write(frame(dice))),  # noqa: B023
                ("message", 8, lambda: server.tell("receive")),  # noqa: B023
                ("disconnect", dice.choice([0, 1]), lambda: server.tell("disconnect")),  # noqa: B023
                ("close", dice.choice([0, 1]), lambda: transport.close(1000, "")),  # noqa: B023
                ("resume", 1, transport.resume),
                ("turn", 24, lambda: None),
            ]
            await walk_at_random(walk, operations, dice, lambda: readers(transport))  # noqa: B023
            tasks.cancel_scope.cancel()
    walk.complete()


class Real:
    """asyncio's transport, whose buffer is as full as it is told to be."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.link: PicowsTransport
        self.is_full = False
        self.closed = False

    def write(self, data: bytes) -> None:
        if not self.is_full and self.dice.random() < 0.25:
            self.is_full = True
            self.link.block()

    def get_write_buffer_size(self) -> int:
        return CHUNK if self.is_full else 0

    def take(self) -> None:
        """The network takes what waits."""
        if self.is_full:
            self.is_full = False
            self.link.unblock()

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close

    def can_write_eof(self) -> bool:
        return False

    def set_protocol(self, protocol: object) -> None:
        """Nothing comes from here."""

    def pause_reading(self) -> None:
        """Nothing comes from here."""

    resume_reading = pause_reading


class Home:
    """The server's list of connections, which is empty."""

    def __init__(self) -> None:
        self.turn = WriteBatch(lambda: 0.0)

    def lingers(self, connection: object) -> None:
        """Nobody waits."""

    def gone(self, real: object) -> None:
        """Nobody listens."""


class Reader:
    """The way in, as far as the transport asks it."""

    def __init__(self, link: PicowsTransport) -> None:
        self.link = link
        self.is_paused = False

    def resume(self) -> None:
        self.is_paused = False
        self.link.wake()

    def ignore(self) -> None:
        if self.is_paused:
            self.resume()

    def stop(self) -> None:
        """Hand out nothing more."""


def picows_flags(link: Any) -> dict[str, object]:
    return {
        "direct": link._direct is not None,
        "corked": link._corked,
        "blocked": link._blocked,
        "closing": link.is_closing,
        "over": link.is_over,
        "held": link._held,
        "waiting": link._outbox.size,
        "farewell": link._farewell is not None,
        "reading": link.is_reading,
        "due": link.is_due,
        "behind": link._is_behind,
        "parting": link._parting is not None,
        "pong": link._pong is not None,
        "reads_later": link._reads_later,
        "waiters": link._unblocked is not None,
    }


class PicowsWalk:
    """One connection on picows, without picows and without a network."""

    def __init__(self, dice: random.Random, tasks: anyio.abc.TaskGroup) -> None:
        self.dice = dice
        self.tasks = tasks
        self.real = Real(dice)
        self.home = Home()
        self.link = PicowsTransport(cast("Any", self.real), cast("Any", self.home))
        self.real.link = self.link
        self.way_in = Reader(self.link)
        self.core = Core(dice)
        self.link.open(self.core, self.way_in)

    async def own_task(self) -> None:
        """Play the connection's own task, inside the steps that `end_reading` takes."""
        link, dice = self.link, self.dice
        while not link.is_over:
            link.cork()
            for _ in range(dice.choice([0, 1, 1, 5])):
                link.write(frame(dice))
            if dice.random() < 0.2:
                await checkpoint()
            flushing = link.flush()
            if flushing is not None:
                await flushing
            await cast("Any", link.park)()

    def run(self) -> Coroutine[Any, Any, None]:
        cast("Any", self.core).run = self.own_task
        return self.link.run(self.core)

    def read(self) -> None:
        """A read begins; one message of it is handed out."""
        if not (self.link.is_over or self.way_in.is_paused):
            self.link.is_reading = True
            if not self.link.is_closing:
                self.link.is_due = True
                self.way_in.is_paused = self.dice.random() < 0.1

    def end_reading(self) -> None:
        if self.link.is_reading:
            self.link.end_reading()

    def peer_closes(self) -> None:
        if self.link.is_reading and not self.link.is_over:
            self.link.part(1000, "")

    def pinged(self) -> None:
        if not self.link.is_over:
            self.link.answer(b"?")

    def batch(self) -> None:
        """Somebody else's turn makes this one a busy one."""
        turn = self.home.turn
        if turn.is_begun:
            turn.go_on()
        else:
            turn.begin()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_transport_on_picows_keeps_to_its_tables() -> None:
    walk = Walk(WAY_OUT, WAY_IN, NETWORK)
    for seed in range(150):
        dice = random.Random(seed)
        async with create_task_group() as tasks:
            one = PicowsWalk(dice, tasks)
            tasks.start_soon(one.run)
            link = one.link
            rarely = dice.choice([0, 0, 1])
            operations: list[tuple[str, int, Callable[[], Any]]] = [
                ("write", 8, lambda: link.write(frame(dice))),  # noqa: B023
                (
                    "write_many",
                    3,
                    lambda: PicowsTransport.write_many([link], frame(dice)),  # noqa: B023
                ),
                ("cork", 2, link.cork),
                ("flush", 2, lambda: close_coroutine(link.flush())),  # noqa: B023
                ("hold_up", 2, link.hold_up),
                ("read", 8, one.read),
                ("end_reading", 8, one.end_reading),
                ("take", 5, one.real.take),
                ("drop_oldest", 2, link.drop_oldest),
                ("resume", 2, link.resume),
                ("ping", 1, lambda: link.ping(0.0)),  # noqa: B023
                ("pinged", 2, one.pinged),
                ("batch", 2, one.batch),
                ("close", rarely, lambda: link.close(1000, "")),  # noqa: B023
                ("peer closes", rarely, one.peer_closes),
                ("fail", dice.choice([0, 0, 0, 1]), lambda: link.fail(1002, "")),  # noqa: B023
                ("abort", dice.choice([0, 0, 0, 1]), link.abort),
                ("turn", 6, lambda: None),
            ]
            await walk_at_random(walk, operations, dice, lambda: picows_flags(link))  # noqa: B023
            link.lose()
            assert one.core.ends == 1
            tasks.cancel_scope.cancel()
    walk.complete()


def close_coroutine(flushing: Any) -> None:
    """Leave a flush to its own: only the connection's own task awaits one."""
    if flushing is not None:
        flushing.close()


def test_an_illegal_state_is_found() -> None:
    names = ("blocked", "behind", "pong", "reads_later", "waiters")
    flags: dict[str, object] = dict.fromkeys(names, False)
    walk = Walk(NETWORK)
    walk.look(flags)
    with pytest.raises(AssertionError, match="'pong': 'yes'"):
        walk.look({**flags, "pong": True})
    with pytest.raises(AssertionError, match="never reached"):
        walk.complete()
