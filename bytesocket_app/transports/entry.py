"""ASGI entry point: sends each scope to the WebSocket endpoint or to the HTTP application."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Final

from bytesocket_app.telemetry import Telemetry
from bytesocket_app.transports.asgi import ASGIApp, Receive, Scope, Send, reject, serve_websocket
from bytesocket_app.transports.http_side import answer, serve_http_side
from bytesocket_app.transports.interface import Endpoint, Rejection
from bytesocket_app.transports.lifespan import answer_lifespan, run_lifespan
from bytesocket_app.transports.probes import missing, probe
from bytesocket_app.transports.writer import Writer

UPGRADE_REQUIRED = (
    "This is a WebSocket endpoint: connect with a WebSocket client, "
    "as in connect('ws://{host}{path}').\n"
)

NO_TUNNEL: Final = "This server is no proxy.\n"
"""Answer to CONNECT: after a 2xx, which a probe or any application may give, there is no body."""

SHUTDOWN: Final = 10.0
"""Seconds that the lifespan of the HTTP application gets to end."""


class AsgiEntry:
    """Router of ASGI scopes: the socket's path, everything else, and the lifespan of both.

    Args:
        endpoint: Takes the WebSocket connections.
        writer: Flushes sockets that have output.
        running: Context that lasts as long as a lifespan and hosts the application's tasks.
        path: The socket's path, compared whole.
        http: Application for all other paths; without one they get 404, except for the probes.
        telemetry: The application's port for metrics.

    Attributes:
        path: As given.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        writer: Writer,
        running: Callable[[], AbstractAsyncContextManager[None]],
        path: str,
        http: ASGIApp | None,
        telemetry: Telemetry,
    ) -> None:
        self._endpoint = endpoint
        self._writer = writer
        self._running = running
        self.path = path
        self._http = http
        self._telemetry = telemetry

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope to its end."""
        kind = scope["type"]
        if kind == "lifespan":
            await answer_lifespan(self._lifespan(scope), receive, send)
        elif scope.get("method") == "CONNECT":
            await answer(send, 405, NO_TUNNEL)
        elif self._is_socket(scope):
            await self.serve_socket(scope, receive, send, self.path)
        elif self._http is not None:
            await serve_http_side(self._http, scope, receive, send)
        elif kind == "websocket":
            await receive()
            await reject(
                Rejection(404, f"No socket here; try {self._dialled(scope)}."), scope, send
            )
        else:
            there = [self._dialled(scope)]
            status, text = probe(scope["path"], [self._endpoint]) or (404, missing(there))
            await answer(send, status, text)

    async def serve_socket(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        """Serve a scope of the socket's path: a WebSocket, or a request that wants an upgrade."""
        if scope["type"] == "websocket":
            await serve_websocket(
                self._endpoint, self._writer, self._telemetry, scope, receive, send, path=path
            )
            return
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"localhost").decode("latin-1")
        await answer(send, 426, UPGRADE_REQUIRED.format(host=host, path=scope["path"]))

    def _dialled(self, scope: Scope) -> str:
        """Return the path that clients dial, with what mounts and proxies put before it."""
        return socket_below(scope.get("root_path", ""), self.path)

    def _is_socket(self, scope: Scope) -> bool:
        """Compare the path with ours, without the prefix of a mount."""
        path: str = scope["path"]
        root = _root(scope)
        if path == self.path:
            return True
        local = path[len(root) :] if root and path.startswith(root) else path
        # If the mount is at the socket's own path, the rest is empty or a slash.
        return local == self.path or (root.endswith(self.path) and local in {"", "/"})

    @asynccontextmanager
    async def _lifespan(self, scope: Scope) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._running())
            if self._http is not None:
                state: dict[str, Any] = scope.get("state", {})
                await stack.enter_async_context(run_lifespan(self._http, state, timeout=SHUTDOWN))
            yield


def socket_below(prefix: str, path: str) -> str:
    """Return where a socket is below a mount; at its own path it has the slash of the mount."""
    return f"{prefix}/" if prefix.endswith(path) else f"{prefix}{path}"


def _root(scope: Scope) -> str:
    """Return the prefix of the mounts around us, as far as the path has it.

    A proxy may take its own prefix off the path; Starlette keeps both in `root_path` then, and
    what was there before the mounts in `app_root_path`.
    """
    root: str = scope.get("root_path", "")
    before: str = scope.get("app_root_path", "")
    if before and root.startswith(before) and not scope["path"].startswith(root):
        return root[len(before) :]
    return root
