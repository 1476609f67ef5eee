"""Address to connect to, made from the URL that a user gives."""

import re
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from websockets.exceptions import InvalidURI
from websockets.uri import WebSocketURI, parse_uri

from bytesocket_app.errors import ConfigurationError

_MOST: Final = 10.0**11
_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


HEARTBEAT: Final = 25.0
"""Seconds between two pings that a server expects of a client that names a contract."""


def address(
    url: str, *, path: str = "", fingerprint: str = "", ping_interval: float = HEARTBEAT
) -> WebSocketURI:
    """Return the address to connect to.

    Args:
        url: URL with the scheme ws, wss, http or https. A path and a query in it are kept.
        path: The contract's path, used for a URL without one.
        fingerprint: The contract's fingerprint, added to the query as `contract`; "" adds nothing.
        ping_interval: Seconds between two pings, 0 for none; a slow one is added as `heartbeat`.

    Raises:
        ConfigurationError: The URL has another scheme or cannot be parsed.

    Source: protocol.md section 11, "URL".
    """
    parts = urlsplit(url)
    scheme = _SCHEMES.get(parts.scheme.lower())
    if scheme is None:
        raise ConfigurationError(
            f"{_shown(url)} is no address of a socket: begin it with ws://, wss://, http:// or "
            "https://."
        )
    query = parse_qsl(parts.query, keep_blank_values=True)
    if fingerprint:
        query = [(key, value) for key, value in query if key != "contract"]
        query.append(("contract", fingerprint))
        if not 0 < ping_interval <= HEARTBEAT:
            query = [(key, value) for key, value in query if key != "heartbeat"]
            query.append(("heartbeat", f"{min(ping_interval * 1000, _MOST):.0f}"))
    place = parts.path if parts.path not in {"", "/"} else path or parts.path
    try:
        return parse_uri(urlunsplit((scheme, parts.netloc, place, urlencode(query), "")))
    except (InvalidURI, ValueError) as error:
        reason = error.msg if isinstance(error, InvalidURI) else error
        raise ConfigurationError(f"{_shown(url)} is no address of a socket: {reason}.") from error


def _shown(url: str) -> str:
    """Return an address for an error message: without a user, a password and a query."""
    return repr(re.sub("//[^/?#]*@", "//", url.partition("?")[0]))
