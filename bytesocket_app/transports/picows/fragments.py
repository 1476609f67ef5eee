"""Message that arrives in fragments (RFC 6455 section 5.4), within limits."""

from bytesocket_app.transports.picows.closing import ProtocolViolation
from bytesocket_app.wire.close import CloseCode


class FragmentBuffer:
    """Fragments of an unfinished message; empty ones count too.

    Args:
        is_binary: True if the first frame has the binary opcode.
        message_bytes: Greatest length of a message; 0 for no limit.
        fragments: Greatest number of fragments; 0 for no limit.

    Attributes:
        is_binary: As given.
    """

    __slots__ = ("_count", "_message_bytes", "_most", "_parts", "_size", "is_binary")

    def __init__(self, *, is_binary: bool, message_bytes: int, fragments: int) -> None:
        self.is_binary = is_binary
        self._message_bytes = message_bytes
        self._most = fragments
        self._parts: list[bytes] = []
        self._count = 0
        self._size = 0

    def add(self, payload: bytes) -> None:
        """Add a fragment.

        Raises:
            ProtocolViolation: The message is too long, or has too many fragments.
        """
        self._count += 1
        self._size += len(payload)
        if self._message_bytes and self._size > self._message_bytes:
            raise ProtocolViolation(CloseCode.TOO_BIG, "message too big")
        if self._most and self._count > self._most:
            raise ProtocolViolation(CloseCode.TOO_BIG, "too many fragments")
        if payload:
            self._parts.append(payload)

    def whole(self) -> bytes:
        """Return the message."""
        return b"".join(self._parts)
