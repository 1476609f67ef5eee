"""Address to connect to, made from the URL that a user gives."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from websockets.exceptions import InvalidURI
from websockets.uri import WebSocketURI, parse_uri

from bytesocket_app.errors import ConfigurationError

_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


def address(url: str, *, path: str = "", fingerprint: str = "") -> WebSocketURI:
    """Return the address to connect to.

    Args:
        url: URL with the scheme ws, wss, http or https. A path and a query in it are kept.
        path: The contract's path, used for a URL without one.
        fingerprint: The contract's fingerprint, added to the query as `contract`; "" adds nothing.

    Raises:
        ConfigurationError: The URL has another scheme or cannot be parsed.

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
