"""Two documents to a verdict."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from bytesocket_app.contract.compatibility.application import application
from bytesocket_app.contract.compatibility.codes import Code
from bytesocket_app.contract.compatibility.events import events
from bytesocket_app.contract.compatibility.findings import Finding
from bytesocket_app.contract.compatibility.levels import Level
from bytesocket_app.contract.compatibility.payloads import Documents
from bytesocket_app.contract.compatibility.rooms import rooms

_NAMED: Final = 3
"""Findings that a summary names."""


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Finding]:
    """Find everything that clients of the old contract, or their authors, could notice of the new.

    Args:
        old: The document that deployed clients were generated from.
        new: The document of the server that is to be deployed.

    Returns:
        Findings, worst first, in a stable order. Documentation leaves none.
    """
    documents = Documents(old, new)
    found = [
        *application(documents),
        *events(documents),
        *rooms(documents),
        *documents.refusals(),
    ]
    return sorted(_once(found), key=Finding.order)


def worst(findings: Iterable[Finding]) -> Level:
    """Return the worst level among findings; `SAFE` where there are none."""
    return min((one.level for one in findings), key=lambda level: level.rank, default=Level.SAFE)


def summary(old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    """Say in one line how a contract changed; None if it did not.

    Returns:
        For example `contract 1a2b3c4d -> 5e6f7a8b: 1 wire (chat:post FIELD_REQUIRED $.text),
        2 safe`.
    """
    if old["fingerprint"] == new["fingerprint"]:
        return None
    found = compare(old, new)
    parts = [_counted(level, [one for one in found if one.level is level]) for level in Level]
    told = ", ".join(part for part in parts if part) or "documentation only"
    return f"contract {old['fingerprint'][:8]} -> {new['fingerprint'][:8]}: {told}"


def _counted(level: Level, findings: list[Finding]) -> str:
    if not findings:
        return ""
    texts = list(dict.fromkeys(_brief(one) for one in findings))
    more = f", {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
    return f"{len(findings)} {level} ({', '.join(texts[:_NAMED])}{more})"


def _brief(finding: Finding) -> str:
    return " ".join(filter(None, (str(finding.place), finding.path, finding.code)))


def _once(findings: Iterable[Finding]) -> Iterable[Finding]:
    """Leave out repetitions: a type that got another name did so wherever it is used."""
    renamed: set[tuple[str, str]] = set()
    for finding in dict.fromkeys(findings):
        if finding.code is Code.TYPE_RENAMED:
            pair = finding.old, finding.new
            if pair in renamed:
                continue
            renamed.add(pair)
        yield finding
