"""Interfaces between the sending side of a connection and the objects around it."""

import asyncio
from typing import Protocol

from bytesocket_app.transports.picows.write_batch import WriteBatch


class Dropped(Protocol):
    """Connection that can be dropped."""

    def abort(self) -> None:
        """Drop the connection in any state."""
        ...


class WayIn(Protocol):
    """Reader of the same connection."""

    @property
    def is_paused(self) -> bool:
        """True while reading is paused."""
        ...

    def resume(self) -> None:
        """Resume reading."""
        ...

    def ignore(self) -> None:
        """Ignore all frames but control frames."""
        ...

    def stop(self) -> None:
        """Ignore all frames."""
        ...


class ConnectionList(Protocol):
    """List of a server's connections."""

    @property
    def turn(self) -> WriteBatch:
        """Batch of connections that send at the end of the event loop's turn."""
        ...

    def lingers(self, connection: Dropped, /) -> None:
        """Note that the core is done with a connection that the peer may keep open."""
        ...

    def gone(self, real: asyncio.Transport, /) -> None:
        """Note that a connection is closed."""
        ...
