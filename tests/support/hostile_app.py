"""Applications that are attacked: `python -m tests.support.hostile_app SERVER APP [PEM]`.

`APP` is `module:attribute` of a `ByteSocket`, `PEM` a file with a certificate and its key. It
prints its port and serves until SIGTERM; the log goes to standard error at DEBUG.
"""

import logging
import os
import signal
import sys
from importlib import import_module
from typing import Any, Final

import anyio
from granian.constants import Interfaces
from granian.server.embed import Server as Granian

from bytesocket_app import (
    AuthError,
    ByteSocket,
    ClientEvent,
    Event,
    Refusal,
    ServerEvent,
    Settings,
    Socket,
)
from bytesocket_app.serving.runners.certificate import Certificate
from bytesocket_app.serving.runners.from_code import ServerName
from bytesocket_app.serving.runners.listening import listen
from tests.support.ports import reserved_port

SERVERS: Final = ("hypercorn-asyncio", "hypercorn-trio", "uvicorn", "picows", "granian")
OURS: Final = ("hypercorn-asyncio", "hypercorn-trio", "uvicorn")
"""ASGI servers that run as our runners set them up."""
RUNNERS: Final = (*OURS, "picows")
"""Servers that our runners start."""
ASGI_SERVERS: Final = (*OURS, "granian")


class Echo(ClientEvent, name="echo"):
    text: str


class Note(Event, name="note"):
    text: str


class State(ServerEvent, name="state"):
    text: str


class Private(Refusal, code="private"):
    """The room is not for this client."""


class Report(ClientEvent, name="report"):
    """Ask what the process holds."""


def make(settings: Settings | None = None, **more: Any) -> ByteSocket:
    """Make an application with an echo, rooms and a report of what it holds."""
    app = ByteSocket(
        title="Target",
        events=[Echo, Note, State, Report],
        serialization="json",
        settings=settings,
        **more,
    )
    app.room("pub").relay(Note)
    sec = app.room("sec")
    sec.relay(Note)

    @sec.guard(raises=(Private,))
    async def nobody(room: str) -> None:
        raise Private(f"Not into {room}.")

    @app.on(Echo)
    async def echo(event: Echo) -> str:
        return event.text

    @app.on(Report)
    async def report(app: ByteSocket) -> dict[str, int]:
        return {
            "sockets": len(app.sockets()),
            "connections": len(app.housekeeping.connections),
            "files": len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - only counted
            "kilobytes": _kilobytes(),
            "tasks": len(anyio.get_running_tasks()),
        }

    return app


def with_login() -> ByteSocket:
    """Make the application with authentication by message; the token is "right"."""
    app = make()

    @app.auth
    async def login(_: Socket, credentials: str) -> str:
        if credentials != "right":
            raise AuthError("Wrong token.")
        return "ann"

    return app


def _kilobytes() -> int:
    """Resident memory in KiB."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - of the kernel
        return int(file.read().split()[1]) * 4


plain = make()
login = with_login()


async def _serve(kind: str, app: ByteSocket, certificate: Certificate | None) -> None:
    if kind == "granian":
        with reserved_port() as port:
            _tell(port)
            server = Granian(app, port=port, interface=Interfaces.ASGI, log_enabled=False)
            await server.serve()
        return
    stop = anyio.Event()
    transport: ServerName = (
        "picows" if kind == "picows" else "uvicorn" if kind == "uvicorn" else "hypercorn"
    )
    with listen("127.0.0.1", 0) as listener:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_stop_on_signal, stop)
            _tell(listener.getsockname()[1])
            await app.serve(
                transport=transport,
                listener=listener,
                grace=3,
                stop=stop,
                certificate=certificate,
            )
            tasks.cancel_scope.cancel()


async def _stop_on_signal(stop: anyio.Event) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM) as signals:
        async for _ in signals:
            stop.set()


def _tell(port: int) -> None:
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


def main() -> None:
    """Serve."""
    kind, place, *pem = sys.argv[1:]
    logging.basicConfig(level=logging.DEBUG, format="%(levelname)s %(name)s %(message)s")
    module, _, attribute = place.partition(":")
    app: ByteSocket = getattr(import_module(module), attribute)
    certificate = Certificate(*pem) if pem else None
    anyio.run(
        _serve, kind, app, certificate, backend="trio" if kind.endswith("trio") else "asyncio"
    )


if __name__ == "__main__":
    main()
