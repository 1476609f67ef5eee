"""`bytesocket run`: serve in production."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from bytesocket_cli import console
from bytesocket_cli.commands.dev import Target
from bytesocket_cli.errors import CliError


def run(
    target: Target = None,
    *,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "0.0.0.0",  # noqa: S104 - production serves the network
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8000,
    transport: Annotated[
        Literal["hypercorn", "uvicorn", "picows"], typer.Option(help="The server to run on.")
    ] = "hypercorn",
    certfile: Annotated[
        Path | None,
        typer.Option(help="A certificate in PEM, for https and wss.", show_default=False),
    ] = None,
    keyfile: Annotated[
        Path | None,
        typer.Option(help="Its key, if that is in a file of its own.", show_default=False),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes; more than one needs an engine between them.")
    ] = 1,
) -> None:
    """Serve in production: no reload, 10 seconds for open sockets when it is stopped."""
    from bytesocket_app.serving.runners.listening import listen, url
    from bytesocket_cli.loading import load
    from bytesocket_cli.targets import resolve
    from bytesocket_cli.worker import Service, certificate, serve, until_signal

    shown = certificate(certfile, keyfile)  # its errors first: nothing is started yet
    place = resolve(target, Path.cwd())
    loaded = load(place)
    if workers > 1:
        raise CliError(
            f"--workers {workers} needs an engine that carries events between processes, and "
            f"{loaded.import_string} has memory://, which is one process alone: its rooms would "
            "fall apart. Run one worker."
        )
    with listen(host, port) as listener:
        scheme = "http" if shown is None else "https"
        address = url(scheme, host, listener.getsockname()[1])
        if transport == "picows" and loaded.has_pages:
            console.warn(
                f"picows serves sockets, and no pages: what else {loaded.import_string} serves is "
                "404 here, and its HTTP middleware does not run. Another --transport serves both."
            )
        service = Service(
            listener=listener,
            backend=place.project.backend,
            transport=transport,
            certificate=shown,
            started=lambda: console.say(f"{loaded.import_string} on {address} ({transport})"),
        )
        serve(loaded, service, until_signal)
