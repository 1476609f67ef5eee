"""Address to connect to, made from the URL that a user gives."""

import re
from dataclasses import replace
from typing import Final
from urllib.parse import quote, unquote_plus, urlsplit, urlunsplit

from websockets.exceptions import InvalidURI
from websockets.uri import WebSocketURI, parse_uri

from bytesocket_app.errors import ConfigurationError

_MOST: Final = 10.0**11
_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
_SENDABLE: Final = "".join(map(chr, range(0x21, 0x7F)))
"""Characters that may stand in a request as they are."""


HEARTBEAT: Final = 25.0
"""Seconds between two pings that a server expects of a client that names a contract."""


def address(
    url: str, *, path: str = "", fingerprint: str = "", ping_interval: float = HEARTBEAT
) -> WebSocketURI:
    """Return the address to connect to.

    Args:
        url: URL with the scheme ws, wss, http or https. A path and a query in it are kept as they
            are written, except that characters which cannot be sent are encoded.
        path: The contract's path, used for a URL whose own is empty or `/`.
        fingerprint: The contract's fingerprint, added to the query as `contract`, in place of one
            that is there; "" adds nothing.
        ping_interval: Seconds between two pings, 0 for none; a slow one is added as `heartbeat`.

    Raises:
        ConfigurationError: The URL has another scheme or cannot be parsed.

    Source: protocol.md section 11, "URL".
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ConfigurationError(f"{_shown(url)} is no address of a socket: {error}.") from None
    scheme = _SCHEMES.get(parts.scheme.lower())
    if scheme is None:
        raise ConfigurationError(
            f"{_shown(url)} is no address of a socket: begin it with ws://, wss://, http:// or "
            "https://."
        )
    added: dict[str, str] = {}
    if fingerprint:
        added["contract"] = fingerprint
        if not 0 < ping_interval <= HEARTBEAT:
            added["heartbeat"] = f"{min(ping_interval * 1000, _MOST):.0f}"
    place = parts.path if parts.path not in {"", "/"} else path or parts.path
    try:
        found = parse_uri(urlunsplit((scheme, parts.netloc, "", "", "")))
        found.host.encode("idna")
        query = quote(_with(parts.query, added), safe=_SENDABLE)
        return replace(found, path=quote(place, safe=_SENDABLE), query=query)
    except (InvalidURI, ValueError) as error:
        reason = error.msg if isinstance(error, InvalidURI) else error
        # The error itself has the whole URL.
        raise ConfigurationError(f"{_shown(url)} is no address of a socket: {reason}.") from None


def _with(query: str, added: dict[str, str]) -> str:
    """Return a query with further members, in place of its own of the same names."""
    members = query.split("&") if query else []
    kept = [each for each in members if unquote_plus(each.partition("=")[0]) not in added]
    return "&".join([*kept, *(f"{name}={value}" for name, value in added.items())])


def _shown(url: str) -> str:
    """Return an address for an error message: without a user, a password and a query."""
    return repr(re.sub("//[^/?#]*@", "//", url.partition("?")[0]))
