"""What is on a cluster's channels and is no message of ours: counted, skipped, and harmless."""

import os
import pickle
import struct
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from bytesocket_app import ByteSocket
from bytesocket_app.cluster import Node, NodeListener
from bytesocket_app.cluster.channels import (
    EVERYBODY,
    NODES,
    key_of_text,
    key_text,
    node_channel,
    prefix,
    room_channel,
    user_channel,
)
from bytesocket_app.cluster.envelope import EnvelopeCodec
from bytesocket_app.cluster.peers import MOST
from bytesocket_app.delivery.elsewhere import Elsewhere
from bytesocket_app.engines.memory import BROKERS, MemoryBroker, MemoryEngine
from bytesocket_app.testing import TestClient
from tests.support.talk import Said, Wave, logged, talk, until

pytestmark = pytest.mark.anyio

NUMBERS = count()
STRANGER = bytes(range(8))
JSON = b'{"event": "said", "data": {"text": "a lie"}}'
PACKED: bytes = msgpack.packb({"event": "said", "data": {"text": "a lie"}})
TRUTH = Said(text="the truth")


class Bomb:
    """What a pickle that is loaded calls."""

    @override
    def __reduce__(self) -> tuple[Any, tuple[()]]:
        return os.abort, ()


class Target:
    """An application with a member, and everything that it hears.

    Attributes:
        app: The application.
        client: The member, Bob.
        channels: The channels that it hears.
    """

    def __init__(self, app: ByteSocket, client: TestClient, broker: str) -> None:
        self.app = app
        self.client = client
        self.broker = BROKERS[broker]
        self._prefix = prefix("Talk")
        names = (EVERYBODY, NODES, node_channel(self.node.id), room_channel("lobby"))
        self.channels = [self._prefix + name for name in (*names, user_channel("bob"))]

    @property
    def node(self) -> Node:
        """Its node."""
        assert self.app.cluster is not None
        assert self.app.cluster.elsewhere is not None
        return self.app.cluster.elsewhere.node

    def everywhere(self, data: bytes) -> None:
        """Put something on all channels."""
        for channel in self.channels:
            self.broker.spread(channel, data)

    def envelope(self, body: Any, *, node: bytes = STRANGER) -> bytes:
        """A right envelope, in which may be anything."""
        return EnvelopeCodec(node, None).write(body)

    async def foreign(self, number: int) -> None:
        """Wait until so much was counted as foreign."""
        await until(lambda: self.node.counters.foreign >= number)
        assert self.node.counters.foreign == number

    async def lives(self, other: ByteSocket) -> None:
        """Check that Bob gets the next message of another process, and got nothing before."""
        for emitted in (
            await other.rooms.emit("lobby", TRUTH),
            await other.user("bob").emit(TRUTH),
            await other.broadcast(TRUTH),
        ):
            assert emitted == "sent"
            assert (await self.client.receive_message())["data"] == {"text": "the truth"}


@asynccontextmanager
async def target(**more: Any) -> AsyncGenerator[tuple[Target, ByteSocket]]:
    """An application that is aimed at, and another process of it."""
    name = f"hostile-{next(NUMBERS)}"

    def made() -> ByteSocket:
        app = talk(engine=f"memory://{name}", **more)
        app.room("lobby").relay(Wave)
        app.room("doc:{doc_id}").on_join(number)
        app.auth(key=str)(named)
        return app

    async def number(doc_id: int) -> None: ...

    def named(credentials: str) -> str:
        return credentials

    one, two = made(), made()
    async with one.running(), two.running(), TestClient(one, "bob") as bob:
        await bob.join("lobby")
        yield Target(one, bob, name), two
    del BROKERS[name]


HEAD = struct.Struct(">BB8sQI")
ONE = HEAD.pack(1, 0, STRANGER, 1, 1)
RIGHT: bytes = msgpack.packb([None, [16, 2, [], None, None, None, None, JSON, None]])
BLOBS = {
    "nothing": b"",
    "a text": b"hello",
    "a pickle": pickle.dumps(Bomb()),
    "only a head": ONE,
    "cut off": ONE + RIGHT[:-9],
    "too long": ONE + RIGHT + b"x",
    "a newer version": HEAD.pack(2, 0, STRANGER, 1, 1) + RIGHT,
    "signed, and nobody does": HEAD.pack(1, 1, STRANGER, 1, 1) + bytes(16) + RIGHT,
    "an unknown flag of an old one": HEAD.pack(0, 255, STRANGER, 1, 1) + RIGHT,
    "no trace": ONE + msgpack.packb([7, [16]]),
    "a trace of numbers": ONE + msgpack.packb([{"a": 1}, [16]]),
    "no message": ONE + msgpack.packb([None, {}]),
    "a pickle inside": ONE + pickle.dumps(Bomb()),
    "an extension": ONE + msgpack.packb([None, [16, msgpack.ExtType(5, b"x")]]),
    "nested": ONE + b"\x91" * 100_000,
    "a huge array": ONE + b"\xdd\xff\xff\xff\xff",
}


