"""Many connections in one thread, over epoll: the load generator's engine."""

import select
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from tests.benchmarks.peer import LoadError, Peer

HOST: Final = "127.0.0.1"
DEADLINE: Final = 60.0
"""Seconds that anything may take: opening the connections, one round of messages."""

_AT_ONCE = 64  # connections opened at a time: fewer than any server's backlog
_BUFFER = 1 << 16
_PER_ADDRESS = 20_000  # connections from one source address: it has some 28,000 ports
_KEY = "AAECAwQFBgcICQoLDA0ODw=="  # the answer to it is not looked at


@dataclass(frozen=True, slots=True)
class Greeting:
    """How a connection begins.

    Attributes:
        path: Where the socket is served.
        frames: Sent after the upgrade.
        answers: Messages to wait for before the connection counts as open.
    """

    path: str
    frames: tuple[bytes, ...] = ()
    answers: int = 0


class Crowd:
    """Connections to one server, all of one kind. `with Crowd(...) as crowd:` opens them.

    Args:
        port: Of the server, on loopback.
        size: How many.
        greet: How the connection of this number begins.
        frames: What the connection of this number sends, in turn.
    """

    def __init__(
        self,
        port: int,
        size: int,
        *,
        greet: Callable[[int], Greeting],
        frames: Callable[[int], Sequence[bytes]],
    ) -> None:
        self._port = port
        self._size = size
        self._greet = greet
        self._frames = frames
        self._epoll = select.epoll()
        self._by_descriptor: dict[int, Peer] = {}
        self._buffer = bytearray(_BUFFER)
        self.peers: list[Peer] = []

    def __enter__(self) -> Self:
        """Open the connections, some at a time; raises LoadError."""
        try:
            while len(self.peers) < self._size:
                self._open(min(_AT_ONCE, self._size - len(self.peers)))
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Drop the connections."""
        self.close()

    def close(self) -> None:
        """Drop the connections without a word."""
        self._epoll.close()
        for peer in self.peers:
            peer.close()

    def arrivals(self, seconds: float = 0.1) -> Iterator[tuple[Peer, int]]:
        """Wait at most so long for something to come; give each peer with its messages' number."""
        buffer = self._buffer
        by_descriptor = self._by_descriptor
        for descriptor, _ in self._epoll.poll(seconds, 512):
            peer = by_descriptor[descriptor]
            yield peer, peer.read(buffer)

    def _open(self, number: int) -> None:
        first = len(self.peers)
        fresh = {self._dial(first + index): self._greet(first + index) for index in range(number)}
        outstanding = {peer: greeting.answers for peer, greeting in fresh.items()}
        greeted: set[Peer] = set()
        deadline = time.monotonic() + DEADLINE
        while outstanding:
            if time.monotonic() > deadline:
                raise LoadError(f"{len(outstanding)} of {number} connections did not open")
            for peer, found in self.arrivals():
                if peer not in fresh:
                    continue
                outstanding[peer] = outstanding.get(peer, 0) - found
                if peer.upgraded and peer not in greeted:
                    greeted.add(peer)
                    for frame in fresh[peer].frames:
                        peer.send(frame)
                if peer.upgraded and outstanding[peer] <= 0:
                    del outstanding[peer]

    def _dial(self, number: int) -> Peer:
        source = f"127.0.0.{2 + number // _PER_ADDRESS}"
        connection = socket.create_connection((HOST, self._port), DEADLINE, (source, 0))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(
            f"GET {self._greet(number).path} HTTP/1.1\r\nHost: {HOST}:{self._port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {_KEY}\r\n\r\n".encode()
        )
        connection.setblocking(False)
        peer = Peer(connection, self._frames(number))
        self.peers.append(peer)
        self._by_descriptor[peer.fileno()] = peer
        self._epoll.register(peer, select.EPOLLIN)
        return peer
