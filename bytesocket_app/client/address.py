"""From what a user calls the server to what is dialled."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from websockets.exceptions import InvalidURI
from websockets.uri import WebSocketURI, parse_uri

from bytesocket_app.errors import ConfigurationError

_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


def address(url: str, *, path: str = "", fingerprint: str = "") -> WebSocketURI:
    """Work out the address to dial.

    Args:
        url: With the scheme ws, wss, http or https. Its own path and query are kept.
        path: The contract's path, for a URL without one.
        fingerprint: The contract's, added as the query's `contract`; "" adds nothing.

    Raises:
        ConfigurationError: It is no such URL.

    Source: protocol.md section 11, "URL".
    """
    parts = urlsplit(url)
    scheme = _SCHEMES.get(parts.scheme.lower())
    if scheme is None:
        raise ConfigurationError(
            f"{url!r} is no address of a socket: begin it with ws://, wss://, http:// or https://."
        )
    query = parse_qsl(parts.query, keep_blank_values=True)
    if fingerprint:
        query = [(key, value) for key, value in query if key != "contract"]
        query.append(("contract", fingerprint))
    place = parts.path if parts.path not in {"", "/"} else path or parts.path
    try:
        return parse_uri(urlunsplit((scheme, parts.netloc, place, urlencode(query), "")))
    except (InvalidURI, ValueError) as error:
        raise ConfigurationError(f"{url!r} is no address of a socket: {error}.") from error
