"""Validation and serialization of payload types, for either codec.

A payload arrives as decoded JSON or MessagePack. Validating the decoded value (Pydantic's Python
mode) is fast and right for nearly every type. Strict models, bytes, and unions of text with a type
that is written as text differ between Python mode and JSON mode; they are validated in JSON mode,
so that a type means the same on either codec.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, Final, TypeGuard

from pydantic import BaseModel, TypeAdapter
from pydantic_core import (
    PydanticSerializationError,
    SchemaError,
    from_json,
    to_json,
    to_jsonable_python,
)

from bytesocket_app.errors import EncodeError, first_line
from bytesocket_app.events.core_schemas import nodes, schema_validator
from bytesocket_app.events.guarded import guarded_schema, problems_of_one
from bytesocket_app.events.raw import custom_before_bytes, json_validator
from bytesocket_app.events.raw_output import raw_serializer
from bytesocket_app.events.recursion import RecursiveUnions
from bytesocket_app.types import CodecName
from bytesocket_app.wire import BINARY, UNLIMITED

_TEXTUAL: Final = frozenset(
    {
        *("uuid", "datetime", "date", "time", "timedelta", "url", "multi-host-url", "decimal"),
        *("bytes", "enum", "complex", "fraction", "definition-ref"),
    }
)
"""Types that Pydantic reads from text only in JSON mode if plain text is another choice of a
union; and schemas that may refer to such a type."""


_SMALL: Final = 2048
"""Problems that a message may have at most to be told of all of them."""


class SerializerError(EncodeError):
    """A failure of a serializer of the application's own, whatever the value was."""


class PayloadType:
    """A payload's type, with functions to validate and serialize its values.

    Args:
        annotation: Any type that Pydantic can validate.
    """

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """Pydantic's adapter of the type; raises if Pydantic cannot validate the type."""
        return TypeAdapter(self.annotation)

    def core_schema(self) -> Any:
        """Return Pydantic's schema of the type; None without one or if a name is undefined."""
        try:
            schema = self.adapter.core_schema
            _ = schema["type"]  # raises if the schema is a placeholder for one that is not complete
        except Exception:  # noqa: BLE001 - the error is reported where the type is used
            vars(self).pop("adapter", None)
            return None
        return schema

    @cached_property
    def has_bytes(self) -> bool:
        """True if a value can hold bytes, which are raw in MessagePack and text in JSON."""
        return any(node["type"] == "bytes" for node in nodes(self.adapter.core_schema))

    @property
    def depends_on_codec(self) -> bool:
        """True if a value can mean one thing in JSON and another in MessagePack; see `_raw`."""
        schema = self.adapter.core_schema
        return (
            self.has_bytes and custom_before_bytes(schema) and _modes_differ(schema, raw_bytes=True)
        )

    @cached_property
    def may_be_absent(self) -> bool:
        """True if a message without `data` means an empty object: for models."""
        return isinstance(self.annotation, type) and issubclass(self.annotation, BaseModel)

    @cached_property
    def validate_fast(self) -> Callable[[Any], Any] | None:
        """`validate` without its codec, if the codec makes no difference (usual); else None."""
        if _modes_differ(self.adapter.core_schema):
            return None
        return self.adapter.validator.validate_python

    @cached_property
    def validate(self) -> Callable[[Any, CodecName], Any]:
        """`validate(decoded, codec)`: returns the value or raises `pydantic.ValidationError`."""
        return self._reader(self.adapter.core_schema, self.adapter.validator)

    @cached_property
    def validate_large(self) -> Callable[[Any, CodecName], Any]:
        """`validate` for messages of more bytes than `small`, which tells of fewer problems.

        It stops at the first bad member of each collection, as a list of all would be long.
        """
        if self.small == UNLIMITED:
            return self.validate
        schema = guarded_schema(self.adapter.core_schema, is_json=self.validate_fast is None)
        try:
            return self._reader(schema, schema_validator(schema))
        except SchemaError:  # pragma: no cover - a Pydantic that does not let a schema be changed
            return self.validate

    @cached_property
    def small(self) -> int:
        """Bytes of a message for which `validate` cannot find too many problems."""
        count = problems_of_one(self.adapter.core_schema)
        return _SMALL // count if count else UNLIMITED

    def _reader(self, schema: Any, validator: Any) -> Callable[[Any, CodecName], Any]:
        """Return `validate` for a schema that means the same as the type's own."""
        python = validator.validate_python
        if self.validate_fast is not None:
            return lambda decoded, _: python(decoded)
        json, refuse_much = validator.validate_json, self._refuse_much

        def through_json(decoded: Any, codec: CodecName) -> Any:
            if refuse_much is not None:
                refuse_much(decoded)
            if codec == "binary" and raw is not None:
                return raw(decoded)
            try:
                text = to_json(decoded)
            except ValueError:  # bytes or broken text, where JSON can have neither: no valid value
                return python(decoded)
            return json(text)

        raw = _raw(schema, python) if self.has_bytes else None
        return through_json

    @cached_property
    def _refuse_much(self) -> Callable[[Any], None] | None:
        """Function that refuses values that are too much work for unions inside of themselves.

        Such a union refers to a type around it, so that `validate_fast` is None.
        """
        return RecursiveUnions(self.adapter.core_schema).guard()

    def to_json(self, value: Any) -> bytes:
        """Serialize a value as JSON text, by alias."""
        return self.adapter.serializer.to_json(value, by_alias=True)

    @cached_property
    def to_binary(self) -> Callable[[Any], bytes]:
        """Function that writes a value as MessagePack: the JSON-mode value with raw bytes."""
        serialize = self.adapter.serializer.to_python
        if self.has_bytes:
            raw = raw_serializer(self.adapter.core_schema)
            if raw is None:  # pragma: no cover - a Pydantic that does not let a schema be changed
                return lambda value: BINARY.encode(_with_raw_bytes(serialize(value, by_alias=True)))
            return lambda value: BINARY.encode(raw(value))
        return lambda value: BINARY.encode(serialize(value, mode="json", by_alias=True))

    def dump(self, value: Any, codec: CodecName) -> bytes:
        """Serialize a value for a codec.

        Raises:
            EncodeError: The codec cannot express the value, such as non-UTF-8 bytes in JSON.
            SerializerError: A serializer of the application's own failed.
        """
        try:
            return self.to_json(value) if codec == "json" else self.to_binary(value)
        except PydanticSerializationError as exc:
            remedy = " Emit it with codec='binary'." if codec == "json" and self.has_bytes else ""
            kind = SerializerError if "Error calling function" in str(exc) else EncodeError
            raise kind(
                f"{self.annotation!r} cannot be written as {codec}: {first_line(exc)}{remedy}"
            ) from exc

    def writer(self, codec: CodecName, prefix: bytes, suffix: bytes) -> Callable[[Any], bytes]:
        """Return a `dump` for one codec that puts `prefix` and `suffix` around the value."""
        to_json, to_binary = self.adapter.serializer.to_json, self.to_binary

        is_json = codec == "json"

        def write(value: Any) -> bytes:
            try:
                written = to_json(value, by_alias=True) if is_json else to_binary(value)
            except PydanticSerializationError:
                written = self.dump(value, codec)  # raises an EncodeError that names the problem
            return prefix + written + suffix

        return write

    def plain(self, value: Any) -> Any:
        """Return the value as decoded JSON: plain Python objects."""
        return from_json(self.to_json(value))


