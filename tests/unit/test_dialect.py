"""The careful decoder: bundles as a real packer makes them, and frames that nobody makes."""

import random
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytesocket_app.errors import DecodeError
from bytesocket_app.wire.dialect import decode_dialect
from bytesocket_app.wire.portable import kind_of
from tests.support.bundling import Packer, as_utf8, mended
from tests.support.fuzzing import mutated
from tests.support.wire_vectors import vectors

LOBBY = bytes.fromhex("de0002d6620000000bc10409c104c105a0ad74797065726f6f6d6c6f626279")


def read(frame: bytes, max_depth: int = 64) -> object:
    return decode_dialect(frame, max_depth=max_depth)


ANY_TEXT = st.text(st.characters() | st.sampled_from("\ud83d\ude00\ud800é日😀"), max_size=12)
TEXTS = ANY_TEXT | st.text("abc ", max_size=300)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.binary(max_size=8)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(TEXTS, inner, max_size=6),
    max_leaves=30,
)
LIMITS = st.sampled_from([0, 10, 60, 21_760])


def plain(value: Any) -> Any:
    """What must be read of a value that was packed."""
    kind = kind_of(value)
    if kind is str:
        return mended(value)
    if kind is list:
        return [plain(item) for item in value]
    if kind is dict:
        return {mended(name): plain(item) for name, item in value.items()}
    return value


@given(VALUES, LIMITS)
def test_reads_what_it_bundles(value: object, limit: int) -> None:
    assert read(Packer(limit).frame(value)) == plain(value)


EDITS = st.lists(
    st.tuples(st.integers(0, 2000), st.binary(max_size=4), st.integers(0, 4)),
    min_size=1,
    max_size=4,
)


@given(VALUES, LIMITS, EDITS)
def test_broken_frames_give_a_value_or_the_one_error(
    value: object, limit: int, edits: list[tuple[int, bytes, int]]
) -> None:
    frame = bytearray(Packer(limit).frame(value))
    for place, new, gone in edits:
        start = place % (len(frame) + 1)
        frame[start : start + gone] = new
    try:
        read(bytes(frame))
    except DecodeError:
        return


def test_broken_frames_with_more_types_give_a_value_or_the_one_error() -> None:
    rng = random.Random(16)
    whole = [bytes.fromhex(one["hex"]) for one in vectors("more_types")]
    refused = 0
    for _ in range(5_000):
        try:
            read(mutated(rng.choice(whole), rng))
        except DecodeError:
            refused += 1
    assert 1_000 < refused < 4_500


@given(st.binary(max_size=80), st.booleans())
def test_noise_gives_a_value_or_the_one_error(noise: bytes, bundled: bool) -> None:
    try:
        read(b"\x92\xd6\x62\x00\x00\x00" + noise if bundled else noise)
    except DecodeError:
        return


def test_packs_as_the_protocol_shows() -> None:
    assert Packer().frame({"type": 9, "room": "lobby"}) == LOBBY


def test_reads_many_bundles_and_a_wrapped_size() -> None:
    text = ["日" * 4000, "x" * 4000, "é😀" * 1000] * 20
    assert read(Packer().frame(text)) == text
    wide = ["日" * 4000] * 30
    frame = Packer().frame(wide)
    assert len(as_utf8("".join(wide[:6]))) > 2**16
    assert read(frame) == wide


