"""Heartbeat of a connection: times of pings, and the deadline of their answer."""

import math
from typing import Literal


class Heartbeat:
    """The ping and pong deadlines of a connection.

    Reads no clock: `now` is seconds on any clock. Whatever arrives after a ping answers it. A
    running pong timer is not restarted by a further ping (protocol.md Q41).

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

    @property
    def is_waiting(self) -> bool:
        """True from a ping until the next `check` that has heard something."""
        return self._pong_due < math.inf

    def check(self, now: float, *, has_heard: bool) -> Literal["ping", "dead"] | None:
        """Return what to do now: send a ping, give the connection up ("dead"), or nothing.

        Args:
            now: The time.
            has_heard: True if anything arrived since the last ping.
        """
        if has_heard:
            self._pong_due = math.inf
        if now >= self._pong_due:
            return "dead"
        if now < self._next_ping:
            return None
        self._next_ping = now + self._interval
        self._pong_due = min(self._pong_due, now + self._timeout)
        return "ping"
