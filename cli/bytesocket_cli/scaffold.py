"""New project: its names, its files from the templates, and its generated files."""

import keyword
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

from bytesocket_cli.codegen.render import render
from bytesocket_cli.errors import CliError
from bytesocket_cli.generation import outputs
from bytesocket_cli.project import parse

NAME = re.compile(r"[A-Za-z](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
"""Pattern of project names that packaging accepts and no command takes for an option."""


@dataclass(frozen=True, slots=True)
class Names:
    """Names of a project.

    Attributes:
        folder: Absolute path of its folder.
        project: Name for packaging: `my-chat`.
        package: Name to import: `my_chat`.
        title: Name for people: `My Chat`.
    """

    folder: Path
    project: str
    package: str
    title: str


def name_project(folder: Path) -> Names:
    """Derive a project's names from its folder's name.

    Raises:
        CliError: The name cannot be a project's or a package's; the message suggests another.
    """
    folder = folder.resolve()
    name = folder.name
    package = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    if NAME.fullmatch(name) is None:
        suggestion = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-0123456789").lower() or "my-chat"
        raise CliError(
            f"{name!r} cannot be a project's name (letters, digits, - and _, a letter first): "
            f"try {suggestion}"
        )
    problem = None
    if keyword.iskeyword(package):
        problem = f"is a Python keyword, so {package!r} cannot be imported"
    elif package in sys.stdlib_module_names or package in _taken():
        problem = f"would hide the Python module {package!r}"
    if problem is not None:
        raise CliError(f"{name!r} {problem}: try {name.lower()}-app")
    title = " ".join(word.capitalize() for word in package.split("_"))
    return Names(folder, name, package, title)


def _taken() -> frozenset[str]:
    ours = {"bytesocket", "bytesocket_app", "bytesocket_cli", "bytesocket_templates", "tests"}
    used = {"anyio", "h11", "hypercorn", "jinja2", "msgpack", "mypy", "pydantic", "pytest", "ruff"}
    used |= {"starlette", "typer", "typing_extensions", "watchfiles", "websockets"}
    servers = {"picows", "trio", "uvicorn", "uvloop"}
    return frozenset(ours | used | servers)


class Scaffold:
    """Project to be made.

    Args:
        names: Names of the project.
        template: Name of a project template.
    """

    def __init__(self, names: Names, template: str) -> None:
        self._names = names
        self._template = template

    def check(self, *, force: bool) -> None:
        """Check that the project can be written to its folder.

        Raises:
            CliError: The folder is a file, or not empty without `force`, or has no parent, or has
                a folder where the project has a file.
        """
        folder = self._names.folder
        if folder.exists() and not folder.is_dir():
            raise CliError(f"{folder} is a file: choose another name")
        if not folder.parent.is_dir():
            raise CliError(f"{folder.parent} does not exist: make it first")
        if folder.is_dir() and any(folder.iterdir()) and not force:
            raise CliError(
                f"{folder} is not empty: choose another name, or write into it with --force"
            )
        for path in self.planned():
            if (folder / path).is_dir():
                raise CliError(f"{folder / path} is a folder, where the project has a file")

    def planned(self) -> list[Path]:
        """List the files of the project, generated ones too, relative to its folder."""
        rendered = dict(self._rendered())
        settings = tomllib.loads(rendered[Path("pyproject.toml")].decode())
        project = parse(Path("pyproject.toml"), settings["tool"]["bytesocket"])
        generated = [path for one in project.generations for path in outputs(one)]
        return sorted({*rendered, *generated})

    def write(self) -> list[Path]:
        """Make the project in a temporary folder beside its own, then move it there.

        Returns:
            The files, relative to the project's folder.

        Raises:
            CliError: The project cannot be made; a new folder is not left behind.
        """
        folder = self._names.folder
        try:
            with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as made:
                stage = Path(made) / folder.name
                for path, content in self._rendered():
                    (stage / path).parent.mkdir(parents=True, exist_ok=True)
                    (stage / path).write_bytes(content)
                _generate(stage)
                written = self.planned()
                _move(stage, folder, written)
        except OSError as error:
            raise CliError(f"cannot write {error.filename or folder}: {error.strerror}") from error
        return written

    def _rendered(self) -> Iterator[tuple[Path, bytes]]:
        names = self._names
        values = {"name": names.project, "package": names.package, "title": names.title}
        prefix = PurePosixPath("project", self._template)
        for source in _walk(files("bytesocket_templates"), prefix):
            parts = [part.replace("__package__", names.package) for part in source.parts[2:]]
            path = Path(*parts)
            if path.name == "gitignore":
                path = path.with_name(".gitignore")
            if path.suffix == ".j2":
                yield path.with_suffix(""), render(str(source), values).encode()
            else:
                yield path, files("bytesocket_templates").joinpath(*source.parts).read_bytes()


def _walk(root: Traversable, path: PurePosixPath) -> Iterator[PurePosixPath]:
    for entry in sorted(root.joinpath(*path.parts).iterdir(), key=lambda entry: entry.name):
        if entry.name == "__pycache__":
            continue
        if entry.is_dir():
            yield from _walk(root, path / entry.name)
        else:
            yield path / entry.name


def _generate(folder: Path) -> None:
    """Run `bytesocket generate` in the project's folder, in a new process."""
    command = [sys.executable, "-P", "-m", "bytesocket_cli", "generate"]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"}
    done = subprocess.run(  # noqa: S603 - our own command
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise CliError(f"the new project's client could not be generated: {done.stderr.strip()}")


def _move(stage: Path, folder: Path, written: list[Path]) -> None:
    if not folder.exists():
        stage.rename(folder)
        return
    # Not replaced, even if it is empty: somebody's shell may stand in it.
    for path in written:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(stage / path, folder / path)
