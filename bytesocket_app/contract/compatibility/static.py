"""Types that generated Python code has for a schema, as far as assignments tell them apart.

TypeScript tells fewer types apart: each kind of text is `string` there, and each number `number`.
"""

from collections.abc import Iterator
from typing import Final, cast

from bytesocket_app.contract.compatibility.forms import Types, kind, values
from bytesocket_app.contract.compatibility.levels import Way
from bytesocket_app.contract.shape import Schema

TEXT: Final = "str"
"""Class of text whose form no client knows: an address, for instance."""

_CLASSES: Final = {
    "date": "date",
    "date-time": "datetime",
    "duration": "timedelta",
    "time": "time",
    "uuid": "UUID",
    **{f"uuid{version}": "UUID" for version in range(1, 9)},
}
_SCALARS: Final = {
    "null": "None",
    "boolean": "bool",
    "integer": "int",
    "flags": "int",
    "number": "float",
    "bytes": "bytes",
}
_ASSIGNABLE: Final = frozenset(
    {
        *(("bool", "int"), ("bool", "float"), ("int", "float"), ("datetime", "date")),
        *(("literal str", "str"), ("literal int", "int"), ("literal int", "float")),
        *(("literal bool", "bool"), ("literal bool", "int"), ("literal bool", "float")),
        *(("enum str", "str"), ("enum int", "int"), ("enum int", "float")),
    }
)
_HASHABLE: Final = frozenset({"string", "integer", "number", "boolean", "bytes", "flags", "enum"})


def text_class(schema: Schema) -> str:
    """Return the class of text: `str` unless the client reads its form."""
    if schema.get("x-type") == "decimal":
        return "Decimal"
    return _CLASSES.get(str(schema.get("format")), TEXT)


def is_retyped(old: Types, before: Schema, new: Types, after: Schema, way: Way) -> bool:
    """Return True if a checker refuses code for the one type where the other takes its place.

    Types inside of lists, mappings and models are not looked at.
    """
    olds, news = set(_names(old, before)), set(_names(new, after))
    sent, taken = (olds, news) if way is Way.C2S else (news, olds)
    return not all(any(_is_assignable(one, other) for other in taken) for one in sent)


def _is_assignable(one: str, other: str) -> bool:
    return one == other or "Any" in {one, other} or (one, other) in _ASSIGNABLE


def _names(types: Types, schema: Schema) -> Iterator[str]:
    for member in types.leaves(schema):
        _, found = types.resolved(member)
        yield from _of_leaf(types, found)


def _of_leaf(types: Types, schema: Schema) -> Iterator[str]:
    what = kind(schema)
    if schema.get("x-type") == "decimal":
        yield "Decimal"
    elif what == "string":
        yield text_class(schema)
    elif what == "enum":
        yield from _of_set(schema)
    elif what == "array":
        yield _array(types, schema)
    elif what == "object":
        yield "model" if "properties" in schema else "dict"
    else:
        yield _SCALARS.get(what, "Any")


def _of_set(schema: Schema) -> Iterator[str]:
    found = values(schema)
    kinds = [type(value).__name__ for value in found]
    is_enum = len(schema.get("x-enum-names", ())) == len(found) > 0 and set(kinds) <= {
        *("str", "int", "float", "bool")
    }
    if is_enum:
        yield f"enum {kinds[0]}" if len(set(kinds)) == 1 else "enum"
    for one in kinds:
        if not is_enum:
            yield f"literal {one}" if one in {"str", "int", "bool"} else _value(one)
        if schema.get("x-open"):
            yield one


def _value(kind_of_value: str) -> str:
    return {"NoneType": "None", "float": "float"}.get(kind_of_value, "Any")


def _array(types: Types, schema: Schema) -> str:
    is_open = schema.get("items") is not False and "maxItems" not in schema
    if schema.get("maxItems") == 0 or ("prefixItems" in schema and not is_open):
        return "tuple"
    items = schema.get("items")
    if "prefixItems" in schema or not schema.get("uniqueItems") or not isinstance(items, dict):
        return "list"
    _, found = types.resolved(cast("Schema", items))
    return "set" if kind(found) in _HASHABLE else "list"
