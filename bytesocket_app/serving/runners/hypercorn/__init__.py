"""Runner for hypercorn, on asyncio or trio.

hypercorn is embedded and not started through its command line. Its own shutdown waits for
WebSockets that never end (Python 3.12 and later) or closes them with 1011 (3.11), and its ping
interval disconnects nobody. So sockets are closed inside the `shutdown_trigger`, before it
returns, and the framework's own deadlines find peers that are gone.

Some parts of hypercorn are replaced by ours: an exception for one connection ended the process on
trio, and the application was not told of some ends. HTTP/2 is not offered (see `protocol`).
"""

import logging
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any, Final
from weakref import WeakSet

import anyio
from typing_extensions import override
from wsproto.extensions import PerMessageDeflate

from bytesocket_app.logs import restrain
from bytesocket_app.serving.runners.hosting import NEVER, Hosting, Trigger, host
from bytesocket_app.serving.runners.hypercorn.protocol import (
    GuardedProtocol,
    GuardedStream,
    HypercornConfig,
)
from bytesocket_app.serving.runners.listening import ACCEPTED_AT_ONCE, BACKLOG
from bytesocket_app.transports.asgi import ASGIApp

QUEUED: Final = 4
"""Messages that hypercorn keeps for an application that does not take them, beside its inbox."""


class _Declined(PerMessageDeflate):
    """Compression extension that is never agreed on, to save memory and time."""

    @override
    def accept(self, offer: str) -> None:
        """Decline the offer (RFC 7692 section 5)."""


async def serve(app: ASGIApp, hosting: Hosting, stop: anyio.Event) -> None:
    """Serve until `stop` is set; see `host` for the order of the shutdown and the exceptions."""
    await host(app, _serve, hosting, stop)


async def _serve(app: ASGIApp, hosting: Hosting, trigger: Trigger) -> None:
    # Imported by name: the module for trio needs trio, and hypercorn's types are partly unknown
    # and stricter than ASGI's about applications.
    run: Callable[..., Awaitable[None]] = import_module(f"hypercorn.{hosting.backend}").serve
    for module, name, ours in replacements(hosting.backend):
        _replace(module, name, ours)

    async def listening() -> None:
        hosting.listener.listen(BACKLOG)  # hypercorn has just said `config.backlog`
        await trigger()

    restrain("trio.serve_listeners")
    config = _config(hosting)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_abort_at_the_end, config.connections)
        await run(app, config, shutdown_trigger=listening, mode="asgi")
        tasks.cancel_scope.cancel()


async def _abort_at_the_end(connections: WeakSet[Any]) -> None:
    """Drop the connections once the server is cancelled: a send to a deaf peer is shielded."""
    try:
        await anyio.sleep_forever()
    finally:
        for each in tuple(connections):
            each.abort()


def replacements(backend: str) -> list[tuple[str, str, type]]:
    """Return what of hypercorn is replaced: the module that looks for it, its name, and ours."""
    server = import_module(f"{__name__}.on_{backend}").SERVER
    return [
        (f"hypercorn.{backend}.run", "TCPServer", server),
        (f"hypercorn.{backend}.tcp_server", "ProtocolWrapper", GuardedProtocol),
        ("hypercorn.protocol.h11", "WSStream", GuardedStream),
        # hypercorn compresses for every client that offers it, and has no setting against that.
        ("hypercorn.protocol.ws_stream", "PerMessageDeflate", _Declined),
    ]


def _replace(module: str, name: str, ours: type) -> None:
    """Put our class in the place of hypercorn's.

    Raises:
        RuntimeError: This hypercorn has nothing of that name: its connections would be unguarded.
    """
    found = import_module(module)
    if not hasattr(found, name):
        raise RuntimeError(f"{module} has no {name}: this version of hypercorn is not supported.")
    setattr(found, name, ours)


def _config(hosting: Hosting) -> HypercornConfig:
    config = HypercornConfig()
    config.connections = WeakSet()
    # hypercorn closes the descriptor it is given.
    config.bind = [f"fd://{hosting.listener.dup().detach()}"]
    config.backlog = ACCEPTED_AT_ONCE
    if hosting.certificate is not None:
        hosting.certificate.context()  # for its errors
        config.certfile = str(hosting.certificate.certfile)
        config.keyfile = str(hosting.certificate.keyfile or hosting.certificate.certfile)
    config.accesslog = None
    config.errorlog = _error_log()
    config.include_server_header = False
    config.alpn_protocols = ["http/1.1"]
    config.websocket_max_message_size = hosting.message_bytes or sys.maxsize
    config.h11_max_incomplete_size = hosting.header_bytes or sys.maxsize
    # From an accepted connection, and from an answer, to the next complete request.
    config.keep_alive_timeout = hosting.handshake or NEVER
    config.ssl_handshake_timeout = hosting.handshake or NEVER
    config.max_app_queue_size = QUEUED
    config.close_timeout = hosting.close or NEVER
    # Longer than our own limit: hypercorn's timeout would leak a CancelledError.
    config.graceful_timeout = hosting.linger * 10
    return config


def _error_log() -> logging.Logger:
    logger = logging.getLogger("hypercorn.error")
    logger.setLevel(logging.WARNING)  # lower levels only say "Running on ...", as the caller does
    restrain(logger.name)
    return logger
