"""Validation and serialization of payload types, for either codec.

A payload arrives as decoded JSON or MessagePack. Validating the decoded value (Pydantic's Python
mode) is fast and right for nearly every type. Strict models, bytes, and unions of text with a type
that is written as text differ between Python mode and JSON mode; they are validated in JSON mode,
so that a type means the same on either codec.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from typing import Any, Final, TypeGuard

from pydantic import BaseModel, TypeAdapter
from pydantic_core import (
    PydanticSerializationError,
    SchemaError,
    SchemaSerializer,
    from_json,
    to_json,
    to_jsonable_python,
)

from bytesocket_app.errors import EncodeError, first_line
from bytesocket_app.events.anything import holds_bytes, may_hold_bytes
from bytesocket_app.events.core_schemas import (
    is_mapping,
    nodes,
    schema_serializer,
    schema_validator,
)
from bytesocket_app.events.guarded import guarded_schema, problems_of_one
from bytesocket_app.events.kinds import Kinds, Problem
from bytesocket_app.events.nulls import definitions_of, reads_objects
from bytesocket_app.events.raw import custom_before_bytes, json_validator
from bytesocket_app.events.raw_output import may_change, raw_serializer, writes_otherwise_in_binary
from bytesocket_app.events.recursion import RecursiveUnions
from bytesocket_app.events.serializing import calls_back
from bytesocket_app.events.settings_of_places import placed_schema
from bytesocket_app.events.tolerant import tolerant
from bytesocket_app.events.unwritable import unwritable
from bytesocket_app.events.writing import Check, is_warning, json_writer, msgpack_writer, plainly
from bytesocket_app.types import CodecName
from bytesocket_app.wire import UNLIMITED

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


class WrongKind(SerializerError):
    """A value that is to be sent is not of the declared kind."""

    is_about_code = True

    @classmethod
    def changed(cls, what: str, problem: Problem) -> "WrongKind":
        """Return the error for a value that nothing has validated.

        Args:
            what: What cannot be done with what has the value.
            problem: What is wrong with it.
        """
        return cls(
            f"{what}: {problem}. Was it changed after its construction, or made by "
            "`model_construct`? Nothing validates it then."
        )


class PayloadType:
    """A payload's type, with functions to validate and serialize its values.

    Args:
        annotation: Any type that Pydantic can validate.
        what: What has this payload, for the messages of errors; the annotation by default.
    """

    def __init__(self, annotation: Any, *, what: str = "") -> None:
        self.annotation = annotation
        self.what = what
        self._writers: dict[CodecName, Callable[[Any], bytes]] = {}
        self._tolerant_writers: dict[CodecName, Callable[[Any], bytes]] = {}

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
    def _written_schema(self) -> Any:
        return placed_schema(self.adapter.core_schema)

    @cached_property
    def serializer(self) -> SchemaSerializer:
        """Pydantic's serializer of the type, which writes each place as the contract says."""
        schema = self._written_schema
        if schema is self.adapter.core_schema:
            return self.adapter.serializer
        return schema_serializer(schema)

    @cached_property
    def has_bytes(self) -> bool:
        """True if a value can hold bytes, which are raw in MessagePack and text in JSON."""
        return any(node["type"] == "bytes" for node in nodes(self.adapter.core_schema))

    @cached_property
    def may_hold_bytes(self) -> bool:
        """True if a value can hold bytes, such as those inside `Any`."""
        return may_hold_bytes(self.adapter.core_schema)

    @property
    def depends_on_codec(self) -> bool:
        """True if a value can mean one thing in JSON and another in MessagePack; see `_raw`."""
        schema = self.adapter.core_schema
        return (
            self.has_bytes and custom_before_bytes(schema) and _modes_differ(schema, raw_bytes=True)
        )

    @cached_property
    def may_be_absent(self) -> bool:
        """True if null or a message without `data` means an empty object.

        It does for models whose values are all objects, so that null is none of them.
        """
        if not (isinstance(self.annotation, type) and issubclass(self.annotation, BaseModel)):
            return False
        schema = self.adapter.core_schema
        return reads_objects(schema, definitions_of(schema))

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
            if codec == "binary" and raw is not None and (is_announced or holds_bytes(decoded)):
                return raw(decoded)
            try:
                text = to_json(decoded)
            except ValueError:  # bytes or broken text, where JSON can have neither: no valid value
                return python(decoded)
            return json(text)

        is_announced = self.has_bytes
        raw = _raw(schema, python) if self.may_hold_bytes else None
        return through_json

    @cached_property
    def _refuse_much(self) -> Callable[[Any], None] | None:
        """Function that refuses values that are too much work for unions inside of themselves.

        Such a union refers to a type around it, so that `validate_fast` is None.
        """
        return RecursiveUnions(self.adapter.core_schema).guard()

    def to_json(self, value: Any) -> bytes:
        """Serialize a value as JSON text, by alias."""
        return self.serializer.to_json(value, by_alias=True)

    @cached_property
    def kinds(self) -> Kinds:
        """The kinds of its values, for those that are of no valid kind but are to be sent."""
        return Kinds(self.adapter.core_schema)

    def binary_value(self, **options: Any) -> Callable[[Any], Any]:
        """Return the function that converts a value to what MessagePack carries.

        Args:
            options: Further arguments of Pydantic's `to_python`.
        """
        return _binary_value(self._written_schema, self.serializer, options)

    @cached_property
    def has_words_for_not_finite(self) -> bool:
        """True if JSON text may have NaN as a word; usually it is null there."""
        configs = [node.get("config") for node in nodes(self._written_schema)]
        return any(config and "ser_json_inf_nan" in config for config in configs)

    def dump(self, value: Any, codec: CodecName) -> bytes:
        """Serialize a value for a codec.

        Raises:
            WrongKind: The value, or one inside of it, is not of the declared kind.
            EncodeError: The codec cannot express the value, such as non-UTF-8 bytes in JSON.
            SerializerError: A serializer of the application's own failed.
        """
        write = self._writers.get(codec)
        if write is None:
            write = self._writers[codec] = self.writer(codec, b"", b"")
        return write(value)

    def writer(self, codec: CodecName, prefix: bytes, suffix: bytes) -> Callable[[Any], bytes]:
        """Return a `dump` for one codec that puts `prefix` and `suffix` around the value."""
        check = (*self.kinds.tests, partial(self._settled, codec))
        return _writer(codec, self._written_schema, self.serializer, check, (prefix, suffix))

    def _settled(self, codec: CodecName, value: Any, found: bytes | Exception) -> bytes:
        """Write a value that is perhaps of a wrong kind, or say what is wrong with it."""
        try:
            problem = self.kinds.problem(value)
        except RecursionError as error:  # it holds itself
            return self._fail(codec, value, error)
        if problem is not None:
            raise WrongKind.changed(f"{self._title} cannot be written", problem)
        if isinstance(found, bytes):
            return found
        return (
            self._tolerant(codec)(value) if is_warning(found) else self._fail(codec, value, found)
        )

    def _tolerant(self, codec: CodecName) -> Callable[[Any], bytes]:
        """Return a writer that takes what is another kind in Python and none on the wire."""
        made = self._tolerant_writers.get(codec)
        if made is None:
            schema, serializer = self._written_schema, self.serializer
            if may_change():
                schema = tolerant(schema)
                serializer = schema_serializer(schema)
            check = (None, None, partial(self._fail, codec))
            made = _writer(codec, schema, serializer, check, (b"", b""))
            self._tolerant_writers[codec] = made
        return made

    def _fail(self, codec: CodecName, value: Any, error: bytes | Exception) -> bytes:
        """Raise what a failure of the writing means."""
        assert isinstance(error, Exception)  # noqa: S101 - without a test, nothing else is doubtful
        if is_warning(error):
            raise WrongKind(
                f"{self._title} cannot be written: a value in it is not of the declared kind, and "
                "no serializer says how it is written."
            ) from error
        if not isinstance(error, ValueError | RecursionError):
            raise error
        is_text = codec == "json"
        remedy = " Emit it with codec='binary'." if is_text and self.may_hold_bytes else ""
        kind = SerializerError if "Error calling function" in str(error) else EncodeError
        place = ""
        if is_text:
            part = partial(self.serializer.to_json, value, by_alias=True)
            place = unwritable(lambda include: part(include=include), value)
        raise kind(
            f"{self._title} cannot be written as {codec}: {place}{first_line(error)}{remedy}"
        ) from error

    @property
    def _title(self) -> str:
        name = getattr(self.annotation, "__name__", None)
        return self.what or (name if isinstance(name, str) else repr(self.annotation))

    def plain(self, value: Any) -> Any:
        """Return the value as decoded JSON: plain Python objects."""
        return from_json(self.to_json(value))


