"""The table of verdicts, row by row: a payload changes, and each direction has its level."""

from datetime import datetime
from decimal import Decimal
from enum import Enum, IntFlag, StrEnum
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, cast
from uuid import UUID

import pytest
from pydantic import (
    AliasChoices,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    Json,
    NaiveDatetime,
    SecretStr,
    WithJsonSchema,
    computed_field,
    create_model,
    field_serializer,
)
from typing_extensions import TypedDict

from bytesocket_app.contract.compatibility import Code
from tests.support.compatibility import found, levels

SAFE: dict[str, str] = {}
"""Nothing is found at all."""

RENAMED = {"TYPE_RENAMED": "source"}
"""Beside the change, the type got another name: not every type here can be made twice."""


def one(annotation: Any, default: Any = ..., **config: Any) -> type[BaseModel]:
    """A model `Item` with one field `value` of a type."""
    return fields(cast("ConfigDict", config), value=(annotation, default))


def fields(config: ConfigDict | None = None, /, **given: Any) -> type[BaseModel]:
    """A model `Item` with these fields."""
    return create_model("Item", __config__=config, **given)


def named(name: str, **given: Any) -> type[BaseModel]:
    """A model of another name."""
    return create_model(name, **given)


def enum(name: str, **members: Any) -> Any:
    """An enum of texts."""
    return StrEnum(name, members)


class Rights(IntFlag):
    READ = 1
    WRITE = 2


class MoreRights(IntFlag):
    READ = 1
    WRITE = 2
    ADMIN = 4


class Point(NamedTuple):
    x: int
    y: int


class PointOrOnlyX(NamedTuple):
    x: int
    y: int = 0


class Kept(BaseModel):
    model_config = ConfigDict(extra="allow")


class KeptNumbers(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int]  # pyright: ignore[reportIncompatibleVariableOverride] - as Pydantic documents it


class Total(TypedDict):
    a: int
    b: int


class Partial(TypedDict):
    a: int
    b: NotRequired[int]


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"


class Wolf(BaseModel):
    kind: Literal["wolf"] = "wolf"


Kitty: Any = named("Cat", kind=(Literal["kitty"], "kitty"))


class CatBySort(BaseModel):
    sort: Literal["cat"] = "cat"


class DogBySort(BaseModel):
    sort: Literal["dog"] = "dog"


def tagged(*members: Any, by: str = "kind") -> Any:
    """A tagged union."""
    return Annotated[_union(*members), Field(discriminator=by)]


def _union(*members: Any) -> Any:
    union: Any = members[0]
    for member in members[1:]:
        union = union | member
    return union


def computed() -> type[BaseModel]:
    class Item(BaseModel):
        value: int

        @computed_field
        def double(self) -> int:
            return 2 * self.value

    return Item


class Plain(BaseModel):
    value: int

    @field_serializer("value")
    def write(self, value: int) -> int:
        return value


class AsText(BaseModel):
    value: int

    @field_serializer("value")
    def write(self, value: int) -> str:
        return str(value)


class Only(TypedDict):
    a: int


class Tree(BaseModel):
    children: "list[Tree]" = []
    value: int


def bigger_tree() -> type[BaseModel]:
    class Tree(BaseModel):
        children: "list[Tree]" = []
        value: int
        more: int

    return Tree


OPEN = Field(json_schema_extra={"x-open": True})
AB, ABC = Literal["a", "b"], Literal["a", "b", "c"]
INT = (int, ...)

