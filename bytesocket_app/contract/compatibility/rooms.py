"""Changes of rooms: patterns, parameters, permission to join, and events."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bytesocket_app.contract.compatibility.codes import Code
from bytesocket_app.contract.compatibility.findings import Finding, Place, of_change
from bytesocket_app.contract.compatibility.forms import words
from bytesocket_app.contract.compatibility.levels import Way
from bytesocket_app.contract.compatibility.objects import constants, keys
from bytesocket_app.contract.compatibility.payloads import Documents, class_name, codes, unknown
from bytesocket_app.contract.compatibility.rates import rate
from bytesocket_app.contract.shape import compact
from bytesocket_app.rooms import RoomPattern

_KNOWN: Final = frozenset(
    {
        *("pattern", "params", "join", "client_events", "server_events", "refusals"),
        *("class_name", "presence"),
    }
)
_EVENT_KNOWN: Final = frozenset({"name", "reply", "refusals", "rate"})
_PARAM: Final[Mapping[str | None, Code]] = {
    "narrower": Code.ROOM_PARAM_NARROWED,
    "wider": Code.ROOM_PARAM_WIDENED,
    "other": Code.ROOM_PARAM_CHANGED,
}

_REFUSED: Final = frozenset({Code.ROOM_PARAM_NARROWED, Code.ROOM_PARAM_CHANGED})


def rooms(documents: Documents) -> Iterator[Finding]:
    """Compare the rooms of two documents; names of parameters do not appear on the wire."""
    before, after = _by_shape(documents.old), _by_shape(documents.new)
    for shape in sorted(before.keys() | after.keys()):
        old, new = before.get(shape), after.get(shape)
        if old is not None and new is not None:
            yield from _room(old, new, documents)
        elif old is not None:
            yield from _removed(old, [after[key] for key in sorted(after)], documents)
        elif new is not None:
            yield Finding(Code.ROOM_ADDED, None, Place(room=new["pattern"]))


def _removed(
    old: Mapping[str, Any], after: list[Mapping[str, Any]], documents: Documents
) -> Iterator[Finding]:
    """Report a removed room, which may be covered by a pattern whose parameters take any text."""
    place = Place(room=old["pattern"])
    for new in after:
        if not old["params"] and _takes(new, old["pattern"], documents):
            yield Finding(Code.ROOM_COVERED, None, place, "", old["pattern"], new["pattern"])
            yield from _inside(old, new, documents)
            return
    yield Finding(Code.ROOM_REMOVED, Way.C2S if old["join"] == "client" else Way.S2C, place)


def _takes(room: Mapping[str, Any], name: str, documents: Documents) -> bool:
    """Return True if a name is certainly that of a room of a pattern."""
    texts = RoomPattern(room["pattern"]).match(name)
    if texts is None:
        return False
    deeper = documents.comparison(Way.C2S).deeper
    return all(
        keys({"enum": [text]}, room["params"][parameter], deeper) in {None, "wider"}
        for parameter, text in texts.items()
    )


def _room(
    old: Mapping[str, Any], new: Mapping[str, Any], documents: Documents
) -> Iterator[Finding]:
    place = Place(room=new["pattern"])
    names = RoomPattern(old["pattern"]).parameters, RoomPattern(new["pattern"]).parameters
    deeper = documents.comparison(Way.C2S).deeper
    for name, name_now in zip(*names, strict=True):
        at = Place(room=new["pattern"], part=f"parameter {name_now}")
        if name != name_now:
            yield Finding(Code.ROOM_PARAM_RENAMED, None, at, "", name, name_now)
        kind, kind_now = old["params"][name], new["params"][name_now]
        said = words(kind), words(kind_now)
        code = _PARAM.get(keys(kind, kind_now, deeper))
        if code is not None:
            yield Finding(code, Way.C2S, at, "", *said)
        if code not in _REFUSED and deeper.retyped(kind, kind_now):
            yield Finding(Code.ROOM_PARAM_RETYPED, Way.C2S, at, "", *said)
        for change in deeper.gone(kind, "") if kind != kind_now else ():
            yield of_change(change, Way.C2S, at)
        for change in constants(kind, kind_now, "", deeper):
            yield of_change(change, Way.C2S, at)
    yield from _inside(old, new, documents)
    yield from class_name(old, new, place)
    yield from unknown(old, new, _KNOWN, place)


def _inside(
    old: Mapping[str, Any], new: Mapping[str, Any], documents: Documents
) -> Iterator[Finding]:
    """Compare the permission to join, the refusals and the events."""
    pattern = old["pattern"]
    if old["join"] != new["join"]:
        code = Code.ROOM_JOIN_OPENED if new["join"] == "client" else Code.ROOM_JOIN_CLOSED
        yield Finding(code, Way.C2S, Place(room=pattern))
    yield from codes(old, new, Place(room=pattern))
    yield from _presence(old.get("presence"), new.get("presence"), documents, pattern)
    before = {compact(event["name"]): event for event in old["client_events"]}
    after = {compact(event["name"]): event for event in new["client_events"]}
    yield from _names(before, after, Way.C2S, pattern)
    for name in sorted(before.keys() & after.keys()):
        place = Place(after[name]["name"], pattern)
        yield from documents.answer(before[name], after[name], place)
        yield from rate(before[name], after[name], place)
        yield from unknown(before[name], after[name], _EVENT_KNOWN, place)
    arriving = {compact(name): {"name": name} for name in old["server_events"]}
    arriving_now = {compact(name): {"name": name} for name in new["server_events"]}
    yield from _names(arriving, arriving_now, Way.S2C, pattern)


def _presence(
    old: Mapping[str, Any] | None,
    new: Mapping[str, Any] | None,
    documents: Documents,
    pattern: str,
) -> Iterator[Finding]:
    """Compare what members are told of each other, and what a client may change of that."""
    place = Place(room=pattern, part="presence")
    if old is None or new is None:
        if old is not new:
            code = Code.PRESENCE_ADDED if old is None else Code.PRESENCE_REMOVED
            yield Finding(code, Way.S2C, place)
        return
    if ("entry" in old) != ("entry" in new):
        yield Finding(Code.PRESENCE_REMOVED, Way.S2C, place)
        return
    if "entry" in old:
        yield from documents.payload(old["entry"], new["entry"], Way.S2C, place)
    before, after = set(old.get("clients", ())), set(new.get("clients", ()))
    for name in sorted(after - before):
        yield Finding(Code.PRESENCE_CHANGE_ALLOWED, Way.C2S, place, new=name)
    for name in sorted(before - after):
        yield Finding(Code.PRESENCE_CHANGE_REFUSED, Way.C2S, place, old=name)


def _names(
    before: Mapping[str, Mapping[str, Any]],
    after: Mapping[str, Mapping[str, Any]],
    way: Way,
    pattern: str,
) -> Iterator[Finding]:
    for name in sorted(before.keys() - after.keys()):
        yield Finding(Code.ROOM_EVENT_REMOVED, way, Place(before[name]["name"], pattern))
    for name in sorted(after.keys() - before.keys()):
        yield Finding(Code.ROOM_EVENT_ADDED, way, Place(after[name]["name"], pattern))


def _by_shape(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the rooms by their pattern without the parameters' names."""
    return {_shape(room["pattern"]): room for room in document["rooms"]}


def _shape(pattern: str) -> str:
    names = RoomPattern(pattern).parameters
    return pattern.format(**dict.fromkeys(names, "{}"))
