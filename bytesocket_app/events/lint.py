"""Telling authors, where they declare an event, what will not arrive as it was sent."""

import inspect
import re
import sys
import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace

from bytesocket_app.errors import ConfigurationError, ContractWarning, where
from bytesocket_app.events.findings import TEXTS, LintFinding, Way
from bytesocket_app.events.inspection import Inspection, doubt_of_all
from bytesocket_app.events.payload import PayloadType


class Lint:
    """Reports the doubts about one application's types, each once.

    Args:
        strict: Whether they are errors.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self._strict = strict
        self._inspection = Inspection()
        self._told = set[tuple[LintFinding, str]]()
        self._waiting: list[tuple[PayloadType, tuple[Way, ...], str, Callable[[], str]]] = []

    def check(
        self, payload: PayloadType, ways: Iterable[Way], what: str, source: Callable[[], str]
    ) -> None:
        """Look through a type, now, or at `settle` if it refers to what is not defined yet.

        Args:
            payload: The type.
            ways: Who sends it.
            what: Names its place, `event 'chat:post'`.
            source: Gives `file:line` of the declaration, for what stands in no class.

        Raises:
            ConfigurationError: There are doubts, and the application is strict.
        """
        asked = (payload, tuple(ways), what, source)
        if not self._look(*asked):
            self._waiting.append(asked)

    def settle(self) -> None:
        """Look through what was not complete when it was declared.

        Raises:
            ConfigurationError: There are doubts, and the application is strict.
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
        told = [one for one in map(_owned, doubts) if self._is_new(one, what)]
        self._tell([_written(one, what, source) for one in told])
        return True

    def _is_new(self, doubt: LintFinding, what: str) -> bool:
        key = (doubt, what if doubt.owner is None else "")
        is_new = key not in self._told
        self._told.add(key)
        return is_new

    def _tell(self, told: list[tuple[str, str, str]]) -> None:
        if self._strict and told:
            raise ConfigurationError("\n".join(f"{place}: {text}" for place, text, _ in told))
        for place, text, home in told:
            file, _, line = place.rpartition(":")
            module = sys.modules.get(home)
            # Where a plain warning would keep it: Python then shows it once, as users know it.
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
    """Return where a doubt is, what is said of it, and the name of the module it stands in."""
    problem, remedy = TEXTS[doubt.code]
    allow = f"json_schema_extra={{'x-allow': ['{doubt.code}']}}"
    subject, place, home = "it", "", ""
    if doubt.owner is None:
        place = source()
    else:
        subject = doubt.owner.__qualname__ + (f".{doubt.field}" if doubt.field else "")
        place, home = _place(doubt.owner, doubt.field), doubt.owner.__module__
    text = f"{what}: {subject} {problem}. {remedy}, or allow it with {allow}."
    return place, text, home or place


def _owned(doubt: LintFinding) -> LintFinding:
    """Lay a doubt to the class that declares the field: many may inherit it."""
    for cls in () if doubt.owner is None else doubt.owner.__mro__:
        if doubt.field in vars(cls).get("__annotations__", {}):
            return replace(doubt, owner=cls)
    return doubt


def _place(owner: type, name: str) -> str:
    """`file:line` of a field, or of its class where the field cannot be seen."""
    try:
        lines, first = inspect.getsourcelines(owner)
        file = inspect.getsourcefile(owner)
    except (OSError, TypeError):
        return where(owner)
    pattern = re.compile(rf"\s+{re.escape(name)}\s*:")
    found = (first + index for index, line in enumerate(lines) if name and pattern.match(line))
    return f"{file}:{next(found, first)}"
