"""Rates of a contract: those that a client keeps to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bytesocket_cli.codegen.schema import Document


@dataclass(frozen=True, slots=True)
class ContractRate:
    """Rate of an event, outside rooms or in the rooms of a pattern.

    Attributes:
        room: The pattern; None outside rooms.
        event: The event's name.
        per_second: Messages in a second, on average.
        burst: Messages at once.
        per: Those who have that rate each.
    """

    room: str | None
    event: str | float
    per_second: float
    burst: int
    per: str


def declared_rates(document: Document) -> list[ContractRate]:
    """List the rates of what a client can send; most contracts have none."""
    found = [_rate(None, event) for event in document["events"] if "rate" in event]
    for room in document["rooms"]:
        if room["join"] == "client":
            entries = room["client_events"]
            found += [_rate(room["pattern"], entry) for entry in entries if "rate" in entry]
    return found


def _rate(room: str | None, entry: Mapping[str, Any]) -> ContractRate:
    rate = entry["rate"]
    return ContractRate(room, entry["name"], rate["per_second"], rate["burst"], rate["per"])
