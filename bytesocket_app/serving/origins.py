"""Check of the page that opens a connection, by its origin (protocol.md section 9)."""

import re
from collections.abc import Sequence
from typing import Final, Literal
from urllib.parse import urlsplit

from bytesocket_app.errors import ConfigurationError, caller
from bytesocket_app.transports import Handshake

_ORIGIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s@]+")
"""Form of an origin that a browser sends (RFC 6454 section 6.2)."""
_LONGEST: Final = 300
"""Characters of an origin: a scheme, a host name of 253, and a port."""
_PORTS: Final = {"http": 80, "https": 443}


class Origins:
    """Check of a handshake's `Origin` header; browsers always send one.

    Args:
        listed: Origins that are allowed besides the default; "*" for all.
        default: "same" to allow pages of the same host besides the list; "any" to allow all pages
            if there is no list.

    Raises:
        ConfigurationError: An entry does not have the form of an origin.
    """

    def __init__(self, listed: Sequence[str], default: Literal["same", "any"]) -> None:
        problem = None
        if isinstance(listed, str):
            problem = f"origins={listed!r} is one text: pass a list, [{listed!r}]."
        for origin in () if problem else listed:
            if origin not in {"*", "null"} and not _ORIGIN.fullmatch(origin):
                problem = (
                    f"origins=[{origin!r}] would never match: browsers send scheme, host and "
                    "port alone, as in 'https://example.org' or 'http://localhost:5173'."
                )
        if problem is not None:
            raise ConfigurationError(f"{caller()}: {problem}")
        self._listed = frozenset(origin.lower() for origin in listed)
        self._default = default

    def allow(self, handshake: Handshake) -> bool:
        """Return True if the page that opens the connection may do so."""
        origin = handshake.headers.get("origin", "")
        if not origin or "*" in self._listed or origin.lower() in self._listed:
            return True
        if self._default == "any":
            return not self._listed
        return _same_host(origin, handshake.headers.get("host", ""))


def shown_origin(handshake: Handshake) -> str:
    """Return the origin for the log: of one that is none, as it may hold anything, nothing."""
    origin = handshake.headers.get("origin", "")
    if origin == "null" or (len(origin) <= _LONGEST and _ORIGIN.fullmatch(origin)):
        return repr(origin)
    return f"of {len(origin)} characters, which is none,"


def _same_host(origin: str, host: str) -> bool:
    """Return True if `origin` is at `host`; a default port counts as no port."""
    try:
        parts, own = urlsplit(origin), urlsplit(f"//{host}")
        default = _PORTS.get(parts.scheme)
        here = (parts.hostname, parts.port or default)
        return bool(parts.hostname) and here == (own.hostname, own.port or default)
    except ValueError:
        return False
