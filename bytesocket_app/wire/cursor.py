"""Cursor over a binary frame, which reads the parts of tokens: numbers, bytes and text."""

import struct
from typing import Final

from bytesocket_app.errors import DecodeError
from bytesocket_app.wire.javascript import without_lone_surrogates

_U16: Final = struct.Struct(">H").unpack_from
_U32: Final = struct.Struct(">I").unpack_from

_STR8: Final = 0xD9
FIXSTR: Final = range(0xA0, 0xC0)
"""First bytes of strings whose length is in that byte."""
STRINGS: Final = frozenset({*FIXSTR, _STR8, _STR8 + 1, _STR8 + 2})
"""First bytes of all ordinary strings."""


class Cursor:
    """Reads a frame from `position` on, never beyond its end.

    Methods raise IndexError or `struct.error` where the frame ends too early in a token's head,
    and DecodeError where it ends in what the head declares.
    """

    __slots__ = ("data", "position", "size")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)
        self.position = 0

    def refusal(self, what: str) -> DecodeError:
        """Return an error that names a problem and the current position."""
        return DecodeError(f"{what} (byte {self.position} of {self.size})")

    def number(self, power: int) -> int:
        """Read an unsigned number of `2 ** power` bytes: one, two, or four."""
        position = self.position
        self.position = position + (1 << power)
        if power == 0:
            return self.data[position]
        return int((_U16 if power == 1 else _U32)(self.data, position)[0])

    def piece(self, length: int) -> bytes:
        """Return the next `length` bytes; raises DecodeError if fewer are left."""
        start = self.position
        end = start + length
        if end > self.size:
            raise self.refusal(f"{length} bytes are declared and {self.size - start} are left")
        self.position = end
        return self.data[start:end]

    def string_length(self, token: int) -> int:
        """Read the length of an ordinary string whose first byte, `token`, was just read."""
        return token & 0x1F if token in FIXSTR else self.number(token - _STR8)

    def text(self, length: int) -> str:
        """Read the text of a string. Lone surrogates become U+FFFD.

        Raises:
            UnicodeDecodeError: The text is not UTF-8.
        """
        start = self.position
        self.position = end = start + length
        if end > self.size:
            raise self.refusal(f"a text of {length} bytes is declared")
        raw = self.data[start:end]
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return without_lone_surrogates(raw.decode("utf-8", "surrogatepass"))
