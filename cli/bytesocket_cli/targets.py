"""TARGET, as the user writes it, to a place that can be imported. Nothing is imported here."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from bytesocket_cli.errors import CliError
from bytesocket_cli.project import Project, find

DISCOVERY = ("app.py", "main.py", "*/app.py", "*/main.py", "src/*/app.py")
"""Where an application is looked for when nothing names it."""

NOT_OURS = frozenset(
    {"__pycache__", "build", "dist", "docs", "env", "node_modules", "site-packages", "tests"}
    | {"test", "venv"}
)
"""Folders that are never looked into or watched, beside those that begin with a dot."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where an application is.

    Attributes:
        project: The project it belongs to.
        root: The folder that goes first on `sys.path`.
        module: The dotted name to import.
        attribute: A dotted name in the module; None takes the only application there.
    """

    project: Project
    root: Path
    module: str
    attribute: str | None = None

    @property
    def import_paths(self) -> tuple[Path, ...]:
        """What goes to the front of `sys.path`, in this order."""
        return tuple(dict.fromkeys((self.root, *self.project.import_paths)))

    @property
    def watched(self) -> tuple[Path, ...]:
        """The folders whose changes matter: the project's, and its package's elsewhere."""
        project, package = self.project.directory, self.root
        package /= self.module.partition(".")[0]
        if package.is_relative_to(project) or not package.is_dir():
            return (project,)
        return (project, package)


def resolve(text: str | None, start: Path) -> Target:
    """Find out what a TARGET means.

    Args:
        text: `module:attribute`, a path to a file or folder (`path:attribute` too), or None for
            the project's own: `[tool.bytesocket] app`, then discovery.
        start: The folder the command runs in.

    Raises:
        CliError: There is nothing there, or more than one thing.
    """
    start = start.resolve()
    if text is None:
        return _of_project(find(start), start)
    head, _, attribute = text.rpartition(":") if ":" in text else (text, "", "")
    if _is_path(head, start):
        return _at_path(start / head, attribute or None, start)
    if not all(part.isidentifier() for part in head.split(".")):
        raise CliError(
            f"{text!r} is neither module:attribute nor a file or folder here ({start})"
            f"{_near(head, start)}"
        )
    return Target(find(start), start, head, attribute or None)


def is_ours(path: Path) -> bool:
    """Whether a folder can hold the project's own code: no environment, cache or dependency."""
    name = path.name
    return not (name.startswith(".") or name in NOT_OURS or (path / "pyvenv.cfg").exists())


def _is_path(text: str, start: Path) -> bool:
    return "/" in text or "\\" in text or text.endswith(".py") or (start / text).exists()


def _of_project(project: Project, start: Path) -> Target:
    if project.app is None:
        return _at_file(_discover(project.directory, start), None, project)
    target = resolve(project.app, project.directory)
    return Target(project, target.root, target.module, target.attribute)


def _at_path(path: Path, attribute: str | None, start: Path) -> Target:
    path = path.resolve()
    if path.is_dir():
        return _at_folder(path, attribute, start)
    if not path.is_file():
        raise CliError(
            f"no such file or folder: {_shown(path, start)}{_near(path.name, path.parent)}"
        )
    if path.suffix != ".py":
        raise CliError(
            f"{_shown(path, start)} is not a Python file: "
            "a TARGET is a .py file, a folder, or module:attribute"
        )
    return _at_file(path, attribute, find(path))


def _at_folder(folder: Path, attribute: str | None, start: Path) -> Target:
    project = find(folder)
    if project.app is not None and project.directory == folder and attribute is None:
        return _of_project(project, start)
    if not (folder / "__init__.py").is_file():
        return _at_file(_discover(folder, start), attribute, project)
    found = [folder / name for name in ("app.py", "main.py") if (folder / name).is_file()]
    chosen = _only(found, start) if found else folder / "__init__.py"
    return _at_file(chosen, attribute, project)


def _at_file(path: Path, attribute: str | None, project: Project) -> Target:
    """Climb out of the package that the file is part of, and name the module from there."""
    names = [] if path.name == "__init__.py" else [path.stem]
    root = path.parent
    while (root / "__init__.py").is_file():
        names.insert(0, root.name)
        root = root.parent
    return Target(project, root, ".".join(names), attribute)


def _discover(directory: Path, start: Path) -> Path:
    found = list(_candidates(directory))
    if not found:
        raise CliError(
            f"no application found in {directory} (looked for {', '.join(DISCOVERY)}): "
            'name it, as in "bytesocket dev chat.app:app", or set [tool.bytesocket] app in '
            "pyproject.toml"
        )
    return _only(found, start)


def _candidates(directory: Path) -> Iterator[Path]:
    for pattern in DISCOVERY:
        for path in sorted(directory.glob(pattern)):
            folders = path.relative_to(directory).parents
            if all(is_ours(directory / folder) for folder in folders if folder.name):
                yield path


def _only(found: list[Path], start: Path) -> Path:
    """Take the one candidate; where some do not mention the framework, they are not candidates."""
    likely = [path for path in found if b"bytesocket" in path.read_bytes().lower()] or found
    if len(likely) == 1:
        return likely[0]
    listed = "".join(f"\n  {_shown(path, start)}" for path in likely)
    raise CliError(f"more than one application here: name the one you mean as TARGET{listed}")


def _shown(path: Path, start: Path) -> str:
    return str(path.relative_to(start)) if path.is_relative_to(start) else str(path)


def _near(name: str, folder: Path) -> str:
    if not folder.is_dir():
        return ""
    names = [path.name for path in folder.iterdir() if path.is_dir() or path.suffix == ".py"]
    near = get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]}?" if near else ""
