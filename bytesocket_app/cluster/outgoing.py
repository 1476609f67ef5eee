"""Outgoing messages of a node: in order, through outages, and never twice for nothing.

Three queues in a row: messages that wait for a connection, messages that the broker has not
acknowledged, and what it acknowledged a short while ago. When the connection is lost, all that may
not have reached everybody goes back to the front of the first queue: what was not acknowledged, and
what was in the last half second, as it may have died in the broker's own buffers.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from bytesocket_app.cluster.envelope import EnvelopeCodec, again
from bytesocket_app.cluster.metrics import ClusterCounters
from bytesocket_app.cluster.receipt import Receipt
from bytesocket_app.engines import Engine
from bytesocket_app.types import Outcome

TAIL: Final = 0.5
"""Seconds after its acknowledgement in which a message may still be lost with the broker."""

KEPT: Final = 5.0
"""Seconds for which acknowledged messages are kept for a node that was cut off."""

KEPT_MESSAGES: Final = 10_000
KEPT_BYTES: Final = 4 * 1024 * 1024
"""Messages, and their bytes, that are kept for longer than `TAIL`."""

WINDOW: Final = 1024 * 1024
"""Bytes that may be on their way to the broker while messages that waited are sent."""

CHANNELS: Final = 100_000
"""Channels whose messages are counted; the one that was quiet for longest is forgotten."""


@dataclass(frozen=True, slots=True)
class _Message:
    """Message for a channel; `data` is None for one between nodes, which is not sent again."""

    channel: str
    data: bytes | None
    is_new: bool = True
    receipt: Receipt | None = None

    @property
    def is_withdrawn(self) -> bool:
        """True if nobody wants it to be sent any more."""
        return self.receipt is not None and self.receipt.is_withdrawn


class NodeOutgoing:
    """The outgoing side of a node.

    Args:
        engine: Carries the messages.
        codec: Writes them.
        counters: Count what becomes of them.
        clock: Returns the time in seconds.
        messages, size: Messages, and their bytes, that may wait for a connection; 0 for no limit.

    Attributes:
        is_open: True while messages may be handed to the engine.
    """

    def __init__(
        self,
        engine: Engine,
        codec: EnvelopeCodec,
        counters: ClusterCounters,
        clock: Callable[[], float],
        *,
        messages: int,
        size: int,
    ) -> None:
        self._engine = engine
        self._codec = codec
        self._counters = counters
        self._clock = clock
        self._messages = messages
        self._size = size
        self._count = 0
        self._nths: dict[str, int] = {}  # the one used last is the last
        self._waiting: deque[_Message] = deque()
        self._unsent = 0
        self._unsent_bytes = 0
        self._unacknowledged: deque[_Message] = deque()
        self._unacknowledged_bytes = 0
        self._kept: deque[tuple[float, _Message]] = deque()
        self._kept_bytes = 0
        self.is_open = False

    @property
    def waiting(self) -> tuple[int, int]:
        """Messages that wait for a connection for the first time, and their bytes."""
        return self._unsent, self._unsent_bytes

    @property
    def is_idle(self) -> bool:
        """True if the broker has all that was handed to it, and nothing waits."""
        return not self._waiting and not self._unacknowledged

    def publish(
        self, channel: str, body: list[Any], *, volatile: bool, receipt: Receipt | None = None
    ) -> Outcome:
        """Send a message now or later, or drop it."""
        if self.is_open and not self._waiting:
            message = self._message(channel, body, receipt)
            self._counters.sent += 1
            self._hand_over(message)
            return "sent"
        if volatile:
            self._counters.dropped_volatile += 1
            return "dropped"
        is_full = 0 < self._messages <= self._unsent or 0 < self._size <= self._unsent_bytes
        if is_full:
            self._counters.dropped_full += 1
            return "dropped"
        self._counters.queued += 1
        self._wait(self._message(channel, body, receipt))
        return "queued"

    def tell(self, channel: str, body: list[Any]) -> None:
        """Send a message between nodes, which is not counted; nothing while there is no link."""
        self._unacknowledged.append(_Message(channel, None))
        self._engine.publish(channel, self._codec.write(body))

    def _message(self, channel: str, body: list[Any], receipt: Receipt | None) -> _Message:
        """Number a message; what is dropped takes no number."""
        if receipt is not None:
            receipt.expect()
        self._count += 1
        nth = self._nths[channel] = self._nths.pop(channel, 0) + 1
        if len(self._nths) > CHANNELS:
            del self._nths[next(iter(self._nths))]
        data = self._codec.write(body, self._count, nth)
        return _Message(channel, data, receipt=receipt)

    def _wait(self, message: _Message) -> None:
        self._waiting.append(message)
        self._unsent += 1
        self._unsent_bytes += len(message.data or b"")

    def _hand_over(self, message: _Message) -> None:
        data = message.data
        assert data is not None  # noqa: S101 - those between nodes are told
        self._unacknowledged.append(message)
        self._unacknowledged_bytes += len(data)
        self._engine.publish(message.channel, data if message.is_new else again(data))

    def acknowledged(self, count: int) -> None:
        """Take note that the broker has the oldest `count` messages."""
        now = self._clock()
        for _ in range(count):
            message = self._unacknowledged.popleft()
            if message.receipt is not None:
                message.receipt.taken()
            if message.data is not None:
                self._unacknowledged_bytes -= len(message.data)
                self._kept.append((now, message))
                self._kept_bytes += len(message.data)
        self._forget(now)
        if self._waiting:
            self.send_waiting()

    def refused(self, reason: str) -> None:
        """Take note that the broker will not take the oldest message."""
        message = self._unacknowledged.popleft()
        if message.receipt is not None:
            message.receipt.refused(reason)
        if message.data is not None:
            self._unacknowledged_bytes -= len(message.data)
        self._counters.refused += 1
        if self._waiting:
            self.send_waiting()

    def _forget(self, now: float) -> None:
        """Forget what was acknowledged long ago, and sooner what is much."""
        kept = self._kept
        while kept:
            age = now - kept[0][0]
            is_much = len(kept) > KEPT_MESSAGES or self._kept_bytes > KEPT_BYTES
            if age <= TAIL or (age <= KEPT and not is_much):
                return
            self._kept_bytes -= len(kept.popleft()[1].data or b"")

    def lost(self) -> None:
        """Take note of the connection's loss: what may not have arrived will be sent again."""
        self.is_open = False
        since = self._clock() - TAIL
        resent = [replace(message, receipt=None) for at, message in self._kept if at >= since]
        resent += [message for message in self._unacknowledged if message.data is not None]
        for message in reversed(resent):
            self._waiting.appendleft(replace(message, is_new=False))
        self._unacknowledged.clear()
        self._unacknowledged_bytes = 0

    def send_waiting(self) -> None:
        """Send what waits, as fast as the broker acknowledges it."""
        if not self.is_open:
            return
        while self._waiting and self._unacknowledged_bytes < WINDOW:
            message = self._waiting.popleft()
            if message.is_new:
                self._unsent -= 1
                self._unsent_bytes -= len(message.data or b"")
            if not message.is_withdrawn:
                self._hand_over(message)

    def tail(self, seconds: float) -> list[tuple[str, bytes]]:
        """Return what was sent in the last seconds and a little before, oldest first."""
        since = self._clock() - seconds - TAIL
        found = [message for at, message in self._kept if at >= since]
        found += self._unacknowledged
        return [(message.channel, message.data) for message in found if message.data is not None]
