"""One application under every server: `python -m tests.support.served SERVER SHAPE`.

A shape is one of those below, or `module:attribute` of an application elsewhere. It prints its port
and serves until it is killed. The servers are started as their users start them, without the
framework's runners.
"""

import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import anyio
import uvicorn
from fastapi import FastAPI
from granian.constants import Interfaces
from granian.server.embed import Server as Granian
from hypercorn.config import Config
from starlette.staticfiles import StaticFiles

from bytesocket_app import ByteSocket, Refusal
from bytesocket_app.transports.asgi import ASGIApp, Receive, Scope, Send
from tests.support.ports import reserved_port
from tests.support.server_process import ROOT, ended, environment, serving
from tests.support.talk import Said, Say, Wave, talk

SERVERS = ("hypercorn-asyncio", "hypercorn-trio", "uvicorn", "granian")
TRANSPORTS = (*SERVERS, "picows")
"""The servers of the ASGI adaptor, and the one of our own."""


class Rude(Refusal, code="rude"):
    """That is not said here."""


def application(**more: Any) -> ByteSocket:
    """The application that is served."""
    app = talk(serialization="json", **more)
    lobby = app.room("lobby")
    lobby.relay(Wave)

    @app.on(Say, raises=(Rude,))
    async def say(event: Say) -> Said:
        if event.text == "no":
            raise Rude("Not that.")
        return Said(text=event.text.upper())

    return app


class Side:
    """An HTTP side with one button: `/drain` closes all sockets."""

    app: ByteSocket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a page."""
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        await self.app.drain(5)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def plain() -> ASGIApp:
    """The application by itself."""
    side = Side()
    side.app = application(http=side)
    return side.app


def mounted_beside() -> ASGIApp:
    """Mounted in FastAPI under a prefix."""
    api = FastAPI()
    api.mount("/chat", application())
    return api


def mounted_there() -> ASGIApp:
    """Mounted in FastAPI at its own path."""
    api = FastAPI()
    api.mount("/ws", application())
    return api


def with_files() -> ASGIApp:
    """With static files on its HTTP side."""
    return application(http=StaticFiles(directory=Path(__file__).parent))


def with_fastapi() -> ASGIApp:
    """With a FastAPI application, lifespan and all, on its HTTP side."""
    state: list[str] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        state.append("started")
        yield

    api = FastAPI(lifespan=lifespan)

    @api.get("/state")
    async def read() -> list[str]:
        return state

    return application(http=api)


SHAPES: dict[str, Callable[[], ASGIApp]] = {
    shape.__name__: shape
    for shape in (plain, mounted_beside, mounted_there, with_files, with_fastapi)
}


def _application(shape: str) -> ASGIApp:
    module, colon, attribute = shape.partition(":")
    if not colon:
        return SHAPES[shape]()
    app: ASGIApp = getattr(import_module(module), attribute)
    return app


def _hypercorn(backend: str, app: Any, listener: socket.socket) -> None:
    serve: Any = import_module(f"hypercorn.{backend}").serve
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.loglevel = "WARNING"
    anyio.run(serve, app, config, backend=backend)


def _uvicorn(app: Any, listener: socket.socket) -> None:
    config = uvicorn.Config(app, log_level="warning", ws="websockets-sansio")
    uvicorn.Server(config).run(sockets=[listener])


def _granian(app: Any, port: int) -> None:
    server = Granian(app, port=port, interface=Interfaces.ASGI, log_enabled=False)
    anyio.run(server.serve)


def main() -> None:
    """Serve."""
    kind, shape = sys.argv[1:]
    app = _application(shape)
    if kind == "granian":
        with reserved_port() as port:
            _tell(port)
            _granian(app, port)
        return
    listener = socket.create_server(("127.0.0.1", 0))
    _tell(listener.getsockname()[1])
    if kind == "uvicorn":
        _uvicorn(app, listener)
    else:
        _hypercorn(kind.removeprefix("hypercorn-"), app, listener)


def _tell(port: int) -> None:
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


@contextmanager
def served_by(transport: str, target: str) -> Generator[int]:
    """Serve a TARGET over one of `TRANSPORTS` for the block; gives the port."""
    if transport != "picows":
        with served(transport, target) as port:
            yield port
        return
    place = ("--host", "127.0.0.1", "--port", "0", "--transport", "picows")
    with serving("run", target, *place, cwd=ROOT) as process:
        yield process.port


@contextmanager
def served(kind: str, shape: str = "plain") -> Generator[int]:
    """Serve for the block; gives the port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.served", kind, shape],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"{kind} did not start: {process.poll()}"
        yield int(line)
    finally:
        ended(process)


if __name__ == "__main__":
    main()
