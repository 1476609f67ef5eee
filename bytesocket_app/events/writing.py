"""Writing of payloads, where a value of a wrong kind is an error.

Pydantic tells of such a value by a warning, which whoever runs the program may silence, and its own
way to make it an error costs more than the writing of a small message. So a warning that is issued
in this module is an error whatever the filters say, by what Python does where a module's registry
of warnings is none.
"""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, Final, TypeAlias

from pydantic import BaseModel, TypeAdapter
from pydantic_core import PydanticSerializationError, SchemaSerializer

from bytesocket_app.events.kinds import Test
from bytesocket_app.wire import BINARY

__warningregistry__: Any = ()

_REGISTRY: Final = "'registry' must be"
"""What Python says where a module's registry of warnings is none."""

Otherwise: TypeAlias = Callable[[Any, bytes | Exception], bytes]
"""Function that is left a value that is doubtful, and what was written of it or why nothing was."""

Check: TypeAlias = tuple[Test | None, Test | None, Otherwise]
"""Tests of all values, and of those in whose text there is a null; and what is left the others."""


# The two writers are alike: one that is given what writes costs 1,300 instructions a message.


def json_writer(
    serializer: SchemaSerializer,
    check: Check,
    around: tuple[bytes, bytes],
    options: Mapping[str, Any],
) -> Callable[[Any], bytes]:
    """Return the function that writes values as JSON."""
    to_json, (prefix, suffix) = serializer.to_json, around
    options = {**_options(), **options}
    if options:
        to_json = partial(to_json, **options)
    test, null_test, otherwise = check

    def write(value: Any) -> bytes:
        try:
            data = to_json(value, by_alias=True)
            is_odd = test is not None and test(value)
        except Exception as error:  # noqa: BLE001 - told by `otherwise`, or raised again there
            return prefix + otherwise(value, error) + suffix
        if is_odd or (null_test is not None and data.find(b"null") >= 0 and null_test(value)):
            data = otherwise(value, data)
        return prefix + data + suffix

    return write


def plainly(serializer: SchemaSerializer, options: Mapping[str, Any]) -> Callable[[Any], Any]:
    """Return the function that makes values' JSON-mode values, for `msgpack_writer`.

    It has no frame of its own, so that a warning is issued in the module of the caller.
    """
    return partial(serializer.to_python, mode="json", by_alias=True, **{**_options(), **options})


def msgpack_writer(
    plain: Callable[[Any], Any], check: Check, around: tuple[bytes, bytes]
) -> Callable[[Any], bytes]:
    """Return the function that writes values as MessagePack.

    Args:
        plain: Makes what MessagePack carries of a value.
        check: As for JSON.
        around: As for JSON.
    """
    encode, (prefix, suffix) = BINARY.encode, around
    test, null_test, otherwise = check

    def write(value: Any) -> bytes:
        try:
            data = encode(plain(value))
            is_odd = test is not None and test(value)
        except Exception as error:  # noqa: BLE001 - told by `otherwise`, or raised again there
            return prefix + otherwise(value, error) + suffix
        if is_odd or (null_test is not None and data.find(b"\xc0") >= 0 and null_test(value)):
            data = otherwise(value, data)
        return prefix + data + suffix

    return write


def is_warning(error: Exception) -> bool:
    """Return True for what becomes of a warning of Pydantic's in this module."""
    text = str(error)
    if isinstance(error, PydanticSerializationError):
        # The latter, if a serializer inside of another one has warned.
        return "Pydantic serializer warnings" in text or _REGISTRY in text
    return isinstance(error, TypeError) and _REGISTRY in text


class _Probe(BaseModel):
    """A model with a number, for the check of what this module relies on."""

    number: int


@cache
def _options() -> dict[str, Any]:
    """Return the arguments that make a warning an error: none, where this module does by itself."""
    wrong = _Probe.model_construct()
    vars(wrong)["number"] = "x"
    try:
        TypeAdapter(_Probe).serializer.to_json(wrong)
    except TypeError:
        return {}
    except Warning:  # pragma: no cover - a Python that asks the filters first
        pass
    return {"warnings": "error"}  # pragma: no cover
