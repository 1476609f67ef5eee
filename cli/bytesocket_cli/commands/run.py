"""`bytesocket run`: serve in production."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from bytesocket_cli import console
from bytesocket_cli.commands.dev import Target


def run(
    target: Target = None,
    *,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "0.0.0.0",  # noqa: S104 - production serves the network
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8000,
    transport: Annotated[
        Literal["hypercorn", "uvicorn", "picows"], typer.Option(help="The server to run on.")
    ] = "hypercorn",
) -> None:
    """Serve in production: no reload, 10 seconds for open sockets when it is stopped."""
    from bytesocket_app.serving.runners.listening import listen, url
    from bytesocket_cli.loading import load
    from bytesocket_cli.targets import resolve
    from bytesocket_cli.worker import Service, serve, until_signal

    place = resolve(target, Path.cwd())
    loaded = load(place)
    with listen(host, port) as listener:
        address = url("http", host, listener.getsockname()[1])
        service = Service(
            listener=listener,
            backend=place.project.backend,
            transport=transport,
            started=lambda: console.say(f"{loaded.import_string} on {address} ({transport})"),
        )
        serve(loaded, service, until_signal)
