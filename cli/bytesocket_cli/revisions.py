"""Contracts of other revisions: `git:REF` and `git:REF:PATH`, read from the git repository."""

import os
import subprocess
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from bytesocket_cli.errors import CliError
from bytesocket_cli.project import Project

PREFIX = "git:"

PATIENCE = 20.0
"""Timeout of one git command, in seconds."""

_COMMIT = 'commit one: list target = "contract" in pyproject.toml and run bytesocket generate'


def committed(text: str, project: Project, start: Path) -> tuple[str, str]:
    """Read the contract that is committed at a revision.

    Args:
        text: `git:REF` for the contract file of `[tool.bytesocket]`, or `git:REF:PATH`.
        project: The project that the contract belongs to.
        start: The folder that PATH is relative to; the repository's root is tried as well.

    Returns:
        The file's text, and its name for messages.

    Raises:
        CliError: git is not installed, or there is no such revision, or no contract in it.
    """
    ref, _, name = text.removeprefix(PREFIX).partition(":")
    if not ref or ref.startswith("-"):
        raise CliError(f"{text}: say which revision, as in git:main or git:v1.2")
    # git names paths without symbolic links; so must we.
    folder = (start if name else project.directory).resolve()
    root = Path(_git(folder, "rev-parse", "--show-toplevel").strip()).resolve()
    commit = _commit(folder, ref)
    files = _git(root, "ls-tree", "-r", "-z", "--name-only", commit).split("\0")
    for path in _candidates(name, project, folder, root):
        if path in files:
            return _git(root, "cat-file", "blob", f"{commit}:{path}"), f"{PREFIX}{ref}:{path}"
    raise CliError(_missing(text, ref, name, project, files))


def _candidates(name: str, project: Project, folder: Path, root: Path) -> Sequence[str]:
    """List the paths to look for, relative to the root of the repository."""
    places = [folder / name, root / name] if name else [project.contract]
    inside = [place.resolve() for place in places if place is not None]
    return [p.relative_to(root).as_posix() for p in inside if p.is_relative_to(root)]


def _commit(folder: Path, ref: str) -> str:
    try:
        return _git(folder, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").strip()
    except CliError:
        names = _git(folder, "for-each-ref", "--format=%(refname:short)").split()
        near = get_close_matches(ref, names, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise CliError(
            f"git knows no revision {ref!r} in {folder}{hint} (a fresh clone in CI may lack it: "
            f"git fetch origin {ref})"
        ) from None


def _missing(text: str, ref: str, name: str, project: Project, files: Sequence[str]) -> str:
    wanted = name or (project.contract.name if project.contract else "contract.json")
    contracts = [file for file in files if file.endswith(".json")]
    like = [file for file in contracts if Path(file).name == Path(wanted).name]
    like = like or get_close_matches(wanted, contracts, n=1)
    hint = f"; is it {PREFIX}{ref}:{like[0]}?" if like else f"; {_COMMIT}"
    if not name and project.contract is None:
        return f"{text}: {project.settings} says of no file that it is the contract{hint}"
    return f"{text}: {wanted} is not committed there{hint}"


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - git with our own words; the revision is no option
            ["git", "-C", str(folder), "--no-pager", *arguments],  # noqa: S607 - the user's own git
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=True,
            env={**os.environ, "LC_ALL": "C"},  # its messages become ours
        )
        return done.stdout.decode("utf-8-sig")
    except FileNotFoundError:
        raise CliError("git: revisions need git, which is not installed here") from None
    except subprocess.TimeoutExpired:
        raise CliError(f"git {arguments[0]} took longer than {PATIENCE:g} s") from None
    except UnicodeDecodeError:
        raise CliError(f"git {' '.join(arguments)}: not UTF-8 text") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise CliError(f"{said or f'git {arguments[0]} failed'} ({folder})") from None
