"""Result types of custom serializers, as far as a Pydantic core schema declares them."""

import functools
import inspect
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final, TypeVar, cast

_SCALARS: Final[Mapping[object, str]] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
}

_OWN: Final = frozenset({"pydantic", "pydantic_core", "operator", "bytesocket_app"})


F = TypeVar("F", bound=Callable[..., Any])


def not_in_binary(function: F) -> F:
    """Mark a function between bytes and text, as a decorator: MessagePack has no such text."""
    vars(function)["__not_in_binary__"] = True
    return function


def is_not_in_binary(function: object) -> bool:
    """Return True for a function with the mark of `not_in_binary`."""
    return hasattr(function, "__not_in_binary__")


def opaque_serializer(schema: Mapping[str, Any]) -> bool:
    """Return True for a custom serializer whose result type is not declared.

    Those of Pydantic and of the framework do not count: they keep the type's form.
    """
    if schema["type"] not in {"function-plain", "function-wrap"}:
        return False
    if schema.get("return_schema") is not None:
        return False
    return home_of(schema["function"]) not in _OWN


def scalar_return(schema: Mapping[str, Any]) -> str | None:
    """Return the JSON type of a serializer like `PlainSerializer(str)`; None for others."""
    if schema["type"] != "function-plain" or schema.get("return_schema") is not None:
        return None
    function = schema["function"]
    return _SCALARS.get(function) if isinstance(function, type) else None


def used_values(schema: Mapping[str, Any]) -> list[Any] | None:
    """Return the members and the values of an Enum or a Literal of which the values are used.

    None for another schema than one that `use_enum_values` makes.
    """
    inside = schema.get("schema")
    if schema["type"] != "function-after" or not isinstance(inside, dict):
        return None
    node = cast("dict[str, Any]", inside)
    if node["type"] == "enum":
        members = list(node["members"])
        written = schema.get("serialization")
        if written is None or opaque_serializer(written):
            return None
    elif node["type"] == "literal" and _is_literal_by_value(schema):
        members = list(node["expected"])
    else:
        return None
    values = [member.value for member in members if isinstance(member, Enum)]
    return [*members, *values] if values else None


def calls_back(node: Mapping[str, Any]) -> bool:
    """Return True for a serializer of the application's own that has Pydantic write the value."""
    function = node.get("function")
    if node["type"] != "function-wrap" or not callable(function):
        return False
    return home_of(function) not in _OWN


def _is_literal_by_value(schema: Mapping[str, Any]) -> bool:
    return "serialization" not in schema and _is_of_pydantic(schema["function"]["function"])


def writes_its_own_kind(schema: Mapping[str, Any]) -> bool:
    """Return True for a serializer of Pydantic's that takes values of the declared kind alone.

    It is not asked by Pydantic whether they are of that kind.
    """
    if schema["type"] == "any":  # `SerializeAsAny`
        return True
    is_function = schema["type"] in {"function-plain", "function-wrap"}
    return (
        is_function and schema.get("return_schema") is None and _is_of_pydantic(schema["function"])
    )


def _is_of_pydantic(function: Any) -> bool:
    return home_of(function) in {"pydantic", "pydantic_core"}


def masks_secrets(schema: Mapping[str, Any]) -> bool:
    """Return True for the serializer of `SecretStr` and its like, which writes asterisks."""
    function = _plain(schema.get("function"))
    name = str(getattr(function, "__name__", ""))
    return getattr(function, "__module__", "") == "pydantic.types" and "_secret" in name


def home_of(function: object) -> str:
    """Return the top-level package or module that a function is from; "" if it does not say."""
    return str(getattr(_plain(function), "__module__", "")).partition(".")[0]


def _plain(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = cast("functools.partial[object]", function).func
    return inspect.unwrap(getattr(function, "__func__", function))
