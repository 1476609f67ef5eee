"""Changes of events.

An event of both directions is compared in both: data of old clients has to fit the new input, and
data of the new server has to fit the old output. This covers relays between old and new clients
too: the server validates relayed data and writes it again as its own output.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bytesocket_app.contract.compatibility.codes import Code
from bytesocket_app.contract.compatibility.findings import Finding, Place
from bytesocket_app.contract.compatibility.forms import Types
from bytesocket_app.contract.compatibility.levels import Way
from bytesocket_app.contract.compatibility.payloads import Documents, unknown
from bytesocket_app.contract.compatibility.rates import rate
from bytesocket_app.contract.shape import compact

_KNOWN: Final = frozenset(
    {
        *("name", "direction", "volatile", "doc", "input", "output", "global"),
        *("reply", "refusals", "rate"),
    }
)
_PAYLOADS: Final = ((Way.C2S, "input"), (Way.S2C, "output"))


def events(documents: Documents) -> Iterator[Finding]:
    """Compare the events of two documents."""
    before, after = _by_name(documents.old), _by_name(documents.new)
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is not None and new is not None:
            yield from _event(old, new, documents)
        elif old is not None:
            added = [after[name] for name in after.keys() - before.keys()]
            yield from _removed(old, added, Types(documents.old["types"]))
        elif new is not None:
            way = Way.S2C if new["input"] is None else Way.C2S
            yield Finding(Code.EVENT_ADDED, way, Place(new["name"]))


def _removed(
    old: Mapping[str, Any], added: list[Mapping[str, Any]], types: Types
) -> Iterator[Finding]:
    for way, payload in _PAYLOADS:
        if old[payload] is not None:
            _, schema = types.resolved(old[payload])
            marked = Code.DEPRECATED_EVENT_REMOVED
            code = marked if schema.get("deprecated") else Code.EVENT_REMOVED
            yield Finding(code, way, Place(old["name"]), new=_heir(old, added))


def _event(
    old: Mapping[str, Any], new: Mapping[str, Any], documents: Documents
) -> Iterator[Finding]:
    place = Place(new["name"])
    if old["direction"] != new["direction"]:
        code = Code.DIRECTION_WIDENED if new["direction"] == "both" else Code.DIRECTION_CHANGED
        yield Finding(code, None, place, "", old["direction"], new["direction"])
    if old["volatile"] != new["volatile"]:
        words = {True: "volatile", False: "kept"}
        yield Finding(
            Code.VOLATILE_CHANGED, None, place, "", words[old["volatile"]], words[new["volatile"]]
        )
    if old["input"] is not None and new["input"] is not None and old["global"] != new["global"]:
        code = Code.EVENT_OUTSIDE_ROOMS if new["global"] else Code.EVENT_ONLY_IN_ROOMS
        yield Finding(code, Way.C2S, place)
    for way, payload in _PAYLOADS:
        if old[payload] is not None and new[payload] is not None:
            at = Place(new["name"], part="payload")
            yield from documents.payload(old[payload], new[payload], way, at)
    yield from documents.answer(old, new, place)
    yield from rate(old, new, place)
    yield from unknown(old, new, _KNOWN, place)


def _by_name(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the events by name; `7` and `"7"` are two names."""
    return {compact(event["name"]): event for event in document["events"]}


def _heir(old: Mapping[str, Any], added: list[Mapping[str, Any]]) -> str:
    """Return a hint to the new name of an event that may have been renamed, or ""."""
    same = [one for one in added if all(one[key] == old[key] for key in ("input", "output"))]
    return f"renamed to {compact(same[0]['name'])}?" if len(same) == 1 else ""
