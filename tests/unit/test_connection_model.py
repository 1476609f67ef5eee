"""One connection against a model of it: what others see of it, whatever comes in whatever order."""

# pyright: reportPrivateUsage=false
# The list of a user's sockets has no public name.

from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from anyio import Event as Signal
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from bytesocket_app import ByteSocket, ClientEvent, Event, Socket
from bytesocket_app.declarations.rooms import Room
from bytesocket_app.errors import Disconnected
from bytesocket_app.testing import TestClient
from tests.support.talk import DEADLINE

ROOMS = ("lobby", "hall")
FINALS = ("lost", "kicked", "drained")

Command = tuple[str, ...]
"""What happens, and to which room."""


class Echo(ClientEvent, name="echo"):
    number: int


class Hold(ClientEvent, name="hold"):
    """Its handler waits until it is released."""

    number: int


class Beside(ClientEvent, name="beside"):
    """Its handler runs beside the others, until it is released."""

    number: int


class Post(Event, name="post"):
    """Goes to the other members of a room."""

    number: int


# ── the model ─────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Model:
    """What is to be seen of one connection, in plain lists and words.

    Attributes:
        pending: Messages that came and are not handled.
        holds: The number of the message whose handler waits; None while there is none.
        beside: Numbers of the concurrent handlers that wait.
        rooms: What it is in; at its end, what it held then.
        before: Rooms in which its messages count after its end: those held, and joins that came
            before a loss, without leaves that did, and without what the server took it out of.
        seen: What the hooks and handlers heard, in order.
        posted: What another member of every room gets.
        ready: How many of them were released.
        done: Those that are done.
        released: True once the handler that waits was released.
        end: How it ended; None while it is open.
        over: True once the close hooks have run.
    """

    pending: list[Command] = field(default_factory=list[Command])
    holds: str | None = None
    beside: list[str] = field(default_factory=list[str])
    rooms: list[str] = field(default_factory=list[str])
    before: set[str] = field(default_factory=set[str])
    seen: list[Command] = field(default_factory=lambda: [("open",)])
    posted: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    ready: int = 0
    done: list[str] = field(default_factory=list[str])
    released: bool = False
    end: str | None = None
    over: bool = False

    def does(self, command: Command) -> None:
        """Take note of one thing that happens; what it leads to is seen a turn later."""
        name = command[0]
        if name == "release":
            self.released = self.holds is not None
        elif name == "release-beside":
            self.ready = len(self.beside)
        elif name in FINALS:
            if self.end is None:
                self.end = name
                self.before = set(self.rooms)
                if name != "lost":
                    self.pending.clear()
        elif name.startswith("handle-"):
            self.by_handle(name, command[1])
        elif name.startswith("server-"):
            if self.end is None or name == "server-leave":
                self.by_handle(name, command[1])
        elif self.end is None:
            self.pending.append(command)

    def by_handle(self, name: str, room: str) -> None:
        """Join or leave on the server's word, whatever a handler is doing."""
        if not self.over:
            (self.joins if name.endswith("join") else self.leaves)(room)

    def works(self) -> None:
        """Handle what can be handled now."""
        if self.released and self.holds is not None:
            self.seen.append(("held", self.holds))
            self.holds, self.released = None, False
        self.done += self.beside[: self.ready]
        self.beside, self.ready = self.beside[self.ready :], 0
        while self.pending and self.holds is None:
            self.handles(*self.pending.pop(0))
        if self.end is not None and not self.over and self.holds is None and not self.beside:
            self.over = True
            self.seen.extend(("left", room) for room in self.rooms)
            self.seen.append(("close",))

    def handles(self, name: str, value: str, room: str = "") -> None:
        if name == "join":
            self.joins(value)
        elif name == "leave":
            self.leaves(value)
        elif name == "post":
            if room in (self.rooms if self.end is None else self.before):
                self.seen.append(("post", value, room))
                self.posted.append((value, room))
        else:
            if name == "beside":
                self.beside.append(value)
                return
            self.seen.append((name, value))
            if name == "hold":
                self.holds = value

    def joins(self, room: str) -> None:
        if self.end is not None:
            self.before.add(room)  # it is heard there, but no member
        elif room not in self.rooms:
            self.rooms.append(room)
            self.seen.append(("joined", room))

    def leaves(self, room: str) -> None:
        if self.end is not None:
            self.before.discard(room)  # its hook runs at the end
        elif room in self.rooms:
            self.rooms.remove(room)
            self.seen.append(("left", room))


