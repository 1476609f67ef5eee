"""Resolution of the argument TARGET to a module that can be imported; nothing is imported here."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from bytesocket_cli.errors import CliError
from bytesocket_cli.project import Project, find

DISCOVERY = ("app.py", "main.py", "*/app.py", "*/main.py", "src/*/app.py")
"""Patterns of the files that may hold the application if nothing names it."""

NOT_OURS = frozenset(
    {"__pycache__", "build", "dist", "docs", "env", "node_modules", "site-packages", "tests"}
    | {"test", "venv"}
)
"""Names of folders that are never searched or watched, like those that begin with a dot."""


@dataclass(frozen=True, slots=True)
class Target:
    """Location of an application.

    Attributes:
        project: The project that it belongs to.
        root: The folder to put first on `sys.path`.
        module: The dotted name to import.
        attribute: The dotted name in the module; None for the only application there.
    """

    project: Project
    root: Path
    module: str
    attribute: str | None = None

    @property
    def import_paths(self) -> tuple[Path, ...]:
        """Folders to put at the front of `sys.path`, in this order."""
        return tuple(dict.fromkeys((self.root, *self.project.import_paths)))

    @property
    def watched(self) -> tuple[Path, ...]:
        """Folders to watch: the project's, and the package's if it is elsewhere."""
        project, package = self.project.directory, self.root
        package /= self.module.partition(".")[0]
        if package.is_relative_to(project) or not package.is_dir():
            return (project,)
        return (project, package)


def resolve(text: str | None, start: Path) -> Target:
    """Resolve a TARGET to the location of an application.

    Args:
        text: `module:attribute`, a path to a file or folder (`path:attribute` too), or None for
            the project's own: `[tool.bytesocket] app`, else the file that discovery finds.
        start: The folder that the command runs in.

    Raises:
        CliError: The target names no file or module, or more than one file may be meant.
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
    """Return True if a folder can hold the project's code: no environment, cache or dependency."""
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
    """Find the folder above the file's outermost package, and the module's name from there."""
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
    """Return the only candidate; files that mention `bytesocket` are preferred to others."""
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
