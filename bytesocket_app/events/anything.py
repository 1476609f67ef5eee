"""Places of a payload that may hold values of any kind, and so bytes that no schema announces."""

from collections.abc import Mapping
from typing import Any, Final, TypeGuard, cast

from bytesocket_app.events.core_schemas import extra_behavior, nodes
from bytesocket_app.events.serializing import opaque_serializer, scalar_return

ANYTHING: Final = frozenset({"any", "is-instance", "function-plain"})
"""Kinds of schemas whose values are written by what they are."""


def may_hold_anything(schema: Any) -> bool:
    """Return True if a value of a core schema can hold bytes that no part of it announces."""
    return any(_is_open(node) for node in nodes(schema))


def may_hold_bytes(schema: Any) -> bool:
    """Return True if a value of a core schema can hold bytes, announced or not."""
    return any(node["type"] == "bytes" or _is_open(node) for node in nodes(schema))


def _is_open(node: Mapping[str, Any]) -> bool:
    if is_serializer(node):
        return returns_anything(node)
    return node["type"] in ANYTHING or has_open_extras(node, node.get("config") or {})


def has_open_extras(node: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    """Return True if a node takes extra members of any kind."""
    return "extras_schema" not in node and extra_behavior(node, config) == "allow"


def is_serializer(node: Mapping[str, Any]) -> bool:
    """Return True for the part of a schema that writes values with a function."""
    return callable(node.get("function"))


def returns_anything(node: Mapping[str, Any]) -> bool:
    """Return True for a serializer of the application's own that does not say what it returns."""
    return is_serializer(node) and opaque_serializer(node) and scalar_return(node) is None


def is_bytes(value: object) -> TypeGuard[bytes | bytearray]:
    """Return True for bytes, which MessagePack carries as they are."""
    return isinstance(value, bytes | bytearray)


def holds_bytes(value: object) -> bool:
    """Return True if decoded data holds bytes, in lists and dicts too."""
    if isinstance(value, dict):
        return any(map(holds_bytes, cast("dict[object, object]", value).values()))
    if isinstance(value, list):
        return any(map(holds_bytes, cast("list[object]", value)))
    return isinstance(value, bytes)
