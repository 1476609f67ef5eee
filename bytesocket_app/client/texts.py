"""Types that JSON carries as text and MessagePack as they are, as a contract says of each place.

Pydantic has settings for that, but a setting counts for a whole class: it says nothing of a reply
that is no model, and a type may have another encoding than the class around it.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error, unhexlify
from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticSerializationUnexpectedValue, core_schema

from bytesocket_app.events.serializing import not_in_binary
from bytesocket_app.events.settings_of_places import word_or_number


def _base64(text: str) -> bytes:
    plain = text.rstrip("=").replace("+", "-").replace("/", "_")
    found = urlsafe_b64decode(plain + "=" * (-len(plain) % 4))
    # Python passes over what is none of the alphabet, and over bits that are left over.
    if urlsafe_b64encode(found).decode().rstrip("=") != plain:
        raise ValueError("a character that belongs to no bytes")
    return found


class _BytesAsText:
    """Annotation of bytes with their encoding in JSON."""

    def __init__(
        self, name: str, read: Callable[[str], bytes], write: Callable[[bytes], str]
    ) -> None:
        self._name = name
        self._from_text = read
        self._to_text = write

    def __get_pydantic_core_schema__(
        self, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.json_or_python_schema(
            core_schema.no_info_plain_validator_function(self._read),
            core_schema.bytes_schema(),
            serialization=core_schema.plain_serializer_function_ser_schema(
                self._write, when_used="json"
            ),
        )

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "contentEncoding": self._name}

    @not_in_binary
    def _read(self, value: object) -> bytes:
        if isinstance(value, bytes):
            return value
        if not isinstance(value, str):
            raise ValueError(f"bytes are {self._name} text in JSON")  # noqa: TRY004 - for Pydantic
        try:
            return self._from_text(value)
        except (Error, ValueError) as error:
            raise ValueError(f"this is no {self._name} text: {error}") from error

    @not_in_binary
    def _write(self, value: object) -> str:
        if isinstance(value, bytes | bytearray):
            return self._to_text(bytes(value))
        # In a union, Pydantic goes on to the next choice.
        raise PydanticSerializationUnexpectedValue("these are no bytes")


class _NumberOrText:
    """Annotation of numbers of which NaN and the infinities are text in JSON."""

    def __get_pydantic_core_schema__(
        self, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        write = core_schema.plain_serializer_function_ser_schema(word_or_number, when_used="json")
        return core_schema.float_schema(serialization=write)

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "number"}


Base64Bytes: TypeAlias = Annotated[
    bytes, _BytesAsText("base64url", _base64, lambda value: urlsafe_b64encode(value).decode())
]
"""Bytes that JSON carries as base64 text, of the alphabet for URLs."""
HexBytes: TypeAlias = Annotated[bytes, _BytesAsText("base16", unhexlify, bytes.hex)]
"""Bytes that JSON carries as hexadecimal text."""
AnyFloat: TypeAlias = Annotated[float, _NumberOrText()]
"""A number of which JSON carries NaN and the infinities as text: `"NaN"`, `"Infinity"`."""
