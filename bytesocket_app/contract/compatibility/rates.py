"""Changes of how often clients may send an event."""

from collections.abc import Iterator, Mapping
from typing import Any

from bytesocket_app.contract.compatibility.codes import Code
from bytesocket_app.contract.compatibility.findings import Finding, Place
from bytesocket_app.contract.compatibility.levels import Way
from bytesocket_app.declarations.rates import PER, Rate


def rate(old: Mapping[str, Any], new: Mapping[str, Any], place: Place) -> Iterator[Finding]:
    """Compare how often clients may send an event; one without a rate does not have the key."""
    before, after = old.get("rate"), new.get("rate")
    if before == after:
        return
    code = Code.RATE_LOOSENED if _allows(after, before) else Code.RATE_TIGHTENED
    yield Finding(code, Way.C2S, place, "", _rate_text(before), _rate_text(after))


def _allows(after: Mapping[str, Any] | None, before: Mapping[str, Any] | None) -> bool:
    """Return True if whoever keeps to the rate before also keeps to the one after."""
    if after is None or before is None:
        return after is None
    is_as_often = all(after[key] >= before[key] for key in ("per_second", "burst"))
    # A rate for a user is for all their sockets, and that for an address for all its users.
    return is_as_often and PER.index(after["per"]) <= PER.index(before["per"])


def _rate_text(rate: Mapping[str, Any] | None) -> str:
    if rate is None:
        return "any"
    return str(Rate(rate["per_second"], rate["burst"], rate["per"]))