# Old type, new type, what is found in c2s, what is found in s2c.
TABLE: dict[str, tuple[Any, Any, dict[str, str], dict[str, str]]] = {
    "field added, required": (
        fields(a=INT),
        fields(a=INT, b=INT),
        {"FIELD_ADDED_REQUIRED": "wire"},
        {"FIELD_ADDED": "safe"},
    ),
    "field added, with default": (
        fields(a=INT),
        fields(a=INT, b=(int, 1)),
        {"FIELD_ADDED": "safe"},
        {"FIELD_ADDED": "safe"},
    ),
    "field added, nullable with default": (
        fields(a=INT),
        fields(a=INT, b=(int | None, None)),
        {"FIELD_ADDED": "safe"},
        {"FIELD_ADDED": "safe"},
    ),
    "optional field added where any key was kept": (
        fields(ConfigDict(extra="allow"), a=INT),
        fields(ConfigDict(extra="allow"), a=INT, b=(int, 1)),
        {"FIELD_MEETS_EXTRA": "silent", "FIELD_ADDED": "safe"},
        {"FIELD_ADDED": "safe"},
    ),
    "field removed, extra ignored": (
        fields(a=INT, b=INT),
        fields(a=INT),
        {"FIELD_REMOVED": "source"},
        {"FIELD_REMOVED": "wire"},
    ),
    "field removed, extra forbidden": (
        fields(ConfigDict(extra="forbid"), a=INT, b=INT),
        fields(ConfigDict(extra="forbid"), a=INT),
        {"FIELD_REFUSED": "wire"},
        {"FIELD_REMOVED": "wire"},
    ),
    "deprecated field removed": (
        fields(a=INT, b=(int, Field(deprecated=True))),
        fields(a=INT),
        {"DEPRECATED_FIELD_REMOVED": "source"},
        {"DEPRECATED_FIELD_REMOVED": "wire"},
    ),
    "field that may be absent removed": (
        Partial,
        Only,
        RENAMED | {"FIELD_REMOVED": "source"},
        RENAMED | {"OPTIONAL_FIELD_REMOVED": "source"},
    ),
    "required to defaulted": (one(int), one(int, 1), {"FIELD_OPTIONAL": "safe"}, SAFE),
    "defaulted to required": (one(int, 1), one(int), {"FIELD_REQUIRED": "wire"}, SAFE),
    "always sent to NotRequired": (
        Total,
        Partial,
        RENAMED | {"FIELD_OPTIONAL": "safe"},
        RENAMED | {"FIELD_OPTIONAL": "wire"},
    ),
    "NotRequired to always sent": (
        Partial,
        Total,
        RENAMED | {"FIELD_REQUIRED": "wire"},
        RENAMED | {"FIELD_REQUIRED": "safe"},
    ),
    "default changed": (one(int, 1), one(int, 2), {"DEFAULT_CHANGED": "silent"}, SAFE),
    "default to factory": (
        one(list[int], [1]),
        one(list[int], Field(default_factory=list)),
        {"DEFAULT_CHANGED": "silent"},
        SAFE,
    ),
    "non-null to nullable": (
        one(int),
        one(int | None),
        {"NULL_ADDED": "safe"},
        {"NULL_ADDED": "wire"},
    ),
    "nullable to non-null": (
        one(int | None),
        one(int),
        {"NULL_REMOVED": "wire"},
        {"NULL_REMOVED": "safe"},
    ),
    "alias changed": (
        one(int, Field(alias="a")),
        one(int, Field(alias="b")),
        {"FIELD_ADDED_REQUIRED": "wire", "FIELD_REMOVED": "source"},
        {"FIELD_REMOVED": "wire", "FIELD_ADDED": "safe"},
    ),
    "alias changed, the old one still taken": (
        one(int, Field(alias="a")),
        one(int, Field(validation_alias=AliasChoices("b", "a"), serialization_alias="b")),
        {"FIELD_ALIASED": "source"},
        {"FIELD_REMOVED": "wire", "FIELD_ADDED": "safe"},
    ),
    "a second alias removed": (
        one(int, Field(validation_alias=AliasChoices("value", "a"))),
        one(int),
        {"FIELD_ALIAS_REMOVED": "silent"},
        SAFE,
    ),
    "alias added, the Python name still taken": (
        one(int),
        one(int, Field(alias="a"), populate_by_name=True),
        {"FIELD_ALIASED": "source"},
        {"FIELD_REMOVED": "wire", "FIELD_ADDED": "safe"},
    ),
    "Python name changed, alias the same": (
        fields(a=(int, Field(alias="x"))),
        fields(b=(int, Field(alias="x"))),
        SAFE,
        SAFE,
    ),
    "model renamed": (
        named("Item", a=INT),
        named("Thing", a=INT),
        RENAMED,
        RENAMED,
    ),
    "description changed": (
        one(int, Field(description="One.")),
        one(int, Field(description="Two.", title="T", examples=[1])),
        SAFE,
        SAFE,
    ),
    "deprecated": (
        one(int),
        one(int, Field(deprecated=True)),
        {"DEPRECATED": "safe"},
        {"DEPRECATED": "safe"},
    ),
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
        {"NULL_REMOVED": "safe"},
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
        RENAMED | {"FLAG_REMOVED": "wire"},
        RENAMED | {"FLAG_REMOVED": "source"},
    ),
    "union member added": (
        one(list[int] | Cat),
        one(list[int] | Cat | bool),
        {"MEMBER_ADDED": "safe"},
        {"MEMBER_ADDED": "wire"},
    ),
    "order of a union": (one(int | str), one(str | int), SAFE, SAFE),
    "tagged member added": (
        one(tagged(Cat, Dog)),
        one(tagged(Cat, Dog, Wolf)),
        {"MEMBER_ADDED": "safe"},
        {"MEMBER_ADDED": "wire"},
    ),
    "tagged member removed": (
        one(tagged(Cat, Dog, Wolf)),
        one(tagged(Cat, Dog)),
        {"MEMBER_REMOVED": "wire"},
        {"MEMBER_REMOVED": "source"},
    ),
    "tag value changed": (
        one(tagged(Cat, Dog)),
        one(tagged(Kitty, Dog)),
        {"ENUM_VALUE_REMOVED": "wire", "ENUM_VALUE_ADDED": "safe"},
        {"ENUM_VALUE_ADDED": "wire", "ENUM_VALUE_REMOVED": "source"},
    ),
    "discriminator changed": (
        one(tagged(Cat, Dog)),
        one(tagged(CatBySort, DogBySort, by="sort")),
        {"DISCRIMINATOR_CHANGED": "wire"},
        {"DISCRIMINATOR_CHANGED": "wire"},
    ),
    "a tag that was optional is needed in the new union": (
        one(Cat),
        one(tagged(Cat, Dog)),
        {"FIELD_REQUIRED": "wire", "MEMBER_ADDED": "safe"},
        {"MEMBER_ADDED": "wire"},
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
    "list limit": (
        one(Annotated[list[int], Field(max_length=9)]),
        one(Annotated[list[int], Field(max_length=5)]),
        {"CONSTRAINT_TIGHTENED": "wire"},
        {"CONSTRAINT_TIGHTENED": "safe"},
    ),
    "extra ignore to forbid": (
        one(int),
        one(int, extra="forbid"),
        {"EXTRA_FORBIDDEN": "wire"},
        {"EXTRA_FORBIDDEN": "safe"},
    ),
    "extra allow to forbid": (
        one(int, extra="allow"),
        one(int, extra="forbid"),
        {"EXTRA_FORBIDDEN": "wire"},
        {"EXTRA_FORBIDDEN": "safe"},
    ),
    "extra forbid to ignore": (
        one(int, extra="forbid"),
        one(int),
        {"EXTRA_ALLOWED": "safe"},
        {"EXTRA_ALLOWED": "safe"},
    ),
    "extra forbid to allow": (
        one(int, extra="forbid"),
        one(int, extra="allow"),
        {"EXTRA_ALLOWED": "safe"},
        {"EXTRA_ALLOWED": "safe"},
    ),
    "extra allow to ignore": (
        one(int, extra="allow"),
        one(int),
        {"EXTRA_IGNORED": "source"},
        {"EXTRA_IGNORED": "source"},
    ),
    "extra typed": (
        Kept,
        KeptNumbers,
        RENAMED | {"EXTRA_NARROWED": "wire"},
        RENAMED | {"EXTRA_NARROWED": "safe"},
    ),
    "extra of any type": (
        KeptNumbers,
        Kept,
        RENAMED | {"EXTRA_WIDENED": "safe"},
        RENAMED | {"EXTRA_WIDENED": "wire"},
    ),
    "strict on": (one(int), one(int, strict=True), {"STRICT_ON": "silent"}, {"STRICT_ON": "safe"}),
    "strict off": (one(int, strict=True), one(int), {"STRICT_OFF": "safe"}, {"STRICT_OFF": "safe"}),
    "list to tuple": (
        one(list[int]),
        one(tuple[int, int]),
        {"ARRAY_TO_TUPLE": "wire"},
        {"ARRAY_TO_TUPLE": "safe"},
    ),
    "tuple to list": (
        one(tuple[int, int]),
        one(list[int]),
        {"TUPLE_TO_ARRAY": "safe"},
        {"TUPLE_TO_ARRAY": "wire"},
    ),
    "tuple length changed": (
        one(tuple[int, int]),
        one(tuple[int, int, int]),
        {"TUPLE_LENGTH_CHANGED": "wire"},
        {"TUPLE_LENGTH_CHANGED": "wire"},
    ),
    "the end of a tuple may be left out": (
        Point,
        PointOrOnlyX,
        RENAMED | {"TUPLE_WIDENED": "safe"},
        RENAMED,
    ),
    "the end of a tuple may not be left out": (
        PointOrOnlyX,
        Point,
        RENAMED | {"TUPLE_NARROWED": "wire"},
        RENAMED,
    ),
    "list to set": (
        one(list[int]),
        one(set[int]),
        {"LIST_TO_SET": "silent"},
        {"LIST_TO_SET": "silent"},
    ),
    "set to list": (
        one(set[int]),
        one(list[int]),
        {"SET_TO_LIST": "safe"},
        {"SET_TO_LIST": "silent"},
    ),
    "key narrowed": (
        one(dict[str, int]),
        one(dict[int, int]),
        {"KEY_NARROWED": "wire"},
        {"KEY_NARROWED": "safe"},
    ),
    "key widened": (
        one(dict[UUID, int]),
        one(dict[str, int]),
        {"KEY_WIDENED": "safe"},
        {"KEY_WIDENED": "wire"},
    ),
    "key changed": (
        one(dict[UUID, int]),
        one(dict[int, int]),
        {"KEY_CHANGED": "wire"},
        {"KEY_CHANGED": "wire"},
    ),
    "value of a mapping": (
        one(dict[str, int]),
        one(dict[str, float]),
        {"TYPE_WIDENED": "safe"},
        {"TYPE_WIDENED": "wire"},
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
        {"FORMAT_WIDENED": "safe"},
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
        {"MEMBER_ADDED": "safe"},
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
    "computed field added": (one(int), computed(), SAFE, {"FIELD_ADDED": "safe"}),
    "computed field removed": (computed(), one(int), SAFE, {"FIELD_REMOVED": "wire"}),
    "serializer with another result": (
        Plain,
        AsText,
        RENAMED,
        RENAMED | {"TYPE_CHANGED": "wire"},
    ),
    "a recursive type": (
        Tree,
        bigger_tree(),
        {"FIELD_ADDED_REQUIRED": "wire"},
        {"FIELD_ADDED": "safe"},
    ),
    "a keyword that nobody knows": (
        one(Annotated[int, WithJsonSchema({"type": "integer", "x-new": 1})]),
        one(Annotated[int, WithJsonSchema({"type": "integer", "x-new": 2})]),
        {"KEYWORD_CHANGED": "silent"},
        {"KEYWORD_CHANGED": "silent"},
    ),
    "a payload that is a scalar": (int, str, {"TYPE_CHANGED": "wire"}, {"TYPE_CHANGED": "wire"}),
}


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_what_clients_send_is_judged(row: tuple[Any, Any, dict[str, str], Any]) -> None:
    old, new, expected, _ = row
    assert levels(found(old, new, "c2s")) == expected


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_what_the_server_sends_is_judged(row: tuple[Any, Any, Any, dict[str, str]]) -> None:
    old, new, _, expected = row
    assert levels(found(old, new, "s2c")) == expected


@pytest.mark.parametrize("payload", [row[0] for row in TABLE.values()], ids=TABLE)
def test_the_same_type_has_no_findings(payload: Any) -> None:
    assert not found(payload, payload, "c2s")
    assert not found(payload, payload, "s2c")


class Leaf(BaseModel):
    size: int


def nested(leaf: type[BaseModel], depth: int, suffix: str) -> Any:
    """Unions in unions, of models that are named after the suffix."""
    inner: Any = leaf
    for level in range(depth):
        members = [
            named(f"{kind}{level}{suffix}", inside=(inner, ...), **{kind: INT})
            for kind in ("left", "right")
        ]
        inner = members[0] | members[1]
    return inner


@pytest.mark.parametrize("suffix", ["", "New"])
def test_deeply_nested_unions_are_compared_in_one_walk(suffix: str) -> None:
    narrow = named("Leaf", size=INT, added=INT)
    old = nested(Leaf, 12, "")
    assert levels(found(old, nested(narrow, 12, suffix), "c2s"))["FIELD_ADDED_REQUIRED"] == "wire"


def test_one_type_in_two_unions_is_judged_with_what_each_requires() -> None:
    old = fields(first=(Cat, ...), second=(Cat, ...))
    new = fields(first=(Cat, ...), second=(tagged(Cat, Dog), ...))
    paths = {one.code.value: one.path for one in found(old, new, "c2s")}
    assert paths["FIELD_REQUIRED"] == "$.second.kind"


def test_every_code_of_payloads_is_in_the_table() -> None:
    shown = {code for row in TABLE.values() for found in row[2:] for code in found}
    names = list(Code)
    assert set(names[names.index(Code.FIELD_ADDED) :]) <= shown
