"""Many messages, many broken frames, many connections: order is kept and nothing is left behind."""

import gc
import json
import logging
import random
import socket
import struct
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import anyio
import pytest
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from bytesocket_app import ByteSocket, CallNext, Event, Message, Settings, Socket
from bytesocket_app.testing import TestClient
from bytesocket_app.testing.conformance import NetworkSite
from bytesocket_app.wire import BINARY, JSON
from tests.support import sites

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]  # traced, they take thrice as long

SOCKETS, MESSAGES = 100, 1000
FRAMES = 20_000
CONNECTS, AT_ONCE = 5_000, 25
VECTORS = Path(__file__).parent.parent / "vectors"


class Note(Event, name="note"):
    n: int


async def test_no_message_overtakes_another(anyio_backend: str) -> None:
    app, rng = ByteSocket(title="Order", events=[Note]), random.Random(1)
    seen: dict[Socket, list[int]] = {}

    @app.middleware
    async def dawdle(socket: Socket, message: Message, call_next: CallNext) -> None:
        if rng.random() < 0.05:
            await anyio.sleep(rng.random() / 500)
        await call_next(message)

    @app.on(Note)
    async def note(socket: Socket, event: Note) -> None:
        seen.setdefault(socket, []).append(event.n)

    async def talk() -> None:
        async with TestClient(app, deadline=60) as client:
            for n in range(MESSAGES):
                await client.send_raw(f'{{"event":"note","data":{{"n":{n}}}}}')
            await client.request(Note(n=MESSAGES))

    async with anyio.create_task_group() as tasks:
        for _ in range(SOCKETS):
            tasks.start_soon(talk)
    assert len(seen) == SOCKETS
    assert all(numbers == list(range(MESSAGES + 1)) for numbers in seen.values())


def frames() -> list[bytes]:
    """Frames that mean something: the origin's own, and ours."""
    found = [
        bytes.fromhex(vector["hex"])
        for name in ("messages", "values", "bundles")
        for vector in json.loads((VECTORS / f"{name}.json").read_text())["vectors"]
        if "hex" in vector and len(vector["hex"]) < 2000
    ]
    for message in (
        {"event": "note", "data": {"n": 1}, "id": 1},
        {"room": "lobby", "event": "note", "data": {"n": 1}},
        {"rooms": ["lobby", "lobby"], "event": "note", "data": {"n": 1}},
        {"type": 9, "room": "lobby"},
        {"type": 15, "rooms": ["lobby", "doc:1"]},
        {"type": 4, "data": None},
    ):
        found += [JSON.encode(message), BINARY.encode(message)] * 20
    return found


def mutated(frame: bytes, rng: random.Random) -> bytes:
    """The frame with a few bytes changed, cut out, doubled, or taken from elsewhere."""
    raw = bytearray(frame)
    for _ in range(rng.randrange(4)):
        if not raw:
            break
        at = rng.randrange(len(raw))
        how = rng.randrange(4)
        if how == 0:
            raw[at] = rng.randrange(256)
        elif how == 1:
            del raw[at : at + rng.randrange(1, 8)]
        elif how == 2:
            raw[at:at] = raw[at : at + rng.randrange(1, 8)]
        else:
            raw[at] = rng.choice(b'{}[]":,0-\xc1\xd6\xc7\xdf\xdd\xc6\xdb\xcb')
    return bytes(raw)


@pytest.mark.parametrize("settings", [Settings(), Settings.drop_in()], ids=["safe", "drop-in"])
async def test_broken_frames_are_handled_ignored_or_closed(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, "bytesocket")
    app = ByteSocket(title="Fuzz", events=[Note], settings=settings)
    rng, corpus = random.Random(2), frames()
    app.room("lobby").relay(Note)
    app.room("doc:{number}").on(Note)(no_op)
    app.on(Note)(no_op)
    sent = ended = 0
    while sent < FRAMES // 2:
        async with TestClient(app) as client:
            await client.send({"type": 9, "room": "lobby"})
            while client.closed is None and sent < FRAMES // 2:
                frame = mutated(rng.choice(corpus), rng)
                as_text = rng.random() < 0.5
                await client.send_raw(frame.decode("utf-8", "replace") if as_text else frame)
                sent += 1
                await anyio.lowlevel.checkpoint()
            ended += client.closed is not None
    assert ended > FRAMES // 100
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert (app.sockets(), len(app.memberships.index)) == ([], 0)


async def no_op() -> None:
    """Handle an event by doing nothing."""


async def test_connections_leave_nothing_behind(anyio_backend: str) -> None:
    app = ByteSocket(title="Leaks", serialization="json")
    app.room("room:{n}")
    async with sites.on_hypercorn(app, lifespan=True) as site:
        port = urlsplit(cast("NetworkSite", site).origin).port or 0
        await connect_many(port, 3 * AT_ONCE, app)
        before = await settled(app)
        await connect_many(port, CONNECTS, app)
        assert (app.sockets(), len(app.memberships.index), app.housekeeping.connections) == (
            [],
            0,
            {},
        )
        assert await settled(app) == before


async def settled(app: ByteSocket) -> dict[str, int]:
    """The census, once it has not changed for a while: the kernel closes in its own time."""
    with anyio.fail_after(30):
        found, unchanged = census(app), 0
        while unchanged < 10:
            await anyio.sleep(0.05)
            now = census(app)
            found, unchanged = now, unchanged + 1 if now == found else 0
    return found


def census(app: ByteSocket) -> dict[str, int]:
    """What a leak would add to: tasks of this loop, open files of this process.

    The shared writer keeps a few idle tasks for its next flush; they are not counted.
    """
    gc.collect()
    return {
        "tasks": len(anyio.get_running_tasks()) - app.housekeeping.writer.idle,
        "files": len(list(Path("/proc/self/fd").iterdir())),
    }


async def connect_many(port: int, count: int, app: ByteSocket) -> None:
    """Connect, join a room, and go, in three ways by turns; wait until the server noticed."""
    ways = ("clean", "fin", "rst")
    for start in range(0, count, AT_ONCE):
        async with anyio.create_task_group() as tasks:
            for n in range(start, min(start + AT_ONCE, count)):
                tasks.start_soon(partial(come_and_go, port, n, ways[n % 3]))
    with anyio.fail_after(30):
        await app.housekeeping.emptied()


async def come_and_go(port: int, n: int, way: str) -> None:
    protocol = ClientProtocol(parse_uri(f"ws://127.0.0.1:{port}/ws"))
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        protocol.send_request(protocol.connect())
        await stream.send(b"".join(protocol.data_to_send()))
        protocol.receive_data(await stream.receive())
        protocol.send_text(f'{{"type":9,"room":"room:{n}"}}'.encode())
        await stream.send(b"".join(protocol.data_to_send()))
        await stream.receive()
        if way == "clean":
            protocol.send_close(1000)
            await stream.send(b"".join(protocol.data_to_send()))
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                while True:
                    await stream.receive()
        elif way == "rst":
            raw = stream.extra(anyio.abc.SocketAttribute.raw_socket)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
