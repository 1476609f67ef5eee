"""What a wire format can do, whichever it is."""

from collections.abc import Mapping
from typing import Protocol

from bytesocket_app.types import CodecName


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

    def envelope(self, head: Mapping[str, object], key: str) -> tuple[bytes, bytes]:
        """Write all of a message but one value, for messages that differ in that value only.

        Args:
            head: The other members of the message; one called `key` is left out.
            key: The member whose value comes later. It is the last one of the message.

        Returns:
            (prefix, suffix): `prefix + encode(value) + suffix` is `{**head, key: value}`.

        Raises:
            EncodeError: The head holds something that the format cannot carry.
        """
        ...
