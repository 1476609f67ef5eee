"""A peer that sends without a pause takes turns with the others."""

import socket
from collections.abc import Callable
from itertools import groupby
from typing import Any

import pytest
from anyio import Event as Signal
from anyio import create_task_group, to_thread

from bytesocket_app import ByteSocket
from bytesocket_app.testing.conformance import NetworkSite
from tests.support import sites
from tests.support.asgi import Call, socket_scope
from tests.support.hostile import Attacker, request
from tests.support.raw_peer import TEXT, frame
from tests.support.talk import Say, talk, until, wait

pytestmark = pytest.mark.anyio

MANY = 2000
"""Messages of the peer that sends without a pause."""
FEW = 200
"""Messages of it that may be handled before another peer's: a few turns, and no more."""


def saying(text: str) -> str:
    return f'{{"event":"say","data":{{"text":"{text}"}}}}'


def call(app: ByteSocket, *texts: str) -> Call:
    """A connection of a server that has these messages already, and gives them without a wait."""
    made = Call(app, socket_scope())
    made.tell("websocket.connect")
    for text in texts:
        made.text(text)
    return made


async def test_messages_that_a_server_has_already_are_handled_in_turns() -> None:
    app, order = talk(), list[str]()

    @app.on(Say)
    async def say(event: Say) -> None:
        order.append(event.text)

    flood = call(app, *[saying("flood")] * MANY)
    near = call(app, *[saying("near")] * MANY)
    async with create_task_group() as tasks:
        tasks.start_soon(flood.run)
        tasks.start_soon(near.run)
        await until(lambda: len(order) == 2 * MANY)
        flood.tell("websocket.disconnect", code=1000)
        near.tell("websocket.disconnect", code=1000)
    runs = [(text, len(list(group))) for text, group in groupby(order)]
    assert max(length for _, length in runs[:-1]) <= FEW


async def test_pings_that_a_server_has_already_are_answered_in_turns() -> None:
    app = talk()
    left = list[int]()
    flood = call(app)
    near = call(app, saying("near"))
    for _ in range(MANY):
        flood.tell("websocket.receive", bytes=b"")

    @app.on(Say)
    async def say() -> None:
        left.append(len(flood._incoming))  # pyright: ignore[reportPrivateUsage]

    async with create_task_group() as tasks:
        tasks.start_soon(flood.run)
        tasks.start_soon(near.run)
        await until(lambda: left)
        await until(lambda: len(flood.sent) > MANY)
        flood.tell("websocket.disconnect", code=1000)
        near.tell("websocket.disconnect", code=1000)
    assert MANY - left[0] <= FEW


async def test_pings_beside_a_handler_are_answered_in_turns() -> None:
    app = talk()
    gate, begun, left = Signal(), Signal(), list[int]()
    flood = call(app, saying("wait"))
    near = call(app)

    @app.on(Say)
    async def say(event: Say) -> None:
        if event.text == "wait":
            begun.set()
            await gate.wait()
        else:
            left.append(len(flood._incoming))  # pyright: ignore[reportPrivateUsage]

    async with create_task_group() as tasks:
        tasks.start_soon(flood.run)
        tasks.start_soon(near.run)
        await wait(begun)
        for _ in range(MANY):
            flood.tell("websocket.receive", bytes=b"")
        near.text(saying("near"))
        await until(lambda: left)
        gate.set()
        flood.tell("websocket.disconnect", code=1000)
        near.tell("websocket.disconnect", code=1000)
    assert MANY - left[0] <= FEW


SITES = [
    pytest.param(sites.on_picows, id="picows"),
    pytest.param(sites.on_uvicorn, id="uvicorn"),
    pytest.param(sites.on_hypercorn, id="hypercorn"),
]


def upgraded(port: int) -> Attacker:
    peer = Attacker(port)
    peer.send(request())
    assert peer.answer()[0] == 101
    return peer


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("site", SITES)
async def test_one_read_full_of_messages_is_handled_in_turns(site: Callable[..., Any]) -> None:
    """What another peer sends at the flood's first message is handled soon after it."""
    app = talk(serialization="json")
    count, counts, flooded = 0, list[int](), Signal()
    near = list[socket.socket]()

    @app.on(Say)
    async def say(event: Say) -> None:
        nonlocal count
        if event.text == "near":
            counts.append(count)
            return
        count += 1
        if count == 1:
            near.pop().sendall(frame(TEXT, saying("near").encode()))
        if event.text == "last":
            flooded.set()

    async with site(app, lifespan=True) as served:
        assert isinstance(served, NetworkSite)
        port = int(served.origin.rpartition(":")[2])
        flood = await to_thread.run_sync(upgraded, port)
        other = await to_thread.run_sync(upgraded, port)
        near.append(other.socket)
        one, last = (frame(TEXT, saying(text).encode()) for text in ("x", "last"))
        await to_thread.run_sync(flood.send, one * MANY + last)
        await until(lambda: counts)
        await wait(flooded)
        flood.close()
        other.close()
    assert counts[0] <= FEW
