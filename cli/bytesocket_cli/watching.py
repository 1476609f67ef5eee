"""Watching of a project's files for changes."""

from collections import Counter
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


class OwnWrites:
    """Detector of files that an application writes itself whenever it starts.

    Each of them would restart it, for ever. A file that changed during several starts in a row is
    not looked at during a start any more; an edit of it at another time counts as before. What is
    written as the application ends cuts the next start short, and what that writes is seen one
    start later: one that was cut short ends no row.

    Somebody who saves a file again and again looks the same, but for one more start that is left
    alone: see `look_again`.
    """

    TIMES = 3
    """Starts in a row during which a file changed, after which it counts as the application's."""
    SETTLING = 2.0
    """Seconds after a start in which a change is still counted to it: watching is late."""

    def __init__(self) -> None:
        self._starts = 0
        self._cut_short = 0
        self._ends = 0.0
        self._is_starting = False
        self._last: dict[Path, tuple[int, int]] = {}
        self._rows: Counter[Path] = Counter()
        self._known: set[Path] = set()

    def begin(self) -> None:
        """Take note that a start begins; one that has not ended was cut short by a change."""
        self._cut_short += self._is_starting
        self._starts += 1
        self._is_starting = True

    def end(self) -> None:
        """Take note that a start ends: the application serves, or has failed."""
        self._is_starting = False
        self._ends = anyio.current_time() + self.SETTLING

    def sift(self, found: frozenset[Path]) -> tuple[frozenset[Path], frozenset[Path]]:
        """Return the changes to follow, and the files that are the application's as of now.

        For the latter `look_again` is due.
        """
        if not self._is_starting and anyio.current_time() > self._ends:
            for path in found:
                del self._rows[path]
            self._known -= found
            return found, frozenset()
        for path in found:
            last, cut_short = self._last.get(path, (0, self._cut_short))
            if last != self._starts:
                self._last[path] = self._starts, self._cut_short
                is_in_row = self._starts - last <= 1 + self._cut_short - cut_short
                self._rows[path] = 1 + (self._rows[path] if is_in_row else 0)
                if self._rows[path] < self.TIMES - 1:
                    self._known.discard(path)
        own = frozenset(path for path in found if self._rows[path] >= self.TIMES)
        new = own - self._known
        self._known |= own
        return found - own, new

    async def look_again(self, files: frozenset[Path]) -> None:
        """Wait until a start is well over: one more is due.

        In that one nobody but the application writes. What does not change in it is somebody's,
        and counts as before.
        """
        while self._is_starting or anyio.current_time() <= self._ends:  # noqa: ASYNC110 - times
            await anyio.sleep(max(self._ends - anyio.current_time(), 0) + 0.1)
        for path in files:
            self._rows[path] = self.TIMES - 1
