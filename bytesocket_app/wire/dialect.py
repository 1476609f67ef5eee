"""Read MessagePack as the TypeScript peers write it: with bundled strings, among other things.

Source: protocol.md sections 8.2 to 8.5. It is the careful way: every length is checked against the
bytes that are left before anything is made of it, and nothing but DecodeError leaves here.
Frames that need none of this are read in C (`msgpack_codec`).

Lists and maps count as levels of nesting. A reference holds one integer and a bundle header never
follows another, so neither can be nested and neither costs a level: a message is as deep on this
wire as it is in JSON.
"""

import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from bytesocket_app.errors import DecodeError
from bytesocket_app.wire.bundle import BundledText
from bytesocket_app.wire.javascript import from_float32, from_float64, member_name
from bytesocket_app.wire.surrogates import without_lone_surrogates

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_U16: Final = struct.Struct(">H").unpack_from
_U32: Final = struct.Struct(">I").unpack_from
_F64: Final = struct.Struct(">d").unpack_from
_I64: Final = struct.Struct(">q").unpack_from

_FIXINT_END: Final = 0x80
_NEGATIVE: Final = 0xE0
_NIL: Final = 0xC0
_REFERENCE: Final = 0xC1
_BIN8: Final = 0xC4
_EXT8: Final = 0xC7
_FIXEXT1: Final = 0xD4
_STR8: Final = 0xD9
_ARRAY16: Final = 0xDC
_MAP16: Final = 0xDE
_FIXEXT4: Final = 0xD6
_EXT16: Final = 0xC8
_UNDEFINED: Final = 0
_BUNDLE: Final = 0x62
_TIMESTAMP: Final = 0xFF

_STRINGS: Final = frozenset({*range(0xA0, 0xC0), 0xD9, 0xDA, 0xDB})
_EXTENSIONS: Final = frozenset({0xC7, 0xC8, 0xC9, *range(0xD4, 0xD9)})
_LENGTHS: Final = frozenset(
    {*range(0x80), *range(0xE0, 0x100), 0xCC, 0xCD, 0xCE, *range(0xD0, 0xD3)}
)
"""Integers as references count in: all but the 64-bit forms."""
_NAMES: Final = _LENGTHS | {0xC0, 0xC2, 0xC3, 0xCA, 0xCB, 0xCF, 0xD3}
"""What else than text can name a member."""


def decode_dialect(payload: bytes, *, max_depth: int) -> object:
    """Read the one value of a binary frame, with bundled strings or without.

    Args:
        payload: The whole frame.
        max_depth: How many lists and maps may stand inside each other. Above some 400 it is the
            interpreter's recursion limit that refuses.

    Returns:
        Plain Python values: undefined and the invalid date are None, other dates aware and cut
        to microseconds, lone surrogates U+FFFD. The later of two members of one name wins.

    Raises:
        DecodeError: The frame is not one such value.
    """
    reader = _Reader(payload, max_depth)
    try:
        return reader.frame()
    except (IndexError, struct.error) as error:
        raise DecodeError("the frame ends in the middle of a value") from error
    except UnicodeDecodeError as error:
        raise DecodeError(f"the frame holds text that is not UTF-8: {error.reason}") from error
    except RecursionError as error:
        raise DecodeError("the frame is nested too deep for this stack") from error


