"""Reading the contract's schemas: what both targets ask of a JSON Schema."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from typing_extensions import TypeIs

Schema: TypeAlias = Mapping[str, Any]
"""Pydantic's subset of JSON Schema 2020-12, with `$ref`s to `#/types/NAME`."""

Document: TypeAlias = Mapping[str, Any]
"""A contract document, format 1."""

REF = "#/types/"


def is_object(value: object) -> TypeIs[Mapping[str, Any]]:
    """Tell whether a JSON value is an object."""
    return isinstance(value, Mapping)


def is_list(value: object) -> TypeIs[list[Any]]:
    """Tell whether a JSON value is a list."""
    return isinstance(value, list)


def ref_name(schema: Schema) -> str | None:
    """Return the name of the type that a schema refers to, or None."""
    ref = schema.get("$ref")
    return ref.removeprefix(REF) if isinstance(ref, str) else None


def resolved(schema: Schema, types: Mapping[str, Schema]) -> Schema:
    """Follow references until a schema that is none, or that leads back to itself."""
    seen: set[str] = set()
    while (name := ref_name(schema)) is not None and name not in seen:
        seen.add(name)
        schema = types.get(name, {})
    return schema


def leaves(
    schema: Schema, types: Mapping[str, Schema], name: str | None = None
) -> Iterator[tuple[str | None, Schema]]:
    """Yield what a schema may be, references and unions followed: the type's name, its schema."""
    seen: set[str] = set()
    waiting = [(name, schema)]
    while waiting:
        name, schema = waiting.pop(0)
        known = ref_name(schema)
        if known is not None:
            if known not in seen:
                waiting.append((known, types.get(known, {})))
            seen.add(known)
            continue
        branches: list[Schema] = schema.get("oneOf") or schema.get("anyOf") or []
        waiting += [(None, branch) for branch in branches]
        if not branches:
            yield name, schema


def open_kinds(schema: Schema, types: Mapping[str, Schema]) -> list[str]:
    """Name the JSON types of which a set of values marked `x-open` may get others.

    Returns:
        `string`, `integer` and `number`, as far as its values have those types; nothing for what is
        not open.
    """
    if not schema.get("x-open"):
        return []
    found = [leaf for _, leaf in leaves(schema, types)]
    values = [one for leaf in found for one in [leaf.get("const"), *leaf.get("enum", ())]]
    kinds = {"string": str, "integer": int, "number": float}
    there: set[type[object]] = {type(one) for one in values}
    return [name for name, kind in kinds.items() if kind in there]


def is_bytes(schema: Schema) -> bool:
    """Tell whether the value is `bytes` in Python.

    Types that put their bytes into text themselves have other formats, such as `base64`: they are
    text for clients, on both wires.
    """
    return schema.get("type") == "string" and schema.get("format") == "binary"


def bytes_text(schema: Schema) -> str:
    """Return how JSON carries bytes: `"utf8"`, `"base64"` (of the URL alphabet) or `"hex"`."""
    return str(schema.get("x-bytes", "utf8"))


def fields(schema: Schema) -> Mapping[str, Schema]:
    """Return an object's declared fields in the order in which the model declares them."""
    properties: Mapping[str, Schema] = schema.get("properties", {})
    order = [key for key in schema.get("x-order", ()) if key in properties]
    return {key: properties[key] for key in dict.fromkeys([*order, *properties])}


def is_empty_object(schema: Schema) -> bool:
    """Tell whether the one value of a schema is `{}`, extra keys aside.

    A model without fields has `properties: {}`, which a dictionary has not.
    """
    return (
        schema.get("type") == "object"
        and not schema.get("properties")
        and not schema.get("patternProperties")
        and not schema.get("additionalProperties")
        and ("properties" in schema or schema.get("additionalProperties") is False)
    )
