"""Encoded messages, each shared by all sockets that it is sent to."""

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
    """An encoded message, made once per codec for any number of sockets.

    Attributes:
        payload: UTF-8 JSON text, or MessagePack.
        is_binary: True for MessagePack and the binary opcode, False for JSON and the text opcode.
        wire: The payload framed as a server sends it; None before the first call of `framed`.
        decoded: The payload as text; None before the first use of `text`.
        size: Length of `payload` in bytes.
        slot: Key of a volatile message: for a slow reader it replaces earlier messages of the same
            slot. None for a message that must arrive.
        is_awaited: True for an answer, and for what a task sends and awaits while the network is
            behind: for a slow reader it is dropped after everything else.
    """

    __slots__ = ("decoded", "is_awaited", "is_binary", "payload", "size", "slot", "wire")

    def __init__(self, payload: bytes, is_binary: bool, slot: Hashable | None = None) -> None:  # noqa: FBT001
        self.payload = payload
        self.size = len(payload)
        self.is_binary = is_binary
        self.slot = slot
        self.is_awaited = False
        self.wire: bytes | None = None
        self.decoded: str | None = None

    @property
    def text(self) -> str:
        """The payload as text, decoded once for all sockets."""
        if self.decoded is None:
            self.decoded = self.payload.decode()
        return self.decoded

    def framed(self) -> bytes:
        """Frame the payload as a server sends it, and keep the result in `wire`."""
        payload = self.payload
        size = len(payload)
        if size <= _SHORT:
            wire = (_BINARY_HEADS if self.is_binary else _TEXT_HEADS)[size] + payload
        else:
            wire = framed(FINAL_BINARY if self.is_binary else FINAL_TEXT, payload)
        self.wire = wire
        return wire


def framed(first: int, payload: bytes) -> bytes:
    """Return an unmasked WebSocket frame (RFC 6455 section 5.2) with the given first byte."""
    size = len(payload)
    if size <= _SHORT:
        return bytes((first, size)) + payload
    if size <= _MEDIUM:
        return bytes((first, 126)) + size.to_bytes(2) + payload
    return bytes((first, 127)) + size.to_bytes(8) + payload


PONG = Frame(b"", is_binary=True)
"""The empty binary frame, which is a ping or its answer (protocol.md section 1)."""
