"""A verdict on two contracts: findings, what a project allows of them, as text and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeAlias

from bytesocket_cli import console
from bytesocket_cli.allowances import Allowance

Found: TypeAlias = Mapping[str, Any]
"""A finding as JSON values: `contract.compatibility.Finding.to_dict`."""

HEADINGS: Final[Mapping[str, tuple[str, str]]] = {
    "wire": ("deployed clients, or the server, fail at run time", "bold red"),
    "source": ("code may not compile when clients are generated again", "bold yellow"),
    "silent": ("accepted, but lost or of another meaning", "bold magenta"),
    "safe": ("nobody notices", "bold green"),
}
"""What a level means, and how it looks; worst first."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Findings, and what a project allows of them.

    Attributes:
        findings: Each with the entry that lets it pass.
        unused: Entries that let nothing pass.
        expired: Entries whose day has passed.
    """

    findings: Sequence[tuple[Found, Allowance | None]]
    unused: Sequence[Allowance]
    expired: Sequence[Allowance]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What there is to say about two contracts.

    Attributes:
        old: What OLD is called, and its fingerprint.
        new: What NEW is called, and its fingerprint.
        allowed: All findings, worst first, and what the project allows of them.
        fail_on: The levels that fail.
    """

    old: tuple[str, str]
    new: tuple[str, str]
    allowed: Allowed
    fail_on: frozenset[str]

    @property
    def counted(self) -> list[Found]:
        """The findings that nothing lets pass."""
        return [finding for finding, allowance in self.allowed.findings if allowance is None]

    @property
    def failed(self) -> bool:
        """Whether one of them has a level that fails."""
        return any(self.fail_on.intersection(finding["levels"]) for finding in self.counted)

    @property
    def worst(self) -> str:
        """The worst level among them; `safe` without any."""
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
    """Give each finding the entry that lets it pass; what is safe needs none."""
    expired = [one for one in allowances if one.has_expired(today)]
    valid = [one for one in allowances if one not in expired]
    paired = [(finding, _match(finding, valid)) for finding in findings]
    used = [allowance for _, allowance in paired]
    return Allowed(paired, [one for one in valid if one not in used], expired)


def show(verdict: Verdict) -> None:
    """Print a verdict for a person."""
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
    """Say where and what: `chat:post payload $.text FIELD_REMOVED c2s`."""
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
