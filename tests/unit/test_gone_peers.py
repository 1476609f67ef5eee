"""Peers that go while a handler sends to them, or while they are decided about; real servers."""

from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
import pytest
from anyio import to_thread
from anyio.abc import SocketStream
from anyio.lowlevel import checkpoint

from bytesocket_app import Handshake, Settings, Socket, Timeouts
from tests.support import sites
from tests.support.server_process import RudePeer
from tests.support.talk import Said, Say, talk

SITES = [
    pytest.param(sites.on_picows, id="picows"),
    pytest.param(sites.on_uvicorn, id="uvicorn", marks=pytest.mark.slow),
    pytest.param(sites.on_hypercorn, id="hypercorn", marks=pytest.mark.slow),
]

LOOP = 1_000_000
"""Messages after which a loop was not going to end."""


class Loop:
    """A handler in a loop that ends with its socket, or never."""

    def __init__(self) -> None:
        self.count = 0
        self.ended = anyio.Event()

    def goes_on(self, socket: Socket) -> bool:
        self.count += 1
        return not socket.is_closed and self.count < LOOP

    async def at_once(self, socket: Socket) -> None:
        while self.goes_on(socket):
            await socket.emit(Said(text="x" * 50))
        self.ended.set()

    async def after_a_wait(self, socket: Socket) -> None:
        await checkpoint()
        await self.at_once(socket)

    async def raw(self, socket: Socket) -> None:
        while self.goes_on(socket):
            await socket.send_raw("x" * 50)
        self.ended.set()

    async def to_others(self, socket: Socket) -> None:
        await socket.emit(Said(text="x"))
        while self.goes_on(socket):
            await socket.rooms.emit("lobby", Said(text="x"))
            await socket.broadcast(Said(text="x"))
        self.ended.set()


def read_and_reset(peer: RudePeer, name: str) -> None:
    """Go while the network keeps up: else who sends waits for it anyway, and nothing is tested."""
    if name != "to_others":
        peer.read(0.3)
    peer.reset()


@pytest.mark.parametrize("name", ["at_once", "after_a_wait", "raw", "to_others"])
@pytest.mark.parametrize("site", SITES)
def test_a_loop_ends_when_its_peer_is_reset(site: Callable[..., Any], name: str) -> None:
    async def main() -> None:
        app = talk(Settings(timeouts=Timeouts(handler=0)), serialization="json")
        loop = Loop()
        app.on(Say)(getattr(loop, name))
        app.room("lobby")

        @app.on("hi")
        async def hi() -> str:
            return "hello"

        with anyio.fail_after(25):
            async with site(app, lifespan=True) as served:
                port = int(served.origin.rpartition(":")[2])
                peer = await to_thread.run_sync(RudePeer, port)
                say = {"event": "say", "data": {"text": "go"}, "id": 1}
                await to_thread.run_sync(peer.send, say)
                await to_thread.run_sync(peer.receive)
                await to_thread.run_sync(read_and_reset, peer, name)
                await loop.ended.wait()
                assert loop.count < LOOP
                other = await to_thread.run_sync(RudePeer, port)
                assert await to_thread.run_sync(partial(other.request, "hi", None)) == "hello"
                other.close()

    anyio.run(main)


UPGRADE = (
    "GET /ws?lost HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
PROBE = "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class Pending:
    """An application whose handshakes wait, and what became of those that did not stay."""

    def __init__(self, waits: str) -> None:
        self.app = talk(serialization="json")
        self.begun, self.gate, self.log = anyio.Event(), anyio.Event(), list[str]()
        self.app.lifecycle.auth_success(partial(self._note, "success"))
        self.app.lifecycle.open(partial(self._note, "open"))
        self.app.lifecycle.close(partial(self._note, "close"))
        if waits == "authentication":
            self.app.auth(self.authenticate)
        else:
            self.app.lifecycle.upgrade(self.decide)

    async def authenticate(self, handshake: Handshake) -> str:
        await self.decide(handshake)
        return "ann"

    async def decide(self, handshake: Handshake) -> None:
        if handshake.query == "lost":
            self.begun.set()
            await self.gate.wait()

    async def _note(self, what: str, socket: Socket) -> None:
        self.log.append(f"{what} {socket.handshake.query}".strip())


async def send(port: int, request: str, *, until_end: bool) -> SocketStream:
    stream = await anyio.connect_tcp("127.0.0.1", port)
    await stream.send(request.encode())
    while until_end:
        try:
            await stream.receive()
        except anyio.EndOfStream:
            break
    return stream


@pytest.mark.parametrize("waits", ["authentication", "upgrade hook"])
@pytest.mark.parametrize("site", SITES)
def test_a_connection_that_is_lost_while_it_is_decided_about_opens_nothing(
    site: Callable[..., Any], waits: str
) -> None:
    async def main() -> None:
        pending = Pending(waits)
        with anyio.fail_after(25):
            async with site(pending.app, lifespan=True) as served:
                port = int(served.origin.rpartition(":")[2])
                stream = await send(port, UPGRADE, until_end=False)
                await pending.begun.wait()
                await stream.aclose()
                for _ in range(3):  # by then the server has seen the end
                    await (await send(port, PROBE, until_end=True)).aclose()
                pending.gate.set()
                async with served.connect(subprotocols=("bytesocket.json",)):
                    while "open" not in pending.log:
                        await checkpoint()
                while "close" not in pending.log:
                    await checkpoint()
        assert not [line for line in pending.log if "lost" in line]

    anyio.run(main)
