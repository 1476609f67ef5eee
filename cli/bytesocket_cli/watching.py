"""Watching of a project's files for changes."""

from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

import anyio
from watchfiles import Change, awatch

from bytesocket_cli.targets import is_ours

SUFFIXES = frozenset(
    {".py", ".html", ".css", ".js", ".json", ".toml", ".yaml", ".yml", ".env", ".j2", ".jinja"}
)
"""Suffixes of files to watch; others, such as databases and logs, may change at any time."""


def relevant(roots: Iterable[Path], ignored: Iterable[Path]) -> Callable[[Change, str], bool]:
    """Make the filter for watchfiles.

    Args:
        roots: The watched folders; names of folders above them are not looked at.
        ignored: Files that the command itself writes.
    """
    folders = tuple(roots)
    own = frozenset(ignored)

    def decide(_change: Change, name: str) -> bool:
        path = Path(name)
        if path in own or (path.suffix not in SUFFIXES and path.name != ".env"):
            return False
        return any(_inside(path, folder) for folder in folders)

    return decide


def _inside(path: Path, folder: Path) -> bool:
    if not path.is_relative_to(folder):
        return False
    between = path.relative_to(folder).parents
    # Tests are not watched: a change there does not change the application.
    return all(is_ours(folder / part) for part in between if part.name)


async def changes(
    roots: Iterable[Path], ignored: Iterable[Path], stop: anyio.Event
) -> AsyncIterator[frozenset[Path]]:
    """Yield sets of changed files, changes close in time together, until `stop` is set."""
    folders = tuple(roots)
    watched = awatch(*folders, watch_filter=relevant(folders, ignored), stop_event=stop)
    async for found in watched:
        yield frozenset(Path(name) for _, name in found)
