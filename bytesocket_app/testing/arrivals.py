"""Messages received by a test client, each kept until a wait takes it."""

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from anyio import Lock, move_on_after

from bytesocket_app.errors import Disconnected
from bytesocket_app.testing.log import FrameLog, NothingCame
from bytesocket_app.wire import decode
from bytesocket_app.wire.frame import Frame


class PeersEnd(Protocol):
    """Peer's end of a connection, as far as what comes from it."""

    @property
    def closed(self) -> tuple[int, str] | None:
        """The close code and reason, once the connection is over."""
        ...

    async def take(self) -> Frame | None:
        """Wait for the next frame; None once the connection is over and all are taken."""
        ...


class Arrivals:
    """Messages received over one connection; each is given to one wait.

    Args:
        transport: The connection.
        log: Log that records received messages.
        deadline: Default timeout of a wait, in seconds.
        hint: Returns a sentence with a blank before it, for who waited in vain; or "".

    Attributes:
        is_running: True once the client is connected.
    """

    def __init__(
        self, transport: PeersEnd, log: FrameLog, deadline: float, hint: Callable[[], str]
    ) -> None:
        self._transport = transport
        self._log = log
        self._deadline = deadline
        self._hint = hint
        self._waiting: deque[Any] = deque()
        self._taking = Lock()
        self._taken = 0
        self.is_running = False

    def check_running(self) -> None:
        """Raise RuntimeError before the client is connected: nothing could come."""
        if not self.is_running:
            raise RuntimeError(
                "this client is not running: use it inside `async with TestClient(app) as client`"
            )

    async def wait(self, what: str, wanted: Callable[[Any], bool], timeout: float | None) -> Any:
        """Wait for the first message that `wanted` accepts; others are kept.

        Raises:
            NothingCame: No such message came in time.
            Disconnected: The connection ended first.
            RuntimeError: The client is not connected yet.
        """
        self.check_running()
        seconds = self._deadline if timeout is None else timeout
        with move_on_after(seconds):
            while True:
                for index, message in enumerate(self._waiting):
                    if wanted(message):
                        del self._waiting[index]
                        return message
                await self._more(what)
        raise NothingCame(
            f"{what} did not come within {seconds:g} s.{self._hint()} The frames:\n{self._log}"
        )

    async def _more(self, what: str) -> None:
        """Wait until one more message has been received; several waits may run at once."""
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
