"""`chat.attach(api)`: a socket inside a FastAPI or Starlette application that exists already.

A mount would refuse the path without its slash, and would never run our lifespan (Starlette's
`Mount` matches `/ws/...` only, and passes no lifespan on). Starlette is imported only here, and
only when something is attached.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from bytesocket_app.errors import ConfigurationError, caller
from bytesocket_app.transports.asgi import ASGIApp, Receive, Scope, Send
from bytesocket_app.transports.entry import AsgiEntry

Running = Callable[[], AbstractAsyncContextManager[None]]


class Attached:
    """What a host's routes call: the socket for WebSockets, 426 for everything else.

    Attributes:
        app: The application that is attached; tools find it by this name, as in a mount.
        path: Where.
        source: `file:line` of the attachment.
    """

    def __init__(self, app: ASGIApp, entry: AsgiEntry, path: str) -> None:
        self.app = app
        self.path = path
        self.source = caller()
        self._entry = entry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a scope that a route of the host has matched."""
        await self._entry.serve_socket(scope, receive, send, self.path)


def attach(app: ASGIApp, entry: AsgiEntry, running: Running, host: object, path: str) -> None:
    """Add the socket's exact path to a host, and the application's life to the host's.

    Args:
        app: The application, for those who look for it in the host's routes.
        entry: Serves the connections.
        running: The application's life; the host's own is around it.
        host: A FastAPI or Starlette application.
        path: Below whatever the host itself is mounted at.

    Raises:
        ConfigurationError: The host is none, or it has a WebSocket at this path.
    """
    from starlette.applications import Starlette
    from starlette.routing import Route, WebSocketRoute

    if not isinstance(host, Starlette):
        raise ConfigurationError(
            f"{caller()}: cannot attach to a {type(host).__name__}: `attach` takes a FastAPI or "
            "Starlette application. Any other ASGI application: ByteSocket(http=...)."
        )
    routes = host.router.routes
    at_path = [r for r in routes if isinstance(r, Route | WebSocketRoute) and r.path == path]
    _check(path, [r.endpoint for r in at_path if isinstance(r, WebSocketRoute)])
    attached = Attached(app, entry, path)
    # In front: a mount at "/", static files for one, would take the path before it is compared.
    if not any(isinstance(route, Route) for route in at_path):
        routes.insert(0, Route(path, attached, name=f"{path} without upgrade"))
    routes.insert(0, WebSocketRoute(path, attached, name=path))
    host.router.lifespan_context = _around(host.router.lifespan_context, running)


def _check(path: str, taken: list[Any]) -> None:
    problem = None
    if not path.startswith("/") or {"?", "#", "{", "}"} & set(path):
        problem = "it must begin with a slash and have no query and no parameters, as in '/ws'."
    elif taken:
        place = getattr(taken[0], "source", "") or getattr(taken[0], "__qualname__", "a route")
        problem = f"the host has a WebSocket there already ({place}). Use another path."
    if problem is not None:
        raise ConfigurationError(f"{caller()}: cannot attach at path={path!r}: {problem}")


def _around(outer: Callable[[Any], Any], running: Running) -> Callable[[Any], Any]:
    """Chain the lives: what the host opens is there for our lifespan, and after it."""

    @asynccontextmanager
    async def lifespan(host: Any) -> AsyncGenerator[Any]:
        async with outer(host) as state, running():
            yield state

    return lifespan
