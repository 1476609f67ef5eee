"""Properties of Pydantic's core schemas that its JSON Schema generator does not read.

Core schemas are nested dicts, described in `pydantic_core.core_schema`. The keys that are read here
have been the same since Pydantic 2.10.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

from pydantic.json_schema import SkipJsonSchema

_SKIP: Final = cast("type[object]", SkipJsonSchema)
_FUNCTIONS: Final = ("pydantic_js_functions", "pydantic_js_annotation_functions")
_WRAPPERS: Final = frozenset(
    {"default", "nullable", "function-before", "function-after", "function-wrap"}
)


def hidden_only_from_input(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema without `SkipJsonSchema`, which hides values that are sent all the same."""
    metadata = cast("dict[str, Any]", schema.get("metadata") or {})
    shown = dict(metadata)
    for key in _FUNCTIONS:
        kept = [one for one in metadata.get(key, ()) if not _skips(one)]
        if len(kept) != len(metadata.get(key, ())):
            shown[key] = kept
    return schema if shown == metadata else {**schema, "metadata": shown}


def shown_if_required(field: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a field without `SkipJsonSchema` if input requires the field."""
    inner = field.get("schema")
    if inner is None or inner["type"] == "default" or field.get("required") is False:
        return field
    return {**field, "schema": hidden_only_from_input(inner)}


def formless(schema: Mapping[str, Any]) -> str | None:
    """Return words for a value that JSON cannot express; None where Pydantic's message is used."""
    match schema["type"]:
        case "callable":
            return "a function"
        case "is-subclass":
            return "a class"
        case "is-instance":
            return f"the class {getattr(schema['cls'], '__qualname__', schema['cls'])}"
        case "function-plain":
            return "what a PlainValidator without json_schema_input_type takes"
        case _:
            return None


def may_be_missing(schema: Mapping[str, Any]) -> bool:
    """Return True if a field's value may be Pydantic's `MISSING`, which is left out on output."""
    kind = schema["type"]
    if kind == "missing-sentinel":
        return True
    if kind in _WRAPPERS:
        return may_be_missing(schema["schema"])
    if kind == "union":
        return any(may_be_missing(_choice(choice)) for choice in schema["choices"])
    return False


def without_aliases(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema with fields that input knows by their own names only."""

    def bare(field: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in field.items() if key != "validation_alias"}

    fields: Any = schema["fields"]
    if isinstance(fields, list):
        return {**schema, "fields": [bare(one) for one in cast("list[dict[str, Any]]", fields)]}
    named = cast("dict[str, dict[str, Any]]", fields)
    return {**schema, "fields": {name: bare(one) for name, one in named.items()}}


def alias_problem(field: Mapping[str, Any]) -> str | None:
    """Return the reason why no client could send a field; None if clients can.

    The reason is an alias that only points into another value, by an `AliasPath`.
    """
    alias = field.get("validation_alias")
    if not isinstance(alias, list):
        return None
    paths = cast("list[object]", alias)
    choices = cast(
        "list[list[object]]", paths if all(isinstance(path, list) for path in paths) else [paths]
    )
    if any(len(path) == 1 and isinstance(path[0], str) for path in choices):
        return None
    return (
        f"its validation alias is the path {choices[0]!r} into another value, which a typed client "
        "cannot write; give it a name of its own, AliasChoices('name', AliasPath(...))"
    )


def other_names(
    fields: Mapping[str, Mapping[str, Any]], *, by_name: bool, incoming: bool
) -> dict[str, list[str]]:
    """Return the further names under which input accepts fields, by each field's own name.

    Args:
        fields: The fields by their Python names.
        by_name: True if input accepts the Python names too.
        incoming: True for a schema of input; a field's own name may differ on output.
    """
    found: dict[str, list[str]] = {}
    for name, field in fields.items():
        taken = _input_names(field.get("validation_alias")) or [name]
        own = taken[0] if incoming else str(field.get("serialization_alias") or name)
        others = {*taken, *([name] if by_name else [])} - {own}
        if others:
            found[own] = sorted(others)
    return found


def _input_names(alias: object) -> list[str]:
    """Return the names among a field's aliases; a path into another value is not a name."""
    if isinstance(alias, str):
        return [alias]
    paths = cast("list[object]", alias) if isinstance(alias, list) else []
    if not all(isinstance(path, list) for path in paths):
        paths = [paths]
    names = [cast("list[object]", path) for path in paths]
    return [path[0] for path in names if len(path) == 1 and isinstance(path[0], str)]


def tag_names(discriminator: Any) -> list[str]:
    """Return the names under which a tagged union looks for its tag."""
    if isinstance(discriminator, str):
        return [discriminator]
    if not isinstance(discriminator, list):
        return []
    paths = cast("list[list[str] | str]", discriminator)
    if all(isinstance(path, str) for path in paths):
        return cast("list[str]", paths) if len(paths) == 1 else []
    return [path[0] for path in paths if len(path) == 1]


def timezone_hint(schema: Mapping[str, Any]) -> dict[str, str]:
    """Return the hint for times that must have a time zone (`aware`) or must not (`naive`)."""
    constraint = schema.get("tz_constraint")
    if constraint is None:
        return {}
    return {"x-timezone": "naive" if constraint == "naive" else "aware"}


def _choice(choice: Any) -> Any:
    # A member of a union may be a pair of schema and label.
    return cast("tuple[Any, str]", choice)[0] if isinstance(choice, tuple) else choice


def _skips(function: object) -> bool:
    return isinstance(getattr(function, "__self__", None), _SKIP)
