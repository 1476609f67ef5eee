"""When to ping, and when a server that does not answer counts as gone."""

import math
from typing import Literal


class Heartbeat:
    """The two deadlines of one connection. It reads no clock: `now` is seconds on any clock.

    A running pong timer is never restarted by a further ping (protocol.md Q41).

    Args:
        interval: Seconds between two pings; 0 turns everything off.
        timeout: Seconds from a ping to its pong.
        now: When the connection opened.
    """

    def __init__(self, interval: float, timeout: float, now: float) -> None:
        self._interval = interval if interval > 0 else math.inf
        self._timeout = timeout if timeout > 0 else math.inf
        self._next_ping = now + self._interval
        self._pong_due = math.inf

    @property
    def due(self) -> float:
        """When `check` has something to say again; infinity for never."""
        return min(self._next_ping, self._pong_due)

    def check(self, now: float) -> Literal["ping", "dead"] | None:
        """Say what is to be done: send a ping, or give the connection up."""
        if now >= self._pong_due:
            return "dead"
        if now < self._next_ping:
            return None
        self._next_ping = now + self._interval
        self._pong_due = min(self._pong_due, now + self._timeout)
        return "ping"

    def pong(self) -> None:
        """Note that the server answered."""
        self._pong_due = math.inf
