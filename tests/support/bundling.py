"""A small packer with bundled strings, to make frames as TypeScript peers do."""

import struct
from dataclasses import dataclass, field
from typing import Any

from bytesocket_app.wire.portable import kind_of


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def as_utf8(text: str) -> bytes:
    """UTF-8 as JavaScript writes it: halves that meet are one character, others three bytes."""
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return joined.encode("utf-8", "surrogatepass")


def mended(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def integer(number: int) -> bytes:
    for form, low, high in (("B", 0, 127), ("b", -32, -1)):
        if low <= number <= high:
            return struct.pack(form, number)
    for token, form in zip(range(0xCC, 0xD4), "BHIQbhiq", strict=True):
        try:
            return bytes([token]) + struct.pack(">" + form, number)
        except struct.error:
            continue
    raise AssertionError(number)


def string(text: str) -> bytes:
    raw = as_utf8(text)
    size = len(raw)
    if size < 32:
        return bytes([0xA0 | size]) + raw
    if size < 2**8:
        return b"\xd9" + struct.pack("B", size) + raw
    if size < 2**16:
        return b"\xda" + struct.pack(">H", size) + raw
    return b"\xdb" + struct.pack(">I", size) + raw


def scalar(value: object) -> bytes:
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, bytes):
        return b"\xc6" + struct.pack(">I", len(value)) + value
    if value is None or isinstance(value, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
    assert isinstance(value, int)
    return integer(value)


@dataclass
class Packer:
    """A small packer with bundled strings, after protocol.md sections 8.3 and 8.4.

    `limit` is how many units a bundle holds before the next is opened: 21760 for real ones.
    """

    limit: int = 21_760
    body: bytearray = field(default_factory=bytearray)
    texts: list[str] = field(default_factory=lambda: ["", ""])
    offset_at: int | None = None
    count: int = 0

    def frame(self, value: object) -> bytes:
        self.pack(value)
        if self.offset_at is not None:
            self.point_here()
            self.body += self.strings()
        return bytes(self.body)

    def strings(self) -> bytes:
        return string(self.texts[0]) + string(self.texts[1])

    def point_here(self) -> None:
        assert self.offset_at is not None
        struct.pack_into(">I", self.body, self.offset_at, len(self.body) - self.offset_at)

    def pack(self, value: Any) -> None:
        kind = kind_of(value)
        if kind is str:
            self.pack_text(value)
        elif kind is list:
            self.body += b"\xdd" + struct.pack(">I", len(value))
            for item in value:
                self.pack(item)
        elif kind is dict:
            self.body += b"\xde" + struct.pack(">H", len(value))
            for name, item in value.items():
                self.pack(name)
                self.pack(item)
        else:
            self.body += scalar(value)

    def pack_text(self, text: str) -> None:
        if not 4 <= units(text) <= 4095:
            self.body += string(text)
            return
        if self.offset_at is None:
            self.body += b"\xd6\x62" + bytes(4)
            self.offset_at = len(self.body) - 4
        elif self.count > self.limit:
            self.next_bundle()
        self.count += units(text)
        self.texts[text.isascii()] += text
        self.body += b"\xc1" + integer(units(text) if text.isascii() else -units(text))

    def next_bundle(self) -> None:
        strings = self.strings()
        size = 4 + len(strings) & 0xFFFF
        self.body += b"\xc8" + struct.pack(">H", size) + b"\x62" + bytes(4)
        self.point_here()
        self.offset_at = len(self.body) - 4
        self.body += strings
        self.texts, self.count = ["", ""], 0
