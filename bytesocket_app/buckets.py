"""Token buckets: so many a second on average, with bursts.

A bucket is one number, the time at which it is full again. What takes a token moves that time on.
Times are seconds of any clock that does not run backwards.
"""

from collections import OrderedDict
from collections.abc import Hashable
from math import inf
from typing import Final

MOST: Final = 16_384
"""Buckets that a table keeps, unless told otherwise: a few MiB."""
_ROUNDING: Final = 1e-3
"""Share of a token by which a sum of seconds may be off."""


def _taken(full_at: float, now: float, cost: float, rate: float, burst: float) -> float:
    """Return the seconds until a bucket has `cost` tokens; 0 or less if it has them."""
    missing = max(full_at - now, 0.0) * rate
    lacking = missing + cost - burst
    return lacking / rate if lacking > _ROUNDING else 0.0


class TokenBucket:
    """Bucket that gets `rate` tokens a second, and holds `burst` of them; it begins full.

    Args:
        rate: Tokens a second, above 0.
        burst: Most tokens at once.
    """

    __slots__ = ("_full_at", "burst", "rate")

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self._full_at = -inf

    def take(self, now: float, cost: float = 1) -> float:
        """Take tokens, all or none.

        Returns:
            0 if they were taken, else the seconds until they could be; `inf` if the bucket never
            holds as many.
        """
        if cost > self.burst:
            return inf
        wait = _taken(self._full_at, now, cost, self.rate, self.burst)
        if not wait:
            self.owe(now, cost)
        return wait

    def owe(self, now: float, cost: float) -> None:
        """Take tokens that need not be there: what is missing comes off those to come."""
        self._full_at = max(self._full_at, now) + cost / self.rate


class Buckets:
    """Buckets by key, no more than `most` of them.

    Full ones are not kept, as they are as good as new. If strangers fill the table nevertheless,
    the one that was asked longest ago is forgotten: nobody is refused for another's key.

    Args:
        rate: Tokens a second of each bucket, above 0.
        burst: Most tokens at once in each.
        most: Most buckets.
    """

    __slots__ = ("_full_at", "_most", "burst", "rate")

    def __init__(self, rate: float, burst: float, *, most: int = MOST) -> None:
        self.rate = rate
        self.burst = burst
        self._most = most
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of buckets that are kept."""
        return len(self._full_at)

    def take(self, key: Hashable, now: float, cost: float = 1) -> float:
        """Take tokens from a key's bucket, all or none; see `TokenBucket.take`."""
        if cost > self.burst:
            return inf
        full_at = self._full_at.get(key, -inf)
        wait = _taken(full_at, now, cost, self.rate, self.burst)
        if not wait:
            self._full_at[key] = max(full_at, now) + cost / self.rate
        if key in self._full_at:
            self._full_at.move_to_end(key)
        self._prune(now)
        return wait

    def owe(self, key: Hashable, now: float, cost: float) -> None:
        """Take tokens that need not be there; see `TokenBucket.owe`."""
        self._full_at[key] = max(self._full_at.get(key, -inf), now) + cost / self.rate
        self._full_at.move_to_end(key)
        self._prune(now)

    def _prune(self, now: float) -> None:
        """Forget two full buckets at most, and what is beyond the most: a bounded step a call."""
        for _ in range(2):
            oldest = next(iter(self._full_at), None)
            if oldest is None or self._full_at[oldest] > now:
                break
            del self._full_at[oldest]
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)
