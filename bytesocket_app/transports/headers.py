"""A request's headers as the core sees them."""

import binascii
import logging
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from typing_extensions import override

logger = logging.getLogger("bytesocket")

TOO_LARGE: Final = 431
"""Status of a request whose head is too large (RFC 6585 section 5)."""

_MANY: Final = 200
"""Headers beyond which a look at each, for every one that is asked for, is too much."""
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def joined(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by lower-case name; repeated ones are joined with `, `, cookies with `; `.

    Source: RFC 9110 section 5.3; RFC 9113 section 8.2.3 (HTTP/2 may send every cookie in a header
    of its own).
    """
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        separator = "; " if name == "cookie" else ", "
        headers[name] = f"{headers[name]}{separator}{value}" if name in headers else value
    return headers


class RawHeaders(Mapping[str, str]):
    """Headers by lower-case name, joined when they are asked for.

    A connection keeps its headers for life, and few applications look at any: a second copy of them
    all would be most of what a handshake costs.
    """

    __slots__ = ("_raw",)

    def __init__(self, raw: Sequence[tuple[bytes, bytes]]) -> None:
        self._raw = raw

    @override
    def __getitem__(self, name: str) -> str:
        wanted = name.encode("latin-1", "replace")
        return joined(pair for pair in self._raw if pair[0].lower() == wanted)[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(joined(self._raw))

    @override
    def __len__(self) -> int:
        return len(joined(self._raw))

    @override
    def __repr__(self) -> str:
        return repr(joined(self._raw))


def kept(raw: Sequence[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Return headers by lower-case name, at the least cost of keeping them."""
    return RawHeaders(raw) if len(raw) <= _MANY else joined(raw)


def is_key(text: str) -> bool:
    """Return True for a `Sec-WebSocket-Key`: 16 bytes in base64 (RFC 6455 section 4.1)."""
    try:
        return len(b64decode(text, validate=True)) == 16  # noqa: PLR2004 - as said
    except (binascii.Error, ValueError):
        return False


def is_token(name: str) -> bool:
    """Return True for a token (RFC 9110 section 5.6.2), as a subprotocol has to be one."""
    return _TOKEN.fullmatch(name) is not None


def head_size(raw: Iterable[tuple[bytes, bytes]], target: int) -> int:
    """Return the bytes of a request's line and headers, from those of its path and query."""
    return target + sum(len(name) + len(value) + 4 for name, value in raw)


def told(status: int) -> int:
    """Log that a request was refused before an application heard of it; returns the status.

    A head that is too large is a warning, as people with many cookies may send one.
    """
    if status == TOO_LARGE:
        logger.warning(
            "a request is refused: 431, its head is beyond Limits.header_bytes or Limits.headers"
        )
    else:
        logger.info("a request is refused: %d", status)
    return status
