"""An application behind proxies: it sees the clients that they tell of."""

from typing import Final

from bytesocket_app.addresses import Proxies
from bytesocket_app.transports.asgi import ASGIApp, Receive, Scope, Send

_FORWARDED: Final = {
    b"x-forwarded-for": "x-forwarded-for",
    b"x-forwarded-host": "x-forwarded-host",
    b"x-forwarded-proto": "proto",
}
_SCHEMES: Final = {
    ("http", "https"): "https",
    ("http", "http"): "http",
    ("websocket", "https"): "wss",
    ("websocket", "wss"): "wss",
    ("websocket", "http"): "ws",
    ("websocket", "ws"): "ws",
}
"""Scheme of a scope, by its type and what a proxy calls it."""


class Proxied:
    """ASGI application of which the pages, too, see the clients behind trusted proxies.

    `Policies.trusted_proxies` does this for sockets alone. The address comes from
    `X-Forwarded-For`, the scheme from `X-Forwarded-Proto`, of which the last word counts: the
    nearest proxy's. Sockets see the host of `X-Forwarded-Host`, to compare their page's origin
    with; pages see the `Host` that came.

    Args:
        app: The application.
        trusted: Addresses and networks of the proxies, and "unix" for peers without an address.

    Raises:
        ValueError: An entry of `trusted` is no address or network.
    """

    def __init__(self, app: ASGIApp, trusted: tuple[str, ...]) -> None:
        self._app = app
        self._proxies = Proxies(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; the scope of one from a trusted proxy is changed."""
        kind = scope["type"]
        if kind == "lifespan":
            await self._app(scope, receive, send)
            return
        given = scope.get("client")
        peer = (given[0], given[1]) if given else None
        if self._proxies.trusts(peer):
            said = _said(scope)
            client = self._proxies.client(peer, said)
            scope["client"] = client
            proto = said.get("proto", "").rpartition(",")[2].strip().lower()
            scope["scheme"] = _SCHEMES.get((kind, proto)) or scope.get("scheme", "http")
            host = self._proxies.host(peer, said)
            if host and kind == "websocket":
                kept = [pair for pair in scope["headers"] if pair[0] != b"host"]
                scope["headers"] = [(b"host", host.encode("latin-1")), *kept]
        await self._app(scope, receive, send)


def _said(scope: Scope) -> dict[str, str]:
    """Return the proxies' headers; repeated ones are joined by commas."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = _FORWARDED.get(name)
        if key is not None:
            text = value.decode("latin-1")
            found[key] = f"{found[key]},{text}" if key in found else text
    return found
