"""What a value of any Python type is on the wire (protocol.md sections 8.6 and 8.8)."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import Final, cast

from pydantic_core import to_jsonable_python

from bytesocket_app.errors import EncodeError
from bytesocket_app.wire.javascript import member_name


class Undefined:
    """The type of UNDEFINED, which is its only value."""

    __slots__ = ()


UNDEFINED: Final = Undefined()
"""JavaScript's undefined, for the few places where null would not do. Decoders give None."""


kind_of: Final[Callable[[object], object]] = type
"""The exact type of a value, which tells the quick way from the careful one."""


def ordinary(value: object) -> object:
    """Say an unusual value in terms of the usual types; what it holds stays as it is.

    Returns:
        A dict, list, str, int, float, bool, None, bytes or UNDEFINED, of exactly that type, or a
        datetime.

    Raises:
        EncodeError: There is no such value.
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
    """Take bytes-like values, and what Pydantic knows: models, UUIDs, decimals, dates..."""
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
    """Write a dict's key as the name of a member.

    Raises:
        EncodeError: Neither text, number, bool nor None: the other side would refuse the frame.
    """
    try:
        return member_name(key.value if isinstance(key, Enum) else key)
    except TypeError as error:
        raise EncodeError(f"{error}: use text for the keys of a dict") from error
