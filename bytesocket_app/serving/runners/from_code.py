"""Serving from code: `await app.serve()`, on any of the servers, under any loop runner."""

import socket
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, Literal, Protocol, TypeAlias, cast, get_args

import anyio

from bytesocket_app.errors import ConfigurationError, caller, near
from bytesocket_app.event_loop import running_loop
from bytesocket_app.serving.runners.certificate import Certificate
from bytesocket_app.serving.runners.hosting import Hosting, server_limits
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
    _check_options(listener, certificate, stop)
    run = _runner(transport)
    if isinstance(listener, socket.socket):
        listening: AbstractContextManager[socket.socket] = nullcontext(listener)
    else:
        listening = listen(*listener, in_code=True)
    with listening as used:
        await run(app, _hosting(app, used, certificate, grace), stop or anyio.Event())


def _hosting(
    app: Any, listener: socket.socket, certificate: Certificate | None, grace: float
) -> Hosting:
    return Hosting(
        listener=listener,
        drain=app.drain,
        grace=grace,
        **server_limits([app.settings]),
        backend=running_loop(),
        served=(app,),
        certificate=certificate,
    )


def _check_options(listener: Any, certificate: Any, stop: Any) -> None:
    """Refuse what cannot be served with, before anything is opened.

    Raises:
        ConfigurationError: Says which argument, and what it should be.
    """
    problem = None
    if isinstance(listener, tuple):
        host, port = cast("tuple[Any, Any]", listener)
        if not isinstance(host, str):
            problem = f"host={host!r} is no address: use a string, as in '127.0.0.1'."
        elif isinstance(port, bool) or not isinstance(port, int):
            problem = f"port={port!r} is no port: use a whole number, as in 8000."
    elif not isinstance(listener, socket.socket):
        problem = f"listener={listener!r} is no socket: use one of `socket.create_server`."
    if not isinstance(certificate, Certificate | None):
        problem = f"certificate={certificate!r} is none: Certificate('cert.pem', 'key.pem')."
    elif stop is not None and not (hasattr(stop, "is_set") and hasattr(stop, "wait")):
        problem = f"stop={stop!r} is no event: use `anyio.Event()`, and set it to end the server."
    if problem is not None:
        raise ConfigurationError(f"{caller()}: {problem}")


def _servers() -> tuple[str, ...]:
    return get_args(ServerName)


def _runner(transport: str) -> Callable[..., Awaitable[None]]:
    problem = None
    if transport not in _servers():
        known = ", ".join(map(repr, _servers()))
        problem = f"transport={transport!r} is none of {known}.{near(transport, _servers())}"
    elif find_spec(transport) is None:
        problem = f"transport={transport!r} is not installed: {_NEEDS[transport]}"
    elif transport != "hypercorn" and running_loop() == "trio":
        problem = f"transport={transport!r} runs on asyncio only; on trio use 'hypercorn'."
    if problem is not None:
        raise ConfigurationError(f"{caller()}: {problem}")
    module = import_module(f"bytesocket_app.serving.runners.{transport}")
    run: Callable[..., Awaitable[None]] = module.serve
    return run
