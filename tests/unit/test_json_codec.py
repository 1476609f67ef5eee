"""Text frames: what is written, and what is read beyond strict JSON."""

import sys
from datetime import UTC, datetime
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytesocket_app.errors import DecodeError, EncodeError
from bytesocket_app.wire import CODECS, HOLE, JSON, decode
from bytesocket_app.wire.portable import UNDEFINED


class Number(IntEnum):
    NINE = 9


class Colour(Enum):
    RED = "red"


def chained() -> ValueError:
    error = ValueError("outer")
    error.__cause__ = KeyError("inner")
    return error


def read(text: str, max_depth: int = 64) -> Any:
    return decode(text, is_binary=False, max_depth=max_depth)


def test_names_itself() -> None:
    assert CODECS["json"] is JSON
    assert (JSON.name, JSON.is_binary) == ("json", False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"message": "hello"}, '{"message":"hello"}'),
        ({"text": "é日😀"}, '{"text":"é日😀"}'),
        ([float("nan"), float("inf"), -float("inf"), 1.5, 3.0], "[null,null,null,1.5,3.0]"),
        ({"type": Number.NINE}, '{"type":9}'),
        ({1: "a", True + 1: "b"}, '{"1":"a","2":"b"}'),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), '"2026-01-02T03:04:05Z"'),
        ((1, {2}), "[1,[2]]"),
        (b"text", '"text"'),
        (UNDEFINED, "null"),
        ({"gone": UNDEFINED, "list": [UNDEFINED]}, '{"list":[null]}'),
        (ValueError("bad"), '["ValueError","bad",null]'),
        (chained(), '["ValueError","outer",["KeyError","\'inner\'",null]]'),
        (["ab\ud800cd", "\ud83d\ude00"], '["ab\ufffdcd","😀"]'),
        (
            {"\udc00": Colour.RED, None: ValueError("x")},
            '{"\ufffd":"red","null":["ValueError","x",null]}',
        ),
        ([memoryview(b"m"), ValueError("x")], '["m",["ValueError","x",null]]'),
        (MappingProxyType({"a": (1, "\ud800")}), '{"a":[1,"\ufffd"]}'),
        ([UUID(int=1), bytearray(b"b"), "\ud800"], f'["{UUID(int=1)}","b","\ufffd"]'),
    ],
)
def test_writes_json(value: object, text: str) -> None:
    assert JSON.encode(value).decode() == text


def holds_itself() -> list[object]:
    value: list[object] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"x": object()}, "object is no type that a message can carry"),
        ({"x": b"\xff"}, "cannot be written as JSON"),
        (holds_itself(), "holds itself"),
        ({("a", "b"): ValueError()}, "use text for the keys"),
    ],
)
def test_refuses_what_json_cannot_carry(value: object, message: str) -> None:
    with pytest.raises(EncodeError, match=message):
        JSON.encode(value)


@pytest.mark.parametrize("head", [{}, {"room": "r"}, {"room": "r", "more": 1, "event": 'a"b'}])
def test_an_envelope_leaves_values_out(head: dict[str, object]) -> None:
    start, middle, end = JSON.envelope({"id": HOLE, **head, "data": HOLE})
    value = [1, {"x": None}]
    message = start + JSON.encode("7") + middle + JSON.encode(value) + end
    assert message == JSON.encode({"id": "7", **head, "data": value})
    assert decode(message, is_binary=False) == {"id": "7", **head, "data": value}


def test_an_envelope_without_holes_is_the_message() -> None:
    assert JSON.envelope({}) == (b"{}",)
    assert JSON.envelope({"event": "e"}) == (b'{"event":"e"}',)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"\ud800"', "\ufffd"),
        (r'"\\ud800"', "\\ud800"),
        (r'"\\\ud800x"', "\\\ufffdx"),
        (r'"\ud83d\ude00\ude00"', "😀\ufffd"),
        (r'"\uDBFF\u0041"', "\ufffdA"),
        ('"\ud800"', "\ufffd"),
        ("\ufeff[1]", [1]),
        ("1e999", float("inf")),
    ],
)
def test_reads_what_javascript_reads(text: str, value: object) -> None:
    assert read(text) == value


def test_reads_bytes_with_a_byte_order_mark() -> None:
    assert decode(b"\xef\xbb\xbf[1]", is_binary=False) == [1]


@pytest.mark.parametrize("payload", [b'"\xff"', b"", "[1", "\ufeff\ufeff1", "9" * 6000, "NaN"])
def test_refuses_other_text(payload: bytes | str) -> None:
    with pytest.raises(DecodeError, match="the text frame is not JSON"):
        decode(payload, is_binary=False)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("as_bytes", [False, True])
def test_counts_levels(opening: str, closing: str, as_bytes: bool) -> None:
    def nested(levels: int) -> str | bytes:
        text = opening * levels + "1" + closing * levels
        return text.encode() if as_bytes else text

    decode(nested(64), is_binary=False)
    decode(nested(150), is_binary=False, max_depth=150)
    with pytest.raises(DecodeError, match="more than 64 levels"):
        decode(nested(65), is_binary=False)
    with pytest.raises(DecodeError):
        decode(nested(100_000), is_binary=False, max_depth=sys.maxsize)


def test_many_brackets_are_not_many_levels() -> None:
    assert read("[" + "[],{}," * 100 + '"[[[["]')[-1] == "[[[["


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**64), 2**64)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(codec="utf-8")),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
        ),
        max_leaves=20,
    )
)
def test_reads_back_what_it_writes(value: object) -> None:
    assert decode(JSON.encode(value), is_binary=False) == value


@given(st.text(alphabet='[]{}",:0123eE+-.\\ud8f ntrNI\ud800\ufeff', max_size=60))
def test_any_text_gives_a_value_or_the_one_error(text: str) -> None:
    try:
        read(text)
    except DecodeError:
        return
