"""Serving from code: `await app.serve()`, on any of the servers, under any loop runner."""

import socket
from collections.abc import Awaitable, Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, Literal, Protocol, TypeAlias, get_args

import anyio

from bytesocket_app.errors import ConfigurationError, caller
from bytesocket_app.event_loop import running_loop
from bytesocket_app.serving.runners.certificate import Certificate
from bytesocket_app.serving.runners.hosting import Hosting
from bytesocket_app.serving.runners.listening import listen

ServerName: TypeAlias = Literal["hypercorn", "uvicorn", "picows"]
"""Servers that the framework can run on."""

_NEEDS: Final = {"uvicorn": "pip install uvicorn", "picows": "pip install 'bytesocket[native]'"}
"""Servers that are no dependency, and the command that installs each."""


class StopSignal(Protocol):
    """An event of anyio, asyncio or trio that ends a server when it is set."""

    def is_set(self) -> bool:
        """Return True once it is set."""
        ...

    async def wait(self) -> Any:
        """Wait until it is set."""
        ...


async def serve(
    app: Any,
    transport: ServerName,
    listener: socket.socket | tuple[str, int],
    certificate: Certificate | None,
    grace: float,
    stop: StopSignal | None,
) -> None:
    """Serve an application until `stop` is set; see `ByteSocket.serve`."""
    run = _runner(transport)
    if isinstance(listener, socket.socket):
        await run(app, _hosting(app, listener, certificate, grace), stop or anyio.Event())
        return
    with listen(*listener) as own:
        await run(app, _hosting(app, own, certificate, grace), stop or anyio.Event())


def _hosting(
    app: Any, listener: socket.socket, certificate: Certificate | None, grace: float
) -> Hosting:
    return Hosting(
        listener=listener,
        drain=app.drain,
        grace=grace,
        message_bytes=app.settings.limits.message_bytes,
        backend=running_loop(),
        served=(app,),
        certificate=certificate,
    )


def _runner(transport: str) -> Callable[..., Awaitable[None]]:
    problem = None
    if transport not in get_args(ServerName):
        known = ", ".join(map(repr, get_args(ServerName)))
        problem = f"transport={transport!r} is none of {known}."
    elif find_spec(transport) is None:
        problem = f"transport={transport!r} is not installed: {_NEEDS[transport]}"
    elif transport != "hypercorn" and running_loop() == "trio":
        problem = f"transport={transport!r} runs on asyncio only; on trio use 'hypercorn'."
    if problem is not None:
        raise ConfigurationError(f"{caller()}: {problem}")
    module = import_module(f"bytesocket_app.serving.runners.{transport}")
    run: Callable[..., Awaitable[None]] = module.serve
    return run
