"""Decoder for MessagePack as TypeScript peers write it, with bundled strings among other things.

Source: protocol.md sections 8.2 to 8.5. Every length is checked against the remaining bytes before
memory is allocated for it, and only DecodeError is raised. `msgpack_codec` reads frames that need
none of this in C.

Lists and maps count as levels of nesting. References and bundle headers do not, as neither can be
nested: a reference holds one integer, and a bundle header never follows another. So a message has
the same depth as in JSON.
"""

import struct
from collections.abc import Callable
from typing import Final, TypeAlias

from bytesocket_app.errors import DecodeError
from bytesocket_app.wire.bundle import Bundle
from bytesocket_app.wire.codec import UNLIMITED, too_many
from bytesocket_app.wire.cursor import FIXSTR, STRINGS, Cursor
from bytesocket_app.wire.javascript import from_float32, from_float64, member_name
from bytesocket_app.wire.more_types import (
    BIG_INTEGER,
    MARKS,
    TYPED_ARRAY,
    TypedArray,
    read_big_integer,
)
from bytesocket_app.wire.timestamp import read_timestamp

_F64: Final = struct.Struct(">d").unpack_from

# First bytes, named as in the MessagePack specification.
_FIXINT_END: Final = 0x80
_NIL: Final = 0xC0
_REFERENCE: Final = 0xC1
_BIN8: Final = 0xC4
_EXT8: Final = 0xC7
_EXT16: Final = 0xC8
_FLOAT32: Final = 0xCA
_FLOAT64: Final = 0xCB
_UINT8: Final = 0xCC
_FIXEXT1: Final = 0xD4
_FIXEXT4: Final = 0xD6
_ARRAY16: Final = 0xDC
_MAP16: Final = 0xDE
_NEGATIVE: Final = 0xE0
_EXTENSIONS: Final = frozenset({*range(_EXT8, _FLOAT32), *range(_FIXEXT1, 0xD9)})
_LISTS: Final = frozenset({*range(0x90, 0xA0), _ARRAY16, _ARRAY16 + 1})

# Types of extensions.
_UNDEFINED: Final = 0
_BUNDLE: Final = 0x62
_TIMESTAMP: Final = 0xFF

_COUNTS: Final = frozenset({*range(0x80), *range(0xE0, 0x100), 0xCC, 0xCD, 0xCE, 0xD0, 0xD1, 0xD2})
"""First bytes of the integers allowed in references: all but the 64-bit forms."""
_NAMES: Final = _COUNTS | {_NIL, 0xC2, 0xC3, _FLOAT32, _FLOAT64, 0xCF, 0xD3}
"""First bytes of the values other than text that can name a member."""


def decode_dialect(payload: bytes, *, max_depth: int, max_elements: int = UNLIMITED) -> object:
    """Decode the value of a binary frame, with bundled strings or without.

    Args:
        payload: The whole frame.
        max_depth: Largest nesting of lists and maps. The interpreter's recursion limit may refuse
            less, from some 400 levels on.
        max_elements: Largest number of members of all lists and maps together, where an empty one
            counts as one.

    Returns:
        Plain Python values: undefined and the invalid date are None, other dates aware and cut
        to microseconds, lone surrogates U+FFFD. The last of several members of one name wins.

    Raises:
        DecodeError: The frame does not hold exactly one value, or one nested too deep or with too
            many elements.
    """
    try:
        return _Reader(payload, max_depth, max_elements).frame()
    except (IndexError, struct.error) as error:
        raise DecodeError("the frame ends in the middle of a value") from error
    except UnicodeDecodeError as error:
        raise DecodeError(f"the frame holds text that is not UTF-8: {error.reason}") from error
    except RecursionError as error:
        raise DecodeError("the frame is nested too deep to be read") from error


