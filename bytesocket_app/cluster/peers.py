"""Other nodes, as far as this one has heard of them: what came, came twice, or never came."""

from collections.abc import Iterator, Sequence
from typing import Final

from bytesocket_app.cluster.envelope import Envelope

SILENCE: Final = 10.0
"""Seconds without a sign of life after which a node counts as gone."""

MOST: Final = 1024
"""Nodes at once; who floods the channels with made-up ones gets no further."""

OVERTAKEN: Final = 1.0
"""Seconds in which messages may come that the end of their node has overtaken, as on NATS."""


class OtherNode:
    """Another node.

    Attributes:
        node: Its id.
        heard_at: When it was heard last.
        is_back: False from our loss of the broker until it was heard again.
        missed_since: Since when we may have missed messages of it; None if we have them all.
        held: Its messages since our loss of the broker, until it told what we missed; None if they
            are passed on at once.
        sockets: Sockets that it has, as it said.
        left_at: When it said that it ends, of one whose last messages may come after that; or None.
    """

    __slots__ = (
        "_last",
        "heard_at",
        "held",
        "is_back",
        "left_at",
        "missed_since",
        "node",
        "sockets",
    )

    def __init__(self, node: bytes, now: float) -> None:
        self.node = node
        self.heard_at = now
        self.is_back = True
        self.missed_since: float | None = None
        self.held: list[tuple[str, Envelope]] | None = None
        self.sockets = 0
        self.left_at: float | None = None
        self._last: dict[str, tuple[int, int]] = {}

    def missing_before(self, channel: str, envelope: Envelope) -> int | None:
        """Take note of a message; returns how many before it never came, None for a double."""
        last = self._last.get(channel)
        if last is not None and envelope.count <= last[0]:
            return None
        self._last[channel] = envelope.count, envelope.nth
        if last is None or not envelope.nth:
            return 0
        return max(0, envelope.nth - last[1] - 1)

    def forget(self, channels: Sequence[str]) -> None:
        """Forget what came on channels that are subscribed to no more."""
        for channel in channels:
            self._last.pop(channel, None)


class OtherNodes:
    """The other nodes.

    Args:
        silence: Seconds without a sign of life after which one counts as gone.
    """

    def __init__(self, silence: float = SILENCE) -> None:
        self._silence = silence
        self._missed_since: float | None = None
        self._peers: dict[bytes, OtherNode] = {}
        self._silent: dict[bytes, OtherNode] = {}

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._peers)

    def __iter__(self) -> Iterator[OtherNode]:
        """Iterate over a copy."""
        return iter(tuple(self._peers.values()))

    def heard(self, node: bytes, now: float) -> OtherNode | None:
        """Return a node that gave a sign of life; None for one more than there may be."""
        peer = self._peers.get(node)
        if peer is None:
            if len(self._peers) >= MOST:
                return None
            peer = self._silent.pop(node) if node in self._silent else OtherNode(node, now)
            self._peers[node] = peer
            if self._missed_since is not None:
                self._miss(peer, self._missed_since)
        peer.heard_at = now
        return peer

    def remove(self, peer: OtherNode, *, is_silent: bool = False) -> None:
        """Take a node off the list.

        What came of one that was silent is remembered, as it may have stood still, and come back:
        it may send again what is here already.
        """
        self._peers.pop(peer.node, None)
        if is_silent:
            self._silent[peer.node] = peer
            if len(self._silent) > MOST:
                del self._silent[next(iter(self._silent))]

    def forget(self, channels: Sequence[str]) -> None:
        """Forget what came on channels that are subscribed to no more."""
        for peer in (*self._peers.values(), *self._silent.values()):
            peer.forget(channels)

    @property
    def are_back(self) -> bool:
        """True if all nodes were heard since the broker was lost."""
        return all(peer.is_back for peer in self._peers.values())

    def lost(self, since: float) -> None:
        """Take note that the broker was lost: others may have lost it too.

        What each says is held from here on, as channels are subscribed to before the link is up.
        """
        if self._missed_since is None:
            self._missed_since = since
        for peer in self._peers.values():
            self._miss(peer, since)

    def _miss(self, peer: OtherNode, since: float) -> None:
        """Hold what a node says until it told what we missed; of one that is new to us, too."""
        peer.is_back = False
        if peer.held is None:
            peer.held = []
        if peer.missed_since is None:
            peer.missed_since = since

    def settled(self) -> None:
        """Take note that nobody was missed who is heard of from now on."""
        self._missed_since = None

    def reconnected(self, now: float) -> None:
        """Give each time to be back."""
        for peer in self._peers.values():
            peer.heard_at = now

    def silent(self, now: float) -> list[OtherNode]:
        """Return those that were silent for too long, or have left."""
        return [
            peer
            for peer in self._peers.values()
            if now - peer.heard_at > self._silence
            or (peer.left_at is not None and now - peer.left_at > OVERTAKEN)
        ]
