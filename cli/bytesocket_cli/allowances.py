"""Allowances: findings that a project lets `diff` accept, each with its reason.

::

    [[tool.bytesocket.diff.allow]]
    code = "FIELD_REMOVED"           # as `bytesocket diff --codes` lists them
    event = "chat:post"              # optional, like room and path
    reason = "Nobody sends it: see the access log of June."
    until = 2027-01-01               # optional; the last day that it counts
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any, cast

from typing_extensions import override

from bytesocket_cli.errors import CliError

_TEXTS = ("code", "event", "room", "path", "reason")


@dataclass(frozen=True, slots=True)
class Allowance:
    """One entry of `[[tool.bytesocket.diff.allow]]`.

    Attributes:
        code: Code of the findings to accept.
        reason: Reason to accept them, for later readers.
        event: Event's name as text; None matches any.
        room: Room's pattern; None matches any.
        path: Path in the payload, `$.text`; None matches any.
        until: Last day that the entry is valid; None for no end.
    """

    code: str
    reason: str
    event: str | None = None
    room: str | None = None
    path: str | None = None
    until: date | None = None

    @override
    def __str__(self) -> str:
        """Return the entry's conditions as readable text."""
        parts = [self.code, self.event, self.room and f"room {self.room}", self.path]
        return " ".join(part for part in parts if part)

    def has_expired(self, today: date) -> bool:
        """Return True if the entry's last day has passed."""
        return self.until is not None and today > self.until

    def matches(self, finding: Mapping[str, Any]) -> bool:
        """Return True if the entry accepts a finding, given as JSON values."""
        wanted = {"event": self.event, "room": self.room, "path": self.path}
        return finding["code"] == self.code and all(
            value is None or (finding[key] is not None and str(finding[key]) == value)
            for key, value in wanted.items()
        )


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
    scope = {key: fields[key] for key in ("event", "room", "path") if key in fields}
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
