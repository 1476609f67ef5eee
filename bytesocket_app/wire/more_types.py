"""Values that `msgpackr` writes with its options `moreTypes` and `useBigIntExtension`.

They become what the same values are without those options, or lists of numbers: nothing is built
that could do harm, such as a pattern that a stranger wrote. Source: protocol.md section 8.2.
"""

import struct
from typing import Final

from bytesocket_app.errors import DecodeError

MARKS: Final = frozenset({0x65, 0x73, 0x78})
"""Types of extensions that stand before a list: of an error, a set, or a regular expression."""
TYPED_ARRAY: Final = 0x74
BIG_INTEGER: Final = 0x42

MAX_BIG_INTEGER: Final = 1024
"""Bytes of the longest integer: 8,192 bits, which Python writes as text without a limit raised."""

_FORMATS: Final = {0: "b", 3: "h", 4: "H", 5: "i", 6: "I", 7: "f", 8: "d", 9: "q", 10: "Q"}
"""Forms of `struct` for a number of an array, by the array's kind, from Int8Array on."""
_RAW: Final = frozenset({1, 2, 16, 17})
"""Kinds that are bytes: Uint8Array, Uint8ClampedArray, ArrayBuffer, DataView."""


class TypedArray:
    """The numbers of a typed array, or its bytes, not read yet.

    Attributes:
        count: How many numbers there are; None if they are bytes.

    Raises:
        DecodeError: The kind is unknown, or the data is no whole number of items.
    """

    __slots__ = ("_data", "_format", "count")

    def __init__(self, data: bytes) -> None:
        kind, self._data = (data[0], data[1:]) if data else (-1, b"")
        self.count: int | None = None
        self._format = _FORMATS.get(kind, "")
        if not self._format:
            if kind not in _RAW:
                raise DecodeError(f"a typed array of the unknown kind {kind}")
            return
        self.count, rest = divmod(len(self._data), struct.calcsize(self._format))
        if rest:
            raise DecodeError(f"a typed array whose last number is cut: {len(self._data)} bytes")

    def value(self) -> object:
        """Return the bytes, or a list of the numbers."""
        if self.count is None:
            return self._data
        # JavaScript writes the byte order of its machine, which is this one everywhere.
        return list(struct.unpack(f"<{self.count}{self._format}", self._data))


def read_big_integer(data: bytes) -> int:
    """Decode an integer of any length, in two's complement.

    Raises:
        DecodeError: There are no bytes, or more than `MAX_BIG_INTEGER`.
    """
    if not 0 < len(data) <= MAX_BIG_INTEGER:
        raise DecodeError(f"an integer of {len(data)} bytes: from 1 to {MAX_BIG_INTEGER} are read")
    return int.from_bytes(data, "big", signed=True)
