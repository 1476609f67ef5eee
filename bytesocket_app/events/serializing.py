"""What a custom serializer in a Pydantic core schema says about its result."""

import functools
import inspect
from collections.abc import Mapping
from typing import Any, Final, cast

_SCALARS: Final[Mapping[object, str]] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
}


def opaque_serializer(schema: Mapping[str, Any]) -> bool:
    """Say whether a custom serializer is in charge whose result nobody declared.

    Pydantic's own serializers declare nothing either, and keep the type's form.
    """
    if schema["type"] not in {"function-plain", "function-wrap"}:
        return False
    if schema.get("return_schema") is not None:
        return False
    home = str(getattr(_plain(schema["function"]), "__module__", ""))
    return home.partition(".")[0] not in {"pydantic", "pydantic_core", "operator"}


def scalar_return(schema: Mapping[str, Any]) -> str | None:
    """Return the JSON type of `PlainSerializer(str)` and its like, which need no annotation."""
    if schema["type"] != "function-plain" or schema.get("return_schema") is not None:
        return None
    function = schema["function"]
    return _SCALARS.get(function) if isinstance(function, type) else None


def masks_secrets(schema: Mapping[str, Any]) -> bool:
    """Say whether this is what writes `SecretStr` and its like: as asterisks."""
    function = _plain(schema.get("function"))
    name = str(getattr(function, "__name__", ""))
    return getattr(function, "__module__", "") == "pydantic.types" and "_secret" in name


def _plain(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = cast("functools.partial[object]", function).func
    return inspect.unwrap(getattr(function, "__func__", function))
