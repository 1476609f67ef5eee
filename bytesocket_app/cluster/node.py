"""One process of the cluster: its link to the broker, and what the nodes say to each other.

A link is *down*, *settling* or *up*. When it comes back, a node asks the others whether they are
back too, and waits for them for a short while before it sends what waited: what is sent earlier is
heard by nobody. Meanwhile it takes from each what that one sent while it was away itself.
"""

import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from typing import Any, Final, Protocol

import anyio
from anyio.abc import TaskGroup

from bytesocket_app.cluster.channels import NODES, RETURNED, node_channel, prefix
from bytesocket_app.cluster.envelope import Envelope, EnvelopeCodec
from bytesocket_app.cluster.metrics import ClusterCounters
from bytesocket_app.cluster.outgoing import NodeOutgoing
from bytesocket_app.cluster.peers import OtherNode, OtherNodes
from bytesocket_app.cluster.rates import SharedRates
from bytesocket_app.cluster.receipt import Receipt
from bytesocket_app.engines import Engine
from bytesocket_app.errors import EngineRefused
from bytesocket_app.types import Outcome

logger = logging.getLogger("bytesocket")

SETTLE: Final = 0.3
"""Seconds to wait for the other nodes before what waited is sent; who is later asks for it."""

PATIENCE: Final = 1.0
"""Seconds to wait for what a node said while this one was away."""

BEAT: Final = 1.0
"""Seconds between two signs of life."""

STILL: Final = 2 * BEAT
"""Seconds between two signs of life after which it was this process that stood still."""

DEAF: Final = 5.0
"""Seconds without our own sign of life, which comes back to us, after which the link is none."""

AGAIN: Final = 1.0
"""Seconds until a broker that would not have us is asked again."""

FOREIGN: Final = 60.0
"""Seconds between two lines of the log about foreign messages."""

LEAVE: Final = 0.5
"""Seconds to wait for the broker at the end."""

FORGET: Final = 60.0
"""Seconds after which a publisher that says nothing is forgotten, as it gives no signs of life."""

TAIL_BYTES: Final = 512 * 1024
"""Bytes of one message with what a node missed; NATS takes 1 MiB."""


class NodeState(Enum):
    """State of the link to the broker."""

    DOWN = "down"
    SETTLING = "settling"
    UP = "up"


class Kind:
    """Kinds of messages between nodes, from `PUBLICATION` on of those that nodes pass on."""

    HERE_ASKED = 0
    HERE = 1
    BEAT = 2
    BYE = 3
    TAIL_ASKED = 4
    """`[seconds]`, as the node that asks was cut off for so long."""
    TAIL = 5
    """`[[[channel, envelope], ...], True if it is the last one]`."""
    PUBLICATION = 16
    """What members get; see `bytesocket_app.delivery.elsewhere`."""
    COMMAND = 17
    """What sockets do: close, join, leave; see `bytesocket_app.delivery.commands`."""
    ASKED = 18
    """Question about a room; see `bytesocket_app.delivery.asking`."""
    ANSWER = 19


class NodeListener(Protocol):
    """Taker of what other nodes send."""

    def arrived(self, node: bytes, channel: str, body: list[Any]) -> bool:
        """Take a message; returns False for one that cannot be understood."""
        ...

    def gone(self, node: bytes) -> None:
        """Take note that a node is gone."""
        ...


