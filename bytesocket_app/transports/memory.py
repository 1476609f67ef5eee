"""Two ends in one process: what `TestClient` talks over."""

from collections import deque
from collections.abc import Collection
from typing import Self

from anyio import Event

from bytesocket_app.transports.interface import Receiver
from bytesocket_app.transports.outbox import Outbox
from bytesocket_app.transports.suspension import OnSuspend
from bytesocket_app.wire.frame import Frame


class MemoryTransport:
    """A connection whose peer takes frames from `outbox` and closes as soon as it is asked.

    Attributes:
        outbox: What the core sent and the peer did not take yet.
        closed: The close code and reason, once the connection is over.
        started: Set once the core runs the connection, as far as it gets without waiting.
    """

    def __init__(self) -> None:
        self.outbox = Outbox()
        self.closed: tuple[int, str] | None = None
        self._receiver: Receiver | None = None
        self.started = Event()
        self._sent = Event()
        self._parked: Event | None = None
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
    def buffered(self) -> int:
        """Bytes the peer has not taken yet."""
        return self.outbox.size

    def write(self, frame: Frame) -> int:
        """Give the peer a frame."""
        if self.closed is None:
            self.outbox.append(frame)
            self._sent.set()
        return self.outbox.size

    @classmethod
    def write_many(
        cls, links: Collection[Self], frame: Frame, *, skip: Self | None = None
    ) -> list[Self]:
        """Give each peer a frame."""
        return [link for link in links if link is not skip and link.write(frame)]

    def drop_oldest(self, *, volatile: bool = False) -> int:
        """Throw away one frame that the peer did not take."""
        return self.outbox.drop_oldest(volatile=volatile)

    def close(self, code: int, reason: str) -> None:
        """End the connection; the peer agrees at once."""
        self.end(code, reason)

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

    def resume(self) -> None:
        """Let the peer send again."""
        while self._resumed:
            self._resumed.popleft().set()

    def cork(self) -> None:
        """Nothing to hold: the peer sees a frame when it looks."""

    def flush(self) -> None:
        """Nothing was held."""

    async def run(self, receiver: Receiver) -> None:
        """Run the core's end."""
        await OnSuspend(receiver.run(), self.started.set)
        self.started.set()

    async def park(self) -> None:
        """Wait until the peer sends or ends the connection."""
        self._parked = Event()
        await self._parked.wait()

    def wake(self) -> None:
        """Let the connection's task go on."""
        if self._parked is not None:
            self._parked.set()
            self._parked = None

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
