"""`bytesocket generate`: clients and the contract, from an application or a saved contract."""

import shlex
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from bytesocket_cli import console
from bytesocket_cli.commands.dev import Target
from bytesocket_cli.contracts import read, saved
from bytesocket_cli.errors import FINDINGS, CliError
from bytesocket_cli.project import (
    Generation,
    Language,
    Package,
    Peer,
    Project,
    find,
    peer_problem,
)
from bytesocket_cli.targets import Target as Place
from bytesocket_cli.targets import resolve


def generate(  # noqa: PLR0913 - the options of the command
    language: Annotated[
        Language | None,
        typer.Argument(
            help="What to write; without it everything that pyproject.toml lists.",
            show_default=False,
        ),
    ] = None,
    target: Target = None,
    *,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file to write.", show_default=False)
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if a file is not current.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Write again after each change, until Ctrl-C.")
    ] = False,
    stdout: Annotated[bool, typer.Option("--stdout", help="Print instead of writing.")] = False,
    package: Annotated[
        Package | None,
        typer.Option(
            "--for",
            help="Write only types, for that npm package (typescript).",
            show_default=False,
        ),
    ] = None,
    peer: Annotated[
        Peer | None,
        typer.Option(
            "--peer",
            help="Servers that the client can read (typescript, javascript); bytesocket-node adds "
            "those of the npm package @bytesocket/node.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write typed clients, or the contract, from an application or a saved contract (.json)."""
    source = _source(target)
    if package is not None and language != "typescript":
        raise CliError(f"--for goes with typescript: generate typescript --for {package}")
    problem = language and peer_problem(language, package, peer)
    if problem:
        raise CliError(f"--peer: {problem}")
    if stdout:
        if language is None or output is not None or check or watch:
            raise CliError("--stdout prints one language: generate LANGUAGE [TARGET] --stdout")
        with source.placing():
            _print(source.document(), language, package, peer)
        return
    wanted = _wanted(source.project, language, output, package, peer)
    if not watch:
        with source.placing():
            _write_or_check(source.document(), wanted, check=check, target=target)
    elif check:
        raise CliError("--check looks once, --watch writes again and again: choose one")
    else:
        _watch(source, wanted)


@dataclass(frozen=True, slots=True)
class _Source:
    """Source of a contract: an application, or a saved contract."""

    project: Project
    place: Place | Path

    def document(self) -> dict[str, Any]:
        """Return the contract document: read the file, or import the application."""
        if isinstance(self.place, Path):
            return read(self.place)
        from bytesocket_cli.loading import load

        return load(self.place).application.contract().document

    @contextmanager
    def placing(self) -> Generator[None]:
        """Add the places of events to the error of two whose classes would have one name."""
        try:
            yield
        except CliError as error:
            from bytesocket_cli.codegen.python_classes import NameCollision

            if isinstance(error, NameCollision) and not isinstance(self.place, Path):
                from bytesocket_cli.loading import load

                declared = load(self.place).application.catalogue
                raise error.located({spec.name: spec.source for spec in declared}) from None
            raise


def _source(target: str | None) -> _Source:
    here = Path.cwd()
    file = saved(target, here)
    if file is not None:
        return _Source(find(here), file)
    place = resolve(target, here)
    return _Source(place.project, place)


def _print(
    document: dict[str, Any], language: Language, package: Package | None, peer: Peer | None
) -> None:
    from bytesocket_cli.generation import text

    console.write(text(document, language, package=package, peer=peer or "bytesocket"))


def _wanted(
    project: Project,
    language: Language | None,
    output: Path | None,
    package: Package | None,
    peer: Peer | None,
) -> tuple[Generation, ...]:
    configured = [
        one
        for one in project.generations
        if language in {None, one.target}
        and package in {None, one.package}
        and peer in {None, one.peer}
    ]
    if output is not None:
        if language is None:
            raise CliError("-o needs to know what to write there: generate typescript -o client.ts")
        return (Generation(language, output, package, peer or "bytesocket"),)
    if configured:
        return tuple(configured)
    if language is None:
        raise CliError(
            "nothing to generate: name a language and a file (generate typescript -o client.ts), "
            f"or list [[tool.bytesocket.generate]] in {project.directory / 'pyproject.toml'}"
        )
    raise CliError(f"where to? generate {language} -o FILE, or --stdout")


def _watch(source: _Source, wanted: tuple[Generation, ...]) -> None:
    """Generate in a fresh process, now and after each change."""
    import anyio

    from bytesocket_cli.generation import outputs
    from bytesocket_cli.rerun import Repetition, repeat

    if isinstance(source.place, Path) and not source.place.is_file():
        raise CliError(f"cannot read {source.place}: no such file")
    own = [path.absolute() for one in wanted for path in outputs(one)]
    place = source.place.absolute() if isinstance(source.place, Path) else source.place
    only = place if isinstance(place, Path) else None
    roots = (place.parent,) if isinstance(place, Path) else place.watched
    # The command is repeated as it was given: settings are read anew with the code.
    arguments = [one for one in sys.argv[1:] if one != "--watch"]
    anyio.run(repeat, Repetition(arguments, roots, own, only))


def _write_or_check(
    document: dict[str, Any],
    generations: tuple[Generation, ...],
    *,
    check: bool,
    target: str | None,
) -> None:
    from bytesocket_cli.generation import files
    from bytesocket_cli.output import drift, is_stdout, write

    made = [(one, file) for one in generations for file in files(document, one)]
    planned = [file for _, file in made]
    if not check:
        written = write(planned)
        if any(is_stdout(file.path) for file in planned):
            return  # what would be said stood in the text
        for file in planned:
            console.say(f"{'wrote' if file in written else 'current'} {_shown(file.path)}")
        return
    stale = [(one, file) for one, file in made if _differs(drift(file, _shown(file.path)))]
    if stale:
        names = ", ".join(_shown(file.path) for _, file in stale)
        commands = dict.fromkeys(_command(one, target) for one, _ in stale)
        raise CliError(
            f"not current: {names}; write again with {' && '.join(commands)}", code=FINDINGS
        )
    for file in planned:
        console.say(f"current {_shown(file.path)}")


def _command(one: Generation, target: str | None) -> str:
    """Return the command that writes one target, to be run where this one was run."""
    where = [] if target is None else [target]
    package = [] if one.package is None else ["--for", one.package]
    peer = [] if one.peer == "bytesocket" else ["--peer", one.peer]
    return shlex.join(
        ["bytesocket", "generate", one.target, *where, "-o", _shown(one.output), *package, *peer]
    )


def _differs(lines: list[str]) -> bool:
    console.diff(lines)
    return bool(lines)


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
