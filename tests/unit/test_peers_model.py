"""Several peers against a model of them: connection, authentication, rooms and a drain, mixed.

`test_connection_model` looks at one authenticated connection and the order of its work; this looks
at what peers may do before, after and without their credentials, and what they hear of each other.
"""

import json
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from bytesocket_app import AuthError, ByteSocket, ClientEvent, Event, Refusal, Socket
from bytesocket_app.client import RequestError
from bytesocket_app.errors import Disconnected
from bytesocket_app.testing import TestClient
from tests.support.talk import DEADLINE

USERS = {"ann": "ann", "bob": "bob"}

Command = tuple[Any, ...]
"""What happens, to which peer, and with what."""


class Echo(ClientEvent, name="echo"):
    n: int


class Note(Event, name="note"):
    n: int


@dataclass
class Peer:
    """What is to be seen of one peer.

    Attributes:
        user: Who it is, once authenticated.
        code: The close code; None while it is open.
        rooms: What it is in.
        heard: The messages that it gets.
    """

    user: str | None = None
    code: int | None = None
    rooms: set[str] = field(default_factory=set[str])
    heard: list[Any] = field(default_factory=list[Any])


class Model:
    """Peers by number, of those that were let in."""

    def __init__(self) -> None:
        self.peers: dict[int, Peer] = {}
        self.draining = False

    def does(self, name: str, number: int = -1, value: Any = None) -> None:
        """Take note of one thing that happens."""
        if name == "drain":
            self.draining = True
            for peer in self.peers.values():
                self.ends(peer, 1012)
        elif name == "connect":
            if not self.draining and number not in self.peers:
                self.peers[number] = Peer()
        elif number in self.peers and self.peers[number].code is None:
            self.says(self.peers[number], name, value)

    def says(self, peer: Peer, name: str, value: Any) -> None:
        """Take note of what an open peer does."""
        if name in {"lost", "junk"}:
            self.ends(peer, 1006 if name == "lost" else 1008)
        elif name == "ping":
            peer.heard.append(b"")
        elif name == "login":
            self.logs_in(peer, value)
        elif peer.user is None:
            self.ends(peer, 1008)  # too early for anything else
        else:
            getattr(self, name)(peer, value)

    def ends(self, peer: Peer, code: int) -> None:
        if peer.code is None:
            peer.code = code
            peer.rooms.clear()

    def logs_in(self, peer: Peer, value: Any) -> None:
        if peer.user is not None:
            return  # a second time is ignored
        if value in USERS:
            peer.user = value
            peer.heard.append(5)
        else:
            peer.heard.append(6)
            self.ends(peer, 4003)

    def echo(self, peer: Peer, value: int) -> None:
        peer.heard.append(("reply", value))

    def join(self, peer: Peer, room: str) -> None:
        allowed = room == "pub" or (room == "sec" and peer.user == "ann")
        peer.heard.append((10 if allowed else 11, room))
        if allowed:
            peer.rooms.add(room)

    def leave(self, peer: Peer, room: str) -> None:
        peer.heard.append((13, room))
        peer.rooms.discard(room)

    def post(self, peer: Peer, room: str) -> None:
        if room not in peer.rooms:
            peer.heard.append("refused")
            return
        for other in self.peers.values():
            if other is not peer and room in other.rooms:
                other.heard.append(("note", room))


class Stage:
    """The application, and real peers."""

    def __init__(self) -> None:
        self.peers: dict[int, TestClient] = {}
        self.app = app = ByteSocket(title="Peers", events=[Echo, Note])
        self.rooms = {name: app.room(name) for name in ("pub", "sec")}
        for room in self.rooms.values():
            room.relay(Note)

        @app.auth(key=str)
        async def auth(credentials: str) -> str:
            if credentials not in USERS:
                raise AuthError("Who are you?")
            await anyio.lowlevel.checkpoint()
            return USERS[credentials]

        @self.rooms["sec"].guard
        async def only_ann(socket: Socket[str]) -> None:
            if socket.user != "ann":
                raise Refusal("Ann's.", code="private")

        @app.on(Echo)
        async def echo(event: Echo) -> int:
            return event.n

    async def does(self, stack: AsyncExitStack, name: str, number: int, value: Any = None) -> None:
        """Have one thing happen for real."""
        if name == "connect":
            await self.connect(stack, number)
        elif name == "lost" and number in self.peers:
            await self.peers[number].close(1006)
        elif number in self.peers and self.peers[number].closed is None:
            await self.peers[number].send_raw(raw(name, value))

    async def connect(self, stack: AsyncExitStack, number: int) -> None:
        if number in self.peers:
            return
        try:
            client = await stack.enter_async_context(TestClient(self.app))
        except RequestError:
            assert self.app.endpoint.draining
            return
        self.peers[number] = client


