"""A handler that sends as long as its socket is open, to a peer that is reset, on real servers."""

from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
import pytest
from anyio import to_thread
from anyio.lowlevel import checkpoint

from bytesocket_app import Settings, Socket, Timeouts
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
