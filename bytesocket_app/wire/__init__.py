"""Wire formats: codecs, frames, message types and close codes.

`CODECS` write messages; `decode` reads a frame of either kind, told apart by its opcode alone.
This package does no I/O and keeps no state between frames.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bytesocket_app.types import CodecName
from bytesocket_app.wire.close import CloseCode, close_reason
from bytesocket_app.wire.codec import HOLE, UNLIMITED, Codec
from bytesocket_app.wire.json_codec import JsonCodec, decode_json
from bytesocket_app.wire.message_type import MessageType
from bytesocket_app.wire.msgpack_codec import BinaryCodec, decode_binary

__all__ = [
    "BINARY",
    "CODECS",
    "HOLE",
    "JSON",
    "UNLIMITED",
    "CloseCode",
    "Codec",
    "MessageType",
    "close_reason",
    "decode",
    "decode_json",
]

JSON: Final[Codec] = JsonCodec()
"""Codec of text frames."""
BINARY: Final[Codec] = BinaryCodec()
"""Codec of binary frames."""
CODECS: Final[Mapping[CodecName, Codec]] = MappingProxyType({"json": JSON, "binary": BINARY})
"""The codecs by name."""


def decode(
    payload: bytes | str,
    is_binary: bool,  # noqa: FBT001
    *,
    max_depth: int = 64,
    max_elements: int = UNLIMITED,
) -> object:
    """Decode the value in a frame.

    Args:
        payload: The whole payload. An empty binary frame is a ping and must not be passed.
        is_binary: True if the frame had the binary opcode; nothing else decides the format.
        max_depth: Largest nesting of lists and maps.
        max_elements: Largest number of members of all lists and maps together, where an empty one
            counts as one.

    Returns:
        Plain Python values; undefined and the invalid date are None, dates are aware.

    Raises:
        DecodeError: The frame does not hold exactly one value, or one nested too deep or with too
            many elements. No other exception is raised.
    """
    if is_binary:
        raw = payload if isinstance(payload, bytes) else payload.encode("utf-8", "replace")
        return decode_binary(raw, max_depth=max_depth, max_elements=max_elements)
    return decode_json(payload, max_depth=max_depth, max_elements=max_elements)