def raw(name: str, value: Any) -> str | bytes:
    """The frame of a command."""
    messages: dict[str, Any] = {
        "login": {"type": 4, "data": [1] if value is None else value},
        "echo": {"event": "echo", "data": {"n": value}, "id": 1},
        "join": {"type": 9, "room": value},
        "leave": {"type": 12, "room": value},
        "post": {"event": "note", "room": value, "data": {"n": 1}},
    }
    if name in messages:
        return json.dumps(messages[name])
    return b"" if name == "ping" else "{"


def said(message: Any) -> Any:
    """A message that came, as the model writes it."""
    if message == b"":
        return message
    kind = message.get("type")
    if "event" in message:
        return (message["event"], message["room"])
    if kind in {5, 6}:
        return kind
    if kind == 32:
        return ("reply", message["data"])
    return "refused" if kind == 3 else (kind, message["room"])


async def interpret(commands: list[Command]) -> None:
    """Have things happen to peers and to the model, and compare."""
    stage, model = Stage(), Model()
    with anyio.fail_after(DEADLINE):
        async with anyio.create_task_group() as tasks, AsyncExitStack() as stack:
            for command in commands:
                if command[0] == "drain":
                    tasks.start_soon(stage.app.drain, DEADLINE)
                else:
                    await stage.does(stack, *command)
                model.does(*command)
                await anyio.wait_all_tasks_blocked()
                compare(stage, model)
            for number in model.peers:
                await stage.peers[number].close(1006)
            for number, peer in model.peers.items():
                assert await everything(stage.peers[number]) == peer.heard
            tasks.cancel_scope.cancel()
    assert (stage.app.sockets(), len(stage.app.memberships.index)) == ([], 0)
    assert stage.app.housekeeping.connections == {}


def compare(stage: Stage, model: Model) -> None:
    """What there is to be seen in this very turn."""
    app = stage.app
    assert set(stage.peers) == set(model.peers)
    for number, peer in model.peers.items():
        closed = stage.peers[number].closed
        assert (None if closed is None else closed[0]) == peer.code
    known = [peer for peer in model.peers.values() if peer.user and peer.code is None]
    assert sorted(str(each.user_key) for each in app.sockets() if each.is_authenticated) == sorted(
        str(peer.user) for peer in known
    )
    for room in ("pub", "sec"):
        assert stage.rooms[room].count() == sum(room in peer.rooms for peer in known)


async def everything(client: TestClient) -> list[Any]:
    """All messages of a peer that is gone."""
    found: list[Any] = []
    try:
        while True:
            found.append(said(await client.receive_message()))
    except Disconnected:
        return found


PEER = st.sampled_from((0, 0, 1, 1, 2, 2))
# One for everybody, one that its guard opens for the user "ann" only, one that is not declared.
ROOM = st.sampled_from(("pub", "pub", "pub", "sec", "none"))
COMMANDS: SearchStrategy[Command] = st.one_of(
    st.tuples(st.just("connect"), PEER),
    st.tuples(st.just("login"), PEER, st.sampled_from(["ann", "ann", "bob", "eve", None])),
    st.tuples(st.sampled_from(["ping", "ping", "lost", "junk"]), PEER),
    st.tuples(st.just("echo"), PEER, st.integers(0, 9)),
    st.tuples(st.sampled_from(["join", "join", "leave", "post"]), PEER, ROOM),
    st.tuples(st.sampled_from(["drain"])),
)
LET_IN: list[Command] = [
    *(("connect", number) for number in (0, 1, 2)),
    *(("login", 0, "ann"), ("login", 1, "bob")),
]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@given(commands=st.lists(COMMANDS, max_size=25), let_in=st.sampled_from((True, True, True, False)))
@example(commands=[("connect", 0), ("join", 0, "pub")], let_in=False)
@example(commands=[("join", 0, "sec"), ("join", 1, "sec"), ("post", 0, "sec")], let_in=True)
@example(commands=[("join", 0, "pub"), ("leave", 0, "pub"), ("post", 0, "pub")], let_in=True)
@example(commands=[("join", 0, "pub"), ("join", 1, "pub"), ("lost", 0)], let_in=True)
@example(commands=[("connect", 2), ("drain",), ("login", 2, "ann"), ("connect", 0)], let_in=False)
@example(commands=[("login", 2, "eve"), ("junk", 1), ("ping", 2)], let_in=True)
@settings(max_examples=50)
def test_peers_are_what_the_model_says(backend: str, commands: list[Command], let_in: bool) -> None:
    anyio.run(interpret, [*(LET_IN if let_in else []), *commands], backend=backend)
