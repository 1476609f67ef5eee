"""A broker in this process: for several applications in one test, with the faults of a real one."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from threading import Lock, get_ident
from typing import Final

import anyio
import anyio.lowlevel
from typing_extensions import override

from bytesocket_app.buckets import Buckets
from bytesocket_app.engines.interface import TokenRequest, confirmed
from bytesocket_app.engines.reconnecting import ReconnectingEngine
from bytesocket_app.errors import EngineError
from bytesocket_app.event_loop import caller_from_threads


class MemoryBroker:
    """Broker that the engines of one process share, in any of its threads.

    `stop` and `start` are its kill and restart.

    Args:
        name: Its name for people.

    Attributes:
        is_running: True unless it was stopped.
        connections: How many connections were made.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.is_running = True
        self.connections = 0
        self.engines: list[MemoryEngine] = []
        self._buckets: dict[tuple[float, int], Buckets] = {}
        self._lock = Lock()

    def stop(self) -> None:
        """Lose all connections, what was under way on them, and all buckets; take no new ones."""
        self.is_running = False
        with self._lock:
            self._buckets.clear()
        for engine in tuple(self.engines):
            engine.in_own_thread(partial(engine.reset, "the broker was stopped"))

    def start(self) -> None:
        """Take connections again."""
        self.is_running = True

    def take_tokens(self, requests: Sequence[TokenRequest], now: float) -> float:
        """Take tokens from all buckets or from none; see `RateEngine.take_tokens`."""
        with self._lock:
            asked = [(self._table(each), each.bucket, each.tokens) for each in requests]
            wait = max((table.wait(key, now, tokens) for table, key, tokens in asked), default=0.0)
            if not wait:
                for table, key, tokens in asked:
                    table.take(key, now, tokens)
            return wait

    def _table(self, request: TokenRequest) -> Buckets:
        kind = request.per_second, request.burst
        if kind not in self._buckets:
            self._buckets[kind] = Buckets(*kind)
        return self._buckets[kind]

    def spread(self, channel: str, payload: bytes) -> None:
        """Give a message to all who subscribe to its channel."""
        for engine in tuple(self.engines):
            engine.in_own_thread(partial(engine.take, channel, payload))


class MemoryEngine(ReconnectingEngine):
    """Engine on a broker in this process.

    Messages are delivered by a task of its own, as from a broker of another process.

    Args:
        broker: The broker.
    """

    is_ordered = True

    def __init__(self, broker: MemoryBroker) -> None:
        super().__init__(f"memory://{broker.name}")
        self._broker = broker
        self._wanted: set[str] = set()
        self._inbox: deque[tuple[str, bytes]] = deque()
        self._owed = 0
        self._wake = anyio.Event()
        self._is_cut = False
        self._reason = ""
        self._thread = 0
        self._call: Callable[[Callable[[], object]], None] | None = None

    def in_own_thread(self, function: Callable[[], object]) -> None:
        """Call a function in the thread of the engine's event loop, at once if it is this one."""
        if self._call is None or self._thread == get_ident():
            function()
        else:
            self._call(function)

    def publish(self, channel: str, payload: bytes, /) -> None:
        """Send to all who subscribe to a channel; only while up."""
        if self._is_up:
            self._owed += 1
            self._wake.set()
            self._broker.spread(channel, payload)

    def subscribe(self, channels: Sequence[str], /) -> Awaitable[None]:
        """Want channels from now on; confirmed at once."""
        self._wanted.update(channels)
        return confirmed()

    def unsubscribe(self, channels: Sequence[str], /) -> None:
        """Want channels no more."""
        self._wanted.difference_update(channels)

    async def take_tokens(self, requests: Sequence[TokenRequest], now: float, /) -> float:
        """Take tokens from buckets of all processes, at the caller's time; answers at once."""
        if not self._is_up or self._is_cut:
            raise EngineError("there is no connection to the broker")
        return self._broker.take_tokens(requests, now)

    def reset(self, reason: str, /) -> None:
        """Lose the connection, with what was under way on it."""
        if self._is_up:
            self._is_cut, self._reason = True, reason
            self._inbox.clear()
            self._owed = 0
            self._wake.set()

    def take(self, channel: str, payload: bytes) -> None:
        """Take a message from the broker."""
        if self._is_up and not self._is_cut and channel in self._wanted:
            self._inbox.append((channel, payload))
            self._wake.set()

    @override
    async def _live(self) -> str:
        broker = self._broker
        await anyio.lowlevel.checkpoint()
        if not broker.is_running:
            return "the broker was stopped"
        self._is_cut = False
        self._thread, self._call = get_ident(), caller_from_threads()
        broker.connections += 1
        broker.engines.append(self)
        try:
            self._opened()
            while not self._is_cut:
                if not self._inbox and not self._owed:
                    self._wake = anyio.Event()
                    await self._wake.wait()
                self._deliver()
                await anyio.lowlevel.checkpoint()
        finally:
            broker.engines.remove(self)
            self._inbox.clear()
            self._owed = 0
        return self._reason

    def _deliver(self) -> None:
        listener = self._listener
        assert listener is not None  # noqa: S101 - it runs
        while self._inbox:
            listener.received(*self._inbox.popleft())
        owed, self._owed = self._owed, 0
        if owed:
            listener.acknowledged(owed)


BROKERS: Final[dict[str, MemoryBroker]] = {}
"""Brokers of this process by their names, as in `memory://NAME`."""


def broker_of(name: str) -> MemoryBroker:
    """Return the broker of a name, the same for all applications of this process."""
    return BROKERS.setdefault(name, MemoryBroker(name))
