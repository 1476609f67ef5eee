"""Changes of types, found by walking over two schemas side by side."""

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
        code: What it is.
        path: Where, from the root of the payload: `$.items[].name`.
        old: What was there, in a few words; empty if nothing was.
        new: What is there now.
    """

    code: Code
    path: str
    old: str = ""
    new: str = ""

    def breaks(self, way: Way) -> bool:
        """Whether this fails at run time in a direction."""
        return Level.WIRE in RULES[self.code].levels(way)


Pursue: TypeAlias = Callable[[Schema, Schema, str], Generator[Change]]
"""Compares two schemas inside those at hand, at a path."""


@dataclass(frozen=True, slots=True)
class Deeper:
    """How a comparison goes on inside.

    Attributes:
        way: Who sends the data.
        compare: Compares for good: a pair of named types is walked over once.
        attempt: Compares on trial, for instance to find out which members of two unions belong
            together; what it finds is not reported.
        unless: Compares for good, unless something breaks for which there is an excuse; then as if
            nothing had been compared.
        fits: Whether nothing fails at run time if one type takes the place of the other.
    """

    way: Way
    compare: Pursue
    attempt: Pursue
    unless: Callable[[Schema, Schema, str, Callable[[], bool]], Iterator[Change]]
    fits: Callable[[Schema, Schema], bool]


def breaks(changes: Iterable[Change], way: Way) -> bool:
    """Whether one of the changes fails at run time in a direction."""
    return any(change.breaks(way) for change in changes)


def shown(value: object) -> str:
    """Return a JSON value as short text."""
    text = compact(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
