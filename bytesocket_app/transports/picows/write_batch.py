"""Sending at the end of a turn of the event loop what was made in it.

A turn hands out the reads of all connections that have some, one after another. To write each
answer as soon as it is made takes the processor through Python and through the kernel's whole way
out by turns, and either throws the other out of the caches: with fifty busy connections it costs
a seventh more than all answers, then all writes. And where many talk in one room, what they say
in one turn reaches each member in one write. But nobody waits long for slow handlers of others.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

LONGEST: Final = 0.002
"""Seconds that an answer waits for others to be made, and for whoever is at work just then."""


class Leaving(Protocol):
    """A connection that has something to send."""

    def leave(self) -> None:
        """Send it."""
        ...


class WriteBatch:
    """The present turn of one event loop.

    Args:
        clock: The time in seconds.

    Attributes:
        is_begun: A connection took its messages in it.
        is_busy: More than one did.
    """

    __slots__ = ("_clock", "_leaving", "_since", "is_begun", "is_busy")

    def __init__(self, clock: Callable[[], float]) -> None:
        self.is_begun = self.is_busy = False
        self._clock = clock
        self._since = 0.0
        self._leaving: list[Leaving] = []

    def begin(self) -> None:
        """Have the turn end as soon as all is read that came."""
        self.is_begun = True
        self._since = self._clock()
        asyncio.get_running_loop().call_soon(self._end)

    def add(self, connection: Leaving) -> None:
        """Have a connection send what it holds when the turn ends."""
        if not self.is_begun:
            self.begin()
        self._leaving.append(connection)

    def go_on(self) -> None:
        """One more connection took its messages: what was made is sent if that took long."""
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
