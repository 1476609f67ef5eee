"""Core schemas of Pydantic as plain data: what their parts are, and a walk over all of them."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Final, TypeGuard, cast

from pydantic_core import SchemaSerializer, SchemaValidator, core_schema

OPAQUE: Final = frozenset({"default", "metadata", "ref", "serialization"})
"""Keys of a node that a changed copy has as they are."""
BY_NAME: Final = frozenset({"model-fields", "typed-dict", "dataclass-args", "named-tuple"})
"""Kinds of schemas with `fields`."""
ARRAYS: Final[Mapping[str, tuple[Any, ...]]] = {
    "deque": (deque, list, tuple),
    "frozenset": (frozenset, set),
    "list": (list, tuple),
    "set": (set, frozenset),
    "tuple": (tuple, list),
}
"""Classes of the values of collections: the declared one, and those that are written as it is."""

NO_SCHEMAS: Final = frozenset({"config", "default", "metadata", "ref"})
"""Keys of a node that hold no schemas."""


def schema_validator(schema: Any, config: Any = None) -> SchemaValidator:
    """Return a validator of a changed schema; raises `pydantic_core.SchemaError`."""
    try:
        # By default, the models inside would be read by their existing, unchanged validators.
        return SchemaValidator(schema, config, _use_prebuilt=False)
    except TypeError:  # pragma: no cover - Pydantic 2.10 has neither the argument nor the habit
        return SchemaValidator(schema, config)


def schema_serializer(schema: Any, config: Any = None) -> SchemaSerializer:
    """Return a serializer of a changed schema; raises `pydantic_core.SchemaError`."""
    try:
        return SchemaSerializer(schema, config, _use_prebuilt=False)
    except TypeError:  # pragma: no cover - Pydantic 2.10 has neither the argument nor the habit
        return SchemaSerializer(schema, config)


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Walk over a core schema, made of plain dicts, lists and tuples, without recursion."""
    waiting: list[Any] = [schema]
    seen = set[int]()
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if is_dict(item):
            skipped = NO_SCHEMAS if is_node(item) else ()
            if skipped:
                yield item
            waiting.extend(item[key] for key in item if key not in skipped)
        elif is_list(item) or is_tuple(item):
            waiting.extend(item)


def is_node(schema: object) -> TypeGuard[dict[str, Any]]:
    """Return True for a part of a core schema, False for a list or a dict of such parts."""
    return is_dict(schema) and isinstance(schema.get("type"), str)


def mapped(schema: Any, change: Callable[[Any], Any], opaque: Collection[str] = OPAQUE) -> Any:
    """Return a copy with `change` applied to all that is directly inside.

    Args:
        schema: A part of a core schema, a list or a dict of such parts, or a value in one.
        change: Returns the copy of what is inside.
        opaque: Keys of a part that stay as they are; a field may have any of these names.
    """
    if is_list(schema):
        return [change(item) for item in schema]
    if is_tuple(schema):
        return tuple(change(item) for item in schema)
    if not is_dict(schema):
        return schema
    kept = opaque if is_node(schema) else ()
    return {key: value if key in kept else change(value) for key, value in schema.items()}


def choices(node: dict[str, Any]) -> list[Any]:
    """Return the schemas of a union's choices, with tags or without."""
    given: Any = node["choices"]
    found = list(given.values() if is_dict(given) else given)
    return [one[0] if is_tuple(one) else one for one in found]


def fields_of(node: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Return the names and the schemas of the fields of a kind `BY_NAME`."""
    fields: Any = node["fields"]
    return fields.items() if is_dict(fields) else ((one["name"], one) for one in fields)


def extra_behavior(node: Mapping[str, Any], config: Mapping[str, Any]) -> str | None:
    """Return what becomes of unknown members: "allow", "forbid", "ignore", or None by default."""
    return node.get("extra_behavior") or config.get("extra_fields_behavior")


def core(node: Any) -> core_schema.CoreSchema:
    """Return plain data as what it is to the type checkers."""
    return cast("core_schema.CoreSchema", node)


def is_dict(value: object) -> TypeGuard[dict[str, Any]]:
    """Return True for a dict."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Return True for a list."""
    return isinstance(value, list)


def is_tuple(value: object) -> TypeGuard[tuple[Any, ...]]:
    """Return True for a tuple."""
    return isinstance(value, tuple)


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """Return True for a dict and its like."""
    return isinstance(value, Mapping)