def _raw(schema: Any, python: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the function that validates decoded MessagePack for a type that can hold bytes.

    If JSON mode cannot be used with raw bytes (a user's validator stands before them), the function
    validates in Python mode, so that the value may depend on the codec.
    """
    validate = json_validator(schema) if _modes_differ(schema, raw_bytes=True) else None
    if validate is None:
        return python

    def through_json(decoded: Any) -> Any:
        try:
            return validate(decoded)
        except (PydanticSerializationError, UnicodeError):  # broken text: no valid value
            return python(decoded)

    return through_json


def _with_raw_bytes(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    if _is_mapping(value):
        keys = to_jsonable_python(dict.fromkeys(value))
        return dict(zip(keys, map(_with_raw_bytes, value.values()), strict=True))
    if _is_collection(value):
        return [_with_raw_bytes(item) for item in value]
    return to_jsonable_python(value)


def _is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(value, Mapping)


def _is_collection(value: object) -> TypeGuard[Iterable[Any]]:
    return isinstance(value, list | tuple | set | frozenset)


def _modes_differ(schema: Any, *, raw_bytes: bool = False) -> bool:
    """Return True if JSON mode may read a value otherwise than Python mode does.

    With `raw_bytes`, bytes count as read alike in both.
    """
    textual = _TEXTUAL - {"bytes"} if raw_bytes else _TEXTUAL
    for node in nodes(schema):
        kind = node["type"]
        is_strict = node.get("strict") or node.get("config", {}).get("strict")
        if is_strict or kind == "json-or-python" or (kind == "bytes" and not raw_bytes):
            return True
        if kind == "union" and textual & {inner["type"] for inner in nodes(node["choices"])}:
            return True
    return False
