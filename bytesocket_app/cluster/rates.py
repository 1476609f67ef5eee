"""Rates that all processes share: asked of the engine, for a bounded time."""

import logging
from collections.abc import Sequence
from math import inf
from typing import Final

import anyio

from bytesocket_app.cluster.metrics import ClusterCounters
from bytesocket_app.engines import Engine, RateEngine, TokenRequest
from bytesocket_app.errors import EngineError

logger = logging.getLogger("bytesocket")

PATIENCE: Final = 0.25
"""Seconds to wait for the engine's answer."""

PAUSE: Final = 1.0
"""Seconds for which an engine that did not answer in time is not asked again."""

TOLD: Final = 60.0
"""Seconds between two lines of the log about an engine that does not count."""


class SharedRates:
    """Buckets of all processes.

    Args:
        engine: Counts, if it can.
        prefix: What the buckets' names begin with.
        counters: Count who counted.

    Attributes:
        is_up: True while there is a link to the broker.
    """

    def __init__(self, engine: Engine, prefix: str, counters: ClusterCounters) -> None:
        self.is_up = False
        self._engine = engine if isinstance(engine, RateEngine) else None
        self._prefix = prefix
        self._counters = counters
        self._again_at = self._told_at = -inf

    @property
    def can_count(self) -> bool:
        """True if the engine counts; else each process does by itself."""
        return self._engine is not None

    async def take(self, requests: Sequence[TokenRequest], now: float) -> float | None:
        """Take tokens from all buckets or from none; waits for `PATIENCE` at most.

        Args:
            requests: The buckets, without the application's prefix.
            now: The application's time.

        Returns:
            0 if they were taken, or the seconds until they could be; None if the engine does not
            say, so that this process has to count by itself.
        """
        wait = await self._ask(requests, now)
        if wait is None:
            self._counters.rates_here += 1
        else:
            self._counters.rates_shared += 1
        return wait

    async def _ask(self, requests: Sequence[TokenRequest], now: float) -> float | None:
        engine = self._engine
        if engine is None or not self.is_up or anyio.current_time() < self._again_at:
            return None
        named = [each._replace(bucket=self._prefix + each.bucket) for each in requests]
        try:
            with anyio.move_on_after(PATIENCE):
                return _checked(await engine.take_tokens(named, now))
        except Exception as error:  # noqa: BLE001 - of whatever engine; the message is counted here
            self._tell(str(error) or type(error).__name__)
            return None
        # All that come meanwhile would wait as long.
        self._again_at = anyio.current_time() + PAUSE
        self._tell(f"no answer in {PATIENCE:g} s")
        return None

    def _tell(self, reason: str) -> None:
        """Log now and then that the engine does not count, unless it is known to be away."""
        now = anyio.current_time()
        if self.is_up and now - self._told_at >= TOLD:
            self._told_at = now
            logger.warning(
                "the broker does not count a shared rate, so that each process does by itself: %s",
                reason,
            )


def _checked(wait: float) -> float:
    """Return the seconds that an engine answered; raises EngineError for what are none."""
    if 0 <= wait < inf:
        return wait
    raise EngineError(f"it answered {wait!r}, which is no time to wait")