# ── the application under test ────────────────────────────────────────────────────────────────────


class Stage:
    """An application, one connection of it, and somebody else in every room."""

    def __init__(self) -> None:
        self.seen: list[Command] = []
        self.gates: list[Signal] = []
        self.beside: list[Signal] = []
        self.done: list[str] = []
        self.socket: Socket[Any] | None = None
        self.rooms: dict[str, Room] = {}
        self.app = ByteSocket(title="Model", events=[Echo, Hold, Beside, Post])
        self._declare()

    def own(self, socket: Socket[Any]) -> bool:
        """True for the connection that the model is of."""
        return socket.user_key == "me"

    def notes(self, socket: Socket[Any], *what: str) -> None:
        if self.own(socket):
            self.seen.append(what)

    def _declare(self) -> None:
        app = self.app

        @app.auth(key=str)
        async def auth(credentials: str) -> str:
            return credentials

        @app.lifecycle.open
        async def opened(socket: Socket[Any]) -> None:
            if self.own(socket):
                self.socket = socket
            self.notes(socket, "open")

        @app.lifecycle.close
        async def closed(socket: Socket[Any]) -> None:
            self.notes(socket, "close")

        @app.on(Echo)
        async def echo(socket: Socket[Any], event: Echo) -> None:
            self.notes(socket, "echo", str(event.number))

        @app.on(Hold)
        async def hold(socket: Socket[Any], event: Hold) -> None:
            gate = Signal()
            self.gates.append(gate)
            self.notes(socket, "hold", str(event.number))
            await gate.wait()
            self.notes(socket, "held", str(event.number))

        @app.on(Beside, concurrent=True)
        async def beside(socket: Socket[Any], event: Beside) -> None:
            gate = Signal()
            self.beside.append(gate)
            await gate.wait()
            self.done.append(str(event.number))

        for name in ROOMS:
            self._declare_room(name)

    def _declare_room(self, name: str) -> None:
        room = self.rooms[name] = self.app.room(name)

        @room.on_join
        async def joined(socket: Socket[Any]) -> None:
            self.notes(socket, "joined", name)

        @room.on_leave
        async def left(socket: Socket[Any]) -> None:
            self.notes(socket, "left", name)

        @room.on(Post)
        async def post(socket: Socket[Any], event: Post) -> None:
            self.notes(socket, "post", str(event.number), name)

    async def does(self, client: TestClient, command: Command) -> None:
        """Have one thing happen; nobody else gets a turn meanwhile."""
        name, *rest = command
        assert self.socket is not None
        if name == "release":
            for gate in self.gates:
                gate.set()
        elif name == "release-beside":
            for gate in self.beside:
                gate.set()
        elif name == "lost":
            await client.close(1006)
        elif name == "kicked":
            await self.socket.close(4000, "out")
        elif name in {"join", "leave"} or rest[0] not in ROOMS:
            await client.send(message(command))
        else:
            await self.by_server(name, rest[0], self.socket)

    async def by_server(self, name: str, room: str, socket: Socket[Any]) -> None:
        """Change a membership on the server's word."""
        if name == "server-join":
            await socket.rooms.join(room)
        elif name == "server-leave":
            await socket.rooms.leave(room)
        elif name == "handle-join":
            await self.rooms[room].at().join(socket)
        else:
            await self.rooms[room].at().leave(socket)


def message(command: Command) -> dict[str, Any]:
    """The message of a client's command."""
    name, value, *room = command
    if name in {"join", "leave"}:
        return {"type": 9 if name == "join" else 12, "room": value}
    place = {"room": room[0]} if room else {}
    return {"event": name, "data": {"number": int(value)}, **place}


# ── both of them side by side ─────────────────────────────────────────────────────────────────────


async def interpret(bursts: list[list[Command]]) -> None:
    """Have bursts of things happen to a connection and to the model; compare after each thing."""
    stage, model = Stage(), Model()
    posted: list[tuple[str, str]] = []
    with anyio.fail_after(DEADLINE):
        async with TestClient(stage.app, "other") as other:
            for room in ROOMS:
                await other.join(room)
            async with TestClient(stage.app, "me") as client, anyio.create_task_group() as tasks:
                await anyio.wait_all_tasks_blocked()
                for burst in bursts:
                    for command in burst:
                        if command[0] == "drained":  # it takes a turn of its own
                            await settle(stage, model)
                            tasks.start_soon(stage.app.drain, DEADLINE)
                            await anyio.wait_all_tasks_blocked()
                        else:
                            await stage.does(client, command)
                        model.does(command)
                        compare(stage, model)
                    await settle(stage, model)
                await finish(stage, model, client)
                posted = await posts(other)
                tasks.cancel_scope.cancel()
    assert posted == model.posted
    for room in ROOMS:
        assert stage.seen.count(("joined", room)) == stage.seen.count(("left", room))


