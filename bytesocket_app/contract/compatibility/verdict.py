"""Comparison of two documents."""

from collections.abc import Iterable, Mapping
from typing import Any

from bytesocket_app.contract.compatibility.application import application
from bytesocket_app.contract.compatibility.codes import Code
from bytesocket_app.contract.compatibility.events import events
from bytesocket_app.contract.compatibility.findings import Finding
from bytesocket_app.contract.compatibility.payloads import Documents
from bytesocket_app.contract.compatibility.rooms import rooms


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Finding]:
    """Return all changes that clients of the old contract, or their authors, could notice.

    Args:
        old: The document from which deployed clients were generated.
        new: The document of the server to be deployed.

    Returns:
        Findings, worst first, in a stable order. Changes of documentation are not reported.
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
    """Leave out repeated findings; a renamed type is reported once, not at each use."""
    renamed: set[tuple[str, str]] = set()
    for finding in dict.fromkeys(findings):
        if finding.code is Code.TYPE_RENAMED:
            pair = finding.old, finding.new
            if pair in renamed:
                continue
            renamed.add(pair)
        yield finding
