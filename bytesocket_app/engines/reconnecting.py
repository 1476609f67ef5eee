"""Connecting to a broker again and again: what engines over a network share."""

import logging
import random
from abc import ABC, abstractmethod
from math import inf
from typing import Final

import anyio

from bytesocket_app.engines.interface import EngineListener
from bytesocket_app.errors import EngineRefused

logger = logging.getLogger("bytesocket")

CONNECT: Final = 1.0
"""Seconds for a connection, and for what is asked and subscribed on it first."""

PAUSE: Final = (0.05, 0.15)
"""Shortest and longest pause between two attempts, in seconds."""

LOGGED: Final = 1.0
"""Seconds between two lines of the log about a broker that was never reached."""

LOGGED_LATER: Final = 30.0
"""Seconds between two lines about one that was lost, after the first."""


class ReconnectingEngine(ABC):
    """Engine that loses its connection and makes another.

    Args:
        shown: The broker's address for people.

    Attributes:
        is_ordered: True if all processes get the messages of a channel in one order.
        reason: Why the last connection was lost or did not come about; empty before that.
    """

    is_ordered = False

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self._listener: EngineListener | None = None
        self.reason = ""
        self._is_up = self._was_up = False
        self._is_known = False
        self._logged_at = -inf  # of a line about this outage; none yet

    async def run(self, listener: EngineListener, /) -> None:
        """Connect, and stay connected; see `Engine.run`."""
        self._listener = listener
        try:
            while True:
                self._was_up = False
                reason = self.reason = await self._lived()
                self._report(reason)
                self._lost(reason)
                # Others lost it at the same moment, so that only the first attempt is at once.
                await anyio.sleep(0 if self._was_up else random.uniform(*PAUSE))  # noqa: S311 - a pause
        finally:
            self._lost("this process has disconnected")

    async def _lived(self) -> str:
        """Return why a connection ended; what a broker never says is a reason as well."""
        try:
            return await self._live()
        except EngineRefused:
            raise
        except Exception as error:  # the link outlives it
            logger.exception("%s answered what cannot be read", self.shown)
            return f"an answer that cannot be read: {type(error).__name__}"

    @abstractmethod
    async def _live(self) -> str:
        """Connect, call `_opened` when all is subscribed, and serve until the connection is lost.

        Returns:
            Why it was lost, or did not come about.

        Raises:
            EngineRefused: The broker will not have us.
        """

    def _opened(self) -> None:
        """Tell of a connection on which all wanted channels are subscribed."""
        self._is_up = self._was_up = True
        level = logging.WARNING if self._logged_at > -inf else logging.INFO
        logger.log(level, "connected to %s%s", self.shown, " again" if self._is_known else "")
        self._is_known = True
        self._logged_at = -inf
        if self._listener is not None:
            self._listener.up()

    def _report(self, reason: str) -> None:
        now = anyio.current_time()
        if self._logged_at + (LOGGED_LATER if self._is_known else LOGGED) <= now:
            self._logged_at = now
            logger.warning("no connection to %s: %s", self.shown, reason)

    def _lost(self, reason: str) -> None:
        """Tell of the loss, once; called early by engines that have much to clean up."""
        if self._is_up and self._listener is not None:
            self._is_up = False
            self._listener.down(reason)


def refusal(shown: str, reason: str) -> EngineRefused:
    """Return the error of a broker that will not have us."""
    return EngineRefused(f"{shown} will not serve this application: {reason}")
