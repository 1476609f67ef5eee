"""JSON Schema to TypeScript types, construct by construct."""

from typing import Any

import pytest

from bytesocket_cli.codegen.typescript_types import TypeWriter

STRING: dict[str, Any] = {"type": "string"}
INTEGER: dict[str, Any] = {"type": "integer"}
NULL: dict[str, Any] = {"type": "null"}
TYPES: dict[str, Any] = {
    "Cat": {
        "type": "object",
        "properties": {"kind": {"const": "cat", "default": "cat"}, "lives": INTEGER},
        "required": ["lives"],
    },
    "Dog": {
        "type": "object",
        "properties": {"kind": {"const": "dog"}},
        "required": ["kind"],
    },
    "Bird": {"type": "object", "properties": {"kind": {"enum": ["owl", "hen"]}}},
    "admin.User": {"type": "object", "properties": {}},
    "Key": {"enum": ["x", "y"], "type": "string"},
    "One": {"const": "x"},
    "Old": {"type": "string", "deprecated": True, "description": "Do not use."},
}
CONSTANT: dict[str, object] = {"a": ["x", {}]}
NAMES = {name: name.replace("admin.", "Admin") for name in TYPES}


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/types/{name}"}


def written(schema: Any) -> str:
    return TypeWriter(TYPES, NAMES).type(schema)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (STRING, "string"),
        (INTEGER, "number"),
        ({"type": "number"}, "number"),
        ({"type": "boolean"}, "boolean"),
        (NULL, "null"),
        ({"type": "number", "x-inf-nan": "strings"}, 'number | "Infinity" | "-Infinity" | "NaN"'),
        ({"type": "string", "format": "uuid"}, "string"),
        ({"type": "string", "format": "binary"}, "Uint8Array"),
        ({"type": "string", "format": "base64url"}, "string"),
        ({"type": "string", "format": "base64"}, "string"),
        ({}, "unknown"),
        ({"title": "Anything"}, "unknown"),
        (True, "unknown"),
        (False, "never"),
        (ref("admin.User"), "AdminUser"),
        ({"type": ["string", "null"]}, "string | null"),
        ({"const": None}, "null"),
        ({"enum": ["a", 1, None, True, 1.5]}, '"a" | 1 | null | true | 1.5'),
        ({"enum": []}, "never"),
        ({"const": CONSTANT}, '{ a: ["x", Record<string, never>] }'),
    ],
)
def test_scalars_and_literals(schema: Any, expected: str) -> None:
    assert written(schema) == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"anyOf": [INTEGER, NULL]}, "number | null"),
        ({"anyOf": [INTEGER, {"type": "number"}, NULL]}, "number | null"),
        ({"anyOf": [INTEGER, {}]}, "unknown"),
        ({"anyOf": [INTEGER, {"anyOf": [STRING, INTEGER]}]}, "number | string"),
        ({"enum": ["a", 1], "x-open": True}, '"a" | 1 | (string & {}) | (number & {})'),
        ({**ref("Key"), "x-open": True}, "Key | (string & {})"),
        ({"anyOf": [{"const": 1}, NULL], "x-open": True}, "1 | null | (number & {})"),
        ({"allOf": [ref("Dog")]}, "Dog"),
        ({"allOf": [ref("Dog"), {"anyOf": [ref("Cat"), NULL]}]}, "(Dog & (Cat | null))"),
    ],
)
def test_unions_are_flat_and_without_repetition(schema: Any, expected: str) -> None:
    assert written(schema) == expected


def test_a_tag_with_a_default_is_required_in_its_union() -> None:
    tagged = {"discriminator": {"propertyName": "kind"}, "oneOf": [ref("Cat"), ref("Dog")]}
    assert written(tagged) == '(Cat & { kind: "cat" }) | Dog'


