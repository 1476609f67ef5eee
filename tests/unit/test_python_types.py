"""Schemas as annotations."""

from typing import Any

import pytest

from bytesocket_cli.codegen.python_types import AnnotationWriter, has_fields, is_enum

TYPES: dict[str, Any] = {
    "Cat": {"type": "object", "properties": {}},
    "Words": {"type": "string"},
    "Loop": {"$ref": "#/types/Loop"},
}
CAT = {"$ref": "#/types/Cat"}
STRING = {"type": "string"}
INTEGER = {"type": "integer"}


CASES: list[tuple[Any, str]] = [
    (CAT, "Cat"),
    (STRING, "str"),
    (INTEGER, "int"),
    ({"type": "number"}, "float"),
    ({"type": "boolean"}, "bool"),
    ({"type": "null"}, "None"),
    ({}, "_t.Any"),
    (True, "_t.Any"),
    (False, "_t.Never"),
    ({"type": ["string", "null"]}, "str | None"),
    ({"type": "string", "format": "date-time"}, "_dt.datetime"),
    ({"type": "string", "format": "date"}, "_dt.date"),
    ({"type": "string", "format": "time"}, "_dt.time"),
    ({"type": "string", "format": "duration"}, "_dt.timedelta"),
    ({"type": "string", "format": "uuid4"}, "_uuid.UUID"),
    ({"type": "string", "format": "binary"}, "bytes"),
    ({"type": "string", "format": "base64url"}, "str"),
    ({"type": "string", "format": "email"}, "str"),
    ({"type": "integer", "x-flags": {"A": 1}}, "int"),
    ({"x-type": "decimal", "anyOf": [{"type": "number"}, STRING]}, "_decimal.Decimal"),
    ({"const": "a"}, '_t.Literal["a"]'),
    ({"enum": ["a", 1, True, None]}, '_t.Literal["a", 1, True] | None'),
    ({"enum": [1.5, ["x"]]}, "_t.Any"),
    ({"enum": [1.5]}, "float"),
    ({"enum": []}, "_t.Never"),
    ({"anyOf": [{"type": "null"}, STRING, STRING]}, "str | None"),
    ({"anyOf": [STRING, {}]}, "_t.Any"),
    ({"oneOf": [CAT, INTEGER]}, "Cat | int"),
    ({"allOf": [CAT]}, "Cat"),
    ({"type": "array", "items": STRING}, "list[str]"),
    ({"type": "array"}, "list[_t.Any]"),
    ({"type": "array", "maxItems": 0}, "tuple[()]"),
    ({"type": "array", "items": STRING, "uniqueItems": True}, "set[str]"),
    ({"type": "array", "items": {"$ref": "#/types/Words"}, "uniqueItems": True}, "set[Words]"),
    ({"type": "array", "items": CAT, "uniqueItems": True}, "list[Cat]"),
    ({"type": "array", "uniqueItems": True}, "list[_t.Any]"),
    (
        {"type": "array", "prefixItems": [STRING, INTEGER], "minItems": 2, "maxItems": 2},
        "tuple[str, int]",
    ),
    (
        {"type": "array", "prefixItems": [STRING, INTEGER], "minItems": 1, "maxItems": 2},
        "tuple[str] | tuple[str, int]",
    ),
    ({"type": "array", "prefixItems": [STRING], "maxItems": 1}, "tuple[()] | tuple[str]"),
    ({"type": "array", "prefixItems": [STRING]}, "list[_t.Any]"),
    ({"type": "object"}, "dict[str, _t.Any]"),
    ({"type": "object", "additionalProperties": CAT}, "dict[str, Cat]"),
    ({"type": "object", "additionalProperties": False}, "dict[str, _t.Any]"),
    ({"type": "object", "properties": {}}, "dict[str, _t.Never]"),
    ({"type": "object", "properties": {"a": STRING}}, "dict[str, _t.Any]"),
    ({"type": "object", "patternProperties": {"^a": INTEGER}}, "dict[str, int]"),
    (
        {"patternProperties": {"^a": INTEGER}, "additionalProperties": CAT, "type": "object"},
        "dict[str, int | Cat]",
    ),
    (
        {"type": "object", "additionalProperties": CAT, "x-key": INTEGER},
        "dict[int, Cat]",
    ),
    (
        {"type": "object", "additionalProperties": CAT, "propertyNames": {"enum": ["a"]}},
        'dict[_t.Literal["a"], Cat]',
    ),
    (
        {"type": "object", "additionalProperties": CAT, "propertyNames": {"maxLength": 3}},
        "dict[str, Cat]",
    ),
]


def test_an_open_set_of_values_takes_others_last() -> None:
    writer = AnnotationWriter(TYPES, {name: name for name in TYPES})
    last = '_p.Field(union_mode="left_to_right")'
    assert (
        writer.annotation({"enum": ["a", 1], "x-open": True})
        == f'_t.Annotated[_t.Literal["a", 1] | str | int, {last}]'
    )


@pytest.mark.parametrize(("schema", "annotation"), CASES)
def test_a_schema_has_its_annotation(schema: Any, annotation: str) -> None:
    writer = AnnotationWriter(TYPES, {name: name for name in TYPES})
    assert writer.annotation(schema) == annotation


def test_references_are_found_wherever_schemas_stand() -> None:
    writer = AnnotationWriter(TYPES, {name: name for name in TYPES})
    schema = {
        "properties": {"$ref": {"type": "array", "items": CAT}},
        "default": {"$ref": "#/types/Words"},
    }
    assert writer.references(schema) == {"Cat"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"enum": ["a"], "x-enum-names": ["A"]}, True),
        ({"enum": ["a"]}, False),
        ({"enum": ["a", "b"], "x-enum-names": ["A"]}, False),
        ({"enum": [None], "x-enum-names": ["A"]}, False),
        ({}, False),
    ],
)
def test_only_named_scalars_become_an_enum(schema: Any, expected: bool) -> None:
    assert is_enum(schema) is expected


def test_only_objects_become_classes() -> None:
    assert has_fields({"properties": {}})
    assert not has_fields({"type": "object", "additionalProperties": {}})
