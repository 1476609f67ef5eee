"""How one payload type is read from and written to the wire.

A payload comes as decoded JSON or MessagePack. Validating the decoded value (Python mode) is the
fast way and right for nearly every type; strict models, bytes, and unions of text with a type
that is written as text differ between Pydantic's two modes and are sent through its JSON mode, so
that a type means the same on both codecs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, Final, TypeGuard, cast

from pydantic import BaseModel, TypeAdapter
from pydantic_core import PydanticSerializationError, from_json, to_json, to_jsonable_python

from bytesocket_app.errors import EncodeError, first_line
from bytesocket_app.events.raw import custom_before_bytes, json_validator
from bytesocket_app.events.raw_output import raw_serializer
from bytesocket_app.types import CodecName
from bytesocket_app.wire import BINARY

_TEXTUAL: Final = frozenset(
    {
        *("uuid", "datetime", "date", "time", "timedelta", "url", "multi-host-url", "decimal"),
        *("bytes", "enum", "complex", "fraction", "definition-ref"),
    }
)
"""What Pydantic finds in text only when it reads JSON, if plain text is another choice; and what
may lead there."""


class PayloadType:
    """One type, ready to validate what comes in and to write what goes out.

    Args:
        annotation: Any type Pydantic can validate.
    """

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """Pydantic's view of the type; building it fails for a type without a validator."""
        return TypeAdapter(self.annotation)

    def core_schema(self) -> Any:
        """Pydantic's schema of the type; None without one, or while a name in it is not defined."""
        try:
            schema = self.adapter.core_schema
            _ = schema["type"]  # raises where the schema only stands in for one to come
        except Exception:  # noqa: BLE001 - whoever needs the type says what is wrong with it
            vars(self).pop("adapter", None)
            return None
        return schema

    @cached_property
    def has_bytes(self) -> bool:
        """Whether a value can hold bytes: raw in MessagePack, text in JSON."""
        return any(node.get("type") == "bytes" for node in _nodes(self.adapter.core_schema))

    @property
    def depends_on_codec(self) -> bool:
        """Whether a value can mean one thing in JSON and another in MessagePack; see `_raw`."""
        schema = self.adapter.core_schema
        return (
            self.has_bytes and custom_before_bytes(schema) and _modes_differ(schema, raw_bytes=True)
        )

    @cached_property
    def may_be_absent(self) -> bool:
        """Whether a message without `data` means an empty object: models without payload."""
        return isinstance(self.annotation, type) and issubclass(self.annotation, BaseModel)

    @cached_property
    def validate_fast(self) -> Callable[[Any], Any] | None:
        """`validate` for either codec, where that makes no difference: the usual case."""
        if _modes_differ(self.adapter.core_schema):
            return None
        return self.adapter.validator.validate_python

    @cached_property
    def validate(self) -> Callable[[Any, CodecName], Any]:
        """`validate(decoded, codec)` gives the value or raises `pydantic.ValidationError`."""
        python = self.adapter.validator.validate_python
        if self.validate_fast is not None:
            return lambda decoded, _: python(decoded)
        json = self.adapter.validator.validate_json

        def through_json(decoded: Any, codec: CodecName) -> Any:
            if codec == "binary" and raw is not None:
                return raw(decoded)
            try:
                text = to_json(decoded)
            except ValueError:  # bytes or broken text, where JSON can have neither: no valid value
                return python(decoded)
            return json(text)

        raw = self._raw(python) if self.has_bytes else None
        return through_json

    def _raw(self, python: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """How a decoded MessagePack value is validated by a type that can hold bytes."""
        schema = self.adapter.core_schema
        validate = json_validator(schema) if _modes_differ(schema, raw_bytes=True) else None
        if validate is None:
            return python

        def through_json(decoded: Any) -> Any:
            try:
                return validate(decoded)
            except (PydanticSerializationError, UnicodeError):  # broken text: no valid value
                return python(decoded)

        return through_json

    def to_json(self, value: Any) -> bytes:
        """Write a value as JSON text, by alias."""
        return self.adapter.serializer.to_json(value, by_alias=True)

    @cached_property
    def to_binary(self) -> Callable[[Any], bytes]:
        """Write a value as MessagePack: what JSON would say, with bytes left raw."""
        serialize = self.adapter.serializer.to_python
        if self.has_bytes:
            raw = raw_serializer(self.adapter.core_schema)
            if raw is None:  # pragma: no cover - a Pydantic that does not let a schema be changed
                return lambda value: BINARY.encode(_with_raw_bytes(serialize(value, by_alias=True)))
            return lambda value: BINARY.encode(raw(value))
        return lambda value: BINARY.encode(serialize(value, mode="json", by_alias=True))

    def dump(self, value: Any, codec: CodecName) -> bytes:
        """Write a value for one of the codecs.

        Raises:
            EncodeError: It has no form there, such as bytes in JSON that are no UTF-8 text.
        """
        try:
            return self.to_json(value) if codec == "json" else self.to_binary(value)
        except PydanticSerializationError as exc:
            remedy = " Emit it with codec='binary'." if codec == "json" and self.has_bytes else ""
            raise EncodeError(
                f"{self.annotation!r} cannot be written as {codec}: {first_line(exc)}{remedy}"
            ) from exc

    def writer(self, codec: CodecName, prefix: bytes, suffix: bytes) -> Callable[[Any], bytes]:
        """Make a `dump` for one codec that writes something before and after the value."""
        to_json, to_binary = self.adapter.serializer.to_json, self.to_binary

        is_json = codec == "json"

        def write(value: Any) -> bytes:
            try:
                written = to_json(value, by_alias=True) if is_json else to_binary(value)
            except PydanticSerializationError:
                written = self.dump(value, codec)  # says what is wrong
            return prefix + written + suffix

        return write

    def plain(self, value: Any) -> Any:
        """The value as JSON would say it, as Python objects."""
        return from_json(self.to_json(value))


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
    """Whether JSON mode reads a value otherwise than Python mode; raw bytes read as themselves."""
    textual = _TEXTUAL - {"bytes"} if raw_bytes else _TEXTUAL
    for node in _nodes(schema):
        kind = node.get("type")
        if node.get("strict") or kind == "json-or-python" or (kind == "bytes" and not raw_bytes):
            return True
        if kind == "union":
            inside = {inner.get("type") for inner in _nodes(node["choices"]) if _has_kind(inner)}
            if inside & textual:
                return True
    return False


def _has_kind(node: dict[str, Any]) -> bool:
    return isinstance(node.get("type"), str)


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Walk a core schema without recursion; it is made of plain dicts, lists and tuples."""
    waiting: list[Any] = [schema]
    seen = set[int]()
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, dict):
            node = cast("dict[str, Any]", item)
            yield node
            waiting.extend(node[key] for key in node if key not in {"metadata", "ref"})
        elif isinstance(item, list | tuple):
            waiting.extend(cast("list[Any]", item))
