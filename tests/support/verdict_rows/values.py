"""Rows of the table of verdicts: scalars, sets of values, formats and limits."""

from datetime import datetime
from decimal import Decimal
from enum import Enum, IntFlag
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AwareDatetime,
    Field,
    Json,
    NaiveDatetime,
    SecretStr,
)

from tests.support.verdict_rows.making import RENAMED, SAFE, Table, enum, one


class Rights(IntFlag):
    READ = 1
    WRITE = 2


class MoreRights(IntFlag):
    READ = 1
    WRITE = 2
    ADMIN = 4


OPEN = Field(json_schema_extra={"x-open": True})
AB, ABC = Literal["a", "b"], Literal["a", "b", "c"]

TABLE: Table = {
    "int to float": (one(int), one(float), {"TYPE_WIDENED": "safe"}, {"TYPE_WIDENED": "wire"}),
    "float to int": (one(float), one(int), {"TYPE_NARROWED": "wire"}, {"TYPE_NARROWED": "source"}),
    "infinities as text": (
        one(float),
        one(float, ser_json_inf_nan="strings"),
        {"TYPE_WIDENED": "safe"},
        {"TYPE_WIDENED": "wire"},
    ),
    "infinities as text no more": (
        one(float, ser_json_inf_nan="strings"),
        one(float),
        {"TYPE_NARROWED": "wire"},
        {"TYPE_NARROWED": "source"},
    ),
    "int to int or str": (
        one(int),
        one(int | str),
        {"MEMBER_ADDED": "safe"},
        {"MEMBER_ADDED": "wire"},
    ),
    "int or str to int": (
        one(int | str),
        one(int),
        {"MEMBER_REMOVED": "wire"},
        {"MEMBER_REMOVED": "source"},
    ),
    "int to str": (one(int), one(str), {"TYPE_CHANGED": "wire"}, {"TYPE_CHANGED": "wire"}),
    "int to anything": (one(int), one(Any), {"TYPE_WIDENED": "safe"}, {"TYPE_WIDENED": "wire"}),
    "anything to int": (one(Any), one(int), {"TYPE_NARROWED": "wire"}, {"TYPE_NARROWED": "source"}),
    "literal added": (
        one(AB),
        one(ABC),
        {"ENUM_VALUE_ADDED": "safe"},
        {"ENUM_VALUE_ADDED": "wire"},
    ),
    "literal removed": (
        one(ABC),
        one(AB),
        {"ENUM_VALUE_REMOVED": "wire"},
        {"ENUM_VALUE_REMOVED": "source"},
    ),
    "literal to str": (one(AB), one(str), {"TYPE_WIDENED": "safe"}, {"TYPE_WIDENED": "wire"}),
    "str to literal": (one(str), one(AB), {"TYPE_NARROWED": "wire"}, {"TYPE_NARROWED": "source"}),
    "literal to a text that is longer": (
        one(AB),
        one(Annotated[str, Field(min_length=2)]),
        {"TYPE_WIDENED": "safe", "CONSTRAINT_TIGHTENED": "wire"},
        {"TYPE_WIDENED": "wire", "CONSTRAINT_TIGHTENED": "safe"},
    ),
    "literal to UUID": (one(AB), one(UUID), {"TYPE_CHANGED": "wire"}, {"TYPE_CHANGED": "wire"}),
    "literal added beside str": (
        one(AB | str),
        one(ABC | str),
        {"ENUM_VALUE_ADDED": "safe"},
        SAFE,
    ),
    "nullable to anything": (
        one(int | None),
        one(Any),
        {"TYPE_WIDENED": "safe"},
        {"TYPE_WIDENED": "wire"},
    ),
    "enum value added": (
        one(enum("Color", RED="red")),
        one(enum("Color", RED="red", BLUE="blue")),
        {"ENUM_VALUE_ADDED": "safe"},
        {"ENUM_VALUE_ADDED": "wire"},
    ),
    "enum value added to an open enum": (
        one(Annotated[enum("Color", RED="red"), OPEN]),
        one(Annotated[enum("Color", RED="red", BLUE="blue"), OPEN]),
        {"ENUM_OPEN_VALUE_ADDED": "safe"},
        {"ENUM_OPEN_VALUE_ADDED": "safe"},
    ),
    "enum opened": (
        one(AB),
        one(Annotated[AB, OPEN]),
        {"ENUM_OPENED": "source"},
        {"ENUM_OPENED": "source"},
    ),
    "enum closed": (
        one(Annotated[AB, OPEN]),
        one(AB),
        {"ENUM_CLOSED": "source"},
        {"ENUM_CLOSED": "source"},
    ),
    "enum member renamed": (
        one(enum("Color", RED="red")),
        one(enum("Color", ROUGE="red")),
        {"ENUM_NAME_CHANGED": "source"},
        {"ENUM_NAME_CHANGED": "source"},
    ),
    "enum renamed, in a union with None": (
        one(enum("Color", RED="red") | None),
        one(enum("Colour", RED="red") | None),
        RENAMED,
        RENAMED,
    ),
    "null in an enum removed": (
        one(Enum("Mixed", {"A": 1, "B": None})),
        one(Enum("Mixed", {"A": 1})),
        {"NULL_REMOVED": "wire"},
        {"NULL_REMOVED": "safe", "PYTHON_TYPE_CHANGED": "source"},
    ),
    "flag added": (
        one(Rights),
        one(MoreRights),
        RENAMED | {"FLAG_ADDED": "safe"},
        RENAMED | {"FLAG_ADDED": "silent"},
    ),
    "flag removed": (
        one(MoreRights),
        one(Rights),
        RENAMED | {"FLAG_REMOVED": "source"},
        RENAMED | {"FLAG_REMOVED": "source"},
    ),
    "max_length down": (
        one(Annotated[str, Field(max_length=9)]),
        one(Annotated[str, Field(max_length=5)]),
        {"CONSTRAINT_TIGHTENED": "wire"},
        {"CONSTRAINT_TIGHTENED": "safe"},
    ),
    "max_length up": (
        one(Annotated[str, Field(max_length=5)]),
        one(Annotated[str, Field(max_length=9)]),
        {"CONSTRAINT_LOOSENED": "safe"},
        {"CONSTRAINT_LOOSENED": "silent"},
    ),
    "pattern added": (
        one(str),
        one(Annotated[str, Field(pattern="^a")]),
        {"CONSTRAINT_TIGHTENED": "wire"},
        {"CONSTRAINT_TIGHTENED": "safe"},
    ),
    "pattern removed": (
        one(Annotated[str, Field(pattern="^a")]),
        one(str),
        {"CONSTRAINT_LOOSENED": "safe"},
        {"CONSTRAINT_LOOSENED": "silent"},
    ),
    "pattern changed": (
        one(Annotated[str, Field(pattern="^a")]),
        one(Annotated[str, Field(pattern="^b")]),
        {"CONSTRAINT_CHANGED": "wire"},
        {"CONSTRAINT_CHANGED": "silent"},
    ),
    "ge up": (
        one(Annotated[int, Field(ge=1)]),
        one(Annotated[int, Field(ge=2)]),
        {"CONSTRAINT_TIGHTENED": "wire"},
        {"CONSTRAINT_TIGHTENED": "safe"},
    ),
    "ge and gt of one integer": (
        one(Annotated[int, Field(ge=1)]),
        one(Annotated[int, Field(gt=0)]),
        SAFE,
        SAFE,
    ),
    "ge to gt of a float": (
        one(Annotated[float, Field(ge=1)]),
        one(Annotated[float, Field(gt=1)]),
        {"CONSTRAINT_TIGHTENED": "wire"},
        {"CONSTRAINT_TIGHTENED": "safe"},
    ),
    "multiple of a multiple": (
        one(Annotated[int, Field(multiple_of=2)]),
        one(Annotated[int, Field(multiple_of=4)]),
        {"CONSTRAINT_TIGHTENED": "wire"},
        {"CONSTRAINT_TIGHTENED": "safe"},
    ),
    "widened and limited at once": (
        one(int),
        one(Annotated[float, Field(ge=0)]),
        {"CONSTRAINT_TIGHTENED": "wire", "TYPE_WIDENED": "safe"},
        {"TYPE_WIDENED": "wire", "CONSTRAINT_TIGHTENED": "safe"},
    ),
    "str to UUID": (
        one(str),
        one(UUID),
        {"FORMAT_NARROWED": "wire"},
        {"FORMAT_NARROWED": "source"},
    ),
    "UUID to str": (
        one(UUID),
        one(str),
        {"FORMAT_WIDENED": "safe", "PYTHON_TYPE_CHANGED": "source"},
        {"FORMAT_WIDENED": "wire"},
    ),
    "UUID to datetime": (
        one(UUID),
        one(datetime),
        {"FORMAT_CHANGED": "wire"},
        {"FORMAT_CHANGED": "wire"},
    ),
    "datetime to aware only": (
        one(datetime),
        one(AwareDatetime),
        {"TIMEZONE_NARROWED": "wire"},
        {"TIMEZONE_NARROWED": "safe"},
    ),
    "naive only to datetime": (
        one(NaiveDatetime),
        one(datetime),
        {"TIMEZONE_WIDENED": "safe"},
        {"TIMEZONE_WIDENED": "silent"},
    ),
    "aware to naive": (
        one(AwareDatetime),
        one(NaiveDatetime),
        {"TIMEZONE_CHANGED": "wire"},
        {"TIMEZONE_CHANGED": "silent"},
    ),
    "bytes in JSON": (
        one(bytes),
        one(bytes, ser_json_bytes="base64", val_json_bytes="base64"),
        {"BYTES_ENCODING_CHANGED": "wire"},
        {"BYTES_ENCODING_CHANGED": "wire"},
    ),
    "str to bytes": (one(str), one(bytes), {"TYPE_CHANGED": "wire"}, {"TYPE_CHANGED": "wire"}),
    "float to decimal": (
        one(float),
        one(Decimal),
        {"MEMBER_ADDED": "safe", "PYTHON_TYPE_CHANGED": "source"},
        {"TYPE_CHANGED": "wire"},
    ),
    "str to secret": (
        one(str),
        one(SecretStr),
        {"SECRET_MASKED": "safe"},
        {"SECRET_MASKED": "silent"},
    ),
    "JSON in a text": (
        one(Json[int]),
        one(Json[float]),
        {"TYPE_WIDENED": "safe"},
        {"TYPE_WIDENED": "wire"},
    ),
}