class _Reader(Cursor):
    """A cursor with its nesting depth, its elements, and the bundle that is open."""

    __slots__ = ("bundle", "depth", "elements", "max_depth", "max_elements")

    def __init__(self, data: bytes, max_depth: int, max_elements: int) -> None:
        super().__init__(data)
        self.depth = 0
        self.max_depth = max_depth
        self.elements = 0
        self.max_elements = max_elements
        self.bundle: Bundle | None = None

    def frame(self) -> object:
        """Read the value, and check that the frame holds nothing else but its strings."""
        value = self.value()
        body_end = self.bundle.start if self.bundle else self.size
        if self.position != body_end:
            raise self.refusal(f"the value should end at byte {body_end} and does not")
        if self.bundle and self.bundle.end != self.size:
            raise DecodeError(f"{self.size - self.bundle.end} bytes are left over after the frame")
        return value

    def value(self) -> object:
        """Read the value at the current position."""
        position = self.position
        token = self.data[position]
        self.position = position + 1
        if token < _FIXINT_END:
            return token
        if token >= _NEGATIVE:
            return token - 0x100
        return _READERS[token](self, token)

    def enter(self, count: int, width: int) -> None:
        """Enter a list or map that needs at least `count * width` bytes."""
        if count * width > self.size - self.position:
            raise self.refusal(f"{count} items are declared, more than the frame has room for")
        self.depth += 1
        if self.depth > self.max_depth:
            raise self.refusal(f"the message is nested more than {self.max_depth} levels deep")
        self.elements += count or 1
        if self.elements > self.max_elements:
            raise too_many(self.max_elements)

    def items(self, count: int) -> list[object]:
        """Read the items of a list."""
        self.enter(count, 1)
        items = [self.value() for _ in range(count)]
        self.depth -= 1
        return items

    def members(self, count: int) -> dict[str, object]:
        """Read the members of a map."""
        self.enter(count, 2)
        members: dict[str, object] = {}
        data = self.data
        for _ in range(count):
            if data[self.position] == _REFERENCE:  # nearly every name of a real peer
                self.position += 1
                name = self.reference()
            else:
                name = self.name()
            members[name] = self.value()
        self.depth -= 1
        return members

    def name(self) -> str:
        """Read a map's key, as the text to which JavaScript converts it."""
        token = self.data[self.position]
        if token in _NAMES:
            return member_name(self.value())
        self.position += 1
        if token in FIXSTR:
            return self.text(token & 0x1F)
        if token in STRINGS:
            return self.text(self.string_length(token))
        if token == _REFERENCE:
            return self.reference()
        if token in _EXTENSIONS:
            length, code = self.extension_head(token)
            if code == _BUNDLE:
                self.bundle_header(token, length)
                return self.name()
            if code == _UNDEFINED:
                self.piece(length)
                return "undefined"
        raise self.refusal("a member's name is a list, a map, bytes, or an extension")

    def reference(self) -> str:
        """Read a reference's length, and take that many UTF-16 units from the bundle."""
        if self.bundle is None:
            raise self.refusal("a reference to bundled text, and no bundle is open")
        token = self.data[self.position]
        if token < _FIXINT_END:
            self.position += 1
            return self.bundle.take(token)
        count = self.value() if token in _COUNTS else None
        if not isinstance(count, int):
            raise self.refusal("a reference's length is not an integer")
        return self.bundle.take(count)

    def bundle_header(self, token: int, size: int) -> None:
        """Read the rest of a bundle header, after its type, up to the value that it precedes."""
        field = self.position
        start = field + self.number(2)
        body = field + 4
        if token == _FIXEXT4 and self.bundle is None:
            earliest = body
        elif token == _EXT16 and self.bundle is not None and self.bundle.start == body:
            # The strings so far are in this header. The packer cuts its size to 16 bits.
            body = earliest = self.bundle.end
            if (body - field) & 0xFFFF != size:
                raise self.refusal("a bundle header's size is not that of its strings")
        else:
            raise self.refusal("a bundle header where none can be")
        if start < earliest:
            raise self.refusal("a bundle header points backwards")
        self.bundle = Bundle(self, start)
        self.position = body
        if self.data[body] == _EXT16 and self.data[body + 3] == _BUNDLE:
            raise self.refusal("a bundle header right after another")

    def extension_head(self, token: int) -> tuple[int, int]:
        """Read the length of an extension's data, and its type."""
        length = 1 << token - _FIXEXT1 if token >= _FIXEXT1 else self.number(token - _EXT8)
        return length, self.number(0)

    def extension(self, token: int) -> object:
        """Read a value of its own, or a header or mark and the value that follows it."""
        length, code = self.extension_head(token)
        if code == _BUNDLE:
            self.bundle_header(token, length)
            return self.value()
        data = self.piece(length)
        if code == _UNDEFINED:
            return None
        if code == _TIMESTAMP:
            return read_timestamp(data)
        if code in MARKS:
            return self.marked()
        if code == TYPED_ARRAY:
            return self.typed_array(data)
        if code == BIG_INTEGER:
            return read_big_integer(data)
        raise self.refusal(f"an extension of the unknown type {code:#04x}")

    def marked(self) -> object:
        """Read the list behind a mark; nothing else may be there, so that marks cannot nest."""
        if self.data[self.position] not in _LISTS:
            raise self.refusal("a set, an error or a regular expression that is no list")
        return self.value()

    def typed_array(self, data: bytes) -> object:
        """Read bytes, or a list of numbers, which counts as any other."""
        array = TypedArray(data)
        if array.count is not None:
            self.enter(array.count, 0)
            self.depth -= 1
        return array.value()

    def float32(self) -> float:
        """Read a float32, as the short decimal number that it was made from."""
        raw = self.piece(4)
        return from_float32(struct.unpack(">f", raw)[0], int.from_bytes(raw[:2], "big") >> 7 & 0xFF)


