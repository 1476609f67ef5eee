"""What a connection's way out needs from those around it, so that it need not know them."""

import asyncio
from typing import Protocol

from bytesocket_app.transports.picows.write_batch import WriteBatch


class Dropped(Protocol):
    """What can be dropped."""

    def abort(self) -> None:
        """Drop it, whatever it is doing."""
        ...


class WayIn(Protocol):
    """The same connection's reader."""

    @property
    def is_paused(self) -> bool:
        """Whether nothing is read at the moment."""
        ...

    def resume(self) -> None:
        """Read on."""
        ...

    def ignore(self) -> None:
        """Look at control frames only."""
        ...

    def stop(self) -> None:
        """Look at nothing any more."""
        ...


class ConnectionList(Protocol):
    """Where connections are listed."""

    @property
    def turn(self) -> WriteBatch:
        """Where they leave what is to be sent at the end of a turn."""
        ...

    def lingers(self, connection: Dropped, /) -> None:
        """It is over for the core; the peer may still hold it."""
        ...

    def gone(self, real: asyncio.Transport, /) -> None:
        """It is closed."""
        ...
