"""Changes between two schemas, and the interface of comparisons."""

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from bytesocket_app.contract.compatibility.codes import Code
from bytesocket_app.contract.compatibility.levels import Level, Way
from bytesocket_app.contract.compatibility.rules import RULES
from bytesocket_app.contract.shape import Schema, compact

_SHOWN: Final = 60
"""Characters of a value that a finding shows."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two schemas.

    Attributes:
        code: The kind of change.
        path: Path from the root of the payload: `$.items[].name`.
        old: Short text for the old schema or value; empty without one.
        new: Short text for the new one.
    """

    code: Code
    path: str
    old: str = ""
    new: str = ""

    def breaks(self, way: Way) -> bool:
        """Return True if the change fails at run time in a direction."""
        return Level.WIRE in RULES[self.code].levels(way)

    def is_noticed(self, way: Way) -> bool:
        """Return True if the change fails at run time or when code is checked."""
        return self.breaks(way) or Level.SOURCE in RULES[self.code].levels(way)


Pursue: TypeAlias = Callable[[Schema, Schema, str], Generator[Change]]
"""Function that compares two inner schemas at a path."""


@dataclass(frozen=True, slots=True)
class Deeper:
    """Functions with which a comparison continues in inner schemas.

    Attributes:
        way: Sender of the data.
        compare: Yields the changes to report; a pair of named types is compared once.
        attempt: Yields changes that are not reported and does not mark pairs as compared, for
            instance to match the members of two unions.
        unless: As `compare`; but if a change breaks and the given function excuses that, yields
            nothing and does not mark pairs as compared.
        fits: Returns True if nothing fails at run time when the second type replaces the first.
        gone: Yields the types of an old schema that the new document does not have.
        retyped: Returns True if code for the first type does not fit the second in Python.
        rekeyed: As `retyped`, for keys: received data is also looked up with them.
        items: As `compare`, for the items of lists and mappings, which have to be of the very type
            where code passes such a list on.
    """

    way: Way
    compare: Pursue
    attempt: Pursue
    unless: Callable[[Schema, Schema, str, Callable[[], bool]], Iterator[Change]]
    fits: Callable[[Schema, Schema], bool]
    gone: Callable[[Schema, str], Iterator[Change]]
    retyped: Callable[[Schema, Schema], bool]
    rekeyed: Callable[[Schema, Schema], bool]
    items: Pursue


def breaks(changes: Iterable[Change], way: Way) -> bool:
    """Return True if one of the changes fails at run time in a direction."""
    return any(change.breaks(way) for change in changes)


def shown(value: object) -> str:
    """Return a JSON value as short text."""
    text = compact(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
