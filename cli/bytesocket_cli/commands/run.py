"""`bytesocket run`: serve in production."""

import os
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import typer

from bytesocket_cli import console
from bytesocket_cli.commands.dev import Target
from bytesocket_cli.errors import CliError

Transport: TypeAlias = Literal["hypercorn", "uvicorn", "picows"]


def run(  # noqa: PLR0913 - the options of the command
    context: typer.Context,
    target: Target = None,
    *,
    host: Annotated[
        str, typer.Option(envvar="BYTESOCKET_HOST", help="The address to listen on.")
    ] = "0.0.0.0",  # noqa: S104 - production serves the network
    port: Annotated[
        int, typer.Option(envvar="BYTESOCKET_PORT", help="The port to listen on.")
    ] = 8000,
    uds: Annotated[
        Path | None,
        typer.Option(
            envvar="BYTESOCKET_UDS",
            help="A Unix socket to listen on in place of host and port.",
            show_default=False,
        ),
    ] = None,
    transport: Annotated[
        Transport, typer.Option(envvar="BYTESOCKET_TRANSPORT", help="The server to run on.")
    ] = "hypercorn",
    certfile: Annotated[
        Path | None,
        typer.Option(
            envvar="BYTESOCKET_CERTFILE",
            help="A certificate in PEM, for https and wss.",
            show_default=False,
        ),
    ] = None,
    keyfile: Annotated[
        Path | None,
        typer.Option(
            envvar="BYTESOCKET_KEYFILE",
            help="Its key, if that is in a file of its own.",
            show_default=False,
        ),
    ] = None,
    proxy_headers: Annotated[
        str,
        typer.Option(
            envvar="BYTESOCKET_PROXY_HEADERS",
            metavar="PROXIES",
            help="Proxies whose X-Forwarded-For and -Proto count, for pages and sockets: addresses "
            "and networks with commas between, unix for those on a Unix socket.",
            show_default=False,
        ),
    ] = "",
    workers: Annotated[
        int,
        typer.Option(
            envvar="BYTESOCKET_WORKERS",
            min=1,
            help="Processes; more than one needs an engine between them.",
        ),
    ] = 1,
) -> None:
    """Serve in production: no reload, 10 seconds for open sockets when it is stopped."""
    from bytesocket_cli.loading import load
    from bytesocket_cli.targets import resolve
    from bytesocket_cli.worker import Service, certificate, serve, until_signal

    shown = certificate(certfile, keyfile)  # its errors first: nothing is started yet
    if uds is not None and any(_is_typed(context, name) for name in ("host", "port")):
        if _is_typed(context, "uds"):
            raise CliError("--uds listens on a Unix socket: leave --host and --port out, or it")
        uds = None
    place = resolve(target, Path.cwd())
    loaded = load(place)
    if workers > 1:
        raise CliError(
            f"--workers {workers} needs an engine that carries events between processes, and "
            f"{loaded.import_string} has memory://, which is one process alone: its rooms would "
            "fall apart. Run one worker."
        )
    if proxy_headers:
        loaded = _behind(loaded, proxy_headers, transport)
    with _listening(host, port, uds, secure=shown is not None) as (listener, address):
        if transport == "picows" and loaded.has_pages:
            console.warn(
                f"picows serves sockets, and no pages: what else {loaded.import_string} serves is "
                "404 here, and its HTTP middleware does not run. Another --transport serves both."
            )
        elif transport != "picows" and loaded.missing is not None:
            console.warn(loaded.missing)
        service = Service(
            listener=listener,
            backend=place.project.backend,
            transport=transport,
            certificate=shown,
            started=lambda: console.say(f"{loaded.import_string} on {address} ({transport})"),
        )
        serve(loaded, service, until_signal)


def _is_typed(context: typer.Context, name: str) -> bool:
    """Return True if an option stands on the command line; an environment variable gives way."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


@contextmanager
def _listening(
    host: str, port: int, uds: Path | None, *, secure: bool
) -> Generator[tuple[socket.socket, str]]:
    """Listen, and give the socket with its address to show."""
    from bytesocket_app.serving.runners.listening import listen, listen_unix, url

    if uds is None:
        with listen(host, port) as listener:
            scheme = "https" if secure else "http"
            yield listener, url(scheme, host, listener.getsockname()[1])
        return
    path = uds.absolute()
    with listen_unix(path) as listener:
        ours = path.stat()
        try:
            yield listener, f"unix:{path}"
        finally:
            with suppress(FileNotFoundError):
                now = path.stat()  # the next server's socket may have the same inode
                if os.path.samestat(ours, now) and ours.st_mtime_ns == now.st_mtime_ns:
                    path.unlink()


def _behind(loaded: Any, proxies: str, transport: Transport) -> Any:
    """Put an application behind proxies.

    Raises:
        CliError: The server has no place for that, or the text names something else.
    """
    from bytesocket_app.serving.runners.proxied import Proxied

    trusted = tuple(one.strip() for one in proxies.split(","))
    if transport == "picows":
        raise CliError(
            "--proxy-headers changes what an ASGI server hands on, and picows is none: for its "
            f"sockets set Policies(trusted_proxies={trusted!r}) in the application"
        )
    try:
        return replace(loaded, asgi=Proxied(loaded.asgi, trusted))
    except ValueError as error:
        raise CliError(
            f"--proxy-headers {proxies!r}: {error}; write addresses and networks, as in "
            "127.0.0.1,10.0.0.0/8, or unix"
        ) from error
