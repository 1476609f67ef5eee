"""`bytesocket generate`: clients and the contract, from an application or a saved contract."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from bytesocket_cli import console
from bytesocket_cli.commands.dev import Target
from bytesocket_cli.errors import FINDINGS, CliError
from bytesocket_cli.project import Generation, Language, Project


def generate(
    language: Annotated[
        Literal["typescript", "javascript", "python", "contract"] | None,
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
    stdout: Annotated[bool, typer.Option("--stdout", help="Print instead of writing.")] = False,
) -> None:
    """Write typed clients, or the contract, from an application or a saved contract (.json)."""
    project, document = _source(target)
    if stdout:
        _print(document, language, output, check=check)
        return
    _write_or_check(document, _wanted(project, language, output), check=check)


def _source(target: str | None) -> tuple[Project, dict[str, Any]]:
    from bytesocket_cli.project import find

    if target is not None and target.endswith(".json"):
        from bytesocket_cli.contracts import read

        return find(Path.cwd()), read(Path(target))
    from bytesocket_cli.loading import load
    from bytesocket_cli.targets import resolve

    place = resolve(target, Path.cwd())
    return place.project, load(place).application.contract().document


def _print(
    document: dict[str, Any], language: Language | None, output: Path | None, *, check: bool
) -> None:
    from bytesocket_cli.generation import text

    if language is None or output is not None or check:
        raise CliError("--stdout prints one language: generate LANGUAGE [TARGET] --stdout")
    sys.stdout.write(text(document, language))


def _wanted(
    project: Project, language: Language | None, output: Path | None
) -> tuple[Generation, ...]:
    configured = [one for one in project.generations if language in {None, one.target}]
    if output is not None:
        if language is None:
            raise CliError("-o needs to know what to write there: generate typescript -o client.ts")
        return (Generation(language, output),)
    if configured:
        return tuple(configured)
    if language is None:
        raise CliError(
            "nothing to generate: name a language and a file (generate typescript -o client.ts), "
            f"or list [[tool.bytesocket.generate]] in {project.directory / 'pyproject.toml'}"
        )
    raise CliError(f"where to? generate {language} -o FILE, or --stdout")


def _write_or_check(
    document: dict[str, Any], generations: tuple[Generation, ...], *, check: bool
) -> None:
    from bytesocket_cli.generation import files
    from bytesocket_cli.output import drift, write

    planned = [file for one in generations for file in files(document, one)]
    if not check:
        written = write(planned)
        for file in planned:
            console.say(f"{'wrote' if file in written else 'current'} {_shown(file.path)}")
        return
    stale = [_shown(file.path) for file in planned if _differs(drift(file, _shown(file.path)))]
    if stale:
        raise CliError(
            f"not current: {', '.join(stale)}; write again with bytesocket generate", code=FINDINGS
        )
    for file in planned:
        console.say(f"current {_shown(file.path)}")


def _differs(lines: list[str]) -> bool:
    console.diff(lines)
    return bool(lines)


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