class Node:
    """This process among the others.

    Args:
        engine: Carries the messages.
        namespace: What the application's channels are told apart by.
        receiver: Given what other nodes publish.
        clock: Returns the time in seconds.
        messages, size: Messages, and their bytes, that may wait for a connection; 0 for no limit.
        secret: Key of the messages' HMAC, the same for all nodes; None for none.
        is_publisher: True for one that only publishes: the others do not count it, do not wait for
            it, and it takes no messages of theirs.

    Attributes:
        id: 8 random bytes.
        state: State of the link.
        counters: Count what becomes of messages.
        peers: The other nodes.
        publishers: Those that only publish, as far as they said something lately.
        down_since: When the link was lost, or the node began; None while it is up or settling.
        round_trip: Seconds from the last sign of life to its return; 0 before the first.
        settled_in: Seconds from the last connection to `UP`; 0 before the first.
        reason: Why there is no link; empty while there is one.
        rates: Rates that all nodes share.
        returned: Called with own messages that come back on channels of presence; None for nobody.
    """

    def __init__(  # noqa: PLR0913 - most by keyword
        self,
        engine: Engine,
        namespace: str,
        receiver: NodeListener,
        *,
        clock: Callable[[], float] = anyio.current_time,
        messages: int = 1000,
        size: int = 1024 * 1024,
        secret: bytes | None = None,
        is_publisher: bool = False,
    ) -> None:
        self.id = os.urandom(8)
        self.state = NodeState.DOWN
        self.counters = ClusterCounters()
        self.peers = OtherNodes()
        self.publishers = OtherNodes(FORGET)
        self.down_since: float | None = None
        self.round_trip = self.settled_in = 0.0
        self.reason = "not connected yet"
        self._engine = engine
        self._receiver = receiver
        self._clock = clock
        self._is_publisher = is_publisher
        self._codec = EnvelopeCodec(self.id, secret, is_publishers=is_publisher)
        self._outgoing = NodeOutgoing(
            engine, self._codec, self.counters, clock, messages=messages, size=size
        )
        self._prefix = prefix(namespace)
        self.rates = SharedRates(engine, self._prefix, self.counters)
        self._nodes = self._prefix + NODES
        self._returning = self._prefix + RETURNED
        self.returned: Callable[[list[Any]], None] | None = None
        self._own = self._prefix + node_channel(self.id)
        self._echoes = self._own if is_publisher else self._nodes
        self._wanted: set[str] = {self._nodes, self._own}
        self._tasks: TaskGroup | None = None
        self._back = anyio.Event()
        self._progress: anyio.Event | None = None  # made by who waits: each message tells of some
        self._echoed_at = self._heard_at = self._up_at = self._beat_at = 0.0
        self._told_at = -FOREIGN
        self._was_up = False

    @property
    def waiting(self) -> tuple[int, int]:
        """Messages that wait for the broker, and their bytes."""
        return self._outgoing.waiting

    @property
    def channels(self) -> int:
        """Channels that this node hears."""
        return len(self._wanted)

    def publish(
        self,
        channel: str,
        body: list[Any],
        *,
        volatile: bool = False,
        receipt: Receipt | None = None,
    ) -> Outcome:
        """Send a message to all nodes that subscribe to a channel; never waits.

        Args:
            channel: The channel, without the application's prefix.
            body: Plain data, the first of which is its kind, at least `Kind.PUBLICATION`.
            volatile: True if it is worth nothing later.
            receipt: Told what the broker says about it.

        Returns:
            "sent"; "queued" while there is no link; "dropped" if it is volatile then, or if as
            much as may waits already.
        """
        return self._outgoing.publish(
            self._prefix + channel, body, volatile=volatile, receipt=receipt
        )

    def tell(self, node: bytes, body: list[Any]) -> None:
        """Send a message to one node, or drop it while there is no link."""
        if self.state is not NodeState.DOWN:
            self._outgoing.tell(self._prefix + node_channel(node), body)

    def tell_all(self, body: list[Any]) -> None:
        """Send a message to all nodes, or drop it while there is no link."""
        if self.state is not NodeState.DOWN:
            self._outgoing.tell(self._nodes, body)

    def subscribe(self, channels: Sequence[str]) -> Awaitable[None]:
        """Hear channels from now on; returns what ends when the broker confirmed, or is lost."""
        names = [self._prefix + channel for channel in channels]
        self._wanted.update(names)
        return self._engine.subscribe(names)

    def unsubscribe(self, channels: Sequence[str]) -> None:
        """Hear channels no more."""
        names = [self._prefix + channel for channel in channels]
        self._wanted.difference_update(names)
        self.peers.forget(names)
        self.publishers.forget(names)
        self._engine.unsubscribe(names)

    async def run(self) -> None:
        """Hold the link, until cancelled.

        Raises:
            EngineRefused: The broker would not have this application at the first time.
        """
        self.down_since = self._clock()
        _ = self._engine.subscribe([self._nodes, self._own])
        async with anyio.create_task_group() as self._tasks:
            self._tasks.start_soon(self._beat)
            try:
                await self._connect()
            finally:
                self._tasks.cancel_scope.cancel()

    async def _connect(self) -> None:
        while True:
            try:
                await self._engine.run(self)
            except EngineRefused as error:
                if not self._was_up:
                    raise
                logger.error("%s", error)  # noqa: TRY400 - it is said in full
            await anyio.sleep(AGAIN)

    async def wait_up(self) -> None:
        """Wait until the link is up."""
        while self.state is not NodeState.UP:
            await self._progressed()

    async def wait_peer(self) -> None:
        """Wait until another node is known."""
        while not self.peers:
            await self._progressed()

    async def leave(self) -> None:
        """Tell the others that this node ends; waits a short while until the broker has it all."""
        self.tell_all([Kind.BYE])
        with anyio.move_on_after(LEAVE):
            while self.state is NodeState.UP and not self._outgoing.is_idle:
                await self._progressed()

    def _tell_progress(self) -> None:
        """Wake all who wait for the link, or for the broker."""
        if self._progress is not None:
            self._progress.set()
            self._progress = None

    async def _progressed(self) -> None:
        """Wait for news of the link, or of the broker."""
        if self._progress is None:
            self._progress = anyio.Event()
        await self._progress.wait()

    # What the engine tells.

    def up(self) -> None:
        """Ask the other nodes whether they are back."""
        now = self._clock()
        self.state, self.reason = NodeState.SETTLING, ""
        self.down_since = None
        self.rates.is_up = True
        self.counters.connections += 1
        self._was_up = True
        self._echoed_at = self._up_at = now
        self._heard_at = self._heard_at or now
        self.peers.reconnected(now)
        self.publishers.reconnected(now)
        self._outgoing.tell(self._nodes, [Kind.HERE_ASKED])
        if self._tasks is not None:
            self._tasks.start_soon(self._settle, self.counters.connections)
            self._tasks.start_soon(self._settle_publishers, self.counters.connections)

    def down(self, reason: str) -> None:
        """Keep what is published from now on."""
        self.state, self.reason = NodeState.DOWN, reason
        self.down_since = self._clock()
        self.rates.is_up = False
        self._outgoing.lost()
        self.peers.lost(self._heard_at)
        self.publishers.lost(self._heard_at)

    def acknowledged(self, count: int) -> None:
        """Take note of what the broker has."""
        self._outgoing.acknowledged(count)
        self._tell_progress()

    def refused(self, reason: str) -> None:
        """Take note of what the broker would not take."""
        logger.error("the broker refused a message: %s", reason)
        self._outgoing.refused(reason)
        self._tell_progress()

    def received(self, channel: str, payload: bytes) -> None:
        """Take a message."""
        if self._codec.is_own(payload):
            if channel == self._echoes:
                self._echoed(payload)
            elif channel.startswith(self._returning):
                self._came_back(payload)
            return
        envelope = self._codec.read(payload)
        if envelope is None:
            self._foreign()
            return
        is_message = envelope.body[0] >= Kind.PUBLICATION
        if self._is_publisher and (is_message or envelope.is_publishers):
            return  # it takes none, and waits for nobody without sockets
        now = self._clock()
        peers = self.publishers if envelope.is_publishers else self.peers
        peer = peers.heard(envelope.node, now)
        if peer is None:
            self._foreign()
            return
        self._heard_at = now
        if not is_message:
            self._control(peer, envelope)
            self._tell_progress()
        elif peer.held is None:
            self._take(peer, channel, envelope)
        else:
            peer.held.append((channel, envelope))

    def _echoed(self, payload: bytes) -> None:
        """Take note that the broker gave this node's own message back."""
        self._echoed_at = self._heard_at = self._clock()
        envelope = self._codec.read(payload)
        if envelope is not None and envelope.body[0] == Kind.BEAT:
            self.round_trip = self._echoed_at - self._beat_at

    def _came_back(self, payload: bytes) -> None:
        """Pass on an own message, which may come twice, where its place among others counts."""
        envelope = None if self.returned is None else self._codec.read(payload)
        if envelope is not None and self.returned is not None:
            self.returned(envelope.body)

    def _take(self, peer: OtherNode, channel: str, envelope: Envelope) -> None:
        """Pass a message on, unless it came before or is wanted no more."""
        if channel not in self._wanted:
            return
        if envelope.count:
            lost = peer.missing_before(channel, envelope)
            if lost is None:
                self.counters.doubles += 1
                return
            self.counters.lost += lost
        self.counters.received += 1
        name = channel.removeprefix(self._prefix)
        try:
            if not self._receiver.arrived(envelope.node, name, envelope.body):
                self._foreign()
        except Exception:  # the link outlives it
            logger.exception("a message of another process could not be delivered")

    def _foreign(self) -> None:
        self.counters.foreign += 1
        now = self._clock()
        if now - self._told_at >= FOREIGN:
            self._told_at = now
            logger.warning(
                "a message on the channels %s* is none of ours: it has no secret or another one, "
                "is of another version, or comes from another program",
                self._prefix,
            )

    # What the nodes say to each other.

    def _control(self, peer: OtherNode, envelope: Envelope) -> None:
        body = envelope.body
        match body:
            case [Kind.HERE_ASKED]:
                if self._is_publisher or envelope.is_publishers:
                    self.tell(peer.node, [Kind.HERE])
                else:
                    self.tell_all([Kind.HERE])
                self._returned(peer)
            case [Kind.HERE] | [Kind.BEAT]:
                self._returned(peer)
            case [Kind.TAIL_ASKED, float(seconds)]:
                self._tell_tail(peer.node, seconds)
            case [Kind.TAIL, list(), bool()]:
                self._take_tail(peer, body[1], is_last=body[2])
            case [Kind.BYE] if envelope.is_publishers:
                self._release(peer)
                peer.left_at = peer.heard_at
            case [Kind.BYE]:
                self._remove(peer)
            case _:
                self._foreign()

    def _returned(self, peer: OtherNode) -> None:
        """Ask a node that is back for what we missed of it."""
        if peer.is_back or self.state is NodeState.DOWN:
            return  # it is asked again when the link is up
        peer.is_back = True
        self._back.set()
        if self._is_publisher:
            peer.missed_since = None
            self._release(peer)
        elif peer.missed_since is not None:
            if peer.held is None:
                peer.held = []
            missed = self._clock() - peer.missed_since
            self.tell(peer.node, [Kind.TAIL_ASKED, missed])
            if self._tasks is not None:
                self._tasks.start_soon(self._give_up, peer, peer.held)

    async def _give_up(self, peer: OtherNode, held: list[tuple[str, Envelope]]) -> None:
        """Wait no longer for what a node said while we were away."""
        await anyio.sleep(PATIENCE)
        if peer.held is held:
            self._release(peer)

    def _remove(self, peer: OtherNode, *, is_silent: bool = False) -> None:
        """Take note that a node is gone, or seems to be; what it said before is passed on."""
        self._release(peer)
        self.peers.remove(peer, is_silent=is_silent)
        self._receiver.gone(peer.node)

    def _tell_tail(self, node: bytes, missed: float) -> None:
        """Send a node what this one said while that was cut off; what waits goes out by itself."""
        some, size = list[Any](), 0
        for channel, data in self._outgoing.tail(missed):
            if size + len(data) > TAIL_BYTES and some:
                self.tell(node, [Kind.TAIL, some, False])
                some, size = [], 0
            some.append([channel, data])
            size += len(data)
        self.tell(node, [Kind.TAIL, some, True])

    def _take_tail(self, peer: OtherNode, messages: list[Any], *, is_last: bool) -> None:
        for message in messages:
            match message:
                case [str(channel), bytes(data)]:
                    envelope = self._codec.read(data)
                    if envelope is None or envelope.node != peer.node:
                        self._foreign()
                    else:
                        self._take(peer, channel, envelope)
                case _:
                    self._foreign()
        if is_last:
            peer.missed_since = None
            self._release(peer)

    def _release(self, peer: OtherNode) -> None:
        """Pass on what a node said since we are back: what it said before is here now."""
        held, peer.held = peer.held, None
        self._back.set()
        for channel, envelope in held or ():
            self._take(peer, channel, envelope)

    async def _settle(self, connection: int) -> None:
        """Wait until the others are back, then send what waited, in order."""
        with anyio.move_on_after(SETTLE):
            while not self.peers.are_back or any(peer.held is not None for peer in self.peers):
                self._back = anyio.Event()
                await self._back.wait()
        if self.state is not NodeState.SETTLING or self.counters.connections != connection:
            return  # it was lost again
        self.peers.settled()  # who is not back yet is asked then for what it said meanwhile
        self.state = NodeState.UP
        self.settled_in = self._clock() - self._up_at
        self._tell_progress()
        self._outgoing.is_open = True
        self._outgoing.send_waiting()

    async def _settle_publishers(self, connection: int) -> None:
        """Wait no longer for publishers: those that did not answer are gone."""
        await anyio.sleep(PATIENCE)
        if self.state is not NodeState.DOWN and self.counters.connections == connection:
            for peer in self.publishers:
                self._release(peer)
            self.publishers.settled()

    async def _beat(self) -> None:
        now = self._clock()
        while True:
            before = now
            await anyio.sleep(BEAT)
            now = self._clock()
            if self.state is NodeState.DOWN:
                continue
            if now - before > STILL:  # what others said meanwhile is still to be read
                self._echoed_at = now
                self.peers.reconnected(now)
                self.publishers.reconnected(now)
            self._beat_at = now
            self._outgoing.tell(self._echoes, [Kind.BEAT])
            for peer in self.peers.silent(now):
                self._remove(peer, is_silent=True)
            for peer in self.publishers.silent(now):
                self.publishers.remove(peer)
            if now - self._echoed_at > DEAF:
                self._echoed_at = now
                self._engine.reset("nothing comes back from the broker")
