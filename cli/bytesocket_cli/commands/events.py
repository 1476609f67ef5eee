"""`bytesocket events`: list an application's events and the functions that handle them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from bytesocket_cli import console
from bytesocket_cli.commands.dev import Target
from bytesocket_cli.errors import FINDINGS, CliError

COLUMNS = ("event", "direction", "payload", "reply", "rooms", "handler")
_NOTED = 10
"""Greatest number of integers that are named in a note."""
UNBOUNDED = ("event", "path", "without a bound", "declared")


def events(
    target: Target = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON array instead of a table.")
    ] = False,
    unbounded: Annotated[
        bool,
        typer.Option(
            "--unbounded", help="List what clients may send in any size; exit code 1 if there is."
        ),
    ] = False,
) -> None:
    """List the events of an application, or of a saved contract (.json), which has no handlers."""
    if unbounded:
        _show_unbounded(target, as_json=as_json)
        return
    document, routes = _declared(target)
    rows = _rows(document, routes)
    if as_json:
        console.say(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    console.table(COLUMNS, [[_cell(value) for value in row.values()] for row in rows])


def _show_unbounded(target: str | None, *, as_json: bool) -> None:
    """List the parts of payloads without a bound, and end with `FINDINGS` if there are any."""
    from bytesocket_app.events.bounds import REMEDIES, unbounded, unbounded_integers

    catalogue = _application(target).catalogue
    found = unbounded(catalogue)
    rows = [
        {
            "name": one.event,
            "path": one.path,
            "kind": one.kind,
            "remedy": REMEDIES[one.kind],
            "source": _shown(one.source),
        }
        for one in found
    ]
    if as_json:
        console.say(json.dumps(rows, indent=2, ensure_ascii=False))
    elif rows:
        cells = [[row["name"], row["path"] or "-", row["remedy"], row["source"]] for row in rows]
        console.table(UNBOUNDED, [[str(cell) for cell in row] for row in cells])
    else:
        console.say("every payload that clients may send has bounds")
    if not as_json:
        _note_integers(unbounded_integers(catalogue))
    if rows:
        raise typer.Exit(FINDINGS)


def _note_integers(found: Sequence[Any]) -> None:
    """Name the integers without bounds on stderr: most of them never grow that large."""
    names = list(dict.fromkeys(f"{one.event} {one.path}".rstrip() for one in found))
    if names:
        more = f", and {len(names) - _NOTED} more" if len(names) > _NOTED else ""
        console.warn(
            "note: JavaScript rounds integers beyond 2**53, and these have no bounds: "
            f"{', '.join(names[:_NOTED])}{more}"
        )


def _application(target: str | None) -> Any:
    from bytesocket_cli.contracts import saved
    from bytesocket_cli.loading import load
    from bytesocket_cli.targets import resolve

    file = saved(target, Path.cwd())
    if file is not None:
        raise CliError(f"{file} is a saved contract, and --unbounded asks an application: name one")
    return load(resolve(target, Path.cwd())).application


def _declared(target: str | None) -> tuple[dict[str, Any], list[Any]]:
    from bytesocket_cli.contracts import read, saved

    file = saved(target, Path.cwd())
    if file is not None:
        return read(file), []
    application = _application(target)
    if application.hosted_at:
        paths = " and ".join(reversed(application.paths))
        console.warn(f"note: clients find the socket of {application.title} at {paths}")
    return application.contract().document, list(application.event_routes())


def _rows(document: dict[str, Any], routes: list[Any]) -> list[dict[str, Any]]:
    from bytesocket_cli.contracts import type_name

    rows: list[dict[str, Any]] = []
    for event in document["events"]:
        name = event["name"]
        handlers = [_shown(route.source) for route in routes if route.event == name]
        rooms, replies = _rooms(document, name)
        reply = event["reply"] or next((one for one in replies if one is not None), None)
        rows.append(
            {
                "name": name,
                "direction": event["direction"],
                "payload": type_name(event["input"] or event["output"]),
                "reply": type_name(reply),
                "rooms": rooms,
                "handler": ", ".join(dict.fromkeys(handlers)) or None,
            }
        )
    return rows


def _rooms(document: dict[str, Any], name: object) -> tuple[list[str], list[Any]]:
    rooms: list[str] = []
    replies: list[Any] = []
    for room in document["rooms"]:
        sent = [one for one in room["client_events"] if one["name"] == name]
        if sent or name in room["server_events"]:
            rooms.append(room["pattern"])
        replies += [one["reply"] for one in sent]
    return rooms, replies


def _shown(source: str) -> str:
    """Shorten the path of `file:line` relative to the current folder."""
    file, _, line = source.rpartition(":")  # "relay", of a room that relays, has no place
    path, here = Path(file), Path.cwd()
    return f"{path.relative_to(here)}:{line}" if path.is_relative_to(here) else source


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(cast("list[str]", value)) or "-"
    return "-" if value is None else str(value)
