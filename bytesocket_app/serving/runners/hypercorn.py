"""Runner for hypercorn, on asyncio or trio.

hypercorn is embedded and not started through its command line. Its own shutdown waits for
WebSockets that never end (Python 3.12 and later) or closes them with 1011 (3.11), and its ping
interval disconnects nobody. So sockets are closed inside the `shutdown_trigger`, before it
returns, and the framework's own deadlines find peers that are gone.
"""

import logging
import os
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

import anyio
from hypercorn.config import Config
from typing_extensions import override
from wsproto.extensions import PerMessageDeflate

from bytesocket_app.serving.runners.hosting import Hosting, Trigger, host
from bytesocket_app.serving.runners.listening import BACKLOG
from bytesocket_app.transports.asgi import ASGIApp


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
    # hypercorn compresses for every client that offers it, and has no setting against that.
    stream: Any = import_module("hypercorn.protocol.ws_stream")
    stream.PerMessageDeflate = _Declined
    await run(app, _config(hosting), shutdown_trigger=trigger, mode="asgi")


def _config(hosting: Hosting) -> Config:
    config = Config()
    # hypercorn closes the descriptor it is given.
    config.bind = [f"fd://{os.dup(hosting.listener.fileno())}"]
    config.backlog = BACKLOG
    if hosting.certificate is not None:
        hosting.certificate.context()  # for its errors
        config.certfile = str(hosting.certificate.certfile)
        config.keyfile = str(hosting.certificate.keyfile or hosting.certificate.certfile)
    config.accesslog = None
    config.errorlog = _error_log()
    config.include_server_header = False
    config.websocket_max_message_size = hosting.message_bytes or sys.maxsize
    # Longer than our own limit: hypercorn's timeout would leak a CancelledError.
    config.graceful_timeout = hosting.linger * 10
    return config


def _error_log() -> logging.Logger:
    logger = logging.getLogger("hypercorn.error")
    logger.setLevel(logging.WARNING)  # lower levels only say "Running on ...", as the caller does
    return logger
