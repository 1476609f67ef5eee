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


class Frame:
    """An encoded message. It is made once per codec, however many sockets it goes to.

    Attributes:
        payload: UTF-8 JSON text, or MessagePack.
        is_binary: Which of the two, and so which opcode.
        size: Length of `payload` in bytes.
        slot: What it is the newest of, if it may be lost: a slow reader is spared those before it
            in its slot. None for a frame that must arrive.
    """

    __slots__ = ("_text", "_wire", "is_binary", "payload", "size", "slot")

    def __init__(self, payload: bytes, *, is_binary: bool, slot: Hashable | None = None) -> None:
        self.payload = payload
        self.is_binary = is_binary
        self.size = len(payload)
        self.slot = slot
        self._text: str | None = None
        self._wire: bytes | None = None

    @property
    def text(self) -> str:
        """The payload as text, decoded once for all members of a fan-out."""
        if self._text is None:
            self._text = self.payload.decode()
        return self._text

    @property
    def wire(self) -> bytes:
        """The payload framed as a server sends it, made once for all members of a fan-out."""
        if self._wire is None:
            self._wire = framed(FINAL_BINARY if self.is_binary else FINAL_TEXT, self.payload)
        return self._wire


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
