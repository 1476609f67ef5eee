"""One encoded message, on its way to one socket or to thousands."""

from collections.abc import Hashable
from typing import Final

# RFC 6455 section 5.2: the first byte of a frame that is a whole message, or a control frame.
FINAL_TEXT: Final = 0x81
FINAL_BINARY: Final = 0x82
FINAL_CLOSE: Final = 0x88
FINAL_PING: Final = 0x89
FINAL_PONG: Final = 0x8A

_SHORT: Final = 125
_MEDIUM: Final = 65535
_TEXT_HEADS: Final = tuple(bytes((FINAL_TEXT, size)) for size in range(_SHORT + 1))
_BINARY_HEADS: Final = tuple(bytes((FINAL_BINARY, size)) for size in range(_SHORT + 1))


class Frame:
    """An encoded message. It is made once per codec, however many sockets it goes to.

    Attributes:
        payload: UTF-8 JSON text, or MessagePack.
        is_binary: Which of the two, and so which opcode.
        wire: The payload framed as a server sends it, once `framed` was asked for it.
        decoded: The payload as text, once `text` was asked for it.
        size: Length of `payload` in bytes.
        slot: What it is the newest of, if it may be lost: a slow reader is spared those before it
            in its slot. None for a frame that must arrive.
    """

    __slots__ = ("decoded", "is_binary", "payload", "size", "slot", "wire")

    def __init__(self, payload: bytes, is_binary: bool, slot: Hashable | None = None) -> None:  # noqa: FBT001
        self.payload = payload
        self.size = len(payload)
        self.is_binary = is_binary
        self.slot = slot
        self.wire: bytes | None = None
        self.decoded: str | None = None

    @property
    def text(self) -> str:
        """The payload as text, decoded once for all members of a fan-out."""
        if self.decoded is None:
            self.decoded = self.payload.decode()
        return self.decoded

    def framed(self) -> bytes:
        """Frame the payload as a server sends it, and keep that in `wire` for the next member."""
        payload = self.payload
        size = len(payload)
        if size <= _SHORT:
            wire = (_BINARY_HEADS if self.is_binary else _TEXT_HEADS)[size] + payload
        else:
            wire = framed(FINAL_BINARY if self.is_binary else FINAL_TEXT, payload)
        self.wire = wire
        return wire


def framed(first: int, payload: bytes) -> bytes:
    """Make one unmasked WebSocket frame (RFC 6455 section 5.2) that begins with this byte."""
    size = len(payload)
    if size <= _SHORT:
        return bytes((first, size)) + payload
    if size <= _MEDIUM:
        return bytes((first, 126)) + size.to_bytes(2) + payload
    return bytes((first, 127)) + size.to_bytes(8) + payload


PONG = Frame(b"", is_binary=True)
"""The empty binary frame: a ping, or the answer to one (protocol.md section 1)."""
