"""Sources of contracts: a file, an application, or another revision of a file."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bytesocket_cli.contracts import read, saved
from bytesocket_cli.errors import CliError
from bytesocket_cli.project import Project, find
from bytesocket_cli.revisions import PREFIX, committed

PATIENCE = 60.0
"""Timeout of importing an application in a new process, in seconds."""


@dataclass(frozen=True, slots=True)
class Source:
    """Contract, and its name for messages.

    Attributes:
        place: File, TARGET or revision.
        document: The contract.
        application: The application that it was made from, if it is in this process.
    """

    place: str
    document: Mapping[str, Any]
    application: Any = None


def pair(old: str, new: str | None) -> tuple[Source, Source, Project]:
    """Read two contracts.

    Args:
        old: A contract file (.json), a TARGET, `git:REF` or `git:REF:PATH`.
        new: The same; None for the project's own application or saved contract.

    Returns:
        Both contracts, and the project whose settings apply: that of NEW if it is an application,
        else the one around the current folder.

    Raises:
        CliError: A contract cannot be read, or a file is no contract of a known format.
        ConfigurationError: A revision or another process gave no contract of a known format.
    """
    if not _is_application(new):
        project = find(Path.cwd())
        return _read(old, project), _read(new, project), project
    # First: where the application is says which project's contract `git:REF` means.
    after, project = _application(new)
    before = _in_own_process(old) if _is_application(old) else _read(old, project)
    return before, after, project


def _is_application(text: str | None) -> bool:
    is_revision = text is not None and text.startswith(PREFIX)
    return not is_revision and saved(text, Path.cwd()) is None


def _read(text: str | None, project: Project) -> Source:
    here = Path.cwd()
    if text is not None and text.startswith(PREFIX):
        content, place = committed(text, project, here)
        return Source(place, _parsed(content, place))
    path = saved(text, here)
    return _application(text)[0] if path is None else Source(text or str(path), read(path))


def _application(text: str | None) -> tuple[Source, Project]:
    from bytesocket_cli.loading import load
    from bytesocket_cli.targets import resolve

    target = resolve(text, Path.cwd())
    loaded = load(target)
    application = loaded.application
    place = text or loaded.import_string
    return Source(place, application.contract().document, application), target.project


def _in_own_process(text: str) -> Source:
    """Import an application in a new process: the two may have modules of the same name."""
    command = [sys.executable, "-P", "-m", "bytesocket_cli", "generate", "contract", text]
    try:
        done = subprocess.run(  # noqa: S603 - this program itself; `text` is a TARGET
            [*command, "--stdout"],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        raise CliError(f"{text}: importing it took longer than {PATIENCE:g} s") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise CliError(said.removeprefix("error: ") or f"{text}: cannot be imported")
    return Source(text, _parsed(done.stdout.decode(), text))


def _parsed(content: str, place: str) -> Mapping[str, Any]:
    from bytesocket_app.contract import Contract

    return Contract.from_json(content, place=place).document
