"""In-memory transport between two ends in one process, as `TestClient` uses it."""

from collections import deque
from collections.abc import Callable

from anyio import Event
from typing_extensions import override

from bytesocket_app.event_loop import cancelled_itself
from bytesocket_app.transports.interface import Receiver, Transport
from bytesocket_app.transports.outbox import Outbox
from bytesocket_app.transports.suspension import OnSuspend
from bytesocket_app.wire.frame import Frame


class MemoryTransport(Transport):
    """Connection whose peer takes frames from `outbox` and answers a close at once.

    Attributes:
        outbox: Frames that the core sent and the peer did not take yet.
        closed: The close code and reason, once the connection is over.
        started: Set when the core's `run` first waits, or ends.
    """

    def __init__(self) -> None:
        self.outbox = Outbox(is_network=True)
        self.closed: tuple[int, str] | None = None
        self._receiver: Receiver | None = None
        self.started = Event()
        self._sent = Event()
        self._parked = None
        self._resumed: deque[Event] = deque()

    @property
    def receiver(self) -> Receiver | None:
        """The core's end, set after opening; it is told at once if the connection ended before."""
        return self._receiver

    @receiver.setter
    def receiver(self, receiver: Receiver) -> None:
        self._receiver = receiver
        if self.closed is not None:
            receiver.lost(*self.closed)

    @property
    @override
    def buffered(self) -> int:
        """Bytes the peer has not taken yet."""
        return self.outbox.size

    @property
    @override
    def overdue(self) -> int:
        """Bytes of `buffered` that have had a turn of the event loop to leave."""
        return self.outbox.overdue

    @property
    @override
    def departed(self) -> int:
        """Bytes that the peer has taken."""
        return self.outbox.departed

    @override
    def write(self, frame: Frame) -> int:
        """Give the peer a frame."""
        if self.closed is None:
            self.outbox.append(frame)
            self._sent.set()
        return self.outbox.waiting

    @override
    def notify_below(self, limit: int, callback: Callable[[], object]) -> None:
        """Call back once when at most `limit` bytes wait."""
        self.outbox.notify_below(limit, callback)

    @override
    def drop_oldest(self, *, volatile: bool = False) -> int:
        """Drop the oldest frame that the peer did not take."""
        return self.outbox.drop_oldest(volatile=volatile)

    @override
    def close(self, code: int, reason: str) -> None:
        """End the connection; the peer agrees at once."""
        self.end(code, reason)

    @override
    def abort(self) -> None:
        """End the connection as a network failure does."""
        self.end(1006, "")

    def end(self, code: int, reason: str) -> None:
        """End the connection from either side."""
        if self.closed is not None:
            return
        self.closed = (code, reason)
        self._sent.set()
        self.resume()
        if self.receiver is not None:
            self.receiver.lost(code, reason)

    @override
    def resume(self) -> None:
        """Let the peer send again."""
        while self._resumed:
            self._resumed.popleft().set()

    async def run(self, receiver: Receiver) -> None:
        """Run the core's end; a cancellation of it does not go beyond this call."""
        try:
            await OnSuspend(receiver.run(), self.started.set)
        except BaseException as error:
            if not cancelled_itself(error):
                raise
        finally:
            self.started.set()
            self.end(1006, "")

    async def take(self) -> Frame | None:
        """Wait for the next frame; None once the connection is over and all are taken."""
        while not len(self.outbox):
            if self.closed is not None:
                return None
            self._sent = Event()
            await self._sent.wait()
        return self.outbox.popleft()

    async def push(self, payload: bytes | str, *, is_binary: bool) -> None:
        """Send a message to the core; wait while the core has paused reading."""
        if self.receiver is None or self.closed is not None:
            return
        accepted = self.receiver.received(payload, is_binary)
        self.wake()
        if not accepted:
            resumed = Event()
            self._resumed.append(resumed)
            await resumed.wait()
