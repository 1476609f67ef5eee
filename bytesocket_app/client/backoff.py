"""Delays between connection attempts: exponential backoff with full jitter.

The jitter keeps clients from reconnecting all at once.
"""

import random
from collections.abc import Callable


class Backoff:
    """Delays that grow with each failure in a row.

    Args:
        base: Upper limit of the first delay, in seconds.
        cap: Upper limit of every delay, in seconds.
        draw: Function `draw(low, high)` that returns a random number between the two.
    """

    def __init__(
        self,
        base: float,
        cap: float,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._base = base
        self._cap = cap
        self._draw = draw
        self._failures = 0
        self._has_lasted = False
        self.attempts = 0
        """Attempts that failed in a row; the loss of a connection that lasted is none of them."""
        self.wait = 0.0
        """Seconds to wait after the last failure."""

    def failed(self) -> float:
        """Count a failure and return the seconds to wait: random(0, min(cap, base * 2^n))."""
        limit = min(self._cap, self._base * 2.0 ** min(self._failures, 64))
        self._failures += 1
        self.attempts += 0 if self._has_lasted else 1
        self._has_lasted = False
        self.wait = self._draw(0.0, limit)
        return self.wait

    def parted(self) -> None:
        """Note that the connection ended on purpose: the next failure is that of an attempt."""
        self._has_lasted = False

    def lasted(self, seconds: float, *, stable_after: float) -> None:
        """Reset the count of failures after a connection of at least `stable_after` seconds.

        Source: protocol.md Q40.
        """
        if seconds >= stable_after:
            self._failures = self.attempts = 0
            self._has_lasted = True
