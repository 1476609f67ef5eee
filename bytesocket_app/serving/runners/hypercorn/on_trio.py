"""hypercorn's server for one connection on trio."""

from contextlib import suppress
from typing import Any, Final
from weakref import WeakSet

import trio
from hypercorn.events import Closed, Event
from hypercorn.trio.tcp_server import TCPServer
from typing_extensions import override

from bytesocket_app.serving.runners.hypercorn.guard import guarded, with_abort
from bytesocket_app.serving.runners.hypercorn.protocol import HalfClosed

_OVER = (trio.BrokenResourceError, trio.BusyResourceError, trio.ClosedResourceError)


class TrioServer(TCPServer):
    """One connection that hurts no other, and that can be dropped."""

    @override
    async def run(self) -> None:
        """Serve the connection to its end."""
        self.app = with_abort(self.app, self.abort)
        getattr(self.config, "connections", WeakSet[Any]()).add(self)
        await guarded(super().run(), self.abort)

    def abort(self) -> None:
        """Drop the connection with all that waits for the peer."""
        stream: Any = getattr(self.stream, "transport_stream", self.stream)
        stream.socket.close()

    @override
    async def protocol_send(self, event: Event) -> None:
        """Do what the protocol asks for."""
        if not isinstance(event, HalfClosed):
            try:
                await super().protocol_send(event)
            except trio.BusyResourceError:  # it is being closed: no two sends meet otherwise
                await self.protocol.handle(Closed())
        elif hasattr(self.stream, "send_eof"):  # not with TLS
            async with self.send_lock:
                with suppress(*_OVER):
                    await self.stream.send_eof()

    @override
    async def _read_data(self) -> None:
        await super()._read_data()
        await self.idle_task.stop()  # the connection is over, and not idle


SERVER: Final = TrioServer
