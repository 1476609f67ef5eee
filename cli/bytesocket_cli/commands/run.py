"""`bytesocket run`: serve in production."""

import os
import socket
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
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
    engine: Annotated[
        str | None,
        typer.Option(
            envvar="BYTESOCKET_ENGINE",
            metavar="URL",
            help="What carries events between processes, as in redis://localhost:6379; it goes "
            "before the application's own. A password is better in the environment.",
            show_default=False,
        ),
    ] = None,
    engine_timeout: Annotated[
        float | None,
        typer.Option(
            envvar="BYTESOCKET_ENGINE_TIMEOUT",
            min=0,
            metavar="SECONDS",
            help="Time to reach the engine's broker at the start, 0 for no limit; otherwise the "
            "application's own, 10.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve in production: no reload, 10 seconds for open sockets when it is stopped."""
    from bytesocket_cli.targets import resolve
    from bytesocket_cli.worker import certificate

    shown = certificate(certfile, keyfile)  # its errors first: nothing is started yet
    if uds is not None and any(_is_typed(context, name) for name in ("host", "port")):
        if _is_typed(context, "uds"):
            raise CliError("--uds listens on a Unix socket: leave --host and --port out, or it")
        uds = None
    place = resolve(target, Path.cwd())
    _choose_engine(engine, engine_timeout)
    options = _Options(
        host=host,
        port=port,
        uds=uds,
        transport=transport,
        certfile=certfile,
        keyfile=keyfile,
        certificate=shown,
        proxies=proxy_headers,
        workers=workers,
    )
    if workers > 1:
        _run_workers(place, options)
    else:
        _run_alone(place, options)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """Options of the command, checked."""

    host: str
    port: int
    uds: Path | None
    transport: Transport
    certfile: Path | None
    keyfile: Path | None
    certificate: Any
    proxies: str
    workers: int

    @property
    def scheme(self) -> str:
        """Scheme of the address to show."""
        return "http" if self.certificate is None else "https"


def _choose_engine(url: str | None, timeout: float | None) -> None:
    """Put the engine into the environment, where the application looks for it.

    Raises:
        CliError: It is none.
    """
    from bytesocket_app.engines import parse_engine
    from bytesocket_app.engines.url import VARIABLE
    from bytesocket_app.errors import ConfigurationError
    from bytesocket_app.serving.clustering import ENGINE_TIMEOUT

    if url:
        try:
            parse_engine(url)
        except ConfigurationError as error:
            raise CliError(f"--engine (or {VARIABLE}): {error}") from None
        os.environ[VARIABLE] = url
    if timeout is not None:
        os.environ[ENGINE_TIMEOUT] = f"{timeout:g}"


def _run_alone(place: Any, options: _Options) -> None:
    """Serve in this process."""
    from bytesocket_cli.loading import load
    from bytesocket_cli.worker import Service, behind, serve, until_signal

    loaded = load(place)
    transport = options.transport
    served = behind(loaded, options.proxies, transport)
    with _listening(options) as (listener, address):
        _warn_of_pages(loaded.import_string, transport, has_pages=loaded.has_pages)
        if transport != "picows" and loaded.missing is not None:
            console.warn(loaded.missing)
        service = Service(
            listener=listener,
            backend=place.project.backend,
            transport=transport,
            certificate=options.certificate,
            started=lambda: console.say(f"{loaded.import_string} on {address} ({transport})"),
        )
        serve(served, service, until_signal)


def _run_workers(place: Any, options: _Options) -> None:
    """Serve in several processes; this one owns the sockets and watches over them."""
    import anyio

    from bytesocket_app.serving.runners.listening import bind_each, url
    from bytesocket_cli.workers import WorkersPlan, supervise

    transport, count = options.transport, options.workers
    with ExitStack() as stack:
        if options.uds is None:
            listeners = bind_each(options.host, options.port, count)
            for listener in listeners:
                stack.enter_context(listener)
            address = url(options.scheme, options.host, listeners[0].getsockname()[1])
        else:
            listener, address = stack.enter_context(_listening(options))
            listeners = [listener]

        def ready(report: dict[str, Any]) -> None:
            name = report["import_string"]
            _warn_of_pages(name, transport, has_pages=report["has_pages"])
            console.say(f"{name} on {address} ({transport}, {count} workers)")

        plan = WorkersPlan(
            target=place,
            listeners=listeners,
            number=count,
            options={
                "transport": transport,
                "certfile": options.certfile and str(options.certfile),
                "keyfile": options.keyfile and str(options.keyfile),
                "proxies": options.proxies,
            },
            ready=ready,
        )
        with suppress(KeyboardInterrupt):  # before the workers' parent listens to signals
            anyio.run(supervise, plan)


def _warn_of_pages(name: str, transport: Transport, *, has_pages: bool) -> None:
    if transport == "picows" and has_pages:
        console.warn(
            f"picows serves sockets, and no pages: what else {name} serves is 404 here, and its "
            "HTTP middleware does not run. Another --transport serves both."
        )


def _is_typed(context: typer.Context, name: str) -> bool:
    """Return True if an option stands on the command line; an environment variable gives way."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


@contextmanager
def _listening(options: _Options) -> Generator[tuple[socket.socket, str]]:
    """Listen, and give the socket with its address to show."""
    from bytesocket_app.serving.runners.listening import listen, listen_unix, url

    if options.uds is None:
        with listen(options.host, options.port) as listener:
            yield listener, url(options.scheme, options.host, listener.getsockname()[1])
        return
    path = options.uds.absolute()
    with listen_unix(path) as listener:
        ours = path.stat()
        try:
            yield listener, f"unix:{path}"
        finally:
            with suppress(FileNotFoundError):
                now = path.stat()  # the next server's socket may have the same inode
                if os.path.samestat(ours, now) and ours.st_mtime_ns == now.st_mtime_ns:
                    path.unlink()