@pytest.mark.parametrize("blob", BLOBS.values(), ids=BLOBS)
async def test_what_is_no_message_is_counted_and_skipped(
    blob: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with target() as (aim, other):
        aim.everywhere(blob)
        await aim.foreign(len(aim.channels))
        await aim.lives(other)
        assert logged(caplog) == []
        assert caplog.text.count("is none of ours") == 2  # a line a minute, in both processes


@pytest.mark.parametrize("secret", [b"another secret, as long", None], ids=["wrong", "none"])
async def test_a_wrong_signature_is_none(secret: bytes | None) -> None:
    async with target(engine_secret="the secret of all of them") as (aim, other):
        body: list[Any] = [16, 2, [], None, None, None, None, JSON, None]
        aim.everywhere(EnvelopeCodec(STRANGER, secret).write(body, 1, 1))
        await aim.foreign(len(aim.channels))
        await aim.lives(other)


def publication(target: Any = 0, receivers: Any = ("lobby",), **more: Any) -> list[Any]:
    fields = {
        "bulk": None,
        "exclude": None,
        "form": None,
        "slot": None,
        "text": JSON,
        "packed": None,
    }
    return [16, target, list(receivers), *(fields | more).values()]


WRONG: Sequence[list[Any]] = [
    [15],
    [20, "something"],
    [-1],
    [2**40],
    [0, 0],
    [4],
    [4, "soon"],
    [5, [["x", b"y"]], 1],
    [5, {}, True],
    [16],
    publication(target=9),
    publication(target=-1),
    publication(target="room"),
    publication(receivers=[]),
    publication(receivers=[7]),
    publication(receivers=["cellar"]),
    publication(receivers=["lobby", "cellar"]),
    publication(receivers=["doc:x"]),
    publication(target=1, receivers=["cellar", "attic"]),
    publication(target=1, receivers=["lobby", 7], bulk=1),
    publication(target=3, receivers=["bob"]),
    publication(target=3, receivers=["ieve"]),
    publication(target=3, receivers=[]),
    publication(target=3, receivers=["seve"]),
    publication(target=4, receivers=[None]),
    publication(bulk="one"),
    publication(exclude=7),
    publication(form="xml"),
    publication(slot=7),
    publication(text="a text"),
    publication(text=None),
    publication(text=b'{"text": "\xff"}'),
    publication(text=None, packed=b"\xc1"),
    publication(text=None, packed=b""),
    publication(target=2, receivers=[], text=None, packed=b"\xc1"),
    [17],
    [17, "user", "sbob", "explode"],
    [17, "user", "sbob", "close"],
    [17, "user", "sbob", "close", 5, "no"],
    [17, "user", "sbob", "close", "4000", "no"],
    [17, "user", "bob", "close", 4000, "no"],
    [17, "user", "seve", "close", 4000, "no"],
    [17, "user", 7, "close", 4000, "no"],
    [17, "group", "sbob", "close", 4000, "no"],
    [17, "room", "lobby", "close", 4000, "no"],
    [17, "room", "lobby", "join", "lobby"],
    [17, "room", "lobby", "leave", "cellar", "removed", ""],
    [17, "room", "lobby", "leave", "lobby", "two words", ""],
    [17, "room", "lobby", "leave", "lobby", "internal", ""],
    [17, "room", "cellar", "leave", "cellar", "removed", ""],
    [17, "user", "sbob", "join", "doc:x"],
    [17, "user", "sbob", "join", 7],
    [17, "socket", None, "join", "lobby"],
    [18],
    [18, 1, "lobby"],
    [18, 1, 7, True],
    [18, "1", "lobby", True],
    [19],
    [19, 1, -1, [], "all"],
    [19, 1, 1, [["id"]], "all"],
    [19, 1, 1, [["id", 7]], "all"],
    [19, 1, 1, [], "soon"],
    [19, 1, 2**40, [], "all"],
]


async def test_wrong_bodies_of_every_kind_on_every_channel_do_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with target() as (aim, other):
        for body in WRONG:
            before = aim.node.counters.foreign
            aim.everywhere(aim.envelope(body))
            await until(lambda: aim.node.counters.foreign >= before + len(aim.channels))  # noqa: B023
            assert aim.node.counters.foreign == before + len(aim.channels), body
        await aim.lives(other)
        assert logged(caplog) == []
        assert aim.client.closed is None
        assert aim.app.rooms.at("lobby").count() == 1


async def test_right_messages_on_the_wrong_channel_do_nothing() -> None:
    """One that can write to one channel only reaches nobody by another."""
    async with target() as (aim, other):
        everybody, nodes, own, room, user = aim.channels
        (bob,) = aim.app.sockets()
        right: dict[str, list[Any]] = {
            everybody: publication(target=2, receivers=[]),
            room: publication(),
            user: publication(target=3, receivers=["sbob"]),
            nodes: publication(target=4, receivers=[bob.id]),
            own: [19, 1, 1, [], "all"],
        }
        number = 0
        for channel, body in right.items():
            for wrong in aim.channels:
                if wrong != channel:
                    aim.broker.spread(wrong, aim.envelope(body))
                    number += 1
        await aim.foreign(number)
        await aim.lives(other)
        for channel, body in right.items():
            aim.broker.spread(channel, aim.envelope(body))
        for _ in range(4):
            assert (await aim.client.receive_message())["data"] == {"text": "a lie"}
        await aim.foreign(number)


async def test_a_message_may_carry_the_context_of_a_trace() -> None:
    context = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    async with target() as (aim, _):
        body = publication(text=b'{"event": "said", "data": {"text": "traced"}}')
        aim.broker.spread(aim.channels[3], ONE + msgpack.packb([context, body]))
        assert (await aim.client.receive(Said)).text == "traced"
        assert aim.node.counters.foreign == 0


async def test_made_up_nodes_use_no_memory_without_bound() -> None:
    async with target() as (aim, other):
        await until(lambda: len(aim.node.peers) == 1)
        for number in range(MOST * 3):
            body = [2] if number % 2 else publication(target=4, receivers=["nobody"])
            aim.broker.spread(aim.channels[1], aim.envelope(body, node=number.to_bytes(8)))
        await aim.foreign(MOST * 2 + 1)
        assert len(aim.node.peers) == MOST
        await aim.lives(other)


@given(st.binary(max_size=200))
def test_random_bytes_are_no_message(data: bytes) -> None:
    assert EnvelopeCodec(bytes(8), None).read(data) is None


PLAIN: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=8)
    | st.sampled_from(["lobby", "sbob", "user", "room", "close", "leave", "join", "json", "raw"]),
    lambda inner: st.lists(inner, max_size=10) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=20,
)


