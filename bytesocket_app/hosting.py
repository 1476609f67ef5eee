"""Attaching an application to a FastAPI or Starlette application: `chat.attach(api)`.

A mount would not do: Starlette's `Mount` matches `/ws/...` and not `/ws`, and does not run the
lifespan of the mounted application. Starlette is imported only when something is attached.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from bytesocket_app.errors import ConfigurationError, caller
from bytesocket_app.transports.asgi import ASGIApp, Receive, Scope, Send
from bytesocket_app.transports.entry import AsgiEntry

Running = Callable[[object], AbstractAsyncContextManager[None]]


class Attached:
    """ASGI application for the host's routes: the socket, and 426 for all other requests.

    Attributes:
        app: The attached application, under the name that tools look for in a mount too.
        path: The path in the host.
        source: `file:line` of the call of `attach`.
    """

    def __init__(self, app: ASGIApp, entry: AsgiEntry, path: str) -> None:
        self.app = app
        self.path = path
        self.source = caller()
        self._entry = entry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a scope that a route of the host matched."""
        await self._entry.serve_socket(scope, receive, send, self.path)


def attach(app: ASGIApp, entry: AsgiEntry, running: Running, host: object, path: str) -> None:
    """Add routes for the socket's path to a host, and the application's lifespan to the host's.

    Args:
        app: The application, for tools that look for it in the host's routes.
        entry: The ASGI entry that serves the connections.
        running: The application's lifespan, which runs inside the host's and is told of it.
        host: A FastAPI or Starlette application.
        path: The path, relative to the host's own mount.

    Raises:
        ConfigurationError: The host is another kind of object, or has a WebSocket at this path.
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
    # In front of the others: a mount at "/", for example of static files, takes every path.
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
    """Run our lifespan inside the host's, so that resources of the host outlast it."""

    @asynccontextmanager
    async def lifespan(host: Any) -> AsyncGenerator[Any]:
        async with outer(host) as state, running(host):
            yield state

    return lifespan
