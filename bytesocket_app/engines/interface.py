"""The narrow interface between the cluster and whatever carries bytes between processes.

An engine knows channels and bytes, and nothing of rooms, sockets or events. It owns one connection
to a broker, gets it back for as long as it runs, and restores its subscriptions before it says that
it is up. What makes delivery whole through failures is written once above it, in
`bytesocket_app.cluster`: the buffer of an outage, the order, doubles, and what was lost.

`bytesocket_app.testing.check_engine` tries whether an engine keeps these promises.
"""

from collections.abc import Awaitable, Generator, Sequence
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

import anyio
from typing_extensions import override

MAX_UNSENT: Final = 8 * 1024 * 1024
"""Bytes that may wait to be sent to a broker; with more its connection counts as lost."""


class EngineListener(Protocol):
    """Listener that an engine tells of all: synchronous, quick, and it never raises.

    It is called in the event loop's thread, by `Engine.run`'s tasks.
    """

    def up(self) -> None:
        """Take note of a connection on which all wanted channels are subscribed and confirmed."""
        ...

    def down(self, reason: str) -> None:
        """Take note of the connection's loss; told once for each `up`."""
        ...

    def received(self, channel: str, payload: bytes) -> None:
        """Take a message of a subscribed channel, in the order in which each node published."""
        ...

    def acknowledged(self, count: int) -> None:
        """Take note that the broker has the oldest `count` messages of this connection."""
        ...

    def refused(self, reason: str) -> None:
        """Take note that the broker will not take the oldest message of this connection."""
        ...


class Engine(Protocol):
    """Carrier of bytes between the processes of an application.

    Promises that the cluster builds on:

    - `up` is told once all wanted channels are subscribed on the new connection.
    - Messages that one process publishes on one channel arrive in that order.
    - Nothing is kept from one connection for the next: what was not acknowledged when `down` is
      told may have arrived or not, and is never sent by the engine again.
    - A broker that is silent for 3 s counts as lost. Connecting begins at once after a loss, and is
      tried again after 0.05 to 0.15 s, for ever.
    - All processes get the messages of a channel, their own too, in one order, if the engine says
      so by an attribute `is_ordered = True`; hooks of presence run exactly once then.
    - No buffer grows without a bound: with more than `MAX_UNSENT` bytes unsent the connection
      counts as lost.
    """

    async def run(self, listener: EngineListener, /) -> None:
        """Connect, and stay connected, until cancelled.

        Raises:
            EngineRefused: The broker will not have us.
        """
        ...

    def publish(self, channel: str, payload: bytes, /) -> None:
        """Send to all who subscribe to a channel, this process too; only while up, never waits."""
        ...

    def subscribe(self, channels: Sequence[str], /) -> Awaitable[None]:
        """Want channels from now on; returns what ends when the broker confirmed, or is lost."""
        ...

    def unsubscribe(self, channels: Sequence[str], /) -> None:
        """Want channels no more; messages that are under way may still arrive."""
        ...

    def reset(self, reason: str, /) -> None:
        """Drop the connection, which looks alive and is not, and make a new one."""
        ...


class TokenRequest(NamedTuple):
    """Tokens to take from one bucket, which gets so many a second and begins full.

    Who wants more than a bucket ever holds needs a full one, which is then in debt.

    Attributes:
        bucket: The bucket's name; letters, digits, `-`, `_`, `~`, `%` and dots.
        tokens: How many to take, at least 1.
        per_second: Tokens that the bucket gets in a second.
        burst: Most tokens that it holds.
    """

    bucket: str
    tokens: int
    per_second: float
    burst: int


@runtime_checkable
class RateEngine(Engine, Protocol):
    """Engine that counts for all processes how often something may come.

    An engine need not: without this method each process counts by itself. What it promises:

    - Of all processes together no more tokens are taken than the buckets hold and get.
    - Tokens are taken from all buckets of a call, or from none.
    - A bucket that is full again leaves nothing behind.
    """

    async def take_tokens(self, requests: Sequence[TokenRequest], now: float, /) -> float:
        """Take tokens from buckets of all processes; waits for the broker.

        The caller waits no longer than 0.25 s, and cancels it then, or at any time.

        Args:
            requests: The buckets, each once.
            now: This process's clock in seconds, for an engine that reaches nobody else; a broker
                has a clock of its own.

        Returns:
            0 if they were taken, else the seconds until they could be if nobody else takes any.

        Raises:
            EngineError: There is no connection, or the broker will not do it.
        """
        ...


class Confirmation(Awaitable[None]):
    """Confirmation of a subscription: may be awaited any number of times, or never."""

    def __init__(self) -> None:
        self._event: anyio.Event | None = None
        self._is_over = False

    def end(self) -> None:
        """Wake all who wait: the broker confirmed, or it is lost."""
        self._is_over = True
        if self._event is not None:
            self._event.set()

    @override
    def __await__(self) -> Generator[Any, Any, None]:
        if self._is_over:
            return
        if self._event is None:
            self._event = anyio.Event()
        yield from self._event.wait().__await__()


def confirmed() -> Confirmation:
    """Return a confirmation that nobody waits for."""
    confirmation = Confirmation()
    confirmation.end()
    return confirmation
