"""A payload type means the same on both codecs; bytes are raw in MessagePack, text in JSON."""

import json
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from ipaddress import IPv4Address
from pathlib import PurePosixPath
from typing import Any, Literal, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, ValidationError
from typing_extensions import TypedDict

from bytesocket_app.errors import EncodeError
from bytesocket_app.events import PayloadType
from bytesocket_app.types import CodecName
from bytesocket_app.wire import decode

CODEC_NAMES: tuple[CodecName, CodecName] = ("json", "binary")


class Color(Enum):
    RED = "red"


class Level(IntEnum):
    LOW = 1


class Pair(NamedTuple):
    a: int
    b: UUID


class Typed(TypedDict):
    at: datetime


@dataclass
class Point:
    x: int
    at: date


class Empty(BaseModel):
    pass


class Defaults(BaseModel):
    limit: int = 10


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    n: int
    at: datetime
    pair: tuple[int, int]
    color: Color
    tags: set[str]
    inner: Point


class StrictField(BaseModel):
    id: UUID = Field(strict=True)


class Aliased(BaseModel):
    user_name: str = Field(alias="userName")


class Node(BaseModel):
    id: str | UUID
    children: "list[Node]" = Field(default_factory=list["Node"])


class Blob(BaseModel):
    raw: bytes
    many: list[bytes] = Field(default_factory=list[bytes])
    named: dict[str, bytes] = Field(default_factory=dict[str, bytes])
    by_id: dict[UUID, bytes] = Field(default_factory=dict[UUID, bytes])
    at: datetime | None = None


TEXT_ID = "12345678-1234-5678-1234-567812345678"
ID = UUID(TEXT_ID)
AT = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)

VALUES: list[tuple[Any, Any]] = [
    (int, 7),
    (float, 1.5),
    (str, "ü"),
    (bool, True),
    (None, None),
    (Any, {"a": [1, None]}),
    (int | str, "7"),
    (int | None, None),
    (Literal["a", 1], 1),
    (datetime, AT),
    (date, date(2020, 1, 2)),
    (time, time(1, 2, 3)),
    (timedelta, timedelta(seconds=90)),
    (Decimal, Decimal("1.10")),
    (UUID, ID),
    (Color, Color.RED),
    (Level, Level.LOW),
    (IPv4Address, IPv4Address("127.0.0.1")),
    (PurePosixPath, PurePosixPath("/a")),
    (UUID | str, ID),
    (str | UUID, "plain"),
    (datetime | str, AT),
    (Color | str, "blue"),
    (IPv4Address | str, IPv4Address("127.0.0.1")),
    (list[UUID] | list[str], [ID]),
    (dict[str, datetime] | dict[str, str], {"a": AT}),
    (tuple[int, str], (1, "a")),
    (set[int], {1, 2}),
    (frozenset[str], frozenset({"a"})),
    (deque[int], deque([1, 2])),
    (OrderedDict[str, int], OrderedDict(a=1)),
    (Sequence[int], [1, 2]),
    (dict[int, str], {1: "a"}),
    (dict[UUID, int], {ID: 1}),
    (Pair, Pair(1, ID)),
    (Typed, {"at": AT}),
    (Point, Point(1, date(2020, 1, 2))),
    (Empty, Empty()),
    (Defaults, Defaults(limit=3)),
    (
        Strict,
        Strict(
            n=1,
            at=AT,
            pair=(1, 2),
            color=Color.RED,
            tags={"a"},
            inner=Point(1, date(2020, 1, 2)),
        ),
    ),
    (StrictField, StrictField(id=ID)),
    (Aliased, Aliased(userName="Ann")),
    (Node, Node(id="a", children=[Node(id="b")])),
    (list[Aliased | int], [Aliased(userName="Ann"), 5]),
]


@pytest.mark.parametrize(("annotation", "value"), VALUES, ids=lambda v: repr(v)[:40])
def test_both_codecs_carry_a_value_as_pydantics_json_does(annotation: Any, value: Any) -> None:
    payload = PayloadType(annotation)
    reference = payload.adapter.validate_json(payload.adapter.dump_json(value, by_alias=True))
    for codec in CODEC_NAMES:
        wire = payload.dump(value, codec)
        decoded = decode(wire, codec == "binary")
        assert payload.validate(decoded, codec) == reference == value
        assert type(payload.validate(decoded, codec)) is type(value)
    assert decode(payload.dump(value, "binary"), is_binary=True) == payload.plain(value)


@pytest.mark.parametrize("annotation", [UUID | str, str | UUID, list[UUID] | list[str]])
def test_text_that_could_be_two_things_is_what_json_says(annotation: Any) -> None:
    payload = PayloadType(annotation)
    plain: Any = [TEXT_ID] if "list" in repr(annotation) else TEXT_ID
    expected = payload.adapter.validate_json(json.dumps(plain))
    for codec in CODEC_NAMES:
        result = payload.validate(plain, codec)
        assert (type(result), result) == (type(expected), expected)


