"""Faults that end one connection on picows, and leave nothing of it."""

import logging
import socket
import struct
from collections.abc import AsyncGenerator
from typing import Any

import anyio
import pytest

from bytesocket_app import Socket
from bytesocket_app.transports.picows import opening
from tests.support.hostile import request as upgrade_request
from tests.support.raw_peer import TEXT, RawPeer, Served, frame, on_picows
from tests.support.talk import DEADLINE, Said, Say, logged, talk, until

pytestmark = pytest.mark.anyio

SAY = b'{"event":"say","data":{"text":"hi"},"id":1}'
BAD = frame(0x3, b"x")


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


class Deciding:
    """An application that authenticates when it is told to, and counts its hooks."""

    def __init__(self) -> None:
        self.app = app = talk(serialization="json")
        self.asked, self.decide = anyio.Event(), anyio.Event()
        self.hooks: list[str] = []

        @app.on(Say)
        async def say(event: Say) -> str:
            return event.text

        @app.auth
        async def known(_: Socket) -> str:
            self.asked.set()
            await self.decide.wait()
            return "Ada"

        @app.lifecycle.open
        async def opened() -> None:
            self.hooks.append("open")

        @app.lifecycle.close
        async def closed() -> None:
            self.hooks.append("close")

    def is_clean(self) -> bool:
        """Return True if the application remembers no connection."""
        app: Any = self.app
        return not (app.sockets() or app.housekeeping.connections or app.memberships._sides)


@pytest.fixture
async def deciding() -> AsyncGenerator[tuple[Deciding, Served]]:
    it = Deciding()
    async with on_picows(it.app) as served:
        yield it, served


def reset(peer: RawPeer) -> None:
    raw = peer.stream.extra(anyio.abc.SocketAttribute.raw_socket)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def waiting(served: Served, it: Deciding, glued: bytes) -> None:
    """Send a request with bytes glued to it, and reset the connection while it is decided."""
    async with served.visit() as peer:
        await peer.ask()
        await peer.send(glued)
        with anyio.fail_after(DEADLINE):
            await it.asked.wait()
        reset(peer)


async def test_a_reset_that_a_paused_decision_does_not_notice(
    deciding: tuple[Deciding, Served], caplog: pytest.LogCaptureFixture
) -> None:
    it, served = deciding
    await waiting(served, it, BAD + bytes(200_000))
    it.decide.set()
    await until(it.is_clean)
    await answers(it, served)
    assert logged(caplog) == []


async def test_a_reset_that_ends_the_decision(
    deciding: tuple[Deciding, Served], caplog: pytest.LogCaptureFixture
) -> None:
    it, served = deciding
    await waiting(served, it, BAD)
    it.decide.set()
    await until(it.is_clean)
    await answers(it, served)
    assert logged(caplog) == []


async def test_an_exception_as_a_connection_is_opened_ends_it_with_its_hooks(
    deciding: tuple[Deciding, Served],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    it, served = deciding
    it.decide.set()

    def broken(parser: object, data: bytes) -> None:
        raise RuntimeError("a defect of the parser")

    with monkeypatch.context() as patched:
        patched.setattr(opening, "feed", broken)
        async with served.visit() as peer:
            await peer.ask()
            assert (await peer.answer())[0] == 101
            await peer.ended()
    await until(it.is_clean)
    assert it.hooks == ["open", "close"]
    await answers(it, served)
    assert logged(caplog) == ["a connection failed as it was opened"]


async def test_an_exception_before_a_connection_is_opened_ends_it(
    deciding: tuple[Deciding, Served],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    it, served = deciding
    it.decide.set()

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a defect of the parser")

    with monkeypatch.context() as patched:
        patched.setattr(opening, "attach_parser", broken)
        async with served.visit() as peer:
            await peer.ask()
            await peer.ended()
    assert it.is_clean()
    await answers(it, served)
    assert logged(caplog) == ["serving a connection failed"]


async def test_a_burst_to_a_peer_that_has_just_reset_its_connection_is_no_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = talk(serialization="json")
    async with on_picows(app) as served, served.connect() as other:
        with socket.create_connection(("127.0.0.1", served.port), DEADLINE) as peer:
            peer.send(upgrade_request())
            await until(lambda: len(app.sockets()) == 2)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for _ in range(100):
            await app.broadcast(Said(text="hi"))
        for _ in range(100):
            assert (await other.receive())[0] == TEXT
        await until(lambda: len(app.sockets()) == 1)
    assert logged(caplog, logging.WARNING) == []


async def answers(it: Deciding, served: Served) -> None:
    """Check that others are served."""
    it.decide.set()
    async with served.connect() as peer:
        await peer.send(frame(TEXT, SAY))
        assert (await peer.receive())[0] == TEXT
