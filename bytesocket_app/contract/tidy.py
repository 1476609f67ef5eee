"""Conversion of raw schemas to the document's shape: cleaned, ordered, unions simplified.

Removes all dependence on the process and on the order of imports: members of unions and of
`Literal` are sorted, as `typing` caches the order in which a type was first written.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, cast

from bytesocket_app.contract.shape import REF_PREFIX, Schema, compact, mapped, sorted_members

Resolve = Callable[[Schema], Schema]
"""Function that follows a schema's `$ref` chain to the raw schema at its end."""

_NUMBERS: Final = frozenset(
    {"exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"}
)


def tidied(schema: Schema, *, outgoing: bool, resolve: Resolve) -> Schema:
    """Return a raw schema in the document's shape; references and union order are unchanged.

    Args:
        schema: The schema from the generator.
        outgoing: True for a schema of output, where defaults have no meaning.
        resolve: Function that follows references among the raw schemas.
    """
    result = mapped(schema, lambda inner: tidied(inner, outgoing=outgoing, resolve=resolve))
    for key in ("title", "x-allow"):  # the latter is for `events.lint` only
        result.pop(key, None)
    if "default" in result:
        default = result.pop("default")
        # A secret's default is written as asterisks, which is of no use.
        if not outgoing and result.get("format") != "password":
            result["default"] = _steady(default, schema, resolve)
    _settle_limits(result)
    if "properties" in result:
        _order_properties(result)
    if result.get("format") != "binary":
        # A type that writes its bytes as text (Base64Bytes) is plain text with either codec.
        for hint in ("x-bytes", "x-min-bytes", "x-max-bytes"):
            result.pop(hint, None)
    if "enum" in result and "x-enum-names" not in result:
        result["enum"] = sorted(result["enum"], key=compact)
    if "oneOf" in result and "discriminator" in result:
        _settle_tag(result, outgoing=outgoing, resolve=resolve)
    return result


def renamed(schema: Schema, names: Callable[[str], str]) -> Schema:
    """Return a schema with its references renamed, and its unions sorted accordingly."""
    result = mapped(schema, lambda inner: renamed(inner, names))
    ref = result.get("$ref")
    if isinstance(ref, str) and ref.startswith(REF_PREFIX):
        result["$ref"] = REF_PREFIX + names(ref.removeprefix(REF_PREFIX))
    for union in ("anyOf", "oneOf"):
        if isinstance(result.get(union), list):
            before = result[union]
            result[union] = sorted_members(before)
            if "x-first-match" in result:
                tried = dict.fromkeys(compact(before[place]) for place in result["x-first-match"])
                places = {compact(member): place for place, member in enumerate(result[union])}
                result["x-first-match"] = [places[text] for text in tried]
    return result


def _settle_limits(schema: Schema) -> None:
    """Write limits as JSON Schema has them, which some versions of Pydantic do not.

    From 2.11 on, a `Decimal` as the limit of an int or a float stays one, and up to 2.13 the limit
    of a deque is that of a text.
    """
    for key in _NUMBERS & schema.keys():
        limit = schema[key]
        if isinstance(limit, Decimal):
            schema[key] = int(limit) if limit == limit.to_integral_value() else float(limit)
    if schema.get("type") == "array":
        for wrong, right in (("minLength", "minItems"), ("maxLength", "maxItems")):
            if wrong in schema:
                schema[right] = schema.pop(wrong)


def _order_properties(schema: Schema) -> None:
    names = list(cast("Mapping[str, Any]", schema["properties"]))
    if names != sorted(names):
        schema["x-order"] = names
    if "required" in schema:
        schema["required"] = sorted(schema["required"])


def _steady(value: object, schema: Schema, resolve: Resolve) -> object:
    """Return a default with its sets sorted, whose order depends on the hash seed."""
    schema = resolve(schema)
    for member in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        value = _steady(value, member, resolve)
    if isinstance(value, list):
        inner = schema.get("items")
        items = cast("list[object]", value)
        if isinstance(inner, dict):
            items = [_steady(item, cast("Schema", inner), resolve) for item in items]
        return sorted(items, key=compact) if schema.get("uniqueItems") else items
    if isinstance(value, dict):
        named = cast("Mapping[str, Schema]", schema.get("properties", {}))
        rest = schema.get("additionalProperties")
        other = cast("Schema", rest) if isinstance(rest, dict) else {}
        pairs = cast("dict[str, object]", value).items()
        return {key: _steady(item, named.get(key, other), resolve) for key, item in pairs}
    return value


def _settle_tag(union: Schema, *, outgoing: bool, resolve: Resolve) -> None:
    """Flatten nested unions, find the tag, and make it required in the union.

    A union needs the tag even if a member has a default for it. Without a tag that all members
    share, as with a callable discriminator, the union is a plain one.
    """
    branches = [flat for branch in union.pop("oneOf") for flat in _flat(branch)]
    candidates = cast("list[str]", union.pop("discriminator").get("candidates", []))
    leaves = [list(_objects(branch, resolve)) for branch in branches]
    tag = _tag(candidates, [leaf for group in leaves for leaf in group], outgoing=outgoing)
    if tag is None:
        union["anyOf"] = branches
        return
    for index, group in enumerate(leaves):
        if any(tag not in leaf.get("required", ()) for leaf in group):
            demanded = {*branches[index].get("required", ()), tag}
            branches[index] = branches[index] | {"required": sorted(demanded)}
    union["oneOf"] = branches
    union["discriminator"] = {"propertyName": tag}


def _flat(branch: Schema) -> Iterator[Schema]:
    for union in ("oneOf", "anyOf"):
        if union in branch:
            for inner in branch[union]:
                yield from _flat(inner)
            return
    yield branch


def _objects(branch: Schema, resolve: Resolve) -> Iterator[Schema]:
    """Yield the object schemas of a branch, following references and unions."""
    found = resolve(branch)
    members = cast("list[Schema] | None", found.get("oneOf") or found.get("anyOf"))
    if members is None:
        yield found
        return
    for member in members:
        yield from _objects(member, resolve)


def _tag(candidates: list[str], leaves: list[Schema], *, outgoing: bool) -> str | None:
    for name in candidates:
        if all(name in leaf.get("properties", {}) for leaf in leaves):
            return name
    if not outgoing or not candidates or not leaves:
        return None
    # Pydantic gives the tag's name on input only; on output it may have another alias.
    first = cast("Mapping[str, Schema]", leaves[0].get("properties", {}))
    for name in sorted(first):
        tags = [_constants(leaf.get("properties", {}).get(name, {})) for leaf in leaves]
        if all(tags) and len(set[str]().union(*tags)) == sum(map(len, tags)):
            return name
    return None


def _constants(schema: Schema) -> set[str]:
    if "const" in schema:
        return {compact(schema["const"])}
    return {compact(value) for value in schema.get("enum", ())}
