"""Conversion of any Python value to the types of the wire (protocol.md sections 8.6 and 8.8)."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import Final, cast

from pydantic_core import to_jsonable_python

from bytesocket_app.errors import EncodeError
from bytesocket_app.wire.javascript import member_name


class Undefined:
    """Type of UNDEFINED, which is its only value."""

    __slots__ = ()


UNDEFINED: Final = Undefined()
"""JavaScript's undefined, for encoding where null has another meaning. Decoders return None."""


kind_of: Final[Callable[[object], object]] = type
"""Exact type of a value, which decides between fast and general encoding."""


def ordinary(value: object) -> object:
    """Convert an unusual value to one of the basic types; its items are not converted.

    Returns:
        A dict, list, str, int, float, bool, None, bytes or UNDEFINED, of exactly that type, or a
        datetime.

    Raises:
        EncodeError: The value's type cannot be converted.
    """
    match value:
        case None | bool() | datetime() | Undefined():
            return value
        case Enum():
            return ordinary(value.value)
        case str() | int() | float():
            return _exact_scalar(value)
        case Mapping():
            return dict(cast("Mapping[object, object]", value))
        case list() | tuple() | set() | frozenset():
            return list(cast("Iterable[object]", value))
        case BaseException():
            cause = value.__cause__
            return [type(value).__name__, str(value), UNDEFINED if cause is None else cause]
        case _:
            return _jsonable(value)


def _exact_scalar(value: str | float) -> str | int | float:
    if isinstance(value, str):
        return str.__str__(value)
    return int.__int__(value) if isinstance(value, int) else float.__float__(value)


def _jsonable(value: object) -> object:
    """Convert bytes-like values, and types that Pydantic knows: models, UUIDs, decimals, ..."""
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    if isinstance(value, memoryview):
        return value.tobytes()
    try:
        return to_jsonable_python(value)
    except ValueError as error:
        raise EncodeError(
            f"{type(value).__name__} is no type that a message can carry: send a dict, a list, "
            "text, a number, or an event model"
        ) from error


def name_of(key: object) -> str:
    """Return a dict's key as the name of a member.

    Raises:
        EncodeError: The key is not text, number, bool or None, so peers would refuse the frame.
    """
    try:
        return member_name(key.value if isinstance(key, Enum) else key)
    except TypeError as error:
        raise EncodeError(f"{error}: use text for the keys of a dict") from error
