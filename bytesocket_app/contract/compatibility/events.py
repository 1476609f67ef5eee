"""Changes of events.

An event of both directions is compared in both: data of old clients has to fit the new input, and
data of the new server has to fit the old output. This covers relays between old and new clients
too: the server validates relayed data and writes it again as its own output.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from bytesocket_app.contract.compatibility.codes import Code
from bytesocket_app.contract.compatibility.findings import Finding, Place
from bytesocket_app.contract.compatibility.forms import Types, reference
from bytesocket_app.contract.compatibility.levels import Way
from bytesocket_app.contract.compatibility.payloads import Documents, class_name, unknown
from bytesocket_app.contract.compatibility.rates import rate
from bytesocket_app.contract.shape import Schema, compact

_KNOWN: Final = frozenset(
    {
        *("name", "direction", "volatile", "doc", "input", "output", "global"),
        *("reply", "refusals", "rate", "class_name"),
    }
)
_PAYLOADS: Final = ((Way.C2S, "input"), (Way.S2C, "output"))


def events(documents: Documents) -> Iterator[Finding]:
    """Compare the events of two documents."""
    before, after = _by_name(documents.old), _by_name(documents.new)
    own, own_now = _owners(documents.old), _owners(documents.new)
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is not None and new is not None:
            yield from _event(old, new, documents)
            for owned, kept in ((own, own_now), (own_now, own)):
                if name in owned and name not in kept:
                    yield Finding(Code.EVENT_CLASS_CHANGED, None, Place(new["name"]))
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
    yield from _data(old["input"], new["input"], documents, place)
    for way, payload in _PAYLOADS:
        if old[payload] is not None and new[payload] is not None:
            at = Place(new["name"], part="payload")
            yield from documents.payload(old[payload], new[payload], way, at)
    yield from documents.answer(old, new, place)
    yield from rate(old, new, place)
    yield from class_name(old, new, place)
    yield from unknown(old, new, _KNOWN, place)


def _data(
    old: Schema | None, new: Schema | None, documents: Documents, place: Place
) -> Iterator[Finding]:
    """Report that a client's event has data where it had none: TypeScript's `emit` took none."""
    if old is None or new is None:
        return
    _, before = Types(documents.old["types"]).resolved(old)
    _, after = Types(documents.new["types"]).resolved(new)
    if _is_empty(before) and not _is_empty(after):
        yield Finding(Code.DATA_ADDED, Way.C2S, replace(place, part="payload"), "$")


def _is_empty(schema: Schema) -> bool:
    """Return True for an object without fields, and without other keys."""
    inside = ("properties", "patternProperties", "additionalProperties")
    is_said = "properties" in schema or schema.get("additionalProperties") is False
    return schema.get("type") == "object" and is_said and not any(schema.get(k) for k in inside)


def _owners(document: Mapping[str, Any]) -> set[str]:
    """Return the names of the events whose payload's class is the event's class in Python.

    It is if no other event has the same payload, or if the event chose that name.
    """
    users: dict[str, set[str]] = {}
    chosen = {
        (compact(one["name"]), one["class_name"])
        for one in document["events"]
        if one.get("class_name")
    }
    for event in document["events"]:
        for schema in (event["input"], event["output"]):
            ref = reference(schema or {})
            named = document["types"].get(ref, {})
            if ref is not None and schema.keys() == {"$ref"} and "properties" in named:
                users.setdefault(ref, set()).add(compact(event["name"]))
    return {
        name
        for ref, names in users.items()
        for name in names
        if len(names) == 1 or (name, ref) in chosen
    }


def _by_name(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the events by name; `7` and `"7"` are two names."""
    return {compact(event["name"]): event for event in document["events"]}


def _heir(old: Mapping[str, Any], added: list[Mapping[str, Any]]) -> str:
    """Return a hint to the new name of an event that may have been renamed, or ""."""
    same = [one for one in added if all(one[key] == old[key] for key in ("input", "output"))]
    return f"renamed to {compact(same[0]['name'])}?" if len(same) == 1 else ""