def test_a_nested_union_is_tagged_by_the_outer_one() -> None:
    inner = {"oneOf": [ref("Dog"), ref("Bird")]}
    tagged = {"discriminator": {"propertyName": "kind"}, "oneOf": [ref("Cat"), inner]}
    expected = '(Cat & { kind: "cat" }) | Dog | (Bird & { kind: "owl" | "hen" })'
    assert written(tagged) == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "array", "items": STRING}, "string[]"),
        ({"type": "array"}, "unknown[]"),
        ({"type": "array", "items": {"anyOf": [STRING, NULL]}}, "(string | null)[]"),
        ({"type": "array", "items": {"type": "array", "items": INTEGER}}, "number[][]"),
        ({"type": "array", "maxItems": 0}, "[]"),
        (
            {"type": "array", "prefixItems": [STRING, INTEGER], "minItems": 2, "maxItems": 2},
            "[string, number]",
        ),
        (
            {"type": "array", "prefixItems": [STRING, INTEGER], "minItems": 1, "maxItems": 2},
            "[string, number?]",
        ),
        (
            {"type": "array", "prefixItems": [STRING], "minItems": 1, "items": {"enum": [1, 2]}},
            "[string, ...(1 | 2)[]]",
        ),
        ({"type": "array", "prefixItems": [STRING], "items": False}, "[string?]"),
    ],
)
def test_lists_and_tuples(schema: Any, expected: str) -> None:
    assert written(schema) == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "object", "properties": {}}, "Record<string, never>"),
        ({"type": "object"}, "{ [key: string]: unknown }"),
        ({"type": "object", "additionalProperties": INTEGER}, "{ [key: string]: number }"),
        (
            {"type": "object", "patternProperties": {"^a": INTEGER, "^b": STRING}},
            "{ [key: string]: number | string }",
        ),
        (
            {"type": "object", "propertyNames": ref("Key"), "additionalProperties": INTEGER},
            '{ [K in "x" | "y"]?: number }',
        ),
        (
            {"type": "object", "propertyNames": ref("One"), "additionalProperties": INTEGER},
            '{ [K in "x"]?: number }',
        ),
        (
            {
                "type": "object",
                "propertyNames": {"format": "uuid"},
                "additionalProperties": INTEGER,
            },
            "{ [key: string]: number }",
        ),
    ],
)
def test_dictionaries(schema: Any, expected: str) -> None:
    assert written(schema) == expected


def test_fields_are_required_unless_they_may_be_left_out() -> None:
    schema = {
        "properties": {"a": STRING, "b-c": {"anyOf": [INTEGER, NULL], "description": "Why."}},
        "required": ["a"],
    }
    assert written(schema) == ('{\n  a: string;\n  /** Why. */\n  "b-c"?: number | null;\n}')


def test_objects_in_objects_are_indented() -> None:
    inner = {"type": "object", "properties": {"x": INTEGER}, "required": ["x"]}
    schema = {"type": "object", "properties": {"inner": inner}, "required": ["inner"]}
    assert written(schema) == "{\n  inner: {\n    x: number;\n  };\n}"


@pytest.mark.parametrize(
    ("required", "extra", "index"),
    [
        (["a"], INTEGER, "number | string"),
        ([], INTEGER, "number | string | undefined"),
        (["a"], True, "unknown"),
    ],
)
def test_extra_keys_hold_what_the_declared_ones_may_hold(
    required: list[str], extra: Any, index: str
) -> None:
    schema = {
        "type": "object",
        "properties": {"a": STRING},
        "required": required,
        "additionalProperties": extra,
    }
    mark = "" if required else "?"
    assert written(schema) == f"{{\n  a{mark}: string;\n  [key: string]: {index};\n}}"


def test_models_are_interfaces_and_everything_else_is_an_alias() -> None:
    writer = TypeWriter(TYPES, NAMES)
    assert writer.declaration("Dog") == 'export interface Dog {\n  kind: "dog";\n}\n'
    assert writer.declaration("admin.User") == "export type AdminUser = Record<string, never>;\n"
    assert writer.declaration("Old") == (
        "/**\n * Do not use.\n * @deprecated\n */\nexport type Old = string;\n"
    )


def test_a_union_demands_its_tag_of_unions_behind_a_name_and_their_tags_too() -> None:
    def member(breed: str) -> dict[str, Any]:
        kind, breed_ = {"const": "fox"}, {"const": breed}
        return {"type": "object", "properties": {"kind": kind, "breed": breed_}}

    foxes = {"oneOf": [ref("Red"), ref("Fennec")], "discriminator": {"propertyName": "breed"}}
    types = {"Red": member("red"), "Fennec": member("fennec"), "Foxes": foxes, "Cat": TYPES["Cat"]}
    writer = TypeWriter(types, {name: name for name in types})
    tag = {"propertyName": "kind"}
    named = {"oneOf": [ref("Foxes"), ref("Cat")], "discriminator": tag}
    assert writer.type(named) == '(Foxes & { kind: "fox" }) | (Cat & { kind: "cat" })'
    flat = {"oneOf": [{**ref("Red"), "required": ["breed"]}], "discriminator": tag}
    assert writer.type(flat) == '(Red & { breed: "red"; kind: "fox" })'
