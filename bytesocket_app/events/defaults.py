"""Defaults of fields: whether one is of its field's type, since Pydantic does not check them."""

import sys
from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias, cast

from pydantic import ValidationError
from pydantic_core import (
    PydanticSerializationError,
    PydanticUndefined,
    SchemaSerializer,
    SchemaValidator,
    core_schema,
)

from bytesocket_app.events.core_schemas import ARRAYS, nodes, schema_validator
from bytesocket_app.events.nulls import Definitions
from bytesocket_app.events.serializing import home_of

Doubt: TypeAlias = Literal["kind", "limits"]
"""What is wrong with a default: its type, or that the type's limits do not admit it."""

_PLAIN: Final[Mapping[type, frozenset[str]]] = {
    bool: frozenset({"bool"}),
    float: frozenset({"float"}),
    int: frozenset({"float", "int"}),
    str: frozenset({"str"}),
}
_EMPTY: Final[Mapping[type, str]] = {dict: "dict", list: "list"}
_NO_LIMITS: Final = frozenset(
    {
        *("allow_inf_nan", "items_schema", "keys_schema", "metadata", "mode", "ref"),
        *("serialization", "strict", "type", "values_schema"),
    }
)
_OTHER_KINDS: Final = frozenset(
    {
        *("enum", "extra_forbidden", "is_instance_of", "literal_error"),
        *("missing", "missing_argument", "none_required"),
    }
)
_WRITTEN_AS: Final[Mapping[str, tuple[Any, type]]] = {
    "decimal": (Decimal, int),
    **{kind: ARRAYS[kind] for kind in ("frozenset", "list", "set", "tuple")},
}
"""Class of a kind's values, and another one whose values are written as that."""
_LIBRARY: Final = sys.stdlib_module_names | {"annotated_types", "pydantic", "pydantic_core"}
"""Modules of functions that only depend on the value."""


def validated_default(schema: Any, definitions: Definitions) -> Any:
    """Return a default as Pydantic validates it, or as it is if it is not valid."""
    default = schema["default"]
    try:
        return _validator(schema["schema"], {}, definitions).validate_python(default)
    except Exception:  # noqa: BLE001 - a user's validator may raise anything
        return default


def doubt_of(
    schema: Any, config: Mapping[str, Any], definitions: Definitions, *, outgoing: bool
) -> Doubt | None:
    """Return what is wrong with a default; None if all is well, or functions decide.

    Args:
        schema: The schema of a value with a default.
        config: The configuration that applies to it.
        definitions: The schemas that it may refer to.
        outgoing: True if it is sent as it is; else it only takes the place of what was not sent.
    """
    default, inner = schema.get("default", PydanticUndefined), schema["schema"]
    validates = schema.get("validate_default", config.get("validate_default"))
    if default is PydanticUndefined or _is_evident(inner, default) or _has_functions(inner):
        return None
    if any(_has_functions(one) for one in definitions.values()):
        return None
    if validates:
        return None if _problems(inner, config, definitions, default) is None else "kind"
    if default is None:  # it stands for nothing; what is sent of it has null in the contract
        return None
    if outgoing:
        return _doubt_of_sent(inner, config, definitions, default)
    problems = _problems(inner, config, definitions, default)
    return "kind" if problems is not None and any(map(_is_kind, problems)) else None


def _doubt_of_sent(
    inner: Any, config: Mapping[str, Any], definitions: Definitions, default: Any
) -> Doubt | None:
    value = _as_declared(inner, default)
    writer = SchemaSerializer(_whole(inner, definitions), _core_config(config))
    is_strict = not isinstance(value, deque)  # Pydantic 2.10 refuses each of them then
    try:
        _validator(inner, config, definitions).validate_python(value, strict=is_strict)
        writer.to_python(value, mode="json", by_alias=True, warnings="error")
    except ValidationError as error:
        return "kind" if any(_is_kind(one["type"]) for one in error.errors()) else "limits"
    except PydanticSerializationError as error:  # bytes that are no text say so when they are sent
        return None if "invalid utf-8" in str(error) else "kind"
    return None


def _as_declared(inner: Any, default: Any) -> Any:
    """Return a default as what it is written as: a tuple for a list, an int for a Decimal."""
    while inner["type"] in {"default", "nullable"}:
        inner = inner["schema"]
    made, given = _WRITTEN_AS.get(inner["type"], (None, type(None)))
    if made is None or cast("type[object]", type(default)) is not given:
        return default
    return made(default)


def _problems(
    inner: Any, config: Mapping[str, Any], definitions: Definitions, default: Any
) -> list[str] | None:
    """Return the kinds of problems that a default has; None if it is valid."""
    try:
        _validator(inner, config, definitions).validate_python(default)
    except ValidationError as error:
        return [one["type"] for one in error.errors(include_url=False, include_input=False)]
    return None


def _is_kind(problem: str) -> bool:
    return problem.endswith("_type") or "parsing" in problem or problem in _OTHER_KINDS


def _is_evident(inner: Any, default: Any) -> bool:
    """Return True for the usual: a value whose very type says that it fits."""
    own: type[Any] = default.__class__
    while inner["type"] in {"default", "nullable"}:
        if default is None and inner["type"] == "nullable":
            return True
        inner = inner["schema"]
    kind = inner["type"]
    if kind == "any" or (kind in {"enum", "model", "dataclass"} and own is inner["cls"]):
        return True
    fits = kind in _PLAIN.get(own, ()) or (_EMPTY.get(own) == kind and not default)
    return fits and inner.keys() <= _NO_LIMITS


def _has_functions(schema: Any) -> bool:
    """Return True if a function of the application's own takes part."""
    return any(
        home_of(_function_of(part)) not in _LIBRARY
        for node in nodes(schema)
        for part in (node, node.get("serialization") or {})
        if str(part.get("type", "")).startswith("function")
    )


def _function_of(part: Mapping[str, Any]) -> Any:
    function = part.get("function")
    while isinstance(function, Mapping):
        function = cast("Mapping[str, Any]", function).get("function")
    return function


def _validator(inner: Any, config: Mapping[str, Any], definitions: Definitions) -> SchemaValidator:
    return schema_validator(_whole(inner, definitions), _core_config(config))


def _core_config(config: Mapping[str, Any]) -> core_schema.CoreConfig:
    return cast("core_schema.CoreConfig", dict(config))


def _whole(inner: Any, definitions: Definitions) -> Any:
    if not definitions:
        return inner
    return {"type": "definitions", "schema": inner, "definitions": list(definitions.values())}
