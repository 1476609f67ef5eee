"""One connection of the load generator: it counts what comes and understands none of it."""

import itertools
import socket
from collections.abc import Iterable

from tests.benchmarks.frames import CLOSE, FINAL, PING, PONG, masked

Chunk = bytes | bytearray


class LoadError(Exception):
    """The server did not do its part: it refused, closed, or stopped reading."""


class Peer:
    """A WebSocket client on a raw socket that does not block.

    Args:
        connection: Connected; the peer closes it.
        frames: What it sends, in turn and over and over.

    Attributes:
        upgraded: Whether the server's 101 came.
    """

    __slots__ = ("_connection", "_frames", "_rest", "upgraded")

    def __init__(self, connection: socket.socket, frames: Iterable[bytes]) -> None:
        self._connection = connection
        self._frames = itertools.cycle(frames)
        self._rest = b""
        self.upgraded = False

    def fileno(self) -> int:
        """The descriptor, for epoll."""
        return self._connection.fileno()

    def close(self) -> None:
        """Drop the connection."""
        self._connection.close()

    def send(self, data: bytes) -> None:
        """Send ready bytes; raises LoadError if the socket does not take them at once."""
        try:
            sent = self._connection.send(data)
        except OSError as error:
            raise LoadError(f"the server does not read: {error}") from error
        if sent != len(data):
            raise LoadError(f"the server does not read: {sent} of {len(data)} bytes sent")

    def send_next(self) -> None:
        """Send the next of the peer's frames."""
        self.send(next(self._frames))

    def read(self, buffer: bytearray) -> int:
        """Read what is there; return how many messages it completed.

        Args:
            buffer: To read into; its size bounds one read.

        Raises:
            LoadError: The connection ended, or the server did not upgrade it.
        """
        try:
            size = self._connection.recv_into(buffer)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise LoadError(f"the connection broke: {error}") from error
        if size == 0:
            raise LoadError("the server ended the connection without a close frame")
        data: Chunk = buffer
        if self._rest:
            data = self._rest + bytes(buffer[:size])
            size = len(data)
        at = 0 if self.upgraded else self._read_head(data, size)
        found = 0
        if self.upgraded:
            found, at = self._count(data, at, size)
        self._rest = bytes(data[at:size]) if at < size else b""
        return found

    def _read_head(self, data: Chunk, size: int) -> int:
        """Read the answer to the upgrade; return where it ends, 0 if it does not yet."""
        end = data.find(b"\r\n\r\n", 0, size)
        if end < 0:
            return 0
        status = bytes(data[: data.find(b"\r\n")]).decode("latin-1")
        if " 101 " not in status:
            raise LoadError(f"the server refused the connection: {status}")
        self.upgraded = True
        return end + 4

    def _count(self, data: Chunk, at: int, size: int) -> tuple[int, int]:
        """Count the messages from `at` on; return that, and where the unread rest begins."""
        found = 0
        while size - at >= 2:
            length = data[at + 1]
            start = at + 2
            if length >= 126:
                start += 2 if length == 126 else 8
                length = int.from_bytes(data[at + 2 : start])
            end = start + length
            if end > size:
                break
            opcode = data[at] & 0xF
            if opcode >= CLOSE:
                self._control(opcode, bytes(data[start:end]))
            elif data[at] & FINAL:
                found += 1
            at = end
        return found, at

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self.send(masked(payload, PONG))
        elif opcode == CLOSE:
            code, reason = int.from_bytes(payload[:2]), payload[2:].decode(errors="replace")
            raise LoadError(f"the server closed the connection: {code} {reason}")
