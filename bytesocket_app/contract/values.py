"""Schemas of single values: enums, decimals, bytes, times, and results of serializers.

Objects, unions and references are in `contract.schema`, which also lists the hints.
"""

from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import Enum, Flag, FlagBoundary
from typing import Any, Final, cast

from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema, PydanticSerializationError, core_schema, to_jsonable_python
from typing_extensions import override

from bytesocket_app.contract.probing import timezone_hint
from bytesocket_app.contract.shape import Schema, finite
from bytesocket_app.events.defaults import validated_default
from bytesocket_app.events.findings import has_form, returns_from_json
from bytesocket_app.events.nulls import null_by_default
from bytesocket_app.events.serializing import opaque_serializer, scalar_return

_PLAIN: Final = frozenset({type(None), bool, int, float, str})
_CONTAINERS: Final = frozenset({dict, list})


class ValueSchemas(GenerateJsonSchema):
    """Pydantic's generator with corrected schemas of single values."""

    # Problems that Pydantic warns about raise in `SchemaGenerator`, or are left out silently.
    ignored_warning_kinds = {"skipped-choice", "non-serializable-default", "skipped-discriminator"}  # noqa: RUF012

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.core_definitions: dict[str, Any] = {}
        """Pydantic's own schemas of the types that others refer to."""

    @override
    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Write the default that values have, and null in output where the default sends it."""
        validates = schema.get("validate_default", bool(self._config.validate_default))
        if self.mode == "serialization":
            if null_by_default(schema, self.core_definitions, validates=validates):
                return self.nullable_schema(core_schema.nullable_schema(schema["schema"]))
        elif "default" in schema and validates:
            default = validated_default(schema, self.core_definitions)
            schema = cast("core_schema.WithDefaultSchema", {**schema, "default": default})
        return super().default_schema(schema)

    @override
    def encode_default(self, dft: Any) -> Any:
        """Write a default as clients would send it; leave it out if JSON cannot express it.

        Pydantic writes null for NaN, which is another value, and before 2.13 the value that the
        server would send: a number for a timedelta that clients send as text.
        """
        if not finite(dft):
            raise PydanticSerializationError("not a finite number")
        if type(dft) in _PLAIN or (type(dft) in _CONTAINERS and not dft):
            return dft  # unchanged: making a serializer for each would be slow
        kind: Any = Any
        if not (isinstance(dft, BaseModel) or is_dataclass(dft)):  # with a config of its own
            kind = cast("Any", type)(dft)
        config = ConfigDict(ser_json_bytes=self._config.val_json_bytes)
        try:
            adapter: TypeAdapter[Any] = TypeAdapter(kind, config=config)
        except PydanticUserError as error:
            raise PydanticSerializationError(f"{type(dft)} has no form in JSON") from error
        try:
            return adapter.dump_python(dft, mode="json", by_alias=True)
        except UnicodeDecodeError as error:
            raise PydanticSerializationError("bytes that are no text") from error

    @override
    def ser_schema(self, schema: Any) -> JsonSchemaValue | None:
        """Mark the output of a serializer without a return annotation as unknown."""
        if scalar := scalar_return(schema):
            return {"type": scalar}
        if opaque_serializer(schema):
            return {"x-unknown": "a serializer without a return annotation"}
        return super().ser_schema(schema)

    @override
    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        """Add the members' names, without aliases; a flag may be any combination of its bits.

        A member whose value is a tuple can be sent by the server but not by clients.
        """
        enum = cast("type[Enum]", schema["cls"])
        if issubclass(enum, Flag):
            names = {name: member.value for name, member in enum.__members__.items()}
            # A combination that is no member's is a value, but a plain flag takes no other bits.
            is_closed = getattr(enum, "_boundary_", None) is FlagBoundary.STRICT
            closed = {"x-closed": True} if is_closed else {}
            return {"type": "integer", "x-flags": names, **closed}
        members = list(enum)
        for member in members:
            if isinstance(member.value, bytes) or not has_form(member.value):
                problem = f"{member!r} of the enum {enum.__qualname__}"
                return self.handle_invalid_for_json_schema(cast("Any", schema), problem)
        if self.mode == "validation":
            members = [member for member in members if returns_from_json(member.value)]
            if not members:
                problem = f"the enum {enum.__qualname__}, of which no client can send a member,"
                return self.handle_invalid_for_json_schema(cast("Any", schema), problem)
        result = super().enum_schema(schema)
        result["enum"] = [to_jsonable_python(member.value) for member in members]
        result["x-enum-names"] = [member.name for member in members]
        return result

    @override
    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        """Refuse bytes, and members of plain enums in input, which Pydantic cannot read of JSON."""
        for value in cast("list[object]", schema["expected"]):
            plain = value.value if isinstance(value, Enum) else value
            if isinstance(plain, bytes) or not has_form(plain):
                problem = f"the constant {value!r}"
                return self.handle_invalid_for_json_schema(cast("Any", schema), problem)
            is_read = self.mode == "serialization" or isinstance(value, str | int)
            if isinstance(value, Enum) and not is_read:
                name = type(value).__qualname__
                return self.handle_invalid_for_json_schema(
                    cast("Any", schema),
                    f"Literal[{name}.{value.name}], which Pydantic accepts from no client "
                    f"(make {name} a StrEnum or an IntEnum),",
                )
        return super().literal_schema(schema)

    @override
    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """Mark decimals, which are sent as text, and keep their limits.

        Removes the pattern that some versions of Pydantic (2.12, 2.13) make of the limits.
        """
        result = {**super().decimal_schema(schema), "x-type": "decimal"}
        for form in (result, *result.get("anyOf", ())):
            form.pop("pattern", None)
        limits = {"max_digits": "x-max-digits", "decimal_places": "x-decimal-places"}
        given = cast("Mapping[str, Any]", schema)
        return result | {
            hint: given[key] for key, hint in limits.items() if given.get(key) is not None
        }

    @override
    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        """Mark numbers whose NaN and infinities are text in JSON."""
        result = super().float_schema(schema)
        as_text = self._config.ser_json_inf_nan in {"strings", "constants"}
        if as_text and schema.get("allow_inf_nan") is not False and not schema.get("strict"):
            result["x-inf-nan"] = "strings"
        return result

    @override
    def fraction_schema(self, schema: object) -> JsonSchemaValue:
        """Write fractions as text, as all versions of Pydantic read and write them."""
        return {"type": "string", "format": "fraction"}

    @override
    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        """Add the limits that a model's configuration sets, as Pydantic does since 2.13."""
        result = super().str_schema(schema)
        limits = {
            "minLength": self._config.str_min_length,
            "maxLength": self._config.str_max_length,
        }
        return {name: limit for name, limit in limits.items() if limit} | result

    @override
    def bytes_schema(self, schema: core_schema.BytesSchema) -> JsonSchemaValue:
        """Write the encoding of bytes in JSON for this direction; limits count bytes, not text."""
        incoming = self.mode == "validation"
        text = self._config.val_json_bytes if incoming else self._config.ser_json_bytes
        result: Schema = {"type": "string", "format": "binary", "x-bytes": text}
        self.update_with_validations(
            result,
            cast("CoreSchema", schema),
            {"min_length": "x-min-bytes", "max_length": "x-max-bytes"},
        )
        return result

    @override
    def datetime_schema(self, schema: core_schema.DatetimeSchema) -> JsonSchemaValue:
        """Add the hint that a time zone is required or refused."""
        return super().datetime_schema(schema) | timezone_hint(schema)

    @override
    def time_schema(self, schema: core_schema.TimeSchema) -> JsonSchemaValue:
        """Add the hint that a time zone is required or refused."""
        return super().time_schema(schema) | timezone_hint(schema)

    @override
    def timedelta_schema(self, schema: core_schema.TimedeltaSchema) -> JsonSchemaValue:
        """Write input as text even if output is a number: input gives numbers another meaning."""
        if self.mode == "validation":
            return {"type": "string", "format": "duration"}
        return super().timedelta_schema(schema)
