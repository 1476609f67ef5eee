"""Token buckets: so many a second on average, with bursts.

A bucket is one number, the time at which it is full again. What takes a token moves that time on.
Who wants more than a bucket ever holds needs a full one, which is then in debt. Times are seconds
of any clock that does not run backwards.
"""

from collections import OrderedDict
from collections.abc import Hashable
from math import inf
from typing import Final

FASTEST: Final = 10**9
"""Greatest number of tokens in a second, and at once."""
MOST: Final = 16_384
"""Buckets that a table keeps, unless told otherwise: a few MiB."""
_ROUNDING: Final = 1e-3
"""Share of a token by which a sum of seconds may be off."""


def _wait(full_at: float, now: float, cost: float, rate: float, burst: float) -> float:
    """Return the seconds until a bucket has `cost` tokens, or is full; 0 if it is so far."""
    missing = max(full_at - now, 0.0) * rate
    lacking = missing + min(cost, burst) - burst
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
        """Take tokens, all or none; returns 0, or the seconds until they could be taken."""
        wait = self.wait(now, cost)
        if not wait:
            self._full_at = max(self._full_at, now) + cost / self.rate
        return wait

    def wait(self, now: float, cost: float = 1) -> float:
        """Return what `take` would, and take nothing."""
        return _wait(self._full_at, now, cost, self.rate, self.burst)


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
        wait = self.wait(key, now, cost)
        if not wait:
            self._full_at[key] = max(self._full_at.get(key, -inf), now) + cost / self.rate
        if key in self._full_at:
            self._full_at.move_to_end(key)
        self._prune(now)
        return wait

    def wait(self, key: Hashable, now: float, cost: float = 1) -> float:
        """Return what `take` would, and take nothing."""
        return _wait(self._full_at.get(key, -inf), now, cost, self.rate, self.burst)

    def _prune(self, now: float) -> None:
        """Forget two full buckets at most, and what is beyond the most: a bounded step a call."""
        for _ in range(2):
            oldest = next(iter(self._full_at), None)
            if oldest is None or self._full_at[oldest] > now:
                break
            del self._full_at[oldest]
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)


def buckets_for(per_second: int, seconds: int) -> Buckets | None:
    """Return the buckets of a limit, which hold what comes in `seconds`; None for the limit 0."""
    rate = min(per_second, FASTEST)
    return Buckets(rate, seconds * rate) if rate else None
