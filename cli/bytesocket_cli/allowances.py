"""Allowances: findings that a project lets `diff` accept, each with its reason.

::

    [[tool.bytesocket.diff.allow]]
    code = "FIELD_REMOVED"           # as `bytesocket diff --codes` lists them
    event = "chat:post"              # as the finding says, like room, part, path, direction,
    path = "$.text"                  # old and new
    reason = "Nobody sends it: see the access log of June."
    until = 2027-01-01               # optional; the last day that it counts

An entry is for one change: one that fits several allows none of them. For a change that may come
again under the same path, such as a value that an enum loses, `old` or `new` says which.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any, Final, cast

from typing_extensions import override

from bytesocket_cli.errors import CliError

_SCOPE: Final = ("event", "room", "part", "path", "direction", "old", "new")
_TEXTS: Final = ("code", *_SCOPE, "reason")
_SAME: Final = ("event", "room", "part", "path", "old", "new")
"""Keys in which the two directions of one change are equal."""

_VALUES: Final = ("old", "new")
_PLACE: Final = ("event", "room", "path", *_VALUES)

_NAMED_BY_PATH: Final = ("FIELD_", "OPTIONAL_FIELD_", "DEPRECATED_", "EVENT_", "ROOM_", "AUTH_")
"""Beginnings of codes whose place alone says what was added or removed."""

_MEMBER: Final = re.compile(r'<(?!(?:json|key)>)(?:[^<>"]|"(?:[^"\\]|\\.)*")*>')
"""Member of a union in a path; older versions wrote none."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """One entry of `[[tool.bytesocket.diff.allow]]`.

    Attributes:
        code: Code of the findings to accept.
        reason: Reason to accept them, for later readers.
        event: Event's name as text; None matches any.
        room: Room's pattern; None matches any.
        part: Changed part, `payload` or `reply`; None matches any.
        path: Path in the payload, `$.text`; None matches any. Members of unions may be left out.
        direction: `c2s` or `s2c`; None matches both.
        old: Old value as the finding has it; None matches any.
        new: New value as the finding has it; None matches any.
        until: Last day that the entry is valid; None for no end.
    """

    code: str
    reason: str
    event: str | None = None
    room: str | None = None
    part: str | None = None
    path: str | None = None
    direction: str | None = None
    old: str | None = None
    new: str | None = None
    until: date | None = None

    @override
    def __str__(self) -> str:
        """Return the entry's conditions as readable text."""
        room = self.room and f"room {self.room}"
        values = [self.old and f"old={self.old}", self.new and f"new={self.new}"]
        parts = [self.code, self.event, room, self.part, self.path, self.direction, *values]
        return " ".join(part for part in parts if part)

    def has_expired(self, today: date) -> bool:
        """Return True if the entry's last day has passed."""
        return self.until is not None and today > self.until

    def matches(self, finding: Mapping[str, Any]) -> bool:
        """Return True if the entry accepts a finding, given as JSON values."""
        return finding["code"] == self.code and all(self._fits(key, finding[key]) for key in _SCOPE)

    def _fits(self, key: str, found: object) -> bool:
        wanted = getattr(self, key)
        if wanted is None:
            return True
        if found is None:
            return False
        return wanted == str(found) or (key == "path" and wanted == _MEMBER.sub("", str(found)))

    def missing(self, finding: Mapping[str, Any], *, others: bool = False) -> str:
        """Return what the entry has to say beside the rest to be for a change only.

        Args:
            finding: The change.
            others: True if the entry fits other changes of the same comparison.

        Returns:
            Keys as in the file: `old = "red"`; empty if nothing is missing.
        """
        is_told = self.code.startswith(_NAMED_BY_PATH) or (self.old, self.new) != (None, None)
        keys = _SAME if others else [key for key in _PLACE if not is_told or key not in _VALUES]
        lacking = [
            key
            for key in keys
            if finding[key] is not None and getattr(self, key) != str(finding[key])
        ]
        return ", ".join(f"{key} = {json.dumps(str(finding[key]))}" for key in lacking)


def parse(where: str, table: object) -> tuple[Allowance, ...]:
    """Read `[tool.bytesocket.diff]`.

    Args:
        where: The file's name, for messages.
        table: The setting's value.

    Raises:
        CliError: The value is no table, or an entry lacks its code or reason or has a wrong or
            unknown key.
    """
    fields = cast("Mapping[str, object]", table) if isinstance(table, dict) else {"?": table}
    entries = fields.get("allow", [])
    if fields.keys() - {"allow"} or not isinstance(entries, list):
        raise CliError(f"{where}: [tool.bytesocket.diff] holds [[tool.bytesocket.diff.allow]] only")
    return tuple(_allowance(where, entry) for entry in cast("list[object]", entries))


def identity(finding: Mapping[str, Any]) -> tuple[object, ...]:
    """Return what two findings have in common that are one change in both directions."""
    return (finding["code"], *(finding[key] for key in _SAME))


def check_codes(where: str, allowances: Sequence[Allowance], codes: Sequence[str]) -> None:
    """Check that all allowed codes exist.

    Raises:
        CliError: A code does not exist; the message suggests the nearest that does.
    """
    for allowance in allowances:
        if allowance.code not in codes:
            near = get_close_matches(allowance.code, codes, n=1)
            hint = f"; did you mean {near[0]}?" if near else "; bytesocket diff --codes lists them"
            raise CliError(f"{where}: diff.allow: there is no code {allowance.code!r}{hint}")


def _allowance(where: str, entry: object) -> Allowance:
    if not isinstance(entry, dict):
        raise CliError(f"{where}: diff.allow must be tables: [[tool.bytesocket.diff.allow]]")
    fields = cast("dict[str, Any]", entry)
    named = f"{where}: diff.allow {fields.get('code') or 'without a code'}"
    for key in ("code", "reason"):
        if not str(fields.get(key) or "").strip():
            raise CliError(f'{named}: it needs a {key}, as in {key} = "{_example(key)}"')
    for key, value in fields.items():
        if key in _TEXTS and not isinstance(value, str):
            raise CliError(f"{named}: {key} must be text in quotes, not {value!r}")
        if key not in {*_TEXTS, "until"}:
            raise CliError(f"{named}: unknown key {key!r}; there are {', '.join(_TEXTS)}, until")
    until = _day(named, fields["until"]) if "until" in fields else None
    scope = {key: fields[key] for key in _SCOPE if key in fields}
    return Allowance(fields["code"], fields["reason"], **scope, until=until)


def _day(named: str, value: object) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise CliError(f"{named}: until must be a day such as 2027-01-01, not {value!r}") from None


def _example(key: str) -> str:
    return {"code": "FIELD_REMOVED"}.get(key, "Nobody has sent it since May.")
