"""Queue that runs listeners and hooks one after another, in a task of its own.

The task that reads the socket goes on meanwhile, so a listener may wait for a reply.
"""

import inspect
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import anyio

from bytesocket_app.client.signal import Signal
from bytesocket_app.errors import ByteSocketError, where
from bytesocket_app.event_loop import is_failure, is_stray

log = logging.getLogger("bytesocket.client")

Callback: TypeAlias = Callable[[Any], object]
"""Function of one argument, `async def` or `def`. An awaitable result is awaited, any other
ignored."""

OVERHEAD: Final = 1024
"""Bytes that a waiting call counts for, beside those of the message that it comes from."""

MOST: Final = 64 * 1024 * 1024
"""Bytes that waiting calls may count for where nobody says, as by `ClientSettings.event_bytes`."""


def never() -> bool:
    """Return False."""
    return False


class CallbackQueue:
    """A queue of calls, made one after another.

    Args:
        limit: Number of waiting calls from which on `room` waits.
        failed: Called with each exception that a callback raises, except those of error hooks. One
            that was cancelled by no scope of ours has failed.
        most: Bytes of the messages that the waiting calls come from, with `OVERHEAD` for each call:
            from half of it on `room` waits too.

    Attributes:
        message_bytes: Bytes of the message that the next calls come from.
        is_full: True if `room` waits.
        less: Signal that wakes those that wait in `room`.
    """

    def __init__(
        self, limit: int, failed: Callable[[BaseException], None], most: int = MOST
    ) -> None:
        self._limit = limit
        self._most = most
        self._half = most // 2
        self._failed = failed
        self._waiting: deque[tuple[Callback, Any, bool, int]] = deque()
        self._bytes = 0
        self._running: Callback | None = None
        self._is_finishing = False
        self._more = Signal()
        self.less = Signal()
        self.message_bytes = 0
        self.is_full = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_overfull(self) -> bool:
        """True if a call from the message is too much, even if something else must be read."""
        return self.is_full and self._bytes + self.message_bytes + OVERHEAD > self._most

    def post(self, callback: Callback, argument: object, *, is_error_hook: bool = False) -> None:
        """Queue a call; never waits. An exception of an error hook is logged and not reported."""
        size = self.message_bytes + OVERHEAD
        self._bytes += size
        self._waiting.append((callback, argument, is_error_hook, size))
        self.is_full = len(self._waiting) >= self._limit or self._bytes >= self._half
        self._more.notify()

    async def room(self, is_needed: Callable[[], bool] = never) -> None:
        """Wait until fewer calls than the limit are queued.

        Args:
            is_needed: Returns True if there must be no wait; asked again when `less` is notified.
        """
        while self.is_full and not is_needed():
            await self.less.wait()

    async def idle(self) -> None:
        """Wait until no call is queued or running."""
        while self._waiting or self._running is not None:
            await self.less.wait()

    def finish(self) -> None:
        """Let `run` end once no call is queued or running."""
        self._is_finishing = True
        self._more.notify()

    @property
    def _is_over(self) -> bool:
        return self._is_finishing and not self._waiting

    async def run(self) -> None:
        """Make the queued calls, until cancelled or finished."""
        while not self._is_over:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._run)
            # Only a callback that cancelled its own task gets here.
            if self._running is not None:
                self._report(self._running, ByteSocketError("it cancelled its own task"))
            self._running = None
            self.less.notify()

    async def _run(self) -> None:
        while True:
            while not self._waiting:
                if self._is_finishing:
                    return
                await self._more.wait()
            callback, argument, is_error_hook, size = self._waiting.popleft()
            self._bytes -= size
            if self.is_full:
                self.is_full = len(self._waiting) >= self._limit or self._bytes >= self._half
            self.less.notify()
            self._running = callback
            await self._call(callback, argument, is_error_hook=is_error_hook)
            self._running = None
            self.less.notify()

    async def _call(self, callback: Callback, argument: object, *, is_error_hook: bool) -> None:
        try:
            result = callback(argument)
            if inspect.isawaitable(result):
                await result
        except BaseException as error:
            if not is_failure(error):
                raise
            self._report(callback, error, is_error_hook=is_error_hook)

    def _report(
        self, callback: Callback, error: BaseException, *, is_error_hook: bool = False
    ) -> None:
        problem = "was cancelled by its own code" if is_stray(error) else "failed"
        log.error("%s %s", where(callback), problem, exc_info=error)
        if not is_error_hook:
            self._failed(error)
