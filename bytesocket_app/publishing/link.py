"""A publisher's link to its broker, inside one event loop."""

import os
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import anyio

from bytesocket_app.cluster import Node, NodeState
from bytesocket_app.cluster.receipt import Receipt
from bytesocket_app.engines import Engine, parse_engine
from bytesocket_app.engines.make import make_engine
from bytesocket_app.engines.url import VARIABLE
from bytesocket_app.errors import ConfigurationError, EngineError, EngineRefused, caller
from bytesocket_app.lifecycle.failures import leaf
from bytesocket_app.publishing.composing import Message, size_of

AGAIN: Final = 1.0
"""Seconds until a broker that would not have us is asked again."""

TOGETHER: Final = 256
"""Messages that are sent before the broker has to confirm them."""

TOGETHER_BYTES: Final = 512 * 1024
"""Bytes of such messages, but that one alone may have more."""


@dataclass(frozen=True)
class Broker:
    """A broker, and how a publisher speaks to it.

    Attributes:
        make: Makes an engine; called inside an event loop.
        shown: The broker for people, without a login.
        namespace: What the application's channels are told apart by.
        deadline: Seconds to wait for the broker.
        secret: Key of the messages' HMAC; None for none.
    """

    make: Callable[[], Engine]
    shown: str
    namespace: str
    deadline: float
    secret: bytes | None

    @classmethod
    def of(cls, engine: str | Callable[[], Engine], title: str, deadline: float) -> "Broker":
        """Read the arguments of a publisher.

        Raises:
            ConfigurationError: Says which one cannot be used, and what it should be.
        """
        engine = os.environ.get(VARIABLE) or engine
        try:
            _check(engine, title, deadline)
            if isinstance(engine, str):
                return cls.at(engine, title, deadline)
        except ConfigurationError as error:
            raise ConfigurationError(f"{caller()}: {error}") from None
        return cls(engine, "the broker", title, deadline, None)

    @classmethod
    def at(cls, url: str, title: str, deadline: float) -> "Broker":
        """Read a URL, whatever the environment says.

        Raises:
            ConfigurationError: It is no URL of an engine that a publisher can use.
        """
        address = parse_engine(url)
        if address.is_alone:
            raise ConfigurationError(
                "memory:// is one process alone, and a publisher in it would reach nobody: name "
                "the broker of the application, as in 'redis://localhost:6379'. For tests, both "
                "may have 'memory://NAME'."
            )
        make = partial(make_engine, address, "bytesocket-publisher")
        return cls(make, address.shown, address.namespace or title, deadline, address.secret)


def _check(engine: object, title: object, deadline: object) -> None:
    if not isinstance(engine, str) and not callable(engine):
        raise ConfigurationError(
            f"engine={engine!r} is neither a URL nor a function that makes an engine: a publisher "
            "makes one of its own in each process."
        )
    if not isinstance(title, str) or not title.strip():
        raise ConfigurationError(f"title={title!r} is not the title of the application, as 'Chat'.")
    if isinstance(deadline, bool) or not isinstance(deadline, int | float) or not deadline > 0:
        raise ConfigurationError(f"deadline={deadline!r} is no number of seconds, as 5.0.")


class _Deaf:
    """Receiver of a node that takes no messages."""

    def arrived(self, node: bytes, channel: str, body: list[Any]) -> bool:  # noqa: ARG002
        """Take no message."""
        return True

    def gone(self, node: bytes) -> None:
        """Take no note."""


class Link:
    """Link to a broker, through which messages are sent and confirmed.

    Args:
        broker: The broker.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._node = Node(
            broker.make(), broker.namespace, _Deaf(), secret=broker.secret, is_publisher=True
        )
        self._refusal: str | None = None
        self._waiting: set[anyio.CancelScope] = set()
        self._sending = 0
        self._idle = anyio.Event()

    async def serve(self) -> None:
        """Hold the link until cancelled; one that was refused is tried again."""
        while True:
            self._refusal = None
            try:
                await self._node.run()
            except Exception as error:
                refusal = leaf(error)
                if not isinstance(refusal, EngineRefused):
                    raise
                self._refusal = str(refusal)
                for scope in self._waiting:
                    scope.cancel()
            await anyio.sleep(AGAIN)

    async def send(self, messages: Sequence[Message]) -> None:
        """Send messages in their order, and wait until the broker has them.

        Cancelled, it leaves it open whether those arrive that had left already. No other is sent.

        Raises:
            EngineRefused: The broker will not have us.
            EngineError: The broker did not take all of them in time, or not at all.
        """
        self._sending += 1
        try:
            for some in _parts(messages):
                await self._send(some)
        finally:
            self._sending -= 1
            if not self._sending:
                self._idle.set()
                self._idle = anyio.Event()

    async def _send(self, messages: Sequence[Message]) -> None:
        deadline, receipt, is_sent = self._broker.deadline, Receipt(), False
        try:
            with anyio.move_on_after(deadline):
                await self._connected()
                is_sent = True
                self._publish(messages, receipt)
                await receipt.wait()
                if receipt.reason is not None:
                    raise EngineError(
                        f"{self._broker.shown} would not take what was published: {receipt.reason}"
                    )
                return
        finally:
            receipt.is_withdrawn = True
        reason = self._node.reason
        if not is_sent:
            raise EngineError(
                f"{self._broker.shown} could not be reached in {deadline:g} s: {reason}. Nothing "
                "was sent."
            )
        raise EngineError(
            f"{self._broker.shown} did not confirm in {deadline:g} s what was published: "
            f"{reason or 'it is silent'}. It may have arrived; it will not be sent again."
        )

    async def _connected(self) -> None:
        """Wait until the link is up; raises EngineRefused if it will not be."""
        if self._node.state is NodeState.UP:
            return
        if self._refusal is None:
            with anyio.CancelScope() as scope:
                self._waiting.add(scope)
                try:
                    await self._node.wait_up()
                finally:
                    self._waiting.discard(scope)
                return
        raise EngineRefused(self._refusal)

    def _publish(self, messages: Sequence[Message], receipt: Receipt) -> None:
        for channel, body in messages:
            if self._node.publish(channel, body, receipt=receipt) == "dropped":
                raise EngineError(
                    f"{self._broker.shown} is too slow: more waits for it already than may."
                )

    async def known(self, seconds: float) -> int:
        """Return how many processes the application has, after so many seconds if there is none."""
        with anyio.move_on_after(seconds):
            await self._node.wait_peer()
        return len(self._node.peers)

    async def leave(self) -> None:
        """Wait until what is being sent is sent or refused, and tell the others of the end."""
        while self._sending:
            await self._idle.wait()
        await self._node.leave()


@asynccontextmanager
async def linked(broker: Broker) -> AsyncGenerator[Link]:
    """Hold a link for the block, which may not raise."""
    link = Link(broker)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.serve)
        try:
            yield link
        finally:
            with anyio.CancelScope(shield=True):
                await link.leave()
            tasks.cancel_scope.cancel()


def _parts(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """Cut messages into parts that are not too large to be under way at once."""
    start = size = 0
    for index, (_, body) in enumerate(messages):
        own = size_of(body)
        if index > start and (index - start >= TOGETHER or size + own > TOGETHER_BYTES):
            yield messages[start:index]
            start, size = index, 0
        size += own
    if start < len(messages):
        yield messages[start:]