class _Reader:
    """A place in a frame, and the bundle that is open there."""

    __slots__ = (
        "ascii_text",
        "bundle_end",
        "bundle_start",
        "data",
        "depth",
        "max_depth",
        "other_text",
        "position",
        "size",
    )

    def __init__(self, data: bytes, max_depth: int) -> None:
        self.data = data
        self.size = len(data)
        self.position = 0
        self.depth = 0
        self.max_depth = max_depth
        self.bundle_start = self.bundle_end = 0  # no bundle is open: none can start at 0
        self.ascii_text = self.other_text = BundledText(b"")

    def frame(self) -> object:
        """Read the value, and see that it and its strings are all there is."""
        value = self.value()
        if self.bundle_start == 0:
            self.bundle_start = self.bundle_end = self.size
        if self.position != self.bundle_start:
            raise self.refusal("the value ends before or after the place where it should")
        if self.bundle_end != self.size:
            raise DecodeError(f"{self.size - self.bundle_end} bytes are left over after the frame")
        return value

    def refusal(self, what: str) -> DecodeError:
        """Say what is wrong, and where."""
        return DecodeError(f"{what} (byte {self.position} of {self.size})")

    def value(self) -> object:
        """Read the value that begins here."""
        position = self.position
        token = self.data[position]
        self.position = position + 1
        if token < _FIXINT_END:
            return token
        if token >= _NEGATIVE:
            return token - 0x100
        return _READERS[token](self, token)

    def piece(self, length: int) -> bytes:
        """Cut out the next `length` bytes."""
        start = self.position
        end = start + length
        if end > self.size:
            raise self.refusal(f"{length} bytes are declared and {self.size - start} are left")
        self.position = end
        return self.data[start:end]

    def number(self, power: int) -> int:
        """Read an unsigned number of `2 ** power` bytes: one, two, or four."""
        position = self.position
        self.position = position + (1 << power)
        if power == 0:
            return self.data[position]
        return int((_U16 if power == 1 else _U32)(self.data, position)[0])

    def string(self) -> bytes | None:
        """Read the bytes of an ordinary string, if one begins here."""
        token = self.data[self.position]
        if token not in _STRINGS:
            return None
        self.position += 1
        return self.piece(token & 0x1F if token < _NIL else self.number(token - _STR8))

    def enter(self, count: int, width: int) -> None:
        """Go one level down, into a list or map that needs `count * width` bytes at least."""
        if count * width > self.size - self.position:
            raise self.refusal(f"{count} items are declared, more than the frame has room for")
        self.depth += 1
        if self.depth > self.max_depth:
            raise self.refusal(f"the message is nested more than {self.max_depth} levels deep")

    def items(self, count: int) -> list[object]:
        """Read the items of a list."""
        self.enter(count, 1)
        items = [self.value() for _ in range(count)]
        self.depth -= 1
        return items

    def members(self, count: int) -> dict[str, object]:
        """Read the members of a map."""
        self.enter(count, 2)
        data = self.data
        members: dict[str, object] = {}
        for _ in range(count):
            if data[self.position] == _REFERENCE:
                self.position += 1
                name = self.reference()
            else:
                name = self.name()
            members[name] = self.value()
        self.depth -= 1
        return members

    def name(self) -> str:
        """Read a map's key, as the text that JavaScript makes of it."""
        token = self.data[self.position]
        if token in _STRINGS:
            return self.text()
        if token in _NAMES:
            return member_name(self.value())
        self.position += 1
        if token == _REFERENCE:
            return self.reference()
        if token in _EXTENSIONS:
            length, code = self.extension_head(token)
            if code == _BUNDLE:
                self.header(token, length)
                return self.name()
            if code == _UNDEFINED:
                self.piece(length)
                return "undefined"
        raise self.refusal("a member's name is a list, a map, bytes, or an extension")

    def text(self) -> str:
        """Read the ordinary string that begins here."""
        raw = self.string() or b""
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return without_lone_surrogates(raw.decode("utf-8", "surrogatepass"))

    def reference(self) -> str:
        """Read a reference's length, and cut that many UTF-16 units off the bundle."""
        if self.bundle_start == 0:
            raise self.refusal("a reference to bundled text, and no bundle is open")
        if self.data[self.position] not in _LENGTHS:
            raise self.refusal("a reference's length is not an integer")
        count = int(self.value())  # type: ignore[call-overload]
        return self.ascii_text.take(count) if count > 0 else self.other_text.take(-count)

    def header(self, token: int, size: int) -> None:
        """Read what follows the type of a bundle header, up to the value that it precedes."""
        field = self.position
        start = field + self.number(2)
        body = field + 4
        if token == _FIXEXT4 and self.bundle_start == 0:
            earliest = body
        elif token == _EXT16 and self.bundle_start == body:
            # The strings so far are in this header. Its own size is cut to 16 bits by the packer.
            body = earliest = self.bundle_end
            if (body - field) & 0xFFFF != size:
                raise self.refusal("a bundle header's size is not that of its strings")
        else:
            raise self.refusal("a bundle header where none can be")
        if start < earliest:
            raise self.refusal("a bundle header points backwards")
        self.open_bundle(start)
        self.position = body
        if self.data[body] == _EXT16 and self.data[body + 3] == _BUNDLE:
            raise self.refusal("a bundle header right after another")

    def open_bundle(self, start: int) -> None:
        """Find the two strings of a bundle, wherever in the frame they are."""
        self.position = start
        other, ascii_only = self.string(), self.string()
        if other is None or ascii_only is None:
            raise self.refusal("a bundle's text is not two strings")
        self.bundle_start, self.bundle_end = start, self.position
        self.other_text, self.ascii_text = BundledText(other), BundledText(ascii_only)

    def extension_head(self, token: int) -> tuple[int, int]:
        """Read the length of an extension's data, and its type."""
        length = 1 << token - _FIXEXT1 if token >= _FIXEXT1 else self.number(token - _EXT8)
        return length, self.number(0)

    def extension(self, token: int) -> object:
        """Read a date, undefined, or a bundle header and the value that follows it."""
        length, code = self.extension_head(token)
        if code == _BUNDLE:
            self.header(token, length)
            return self.value()
        data = self.piece(length)
        if code == _UNDEFINED:
            return None
        if code == _TIMESTAMP:
            return _moment(data)
        raise self.refusal(f"an extension of the unknown type {code:#04x}")

    def float32(self) -> float:
        """Read a float32, with the digits that it was made from."""
        raw = self.piece(4)
        exponent = _U32(raw)[0] >> 23 & 0xFF
        return from_float32(struct.unpack(">f", raw)[0], exponent)


