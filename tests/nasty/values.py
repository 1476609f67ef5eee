"""Values that have more than one form: bytes and numbers by place, constants that may be absent."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, NotRequired

import pydantic
from pydantic import BaseModel, ConfigDict, Field, RootModel, create_model, with_config
from typing_extensions import TypedDict

from tests.nasty.case import Case, Row

BASE64 = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")
HEX = ConfigDict(ser_json_bytes="hex", val_json_bytes="hex")


class Plain(BaseModel):
    raw: bytes


class Coded(BaseModel):
    model_config = BASE64

    raw: bytes
    parts: list[bytes] = []


class Hexed(RootModel[bytes]):
    model_config = HEX


@with_config(BASE64)
class Packed(TypedDict):
    raw: bytes
    more: NotRequired[dict[str, bytes]]


@with_config(HEX)
@dataclass
class Boxed:
    raw: bytes
    maybe: bytes | None = None


class Mixed(BaseModel):
    """Every encoding of bytes that there is."""

    plain: Plain
    coded: Coded
    hexed: Hexed
    packed: Packed
    boxed: Boxed
    own: bytes = b""


class Parts(BaseModel):
    model_config = ConfigDict(extra="allow", ser_json_bytes="base64", val_json_bytes="base64")
    __pydantic_extra__: dict[str, bytes]  # pyright: ignore[reportIncompatibleVariableOverride]

    name: str


class Days(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, dt.date | list[dt.timedelta]]  # pyright: ignore[reportIncompatibleVariableOverride]

    name: str


class Nested(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, "Nested"]  # pyright: ignore[reportIncompatibleVariableOverride]

    size: int = 0


class Loose(BaseModel):
    model_config = ConfigDict(extra="allow")

    extra: Any
    items: list[Any] = []
    by_name: dict[str, Any] = {}


class Endless(BaseModel):
    model_config = ConfigDict(ser_json_inf_nan="strings")

    value: float
    values: list[float] = []


class Finite(BaseModel):
    value: float
    endless: Endless | None = None


class Spans(BaseModel):
    """Times that the server writes as numbers."""

    model_config = ConfigDict(ser_json_timedelta="float")

    took: dt.timedelta


class Urgent(TypedDict, total=False):
    urgent: Literal[True]
    level: Literal[1, 2]
    maybe: Literal["x"] | None


class One(StrEnum):
    ONLY = "only"


class Sole(BaseModel):
    one: One = One.ONLY
    literal: Literal[One.ONLY] = One.ONLY
    nested: list[Literal["a"]] = []
    either: Literal[True] | list[Literal[1]] | None = None


class Add(TypedDict, total=False):
    op: Literal["add"]
    by: int


class Drop(TypedDict, total=False):
    op: Literal["drop"]
    by: int


class Steps(BaseModel):
    steps: list[Annotated[Add | Drop, Field(discriminator="op")]]
    own: Add = Add()


BYTES: dict[str, Case] = {
    "mixed": Case(
        rows=(Row.BYTES, Row.TYPED_DICT, Row.DATACLASS, Row.ROOT),
        payload=Mixed,
        good=[
            {
                "plain": {"raw": b"a"},
                "coded": {"raw": b"abc", "parts": [b"", b"abcd"]},
                "hexed": b"ab",
                "packed": {"raw": b"abc", "more": {"x": b"y"}},
                "boxed": {"raw": b"ab", "maybe": None},
                "own": b"abcd",
            }
        ],
        bad=[{"plain": {"raw": 1}}],
        open=frozenset({"more"}),
        json=False,
    ),
    "coded": Case(
        rows=(Row.BYTES,),
        payload=Coded,
        good=[{"raw": b"\xff\xfe", "parts": [b"\xff", b""]}],
        bad=[{"raw": None}],
    ),
    "packed": Case(
        rows=(Row.BYTES, Row.TYPED_DICT),
        payload=Packed,
        good=[{"raw": b"\xff", "more": {"a": b"\xfe"}}, {"raw": b""}],
        bad=[{"raw": 1}, {}],
        open=frozenset({"more"}),
    ),
    "boxed": Case(
        rows=(Row.BYTES, Row.DATACLASS),
        payload=Boxed,
        good=[{"raw": b"\xff", "maybe": b"\xfe"}, {"raw": b"", "maybe": None}],
        bad=[{"raw": 1}],
    ),
    "hex-root": Case(rows=(Row.BYTES, Row.ROOT), payload=Hexed, good=[b"\xff", b""], bad=[1, None]),
    "utf8-root": Case(
        rows=(Row.BYTES, Row.ROOT), payload=bytes, good=[b"abc"], bad=[1], json=False
    ),
    "bytes-as-extras": Case(
        rows=(Row.BYTES, Row.EXTRA),
        payload=Parts,
        good=[{"name": "n", "a": b"\xff", "b": b"abc"}],
        bad=[{"a": b""}],
        open=frozenset({""}),
        shown=False,
    ),
}
CASES: dict[str, Case] = {
    "days-as-extras": Case(
        rows=(Row.EXTRA, Row.OTHER_TIMES),
        payload=Days,
        good=[{"name": "n", "a": "2020-01-02", "b": ["PT1S"]}],
        bad=[{"a": "2020-01-02"}],
        open=frozenset({""}),
        shown=False,
    ),
    "models-as-extras": Case(
        rows=(Row.EXTRA, Row.RECURSION),
        payload=Nested,
        good=[{"size": 1, "a": {"size": 2, "b": {}}}],
        bad=[{"size": "x"}],
        open=frozenset({"", "a", "b"}),
        direction="server",  # TypeScript's extra members are of the kinds of all members
        shown=False,
    ),
    "endless": Case(
        rows=(Row.NOT_FINITE,),
        payload=Endless,
        good=[{"value": 1.5, "values": [2.5]}],
        values=[Endless(value=float("inf"), values=[float("-inf")])],
        bad=[{"value": None}],
    ),
    "endless-inside": Case(
        rows=(Row.NOT_FINITE,),
        payload=Finite,
        good=[{"value": 1.5, "endless": {"value": 1.5}}, {"value": 1, "endless": None}],
        values=[Finite(value=1, endless=Endless(value=float("inf")))],
        bad=[{"value": None}],
    ),
    "spans": Case(
        rows=(Row.OTHER_TIMES,),
        payload=Spans,
        good=[{"took": "PT1.5S"}],
        bad=[{"took": None}],
        echo=False,
    ),
    "urgent": Case(
        rows=(Row.TYPED_DICT, Row.LITERAL),
        payload=Urgent,
        good=[{"urgent": True, "level": 1, "maybe": "x"}, {"level": 2}, {"maybe": None}, {}],
        bad=[{"urgent": False}, {"level": 3}, {"maybe": "y"}],
    ),
    "sole": Case(
        rows=(Row.ENUM, Row.LITERAL),
        payload=Sole,
        good=[{"one": "only", "literal": "only", "nested": ["a"], "either": [1]}, {"either": True}],
        bad=[{"one": "more"}, {"literal": "x"}, {"nested": ["b"]}, {"either": False}],
    ),
    "loose": Case(
        rows=(Row.ANYTHING, Row.EXTRA),
        payload=Loose,
        good=[
            {"extra": b"AB", "items": [b"x", [b"z"]], "by_name": {"a": b"b"}, "own": b"c"},
            {"extra": None},
        ],
        bad=[{}, {"extra": 1, "items": 1}],
        open=frozenset({"", "by_name"}),
        shown=False,
    ),
    "anything": Case(
        rows=(Row.ANYTHING, Row.ROOT),
        payload=Any,
        good=[b"\x00", [b"a"], {"a": b"b"}],
        open=frozenset({""}),
    ),
    "optional-tags": Case(
        rows=(Row.TAG_WITH_DEFAULT, Row.TYPED_DICT),
        payload=Steps,
        good=[{"steps": [{"op": "add", "by": 1}, {"op": "drop"}], "own": {"by": 1}}],
        bad=[{"steps": [{"by": 1}]}, {"steps": [{"op": "x"}]}],
    ),
}

if (missing := getattr(pydantic, "MISSING", None)) is not None:  # from Pydantic 2.14 on
    maybe: dict[str, Any] = {
        "done": (Literal[True] | missing, missing),
        "one": (One | missing, missing),
        "name": (str, "n"),
    }
    CASES["absent-constant"] = Case(
        rows=(Row.MISSING, Row.LITERAL),
        payload=create_model("Done", **maybe),
        good=[{"done": True, "one": "only", "name": "a"}, {}],
        bad=[{"done": False}, {"done": None}],
        rare=frozenset({"Done.done", "Done.one"}),
    )
