"""Messages all the way: decode, classify, validate, handler, encode; and fan-out to a room.

Ours runs over the memory transport; the other side is what somebody would write by hand with
`json`, `msgpack` and Pydantic, for exactly these messages and with nothing around them.
"""

import json
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgpack
import pytest
from anyio.from_thread import BlockingPortal
from pydantic import BaseModel

from bytesocket_app import ByteSocket
from bytesocket_app.testing.conformance.memory import serve_in_memory
from bytesocket_app.testing.conformance.stage import Peer
from bytesocket_app.types import CodecName
from tests.benchmarks import app as applications
from tests.benchmarks.conftest import Side, Timed

MESSAGES = 500
MEMBERS = 100
PUBLISHED = 20

Codec = tuple[Callable[[Any], Any], Callable[[Any], Any]]
CODECS: dict[CodecName, Codec] = {
    "json": (json.loads, json.dumps),
    "binary": (msgpack.unpackb, msgpack.packb),
}


class Text(BaseModel):
    """What both events carry."""

    message: str


class ByHand:
    """The benchmark application in plain Python, for connections that are lists of messages."""

    def __init__(self, codec: CodecName) -> None:
        self.decode, self.encode = CODECS[codec]
        self.members: list[deque[Any]] = []
        self.handlers = {"echo": self.echo, "chat": self.chat}

    async def receive(self, sender: deque[Any], payload: str | bytes) -> None:
        message = self.decode(payload)
        event = Text.model_validate(message["data"])
        await self.handlers[message["event"]](sender, message, event)

    async def echo(self, sender: deque[Any], message: Any, event: Text) -> None:
        sender.append(self.encode({"event": "echo", "data": event.model_dump()}))

    async def chat(self, sender: deque[Any], message: Any, event: Text) -> None:
        out = {"room": message["room"], "event": "chat", "data": event.model_dump()}
        payload = self.encode(out)
        for member in self.members:
            if member is not sender:
                member.append(payload)


@asynccontextmanager
async def connected(app: ByteSocket, number: int, codec: CodecName) -> AsyncGenerator[list[Peer]]:
    """Connect so many peers, all of them in the room."""
    join = CODECS[codec][1]({"type": 9, "room": "lobby"})
    async with serve_in_memory(app) as site, AsyncExitStack() as stack:
        peers: list[Peer] = []
        for _ in range(number):
            wanted = (f"bytesocket.{codec}",)
            peers.append(await stack.enter_async_context(site.connect(subprotocols=wanted)))
            await peers[-1].send(join)
            await peers[-1].receive()
        yield peers


async def take(member: deque[Any]) -> Any:
    return member.popleft()


def all_equal(received: Sequence[Any], codec: CodecName, message: Any, times: int) -> bool:
    decode = CODECS[codec][0]
    return len(received) == times and all(decode(payload) == message for payload in received)


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_each_message_is_answered(
    side: Side, timed: Timed[list[Any]], portal: BlockingPortal, codec: CodecName
) -> None:
    message = {"event": "echo", "data": {"message": "hello world, this is a message"}}
    payload = CODECS[codec][1](message)
    by_hand = ByHand(codec)

    async def plain() -> list[Any]:
        answers: deque[Any] = deque()
        for _ in range(MESSAGES):
            await by_hand.receive(answers, payload)
        return list(answers)

    with portal.wrap_async_context_manager(connected(applications.app, 1, codec)) as (peer,):

        async def ours() -> list[Any]:
            for _ in range(MESSAGES):
                await peer.send(payload)
            return [await peer.receive() for _ in range(MESSAGES)]

        ways = {"plain Python": plain, "bytesocket": ours}
        answers = timed(f"dispatch {codec}", lambda: portal.call(ways[side]))
    assert all_equal(answers, codec, message, MESSAGES)


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_each_member_gets_what_one_of_them_sends(
    side: Side, timed: Timed[list[list[Any]]], portal: BlockingPortal, codec: CodecName
) -> None:
    message = {
        "room": "lobby",
        "event": "chat",
        "data": {"message": "hello world, this is a message"},
    }
    payload = CODECS[codec][1](message)
    by_hand = ByHand(codec)
    by_hand.members = [deque() for _ in range(MEMBERS + 1)]

    async def plain() -> list[list[Any]]:
        for _ in range(PUBLISHED):
            await by_hand.receive(by_hand.members[0], payload)
        members = by_hand.members[1:]
        return [[await take(member) for _ in range(PUBLISHED)] for member in members]

    everybody = connected(applications.app, MEMBERS + 1, codec)
    with portal.wrap_async_context_manager(everybody) as (publisher, *members):

        async def ours() -> list[list[Any]]:
            for _ in range(PUBLISHED):
                await publisher.send(payload)
            return [[await member.receive() for _ in range(PUBLISHED)] for member in members]

        ways = {"plain Python": plain, "bytesocket": ours}
        received = timed(f"fan-out to {MEMBERS}, {codec}", lambda: portal.call(ways[side]))
    assert len(received) == MEMBERS
    assert all(all_equal(each, codec, message, PUBLISHED) for each in received)
