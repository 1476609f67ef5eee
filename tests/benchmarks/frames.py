"""Frames as a client sends them (RFC 6455 section 5.2): masked, whole, made once and sent often."""

import struct

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
FINAL = 0x80
MASKED = 0x80
_MASK = b"\x5a\xa5\x3c\xc3"  # a client must mask; nobody says that it must be hard to guess here


def masked(payload: str | bytes, opcode: int | None = None) -> bytes:
    """Make a frame: a text frame of a string, a binary one of bytes, unless told otherwise."""
    if opcode is None:
        opcode = TEXT if isinstance(payload, str) else BINARY
    body = payload.encode() if isinstance(payload, str) else payload
    size = len(body)
    if size < 126:
        head = bytes((FINAL | opcode, MASKED | size))
    elif size < 1 << 16:
        head = struct.pack("!BBH", FINAL | opcode, MASKED | 126, size)
    else:
        head = struct.pack("!BBQ", FINAL | opcode, MASKED | 127, size)
    key = (_MASK * (size // 4 + 1))[:size]
    mixed = int.from_bytes(body) ^ int.from_bytes(key)
    return head + _MASK + mixed.to_bytes(size)
