"""`bytesocket new`: make a new project."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from bytesocket_cli import console


def new(
    name: Annotated[str, typer.Argument(help="The project's name: its folder is made here.")],
    *,
    template: Annotated[
        Literal["chat", "minimal"], typer.Option(help="What the project starts with.")
    ] = "chat",
    force: Annotated[
        bool, typer.Option("--force", help="Write into a folder that is not empty.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show which files would be written.")
    ] = False,
) -> None:
    """Make a project: events, application, page, tests, generated client."""
    from bytesocket_cli.scaffold import Scaffold, name_project

    scaffold = Scaffold(name_project(Path(name)), template)
    folder = Path(name)
    scaffold.check(force=force)
    written = scaffold.planned() if dry_run else scaffold.write()
    for path in written:
        console.say(f"{'would write' if dry_run else 'wrote'} {folder / path}")
    if dry_run:
        return
    console.say()
    console.say("Next:")
    if folder.resolve() != Path.cwd():
        console.say(f"  cd {folder}")
    console.say("  bytesocket dev")
    console.say("  pip install -e '.[test]' && pytest")
