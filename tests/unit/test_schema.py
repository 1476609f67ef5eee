"""Questions that the generators ask of a schema."""

from typing import Any

import pytest

from bytesocket_cli.codegen.schema import (
    bytes_text,
    fields,
    is_bytes,
    is_empty_object,
    ref_name,
    resolved,
)


def test_a_reference_names_a_type() -> None:
    assert ref_name({"$ref": "#/types/admin.User"}) == "admin.User"
    assert ref_name({"type": "string"}) is None


def test_references_are_followed_to_their_end_and_never_in_circles() -> None:
    types: dict[str, Any] = {
        "A": {"$ref": "#/types/B"},
        "B": {"type": "string"},
        "Loop": {"$ref": "#/types/Loop"},
    }
    assert resolved({"$ref": "#/types/A"}, types) == {"type": "string"}
    assert resolved({"$ref": "#/types/Loop"}, types) == {"$ref": "#/types/Loop"}
    assert resolved({"$ref": "#/types/Unknown"}, types) == {}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "format": "binary"}, True),
        ({"type": "string", "format": "base64url"}, False),
        ({"type": "string", "format": "base64"}, False),
        ({"type": "string"}, False),
    ],
)
def test_bytes_are_known_by_their_format(schema: Any, expected: bool) -> None:
    assert is_bytes(schema) is expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "object", "properties": {}}, True),
        ({"type": "object", "additionalProperties": False}, True),
        ({"type": "object", "properties": {}, "additionalProperties": True}, False),
        ({"type": "object", "additionalProperties": True}, False),
        ({"type": "object"}, False),
        ({"type": "object", "patternProperties": {"^a": {}}}, False),
        ({"type": "object", "properties": {"a": {}}}, False),
        ({"type": "string"}, False),
    ],
)
def test_a_model_without_fields_is_empty_and_a_dictionary_is_not(
    schema: Any, expected: bool
) -> None:
    assert is_empty_object(schema) is expected


def test_a_hint_says_which_text_bytes_are_in_json() -> None:
    assert bytes_text({"type": "string", "format": "binary"}) == "utf8"
    assert bytes_text({"type": "string", "format": "binary", "x-bytes": "hex"}) == "hex"


def test_fields_stand_in_the_order_of_the_model() -> None:
    schema: Any = {"properties": {"a": {}, "b": {}, "c": {}}, "x-order": ["c", "gone", "a"]}
    assert list(fields(schema)) == ["c", "a", "b"]
    assert list(fields({})) == []
