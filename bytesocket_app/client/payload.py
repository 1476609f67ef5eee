"""Conversion of a user's payload to the plain values that the wire carries.

A MessagePack payload is the JSON-mode value with bytes left raw, so that a type means the same on
either codec. Fields that were not set are left out, so that the server's defaults apply.
"""

from collections.abc import Iterable
from typing import Any, cast

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_jsonable_python

from bytesocket_app.client.unset import UNSET
from bytesocket_app.errors import EncodeError
from bytesocket_app.wire import Codec


def plain(value: object, codec: Codec) -> Any:
    """Convert a payload to plain values that the codec can write.

    Args:
        value: A model, or any value that Pydantic can convert to JSON.
        codec: Codec of the message: for JSON, bytes become text as the model configures.

    Raises:
        EncodeError: The payload holds a value that JSON cannot express.
    """
    _forget_unset(value)
    try:
        if codec.is_binary:
            return _with_raw_bytes(value)
        if isinstance(value, BaseModel):
            return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return to_jsonable_python(value, by_alias=True)
    except (PydanticSerializationError, TypeError, ValueError, RecursionError) as error:
        raise EncodeError(f"this payload cannot be sent: {error}") from error


def _with_raw_bytes(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    if isinstance(value, BaseModel):
        return _with_raw_bytes(value.model_dump(by_alias=True, exclude_unset=True))
    if isinstance(value, dict):
        members = cast("dict[object, Any]", value)
        keys = to_jsonable_python(dict.fromkeys(members))
        return dict(zip(keys, map(_with_raw_bytes, members.values()), strict=True))
    if isinstance(value, list | tuple | set | frozenset):
        return [_with_raw_bytes(item) for item in cast("Iterable[Any]", value)]
    return to_jsonable_python(value)


def _forget_unset(value: Any) -> None:
    """Mark fields that were set to UNSET as not set, in nested values too."""
    if isinstance(value, BaseModel):
        for name in list(value.model_fields_set):
            member = getattr(value, name, None)
            if member is UNSET:
                value.model_fields_set.discard(name)
            else:
                _forget_unset(member)
    elif isinstance(value, dict):
        for member in cast("dict[object, Any]", value).values():
            _forget_unset(member)
    elif isinstance(value, list | tuple | set | frozenset):
        for member in cast("Iterable[Any]", value):
            _forget_unset(member)
