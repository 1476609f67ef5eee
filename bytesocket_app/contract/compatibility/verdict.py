"""Two documents to a verdict."""

from collections.abc import Iterable, Mapping
from typing import Any

from bytesocket_app.contract.compatibility.application import application
from bytesocket_app.contract.compatibility.codes import Code
from bytesocket_app.contract.compatibility.events import events
from bytesocket_app.contract.compatibility.findings import Finding
from bytesocket_app.contract.compatibility.payloads import Documents
from bytesocket_app.contract.compatibility.rooms import rooms


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
