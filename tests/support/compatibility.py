"""Contracts of one event, to be compared: built by our builder from real types."""

from typing import Any, Literal

from bytesocket_app.contract import ContractSource, EventEntry, build
from bytesocket_app.contract.compatibility import Finding, compare

Side = Literal["c2s", "s2c"]


def contract(payload: Any, side: Side, **more: Any) -> dict[str, Any]:
    """The contract of an application whose one event has this payload."""
    direction: Literal["client", "server"] = "client" if side == "c2s" else "server"
    event = EventEntry("e", direction, payload, is_global=side == "c2s", **more)
    return build(ContractSource(title="App", events=(event,))).document


def found(old: Any, new: Any, side: Side) -> list[Finding]:
    """What is found when an event's payload changes from one type to another."""
    return compare(contract(old, side), contract(new, side))


def levels(findings: list[Finding]) -> dict[str, str]:
    """Findings as `{code: level}`."""
    return {finding.code.value: finding.level.value for finding in findings}
