"""Shapes: descriptions of where bytes occur in a payload, to convert them from and to JSON.

MessagePack carries bytes as they are; JSON carries text. Only types that hold bytes get a shape,
so a contract without bytes has no such tables.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from bytesocket_cli.codegen.names import event_literal, literal, property_key
from bytesocket_cli.codegen.schema import (
    Document,
    Schema,
    bytes_text,
    is_bytes,
    is_list,
    is_object,
    ref_name,
    resolved,
)

Shape: TypeAlias = str | dict[str, Any]


class Shapes:
    """Shapes of one contract's types.

    Args:
        types: The contract's `types`.
    """

    def __init__(self, types: Mapping[str, Schema]) -> None:
        self._types = types
        self._holding = self._holders()

    def of(self, schema: Schema | None) -> Shape | None:
        """Return the shape of a schema's values, or None if they hold no bytes.

        A shape is the encoding of bytes (`"utf8"`, `"base64"`, `"hex"`), `"#Name"` of a named
        shape, or an object with `fields` (by key), `rest` (all other keys), `items` (all
        elements), `tuple` (by position) or `any` (of several shapes, the first that fits; a
        shape fits by its `when`, tag values by key, and its `needs`, keys that must be there).
        """
        if schema is None:
            return None
        name = ref_name(schema)
        if name is not None:
            return f"#{name}" if name in self._holding else None
        if is_bytes(schema):
            return bytes_text(schema)
        for keyword in ("anyOf", "oneOf", "allOf"):
            if keyword in schema:
                return self._union(schema[keyword])
        return self._container(schema)

    def named(self) -> dict[str, Shape]:
        """Return the shape of each named type that holds bytes."""
        shapes = {name: self.of(self._types[name]) for name in sorted(self._holding)}
        return {name: shape for name, shape in shapes.items() if shape is not None}

    def _container(self, schema: Schema) -> Shape | None:
        """Return the shape of an object or a list."""
        properties: Mapping[str, Schema] = schema.get("properties", {})
        fields = _present(properties, self.of)
        prefix = [self.of(item) for item in schema.get("prefixItems", ())]
        extra = [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]
        rest = next((s for one in extra if is_object(one) and (s := self.of(one))), None)
        if rest is not None:  # which declared fields without bytes are not part of
            fields = {key: fields.get(key, {}) for key in properties}
        items = schema.get("items")
        parts = {
            "fields": fields or None,
            "rest": rest,
            "items": self.of(items) if is_object(items) else None,
            "tuple": prefix if any(prefix) else None,
        }
        shape = {key: value for key, value in parts.items() if value is not None}
        return shape or None

    def _union(self, branches: list[Schema]) -> Shape | None:
        """Return the shape of a union: each branch with bytes, with conditions to recognize it."""
        shapes = [self._guarded(branch, shape) for branch in branches if (shape := self.of(branch))]
        others = [branch for branch in branches if branch.get("type") != "null"]
        if len(others) == 1:
            return self.of(others[0])
        return {"any": shapes} if shapes else None

    def _guarded(self, branch: Schema, shape: Shape) -> Shape:
        """Add the tags and keys by which a branch that is an object is recognized."""
        target = resolved(branch, self._types)
        properties = target.get("properties", {})
        when = {key: [s["const"]] for key, s in properties.items() if "const" in s}
        when |= {key: s["enum"] for key, s in properties.items() if "enum" in s}
        needs = [key for key in target.get("required", ()) if key not in when]
        guards = {"when": when, "needs": needs}
        present = {key: value for key, value in guards.items() if value}
        return {"any": [shape], **present} if present else shape

    def _holders(self) -> set[str]:
        """Return the names of types that hold bytes, directly or in a type that they refer to."""
        referred: dict[str, set[str]] = {name: set() for name in self._types}
        holding: set[str] = set()
        for name, schema in self._types.items():
            for part in _parts(schema):
                target = ref_name(part)
                if target is not None:
                    referred.setdefault(target, set()).add(name)
                elif is_bytes(part):
                    holding.add(name)
        waiting = list(holding)
        while waiting:
            fresh = referred[waiting.pop()] - holding
            holding |= fresh
            waiting += fresh
        return holding


def _parts(schema: object) -> Iterator[Schema]:
    """Yield a schema and all schemas inside it; references are not followed."""
    if is_list(schema):
        for one in schema:
            yield from _parts(one)
    elif is_object(schema):
        yield schema
        if ref_name(schema) is not None:
            return
        for keyword in _NESTED:
            yield from _parts(schema.get(keyword))
        for keyword in _BY_KEY:
            for one in schema.get(keyword, {}).values():
                yield from _parts(one)


_NESTED = ("items", "prefixItems", "anyOf", "oneOf", "allOf", "additionalProperties")
_BY_KEY = ("properties", "patternProperties")


def bytes_tables(document: Document) -> str:
    """Write the tables that the code in `bytes.ts` reads; nothing if there are no bytes.

    Returns:
        Lines of `name: value,` for an object literal: `shapes` by type name, then `sent` and
        `arriving`, lists of `[event, shape]`. Credentials are sent by no event. Replies arrive as
        `[event, shape, room pattern]`, the data of refusals as `[code, shape, null]`. Entries of a
        room with presence, and changes of them, have its pattern and no event.
    """
    shapes = Shapes(document["types"])
    auth: Mapping[str, Any] = document["auth"] or {}
    sent: list[str] = []
    arriving: list[str] = []
    _add(sent, "undefined", shapes.of(auth.get("credentials")))
    for event in document["events"]:
        name = event_literal(event["name"])
        _add(sent, name, shapes.of(event["input"]))
        _add(arriving, name, shapes.of(event["output"]))
        _add(arriving, name, shapes.of(event["reply"]), "")
    for room in document["rooms"]:
        for event in room["client_events"]:
            name = event_literal(event["name"])
            _add(arriving, name, shapes.of(event["reply"]), room["pattern"])
        entry = shapes.of(room.get("presence", {}).get("entry"))
        _add(arriving, "undefined", entry, room["pattern"])
        _add(sent, "undefined", entry, room["pattern"])
    for code, refusal in document["refusals"].items():
        _add(arriving, literal(code), shapes.of(refusal["data"]), None)
    if not (sent or arriving):
        return ""
    tables = {"sent": sent, "arriving": arriving}
    named = "".join(
        f"      {property_key(key)}: {_written(s)},\n" for key, s in shapes.named().items()
    )
    return f"    shapes: {{\n{named}    }},\n" + "".join(
        f"    {key}: [{', '.join(entries)}],\n" for key, entries in tables.items()
    )


def _add(table: list[str], name: str, shape: Shape | None, *place: str | None) -> None:
    if shape is not None:
        table.append(f"[{', '.join([name, _written(shape), *map(literal, place)])}]")


def _written(shape: Any) -> str:
    """Write a shape as a literal; `fields` gets no prototype, whose keys would be found in it."""
    if is_list(shape):
        return f"[{', '.join(map(_written, shape))}]"
    if not is_object(shape):
        return literal(shape)
    parts = [
        f"{key}: {_fields(part) if key == 'fields' else _written(part)}"
        for key, part in shape.items()
        if key not in _GUARDS
    ]
    parts += [f"{key}: {literal(part)}" for key, part in shape.items() if key in _GUARDS]
    return f"{{ {', '.join(parts)} }}"


def _fields(fields: Mapping[str, Shape]) -> str:
    entries = [f"{property_key(key)}: {_written(shape)}" for key, shape in fields.items()]
    if "__proto__" not in fields:
        return f"{{ {', '.join(['__proto__: null', *entries])} }}"
    # TypeScript takes the prototype and that field for one property.
    return f"Object.assign(Object.create(null), {{ {', '.join(entries)} }})"


_GUARDS = frozenset({"when", "needs"})
"""Parts of a shape that hold values and keys of payloads."""


def _present(
    schemas: Mapping[str, Schema], shape: Callable[[Schema], Shape | None]
) -> dict[str, Shape]:
    shapes = {key: shape(schema) for key, schema in schemas.items()}
    return {key: found for key, found in shapes.items() if found is not None}
