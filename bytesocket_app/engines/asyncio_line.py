"""Line to a server on asyncio's own transport."""

import asyncio  # its transports take bytes without a task that sends them
from typing import Self, cast

import anyio
from typing_extensions import override


class AsyncioLine(asyncio.Protocol):
    """Line over an asyncio transport; see `bytesocket_app.engines.line.Line`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []
        self._received: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self._is_over = False
        self._error: Exception | None = None

    @classmethod
    async def connected(cls, host: str, port: int) -> Self:
        """Connect to a server; raises OSError if it cannot be reached."""
        _, line = await asyncio.get_running_loop().create_connection(cls, host, port)
        return line

    @property
    def unsent(self) -> int:
        """Bytes that the network has not taken, without those of this turn."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def write(self, data: bytes) -> None:
        """Take bytes to send as the turn ends."""
        if not self._unsent:
            self._loop.call_soon(self._send)
        self._unsent.append(data)

    def _send(self) -> None:
        data, self._unsent = b"".join(self._unsent), []
        if self._transport is not None and not self._is_over:
            self._transport.write(data)

    async def receive(self) -> bytes:
        """Wait for bytes."""
        if not self._received and not self._is_over:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if not self._received:
            raise self._error or anyio.EndOfStream
        data, self._received = b"".join(self._received), []
        return data

    async def run(self) -> None:
        """Do nothing: the event loop sends."""

    async def close(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()

    # What the event loop tells.

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note of the connection."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's derives from nothing

    @override
    def data_received(self, data: bytes) -> None:
        """Take bytes, and wake the reader."""
        self._received.append(data)
        self._wake()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Wake the reader, for the last time."""
        self._is_over, self._error = True, exc
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
