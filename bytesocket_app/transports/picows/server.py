"""Listening for connections, and checking their deadlines at intervals."""

import asyncio
import logging
import socket
import ssl
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import aiofastnet
import anyio
from anyio import CancelScope

from bytesocket_app.transports.picows.accepting import Acceptor
from bytesocket_app.transports.picows.handshake import HandshakeProtocol
from bytesocket_app.transports.picows.server_state import ServerState

logger = logging.getLogger("bytesocket")

SWEEP_INTERVAL = 0.25
"""Seconds between two checks of the deadlines, by which each may be late."""

_AFTER_LOSS: Final = ("called after connection lost.", "SSL connection is closed")
"""Ends of warnings of aiofastnet that a peer's reset causes."""

_NO_DEADLINE: Final = 86400.0
"""Seconds for a TLS handshake in aiofastnet; ours, which counts from the accept, is shorter."""


@asynccontextmanager
async def listening(
    server_state: ServerState, listener: socket.socket, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[None]:
    """Accept connections during the block, and drop the remaining ones at its end.

    Args:
        server_state: The state that the connections share.
        listener: A bound socket; closed at the end.
        tls: The TLS context for wss; None for ws.
    """
    _announce_the_loop()
    try:
        async with anyio.create_task_group() as tasks:

            def accepted(connection: socket.socket) -> None:
                front = HandshakeProtocol(server_state, tasks)
                server_state.accepted(front)
                tasks.start_soon(_connect, front, tls, connection)

            with _calm():
                acceptor = Acceptor(listener, accepted)
                try:
                    tasks.start_soon(_sweep, server_state)
                    yield
                finally:
                    acceptor.stop()
                    tasks.cancel_scope.cancel()
    finally:
        with anyio.move_on_after(SWEEP_INTERVAL, shield=True):
            await server_state.clear()


def _announce_the_loop() -> None:
    """Tell anyio which event loop runs, for callbacks of transports, where no task does.

    `anyio.run` has done that already; `asyncio.run` and other runners have not, and sniffio, where
    something has imported it, looks for a task otherwise.
    """
    sniffio = sys.modules.get("sniffio")
    if sniffio is not None:
        sniffio.current_async_library_cvar.set("asyncio")


async def _connect(
    front: HandshakeProtocol, tls: ssl.SSLContext | None, connection: socket.socket
) -> None:
    """Create a transport for an accepted connection as picows does, on any event loop."""
    loop = asyncio.get_running_loop()
    patience = None if tls is None else _NO_DEADLINE
    is_connected = False
    try:
        with CancelScope() as front.connecting:
            await aiofastnet.connect_accepted_socket(
                loop, lambda: front, connection, ssl=tls, ssl_handshake_timeout=patience
            )
            is_connected = True
    except OSError as error:
        # The peer left, or the TLS handshake failed: no error of the server.
        logger.debug("a connection failed before its request: %s", error)
    except Exception:
        # Another exception would end the task group of all connections.
        logger.exception("a connection failed before its request")
    finally:
        if not is_connected:
            front.abort()
            connection.close()


@contextmanager
def _calm() -> Generator[None]:
    """Keep what strangers do out of the error log.

    aiofastnet reports each failed TLS handshake, for example of a port scanner, to the event loop,
    with an exception's class in place of the exception, which logging cannot format; `_connect`
    gets the failure as well. It also warns of each write to a connection that was reset in the same
    turn of the event loop.
    """
    loop = asyncio.get_running_loop()
    known = loop.get_exception_handler()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if context.get("exception") is ConnectionResetError:
            return
        if known is None:
            loop.default_exception_handler(context)
        else:
            known(loop, context)

    def is_of_the_server(record: logging.LogRecord) -> bool:
        return not record.getMessage().endswith(_AFTER_LOSS)

    log = logging.getLogger("aiofastnet")
    log.addFilter(is_of_the_server)
    loop.set_exception_handler(handle)
    try:
        yield
    finally:
        log.removeFilter(is_of_the_server)
        if loop.get_exception_handler() is handle:
            loop.set_exception_handler(known)


async def _sweep(server_state: ServerState) -> None:
    while True:
        await anyio.sleep(SWEEP_INTERVAL)
        server_state.sweep(server_state.clock())
