"""Queue that runs listeners and hooks one after another, in a task of its own.

The task that reads the socket goes on meanwhile, so a listener may wait for a reply.
"""

import inspect
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

from bytesocket_app.client.signal import Signal
from bytesocket_app.errors import where

log = logging.getLogger("bytesocket.client")

Callback: TypeAlias = Callable[[Any], object]
"""Function of one argument, `async def` or `def`. An awaitable result is awaited, any other
ignored."""
Wanted: TypeAlias = Callable[[Callback], bool]
"""Tells whether a function is still to be called."""


class CallbackQueue:
    """A queue of calls, made one after another.

    Args:
        limit: Number of waiting calls from which on `room` waits.
        failed: Called with each exception that a callback raises, except those of error hooks.
    """

    def __init__(self, limit: int, failed: Callable[[Exception], None]) -> None:
        self._limit = limit
        self._failed = failed
        self._waiting: deque[tuple[Callback, Any, bool, Wanted | None]] = deque()
        self._is_running = False
        self._more = Signal()
        self._less = Signal()

    def post(
        self,
        callback: Callback,
        argument: object,
        wanted: Wanted | None = None,
        *,
        is_error_hook: bool = False,
    ) -> None:
        """Queue a call; never waits.

        Args:
            callback: The function.
            argument: Its argument.
            wanted: Asked about the function when its turn comes; False drops the call.
            is_error_hook: True if an exception of it is logged only.
        """
        self._waiting.append((callback, argument, is_error_hook, wanted))
        self._more.notify()

    async def room(self) -> None:
        """Wait until fewer calls than the limit are queued."""
        while len(self._waiting) >= self._limit:
            await self._less.wait()

    async def idle(self) -> None:
        """Wait until no call is queued or running."""
        while self._waiting or self._is_running:
            await self._less.wait()

    async def run(self) -> None:
        """Make the queued calls, until cancelled."""
        while True:
            while not self._waiting:
                await self._more.wait()
            callback, argument, is_error_hook, wanted = self._waiting.popleft()
            self._less.notify()
            if wanted is not None and not wanted(callback):
                continue
            self._is_running = True
            await self._call(callback, argument, is_error_hook=is_error_hook)
            self._is_running = False
            self._less.notify()

    async def _call(self, callback: Callback, argument: object, *, is_error_hook: bool) -> None:
        try:
            result = callback(argument)
            if inspect.isawaitable(result):
                await result
        except Exception as error:
            log.exception("%s failed", where(callback))
            if not is_error_hook:
                self._failed(error)
