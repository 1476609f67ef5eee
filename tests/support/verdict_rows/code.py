"""Rows of the table of verdicts: what only those notice who write code for a client, and what
nobody notices at all.

`PAIRS` has the types of one field, and the worst level of what clients send and of what the server
sends.
"""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Flag, IntEnum, IntFlag, StrEnum
from ipaddress import IPv4Address
from typing import Annotated, Any, Final, Literal, Union
from uuid import UUID

from pydantic import UUID4, AnyUrl, AwareDatetime, BaseModel, Field, Json

from tests.support.verdict_rows.making import INT, RENAMED, SAFE, Table, enum, named, one


class Rights(IntFlag):
    READ = 1
    WRITE = 2


class Kinds(Flag):
    SMALL = 1
    LARGE = 2


class OneKind(Flag):
    SMALL = 1


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


class Size(IntEnum):
    SMALL = 1
    LARGE = 2


class Wide(BaseModel):
    x: int


class Narrow(BaseModel):
    x: int
    y: int = 0


def rights(**members: int) -> Any:
    return IntFlag("Rights", members)


def closed(**members: int) -> Any:
    return Flag("Rights", members)


def first(*members: Any) -> Any:
    """A left-to-right union."""
    return Annotated[Union[members], Field(union_mode="left_to_right")]  # noqa: UP007 - a tuple


def text(**limits: Any) -> Any:
    return Annotated[str, Field(**limits)]


def whole(**limits: Any) -> Any:
    return Annotated[int, Field(**limits)]


def number(**limits: Any) -> Any:
    return Annotated[float, Field(**limits)]


def items(**limits: Any) -> Any:
    return Annotated[list[int], Field(**limits)]


def keyed(key: Any) -> Any:
    return dict[key, int]


OldColor: Any = enum("Color", RED="red")
NewColor: Any = enum("Color", RED="red", BLUE="blue")
OPEN: Any = Annotated[Literal["a", "b"], Field(json_schema_extra={"x-open": True})]
GONE: Final = {"TYPE_GONE": "source"}
PYTHON: Final = {"PYTHON_TYPE_CHANGED": "source"}

TABLE: Table = {
    "flag of a closed set removed": (
        one(Kinds),
        one(OneKind),
        RENAMED | {"FLAG_REFUSED": "wire"},
        RENAMED | {"FLAG_REFUSED": "source"},
    ),
    "flag renamed": (
        one(rights(READ=1, WRITE=2)),
        one(rights(READ=1, CHANGE=2)),
        {"FLAG_RENAMED": "source"},
        {"FLAG_RENAMED": "source"},
    ),
    "flag with another number": (
        one(rights(READ=1, WRITE=2)),
        one(rights(READ=1, WRITE=4)),
        {"FLAG_RENUMBERED": "silent"},
        {"FLAG_RENUMBERED": "silent"},
    ),
    "flag with an alias more": (
        one(rights(READ=1)),
        one(rights(READ=1, SEE=1)),
        SAFE,
        SAFE,
    ),
    "flags to int": (
        one(Rights),
        one(int),
        GONE | {"FLAGS_TO_NUMBER": "safe"},
        GONE | {"FLAGS_TO_NUMBER": "silent"},
    ),
    "int to flags": (
        one(int),
        one(Rights),
        {"NUMBER_TO_FLAGS": "silent"},
        {"NUMBER_TO_FLAGS": "safe"},
    ),
    "open set to str": (
        one(OPEN),
        one(str),
        {"ENUM_UNLISTED": "safe"},
        {"ENUM_UNLISTED": "source"},
    ),
    "left-to-right union turned": (
        one(first(int, str)),
        one(first(str, int)),
        {"UNION_ORDER_CHANGED": "silent"},
        {"UNION_ORDER_CHANGED": "safe"},
    ),
    "left-to-right union with a member more at its end": (
        one(first(int, str)),
        one(first(int, str, bool)),
        {"MEMBER_ADDED": "safe"},
        {"MEMBER_ADDED": "wire"},
    ),
    "literal to enum": (one(Literal["red", "blue"]), one(Color), PYTHON, PYTHON),
    "enum to literal": (
        one(Color),
        one(Literal["red", "blue"]),
        GONE | {"ENUM_NAME_CHANGED": "source"},
        GONE | {"ENUM_NAME_CHANGED": "source"},
    ),
    "model to anything": (
        one(Wide),
        one(Any),
        GONE | {"TYPE_WIDENED": "safe"},
        GONE | {"TYPE_WIDENED": "wire"},
    ),
    "member of a union that another takes in": (
        one(Wide | Narrow),
        one(Wide),
        GONE | PYTHON,
        {"MEMBER_REMOVED": "source"},
    ),
}

