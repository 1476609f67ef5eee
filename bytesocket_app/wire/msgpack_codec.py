"""Codec of binary frames: MessagePack as the protocol's peers read it (protocol.md 8.6 and 8.7).

The C code of the `msgpack` package handles most messages as they are. The others are encoded here
piece by piece, and decoded by `dialect`.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgpack

from bytesocket_app.errors import DecodeError, EncodeError
from bytesocket_app.types import CodecName
from bytesocket_app.wire.codec import HOLE, UNLIMITED, is_deeper, too_many
from bytesocket_app.wire.dialect import decode_dialect
from bytesocket_app.wire.javascript import (
    INT32_MIN,
    MAX_SAFE,
    UINT32_MAX,
    from_float64,
    without_lone_surrogates,
)
from bytesocket_app.wire.portable import UNDEFINED, kind_of, name_of, ordinary
from bytesocket_app.wire.timestamp import write_timestamp

_PACKER: Final = msgpack.Packer()
_pack: Final = _PACKER.pack
"""Packer shared by all threads: without hooks it runs in C from end to end and keeps the GIL."""
_unpack: Final = msgpack.unpackb

_LEAVES: Final[frozenset[object]] = frozenset({str, float, bool, bytes, type(None)})

_RECORD, _LAST_RECORD = 0x40, 0x7F
"""First and last integer that, written as one byte, TypeScript decoders take for a record."""
_UINT8: Final = 0xCC

_REFERENCE: Final = 0xC1
_BIN8, _BIN16, _BIN32 = 0xC4, 0xC5, 0xC6
_FLOAT32: Final = 0xCA
_FLOAT64: Final = 0xCB
"""First bytes of values that C may read otherwise than the dialect does. A byte may also be part
of another value; then the slower decoding gives the same result."""

_MAYBE_WHOLE: Final = re.compile(rb"\xcb[\x41-\x43\xc1-\xc3]")
"""Float64 of 2^17 to 2^64, recognized by its first bits: some stand for integers."""
_CONTAINERS: Final = bytes([*range(0x80, 0xA0), 0xDC, 0xDD, 0xDE, 0xDF])
_NO_CONTAINERS: Final = bytes(set(range(256)) - set(_CONTAINERS))

_HARD: Final = {_REFERENCE, *range(_BIN8, 0xCC), *range(0xD4, 0xD9)}
"""First bytes of bytes, floats, extensions and references. C reads a frame without them right."""
_MARKS: Final = bytes(byte in _HARD for byte in range(256))

_SMALL_FRAME: Final = 1024
_MAX_RESERVED: Final = 2**20
"""Array slots, of 8 bytes each, that a frame may make the C unpacker reserve unchecked."""


class BinaryCodec:
    """Codec for MessagePack, written without bundled strings, which peers do not need."""

    name: CodecName = "binary"
    is_binary: bool = True

    def encode(self, message: object) -> bytes:
        """Encode a value as MessagePack.

        Integers beyond 32 bits and up to 2^53 are written as float64, which they are in JavaScript;
        an exception is the list `[name, message, cause]`, a lone surrogate U+FFFD.

        Raises:
            EncodeError: The format or its readers cannot express some part of the value (an integer
                beyond 64 bits, a date without a time zone), or it is nested too deep.
        """
        try:
            if _is_plain(message):
                return _pack(message)
        except (ValueError, RecursionError):
            pass  # a lone surrogate, or too deep: `_write` replaces it or raises
        parts: list[bytes] = []
        try:
            _write(message, parts.append)
        except RecursionError as error:
            raise EncodeError(
                "the message is nested too deep for MessagePack, or holds itself: send it flat"
            ) from error
        return b"".join(parts)

    def envelope(self, message: Mapping[str, object]) -> tuple[bytes, ...]:
        """Encode the parts around the holes: the map's head, names and the other values."""
        pieces = [_PACKER.pack_map_header(len(message))]
        for name, value in message.items():
            pieces[-1] += self.encode(name)
            if value is HOLE:
                pieces.append(b"")
            else:
                pieces[-1] += self.encode(value)
        return tuple(pieces)


def _is_plain(value: Any) -> bool:
    """Return True if the C packer writes the right bytes for a value and all its parts."""
    kind = kind_of(value)
    if kind is dict:
        for name in value:
            if type(name) is not str:
                return False
        items = value.values()
    else:
        items = value if kind is list else (value,)
    for item in items:
        kind = kind_of(item)
        if kind is str or kind in _LEAVES:
            continue
        if kind is int:
            if not (INT32_MIN <= item < _RECORD or _LAST_RECORD < item <= UINT32_MAX):
                return False
        elif not ((kind is dict or kind is list) and _is_plain(item)):
            return False
    return True


def _write(value: Any, put: Callable[[bytes], object]) -> None:
    """Encode a value piece by piece."""
    kind = kind_of(value)
    if kind is int:
        put(_integer(value))
    elif kind is str:
        put(_text(value))
    elif kind is dict:
        put(_PACKER.pack_map_header(len(value)))
        for name, item in value.items():
            put(_text(name if type(name) is str else name_of(name)))
            _write(item, put)
    elif kind is list:
        put(_PACKER.pack_array_header(len(value)))
        for item in value:
            _write(item, put)
    elif kind in _LEAVES:
        put(_pack(value))
    elif kind is datetime:
        put(write_timestamp(value))
    elif value is UNDEFINED:
        put(b"\xd4\x00\x00")
    else:
        _write(ordinary(value), put)


