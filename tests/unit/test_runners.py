"""hypercorn and uvicorn serve the application, its limits included, and end on demand."""

import importlib
import socket
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, closing
from functools import partial
from typing import Any, Literal

import anyio
import pytest
from anyio import to_thread

from bytesocket_app import ByteSocket
from bytesocket_app.serving.runners.hosting import Hosting
from bytesocket_app.serving.runners.listening import listen
from tests.support.server_process import RudePeer, get

pytestmark = pytest.mark.slow

Serve = Callable[..., Coroutine[Any, Any, None]]


@pytest.fixture(
    params=[("hypercorn", "asyncio"), ("hypercorn", "trio"), ("uvicorn", "asyncio")],
    ids="-".join,
)
def pair(request: pytest.FixtureRequest) -> tuple[str, Literal["asyncio", "trio"]]:
    name, backend = request.param
    return name, backend


@asynccontextmanager
async def served(
    app: ByteSocket, name: str, backend: Literal["asyncio", "trio"], message_bytes: int = 0
) -> AsyncGenerator[int]:
    serve: Serve = importlib.import_module(f"bytesocket_app.serving.runners.{name}").serve
    started, stop = anyio.Event(), anyio.Event()
    with listen("127.0.0.1", 0) as listener:
        hosting = Hosting(
            listener=listener,
            drain=app.drain,
            grace=5,
            message_bytes=message_bytes,
            backend=backend,
            started=started.set,
        )
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, app, hosting, stop)
            await started.wait()
            yield listener.getsockname()[1]
            stop.set()


def test_pages_and_sockets_are_served_and_closed_with_1012(
    pair: tuple[str, Literal["asyncio", "trio"]],
) -> None:
    app = ByteSocket(title="T")

    async def main() -> None:
        with anyio.fail_after(30):
            async with served(app, *pair) as port:
                status, _ = await to_thread.run_sync(get, port, "/ws")
                assert status == 426
                peer = await to_thread.run_sync(RudePeer, port)
            with closing(peer):
                assert await to_thread.run_sync(peer.close_code) == 1012
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), 10)

    anyio.run(main, backend=pair[1])


def test_nothing_is_compressed_though_browsers_offer_it(
    pair: tuple[str, Literal["asyncio", "trio"]],
) -> None:
    app = ByteSocket(title="T")

    async def main() -> None:
        with anyio.fail_after(30):
            async with served(app, *pair) as port:
                dial = partial(RudePeer, port, offers="permessage-deflate; client_max_window_bits")
                with closing(await to_thread.run_sync(dial)) as peer:
                    assert b"sec-websocket-extensions" not in peer.head.lower()

    anyio.run(main, backend=pair[1])


def test_a_message_over_the_limit_is_refused_by_the_server(
    pair: tuple[str, Literal["asyncio", "trio"]],
) -> None:
    app = ByteSocket(title="T")

    async def main() -> None:
        with anyio.fail_after(30):
            async with served(app, *pair, message_bytes=64) as port:
                peer = await to_thread.run_sync(RudePeer, port)
                with closing(peer):
                    await to_thread.run_sync(partial(peer.send, {"event": "x" * 80}))
                    assert await to_thread.run_sync(peer.close_code) == 1009

    anyio.run(main, backend=pair[1])
