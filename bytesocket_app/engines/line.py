"""Lines to a server: bytes to send are taken at once, and sent together once a turn.

On asyncio a plain connection has a line of its own, `bytesocket_app.engines.asyncio_line`: a
message costs a third less there than over anyio's stream, which has two checkpoints for each.
"""

import socket
from typing import Final, Protocol

import anyio
from anyio.abc import ByteStream, SocketAttribute

from bytesocket_app.event_loop import is_asyncio

READ_BYTES: Final = 256 * 1024


class Line(Protocol):
    """Connection to a server."""

    @property
    def unsent(self) -> int:
        """Bytes that were written and are not sent."""
        ...

    def write(self, data: bytes) -> None:
        """Take bytes to send; never waits, and raises nothing."""
        ...

    async def receive(self) -> bytes:
        """Wait for bytes, and return them.

        Raises:
            EndOfStream: The server closed the connection.
            OSError, BrokenResourceError: The connection was lost.
        """
        ...

    async def run(self) -> None:
        """Send what is written, if that needs a task; raises as `receive` does."""
        ...

    async def close(self) -> None:
        """Drop the connection, with what is not sent."""
        ...


class StreamLine:
    """Line over anyio's stream, on any event loop and with encryption."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._unsent: list[bytes] = []
        self.unsent = 0
        self._wake = anyio.Event()

    def write(self, data: bytes) -> None:
        """Take bytes to send."""
        self._unsent.append(data)
        self.unsent += len(data)
        if len(self._unsent) == 1:
            self._wake.set()

    async def receive(self) -> bytes:
        """Wait for bytes."""
        return await self._stream.receive(READ_BYTES)

    async def run(self) -> None:
        """Send what is written, until the connection is lost."""
        while True:
            if not self._unsent:
                self._wake = anyio.Event()
                await self._wake.wait()
            data, self._unsent = b"".join(self._unsent), []
            await self._stream.send(data)
            self.unsent -= len(data)

    async def close(self) -> None:
        """Drop the connection."""
        await anyio.aclose_forcefully(self._stream)


async def dial(host: str, port: int, *, is_encrypted: bool) -> Line:
    """Connect to a server; of several addresses, to the one that answers first.

    Raises:
        OSError: It cannot be reached.
    """
    if is_encrypted:
        return StreamLine(await anyio.connect_tcp(host, port, tls=True))
    if not is_asyncio():
        return StreamLine(await anyio.connect_tcp(host, port))
    from bytesocket_app.engines.asyncio_line import AsyncioLine

    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if len(found) > 1:
        async with await anyio.connect_tcp(host, port) as first:
            host = first.extra(SocketAttribute.remote_address)[0]  # noqa: S610 - not Django
    return await AsyncioLine.connected(host, port)
