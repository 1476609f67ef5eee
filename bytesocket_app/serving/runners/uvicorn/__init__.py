"""Runner for uvicorn (asyncio only), which is not a dependency."""

import asyncio  # noqa: TID251 - uvicorn runs on it alone
import socket
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from math import ceil
from sys import maxsize
from typing import Any, cast

import anyio
import uvicorn
from typing_extensions import override

from bytesocket_app.logs import restrain
from bytesocket_app.serving.runners.hosting import NEVER, Hosting, Trigger, host
from bytesocket_app.serving.runners.listening import ACCEPTED_AT_ONCE, BACKLOG
from bytesocket_app.serving.runners.uvicorn.protocols import (
    GuardedHttp,
    GuardedWebSocket,
    UvicornConfig,
)
from bytesocket_app.transports.asgi import ASGIApp


class _Server(uvicorn.Server):
    """uvicorn's server, with a deadline for TLS.

    It installs no signal handlers, as the process has its own.
    """

    config: UvicornConfig

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen on the sockets."""
        config = self.config
        make = partial(
            GuardedHttp,
            config=config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        loop = asyncio.get_running_loop()
        tls: dict[str, Any] = {}
        if config.ssl is not None:
            tls = {"ssl": config.ssl, "ssl_handshake_timeout": config.handshake or NEVER}
        self.servers = []
        for sock in sockets or ():
            server = await loop.create_server(make, sock=sock, backlog=ACCEPTED_AT_ONCE, **tls)
            sock.listen(config.backlog)
            self.servers.append(server)
        self.started = True

    @contextmanager
    @override
    def capture_signals(self) -> Generator[None, None, None]:
        """Install no signal handlers."""
        yield


async def serve(app: ASGIApp, hosting: Hosting, stop: anyio.Event) -> None:
    """Serve until `stop` is set; see `host` for the order of the shutdown and the exceptions."""
    await host(app, _serve, hosting, stop)


async def _serve(app: ASGIApp, hosting: Hosting, trigger: Trigger) -> None:
    restrain("uvicorn.error")
    server = _Server(_config(app, hosting))

    async def wait() -> None:
        await trigger()
        server.should_exit = True

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        # uvicorn closes the sockets it is given.
        await server.serve(sockets=[hosting.listener.dup()])


def _config(app: ASGIApp, hosting: Hosting) -> UvicornConfig:
    certificate = hosting.certificate
    if certificate is not None:
        certificate.context()  # for its errors
    config = UvicornConfig(
        cast("Any", app),
        lifespan="off",
        http=GuardedHttp,
        ws=GuardedWebSocket,
        h11_max_incomplete_event_size=hosting.header_bytes or maxsize,
        ws_max_size=hosting.message_bytes or maxsize,
        # An unanswered ping of uvicorn's would close with 1011; our own deadlines apply instead.
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the application's `Policies.trusted_proxies` decides
        backlog=BACKLOG,
        ssl_certfile=None if certificate is None else certificate.certfile,
        ssl_keyfile=None if certificate is None else certificate.keyfile,
        timeout_graceful_shutdown=max(1, ceil(hosting.linger)),
    )
    config.handshake = hosting.handshake or None
    config.close_timeout = hosting.close or None
    return config
