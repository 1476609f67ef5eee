"""Kinds of JSON values that types have: null, objects, text; and null that a default sends."""

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any, Final, TypeAlias

from bytesocket_app.events.core_schemas import choices
from bytesocket_app.events.serializing import opaque_serializer

Definitions: TypeAlias = Mapping[str, Any]
"""The schemas that a core schema refers to, by reference."""

_OBJECTS: Final = frozenset({"dataclass", "dataclass-args", "dict", "model-fields", "typed-dict"})
_TEXTS: Final = frozenset(
    {
        *("complex", "date", "datetime", "decimal", "fraction", "multi-host-url", "str", "time"),
        *("timedelta", "url", "uuid"),
    }
)
_ANYTHING: Final = frozenset({"any", "function-plain", "none", "nullable"})
_INNER: Final[Mapping[str, str]] = {
    **dict.fromkeys(("custom-error", "default", "definitions", "json", "model"), "schema"),
    **dict.fromkeys(("function-after", "function-before", "function-wrap"), "schema"),
    "json-or-python": "json_schema",
    "lax-or-strict": "lax_schema",
}
"""Key of the schema that a schema wraps."""


def definitions_of(schema: Any) -> Definitions:
    """Return the schemas that a type's core schema refers to."""
    if schema["type"] != "definitions":
        return {}
    return {one["ref"]: one for one in schema["definitions"]}


def takes_null(schema: Any, definitions: Definitions) -> bool:
    """Return True if null is a value of the type, or if a function decides."""
    return any(map(_is_null, _ends(schema, definitions)))


def reads_objects(schema: Any, definitions: Definitions) -> bool:
    """Return True if every value of the type is an object, so that null is none."""
    ends = list(_ends(schema, definitions, taken=True))
    return bool(ends) and all(end["type"] in _OBJECTS for end in ends)


def writes_text(schema: Any, definitions: Definitions) -> bool:
    """Return True if values of the type may be text in JSON."""
    return any(
        end["type"] in _TEXTS or any(isinstance(one, str) for one in _constants(end))
        for end in _ends(schema, definitions)
    )


def null_by_default(schema: Any, definitions: Definitions, *, validates: bool) -> bool:
    """Return True if null is sent for a default of None, although the type does not take it.

    Pydantic does not check defaults, and writes None as null in place of any type.

    Args:
        schema: The schema of a value with a default.
        definitions: The schemas that it may refer to.
        validates: True if its model has Pydantic check defaults.
    """
    if schema.get("default", ...) is not None or schema.get("validate_default", validates):
        return False
    wrappers: list[Any] = []
    ends = list(_ends(schema, definitions, through=wrappers.append))
    return not any(map(_is_null, ends)) and not any(map(_writes_null_otherwise, wrappers))


def _ends(
    schema: Any,
    definitions: Definitions,
    *,
    taken: bool = False,
    through: Callable[[Any], object] | None = None,
) -> Iterator[Any]:
    """Yield the schemas that a type comes down to, of a union those of its choices.

    Args:
        schema: The type's schema.
        definitions: The schemas that it may refer to.
        taken: True to follow the type that a validator declares to take.
        through: Called with each schema on the way, the last ones included.
    """
    waiting, seen = [schema], set[str]()
    while waiting:
        node = waiting.pop()
        kind = node["type"]
        if through is not None:
            through(node)
        if kind == "definition-ref":
            name = node["schema_ref"]
            if name not in seen and name in definitions:
                seen.add(name)
                waiting.append(definitions[name])
        elif taken and (declared := taken_schema(node)) is not None:
            waiting.append(declared)
        elif kind in {"union", "tagged-union"}:
            waiting += choices(node)
        elif kind == "chain":
            waiting.append(node["steps"][0 if taken else -1])
        elif (inner := node.get(_INNER.get(kind, ""))) is not None and not (
            taken and kind == "json"
        ):
            waiting.append(inner)  # but JSON in a text comes as that text
        else:
            yield node


def taken_schema(node: Mapping[str, Any]) -> Any:
    """Return the schema that a validator's `json_schema_input_type` declares; None without one."""
    metadata: Mapping[str, Any] = node.get("metadata") or {}
    older = metadata.get("pydantic_js_input_core_schema")  # 2.10.3
    return node.get("json_schema_input_schema", older)


def _is_null(node: Any) -> bool:
    if node["type"] in _ANYTHING or (node["type"] == "json" and "schema" not in node):
        return True
    return any(one is None for one in _constants(node))


def _constants(node: Any) -> Iterator[Any]:
    for one in node.get("expected") or node.get("members") or ():
        yield one.value if isinstance(one, Enum) else one


def _writes_null_otherwise(node: Any) -> bool:
    """Return True for a function that may write None as something else."""
    serialization: dict[str, Any] = node.get("serialization") or {}
    if not str(serialization.get("type", "")).startswith("function"):
        return False
    if str(serialization.get("when_used", "")).endswith("unless-none"):
        return False
    # Those that Pydantic wraps around its own writing of sequences leave None alone.
    is_around = serialization["type"] == "function-wrap" and "return_schema" not in serialization
    return opaque_serializer(serialization) or not is_around
