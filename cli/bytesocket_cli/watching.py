"""Which files of a project matter, and when they change."""

from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

import anyio
from watchfiles import Change, awatch

from bytesocket_cli.targets import is_ours

SUFFIXES = frozenset(
    {".py", ".html", ".css", ".js", ".json", ".toml", ".yaml", ".yml", ".env", ".j2", ".jinja"}
)
"""What a running application is made of. A database or a log beside it changes all the time."""


def relevant(roots: Iterable[Path], ignored: Iterable[Path]) -> Callable[[Change, str], bool]:
    """Make the filter for watchfiles.

    Args:
        roots: The watched folders; what is above them does not decide.
        ignored: Files that are written by ourselves.
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
    # Tests are watched by nobody: running the old code again tells nothing.
    return all(is_ours(folder / part) for part in between if part.name)


async def changes(
    roots: Iterable[Path], ignored: Iterable[Path], stop: anyio.Event
) -> AsyncIterator[frozenset[Path]]:
    """Yield the files that changed, gathered over a moment of quiet, until `stop` is set."""
    folders = tuple(roots)
    watched = awatch(*folders, watch_filter=relevant(folders, ignored), stop_event=stop)
    async for found in watched:
        yield frozenset(Path(name) for _, name in found)
