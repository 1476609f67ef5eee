"""Runner for uvicorn (asyncio only), which is not a dependency."""

from collections.abc import Generator
from contextlib import contextmanager
from math import ceil
from sys import maxsize
from typing import Any, cast

import anyio
import uvicorn
from typing_extensions import override

from bytesocket_app.serving.runners.hosting import Hosting, Trigger, host
from bytesocket_app.serving.runners.listening import BACKLOG
from bytesocket_app.transports.asgi import ASGIApp


class _Server(uvicorn.Server):
    """Uvicorn server without signal handlers, as the process has its own."""

    @contextmanager
    @override
    def capture_signals(self) -> Generator[None, None, None]:
        """Install no signal handlers."""
        yield


async def serve(app: ASGIApp, hosting: Hosting, stop: anyio.Event) -> None:
    """Serve until `stop` is set; see `host` for the order of the shutdown and the exceptions."""
    await host(app, _serve, hosting, stop)


async def _serve(app: ASGIApp, hosting: Hosting, trigger: Trigger) -> None:
    server = _Server(_config(app, hosting))

    async def wait() -> None:
        await trigger()
        server.should_exit = True

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        # uvicorn closes the sockets it is given.
        await server.serve(sockets=[hosting.listener.dup()])


def _config(app: ASGIApp, hosting: Hosting) -> uvicorn.Config:
    certificate = hosting.certificate
    if certificate is not None:
        certificate.context()  # for its errors
    return uvicorn.Config(
        cast("Any", app),
        lifespan="off",
        # The older implementation warns about its own websockets import.
        ws="websockets-sansio",
        ws_max_size=hosting.message_bytes or maxsize,
        # An unanswered ping of uvicorn's would close with 1011; our own deadlines apply instead.
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        ssl_certfile=None if certificate is None else certificate.certfile,
        ssl_keyfile=None if certificate is None else certificate.keyfile,
        timeout_graceful_shutdown=max(1, ceil(hosting.linger)),
    )
