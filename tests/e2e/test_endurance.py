"""Many messages and many connections: order is kept and nothing is left behind."""

import gc
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

from bytesocket_app import ByteSocket, CallNext, Event, Message, Socket
from bytesocket_app.testing import TestClient
from bytesocket_app.testing.conformance import NetworkSite
from tests.support import sites

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]  # traced, they take thrice as long

SOCKETS, MESSAGES = 100, 1000
CONNECTS, AT_ONCE = 5_000, 25


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
