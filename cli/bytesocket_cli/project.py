"""Project settings: `[tool.bytesocket]` in its pyproject.toml.

::

    [tool.bytesocket]
    app = "chat.app:app"             # the default TARGET; for generate, diff and events it may
                                     # be a saved contract, "contract.json"
    backend = "asyncio"              # or "trio"

    [[tool.bytesocket.generate]]
    target = "javascript"            # typescript, javascript, python, asyncapi, contract
    output = "chat/static/client.js" # relative to the pyproject.toml

    [[tool.bytesocket.generate]]
    target = "typescript"
    for = "bytesocket-client"        # only types, for the generics of @bytesocket/client
    output = "web/events.ts"

    [[tool.bytesocket.generate]]
    target = "typescript"
    peer = "bytesocket-node"         # also reads what @bytesocket/node writes
    output = "web/client.ts"

`allowances` reads `[[tool.bytesocket.diff.allow]]`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeAlias, cast, get_args

from bytesocket_cli import allowances
from bytesocket_cli.allowances import Allowance
from bytesocket_cli.errors import CliError

Language: TypeAlias = Literal["typescript", "javascript", "python", "asyncapi", "contract"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

Package: TypeAlias = Literal["bytesocket-client"]
"""npm package that types can be generated for: `@bytesocket/client`."""

Peer: TypeAlias = Literal["bytesocket", "bytesocket-node"]
"""Servers that a client can talk to: this package's, or those of `@bytesocket/node` as well."""
PEERS: tuple[Peer, ...] = get_args(Peer)

Backend: TypeAlias = Literal["asyncio", "trio"]


@dataclass(frozen=True, slots=True)
class Generation:
    """File to be generated.

    Attributes:
        target: Language, or another format.
        output: Path of the file.
        package: npm package to write only types for, with `typescript`; None for a client.
        peer: Servers that a client in TypeScript or JavaScript can read.
    """

    target: Language
    output: Path
    package: Package | None = None
    peer: Peer = "bytesocket"


@dataclass(frozen=True, slots=True)
class Project:
    """Folder with an application, and the settings in its pyproject.toml.

    Attributes:
        directory: Absolute path; paths in the settings are relative to it.
        app: The default TARGET, if there is one.
        backend: The event loop to run on.
        generations: The files that `generate` without arguments writes.
        allowed: Findings that `diff` accepts.
    """

    directory: Path
    app: str | None = None
    backend: Backend = "asyncio"
    generations: tuple[Generation, ...] = ()
    allowed: tuple[Allowance, ...] = ()

    @property
    def settings(self) -> Path:
        """Path of the pyproject.toml, which need not exist."""
        return self.directory / "pyproject.toml"

    @property
    def contract(self) -> Path | None:
        """Path that `generate` writes the contract to; None if none is set."""
        return next((one.output for one in self.generations if one.target == "contract"), None)

    @property
    def import_paths(self) -> tuple[Path, ...]:
        """Folders to put on `sys.path` to import the project without installing it."""
        return tuple(path for path in (self.directory, self.directory / "src") if path.is_dir())


def find(start: Path) -> Project:
    """Find the project that a file or folder belongs to.

    The nearest pyproject.toml at or above it decides. If that has no `[tool.bytesocket]`, the
    folder itself is the project, so an example inside another repository is its own project.

    Raises:
        CliError: A pyproject.toml cannot be read or has a wrong setting.
    """
    start = start.resolve()
    folder = start if start.is_dir() else start.parent
    for directory in (folder, *folder.parents):
        path = directory / "pyproject.toml"
        if path.is_file():
            table = _table(path)
            return Project(folder) if table is None else parse(path, table)
    return Project(folder)


def parse(path: Path, table: Mapping[str, Any]) -> Project:
    """Read `[tool.bytesocket]` of a pyproject.toml.

    Raises:
        CliError: A setting is unknown or has a wrong value; the message names it and the file.
    """
    unknown = sorted(table.keys() - {"app", "backend", "diff", "generate"})
    if unknown:
        _reject(path, f"unknown setting {unknown[0]!r}; there are app, backend, diff and generate")
    app, backend = table.get("app"), table.get("backend", "asyncio")
    if app is not None and not isinstance(app, str):
        _reject(path, 'app must be a string such as "chat.app:app"')
    if backend not in get_args(Backend):
        _reject(path, f'backend must be "asyncio" or "trio", not {backend!r}')
    generations = [_generation(path, entry) for entry in _entries(path, table)]
    allowed = allowances.parse(str(path), table.get("diff", {}))
    return Project(path.parent, app, backend, tuple(generations), allowed)


def _table(path: Path) -> Mapping[str, Any] | None:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # a BOM is no fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CliError(f"{path}: not valid TOML: {error}") from error
    except OSError as error:
        raise CliError(f"{path}: cannot be read: {error.strerror}") from error
    table: Any = document.get("tool", {}).get("bytesocket")
    if table is not None and not isinstance(table, dict):
        _reject(path, "must be a table")
    return cast("Mapping[str, Any] | None", table)


def _entries(path: Path, table: Mapping[str, object]) -> list[object]:
    entries = table.get("generate", [])
    if not isinstance(entries, list):
        _reject(path, "generate must be tables: [[tool.bytesocket.generate]]")
    return cast("list[object]", entries)


def _generation(path: Path, entry: object) -> Generation:
    if not isinstance(entry, dict):
        _reject(path, "generate must be tables: [[tool.bytesocket.generate]]")
    fields = cast("dict[str, Any]", entry)
    unknown = sorted(fields.keys() - {"target", "output", "for", "peer"})
    if unknown:
        _reject(
            path,
            f"generate: unknown setting {unknown[0]!r}; there are target, output, for and peer",
        )
    target, output, package = (fields.get(name) for name in ("target", "output", "for"))
    if target not in LANGUAGES:
        _reject(path, f"generate: target must be one of {', '.join(LANGUAGES)}, not {target!r}")
    if not isinstance(output, str) or not output:
        _reject(path, f'generate: target "{target}" needs an output, the path of a file')
    if package is not None and (package not in get_args(Package) or target != "typescript"):
        _reject(path, 'generate: for = "bytesocket-client" goes with target = "typescript"')
    return Generation(target, path.parent / output, package, _peer(path, fields, target))


def _peer(path: Path, fields: Mapping[str, Any], target: Language) -> Peer:
    peer: Peer = fields.get("peer", "bytesocket")
    if peer not in PEERS:
        _reject(path, f"generate: peer must be one of {', '.join(PEERS)}, not {peer!r}")
    problem = peer_problem(target, fields.get("for"), peer)
    if problem:
        _reject(path, f"generate: {problem}")
    return peer


def peer_problem(language: Language | None, package: Package | None, peer: Peer | None) -> str:
    """Return why a target cannot be written for a peer; empty if it can."""
    if peer in {None, "bytesocket"}:
        return ""
    if package is not None:
        return f'peer "{peer}" is for clients; with "for", only types are written'
    if language == "python":
        return f'peer "{peer}" is not needed: clients in Python read it anyway'
    if language in {"typescript", "javascript"}:
        return ""
    return f'peer "{peer}" goes with typescript and javascript'


def _reject(path: Path, problem: str) -> NoReturn:
    raise CliError(f"{path}: [tool.bytesocket] {problem}")
