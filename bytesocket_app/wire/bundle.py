"""Bundled strings: texts at the end of a frame to which its values refer (protocol.md 8.3)."""

from typing import Final

from bytesocket_app.errors import DecodeError
from bytesocket_app.wire.cursor import STRINGS, Cursor


class _BundledText:
    """A text of a bundle, read from front to back in UTF-16 units."""

    __slots__ = ("_next", "_size", "_text", "_units")

    def __init__(self, raw: bytes) -> None:
        self._next = 0
        self._units = b""
        try:
            self._text = raw.decode()
            whole = True
        except UnicodeDecodeError:
            self._text = raw.decode("utf-8", "surrogatepass")
            whole = False
        self._size = len(self._text)
        if not self._text.isascii():
            units = self._text.encode("utf-16-le", "surrogatepass")
            if not whole or len(units) != 2 * self._size:
                self._units, self._size = units, len(units) // 2

    def take(self, count: int) -> str:
        start = self._next
        end = start + count
        if end > self._size:
            raise DecodeError(
                f"a reference to {count} units of bundled text, of which {self._size - start} "
                "are left"
            )
        self._next = end
        if self._units:
            return self._units[2 * start : 2 * end].decode("utf-16-le", "replace")
        return self._text[start:end]


_NO_TEXT: Final = _BundledText(b"")


class Bundle:
    """A bundle: two adjacent texts in a frame, from which references take their strings.

    Args:
        cursor: Cursor of the frame; moved behind the two texts.
        start: Position of the first text.

    Attributes:
        start: Position of the first text.
        end: Position after the second text.

    Raises:
        DecodeError: There are no two strings at that position.
    """

    __slots__ = ("_ascii", "_other", "end", "start")

    def __init__(self, cursor: Cursor, start: int) -> None:
        cursor.position = self.start = start
        self._other, self._ascii = _read_text(cursor), _read_text(cursor)
        self.end = cursor.position

    def take(self, count: int) -> str:
        """Return the next string: of the ASCII text if `count` is 0 or more, else of the other.

        Args:
            count: Length in UTF-16 units. Halves of characters become U+FFFD.

        Raises:
            DecodeError: Fewer units are left.
        """
        return self._ascii.take(count) if count >= 0 else self._other.take(-count)


def _read_text(cursor: Cursor) -> _BundledText:
    token = cursor.data[cursor.position]
    cursor.position += 1
    if token not in STRINGS:
        raise cursor.refusal("a bundle's text is not a string")
    raw = cursor.piece(cursor.string_length(token))
    return _BundledText(raw) if raw else _NO_TEXT
