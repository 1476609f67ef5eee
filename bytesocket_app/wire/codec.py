"""Interface of the codecs."""

import sys
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Final, Protocol, cast

from bytesocket_app.errors import DecodeError
from bytesocket_app.types import CodecName

UNLIMITED: Final = sys.maxsize
"""Number of elements of a message that has no such limit."""


class _Hole(Enum):
    HOLE = "a value that comes later"


HOLE: Final = _Hole.HOLE
"""Placeholder for a member's value in an envelope."""


class Codec(Protocol):
    """A wire format for messages. Codecs keep no state."""

    @property
    def name(self) -> CodecName:
        """Name of the codec in settings and subprotocols."""
        ...

    @property
    def is_binary(self) -> bool:
        """True if frames of this codec have the binary opcode."""
        ...

    def encode(self, message: object) -> bytes:
        """Encode a value as the payload of a frame.

        Raises:
            EncodeError: The format cannot express some part of the value.
        """
        ...

    def envelope(self, message: Mapping[str, object]) -> tuple[bytes, ...]:
        """Encode the fixed parts of messages that differ in some values only.

        Args:
            message: The members of the message, with HOLE in place of each value that differs.

        Returns:
            The parts before the first hole, between the holes, and after the last one. A message is
            these parts with `encode(value)` in each hole.

        Raises:
            EncodeError: The format cannot express some part of the message.
        """
        ...


def too_many(limit: int) -> DecodeError:
    """Return the refusal of a message with more elements than a limit."""
    return DecodeError(
        f"the message has more than {limit} elements, members of lists and maps together"
    )


def is_deeper(value: Any, limit: int) -> bool:
    """Return True if lists and dicts are nested more than `limit` levels deep; `[]` is one level.

    Works level by level without recursion, so that no nesting can exhaust the stack.
    """
    level: list[Any] = [value] if isinstance(value, dict | list) else []
    for _ in range(limit):
        if not level:
            return False
        level = [
            item for outer in level for item in _inside(outer) if isinstance(item, dict | list)
        ]
    return bool(level)


def _inside(outer: Any) -> Iterable[Any]:
    return cast("dict[str, Any]", outer).values() if isinstance(outer, dict) else outer
