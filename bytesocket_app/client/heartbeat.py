"""Heartbeat of a connection: times of pings, and the deadline of their answer."""

import math
from typing import Literal


class Heartbeat:
    """The ping and pong deadlines of a connection.

    Reads no clock: `now` is seconds on any clock. A running pong timer is not restarted by a
    further ping (protocol.md Q41).

    Args:
        interval: Seconds between two pings; 0 turns the heartbeat off.
        timeout: Seconds from a ping to its pong; 0 waits for ever.
        now: Time at which the connection opened.
    """

    def __init__(self, interval: float, timeout: float, now: float) -> None:
        self._interval = interval if interval > 0 else math.inf
        self._timeout = timeout if timeout > 0 else math.inf
        self._next_ping = now + self._interval
        self._pong_due = math.inf

    @property
    def due(self) -> float:
        """Time at which to call `check` next; infinity for never."""
        return min(self._next_ping, self._pong_due)

    def check(self, now: float) -> Literal["ping", "dead"] | None:
        """Return what to do now: send a ping, give the connection up ("dead"), or nothing."""
        if now >= self._pong_due:
            return "dead"
        if now < self._next_ping:
            return None
        self._next_ping = now + self._interval
        self._pong_due = min(self._pong_due, now + self._timeout)
        return "ping"

    def pong(self) -> None:
        """Record that the server answered."""
        self._pong_due = math.inf
