"""`bytesocket dev`: serve on hypercorn, reload on change."""

import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from bytesocket_cli import console
from bytesocket_cli.errors import CliError

Target = Annotated[
    str | None,
    typer.Argument(
        help="module:attribute, or a file or folder; without it the project's own application.",
        show_default=False,
    ),
]


def dev(
    target: Target = None,
    *,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8000,
    reload: Annotated[bool, typer.Option(help="Restart when a file changes.")] = True,
) -> None:
    """Serve for development: reload on change, readable errors."""
    # Until the supervisor listens to signals itself, both end the command quietly.
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _serve(target, host, port, reload=reload)
    except KeyboardInterrupt:
        return
    finally:
        signal.signal(signal.SIGTERM, previous)


def _serve(text: str | None, host: str, port: int, *, reload: bool) -> None:
    import anyio

    from bytesocket_app.logs import SWITCH
    from bytesocket_app.serving.runners.listening import listen
    from bytesocket_cli.generation import outputs
    from bytesocket_cli.reload import ReloadPlan, supervise
    from bytesocket_cli.targets import resolve

    os.environ.setdefault(SWITCH, "1")  # for the children, which serve
    target = resolve(text, Path.cwd())
    with listen(host, port) as listener:
        screen = Screen(target.project.directory, host, listener.getsockname()[1], reload=reload)
        plan = ReloadPlan(
            target=target,
            listener=listener,
            reload=reload,
            ignored=tuple(path for one in target.project.generations for path in outputs(one)),
            ready=screen.ready,
        )
        anyio.run(supervise, plan)


class Screen:
    """Output of `dev`: the banner at the start, and changes of the contract after a reload."""

    def __init__(self, directory: Path, host: str, port: int, *, reload: bool) -> None:
        self._directory = directory
        self._host = host
        self._port = port
        self._reload = reload
        self._contract: dict[str, Any] | None = None
        self._is_first = True

    def ready(self, report: Mapping[str, Any]) -> None:
        """Show that the application is serving; write generated files that are out of date."""
        from bytesocket_cli.contracts import changes

        contract = report["contract"]
        if self._is_first:
            for line in self._banner(report):
                console.say(line)
            if missing := report.get("missing"):
                console.warn(missing)
        else:
            change = changes(self._contract, contract) if self._contract and contract else None
            console.say(change or "reloaded")
        if contract is not None:
            self._regenerate(contract)
        self._contract = contract
        self._is_first = False

    def _banner(self, report: Mapping[str, Any]) -> Sequence[str]:
        from bytesocket_app.serving.runners.listening import url

        sockets = [
            url("ws", self._host, self._port, one["path"]) for one in report["applications"][:2]
        ]
        contract = report["contract"]
        page = f"  page      {url('http', self._host, self._port)}"
        lines = [
            f"bytesocket dev: {report['import_string']}",
            *([page] if report["has_pages"] else ()),
            *(f"  socket    {address}" for address in sockets),
            f"  reload    {f'on, watching {self._directory}' if self._reload else 'off'}",
        ]
        if contract is not None:
            count = len(contract["events"])
            lines.append(f"  contract  {contract['fingerprint'][:16]} ({count} events)")
        return [*lines, "  stop      Ctrl-C"]

    def _regenerate(self, contract: Mapping[str, Any]) -> None:
        from bytesocket_cli.generation import files
        from bytesocket_cli.output import write
        from bytesocket_cli.project import find

        try:
            for one in find(self._directory).generations:
                for file in write(files(contract, one)):
                    console.say(f"wrote {file.path.relative_to(self._directory)}")
        except CliError as error:
            console.fail(str(error))  # the server goes on: the user mends this while it serves
