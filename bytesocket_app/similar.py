"""Near misses for peers: similar names, found in bounded time however many names there are."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final

from bytesocket_app.errors import near

COMPARED: Final = 32
"""Names that one search compares with."""

INDEXED: Final = 2000
"""Names of which there is an index, where there are more than can be compared with."""

LENGTH: Final = 64
"""Characters of a name that count."""


class Similar:
    """Search for a similar name, by peers, who may ask for anything at any time.

    Where there are many names, only those are found that differ by a letter or two: left out,
    added, replaced or swapped.

    Args:
        names: The names that a peer may be told of.
    """

    def __init__(self, names: Iterable[Any]) -> None:
        self._names = list(islice(names, INDEXED))
        # Two names that are a typo apart have a text in common from which a letter is left out.
        self._shortened: dict[str, list[Any]] = {}
        if len(self._names) > COMPARED:
            for name in self._names:
                for text in _shortened(str(name)[:LENGTH]):
                    same = self._shortened.setdefault(text, [])
                    if len(same) < COMPARED:
                        same.append(name)

    def hint(self, name: object, fits: Callable[[Any], object] | None = None) -> str:
        """Return ` Did you mean 'chat:post'?`, or "".

        Args:
            name: The name that is none.
            fits: Called with names; it is to be one of those it returns something for.
        """
        text = str(name)[:LENGTH]
        return near(text, [one for one in self._candidates(text) if fits is None or fits(one)])

    def _candidates(self, text: str) -> Iterable[Any]:
        if len(self._names) <= COMPARED:
            return self._names
        lists = (self._shortened.get(short, ()) for short in _shortened(text))
        found = dict.fromkeys(name for names in lists for name in names)
        return islice(found, COMPARED)


def _shortened(text: str) -> Iterator[str]:
    """Yield the text, and the texts that have one letter less."""
    yield text
    for index in range(len(text)):
        yield text[:index] + text[index + 1 :]
