"""Pacing: a client sends no event more often than its contract allows.

The server counts when messages arrive, the client when they leave, and on their way they may come
closer together. What the burst allows can be sent at once; what waits for its turn waits for a
margin more, and the buckets fill a little slower than the server's. So nothing is refused as long
as no message is delayed by more than the margin longer than one after it.

The margin is as great as it can be without a cost in messages a second: the burst less one. A
burst of 1 leaves nothing, so that there half a message's time is paid for it.
"""

import math
from collections import Counter
from collections.abc import Iterable
from typing import Final, TypeAlias

from bytesocket_app.client.settings import EventRate
from bytesocket_app.types import EventName

MARGIN: Final = 0.25
"""Greatest margin in seconds: the time of a packet that is lost and sent again."""

_SLOWER: Final = 1.002
"""Factor of the time between two messages: two clocks differ by less."""

_ROUNDING: Final = 1e-6
"""Seconds by which a sum of floats may be off."""


class Pace:
    """Token bucket of one event in one place; it begins full.

    Args:
        rate: The rate that the server declared.
    """

    __slots__ = ("_burst", "_full_at", "_margin", "_seconds", "_spent", "is_per_socket")

    def __init__(self, rate: EventRate) -> None:
        self.is_per_socket = rate.per == "socket"
        self._burst = rate.burst
        self._seconds = _SLOWER / rate.per_second
        self._margin = min(MARGIN, max(0.5, rate.burst - 1) * self._seconds)
        self.fill()

    def fill(self) -> None:
        """Fill the bucket: the server has a new one."""
        self._full_at = -math.inf
        self._spent = 0

    def wait(self, now: float, *, tokens: int = 1, is_losable: bool = False) -> float:
        """Return the seconds until a message may be sent; 0 for now.

        Args:
            now: The time, in seconds of a clock that does not run backwards.
            tokens: Tokens that it takes: the rooms that it is for. If that is more than the bucket
                ever holds, the bucket has to be full.
            is_losable: True for one that may be lost, which pays no margin: as it does not wait, it
                would be lost to the margin itself.
        """
        margin = 0.0 if is_losable else self._margin
        if self._full_at + margin <= now:
            self._spent = 0
        needed = min(tokens, self._burst)
        if self._spent + needed <= self._burst:
            return 0.0
        wait = self._full_at + margin - (self._burst - needed) * self._seconds - now
        return wait if wait > _ROUNDING else 0.0

    def sent(self, now: float, *, tokens: int = 1) -> None:
        """Take tokens, also such as the bucket does not have yet."""
        self._full_at = max(self._full_at, now) + tokens * self._seconds
        self._spent += tokens

    def empty(self, now: float, seconds: float) -> None:
        """Empty the bucket: the server refused, and names the seconds until the next token."""
        self._full_at = now + seconds + (self._burst - 1) * self._seconds
        self._spent = self._burst


class SeveralPaces:
    """Paces of one message that goes to several rooms: it takes a token for each.

    Args:
        paces: The pace of each room; rooms of one pattern have the same.
    """

    __slots__ = ("_tokens",)

    def __init__(self, paces: Iterable[Pace]) -> None:
        self._tokens = Counter(paces)

    def wait(self, now: float, *, is_losable: bool = False) -> float:
        """Return the seconds until all of them allow it; 0 for now."""
        waits = (
            pace.wait(now, tokens=count, is_losable=is_losable)
            for pace, count in self._tokens.items()
        )
        return max(waits, default=0.0)

    def sent(self, now: float) -> None:
        """Take a token for each room."""
        for pace, count in self._tokens.items():
            pace.sent(now, tokens=count)


AnyPace: TypeAlias = Pace | SeveralPaces
"""Pace of one message."""


class Pacing:
    """Paces of one client, by room pattern and event. It is false if there are none.

    Args:
        rates: The rates of the contract.
    """

    def __init__(self, rates: Iterable[EventRate]) -> None:
        self._paces = {(rate.room, rate.event): Pace(rate) for rate in rates}

    def __bool__(self) -> bool:
        """Return True if anything has a rate."""
        return bool(self._paces)

    def of(self, event: EventName, pattern: str | None) -> Pace | None:
        """Return the pace of an event, outside rooms or in those of a pattern; None without one."""
        return self._paces.get((pattern, event))

    def opened(self) -> None:
        """Begin a connection: what the server counts for each socket begins anew."""
        for pace in self._paces.values():
            if pace.is_per_socket:
                pace.fill()
