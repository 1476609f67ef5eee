"""Queries on the contract's JSON Schemas, shared by the generators."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from typing_extensions import TypeIs

Schema: TypeAlias = Mapping[str, Any]
"""Pydantic's subset of JSON Schema 2020-12, with `$ref`s to `#/types/NAME`."""

Document: TypeAlias = Mapping[str, Any]
"""Contract document, format 1."""

REF = "#/types/"


def is_object(value: object) -> TypeIs[Mapping[str, Any]]:
    """Return True if a JSON value is an object."""
    return isinstance(value, Mapping)


def is_list(value: object) -> TypeIs[list[Any]]:
    """Return True if a JSON value is an array."""
    return isinstance(value, list)


def ref_name(schema: Schema) -> str | None:
    """Return the name of the type that a schema refers to, or None."""
    ref = schema.get("$ref")
    return ref.removeprefix(REF) if isinstance(ref, str) else None


def resolved(schema: Schema, types: Mapping[str, Schema]) -> Schema:
    """Follow references to a schema that is no reference, or until they form a cycle."""
    seen: set[str] = set()
    while (name := ref_name(schema)) is not None and name not in seen:
        seen.add(name)
        schema = types.get(name, {})
    return schema


def leaves(schema: Schema, types: Mapping[str, Schema]) -> Iterator[Schema]:
    """Yield the schema of each alternative, with references and unions followed."""
    seen: set[str] = set()
    waiting = [schema]
    while waiting:
        schema = waiting.pop(0)
        name = ref_name(schema)
        if name is not None:
            if name not in seen:
                waiting.append(types.get(name, {}))
            seen.add(name)
            continue
        branches: list[Schema] = schema.get("oneOf") or schema.get("anyOf") or []
        waiting += branches
        if not branches:
            yield schema


def open_kinds(schema: Schema, types: Mapping[str, Schema]) -> list[str]:
    """Name the JSON types of the values that may be added to a set marked `x-open`.

    Returns:
        Those of `string`, `integer` and `number` that its values have; none if it is not open.
    """
    if not schema.get("x-open"):
        return []
    found = list(leaves(schema, types))
    values = [one for leaf in found for one in [leaf.get("const"), *leaf.get("enum", ())]]
    kinds = {"string": str, "integer": int, "number": float}
    there: set[type[object]] = {type(one) for one in values}
    return [name for name, kind in kinds.items() if kind in there]


def deprecation(schema: Schema) -> str | bool:
    """Return the text of a schema's mark of deprecation, True without text, False unmarked."""
    if not schema.get("deprecated"):
        return False
    return str(schema.get("x-deprecated", "")) or True


def documented(schema: Schema, otherwise: str = "") -> str:
    """Return a schema's documentation, with what its mark of deprecation says at the end.

    Args:
        schema: The schema.
        otherwise: Documentation for one that has none.
    """
    text, mark = str(schema.get("description", "")) or otherwise, deprecation(schema)
    if mark is False:
        return text
    said = "Deprecated." if mark is True else f"Deprecated: {mark}"
    return f"{text}\n\n{said}" if text else said


def is_bytes(schema: Schema) -> bool:
    """Return True if the value is `bytes` in Python.

    Types that encode their bytes as text have other formats, such as `base64`: they are text for
    clients, in JSON and in MessagePack.
    """
    return schema.get("type") == "string" and schema.get("format") == "binary"


def bytes_text(schema: Schema) -> str:
    """Return the encoding of bytes in JSON: `"utf8"`, `"base64"` (URL alphabet) or `"hex"`."""
    return str(schema.get("x-bytes", "utf8"))


def fields(schema: Schema) -> Mapping[str, Schema]:
    """Return an object's declared fields in the order in which the model declares them."""
    properties: Mapping[str, Schema] = schema.get("properties", {})
    order = [key for key in schema.get("x-order", ()) if key in properties]
    return {key: properties[key] for key in dict.fromkeys([*order, *properties])}


def is_empty_object(schema: Schema) -> bool:
    """Return True if `{}` is the only value of a schema, apart from extra keys.

    A model without fields has `properties: {}`; a dictionary has no `properties`.
    """
    return (
        schema.get("type") == "object"
        and not schema.get("properties")
        and not schema.get("patternProperties")
        and not schema.get("additionalProperties")
        and ("properties" in schema or schema.get("additionalProperties") is False)
    )
