"""Listening for connections, and the sweep of their deadlines."""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import anyio

from bytesocket_app.transports.picows.front import Front
from bytesocket_app.transports.picows.reception import Reception

BACKLOG = 2048
"""Connections the kernel holds while the server is busy."""

SWEEP_INTERVAL = 0.25
"""Seconds between two looks at the deadlines; the slack that every deadline has."""


@asynccontextmanager
async def listening(
    reception: Reception, listener: socket.socket, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[None]:
    """Accept connections for the block; at its end drop those that are left.

    Args:
        reception: Where they report.
        listener: A bound socket; closed at the end.
        tls: For wss.
    """
    loop = asyncio.get_running_loop()
    async with anyio.create_task_group() as tasks:
        # Not aiofastnet, picows' own choice: no faster on uvloop, 5 kB more for each connection,
        # and it spins when the process has no file descriptors left.
        server = await loop.create_server(
            partial(Front, reception, tasks), sock=listener, ssl=tls, backlog=BACKLOG
        )
        try:
            tasks.start_soon(_sweep, reception)
            yield
        finally:
            server.close()
            tasks.cancel_scope.cancel()
    with anyio.move_on_after(SWEEP_INTERVAL, shield=True):
        await reception.clear()


async def _sweep(reception: Reception) -> None:
    while True:
        await anyio.sleep(SWEEP_INTERVAL)
        reception.sweep(reception.clock())
