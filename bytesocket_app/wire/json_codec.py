"""Text frames: JSON as both sides of the protocol read it (protocol.md section 8.8)."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic_core import from_json, to_json

from bytesocket_app.errors import DecodeError, EncodeError


class JsonCodec:
    """JSON text in UTF-8."""

    name: Final[Literal["json"]] = "json"
    is_binary: Final[Literal[False]] = False

    def encode(self, message: object) -> bytes:
        """Write a value as JSON; NaN and the infinities become null."""
        try:
            return to_json(message, inf_nan_mode="null")
        except (ValueError, RecursionError) as error:
            raise EncodeError(f"this value cannot be sent as JSON: {error}") from error

    def envelope(self, head: Mapping[str, object], key: str) -> tuple[bytes, bytes]:
        """Write the members before the value, and what closes the message after it."""
        front = self.encode({name: value for name, value in head.items() if name != key})
        comma = b"," if len(front) > len(b"{}") else b""
        return b"".join((front[:-1], comma, self.encode(key), b":")), b"}"


def decode_json(payload: bytes | str, *, max_depth: int) -> Any:
    """Read one JSON text."""
    try:
        return from_json(payload, allow_inf_nan=False)
    except ValueError as error:
        raise DecodeError(f"not JSON: {error}") from error
