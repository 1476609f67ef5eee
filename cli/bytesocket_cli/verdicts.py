"""Verdict on two contracts: findings, and allowances for them, as text and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeAlias

from bytesocket_cli import console
from bytesocket_cli.allowances import Allowance, identity

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
        ambiguous: Entries that fit several changes, and so allow none; with those changes.
        loose: Entries that would allow another change as well, with the one that they allow.
    """

    findings: Sequence[tuple[Found, Allowance | None]]
    unused: Sequence[Allowance]
    expired: Sequence[Allowance]
    ambiguous: Sequence[tuple[Allowance, Sequence[Found]]] = ()
    loose: Sequence[tuple[Allowance, Found]] = ()


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
                "ambiguous": [str(allowance) for allowance, _ in self.allowed.ambiguous],
                "loose": [str(allowance) for allowance, _ in self.allowed.loose],
            },
        }


def allow(findings: Sequence[Found], allowances: Sequence[Allowance], today: date) -> Allowed:
    """Pair each finding with the first valid entry that allows it; safe findings get none."""
    expired = [one for one in allowances if one.has_expired(today)]
    valid = [one for one in allowances if one not in expired]
    fits = [(one, [each for each in findings if _is_for(one, each)]) for one in valid]
    ambiguous = [(one, found) for one, found in fits if len({*map(identity, found)}) > 1]
    single = [(one, found) for one, found in fits if (one, found) not in ambiguous]
    loose = [(one, found[0]) for one, found in single if found and one.missing(found[0])]
    paired = [(finding, _match(finding, [one for one, _ in single])) for finding in findings]
    used = [allowance for _, allowance in paired]
    unused = [one for one, _ in single if one not in used]
    return Allowed(paired, unused, expired, ambiguous, loose)


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


def _is_for(allowance: Allowance, finding: Found) -> bool:
    return finding["level"] != "safe" and allowance.matches(finding)


def _match(finding: Found, allowances: Sequence[Allowance]) -> Allowance | None:
    return next((one for one in allowances if _is_for(one, finding)), None)


def _lines(finding: Found) -> Iterator[str]:
    also = ", ".join(finding["levels"][1:])
    yield f"  {_head(finding)}{f', also {also}' if also else ''}"
    yield f"    {finding['message']}"
    if finding["source"]:
        yield f"    at {finding['source']}"
    if finding["advice"]:
        yield f"    -> {finding['advice']}"


def _head(finding: Found) -> str:
    """Return a finding's place and code: `chat:post payload $.text: FIELD_REMOVED c2s`."""
    room = finding["room"] and f"room {finding['room']}"
    places = [finding["event"], room, finding["part"], finding["path"]]
    place = " ".join(str(part) for part in places if part is not None) or "application"
    return " ".join(filter(None, (f"{place}:", finding["code"], finding["direction"])))


def _conclusion(verdict: Verdict) -> str:
    if verdict.old[1] == verdict.new[1] and not verdict.allowed.findings:
        return "the same contract"
    counts = {
        level: sum(level == finding["level"] for finding in verdict.counted) for level in HEADINGS
    }
    told = ", ".join(f"{count} {level}" for level, count in counts.items() if count)
    end = "breaking" if verdict.failed else "not breaking"
    nothing = "all of it is allowed" if verdict.allowed.findings else "documentation only"
    return f"{end}: {told or nothing}"
