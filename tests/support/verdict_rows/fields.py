"""Rows of the table of verdicts: fields, unknown keys, whole models."""

from typing import Annotated, NotRequired

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    WithJsonSchema,
    computed_field,
    field_serializer,
)
from typing_extensions import TypedDict

from tests.support.verdict_rows.making import INT, RENAMED, SAFE, Table, fields, named, one


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


class Only(TypedDict):
    a: int


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


class Tree(BaseModel):
    children: "list[Tree]" = []
    value: int


def bigger_tree() -> type[BaseModel]:
    class Tree(BaseModel):
        children: "list[Tree]" = []
        value: int
        more: int

    return Tree


TABLE: Table = {
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
        {"EXTRA_IGNORED": "source"},
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
