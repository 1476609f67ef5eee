"""Structure of JSON Schemas: the keywords that hold schemas, and walking over them.

Keywords such as `default`, `examples` and `enum` hold values, in which `title` or `$ref` is no
keyword. So every walk uses `each_schema` or `mapped`.
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias, cast

Schema: TypeAlias = dict[str, Any]
"""A JSON Schema, as plain JSON values."""

REF_PREFIX: Final = "#/types/"
"""Prefix of every reference in a contract."""

ANNOTATIONS: Final = frozenset(
    {
        *("$comment", "deprecated", "description", "examples", "readOnly", "title", "writeOnly"),
        *("x-deprecated", "x-order"),
    }
)
"""Keywords for people, which say nothing about the values."""

_ONE: Final = frozenset(
    {"additionalProperties", "contentSchema", "items", "not", "propertyNames", "x-key"}
)
_MANY: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED: Final = frozenset({"patternProperties", "properties"})


def each_schema(schema: Schema) -> Iterator[Schema]:
    """Yield the schemas directly inside a schema."""
    for key, value in schema.items():
        if key in _ONE and isinstance(value, dict):
            yield cast("Schema", value)
        elif key in _MANY and isinstance(value, list):
            yield from _schemas(cast("list[object]", value))
        elif key in _NAMED and isinstance(value, dict):
            yield from _schemas(cast("dict[str, object]", value).values())


def mapped(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """Return a copy with `change` applied to every schema directly inside."""
    result: Schema = {}
    for key, value in schema.items():
        if key in _ONE:
            result[key] = _changed(value, change)
        elif key in _MANY and isinstance(value, list):
            result[key] = [_changed(item, change) for item in cast("list[object]", value)]
        elif key in _NAMED and isinstance(value, dict):
            members = cast("dict[str, object]", value)
            result[key] = {name: _changed(member, change) for name, member in members.items()}
        else:
            result[key] = value
    return result


def references(schema: Schema) -> Iterator[str]:
    """Yield the targets of all references inside a schema, without the prefix."""
    ref = schema.get("$ref")
    if isinstance(ref, str) and ref.startswith(REF_PREFIX):
        yield ref.removeprefix(REF_PREFIX)
    for inner in each_schema(schema):
        yield from references(inner)


# Made once: `json.dumps` makes an encoder for each call with unusual options.
_encode: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def compact(value: object) -> str:
    """Return the shortest canonical text of a JSON value, for comparison and sorting."""
    return _encode(value)


def sorted_members(members: Iterable[Any]) -> list[Any]:
    """Return a union's members, each once, in the document's order: null comes last."""
    unique = {compact(member): member for member in members}
    return [unique[key] for key in sorted(unique, key=lambda key: (_is_null(unique[key]), key))]


def finite(value: object) -> bool:
    """Return True for a value without NaN and infinities, which JSON cannot express."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(finite(inner) for inner in cast("dict[str, object]", value).values())
    if isinstance(value, list):
        return all(finite(inner) for inner in cast("list[object]", value))
    return True


def _is_null(schema: Any) -> bool:
    return isinstance(schema, dict) and cast("Schema", schema).get("type") == "null"


def _schemas(values: Iterable[object]) -> Iterator[Schema]:
    return (cast("Schema", value) for value in values if isinstance(value, dict))


def _changed(value: object, change: Callable[[Schema], Schema]) -> Any:
    return change(cast("Schema", value)) if isinstance(value, dict) else value
