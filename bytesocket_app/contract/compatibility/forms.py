"""Normal forms of schemas: references followed, unions flattened, kinds named."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from bytesocket_app.contract.shape import ANNOTATIONS, REF_PREFIX, Schema, compact

UNRESTRICTING: Final = ANNOTATIONS | {"default", "x-unknown", "contentMediaType", "$ref"}
"""Keywords that do not restrict the values, or are compared elsewhere."""

_KINDS: Final = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_UNIONS: Final = ("anyOf", "oneOf")
_OUTSIDE: Final = UNRESTRICTING | {"anyOf", "oneOf", "discriminator"}
_VALUED: Final = frozenset({"const", "enum", "type", "x-enum-names"})


@dataclass(frozen=True, slots=True)
class Types:
    """The named types of one document."""

    named: Mapping[str, Schema]

    def resolved(self, schema: Schema) -> tuple[str | None, Schema]:
        """Follow a schema's references.

        Returns:
            The name of the last type in the chain, and its schema, merged with the keywords beside
            the references.
        """
        name: str | None = None
        seen: set[str] = set()
        while (ref := reference(schema)) is not None and ref not in seen:
            seen.add(ref)
            name = ref
            schema = _overlaid(self.named.get(ref, {}), schema)
        return name, {key: value for key, value in schema.items() if key != "$ref"}

    def leaves(self, schema: Schema) -> list[Schema]:
        """Return the members of a union, flattened, and no union as its only member."""
        return list(self._flat(schema, frozenset()))

    def members(self, schema: Schema) -> list[Schema]:
        """Return the members of a union, flattened, with null last.

        Sets of values are joined into one member. A member that accepts any value is returned
        alone. A schema that is no union is its only member.
        """
        flat = self.leaves(schema)
        anything = [member for member in flat if kind(self.resolved(member)[1]) == "any"]
        if anything:
            return anything[:1]
        unique = {compact(member): member for member in flat}
        sets = [one for one in unique.values() if kind(self.resolved(one)[1]) == "enum"]
        rest = [one for one in unique.values() if one not in sets]
        if len(sets) > 1:
            sets = [_joined([self.resolved(one)[1] for one in sets])]
        return [part for one in (*rest, *sets) for part in self._without_null(one)]

    def _without_null(self, member: Schema) -> list[Schema]:
        """Separate null from a set of values."""
        _, found = self.resolved(member)
        pairs = [pair for pair in _named(found) if pair[0] is not None]
        if len(pairs) == len(values(found)):
            return [member]
        if not pairs:
            return [{"type": "null"}]
        return [_valued(found, pairs), {"type": "null"}]

    def _flat(self, schema: Schema, seen: frozenset[str]) -> Iterator[Schema]:
        name, found = self.resolved(schema)
        union = next((key for key in _UNIONS if isinstance(found.get(key), list)), None)
        if union is None or name in seen:
            kinds = found.get("type")
            if isinstance(kinds, list):
                for one in cast("list[str]", kinds):
                    yield {**found, "type": one}
            else:
                yield schema
            return
        within = seen | ({name} if name else set[str]())
        # Keywords beside a union apply to its members: the limits of a decimal, for instance.
        beside = {key: value for key, value in found.items() if key not in _OUTSIDE}
        for member in cast("list[Schema]", found[union]):
            yield from self._flat(_overlaid(member, beside), within)


def kind(schema: Schema) -> str:
    """Return the kind of a resolved schema.

    Returns:
        A type of JSON Schema, or `any`, `bytes`, `enum`, `flags`, or `other` for a schema of
        unknown keywords.
    """
    if "const" in schema or "enum" in schema:
        return "enum"
    if "x-flags" in schema:
        return "flags"
    said = schema.get("type")
    if said == "string" and schema.get("format") == "binary":
        return "bytes"
    if isinstance(said, str):
        return said if said in _KINDS else "other"
    if "properties" in schema:
        return "object"
    return "other" if schema.keys() - UNRESTRICTING - {"x-open", "x-strict"} else "any"


def values(schema: Schema) -> list[Any]:
    """Return the values of a `const` or an `enum`."""
    return [schema["const"]] if "const" in schema else list(schema.get("enum", ()))


def words(schema: Schema, name: str | None = None) -> str:
    """Return a readable name of a type: `Post`, `string (uuid)`, `integer`."""
    if name:
        return name
    ref = reference(schema)
    if ref is not None:
        return ref
    what = kind(schema)
    if what == "enum":
        return " | ".join(compact(value) for value in values(schema)[:4])
    form = schema.get("format")
    if what == "string" and form:
        return f"string ({form})"
    if what == "array" and "prefixItems" in schema:
        return "tuple"
    return what


def reference(schema: Schema) -> str | None:
    """Return the name of the type that a schema refers to, or None."""
    ref = schema.get("$ref")
    if isinstance(ref, str) and ref.startswith(REF_PREFIX):
        return ref.removeprefix(REF_PREFIX)
    return None


def _overlaid(below: Schema, above: Schema) -> Schema:
    """Merge the keywords beside a reference into its type; `required` is combined."""
    merged = {**below, **{key: value for key, value in above.items() if key != "$ref"}}
    if "required" in below and "required" in above:
        merged["required"] = sorted({*below["required"], *above["required"]})
    return merged


def _joined(sets: list[Schema]) -> Schema:
    opened: Schema = {"x-open": True} if any(one.get("x-open") for one in sets) else {}
    return _valued(opened, [pair for one in sets for pair in _named(one)])


def _named(schema: Schema) -> list[tuple[Any, str]]:
    """Return the values of a set with the names of their constants, "" without names."""
    found = values(schema)
    names = list(schema.get("x-enum-names", ()))
    return list(zip(found, names if len(names) == len(found) else [""] * len(found), strict=True))


def _valued(schema: Schema, pairs: list[tuple[Any, str]]) -> Schema:
    rest = {key: inner for key, inner in schema.items() if key not in _VALUED}
    rest["enum"] = [value for value, _ in pairs]
    return rest | (
        {"x-enum-names": [name for _, name in pairs]} if all(n for _, n in pairs) else {}
    )
