"""Binary frames: what is written, and when C may read them."""

import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from enum import IntEnum, StrEnum
from types import MappingProxyType
from uuid import UUID

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytesocket_app.errors import DecodeError, EncodeError
from bytesocket_app.wire import BINARY, CODECS, HOLE, decode
from bytesocket_app.wire.dialect import decode_dialect
from bytesocket_app.wire.msgpack_codec import decode_binary
from bytesocket_app.wire.portable import UNDEFINED

CLOCK = 1_700_000_000_000


class Number(IntEnum):
    SEVENTY = 70


class Colour(StrEnum):
    RED = "red"


def standard(value: object) -> bytes:
    """What the C packer writes, for values where it is right."""
    return bytes(msgpack.packb(value))


def test_names_itself() -> None:
    assert CODECS["binary"] is BINARY
    assert (BINARY.name, BINARY.is_binary) == ("binary", True)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "text",
        b"bytes",
        1.5,
        {},
        [],
        63,
        128,
        {"a": [1, "b", None, True, 1.5, b"x", {"c": -(2**31)}], "d": 2**32 - 1},
        {str(i): i % 60 for i in range(70_000)},
        [""] * 70_000,
    ],
    ids=lambda value: str(type(value).__name__),
)
def test_leaves_the_usual_values_to_c(value: object) -> None:
    assert BINARY.encode(value) == standard(value)


@pytest.mark.parametrize(
    ("value", "reads_as"),
    [
        (Number.SEVENTY, 70),
        ({"a": Colour.RED, Colour.RED: 1}, {"a": "red", "red": 1}),
        (
            {1: 1, None: 2, False: 3, 1.5: 4, 2**70: 5},
            {"1": 1, "null": 2, "false": 3, "1.5": 4, str(2**70): 5},
        ),
        ((1, {70}, frozenset({71})), [1, [70], [71]]),
        ([bytearray(b"a"), memoryview(b"b")], [b"a", b"b"]),
        (MappingProxyType({"a": {"b": 64}}), {"a": {"b": 64}}),
        (UUID(int=70), str(UUID(int=70))),
        ([UNDEFINED, ValueError("x")], [None, ["ValueError", "x", None]]),
        (["\ud83d\ude00", "a\udc00b"], ["😀", "a\ufffdb"]),
        ({"\ud800": 1}, {"\ufffd": 1}),
        (
            datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=2))),
            datetime(2025, 12, 31, 22, tzinfo=UTC),
        ),
        (datetime.min.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)),
        (datetime.max.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
        (-(2**63), -(2**63)),
        (2**64 - 1, 2**64 - 1),
    ],
    ids=lambda value: str(type(value).__name__),
)
def test_writes_unusual_values(value: object, reads_as: object) -> None:
    assert decode(BINARY.encode(value), is_binary=True) == reads_as


def holds_itself() -> dict[str, object]:
    value: dict[str, object] = {}
    value["a"] = value
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": 2**64}, "65 bits"),
        (-(2**63) - 1, "64 bits"),
        (datetime(2026, 1, 1), "no time zone"),
        ({b"a": 1}, "use text for the keys"),
        ({(1, 2): 1}, "tuple is no name"),
        ([object()], "object is no type"),
        (holds_itself(), "holds itself"),
    ],
    ids=lambda value: str(type(value).__name__),
)
def test_refuses_what_peers_cannot_read(value: object, message: str) -> None:
    with pytest.raises(EncodeError, match=message):
        BINARY.encode(value)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 70])
def test_an_envelope_leaves_values_out(size: int) -> None:
    head: dict[str, object] = {f"k{i}": i for i in range(size)}
    start, middle, end = BINARY.envelope({"id": HOLE, **head, "data": HOLE})
    value = {"x": [64, CLOCK]}
    message = start + BINARY.encode("7") + middle + BINARY.encode(value) + end
    assert message == BINARY.encode({"id": "7", **head, "data": value})
    assert decode(message, is_binary=True) == {"id": "7", **head, "data": value}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (float(CLOCK), int),
        (2.0**53, int),
        (2.0**53 + 2, float),
        (3.0, float),
        (-(2.0**31), float),
        (-(2.0**31) - 1, int),
    ],
)
def test_whole_float64_beyond_32_bits_is_an_integer(value: float, kind: type) -> None:
    for wrapped in (value, {"a": [value]}, [[value]]):
        frame = standard(wrapped)
        got = decode(frame, is_binary=True)
        assert got == wrapped
        assert repr(got) == repr(decode_dialect(frame, max_depth=64))
        assert (f"{value}" in repr(got)) is (kind is float)


