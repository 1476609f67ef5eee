"""What a wire format can do, whichever it is."""

from collections.abc import Mapping
from enum import Enum
from typing import Final, Protocol

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
