"""Pings as empty frames, and the idle timeout (protocol.md sections 3 and 9)."""

import anyio

from bytesocket_app.application import ByteSocket
from bytesocket_app.settings import Settings, Timeouts
from bytesocket_app.socket import Socket
from bytesocket_app.testing.conformance.stage import Ended, Stage


async def an_empty_binary_frame_is_answered(stage: Stage) -> None:
    """An empty binary frame is a ping; its answer is an empty binary frame."""
    async with stage.serve(ByteSocket(title="Conformance")) as site, stage.talker(site) as talker:
        for _ in range(3):
            await talker.peer.send(b"")
            await talker.hears(b"")


async def a_ping_is_answered_before_authentication(stage: Stage) -> None:
    """A ping is answered before authentication."""
    app = ByteSocket(title="Conformance")

    @app.auth
    async def decide(credentials: str) -> str:
        return credentials

    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.peer.send(b"")
        await talker.hears(b"")
        await talker.say({"type": 4, "data": "ann"})
        await talker.hears({"type": 5})


async def a_ping_does_not_wait_for_a_handler(stage: Stage) -> None:
    """A ping is answered while a handler runs; the handler's answer comes after."""
    app, release = ByteSocket(title="Conformance"), anyio.Event()

    @app.on("slow")
    async def slow() -> int:
        await release.wait()
        return 1

    async with stage.serve(app) as site, stage.talker(site) as talker:
        await talker.say({"event": "slow", "id": 7})
        await talker.peer.send(b"")
        await talker.hears(b"")
        release.set()
        await talker.hears({"type": 32, "id": 7, "data": 1})


async def a_silent_peer_is_closed(stage: Stage) -> None:
    """A peer that sends nothing for the idle timeout is closed with 1001."""
    app = ByteSocket(title="Conformance", settings=Settings(timeouts=Timeouts(idle=0.3)))
    async with stage.serve(app) as site, stage.talker(site) as talker:
        ended, _ = await talker.ends()
    assert ended == Ended(1001, "idle timeout"), f"the peer saw {ended}"


async def an_emit_does_not_keep_a_peer_alive(stage: Stage) -> None:
    """Messages sent by the server do not postpone the idle timeout."""
    app = ByteSocket(title="Conformance", settings=Settings(timeouts=Timeouts(idle=0.3)))

    @app.lifecycle.open
    async def opened(socket: Socket) -> None:
        await socket.send_raw("hello")

    async with stage.serve(app) as site, stage.talker(site) as talker:
        received = await talker.peer.receive()
        assert received == "hello", received
        ended, _ = await talker.ends()
    assert ended.code == 1001, f"the peer saw {ended}"


CASES = (
    an_empty_binary_frame_is_answered,
    a_ping_is_answered_before_authentication,
    a_ping_does_not_wait_for_a_handler,
    a_silent_peer_is_closed,
    an_emit_does_not_keep_a_peer_alive,
)
