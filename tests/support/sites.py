"""The same application served in every way there is, for the conformance suites."""

import socket
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, nullcontext
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import anyio
from granian.constants import Interfaces
from granian.server.embed import Server as Granian
from sniffio import current_async_library

from bytesocket_app import ByteSocket
from bytesocket_app.serving.runners import hypercorn, picows, uvicorn
from bytesocket_app.serving.runners.hosting import Hosting, server_limits
from bytesocket_app.testing.conformance import NetworkSite, Site, serve_in_memory
from bytesocket_app.transports.asgi import ASGIApp, Receive, Scope, Send
from tests.support.ports import reserved_port
from tests.support.server_process import ROOT

DEADLINE = 30.0

EXAMPLE = ROOT / "examples" / "adaptor" / "websockets_adaptor.py"


def example() -> Any:
    """The example of an adaptor, which belongs to no package."""
    spec = spec_from_file_location("websockets_adaptor", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def without_lifespan(app: ByteSocket) -> ASGIApp:
    """The application as a bare mount sees it: nobody runs its lifespan."""

    async def bare(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] != "lifespan", "the specification: raising means there is none"
        await app(scope, receive, send)

    return bare


@asynccontextmanager
async def memory(app: ByteSocket, *, lifespan: bool) -> AsyncGenerator[Site]:
    async with serve_in_memory(app, lifespan=lifespan) as site:
        yield site


@asynccontextmanager
async def on_hypercorn(app: ByteSocket, *, lifespan: bool) -> AsyncGenerator[Site]:
    async with _hosted(hypercorn.serve, app, lifespan=lifespan) as site:
        yield site


@asynccontextmanager
async def on_uvicorn(app: ByteSocket, *, lifespan: bool) -> AsyncGenerator[Site]:
    async with _hosted(uvicorn.serve, app, lifespan=lifespan) as site:
        yield site


@asynccontextmanager
async def on_picows(app: ByteSocket, *, lifespan: bool) -> AsyncGenerator[Site]:
    async with _hosted(picows.serve, app, lifespan=lifespan) as site:
        yield site


@asynccontextmanager
async def on_granian(app: ByteSocket, *, lifespan: bool) -> AsyncGenerator[Site]:
    interface = Interfaces.ASGI if lifespan else Interfaces.ASGINL
    with reserved_port() as port:
        server = Granian(app, port=port, interface=interface, log_enabled=False)
        async with _granian(server, port) as site:
            yield site


@asynccontextmanager
async def on_websockets(app: ByteSocket, *, lifespan: bool) -> AsyncGenerator[Site]:
    async with (
        app.running() if lifespan else nullcontext(),
        example().serve(app, "127.0.0.1", 0) as port,
    ):
        yield NetworkSite(f"ws://127.0.0.1:{port}")


@asynccontextmanager
async def _granian(server: Granian, port: int) -> AsyncGenerator[Site]:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve)
        with anyio.fail_after(DEADLINE):
            while not await _accepts(port):  # noqa: ASYNC110 - granian tells nobody
                await anyio.sleep(0.01)
        try:
            yield NetworkSite(f"ws://127.0.0.1:{port}")
        finally:
            stop: Callable[[], None] = server.stop
            stop()


@asynccontextmanager
async def _hosted(
    serve: Callable[[ASGIApp, Hosting, anyio.Event], Coroutine[Any, Any, None]],
    app: ByteSocket,
    *,
    lifespan: bool,
) -> AsyncGenerator[Site]:
    stop, started = anyio.Event(), anyio.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        hosting = Hosting(
            listener=listener,
            drain=app.drain,
            grace=5.0,
            **server_limits([app.settings]),
            backend="trio" if current_async_library() == "trio" else "asyncio",
            served=[app],
            started=started.set,
        )
        served = app if lifespan else without_lifespan(app)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, served, hosting, stop)
            with anyio.fail_after(DEADLINE):
                await started.wait()
            try:
                yield NetworkSite(f"ws://127.0.0.1:{listener.getsockname()[1]}")
            finally:
                stop.set()


async def _accepts(port: int) -> bool:
    try:
        async with await anyio.connect_tcp("127.0.0.1", port):
            return True
    except OSError:
        return False