@pytest.mark.parametrize("opening", ["91", "81a161"])
def test_counts_levels(opening: str) -> None:
    def nested(levels: int) -> bytes:
        return bytes.fromhex(opening) * levels + b"\x01"

    decode(nested(64), is_binary=True)
    decode(nested(200), is_binary=True, max_depth=200)
    for levels in (65, 500, 1000, 5000, 100_000):
        with pytest.raises(DecodeError, match="more than 64 levels"):
            decode(nested(levels), is_binary=True)


def test_an_endless_limit_still_ends() -> None:
    with pytest.raises(DecodeError, match="too deep"):
        decode(b"\x91" * 100_000 + b"\x01", is_binary=True, max_depth=10**9)
    with pytest.raises(DecodeError, match="too deep"):
        decode(b"\x91" * 1000 + standard(float(CLOCK)), is_binary=True, max_depth=10**9)


def test_many_lists_are_not_many_levels() -> None:
    value: list[object] = [[[]]] * 100
    assert decode(BINARY.encode(value), is_binary=True) == value


@pytest.mark.parametrize(
    "frame",
    [
        b"\xdc\xff\xff" * 30_000,
        b"\xdd\x00\x0f\xff\xff" * 200_000,
        b"\x91\xdc\x03\xe7" * 250 + b"\x00" * 24,
        b"\xde\xff\xff" * 30_000,
        b"\xdb\x0f\xff\xff\xff" + b"a" * 100,
    ],
    ids=["array16", "array32", "small", "map16", "str32"],
)
def test_reserves_no_memory_for_what_is_not_there(frame: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError):
            decode(frame, is_binary=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 32 * 2**20


def test_long_lists_are_read_whatever_bytes_they_hold() -> None:
    value = [b"\xdc\xdd" * 4] * 300_000
    assert decode(standard(value), is_binary=True) == value


@pytest.mark.parametrize("width", [1, 300, 70_000])
def test_bytes_are_values_and_no_names(width: int) -> None:
    data = b"b" * width
    assert decode(standard({"a": [data]}), is_binary=True) == {"a": [data]}
    with pytest.raises(DecodeError, match="name"):
        decode(standard({data: 1}), is_binary=True)


def test_text_for_a_binary_frame_is_taken_as_its_bytes() -> None:
    assert decode("\x01", is_binary=True) == 1


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8"), max_size=40)
    | st.binary(max_size=40)
    | st.datetimes(timezones=st.just(UTC))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=20)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=20)
    ),
    max_leaves=40,
)


def assert_ways_agree(frame: bytes) -> None:
    def outcome(read: Callable[..., object]) -> str:
        try:
            return repr(read(frame, max_depth=64))
        except DecodeError:
            return "refused"

    assert outcome(decode_binary) == outcome(decode_dialect)


@given(VALUES)
def test_reads_back_what_it_writes(value: object) -> None:
    assert decode(BINARY.encode(value), is_binary=True) == value


@given(
    VALUES,
    st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=3), st.integers(0, 3)), max_size=3),
)
def test_both_ways_of_reading_agree(value: object, edits: list[tuple[int, bytes, int]]) -> None:
    frame = bytearray(BINARY.encode(value))
    for place, new, gone in edits:
        start = place % (len(frame) + 1)
        frame[start : start + gone] = new

    assert_ways_agree(bytes(frame))


@pytest.mark.parametrize("first", range(256))
def test_both_ways_of_reading_agree_on_each_first_byte(first: int) -> None:
    zeros, ones = ([byte * size for size in range(18)] for byte in (b"\0", b"\1"))
    numbers = b"\x3d\xcc\xcc\xcd", b"\x42" + bytes(7), b"\x42\x01" + bytes(6)
    sized = b"\x01a", b"\0\x01a", bytes(3) + b"\x01a", b"\0\x01\x05a", bytes(3) + b"\x01\x05a"
    for rest in (*zeros, *ones, *numbers, *sized):
        # By itself, in a list, as the name of a member, as its value.
        for before, after in ((b"", b""), (b"\x91", b""), (b"\x81", b"\1"), (b"\x81\xa1a", b"")):
            assert_ways_agree(before + bytes([first]) + rest + after)
