"""Where connections report: which socket they want, and the deadlines they are under."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any, Final, Protocol

from bytesocket_app.transports.interface import Served
from bytesocket_app.transports.picows.deadlines import DeadlineQueue
from bytesocket_app.transports.picows.interfaces import Dropped
from bytesocket_app.transports.picows.reader import Reader
from bytesocket_app.transports.picows.transport import PicowsTransport
from bytesocket_app.transports.picows.write_batch import WriteBatch
from bytesocket_app.transports.probes import probe

HANDSHAKE: Final = 10.0
"""Seconds from accept to a whole request."""
UNFINISHED: Final = 30.0
"""Seconds from a message's first fragment to its last."""
LINGER: Final = 5.0
"""Seconds that a peer gets to take its leave when the core is done with it."""

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class Awaited(Protocol):
    """A connection whose request has not come."""

    def late(self) -> None:
        """Give up."""
        ...


class Deadlines:
    """The deadlines of one application's open connections.

    Args:
        served: The application.
        clock: The time in seconds.
    """

    def __init__(self, served: Served, clock: Callable[[], float]) -> None:
        timeouts = served.settings.timeouts
        self.served = served
        self._clock = clock
        self._pings: DeadlineQueue[PicowsTransport] = DeadlineQueue(timeouts.ping)
        self._pongs: DeadlineQueue[PicowsTransport] = DeadlineQueue(timeouts.pong)
        self._messages: DeadlineQueue[Reader] = DeadlineQueue(UNFINISHED)

    def opened(self, link: PicowsTransport) -> None:
        """Ping it from time to time."""
        self._pings.add(link, self._clock())

    def unfinished(self, reader: Reader) -> None:
        """A message in fragments began."""
        reader.begun_at = self._clock()
        self._messages.add(reader, reader.begun_at)

    def sweep(self, now: float) -> None:
        """Ping who was not asked for long; end what is overdue."""
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
    """Everything that connections of one server share.

    Args:
        served: The applications.
        call: Entered for as long as a connection is served.
        clock: The time in seconds that deadlines are measured in.
        native: Of every handshake; see `Handshake`.

    Attributes:
        call, clock, native: As given.
        turn: What connections made in the present turn of the event loop.
    """

    def __init__(
        self,
        served: Iterable[Served],
        call: Callable[[], AbstractContextManager[object]],
        clock: Callable[[], float] = time.monotonic,
        native: Mapping[str, Any] = _NOTHING,
    ) -> None:
        self._deadlines = {each.path: Deadlines(each, clock) for each in served}
        self.clock = clock
        self._awaited: DeadlineQueue[Awaited] = DeadlineQueue(HANDSHAKE)
        self._open: set[asyncio.Transport] = set()
        self._emptied = asyncio.Event()
        self._lingering: DeadlineQueue[Dropped] = DeadlineQueue(LINGER)
        self.turn = WriteBatch(clock)
        self.call = call
        self.native = native

    def deadlines(self, path: str) -> Deadlines | None:
        """Who watches the socket of a path, if there is one."""
        return self._deadlines.get(path)

    def probe(self, path: str) -> tuple[int, str] | None:
        """The status and text for a probe's path; None for other paths."""
        return probe(path, [deadlines.served.endpoint for deadlines in self._deadlines.values()])

    def arrived(self, front: Awaited, real: asyncio.Transport) -> None:
        """A connection was accepted; its request has to come."""
        self._open.add(real)
        self._awaited.add(front, self.clock())

    def lingers(self, connection: Dropped) -> None:
        """A connection is done with, and the peer may still hold it."""
        self._lingering.add(connection, self.clock())

    def sweep(self, now: float) -> None:
        """Look after all deadlines."""
        for front in self._awaited.take(now):
            front.late()
        for connection in self._lingering.take(now):
            connection.abort()
        for deadlines in self._deadlines.values():
            deadlines.sweep(now)

    def gone(self, real: asyncio.Transport) -> None:
        """A connection is closed."""
        self._open.discard(real)
        if not self._open:
            self._emptied.set()

    async def clear(self) -> None:
        """Drop all connections, and wait until they are gone."""
        self._emptied = asyncio.Event()
        for real in tuple(self._open):
            real.abort()
        if self._open:
            await self._emptied.wait()
