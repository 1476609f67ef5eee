"""Two ends in one process: what `TestClient` talks over."""

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
    """A connection whose peer takes frames from `outbox` and closes as soon as it is asked.

    Attributes:
        outbox: What the core sent and the peer did not take yet.
        closed: The close code and reason, once the connection is over.
        started: Set once the core runs the connection, as far as it gets without waiting.
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
        """The core's end; set right after opening. It is told if the connection ended before."""
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
        """Bytes of them that the peer had a turn to take."""
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
        """Throw away one frame that the peer did not take."""
        return self.outbox.drop_oldest(volatile=volatile)

    @override
    def close(self, code: int, reason: str) -> None:
        """End the connection; the peer agrees at once."""
        self.end(code, reason)

    @override
    def abort(self) -> None:
        """End the connection as if it broke."""
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
        """Run the core's end; what ends that alone, ends here."""
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
        """Send a message to the core, waiting while it asks for a pause."""
        if self.receiver is None or self.closed is not None:
            return
        accepted = self.receiver.received(payload, is_binary)
        self.wake()
        if not accepted:
            resumed = Event()
            self._resumed.append(resumed)
            await resumed.wait()
