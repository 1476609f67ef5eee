"""Result types of custom serializers, as far as a Pydantic core schema declares them."""

import functools
import inspect
from collections.abc import Callable, Mapping
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
    """Mark a serializer that MessagePack is written without, as a decorator."""
    vars(function)["__not_in_binary__"] = True
    return function


def opaque_serializer(schema: Mapping[str, Any]) -> bool:
    """Return True for a custom serializer whose result type is not declared.

    Those of Pydantic and of the framework do not count: they keep the type's form.
    """
    if schema["type"] not in {"function-plain", "function-wrap"}:
        return False
    if schema.get("return_schema") is not None:
        return False
    home = str(getattr(_plain(schema["function"]), "__module__", ""))
    return home.partition(".")[0] not in _OWN


def scalar_return(schema: Mapping[str, Any]) -> str | None:
    """Return the JSON type of a serializer like `PlainSerializer(str)`; None for others."""
    if schema["type"] != "function-plain" or schema.get("return_schema") is not None:
        return None
    function = schema["function"]
    return _SCALARS.get(function) if isinstance(function, type) else None


def masks_secrets(schema: Mapping[str, Any]) -> bool:
    """Return True for the serializer of `SecretStr` and its like, which writes asterisks."""
    function = _plain(schema.get("function"))
    name = str(getattr(function, "__name__", ""))
    return getattr(function, "__module__", "") == "pydantic.types" and "_secret" in name


def _plain(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = cast("functools.partial[object]", function).func
    return inspect.unwrap(getattr(function, "__func__", function))
