"""What travels between the two sides: bytes, and the numbers both know.

Two codecs write messages, and `decode` reads either kind of frame by its opcode alone.
Nothing here does I/O, keeps state between frames, or knows what a message means.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bytesocket_app.types import CodecName
from bytesocket_app.wire.close import CloseCode, close_reason
from bytesocket_app.wire.codec import HOLE, Codec
from bytesocket_app.wire.json_codec import JsonCodec, decode_json
from bytesocket_app.wire.message_type import MessageType
from bytesocket_app.wire.msgpack_codec import BinaryCodec, decode_binary

__all__ = [
    "BINARY",
    "CODECS",
    "HOLE",
    "JSON",
    "CloseCode",
    "Codec",
    "MessageType",
    "close_reason",
    "decode",
    "decode_json",
]

JSON: Final[Codec] = JsonCodec()
"""Text frames."""
BINARY: Final[Codec] = BinaryCodec()
"""Binary frames."""
CODECS: Final[Mapping[CodecName, Codec]] = MappingProxyType({"json": JSON, "binary": BINARY})
"""Both, by name."""


def decode(payload: bytes | str, is_binary: bool, *, max_depth: int = 64) -> object:  # noqa: FBT001
    """Read the one value that a frame holds.

    Args:
        payload: All of the frame. An empty binary frame is a ping and never gets here.
        is_binary: Whether the frame had the binary opcode; nothing else decides the format.
        max_depth: How many lists and maps may stand inside each other.

    Returns:
        Plain Python values; undefined and the invalid date are None, dates are aware.

    Raises:
        DecodeError: The frame holds no such value. Nothing else is ever raised.
    """
    if is_binary:
        raw = payload if isinstance(payload, bytes) else payload.encode("utf-8", "replace")
        return decode_binary(raw, max_depth=max_depth)
    return decode_json(payload, max_depth=max_depth)
