"""Sending of messages at the end of the event loop's turn in which they were made.

In one turn, the event loop delivers the reads of all connections that have some. Writing each
answer at once would alternate between Python and the kernel's network code, and each evicts the
other from the processor's caches. So all answers are made first and then written. Messages of many
senders into one room in one turn also reach each member in one write. `LONGEST` bounds the delay
that slow handlers of other connections cause.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

LONGEST: Final = 0.002
"""Seconds after which a batch is sent before the turn ends, once the current handler is done."""


class Leaving(Protocol):
    """Connection with output that waits to be sent."""

    def leave(self) -> None:
        """Send the output."""
        ...


class WriteBatch:
    """Connections with output in the current turn of one event loop.

    Args:
        clock: Returns the time in seconds.

    Attributes:
        is_begun: True if a connection took messages, or has output, in this turn.
        is_busy: True if another connection took messages after it.
    """

    __slots__ = ("_clock", "_leaving", "_since", "is_begun", "is_busy")

    def __init__(self, clock: Callable[[], float]) -> None:
        self.is_begun = self.is_busy = False
        self._clock = clock
        self._since = 0.0
        self._leaving: list[Leaving] = []

    def begin(self) -> None:
        """Begin a batch, sent when the event loop has delivered the reads of this turn."""
        self.is_begun = True
        self._since = self._clock()
        asyncio.get_running_loop().call_soon(self._end)

    def add(self, connection: Leaving) -> None:
        """Add a connection, which sends its output when the turn ends."""
        if not self.is_begun:
            self.begin()
        self._leaving.append(connection)

    def go_on(self) -> None:
        """Note that another connection took messages; send the batch if `LONGEST` has passed."""
        self.is_busy = True
        clock = self._clock
        now = clock()
        if now - self._since > LONGEST:
            self._since = now
            self._send()

    def _end(self) -> None:
        self.is_begun = self.is_busy = False
        self._send()

    def _send(self) -> None:
        leaving, self._leaving = self._leaving, []
        for connection in leaving:
            connection.leave()
