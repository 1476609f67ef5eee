"""The text that bundled strings are cut from (protocol.md section 8.3)."""

from bytesocket_app.errors import DecodeError


class BundledText:
    """One of a bundle's two texts, taken from front to back in UTF-16 units.

    Args:
        raw: The text as it came: UTF-8, in which lone surrogates may stand as three bytes.

    Raises:
        UnicodeDecodeError: It is not that.
    """

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
        """Cut off the next `count` UTF-16 units; halves of characters become U+FFFD.

        Raises:
            DecodeError: There are not that many.
        """
        start = self._next
        self._next = end = start + count
        if end > self._size:
            raise DecodeError(
                f"a reference to {count} units of bundled text, of which {self._size - start} "
                "are left"
            )
        if self._units:
            return self._units[2 * start : 2 * end].decode("utf-16-le", "replace")
        return self._text[start:end]
