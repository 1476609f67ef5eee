"""Tallies: what the rates have counted of one socket."""

from collections import deque
from typing import Final

from bytesocket_app.buckets import TokenBucket
from bytesocket_app.declarations.rates import Rate

PERIOD: Final = 10.0
"""Seconds in which `Limits.refusals` are too many."""


class Tally:
    """Buckets and refusals of one socket.

    Attributes:
        buckets: The buckets of the rates that are the socket's own.
        address: What stands for the socket's address; None until a rate asks.
        refused_at: The times of the last refusals, oldest first.
    """

    __slots__ = ("address", "buckets", "refused_at")

    def __init__(self) -> None:
        self.buckets: dict[Rate, TokenBucket] = {}
        self.address: str | None = None
        self.refused_at: deque[float] = deque()

    def bucket(self, rate: Rate) -> TokenBucket:
        """Return the bucket of a rate, full at first."""
        found = self.buckets.get(rate)
        if found is None:
            found = self.buckets[rate] = TokenBucket(rate.per_second, rate.burst)
        return found

    def refused(self, now: float, most: int) -> bool:
        """Note a refusal; returns True if there were `most` in the period that ends now."""
        times = self.refused_at
        times.append(now)
        if len(times) > most:
            times.popleft()
        return len(times) == most and now - times[0] <= PERIOD
