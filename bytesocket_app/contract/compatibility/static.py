"""Types that generated Python code has for a schema, as far as assignments tell them apart.

TypeScript tells fewer types apart: each kind of text is `string` there, and each number `number`.
"""

from collections.abc import Iterator
from typing import Final, cast

from bytesocket_app.contract.compatibility.forms import Types, kind, values
from bytesocket_app.contract.compatibility.levels import Way
from bytesocket_app.contract.shape import Schema, compact

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
_DEEP: Final = 8
"""Tuples inside of tuples that are looked into."""

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


def python_type(types: Types, schema: Schema) -> str:
    """Return the types of a schema in words: `list | None`."""
    return " | ".join(dict.fromkeys(_names(types, schema)))


def is_reshaped(old: Types, before: Schema, new: Types, after: Schema) -> bool:
    """Return True if a checker refuses a list of the one type where one of the other is asked for.

    What may be changed in place, a list, a set or a mapping, has to have items of that very type.
    """
    olds, news = sorted(_exact(old, before)), sorted(_exact(new, after))
    return olds != news and "Any" not in {*olds, *news}


def _exact(types: Types, schema: Schema, depth: int = 0) -> Iterator[str]:
    """Yield the types of a schema, with the values of literals and the items of tuples.

    A set of values that has a name has it in code, too, whatever its values are. Models are
    counted: another name is a finding of its own.
    """
    found: dict[str, str] = {}
    for member in types.leaves(schema):
        name, leaf = types.resolved(member)
        if kind(leaf) == "object" and "properties" in leaf:
            yield "model"
        elif kind(leaf) == "enum" and name is None:
            found.update((compact(value), type(value).__name__) for value in values(leaf))
            kinds = {type(value).__name__ for value in values(leaf)} if leaf.get("x-open") else ()
            found.update((what, what) for what in kinds)
        elif "prefixItems" in leaf and name is None and depth < _DEEP:
            items = (sorted(_exact(types, one, depth + 1)) for one in leaf["prefixItems"])
            found[compact([*items])] = "tuple"
        else:
            found.update((one, one) for one in _of_leaf(types, leaf))
    if {"true", "false"} <= found.keys():
        found["bool"] = "bool"
    # A literal beside its own type says nothing, nor does an int beside float.
    yield from (
        one
        for one, what in found.items()
        if (one == what or what not in found) and not (what == "int" and "float" in found)
    )


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
    both = {True, False} == {value for value in found if isinstance(value, bool)}
    for one in kinds:
        if one == "bool" and both and not is_enum:
            yield "bool"  # to checkers the same
        elif not is_enum:
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
