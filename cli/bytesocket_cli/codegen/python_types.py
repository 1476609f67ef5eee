"""Python annotations for JSON Schemas.

Schemas are the contract's, with its `x-` hints. Lengths, bounds and patterns are left to the
server: a client that checks them itself breaks when they are loosened.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from bytesocket_app.contract.shape import each_schema
from bytesocket_cli.codegen.python_names import literal
from bytesocket_cli.codegen.schema import (
    Schema,
    bytes_text,
    is_bytes,
    open_kinds,
    ref_name,
    resolved,
)

ANYTHING = "_t.Any"
_SCALARS = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
}
_FORMATS = {
    "date": "_dt.date",
    "date-time": "_dt.datetime",
    "duration": "_dt.timedelta",
    "time": "_dt.time",
    "uuid": "_uuid.UUID",
    "uuid1": "_uuid.UUID",
    "uuid3": "_uuid.UUID",
    "uuid4": "_uuid.UUID",
    "uuid5": "_uuid.UUID",
    "uuid6": "_uuid.UUID",
    "uuid7": "_uuid.UUID",
    "uuid8": "_uuid.UUID",
}
_BYTES = {"utf8": "bytes", "base64": "_bs.Base64Bytes", "hex": "_bs.HexBytes"}
_CHAINED = 100
_HASHABLE = frozenset({"string", "integer", "number", "boolean"})


def walk(schemas: Iterable[Schema]) -> Iterator[Schema]:
    """Yield schemas and all schemas inside them, without following references."""
    waiting = list(schemas)
    while waiting:
        schema = waiting.pop()
        yield schema
        waiting.extend(each_schema(dict(schema)))


def reached(schemas: Iterable[Schema], types: Mapping[str, Schema]) -> set[str]:
    """Return the contract names of the types that schemas refer to, directly or indirectly."""
    found: set[str] = set()
    waiting = list(schemas)
    while waiting:
        for schema in walk([waiting.pop()]):
            name = ref_name(schema)
            if name is not None and name not in found:
                found.add(name)
                waiting.append(types.get(name, {}))
    return found


def has_fields(schema: Schema) -> bool:
    """Return True if a schema becomes a class: an object with `properties`, even empty ones."""
    return "properties" in schema and schema.get("type", "object") == "object"


def is_enum(schema: Schema) -> bool:
    """Return True if a schema becomes an enum: named members with text or number values."""
    names: Sequence[str] = schema.get("x-enum-names", ())
    values: Sequence[object] = schema.get("enum", ())
    return len(names) == len(values) > 0 and all(
        isinstance(value, str | int | float) for value in values
    )


class AnnotationWriter:
    """Writer of one contract's annotations.

    Args:
        types: The contract's `types`.
        names: Mapping from the contract name of each type to its Python class name.
    """

    def __init__(self, types: Mapping[str, Schema], names: Mapping[str, str]) -> None:
        self._types = types
        self._names = names

    def annotation(self, schema: Schema | bool) -> str:  # noqa: FBT001
        """Write the type of a schema.

        Args:
            schema: The schema, which may be `true` or `false` in JSON Schema.
        """
        members = list(dict.fromkeys(self._alternatives(schema)))
        return ANYTHING if ANYTHING in members else _union(members)

    def references(self, schema: Schema) -> set[str]:
        """Return the contract names of the types that a schema refers to."""
        return {name for inner in walk([schema]) if (name := ref_name(inner)) is not None}

    def _alternatives(self, schema: Schema | bool) -> list[str]:  # noqa: FBT001
        """Write the members of a schema's union; most schemas have one member."""
        if isinstance(schema, bool):
            return [ANYTHING if schema else "_t.Never"]
        others = [_SCALARS[kind] for kind in open_kinds(schema, self._types)]
        if not others:
            return self._known(schema)
        # From left to right: what is a member of the enum stays one.
        union = _union([*self._known(schema), *others])
        return [f'_t.Annotated[{union}, _p.Field(union_mode="left_to_right")]']

    def _known(self, schema: Schema) -> list[str]:
        """Write the members that the contract lists."""
        name = ref_name(schema)
        if name is not None:
            return [self._names[name]]
        if schema.get("x-type") == "decimal":
            return ["_decimal.Decimal"]
        for keyword in ("oneOf", "anyOf"):
            if keyword in schema:
                return [text for one in schema[keyword] for text in self._alternatives(one)]
        if "allOf" in schema:
            return self._alternatives(schema["allOf"][0])
        values = [schema["const"]] if "const" in schema else schema.get("enum")
        return self._by_type(schema) if values is None else _literals(values)

    def _by_type(self, schema: Schema) -> list[str]:
        """Write the type of a schema by its keyword `type`."""
        kind = schema.get("type")
        if isinstance(kind, list):
            kinds = cast("list[str]", kind)
            return [text for one in kinds for text in self._by_type({**schema, "type": one})]
        if kind == "array":
            return self._array(schema)
        if kind == "object" or "properties" in schema:
            return [self._mapping(schema)]
        if is_bytes(schema):
            return [_BYTES[bytes_text(schema)]]
        if kind == "string":
            return [_FORMATS.get(str(schema.get("format")), "str")]
        if "x-inf-nan" in schema:
            return ["_bs.AnyFloat"]
        return [_SCALARS.get(str(kind), ANYTHING)]

    def _array(self, schema: Schema) -> list[str]:
        """Write a list, a set of scalars, or a tuple if the items have separate types."""
        prefix: Sequence[Schema] = schema.get("prefixItems", ())
        items = schema.get("items", True)
        if prefix:
            return self._tuples(schema, prefix)
        if schema.get("maxItems") == 0:
            return ["tuple[()]"]
        item = self.annotation(items)
        is_set = bool(schema.get("uniqueItems")) and self._is_hashable(items)
        return [f"set[{item}]" if is_set else f"list[{item}]"]

    def _tuples(self, schema: Schema, prefix: Sequence[Schema]) -> list[str]:
        items = [self.annotation(item) for item in prefix]
        most = schema.get("maxItems")
        if most is None and schema.get("items", True) is not False:
            return ["list[_t.Any]"]
        least = schema.get("minItems", 0)
        return [
            f"tuple[{', '.join(items[:count]) or '()'}]" for count in range(least, len(items) + 1)
        ]

    def _is_hashable(self, schema: Schema | bool) -> bool:  # noqa: FBT001
        if isinstance(schema, bool):
            return False
        found = resolved(schema, self._types)
        return "const" in found or "enum" in found or found.get("type") in _HASHABLE

    def _mapping(self, schema: Schema) -> str:
        """Write a dictionary; the type of its keys comes from a hint."""
        if "properties" in schema and not schema["properties"]:
            return "dict[str, _t.Never]"
        values: list[Schema | bool] = list(schema.get("patternProperties", {}).values())
        extra = schema.get("additionalProperties", not values)
        values += [extra] if extra is not False else []
        if not values or "properties" in schema:
            return "dict[str, _t.Any]"
        value = self.annotation({"anyOf": values} if len(values) > 1 else values[0])
        return f"dict[{self._key(schema)}, {value}]"

    def _number_key(self, key: Schema) -> str | None:
        """Write the kinds of keys of which a few are numbers: text is read as no `Literal`."""
        found = resolved(key, self._types)
        values: list[Any] = [found["const"]] if "const" in found else list(found.get("enum", ()))
        kinds = {_kind(value) for value in values}
        if kinds <= {"str"} or (kinds == {"int"} and is_enum(found)):
            return None
        return _union(sorted(kinds))

    def _key(self, schema: Schema) -> str:
        if "x-key" in schema:
            return self._number_key(schema["x-key"]) or self.annotation(schema["x-key"])
        keys = schema.get("propertyNames")
        return self.annotation(keys) if keys and ("enum" in keys or "const" in keys) else "str"


def _literals(values: Sequence[Any]) -> list[str]:
    """Write the type that has these values; fractions become `float`, as no literal can be one."""
    known = [value for value in values if isinstance(value, str | int | bool)]
    other = [value for value in values if not isinstance(value, str | int | bool)]
    literals = ", ".join(literal(value) for value in known)
    texts = [f"_t.Literal[{literals}]"] if known else []
    texts += [_by_value(value) for value in other]
    return texts or ["_t.Never"]


def _kind(value: object) -> str:
    return type(value).__name__


def _by_value(value: object) -> str:
    if value is None:
        return "None"
    return "float" if isinstance(value, float) else "_t.Any"


def _union(members: Sequence[str]) -> str:
    """Write a union, None last; a long one as `Union`, as pyright does not read long `A | B`."""
    some = [member for member in members if member != "None"]
    first = [f"_t.Union[{', '.join(some)}]"] if len(some) > _CHAINED else some
    return " | ".join([*first, *(["None"] if len(some) < len(members) else [])])
