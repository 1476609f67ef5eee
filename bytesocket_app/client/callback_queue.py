"""Runs listeners and hooks, one after another, away from the task that reads the socket.

A listener may therefore wait for a reply: the reader goes on and hands the reply over.
"""

import inspect
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

from bytesocket_app.client.signal import Signal

log = logging.getLogger("bytesocket.client")

Callback: TypeAlias = Callable[[Any], object]
"""Called with one argument; `async def` or `def`. What it returns is awaited or ignored."""


class CallbackQueue:
    """A queue of calls.

    Args:
        limit: How many calls may wait before `room` makes the reader wait.
        failed: Told about every exception that leaves a callback.
    """

    def __init__(self, limit: int, failed: Callable[[Exception], None]) -> None:
        self._limit = limit
        self._failed = failed
        self._waiting: deque[tuple[Callback, Any, bool]] = deque()
        self._is_running = False
        self._more = Signal()
        self._less = Signal()

    def post(self, callback: Callback, argument: object, *, is_error_hook: bool = False) -> None:
        """Have a callback called. An error hook's own exception is only logged."""
        self._waiting.append((callback, argument, is_error_hook))
        self._more.notify()

    async def room(self) -> None:
        """Wait until fewer calls than the limit are waiting."""
        while len(self._waiting) >= self._limit:
            await self._less.wait()

    async def idle(self) -> None:
        """Wait until nothing waits and nothing runs."""
        while self._waiting or self._is_running:
            await self._less.wait()

    async def run(self) -> None:
        """Make the calls, for ever."""
        while True:
            while not self._waiting:
                await self._more.wait()
            callback, argument, is_error_hook = self._waiting.popleft()
            self._less.notify()
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
            log.exception("%r failed", callback)
            if not is_error_hook:
                self._failed(error)