def _moment(data: bytes) -> datetime | None:
    """Make a datetime of a timestamp extension of 4, 8 or 12 bytes; one byte is no date at all.

    Source: the MessagePack specification, "Timestamp extension type".
    """
    match len(data):
        case 1:
            return None
        case 4:
            seconds, nanoseconds = _U32(data)[0], 0
        case 8:
            both = int.from_bytes(data)
            seconds, nanoseconds = both & 0x3_FFFF_FFFF, both >> 34
        case 12:
            seconds, nanoseconds = _I64(data, 4)[0], _U32(data)[0]
        case length:
            raise DecodeError(f"a date of {length} bytes")
    try:
        return _EPOCH + timedelta(seconds=seconds, microseconds=nanoseconds // 1000)
    except OverflowError as error:
        raise DecodeError(
            f"a date {seconds} seconds from 1970, outside the years 1-9999"
        ) from error


_Read: TypeAlias = Callable[[_Reader, int], object]


def _refuse(reader: _Reader, token: int) -> object:
    raise reader.refusal(f"the byte {token:#04x} begins no value")


def _fixed(form: str) -> _Read:
    """A reader of one number, of a fixed form."""
    layout = struct.Struct(form)
    unpack, size = layout.unpack_from, layout.size

    def read(reader: _Reader, _: int) -> object:
        position = reader.position
        reader.position = position + size
        return unpack(reader.data, position)[0]

    return read


def _text(reader: _Reader, _: int) -> object:
    reader.position -= 1
    return reader.text()


def _table() -> tuple[_Read, ...]:
    """What to do for each first byte; `_Reader.value` itself knows the one-byte integers."""
    table: list[_Read] = [_refuse] * 0x100
    table[0x80:0x90] = [lambda reader, token: reader.members(token & 0x0F)] * 0x10
    table[0x90:0xA0] = [lambda reader, token: reader.items(token & 0x0F)] * 0x10
    for token in _STRINGS:
        table[token] = _text
    for token in _EXTENSIONS:
        table[token] = _Reader.extension
    table[_NIL] = lambda _, __: None
    table[_REFERENCE] = lambda reader, _: reader.reference()
    table[0xC2] = lambda _, __: False
    table[0xC3] = lambda _, __: True
    for token in range(_BIN8, _BIN8 + 3):
        table[token] = lambda reader, token: reader.piece(reader.number(token - _BIN8))
    table[0xCA] = lambda reader, _: reader.float32()
    table[0xCB] = lambda reader, _: from_float64(_F64(reader.piece(8))[0])
    for token, form in zip(
        range(0xCC, 0xD4), ("B", ">H", ">I", ">Q", "b", ">h", ">i", ">q"), strict=True
    ):
        table[token] = _fixed(form)
    for token in (_ARRAY16, _ARRAY16 + 1):
        table[token] = lambda reader, token: reader.items(reader.number(token - _ARRAY16 + 1))
    for token in (_MAP16, _MAP16 + 1):
        table[token] = lambda reader, token: reader.members(reader.number(token - _MAP16 + 1))
    return tuple(table)


_READERS: Final = _table()
