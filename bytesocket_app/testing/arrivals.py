"""What came for a test client, kept until somebody waits for it."""

from collections import deque
from collections.abc import Callable
from typing import Any

from anyio import Lock, move_on_after

from bytesocket_app.errors import Disconnected
from bytesocket_app.testing.log import FrameLog, NothingCame
from bytesocket_app.transports.memory import MemoryTransport
from bytesocket_app.wire import decode


class Arrivals:
    """The messages that came over one connection; each is for one wait.

    Args:
        transport: The connection.
        log: Where frames are noted.
        deadline: Seconds that a wait may take unless told otherwise.
    """

    def __init__(self, transport: MemoryTransport, log: FrameLog, deadline: float) -> None:
        self._transport = transport
        self._log = log
        self._deadline = deadline
        self._waiting: deque[Any] = deque()
        self._taking = Lock()
        self._taken = 0

    async def wait(self, what: str, wanted: Callable[[Any], bool], timeout: float | None) -> Any:
        """Wait for a message that is wanted; others are kept.

        Raises:
            NothingCame: It did not come in time.
            Disconnected: The connection ended first.
        """
        seconds = self._deadline if timeout is None else timeout
        with move_on_after(seconds):
            while True:
                for index, message in enumerate(self._waiting):
                    if wanted(message):
                        del self._waiting[index]
                        return message
                await self._more(what)
        raise NothingCame(f"{what} did not come within {seconds:g} s. The frames:\n{self._log}")

    async def _more(self, what: str) -> None:
        """Wait until there is another message to look at; several waits may do so at once."""
        taken = self._taken
        async with self._taking:
            if taken == self._taken:
                self._waiting.append(await self._next(what))
                self._taken += 1

    async def _next(self, what: str) -> Any:
        frame = await self._transport.take()
        if frame is None:
            code, reason = self._transport.closed or (1006, "")
            self._log.closed(code, reason)
            raise Disconnected(
                f"closed with {code} {reason!r} before {what} came. The frames:\n{self._log}"
            )
        message = decode(frame.payload, frame.is_binary, max_depth=200) if frame.size else b""
        self._log.received(message)
        return message
