"""hypercorn's server for one connection on asyncio."""

from contextlib import suppress
from typing import Final

from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.events import Event
from typing_extensions import override

from bytesocket_app.serving.runners.hypercorn.guard import guarded, with_abort
from bytesocket_app.serving.runners.hypercorn.protocol import HalfClosed, HypercornConfig


class AsyncioServer(TCPServer):
    """One connection that hurts no other, and that can be dropped."""

    @override
    async def run(self) -> None:
        """Serve the connection to its end."""
        self.app = with_abort(self.app, self.abort)
        await guarded(super().run(), self.abort)

    def abort(self) -> None:
        """Drop the connection with all that waits for the peer."""
        self.writer.transport.abort()

    @override
    async def protocol_send(self, event: Event) -> None:
        """Do what the protocol asks for."""
        if not isinstance(event, HalfClosed):
            await super().protocol_send(event)
        elif self.writer.can_write_eof():
            with suppress(OSError, RuntimeError):
                self.writer.write_eof()

    @override
    async def _read_data(self) -> None:
        await super()._read_data()
        await self.idle_task.stop()  # the connection is over, and not idle

    @override
    async def _close(self) -> None:
        patience = getattr(self.config, "close_timeout", HypercornConfig.close_timeout)
        last = self.loop.call_later(patience, self.abort)
        try:
            await super()._close()
        finally:
            last.cancel()


SERVER: Final = AsyncioServer
