"""Schemas of single values: enums, decimals, bytes, times, and what serializers make of them.

The structural half, objects, unions and references, is in `contract.schema`, where the hints are
listed too.
"""

from collections.abc import Mapping
from enum import Enum, Flag
from typing import Any, cast

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema, PydanticSerializationError, core_schema, to_jsonable_python
from typing_extensions import override

from bytesocket_app.contract.probing import (
    opaque_serializer,
    returns_from_json,
    scalar_return,
    timezone_hint,
)
from bytesocket_app.contract.shape import Schema, finite


class ValueSchemas(GenerateJsonSchema):
    """Pydantic's generator with the truth about single values."""

    # What Pydantic would only warn about is refused by `SchemaGenerator`, or left out in silence.
    ignored_warning_kinds = {"skipped-choice", "non-serializable-default", "skipped-discriminator"}  # noqa: RUF012

    @override
    def encode_default(self, dft: Any) -> Any:
        """Leave out defaults that JSON has no word for: null, which Pydantic writes, is another."""
        if not finite(dft):
            raise PydanticSerializationError("not a finite number")
        return super().encode_default(dft)

    @override
    def ser_schema(self, schema: Any) -> JsonSchemaValue | None:
        """Admit what is not known: without a return annotation a serializer may send anything."""
        if scalar := scalar_return(schema):
            return {"type": scalar}
        if opaque_serializer(schema):
            return {"x-unknown": "a serializer without a return annotation"}
        return super().ser_schema(schema)

    @override
    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        """Add the members' names, once each; a flag is any combination of its bits.

        A member whose value is a tuple can be sent, and never comes back.
        """
        enum = cast("type[Enum]", schema["cls"])
        if issubclass(enum, Flag):
            names = {name: member.value for name, member in enum.__members__.items()}
            return {"type": "integer", "x-flags": names}
        members = list(enum)
        if self.mode == "validation":
            members = [member for member in members if returns_from_json(member.value)]
        try:
            result = super().enum_schema(schema)
            result["enum"] = [to_jsonable_python(member.value) for member in members]
        except PydanticSerializationError as error:
            problem = f"the enum {enum.__qualname__} ({error})"
            return self.handle_invalid_for_json_schema(cast("Any", schema), problem)
        result["x-enum-names"] = [member.name for member in members]
        return result

    @override
    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        """Refuse members of plain enums that come in: Pydantic finds them in no JSON."""
        if self.mode == "validation":
            for value in cast("list[object]", schema["expected"]):
                if isinstance(value, Enum) and not isinstance(value, str | int):
                    name = type(value).__qualname__
                    return self.handle_invalid_for_json_schema(
                        cast("Any", schema),
                        f"Literal[{name}.{value.name}], which Pydantic accepts from no client "
                        f"(make {name} a StrEnum or an IntEnum),",
                    )
        return super().literal_schema(schema)

    @override
    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """Mark decimals, which travel as text, and keep their limits."""
        result = {**super().decimal_schema(schema), "x-type": "decimal"}
        limits = {"max_digits": "x-max-digits", "decimal_places": "x-decimal-places"}
        given = cast("Mapping[str, Any]", schema)
        return result | {
            hint: given[key] for key, hint in limits.items() if given.get(key) is not None
        }

    @override
    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        """Say where NaN and the infinities go through JSON as text."""
        result = super().float_schema(schema)
        as_text = self._config.ser_json_inf_nan == "strings"
        if as_text and schema.get("allow_inf_nan") is not False and not schema.get("strict"):
            result["x-inf-nan"] = "strings"
        return result

    @override
    def bytes_schema(self, schema: core_schema.BytesSchema) -> JsonSchemaValue:
        """Say how JSON carries bytes in this direction; limits count bytes, not characters."""
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
        """Keep whether a time zone is required or refused."""
        return super().datetime_schema(schema) | timezone_hint(schema)

    @override
    def time_schema(self, schema: core_schema.TimeSchema) -> JsonSchemaValue:
        """Keep whether a time zone is required or refused."""
        return super().time_schema(schema) | timezone_hint(schema)

    @override
    def timedelta_schema(self, schema: core_schema.TimedeltaSchema) -> JsonSchemaValue:
        """Take text whatever is sent: a number that comes in would not mean the same."""
        if self.mode == "validation":
            return {"type": "string", "format": "duration"}
        return super().timedelta_schema(schema)
