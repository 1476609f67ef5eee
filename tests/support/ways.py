"""The ways of a test client to an application: straight, and through an application around it."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from bytesocket_app import ByteSocket
from bytesocket_app.testing import TestClient

Connect: TypeAlias = Callable[..., TestClient]
"""Makes a client, with the arguments of `TestClient`."""

WAYS: Final = ("straight", "own ASGI side", "attached", "mounted")


class Way:
    """One way; each application gets one host."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._hosts: dict[int, tuple[ByteSocket, Any]] = {}

    def __call__(self, app: ByteSocket, *more: Any, **options: Any) -> TestClient:
        """Make a client that goes this way."""
        if self._kind == "straight":
            return TestClient(app, *more, **options)
        if self._kind == "own ASGI side":
            return TestClient(app, *more, path=app.path, **options)
        if id(app) not in self._hosts:
            self._hosts[id(app)] = (app, self._host(app))
        return TestClient(self._hosts[id(app)][1], *more, **options)

    def _host(self, app: ByteSocket) -> Any:
        if self._kind == "mounted":
            return Starlette(routes=[Mount("/chat", app)])
        host = FastAPI()
        app.attach(host)
        return host
