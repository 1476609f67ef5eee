"""Lint of declared types: warns about values that would not arrive as they were sent."""

import inspect
import re
import sys
import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace

from bytesocket_app.errors import ConfigurationError, ContractWarning, where
from bytesocket_app.events.findings import FAULTS, TEXTS, LintFinding, Way
from bytesocket_app.events.inspection import Inspection, doubt_of_all
from bytesocket_app.events.payload import PayloadType


class Lint:
    """Reports the findings about one application's types, each once.

    Args:
        strict: True to raise an error in place of warnings.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self._strict = strict
        self._inspection = Inspection()
        self._told = set[tuple[LintFinding, str]]()
        self._waiting: list[tuple[PayloadType, tuple[Way, ...], str, Callable[[], str]]] = []

    def check(
        self, payload: PayloadType, ways: Iterable[Way], what: str, source: Callable[[], str]
    ) -> None:
        """Check a type now, or at `settle` if it refers to a name that is not defined yet.

        Each finding is a `ContractWarning`, except faults: what cannot work is refused.

        Args:
            payload: The type.
            ways: Directions in which its values are sent.
            what: Name of its place in the message: `event 'chat:post'`.
            source: Returns `file:line` of the declaration, for findings outside classes.

        Raises:
            ConfigurationError: There are findings, and `strict` is set or one is a fault.
        """
        asked = (payload, tuple(ways), what, source)
        if not self._look(*asked):
            self._waiting.append(asked)

    def settle(self) -> None:
        """Check the types that were not complete when they were declared.

        Raises:
            ConfigurationError: There are findings, and `strict` is set or one is a fault.
        """
        waiting, self._waiting = self._waiting, []
        for asked in waiting:
            self._look(*asked)

    def _look(
        self, payload: PayloadType, ways: tuple[Way, ...], what: str, source: Callable[[], str]
    ) -> bool:
        schema = payload.core_schema()
        if schema is None:
            return False
        doubts = [doubt for way in ways for doubt in self._inspection.doubts(schema, way)]
        if "input" in ways and payload.depends_on_codec:
            doubts += doubt_of_all("codec-dependent", schema)
        doubts = [one for one in map(_owned, doubts) if self._is_new(one, what)]
        told = [_written(one, what, source) for one in doubts]
        refused = (
            told
            if self._strict
            else [text for one, text in zip(doubts, told, strict=True) if one.code in FAULTS]
        )
        if refused:
            raise ConfigurationError("\n".join(f"{place}: {text}" for place, text, _ in refused))
        self._tell(told)
        return True

    def _is_new(self, doubt: LintFinding, what: str) -> bool:
        key = (doubt, what if doubt.owner is None else "")
        is_new = key not in self._told
        self._told.add(key)
        return is_new

    def _tell(self, told: list[tuple[str, str, str]]) -> None:
        for place, text, home in told:
            file, _, line = place.rpartition(":")
            module = sys.modules.get(home)
            # The registry of a plain warning, so that Python shows each warning once, as usual.
            kept = None if module is None else vars(module).setdefault("__warningregistry__", {})
            warnings.warn_explicit(
                text,
                ContractWarning,
                file or place,
                int(line) if line.isdigit() else 0,
                module=home,
                registry=kept,
            )


def _written(doubt: LintFinding, what: str, source: Callable[[], str]) -> tuple[str, str, str]:
    """Return a finding's place, its text, and the name of its module."""
    problem, remedy = TEXTS[doubt.code]
    allow = f"json_schema_extra={{'x-allow': ['{doubt.code}']}}"
    subject, place, home = "it", "", ""
    if doubt.owner is None:
        place = source()
    else:
        subject = doubt.owner.__qualname__ + (f".{doubt.field}" if doubt.field else "")
        place, home = place_of(doubt.owner, doubt.field), doubt.owner.__module__
    way_out = "" if doubt.code in FAULTS else f", or allow it with {allow}"
    text = f"{what}: {subject} {problem}. {remedy}{way_out}."
    return place, text, home or place


def _owned(doubt: LintFinding) -> LintFinding:
    """Return the finding with the class that declares the field, which others may inherit."""
    return (
        doubt if doubt.owner is None else replace(doubt, owner=owner_of(doubt.owner, doubt.field))
    )


def owner_of(cls: type, field: str) -> type:
    """Return the class that declares a field, which `cls` may have inherited."""
    for base in cls.__mro__:
        if field in vars(base).get("__annotations__", {}):
            return base
    return cls


def place_of(owner: type, name: str) -> str:
    """Return `file:line` of a field, or of its class if the field's line is not found."""
    try:
        lines, first = inspect.getsourcelines(owner)
        file = inspect.getsourcefile(owner)
    except (OSError, TypeError):
        return where(owner)
    pattern = re.compile(rf"\s+{re.escape(name)}\s*:")
    found = (first + index for index, line in enumerate(lines) if name and pattern.match(line))
    return f"{file}:{next(found, first)}"