def test_values_are_written_by_alias() -> None:
    payload = PayloadType(Aliased)
    assert payload.dump(Aliased(userName="Ann"), "json") == b'{"userName":"Ann"}'
    assert decode(payload.dump(Aliased(userName="Ann"), "binary"), is_binary=True) == {
        "userName": "Ann"
    }


def test_bytes_are_raw_in_messagepack_and_text_in_json() -> None:
    payload, blob = PayloadType(Blob), Blob(raw=b"ab", many=[b"c"], named={"d": b"e"}, at=AT)
    decoded: Any = decode(payload.dump(blob, "binary"), is_binary=True)
    assert decoded == {
        "raw": b"ab",
        "many": [b"c"],
        "named": {"d": b"e"},
        "by_id": {},
        "at": "2020-01-02T03:04:05Z",
    }
    assert payload.validate(decoded, "binary") == blob
    text: Any = decode(payload.dump(blob, "json"), is_binary=False)
    assert (text["raw"], text["many"]) == ("ab", ["c"])
    assert payload.validate(text, "json") == blob


class Coded(BaseModel):
    model_config = ConfigDict(ser_json_timedelta="float")

    raw: bytes
    text: Base64Bytes
    took: timedelta = timedelta(seconds=1.5)
    either: bytes | str = "x"
    anything: Any = None


def test_beside_raw_bytes_messagepack_has_what_json_has() -> None:
    value = Coded(raw=b"\xff", text=b"YWJj", anything=[b"\xfe", Blob(raw=b"\xfd")])
    decoded: Any = decode(PayloadType(Coded).dump(value, "binary"), is_binary=True)
    assert decoded["raw"] == b"\xff"
    assert decoded["text"] == "YWJj"  # it puts its bytes into text itself
    assert decoded["took"] == 1.5
    assert decoded["either"] == "x"
    assert decoded["anything"][0] == b"\xfe"
    assert decoded["anything"][1]["raw"] == b"\xfd"


def test_bytes_that_are_no_text_survive_messagepack_under_keys_of_any_type() -> None:
    payload, blob = PayloadType(Blob), Blob(raw=b"\xff\x00", by_id={ID: b"\xfe"})
    decoded: Any = decode(payload.dump(blob, "binary"), is_binary=True)
    assert decoded["by_id"] == {TEXT_ID: b"\xfe"}
    assert payload.validate(decoded, "binary") == blob


def test_bytes_that_are_no_text_have_no_form_in_json() -> None:
    with pytest.raises(EncodeError, match=r"Blob.* as json: .*utf-8.*codec='binary'\.$"):
        PayloadType(Blob).dump(Blob(raw=b"\xff"), "json")


def test_a_set_of_bytes_is_a_list_of_them() -> None:
    payload = PayloadType(set[bytes])
    assert decode(payload.dump({b"\xff"}, "binary"), is_binary=True) == [b"\xff"]
    assert payload.has_bytes
    assert not PayloadType(set[str]).has_bytes


def test_what_no_codec_can_write_is_an_encode_error() -> None:
    for codec in CODEC_NAMES:
        with pytest.raises(EncodeError, match=f"cannot be written as {codec}"):
            PayloadType(Any).dump(object(), codec)


@pytest.mark.parametrize("bad", [b"\xff", "\ud800"])
def test_what_json_cannot_hold_is_invalid_and_no_crash(bad: Any) -> None:
    decoded = {"id": bad}
    with pytest.raises(ValidationError):
        PayloadType(StrictField).validate(decoded, "binary")


def test_invalid_values_are_refused_on_both_codecs() -> None:
    cases: list[tuple[Any, Any]] = [(int, "x"), (Strict, {}), (Blob, {}), (str | UUID, 5)]
    for annotation, value in cases:
        for codec in CODEC_NAMES:
            with pytest.raises(ValidationError):
                PayloadType(annotation).validate(value, codec)


def test_strict_models_take_no_text_for_a_number() -> None:
    for codec in CODEC_NAMES:
        with pytest.raises(ValidationError):
            PayloadType(Strict).validate({"n": "1"}, codec)


def test_only_models_may_come_without_data() -> None:
    assert PayloadType(Empty).may_be_absent
    assert PayloadType(Defaults).may_be_absent
    for annotation in (int, None, Any, Point, Empty | None, dict[str, int]):
        assert not PayloadType(annotation).may_be_absent


def test_the_plain_form_is_what_json_says() -> None:
    assert PayloadType(Blob).plain(Blob(raw=b"ab", at=AT))["at"] == "2020-01-02T03:04:05Z"
    assert PayloadType(UUID).plain(ID) == TEXT_ID


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(ANYTHING, st.sampled_from([v[0] for v in VALUES if v[0] is not Any]))
def test_the_two_codecs_agree_about_any_plain_value(value: Any, annotation: Any) -> None:
    payload, results = PayloadType(annotation), list[Any]()
    for codec in CODEC_NAMES:
        try:
            results.append(payload.validate(value, codec))
        except ValidationError as exc:
            results.append([e["loc"] for e in exc.errors()])
    assert results[0] == results[1]
