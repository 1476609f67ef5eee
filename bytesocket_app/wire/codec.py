"""What a wire format can do, whichever it is."""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Final, Protocol, cast

from bytesocket_app.types import CodecName


class _Hole(Enum):
    HOLE = "a value that comes later"


HOLE: Final = _Hole.HOLE
"""In place of a member's value in an envelope."""


class Codec(Protocol):
    """One of the two wire formats a message is sent in. It keeps no state."""

    @property
    def name(self) -> CodecName:
        """The name that settings and subprotocols use."""
        ...

    @property
    def is_binary(self) -> bool:
        """Whether its frames have the binary opcode."""
        ...

    def encode(self, message: object) -> bytes:
        """Write one value as the payload of one frame.

        Raises:
            EncodeError: The value holds something that the format cannot carry.
        """
        ...

    def envelope(self, message: Mapping[str, object]) -> tuple[bytes, ...]:
        """Write all of a message but some values, for messages that differ in those only.

        Args:
            message: Its members, HOLE in place of each value that comes later.

        Returns:
            What is before the first hole, between the holes, and after the last one: the message
            is these with `encode(value)` in each hole.

        Raises:
            EncodeError: The message holds something that the format cannot carry.
        """
        ...


def is_deeper(value: Any, limit: int) -> bool:
    """Whether more than `limit` lists and dicts stand inside each other; `[]` is one.

    It goes level by level and without recursion, so that no nesting can exhaust the stack.
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