def standstill() -> float:
    return 0.0


def hearer() -> Elsewhere:
    """What hears of other processes in one where nobody is."""
    app = talk()
    app.room("lobby").relay(Wave)

    def node(receiver: NodeListener) -> Node:
        return Node(MemoryEngine(MemoryBroker()), "Talk", receiver, clock=standstill)

    return Elsewhere(node, app.hub)


HEARER = hearer()
CHANNELS = (EVERYBODY, NODES, room_channel("lobby"), user_channel("bob"))


@given(st.sampled_from(range(25)), st.lists(PLAIN, max_size=9), st.sampled_from(CHANNELS))
def test_random_messages_never_raise(kind: int, fields: list[Any], channel: str) -> None:
    body = [kind, *fields]
    assert HEARER.arrived(STRANGER, channel, body) in (True, False)
    codec = EnvelopeCodec(STRANGER, None)
    HEARER.node.received(prefix("Talk") + channel, codec.write(body))


@given(st.text() | st.integers())
def test_the_text_of_a_key_is_that_of_no_other(key: str | int) -> None:
    assert key_of_text(key_text(key)) == key
    assert type(key_of_text(key_text(key))) is type(key)
    other: str | int = str(key) if isinstance(key, int) else f"{key} "
    assert user_channel(key) != user_channel(other)
    assert key_text(key) != key_text(other)


@given(st.text())
def test_channels_hold_what_brokers_take(room: str) -> None:
    name = room_channel(room)
    assert name.isascii()
    assert not set(name.removeprefix("r.")) & set("*>. \r\n\t?[]\\")
    assert len(room_channel(room * 2000)) < 1100
