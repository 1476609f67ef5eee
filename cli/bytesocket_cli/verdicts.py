"""Verdict on two contracts: findings, and allowances for them, as text and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeAlias

from bytesocket_cli import console
from bytesocket_cli.allowances import Allowance

Found: TypeAlias = Mapping[str, Any]
"""Finding as JSON values: `contract.compatibility.Finding.to_dict`."""

HEADINGS: Final[Mapping[str, tuple[str, str]]] = {
    "wire": ("deployed clients, or the server, fail at run time", "bold red"),
    "source": ("code may not compile when clients are generated again", "bold yellow"),
    "silent": ("accepted, but lost or of another meaning", "bold magenta"),
    "safe": ("nobody notices", "bold green"),
}
"""Meaning and terminal style of each level, worst first."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Findings, and the project's allowances for them.

    Attributes:
        findings: Each finding with the entry that allows it, or None.
        unused: Entries that allow no finding.
        expired: Entries whose last day has passed.
    """

    findings: Sequence[tuple[Found, Allowance | None]]
    unused: Sequence[Allowance]
    expired: Sequence[Allowance]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Result of comparing two contracts.

    Attributes:
        old: Name and fingerprint of OLD.
        new: Name and fingerprint of NEW.
        allowed: All findings, worst first, and the project's allowances for them.
        fail_on: The levels that fail.
    """

    old: tuple[str, str]
    new: tuple[str, str]
    allowed: Allowed
    fail_on: frozenset[str]

    @property
    def counted(self) -> list[Found]:
        """Findings that no entry allows."""
        return [finding for finding, allowance in self.allowed.findings if allowance is None]

    @property
    def failed(self) -> bool:
        """True if a finding that no entry allows has a level that fails."""
        return any(self.fail_on.intersection(finding["levels"]) for finding in self.counted)

    @property
    def worst(self) -> str:
        """Worst level of the findings that no entry allows; `safe` if there are none."""
        levels = {finding["level"] for finding in self.counted}
        return next((level for level in HEADINGS if level in levels), "safe")

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON values, with stable keys."""
        return {
            "old": dict(zip(("place", "fingerprint"), self.old, strict=True)),
            "new": dict(zip(("place", "fingerprint"), self.new, strict=True)),
            "verdict": self.worst,
            "fail_on": sorted(self.fail_on),
            "failed": self.failed,
            "findings": [
                {**finding, "allowed": allowance.reason if allowance else None}
                for finding, allowance in self.allowed.findings
            ],
            "allowances": {
                "unused": [str(allowance) for allowance in self.allowed.unused],
                "expired": [str(allowance) for allowance in self.allowed.expired],
            },
        }


def allow(findings: Sequence[Found], allowances: Sequence[Allowance], today: date) -> Allowed:
    """Pair each finding with the first valid entry that allows it; safe findings get none."""
    expired = [one for one in allowances if one.has_expired(today)]
    valid = [one for one in allowances if one not in expired]
    paired = [(finding, _match(finding, valid)) for finding in findings]
    used = [allowance for _, allowance in paired]
    return Allowed(paired, [one for one in valid if one not in used], expired)


def show(verdict: Verdict) -> None:
    """Print a verdict as text."""
    (old, mark), (new, mark_now) = verdict.old, verdict.new
    console.say(f"{old} {mark[:8]} -> {new} {mark_now[:8]}")
    for level, (meaning, style) in HEADINGS.items():
        found = [finding for finding in verdict.counted if finding["level"] == level]
        if found:
            console.say()
            console.say(f"{level}: {meaning}", style=style)
        for finding in found:
            for line in _lines(finding):
                console.say(line)
    passed = [(finding, allowance) for finding, allowance in verdict.allowed.findings if allowance]
    if passed:
        console.say()
        console.say("allowed by pyproject.toml", style="bold")
    for finding, allowance in passed:
        until = f" (until {allowance.until})" if allowance.until else ""
        console.say(f"  {_head(finding)}: {allowance.reason}{until}")
    console.say()
    console.say(_conclusion(verdict), style="bold red" if verdict.failed else "bold green")


def _match(finding: Found, allowances: Sequence[Allowance]) -> Allowance | None:
    if finding["level"] == "safe":
        return None
    return next((one for one in allowances if one.matches(finding)), None)


def _lines(finding: Found) -> Iterator[str]:
    also = ", ".join(finding["levels"][1:])
    yield f"  {_head(finding)}{f', also {also}' if also else ''}"
    yield f"    {finding['message']}"
    if finding["advice"]:
        yield f"    -> {finding['advice']}"


def _head(finding: Found) -> str:
    """Return a finding's place and code: `chat:post payload $.text: FIELD_REMOVED c2s`."""
    room = finding["room"] and f"room {finding['room']}"
    places = [finding["event"], room, finding["part"], finding["path"]]
    place = " ".join(str(part) for part in places if part is not None) or "application"
    return " ".join(filter(None, (f"{place}:", finding["code"], finding["direction"])))


def _conclusion(verdict: Verdict) -> str:
    if verdict.old[1] == verdict.new[1]:
        return "the same contract"
    counts = {
        level: sum(level == finding["level"] for finding in verdict.counted) for level in HEADINGS
    }
    told = ", ".join(f"{count} {level}" for level, count in counts.items() if count)
    end = "breaking" if verdict.failed else "not breaking"
    nothing = "all of it is allowed" if verdict.allowed.findings else "documentation only"
    return f"{end}: {told or nothing}"