_Read: TypeAlias = Callable[[_Reader, int], object]


def _reads(read: _Read) -> _Read:
    """Return the function unchanged: gives a lambda its type."""
    return read


def _fixed(form: str) -> _Read:
    """Return a reader of numbers of one `struct` format."""
    layout = struct.Struct(form)
    unpack, size = layout.unpack_from, layout.size

    def read(reader: _Reader, _: int) -> object:
        position = reader.position
        reader.position = position + size
        return unpack(reader.data, position)[0]

    return read


def _table() -> tuple[_Read, ...]:
    """Return the reader for each first byte. `_Reader.value` itself reads one-byte integers."""
    table: list[_Read] = [_Reader.extension] * 0x100  # for all bytes not set below
    table[0x80:0x90] = [_reads(lambda reader, token: reader.members(token & 0x0F))] * 16
    table[0x90:0xA0] = [_reads(lambda reader, token: reader.items(token & 0x0F))] * 16
    for token in STRINGS:
        table[token] = lambda reader, token: reader.text(reader.string_length(token))
    for token in FIXSTR:
        table[token] = lambda reader, token: reader.text(token & 0x1F)
    table[_NIL] = lambda _reader, _token: None
    table[_REFERENCE] = lambda reader, _: reader.reference()
    table[0xC2] = lambda _reader, _token: False
    table[0xC3] = lambda _reader, _token: True
    for token in range(_BIN8, _BIN8 + 3):
        table[token] = lambda reader, token: reader.piece(reader.number(token - _BIN8))
    table[_FLOAT32] = lambda reader, _: reader.float32()
    table[_FLOAT64] = lambda reader, _: from_float64(_F64(reader.piece(8))[0])
    for token, form in enumerate(("B", ">H", ">I", ">Q", "b", ">h", ">i", ">q"), _UINT8):
        table[token] = _fixed(form)
    for token in (_ARRAY16, _ARRAY16 + 1):
        table[token] = lambda reader, token: reader.items(reader.number(token - _ARRAY16 + 1))
    for token in (_MAP16, _MAP16 + 1):
        table[token] = lambda reader, token: reader.members(reader.number(token - _MAP16 + 1))
    return tuple(table)


_READERS: Final = _table()