PAIRS: dict[str, tuple[Any, Any, str, str]] = {
    # ---- limits that are none
    "min_length=0 added": (str, text(min_length=0), "safe", "safe"),
    "min_length=0 removed": (text(min_length=0), str, "safe", "safe"),
    "min_length=1 to 0": (text(min_length=1), text(min_length=0), "safe", "silent"),
    "min_length=0 to 1": (text(min_length=0), text(min_length=1), "wire", "safe"),
    "min_length=0 of bytes": (bytes, Annotated[bytes, Field(min_length=0)], "safe", "safe"),
    "min_length=0 of a list": (list[int], items(min_length=0), "safe", "safe"),
    "min_length=0 of a mapping": (
        dict[str, int],
        Annotated[dict[str, int], Field(min_length=0)],
        "safe",
        "safe",
    ),
    "min_length=0 of a key": (keyed(str), keyed(text(min_length=0)), "safe", "safe"),
    "ge=-inf": (float, number(ge=float("-inf")), "safe", "safe"),
    "le=inf": (float, number(le=float("inf")), "safe", "safe"),
    "multiple_of=1": (int, whole(multiple_of=1), "safe", "safe"),
    "multiple_of=1 removed": (whole(multiple_of=1), int, "safe", "safe"),
    "multiple_of=1 of a float": (float, number(multiple_of=1), "wire", "safe"),
    "multiple_of=0.1 to 0.3": (number(multiple_of=0.1), number(multiple_of=0.3), "wire", "safe"),
    "multiple_of=0.3 to 0.1": (number(multiple_of=0.3), number(multiple_of=0.1), "safe", "silent"),
    "pattern of anything": (str, text(pattern=".*"), "safe", "safe"),
    "pattern of nothing": (str, text(pattern=""), "safe", "safe"),
    "pattern of a beginning": (str, text(pattern="^"), "safe", "safe"),
    "pattern of anything, more than once": (str, text(pattern="^.*"), "safe", "safe"),
    "pattern of anything in classes": (str, text(pattern=r"^[\s\S]*$"), "safe", "safe"),
    "pattern of one line": (str, text(pattern="^.*$"), "wire", "safe"),
    "pattern of a letter": (str, text(pattern="a"), "wire", "safe"),
    "pattern of any number of letters": (str, text(pattern="a*"), "safe", "safe"),
    "pattern of letters only": (str, text(pattern="^a*$"), "wire", "safe"),
    "literal to a pattern that takes it": (
        Literal["a", "b"],
        text(pattern="^[ab]$"),
        "safe",
        "wire",
    ),
    "literal to a pattern that does not take it": (
        Literal["a", "c"],
        text(pattern="^[ab]$"),
        "wire",
        "wire",
    ),
    "literal to a multiple": (Literal[2, 4], whole(multiple_of=2), "safe", "wire"),
    # ---- keys
    "key's pattern added": (keyed(str), keyed(text(pattern="^a")), "wire", "safe"),
    "key's pattern removed": (keyed(text(pattern="^a")), keyed(str), "safe", "silent"),
    "key's pattern changed": (
        keyed(text(pattern="^a")),
        keyed(text(pattern="^b")),
        "wire",
        "silent",
    ),
    "key's length added": (keyed(str), keyed(text(min_length=2)), "wire", "safe"),
    "key's length removed": (keyed(text(min_length=2)), keyed(str), "safe", "silent"),
    "key's address removed": (keyed(AnyUrl), keyed(str), "safe", "silent"),
    "key str to int": (keyed(str), keyed(int), "wire", "source"),
    "key int to str": (keyed(int), keyed(str), "source", "wire"),
    "key UUID to str": (keyed(UUID), keyed(str), "source", "wire"),
    "key enum to str": (keyed(Color), keyed(str), "source", "wire"),
    "key str to enum": (keyed(str), keyed(Color), "wire", "source"),
    "key literal to str": (keyed(Literal["a"]), keyed(str), "source", "wire"),
    "key literal with a value more": (
        keyed(Literal["a"]),
        keyed(Literal["a", "b"]),
        "source",
        "wire",
    ),
    "key literal with a value less": (
        keyed(Literal["a", "b"]),
        keyed(Literal["a"]),
        "wire",
        "source",
    ),
    "key literal to int": (keyed(Literal[1, 2]), keyed(int), "source", "wire"),
    "key int to literal": (keyed(int), keyed(Literal[1, 2]), "wire", "source"),
    "key enum with another name of a value": (
        keyed(enum("Color", RED="red")),
        keyed(enum("Color", ROUGE="red")),
        "source",
        "source",
    ),
    "key enum with a value less": (
        keyed(enum("Color", RED="red", BLUE="blue")),
        keyed(enum("Color", RED="red")),
        "wire",
        "source",
    ),
    "key UUID to UUID4": (keyed(UUID), keyed(UUID4), "wire", "safe"),
    # ---- items, which have to be of the very type where a list is passed on
    "list of int to list of float": (list[int], list[float], "source", "wire"),
    "list of float to list of int": (list[float], list[int], "wire", "source"),
    "list with null": (list[str], list[str | None], "source", "wire"),
    "list without null": (list[str | None], list[str], "wire", "source"),
    "mapping without null": (dict[str, int | None], dict[str, int], "wire", "source"),
    "list of a literal with a value more": (
        list[Literal["a"]],
        list[Literal["a", "b"]],
        "source",
        "wire",
    ),
    "list of an enum with a value more": (
        list[OldColor],
        list[NewColor],
        "safe",
        "wire",
    ),
    "list of a union with a member more": (list[Wide], list[Wide | str], "source", "wire"),
    "list of an open set with a value more": (
        list[OPEN],
        list[Annotated[Literal["a", "b", "c"], Field(json_schema_extra={"x-open": True})]],
        "safe",
        "safe",
    ),
    "list of int and float to list of float": (list[int | float], list[float], "safe", "source"),
    "list of bool to list of both of its values": (
        list[bool],
        list[Literal[True, False]],
        "safe",
        "safe",
    ),
    "list of tuples": (list[tuple[int, int]], list[tuple[int, float]], "source", "wire"),
    "list of lists": (list[list[int]], list[list[float]], "source", "wire"),
    "tuple of int to tuple of float": (tuple[int, int], tuple[int, float], "safe", "wire"),
    "list of int to list of anything": (list[int], list[Any], "safe", "wire"),
    "key literal to enum": (keyed(Literal["red", "blue"]), keyed(Color), "source", "source"),
    "key from numbers to their texts": (
        keyed(Literal[1, 2]),
        keyed(Literal["1", "2"]),
        "source",
        "source",
    ),
    # ---- forms of text
    "URL to str": (AnyUrl, str, "safe", "silent"),
    "str to URL": (str, AnyUrl, "wire", "safe"),
    "IP to str": (IPv4Address, str, "safe", "silent"),
    "IP to URL": (IPv4Address, AnyUrl, "wire", "silent"),
    "URL to UUID": (AnyUrl, UUID, "wire", "source"),
    "UUID to URL": (UUID, AnyUrl, "wire", "wire"),
    "UUID4 to UUID": (UUID4, UUID, "safe", "silent"),
    "UUID to UUID4": (UUID, UUID4, "wire", "safe"),
    "URL to a literal": (AnyUrl, Literal["http://a"], "wire", "source"),
    "literal to URL": (Literal["http://a"], AnyUrl, "wire", "wire"),
    "date to datetime": (date, datetime, "source", "wire"),
    "date to a datetime with a zone": (date, AwareDatetime, "wire", "wire"),
    "datetime to date": (datetime, date, "wire", "source"),
    "time to str": (time, str, "source", "wire"),
    "timedelta to str": (timedelta, str, "source", "wire"),
    "UUID to str, maybe null": (UUID | None, str | None, "source", "wire"),
    "UUIDs to texts": (list[UUID], list[str], "source", "wire"),
    "UUID in a tuple": (tuple[UUID, int], tuple[str, int], "source", "wire"),
    "JSON to str": (Json[int], str, "safe", "wire"),
    # ---- sets of values
    "enum to str": (Color, str, "source", "wire"),
    "enum to str, maybe null": (Color | None, str | None, "source", "wire"),
    "enum to str, in a union": (Color | int, str | int, "source", "wire"),
    "enum of numbers to int": (Size, int, "source", "wire"),
    "literal to str": (Literal["a"], str, "safe", "wire"),
    "literal to int": (Literal[1], int, "safe", "wire"),
    "literal to enum of numbers": (Literal[1, 2], Size, "source", "source"),
    "closed flags to int": (Kinds, int, "source", "source"),
    "int to closed flags": (int, Kinds, "wire", "source"),
    "flags to float": (Rights, float, "source", "wire"),
    # ---- other types
    "int to Decimal": (int, Decimal, "source", "wire"),
    "Decimal to str": (Decimal, str, "wire", "wire"),
    "str to Decimal": (str, Decimal, "wire", "source"),
    "models to anything": (list[Wide], list[Any], "source", "wire"),
    "model or number to anything": (Wide | int, Any, "source", "wire"),
    "models by name to anything": (dict[str, Wide], dict[str, Any], "source", "wire"),
    "model to mapping": (Wide, dict[str, Any], "source", "wire"),
    "list to tuple of any length": (list[int], tuple[int, ...], "safe", "safe"),
    "frozenset to tuple of any length": (frozenset[int], tuple[int, ...], "source", "source"),
    "model to a union with one that fits it": (Wide, Wide | Narrow, "safe", "source"),
    "another order of a union": (int | str, str | int, "safe", "safe"),
    "models of a union that change names": (
        named("A", x=INT) | named("B", y=INT),
        named("A", y=INT) | named("B", x=INT),
        "source",
        "source",
    ),
    "model of a union needs more, and another model takes the data": (
        named("A", x=INT) | named("B", x=INT, y=(int, 0)),
        named("A", x=INT, z=INT) | named("B", x=INT, y=(int, 0)),
        "source",
        "safe",
    ),
    "limit of a model in a union, of which another takes the data": (
        named("A", x=INT) | named("B", x=INT, y=(int, 0)),
        named("A", x=(whole(ge=0), ...)) | named("B", x=INT, y=(int, 0)),
        "safe",
        "safe",
    ),
    "two enums to one": (
        enum("A", RED="red") | enum("B", BLUE="blue"),
        enum("A", RED="red", BLUE="blue"),
        "source",
        "source",
    ),
    # ---- flags, and sets of all values
    "flags to closed flags": (Rights, closed(READ=1, WRITE=2), "wire", "safe"),
    "closed flags to flags": (closed(READ=1, WRITE=2), Rights, "safe", "silent"),
    "flags to an enum of numbers": (
        rights(READ=1, WRITE=2),
        IntEnum("Rights", {"READ": 1, "WRITE": 2}),
        "wire",
        "source",
    ),
    "enum of numbers to flags": (
        IntEnum("Rights", {"READ": 1, "WRITE": 2}),
        rights(READ=1, WRITE=2),
        "source",
        "wire",
    ),
    "enum of numbers to closed flags without one": (
        IntEnum("Rights", {"READ": 1, "WRITE": 2}),
        closed(READ=1),
        "wire",
        "wire",
    ),
    "bool to both of its values": (bool, Literal[True, False], "safe", "safe"),
    "both values of bool to bool": (Literal[True, False], bool, "safe", "safe"),
    "bool to one of its values": (bool, Literal[True], "wire", "source"),
    # ---- the order in which members of a union are tried
    "left to right instead of the best match": (int | str, first(int, str), "silent", "safe"),
    "the best match instead of left to right": (first(int, str), int | str, "silent", "safe"),
    "left-to-right union turned, maybe null": (
        first(int, str) | None,
        first(str, int) | None,
        "silent",
        "safe",
    ),
    "left-to-right union with a member more before others": (
        first(int, str),
        first(float, int, str),
        "silent",
        "wire",
    ),
    "left-to-right union with null": (first(int, str), first(None, int, str), "safe", "wire"),
    "left-to-right union with another sort of data first": (
        first(int, Wide),
        first(Wide, int),
        "safe",
        "safe",
    ),
    "left-to-right union of lists turned": (
        first(list[int], list[str]),
        first(list[str], list[int]),
        "silent",
        "safe",
    ),
    "left-to-right union with a member of the same kind less": (
        first(whole(ge=0), int, str),
        first(int, str),
        "safe",
        "safe",
    ),
}
