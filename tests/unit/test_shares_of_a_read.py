"""What a server reads of one connection in a turn of the event loop is bounded."""

import asyncio  # noqa: TID251 - uvicorn runs on it alone
from functools import partial
from itertools import count

import anyio
import pytest
from anyio.lowlevel import checkpoint
from hypercorn.events import Event, RawData
from typing_extensions import override
from uvicorn.server import ServerState

from bytesocket_app.serving.runners.hypercorn import protocol
from bytesocket_app.serving.runners.uvicorn.protocols import SHARE, GuardedHttp, UvicornConfig
from bytesocket_app.transports.asgi import Receive, Scope, Send

pytestmark = pytest.mark.anyio

FRAMES = bytes(range(256)) * 256


class Parsed(protocol.GuardedProtocol):
    """Protocol that keeps what it would parse."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    @override
    async def _take(self, event: Event) -> None:
        assert isinstance(event, RawData)
        self.parts.append(event.data)


async def test_a_read_full_of_frames_lets_others_run_on_hypercorn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "perf_counter", count().__next__)  # each share takes a second
    parsed, seen = Parsed(), set[int]()

    async def neighbour() -> None:
        while True:
            seen.add(len(parsed.parts))
            await checkpoint()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(neighbour)
        await parsed.handle(RawData(FRAMES))
        tasks.cancel_scope.cancel()
    assert b"".join(parsed.parts) == FRAMES
    assert len(parsed.parts) == len(FRAMES) / protocol.SHARE
    assert len(seen) > len(parsed.parts) / 2


async def test_a_read_full_of_one_message_is_parsed_in_few_parts_on_hypercorn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "perf_counter", lambda: 0.0)
    parsed = Parsed()
    await parsed.handle(RawData(FRAMES))
    assert b"".join(parsed.parts) == FRAMES
    assert len(parsed.parts) < 8


async def _nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Serve nothing."""


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_read_on_uvicorn_is_a_share() -> None:
    sizes: list[int] = []
    whole = anyio.Event()

    class Reading(GuardedHttp):
        @override
        def data_received(self, data: bytes) -> None:
            sizes.append(len(data))
            if sum(sizes) == len(FRAMES) * 8:
                whole.set()

    config = UvicornConfig(_nothing, lifespan="off", log_config=None)
    config.load()
    make = partial(Reading, config=config, server_state=ServerState(), app_state={})
    loop = asyncio.get_running_loop()
    server = await loop.create_server(make, "127.0.0.1", 0)
    try:
        stream = await anyio.connect_tcp("127.0.0.1", server.sockets[0].getsockname()[1])
        async with stream:
            with anyio.fail_after(30):
                await stream.send(FRAMES * 8)
                await whole.wait()
    finally:
        server.close()
    assert max(sizes) <= SHARE