def _writer(
    codec: CodecName,
    schema: Any,
    serializer: SchemaSerializer,
    check: Check,
    around: tuple[bytes, bytes],
) -> Callable[[Any], bytes]:
    """Return the function that writes values of a schema."""
    # A warning is issued in the module of the function that calls back, so here it is asked for.
    options = {"warnings": "error"} if any(map(calls_back, nodes(schema))) else {}
    if codec == "json":
        return json_writer(serializer, check, around, options)
    return msgpack_writer(_binary_value(schema, serializer, options), check, around)


def _binary_value(
    schema: Any, serializer: SchemaSerializer, options: Mapping[str, Any]
) -> Callable[[Any], Any]:
    """Return the function that converts values of a schema to what MessagePack carries."""
    if not writes_otherwise_in_binary(schema):
        return plainly(serializer, options)
    raw = raw_serializer(schema, **options)
    if raw is None:  # pragma: no cover - a Pydantic that does not let a schema be changed
        write = serializer.to_python
        return lambda value: _with_raw_bytes(write(value, by_alias=True, **options))
    return raw


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
    if is_mapping(value):
        keys = to_jsonable_python(dict.fromkeys(value))
        return dict(zip(keys, map(_with_raw_bytes, value.values()), strict=True))
    if _is_collection(value):
        return [_with_raw_bytes(item) for item in value]
    return to_jsonable_python(value)


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
