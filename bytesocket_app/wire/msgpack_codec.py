"""Binary frames: MessagePack that the protocol's peers read (protocol.md 8.6, 8.7)."""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgpack

from bytesocket_app.errors import DecodeError, EncodeError


class BinaryCodec:
    """MessagePack without bundled strings."""

    name: Final[Literal["binary"]] = "binary"
    is_binary: Final[Literal[True]] = True

    def encode(self, message: object) -> bytes:
        """Write a value as MessagePack."""
        try:
            return msgpack.packb(message, datetime=True)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise EncodeError(f"this value cannot be sent as MessagePack: {error}") from error

    def envelope(self, head: Mapping[str, object], key: str) -> tuple[bytes, bytes]:
        """Write the members before the value; nothing follows it."""
        front = self.encode({**{k: v for k, v in head.items() if k != key}, key: None})
        return front[:-1], b""


def decode_binary(payload: bytes, *, max_depth: int) -> Any:
    """Read one MessagePack value."""
    try:
        return msgpack.unpackb(payload, timestamp=3)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise DecodeError(f"not MessagePack: {error}") from error
