"""The limit of a message's elements: counted alike in both codecs, before anything is built."""

import json
import tracemalloc
from typing import Any, cast

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytesocket_app.errors import DecodeError
from bytesocket_app.wire import decode
from bytesocket_app.wire.dialect import decode_dialect
from bytesocket_app.wire.json_codec import decode_json

MIB = 1024 * 1024
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.none() | st.booleans() | st.integers(0, 300) | FLOATS | st.text()
HARD_TEXT = st.text(alphabet='",[{\\:]}a\u00e9', max_size=20)


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=6) | st.dictionaries(HARD_TEXT, inner, max_size=6)


VALUES = st.recursive(LEAVES | HARD_TEXT, nested, max_leaves=60)


def elements(value: object) -> int:
    """The members of all lists and maps; an empty one counts as one."""
    if isinstance(value, dict):
        inside = list(cast("dict[str, object]", value).values())
    elif isinstance(value, list):
        inside = cast("list[object]", value)
    else:
        return 0
    return max(len(inside), 1) + sum(map(elements, inside))


def refused(frame: bytes | str, limit: int) -> bool:
    try:
        decode(frame, isinstance(frame, bytes), max_elements=limit)
    except DecodeError as error:
        assert f"more than {limit} elements" in str(error)  # noqa: PT017 - one of two outcomes
        return True
    return False


@given(VALUES, st.booleans())
def test_both_codecs_refuse_from_the_same_number_of_elements_on(value: Any, spaced: bool) -> None:
    count = elements(value)
    text = json.dumps(value, ensure_ascii=spaced, indent=1 if spaced else None)
    binary = msgpack.packb(value)
    for limit in {max(count - 1, 0), count, count + 1}:
        assert refused(text, limit) == (count > limit)
        assert refused(binary, limit) == (count > limit)
        assert refused_by_the_dialect(binary, limit) == (count > limit)


def refused_by_the_dialect(frame: bytes, limit: int) -> bool:
    try:
        decode_dialect(frame, max_depth=64, max_elements=limit)
    except DecodeError:
        return True
    return False


@given(st.lists(HARD_TEXT, min_size=1, max_size=40), st.integers(1, 7))
def test_signs_inside_of_texts_are_no_elements_wherever_the_pieces_end(
    texts: list[str], piece: int
) -> None:
    text = json.dumps(texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bytesocket_app.wire.json_codec._PIECE", piece)
        assert decode_json(text, max_depth=64, max_elements=len(texts)) == texts
        with pytest.raises(DecodeError, match="elements"):
            decode_json(text, max_depth=64, max_elements=len(texts) - 1)


def test_no_limit_is_no_limit() -> None:
    assert len(cast("list[int]", decode(json.dumps([1] * 300_000), is_binary=False))) == 300_000
    assert len(cast("list[int]", decode(msgpack.packb([1] * 300_000), is_binary=True))) == 300_000


def repeated(unit: str) -> str:
    return "[" + ",".join([unit] * (MIB // (len(unit) + 1))) + "]"


def binary(unit: int) -> bytes:
    return b"\xdd" + (MIB - 5).to_bytes(4, "big") + bytes([unit]) * (MIB - 5)


BOMBS: dict[str, bytes | str] = {
    "empty objects": repeated("{}"),
    "empty lists": repeated("[]"),
    "empty texts": repeated('""'),
    "numbers": repeated("1"),
    "small objects": repeated('{"a":1}'),
    "lists in a lone surrogate's message": repeated("[]").replace("[]", r'"\ud800"', 1),
    "open lists": "[" * MIB,
    "empty maps in binary": binary(0x80),
    "empty lists in binary": binary(0x90),
    "numbers in binary": binary(1),
    "empty lists and bundled text": binary(0x90)[:-1] + b"\xc1",
    "empty lists and float32": binary(0x90)[:-5] + b"\xca\x40\x00\x00\x00",
    "numbers of a typed array": b"\xc9\x00\x10\x00\x00\x74\x00" + bytes(MIB - 1),
    "typed arrays without numbers": b"\xdd\x00\x05\x00\x00" + b"\xd4\x74\x00" * 0x50000,
    "sets without items": b"\xdd\x00\x04\x00\x00" + b"\xd4\x73\x00\x90" * 0x40000,
    "declared lists in one another": b"\xdc\xff\xff" * 60 + b"\x01" * MIB,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_mebibyte_of_elements_is_refused_before_it_takes_memory(name: str) -> None:
    frame = BOMBS[name]
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError):
            decode(frame, isinstance(frame, bytes), max_elements=100_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * MIB
