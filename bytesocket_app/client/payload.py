"""Conversion of a user's payload to the plain values that the wire carries.

A MessagePack payload is the JSON-mode value with bytes left raw, so that a type means the same on
either codec. Fields that were not set are left out, so that the server's defaults apply.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, cast
from weakref import WeakKeyDictionary

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, from_json, to_jsonable_python

from bytesocket_app.client.unset import UNSET
from bytesocket_app.errors import EncodeError, first_line
from bytesocket_app.events import PayloadType
from bytesocket_app.events.payload import WrongKind
from bytesocket_app.events.unwritable import unwritable
from bytesocket_app.wire import Codec

_writers: WeakKeyDictionary[type[Any], "_PlainWriter"] = WeakKeyDictionary()


def plain(value: object, codec: Codec, declared: PayloadType | None = None) -> Any:
    """Convert a payload to plain values that the codec can write.

    Args:
        value: A model, or any value that Pydantic can convert to JSON.
        codec: Codec of the message: for JSON, bytes become text as the model configures.
        declared: The payload's type, for one that is no model.

    Raises:
        EncodeError: The payload holds a value that the codec cannot express.
    """
    _forget_unset(value)
    try:
        if declared is not None and not isinstance(value, BaseModel):
            return _PlainWriter(declared, warnings=False).write(value, codec)
        return _written(value, codec)
    except (PydanticSerializationError, TypeError, ValueError, RecursionError) as error:
        place = "" if codec.is_binary else _place(value)
        raise EncodeError(
            f"this payload cannot be sent: {place}{first_line(_cause(error))}"
        ) from error


def check_kinds(value: object) -> None:
    """Refuse a model with a value of another kind than its field declares.

    Fields that were not set are not looked at, as they are not sent. Other payloads have no type.

    Raises:
        WrongKind: Such a value was put there after the construction, or by `model_construct`.
    """
    if isinstance(value, BaseModel):
        cls = type(value)
        problem = _writer(cls).kinds.problem(value, is_partial=True)
        if problem is not None:
            raise WrongKind.changed(f"{cls.__name__} cannot be sent", problem)


def _cause(error: BaseException) -> BaseException:
    """Return the error that a model's serializer, a function, was left with."""
    return error if error.__cause__ is None else _cause(error.__cause__)


def _written(value: Any, codec: Codec) -> Any:
    if isinstance(value, BaseModel):
        return _writer(type(value)).write(value, codec)
    if codec.is_binary and isinstance(value, bytes | bytearray):
        return bytes(value)
    if isinstance(value, dict):
        members = cast("dict[object, Any]", value)
        keys = to_jsonable_python(dict.fromkeys(members))
        written = [_written(member, codec) for member in members.values()]
        return dict(zip(keys, written, strict=True))
    if isinstance(value, list | tuple | set | frozenset):
        return [_written(item, codec) for item in cast("Iterable[Any]", value)]
    return to_jsonable_python(value, by_alias=True)


def _writer(kind: type[BaseModel]) -> "_PlainWriter":
    found = _writers.get(kind)
    if found is None:
        found = _writers[kind] = _PlainWriter(PayloadType(kind))
    return found


class _PlainWriter:
    """Writer of the values of one type, of which unset fields are left out.

    Attributes:
        kinds: Kinds of the values.
    """

    def __init__(self, payload: PayloadType, *, warnings: bool = True) -> None:
        options: dict[str, Any] = {"exclude_unset": True, "warnings": warnings}
        self._to_binary = payload.binary_value(**options)
        serializer: Any = payload.serializer
        self._to_json: Callable[[Any], bytes] = partial(
            serializer.to_json, by_alias=True, **options
        )
        self._to_python: Callable[[Any], Any] = partial(
            serializer.to_python, mode="json", by_alias=True, **options
        )
        self._has_words = payload.has_words_for_not_finite
        self.kinds = payload.kinds

    def write(self, value: Any, codec: Codec) -> Any:
        if codec.is_binary:
            return self._to_binary(value)
        if not self._has_words:
            return self._to_python(value)
        # Pydantic's setting for NaN counts in JSON text only.
        return from_json(self._to_json(value))


def _place(value: object) -> str:
    """Return the place of what JSON has no word for; see `unwritable`."""
    if not isinstance(value, BaseModel):
        return ""
    part = partial(value.model_dump_json, by_alias=True, exclude_unset=True)
    return unwritable(lambda include: part(include=include), value)


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