async def settle(stage: Stage, model: Model) -> None:
    """Let everything come to rest, and compare."""
    await anyio.wait_all_tasks_blocked()
    model.works()
    assert stage.seen == model.seen
    assert sorted(stage.done) == sorted(model.done)
    compare(stage, model)


async def finish(stage: Stage, model: Model, client: TestClient) -> None:
    """Lose the connection and release whatever waits, until it is over."""
    while not model.over:
        for name in ("lost", "release", "release-beside"):
            await stage.does(client, (name,))
            model.does((name,))
        await settle(stage, model)
    assert stage.seen[-1] == ("close",)
    assert stage.app.memberships.users.of("me") == ()


def compare(stage: Stage, model: Model) -> None:
    """What others see of the connection in this very turn."""
    socket, app = stage.socket, stage.app
    assert socket is not None
    is_open = model.end is None
    assert socket.is_closed == (not is_open)
    assert (socket in app.sockets()) == is_open
    assert app.memberships.users.of("me") == ((socket,) if is_open else ())
    others = 0 if app.endpoint.draining else 1
    for name, room in stage.rooms.items():
        assert room.count() == others + (is_open and name in model.rooms)
        assert (socket in room.sockets()) == (is_open and name in model.rooms)


async def posts(other: TestClient) -> list[tuple[str, str]]:
    """The events that another member of every room got."""
    found: list[tuple[str, str]] = []
    await other.send({"event": "echo", "data": {"number": 0}, "id": "last"})
    try:
        while (got := await other.receive_message()).get("id") != "last":
            if got.get("event") == "post":
                found.append((str(got["data"]["number"]), got["room"]))
    except Disconnected:
        assert other.app.endpoint.draining
    return found


NUMBERS = st.integers(0, 99).map(str)
PLACES = st.sampled_from(ROOMS)
COMMANDS: SearchStrategy[Command] = st.one_of(
    st.tuples(st.sampled_from(["echo", "hold", "beside"]), NUMBERS),
    st.tuples(st.sampled_from(["join", "leave"]), PLACES),
    st.tuples(st.sampled_from(["server-join", "server-leave"]), PLACES),
    st.tuples(st.sampled_from(["handle-join", "handle-leave"]), PLACES),
    st.tuples(st.just("post"), NUMBERS, PLACES),
    st.tuples(st.sampled_from(["release", "release-beside"])),
    st.tuples(st.sampled_from(["release", "lost", "kicked", "drained"])),
)
BURSTS = st.lists(st.lists(COMMANDS, min_size=1, max_size=5), max_size=6)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@given(bursts=BURSTS)
@example(bursts=[[("join", "lobby"), ("hold", "1"), ("post", "2", "lobby")], [("lost",)]])
@example(bursts=[[("join", "lobby"), ("post", "1", "lobby"), ("lost",)], [("echo", "2")]])
@example(bursts=[[("hold", "1"), ("echo", "2")], [("kicked",)], [("release",)]])
@example(bursts=[[("server-join", "hall"), ("beside", "1")], [("lost",), ("join", "lobby")]])
@example(bursts=[[("hold", "1"), ("join", "lobby")], [("drained",)], [("server-join", "hall")]])
@example(bursts=[[("join", "hall")], [("hold", "1"), ("leave", "hall"), ("post", "2", "hall")]])
@example(
    bursts=[
        [("join", "hall"), ("hold", "1"), ("post", "2", "hall")],
        [("lost",), ("handle-leave", "hall"), ("release",)],
    ]
)
@example(
    bursts=[
        [("hold", "1"), ("post", "2", "hall")],
        [("lost",), ("server-join", "hall"), ("release",)],
    ]
)
@settings(max_examples=50)
def test_a_connection_is_what_the_model_says(backend: str, bursts: list[list[Command]]) -> None:
    anyio.run(interpret, bursts, backend=backend)
