"""Finding the bytes in a contract's types."""

from typing import Any

import pytest

from bytesocket_cli.codegen.typescript_bytes import Shapes, bytes_tables
from tests.support import contracts

BYTES: dict[str, Any] = {"type": "string", "format": "binary"}
URL: dict[str, Any] = {"type": "string", "format": "binary", "x-bytes": "base64"}
STRING: dict[str, Any] = {"type": "string"}
NULL: dict[str, Any] = {"type": "null"}
TYPES: dict[str, Any] = {
    "Blob": {"type": "object", "properties": {"data": BYTES}, "required": ["data"]},
    "Tree": {
        "type": "object",
        "properties": {
            "left": {"$ref": "#/types/Tree"},
            "blob": {"$ref": "#/types/Blob"},
        },
    },
    "Loop": {"type": "array", "items": {"$ref": "#/types/Loop"}},
    "Plain": STRING,
}


@pytest.mark.parametrize(
    ("schema", "shape"),
    [
        (None, None),
        (STRING, None),
        (BYTES, "utf8"),
        (URL, "base64"),
        ({"$ref": "#/types/Blob"}, "#Blob"),
        ({"$ref": "#/types/Plain"}, None),
        ({"$ref": "#/types/Loop"}, None),
        ({"anyOf": [BYTES, NULL]}, "utf8"),
        ({"anyOf": [STRING, NULL]}, None),
        ({"anyOf": [STRING, {"type": "integer"}]}, None),
        ({"anyOf": [BYTES, {"type": "integer"}]}, {"any": ["utf8"]}),
        (
            {"anyOf": [{"$ref": "#/types/Blob"}, STRING]},
            {"any": [{"any": ["#Blob"], "needs": ["data"]}]},
        ),
        ({"type": "array", "items": BYTES}, {"items": "utf8"}),
        ({"type": "array", "items": True}, None),
        ({"type": "array", "prefixItems": [STRING, URL]}, {"tuple": [None, "base64"]}),
        ({"type": "object", "additionalProperties": BYTES}, {"rest": "utf8"}),
        ({"type": "object", "additionalProperties": True}, None),
        (
            {
                "type": "object",
                "properties": {"a": STRING, "b": URL},
                "additionalProperties": BYTES,
            },
            {"fields": {"a": {}, "b": "base64"}, "rest": "utf8"},
        ),
        ({"type": "object", "patternProperties": {"a": BYTES}}, {"rest": "utf8"}),
        ({"type": "object", "properties": {"a": BYTES, "b": STRING}}, {"fields": {"a": "utf8"}}),
    ],
)
def test_shapes_lead_to_the_bytes(schema: Any, shape: Any) -> None:
    assert Shapes(TYPES).of(schema) == shape


def test_tags_and_required_keys_tell_the_branches_of_a_union_apart() -> None:
    branch = {
        "type": "object",
        "properties": {"kind": {"const": "a"}, "size": {"enum": [1, 2]}, "data": BYTES},
        "required": ["kind", "data"],
    }
    assert Shapes(TYPES).of({"oneOf": [branch, STRING]}) == {
        "any": [
            {
                "any": [{"fields": {"data": "utf8"}}],
                "when": {"kind": ["a"], "size": [1, 2]},
                "needs": ["data"],
            }
        ]
    }


def test_recursive_types_have_a_shape_by_name() -> None:
    assert Shapes(TYPES).named() == {
        "Blob": {"fields": {"data": "utf8"}},
        "Tree": {"fields": {"left": "#Tree", "blob": "#Blob"}},
    }


def test_a_contract_without_bytes_has_no_tables() -> None:
    assert bytes_tables(contracts.chat()) == ""


def test_tables_list_what_is_sent_what_arrives_and_what_is_replied() -> None:
    tables = bytes_tables(contracts.files())
    assert '    sent: [["file:put", "#Upload"], ["file:raw", "utf8"]],\n' in tables
    arriving = '["file:folder", "#Folder"], ["file:put", "#Stored", ""], ["file:raw", "utf8"]'
    assert f"    arriving: [{arriving}],\n" in tables
    assert "Note:" not in tables


def test_credentials_are_sent_by_no_event_and_refusals_arrive_by_code() -> None:
    document = contracts.chat()
    document["auth"] = {"via": "message", "credentials": contracts.model({"key": BYTES})}
    document["refusals"]["muted"]["data"] = contracts.model({"__proto__": BYTES, "fields": BYTES})
    tables = bytes_tables(document)
    assert 'sent: [[undefined, { fields: { __proto__: null, key: "utf8" } }]],' in tables
    fields = '{ ["__proto__"]: "utf8", fields: "utf8" }'
    made = f"Object.assign(Object.create(null), {fields})"
    assert f'arriving: [["muted", {{ fields: {made} }}, null]],' in tables


def test_replies_in_rooms_are_listed_by_pattern() -> None:
    document = contracts.chat()
    document["rooms"][0]["client_events"][0]["reply"] = BYTES
    assert '[["doc:move", "utf8", "doc:{doc_id}"]]' in bytes_tables(document)
