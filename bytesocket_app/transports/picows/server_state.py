"""State that a server's connections share: the applications by path, and the deadlines."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any, Final, Protocol

from bytesocket_app.settings import widest
from bytesocket_app.transports.interface import Served
from bytesocket_app.transports.picows.deadlines import DeadlineQueue
from bytesocket_app.transports.picows.head import Bounds
from bytesocket_app.transports.picows.interfaces import Dropped
from bytesocket_app.transports.picows.reader import Reader
from bytesocket_app.transports.picows.transport import PicowsTransport
from bytesocket_app.transports.picows.write_batch import WriteBatch
from bytesocket_app.transports.probes import missing, probe

UNFINISHED: Final = 30.0
"""Seconds from a message's first fragment to its last."""
LINGER: Final = 5.0
"""Seconds that a peer gets to close the connection after the core is done with it."""

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class Awaited(Protocol):
    """Connection whose request has not come."""

    def late(self) -> None:
        """Close the connection, as the request is late."""
        ...


class Deadlines:
    """Deadlines of one application's open connections.

    Args:
        served: The application.
        clock: Returns the time in seconds.

    Attributes:
        served: As given.
        bounds: Limits on the requests for its connections.
    """

    def __init__(self, served: Served, clock: Callable[[], float]) -> None:
        timeouts = served.settings.timeouts
        self.served = served
        limits = served.settings.limits
        self.bounds = Bounds(limits.header_bytes, limits.headers)
        self._clock = clock
        self._pings: DeadlineQueue[PicowsTransport] = DeadlineQueue(timeouts.ping)
        self._pongs: DeadlineQueue[PicowsTransport] = DeadlineQueue(timeouts.pong)
        self._messages: DeadlineQueue[Reader] = DeadlineQueue(UNFINISHED)

    def opened(self, link: PicowsTransport) -> None:
        """Ping a connection from now on, every `Timeouts.ping`."""
        self._pings.add(link, self._clock())

    def unfinished(self, reader: Reader) -> None:
        """Start the deadline of a fragmented message."""
        reader.begun_at = self._clock()
        self._messages.add(reader, reader.begun_at)

    def sweep(self, now: float) -> None:
        """Send the pings that are due, and end connections with a missed deadline."""
        for link in self._pings.take(now):
            if not link.is_over:
                self._pings.add(link, now)
                if link.ping(now):
                    self._pongs.add(link, now)
        for link in self._pongs.take(now):
            if link.owes_pong(now - self._pongs.seconds):
                link.abort()
        for reader in self._messages.take(now):
            reader.give_up(now - UNFINISHED)


class ServerState:
    """State that the connections of one server share.

    Args:
        served: The applications.
        call: Context manager entered while a connection is served.
        clock: Returns the time in seconds, for the deadlines.
        native: The `native` mapping of every handshake; see `Handshake`.

    Attributes:
        call, clock, native: As given.
        bounds: Limits on a request before it is known which application it is for.
        turn: Batch of connections that send at the end of the event loop's turn.
    """

    def __init__(
        self,
        served: Iterable[Served],
        call: Callable[[], AbstractContextManager[object]],
        clock: Callable[[], float] = time.monotonic,
        native: Mapping[str, Any] = _NOTHING,
    ) -> None:
        self._all = tuple(Deadlines(each, clock) for each in served)
        self._deadlines = {path: each for each in self._all for path in each.served.paths}
        self.clock = clock
        self.bounds = Bounds.widest(each.bounds for each in self._all)
        # Before it is known for whom a request is, it has the time of the most patient one.
        patience = widest(each.served.settings.timeouts.handshake for each in self._all)
        self._awaited: DeadlineQueue[Awaited] = DeadlineQueue(patience)
        self._open: set[asyncio.Transport] = set()
        self._emptied = asyncio.Event()
        self._lingering: DeadlineQueue[Dropped] = DeadlineQueue(LINGER)
        self.turn = WriteBatch(clock)
        self.call = call
        self.native = native

    def deadlines(self, path: str) -> Deadlines | None:
        """Return the deadlines of the application at a path; None without one."""
        return self._deadlines.get(path)

    @property
    def paths(self) -> list[str]:
        """Paths of the applications' sockets."""
        return list(self._deadlines)

    def probe(self, path: str) -> tuple[int, str] | None:
        """Return the status and text for a probe's path; None for other paths."""
        return probe(path, [deadlines.served.endpoint for deadlines in self._all])

    def missing(self) -> str:
        """Return the text for a path at which nothing is."""
        return missing(self._deadlines)

    def accepted(self, front: Awaited) -> None:
        """Start the deadline of an accepted connection's request, which TLS may precede."""
        self._awaited.add(front, self.clock())

    def arrived(self, real: asyncio.Transport) -> None:
        """List a connection that may send its request."""
        self._open.add(real)

    def lingers(self, connection: Dropped) -> None:
        """Start the deadline for a peer to close a connection that the core is done with."""
        self._lingering.add(connection, self.clock())

    def sweep(self, now: float) -> None:
        """Check all deadlines."""
        for front in self._awaited.take(now):
            front.late()
        for connection in self._lingering.take(now):
            connection.abort()
        for deadlines in self._all:
            deadlines.sweep(now)

    def gone(self, real: asyncio.Transport) -> None:
        """Take a closed connection off the list."""
        self._open.discard(real)
        if not self._open:
            self._emptied.set()

    async def clear(self) -> None:
        """Drop all connections, and wait until they are closed."""
        self._emptied = asyncio.Event()
        for real in tuple(self._open):
            real.abort()
        if self._open:
            await self._emptied.wait()