def _text(text: str) -> bytes:
    try:
        return _pack(text)
    except UnicodeEncodeError:
        return _pack(without_lone_surrogates(text))


def _integer(number: int) -> bytes:
    """Encode an integer so that JavaScript reads the same number.

    JavaScript's decoders make a BigInt, which does not mix with numbers, of every 64-bit token.
    Source: protocol.md section 8.6.
    """
    if _RECORD <= number <= _LAST_RECORD:
        return bytes((_UINT8, number))
    if INT32_MIN <= number <= UINT32_MAX:
        return _pack(number)
    if -MAX_SAFE <= number <= MAX_SAFE:
        return _pack(float(number))
    if -(2**63) <= number < 2**63:
        return b"\xd3" + number.to_bytes(8, "big", signed=True)
    if 0 < number < 2**64:
        return b"\xcf" + number.to_bytes(8, "big")
    raise EncodeError(
        f"an integer of {number.bit_length()} bits, of which a message holds 64: send it as text"
    )


def decode_binary(payload: bytes, *, max_depth: int, max_elements: int = UNLIMITED) -> object:
    """Decode the MessagePack value of a binary frame, with bundled strings or without.

    Args:
        payload: The whole frame.
        max_depth: Largest nesting of lists and maps.
        max_elements: Largest number of members of all lists and maps together, where an empty one
            counts as one. Reading ends with the first list or map that goes beyond it.

    Returns:
        Plain Python values: undefined and the invalid date are None, other dates aware.

    Raises:
        DecodeError: The frame does not hold exactly one value, or one nested too deep or with too
            many elements. No other exception is raised.
    """
    is_easy = len(payload) <= _SMALL_FRAME and 1 not in payload.translate(_MARKS)
    if not is_easy and (_REFERENCE in payload or _FLOAT32 in payload):
        return decode_dialect(payload, max_depth=max_depth, max_elements=max_elements)
    try:
        value: object
        if 2 * len(payload) > max_elements:  # as an empty list is a byte, and counts twice
            value = _unpack_any(payload, max_elements)
        else:
            value = _unpack(payload) if is_easy else _unpack_any(payload, UNLIMITED)
        if len(payload) > max_depth:
            _check_depth(payload, value, max_depth)
        if not is_easy and _FLOAT64 in payload and _MAYBE_WHOLE.search(payload):
            return _with_whole_numbers(value)
    except (ValueError, OverflowError, RecursionError):
        return decode_dialect(payload, max_depth=max_depth, max_elements=max_elements)
    return value


class _Counter:
    """Counts a frame's elements as its lists and maps are done, and ends reading at the limit."""

    __slots__ = ("_left", "_limit", "_sees_bytes")

    def __init__(self, limit: int, *, sees_bytes: bool) -> None:
        self._left = self._limit = limit
        self._sees_bytes = sees_bytes

    def items(self, items: list[Any]) -> list[Any]:
        self._left -= len(items) or 1
        if self._left < 0:
            raise too_many(self._limit)
        return items

    def members(self, members: dict[Any, Any]) -> dict[Any, Any]:
        self._left -= len(members) or 1
        if self._left < 0:
            raise too_many(self._limit)
        return _refuse_bytes_as_names(members) if self._sees_bytes else members


def _unpack_any(payload: bytes, max_elements: int) -> object:
    """Unpack a frame that may hold bytes, extensions, long lists or too many elements."""
    has_bytes = _BIN8 in payload or _BIN16 in payload or _BIN32 in payload
    slots = _SMALL_FRAME if len(payload) <= _SMALL_FRAME else _slots(payload)
    hooks: dict[str, Any] = {"object_hook": _refuse_bytes_as_names if has_bytes else None}
    if max_elements < UNLIMITED:
        counter = _Counter(max_elements, sees_bytes=has_bytes)
        hooks = {"object_hook": counter.members, "list_hook": counter.items}
        slots = min(slots, max_elements)
    value: object = _unpack(
        payload, timestamp=3, ext_hook=_read_extension, max_array_len=slots, **hooks
    )
    return value


def _slots(payload: bytes) -> int:
    """Return the largest length of a list in a large frame.

    The unpacker reserves a list's slots from its header, before it reads any item.
    """
    return _MAX_RESERVED // (payload.count(b"\xdc") + payload.count(b"\xdd") or 1)


def _read_extension(code: int, data: bytes) -> None:
    """Return None for undefined; refuse other extensions, which the dialect does not have."""
    if code != 0:
        raise ValueError(f"extension type {code} with {len(data)} bytes")


def _refuse_bytes_as_names(members: dict[Any, Any]) -> dict[Any, Any]:
    if bytes in set(map(type, members)):
        raise ValueError("bytes as the name of a member")
    return members


def _check_depth(payload: bytes, value: object, max_depth: int) -> None:
    """Raise DecodeError for a value nested too deep; first counts bytes that may begin a list."""
    if len(payload.translate(None, _NO_CONTAINERS)) > max_depth and is_deeper(value, max_depth):
        raise DecodeError(f"the message is nested more than {max_depth} levels deep")


def _with_whole_numbers(value: Any) -> Any:
    """Convert float64 values that stand for integers to integers, in place."""
    kind = kind_of(value)
    if kind is float:
        return from_float64(value)
    places = value.items() if kind is dict else enumerate(value) if kind is list else ()
    for place, item in places:
        kind = kind_of(item)
        if kind is float:
            value[place] = from_float64(item)
        elif kind is dict or kind is list:
            _with_whole_numbers(item)
    return value
