"""Starlette connections made from a handshake, for dependencies shared with HTTP routes.

Starlette is not imported: the class to make is the annotation of the parameter.
"""

from collections import ChainMap
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NoReturn

from bytesocket_app.transports import Handshake

_HOME = "starlette"


def connection_maker(annotation: Any) -> Callable[[Handshake], Any] | None:
    """Return the function that makes a Starlette connection for a parameter; None for others."""
    for kind in getattr(annotation, "__mro__", ()):
        if kind.__module__.partition(".")[0] != _HOME:
            continue
        if kind.__name__ == "Request":
            return partial(_request, annotation)
        if kind.__name__ == "WebSocket":
            return partial(_web_socket, annotation)
        if kind.__name__ == "HTTPConnection":
            return partial(_connection, annotation)
    return None


def _connection(kind: Callable[..., Any], handshake: Handshake) -> Any:
    return kind(_scope(handshake))


def _request(kind: Callable[..., Any], handshake: Handshake) -> Any:
    """Return the handshake's HTTP request (RFC 6455 section 4.1): a GET without a body."""
    scope = _scope(handshake)
    scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
    return kind({**scope, "type": "http", "method": "GET", "scheme": scheme})


def _web_socket(kind: Callable[..., Any], handshake: Handshake) -> Any:
    return kind(_scope(handshake), _not_yours, _not_yours)


async def _not_yours(*_: Any) -> NoReturn:
    raise RuntimeError(
        "The connection is read and written by the application. Ask for the socket instead: "
        "`socket: Socket`."
    )


def _scope(handshake: Handshake) -> Mapping[str, Any]:
    """Return the ASGI scope; without one (picows, a test in memory), its known parts.

    Its `state` has the handshake's notes besides what the server and middleware put there.
    """
    native, notes = handshake.native, handshake.state
    state: dict[str, Any] = native.get("state", {})
    if native.get("type") == "websocket":
        # What is written there goes to the scope, as it does without notes.
        return {**native, "state": ChainMap(state, notes)} if notes else native
    return {
        "type": "websocket",
        "scheme": handshake.scheme,
        "path": handshake.path,
        "query_string": handshake.query.encode("latin-1"),
        "headers": [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in handshake.headers.items()
        ],
        "client": handshake.client,
        "server": None,
        "root_path": "",
        "subprotocols": list(handshake.subprotocols),
        **native,
        "state": {**notes, **state},
    }