@pytest.mark.parametrize(
    ("frame", "value"),
    [
        ("80", {}),
        ("c40161", b"a"),
        ("c5000161", b"a"),
        ("d40000", None),
        ("c70000", None),
        ("d4ffff", None),
        ("ca3dcccccd", 0.1),
        ("d4730090", []),
        ("d4650092a161a162", ["a", "b"]),
        ("d4780092a428612b29a0", ["(a+)", ""]),
        ("d47400", []),
        ("d47401", b""),
        ("d574017f", b"\x7f"),
        ("c7037404ff00", [255]),
        ("d4427f", 127),
        ("d44280", -128),
        ("c8040042" + "7f" * 1024, int("7f" * 1024, 16)),
        ("ca7f800000", float("inf")),
        ("caff800000", float("-inf")),
        ("ca80000000", 0),
        ("cb4278bcfe56800000", 1_700_000_000_000),
        ("81d4000001", {"undefined": 1}),
        ("81c001", {"null": 1}),
        ("81d90161c0", {"a": None}),
        ("81da000161c0", {"a": None}),
        ("81c301", {"true": 1}),
        ("81cb7ff800000000000001", {"NaN": 1}),
        ("8201013102", {"1": 1, "49": 2}),
        ("91d66200000006c100a0a0", [""]),
        ("91d6620000000501a0a0", [1]),
        ("92d66200000008c1ffc1ffa4f09f9880a0", ["\ufffd", "\ufffd"]),
        ("91a3eda080", ["\ufffd"]),
        ("91d66200000006c1ffa3eda080a0", ["\ufffd"]),
    ],
)
def test_reads_unusual_tokens(frame: str, value: object) -> None:
    assert read(bytes.fromhex(frame)) == value


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ("", "ends in the middle"),
        ("cd00", "ends in the middle"),
        ("a2ff", "2 bytes"),
        ("a1ff", "not UTF-8"),
        ("c1", "no bundle is open"),
        ("9101c0", "should end at byte 3"),
        (LOBBY.hex() + "00", "1 bytes are left over"),
        ("dd00000002c0", "more than the frame has room for"),
        ("d60100000000", "unknown type 0x01"),
        ("d47300", "ends in the middle"),
        ("d4730001", "is no list"),
        ("d47300d4730090", "is no list"),
        ("d47800a0", "is no list"),
        ("8191c0", "a member's name is"),
        ("81d4730090c0", "a member's name is"),
        ("d4740b", "unknown kind 11"),
        ("c70074", "unknown kind -1"),
        ("c7047407000000", "last number is cut"),
        ("c70042", "an integer of 0 bytes"),
        ("c8040142" + "01" * 1025, "an integer of 1025 bytes"),
        ("8190c0", "a member's name is"),
        ("81c40161c0", "a member's name is"),
        ("81d6ff00000000c0", "a member's name is"),
        ("91d66200000006c1c0a0a0", "is not an integer"),
        ("91d66200000005c1a0a0", "is not an integer"),
        ("91d66200000006c104a0a3616263", "4 units of bundled text, of which 3"),
        ("91d66200000003c0a0a0", "points backwards"),
        ("91d6620000000501c0a0", "not a string"),
        ("92d6620000000ec104d66200000006c104a0a86162636465666768", "where none can be"),
        ("91c7046200000006c104a0a461626364", "where none can be"),
        ("c705ff0000000000", "a date of 5 bytes"),
        ("c70cff000000001000000000000000", "outside the years"),
    ],
)
def test_says_what_is_wrong(frame: str, message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        read(bytes.fromhex(frame))


@pytest.mark.parametrize("headers", [1, 2])
def test_refuses_headers_in_a_row(headers: int) -> None:
    packer = Packer(limit=0)
    packer.body += b"\x92"
    packer.pack_text("aaaa")
    for _ in range(headers):
        packer.next_bundle()
    packer.pack_text("bbbb")
    packer.point_here()
    frame = bytes(packer.body) + packer.strings()
    if headers == 1:
        assert read(frame) == ["aaaa", "bbbb"]
    else:
        with pytest.raises(DecodeError, match="right after another"):
            read(frame)


def test_header_may_precede_a_name() -> None:
    packer = Packer(limit=0)
    frame = packer.frame({"first": "second", "third": {"fourth": 1}})
    assert frame.count(b"\xc8") == 3
    assert read(frame) == {"first": "second", "third": {"fourth": 1}}


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_float32_keeps_the_digits_it_was_made_from(number: float) -> None:
    got = read(b"\xca" + struct.pack(">f", number))
    assert isinstance(got, float)
    assert got == pytest.approx(number, rel=1e-6, abs=1e-44)


@pytest.mark.parametrize("number", [0.1, 1.1, -2.7, 12.345, 0.000123, 99999.5, 3.14159])
def test_float32_gives_short_fractions_back(number: float) -> None:
    assert read(b"\xca" + struct.pack(">f", number)) == number
