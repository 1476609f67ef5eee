"""One encoded message, on its way to one socket or to thousands."""

from collections.abc import Hashable


class Frame:
    """An encoded message. It is made once per codec, however many sockets it goes to.

    Attributes:
        payload: UTF-8 JSON text, or MessagePack.
        is_binary: Which of the two, and so which opcode.
        size: Length of `payload` in bytes.
        slot: What it is the newest of, if it may be lost: a slow reader is spared those before it
            in its slot. None for a frame that must arrive.
    """

    __slots__ = ("_text", "is_binary", "payload", "size", "slot")

    def __init__(self, payload: bytes, *, is_binary: bool, slot: Hashable | None = None) -> None:
        self.payload = payload
        self.is_binary = is_binary
        self.size = len(payload)
        self.slot = slot
        self._text: str | None = None

    @property
    def text(self) -> str:
        """The payload as text, decoded once for all members of a fan-out."""
        if self._text is None:
            self._text = self.payload.decode()
        return self._text


PONG = Frame(b"", is_binary=True)
"""The empty binary frame: a ping, or the answer to one (protocol.md section 1)."""
