"""Building of a contract from an application's declarations."""

import inspect
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, cast

from bytesocket_app.contract.document import FORMAT, Contract
from bytesocket_app.contract.shape import Schema
from bytesocket_app.contract.source import (
    NO_REPLY,
    ContractSource,
    EventEntry,
    MessageAuth,
    RoomEntry,
    RoomEventEntry,
)
from bytesocket_app.contract.types import Slot, TypeTable
from bytesocket_app.declarations.rates import Rate
from bytesocket_app.errors import AuthError, ContractError, Refusal, where
from bytesocket_app.events.refusal_data import data_annotation
from bytesocket_app.types import EventName


def build(source: ContractSource) -> Contract:
    """Return the contract of an application.

    The same declarations give the same bytes, independent of their order, the order of imports,
    the hash seed, and of a module's running as `__main__`.

    Raises:
        ContractError: A type cannot be written as JSON Schema, two types cannot be told apart by
            name, or an event, a room or a refusal's code is declared twice.
    """
    types = TypeTable()
    description = inspect.cleandoc(source.description)
    body = {
        **({"description": description} if description else {}),
        "format": FORMAT,
        "title": source.title,
        "version": source.version,
        "path": source.path,
        "serialization": source.serialization,
        "auth": _auth(source, types),
        "capabilities": ["answers_credentials"] if source.answers_credentials else [],
        "events": [_event(entry, types) for entry in _ordered_events(source.events)],
        "rooms": [_room(room, types) for room in _ordered_rooms(source.rooms)],
        "refusals": _refusals(source, types),
    }
    schemas, named = types.settle()
    return Contract.seal({**_filled(body, schemas), "types": named})


def _auth(source: ContractSource, types: TypeTable) -> dict[str, Any] | None:
    if source.auth is None:
        return None
    if isinstance(source.auth, MessageAuth):
        credentials = types.add(source.auth.credentials, "input", "credentials parameter of auth")
        return {"via": "message", "credentials": credentials}
    return {"via": source.auth}


def _event(entry: EventEntry, types: TypeTable) -> dict[str, Any]:
    what = f"payload of event {entry.name!r}"
    incoming = entry.direction != "server"
    outgoing = entry.direction != "client"
    return {
        **_rate(entry.rate),
        **_class_name(entry.class_name),
        "name": _plain_name(entry.name),
        "direction": entry.direction,
        "volatile": entry.volatile,
        "doc": entry.doc,
        "input": types.add(entry.payload, "input", what) if incoming else None,
        "output": types.add(entry.payload, "output", what) if outgoing else None,
        "global": incoming and entry.is_global,
        "reply": _reply(entry.reply, f"reply to event {entry.name!r}", types),
        "refusals": _codes(entry.raises),
    }


def _room(room: RoomEntry, types: TypeTable) -> dict[str, Any]:
    # The key is absent without refusals, as for most rooms.
    refusals = {"refusals": _codes(room.raises)} if room.raises else {}
    return {
        **refusals,
        **_class_name(room.class_name),
        **_presence(room, types),
        "pattern": room.pattern,
        "params": {
            name: types.add(kind, "input", f"parameter `{name}` of room {room.pattern!r}")
            for name, kind in sorted(room.params.items())
        },
        "join": room.join,
        "client_events": [
            {
                **_rate(entry.rate),
                "name": _plain_name(entry.name),
                "reply": _reply(
                    entry.reply, f"reply to event {entry.name!r} in room {room.pattern!r}", types
                ),
                "refusals": _codes(entry.raises),
            }
            for entry in sorted(room.client_events, key=lambda entry: _name_key(entry.name))
        ],
        "server_events": sorted({_plain_name(n) for n in room.server_events}, key=_name_key),
    }


def _presence(room: RoomEntry, types: TypeTable) -> dict[str, Any]:
    """Return the key of a room's presence; it is absent without one, as for most rooms."""
    presence = room.presence
    if presence is None:
        return {}
    if presence.entry is None:
        return {"presence": {"counts": True}}
    what = f"presence of room {room.pattern!r}"
    entry = types.add(presence.entry, "output", what)
    return {"presence": {"entry": entry, "clients": sorted(presence.clients)}}


def _reply(annotation: Any, what: str, types: TypeTable) -> Slot | None:
    if annotation is NO_REPLY or annotation is None or annotation is type(None):
        return None
    return types.add(annotation, "output", what)


def _rate(rate: Rate | None) -> dict[str, Any]:
    """Return the key of a rate; it is absent without one, as for most events."""
    if rate is None:
        return {}
    # Not whether it is shared: a client keeps to it by itself either way.
    return {"rate": {"per_second": float(rate.per_second), "burst": rate.burst, "per": rate.per}}


def _class_name(name: str | None) -> dict[str, Any]:
    """Return the key of a chosen class name; it is absent without one, as mostly."""
    return {} if name is None else {"class_name": name}


def _codes(raises: Iterable[type[Refusal]]) -> list[str]:
    return sorted({refusal.__refusal_code__ for refusal in raises})


def _refusals(source: ContractSource, types: TypeTable) -> dict[str, Any]:
    """Return the description of each declared refusal, by its code."""
    raisers: list[EventEntry | RoomEventEntry | RoomEntry] = [*source.events, *source.rooms]
    raisers += [entry for room in source.rooms for entry in room.client_events]
    known: dict[str, type[Refusal]] = {}
    for refusal in (refusal for entry in raisers for refusal in entry.raises):
        code = refusal.__refusal_code__
        other = known.setdefault(code, refusal)
        if other is not refusal and _meaning(other) != _meaning(refusal):
            places = " and ".join(sorted({where(other), where(refusal)}))
            raise ContractError(
                f"Two refusals have the code {code!r} ({places}): clients could not tell them "
                "apart. Give one another code=."
            )
    return {code: _refusal(code, known[code], types) for code in sorted(known)}


def _refusal(code: str, refusal: type[Refusal], types: TypeTable) -> dict[str, Any]:
    doc, data = _meaning(refusal)
    what = f"data of refusal {code!r}"
    return {"doc": doc, "data": None if data is None else types.add(data, "output", what)}


def _meaning(refusal: type[Refusal]) -> tuple[str, Any]:
    """Return a refusal's documentation, "" without one, and its annotation of `data`, or None."""
    own = refusal not in {Refusal, AuthError}
    doc = own and refusal.__doc__
    return (inspect.cleandoc(doc) if doc else "", data_annotation(refusal))


def _ordered_events(events: Collection[EventEntry]) -> list[EventEntry]:
    ordered = {_name_key(entry.name): entry for entry in events}
    twice = Counter(_name_key(entry.name) for entry in events)
    for key, count in twice.items():
        if count > 1:
            raise ContractError(f"Event {ordered[key].name!r} is declared twice. Declare it once.")
    return [ordered[key] for key in sorted(ordered)]


def _ordered_rooms(rooms: Collection[RoomEntry]) -> list[RoomEntry]:
    for pattern, count in Counter(room.pattern for room in rooms).items():
        if count > 1:
            raise ContractError(f"Room {pattern!r} is declared twice. Declare it once.")
    return sorted(rooms, key=lambda room: room.pattern)


def _name_key(name: EventName) -> tuple[str, bool]:
    return str(_plain_name(name)), isinstance(name, str)


def _plain_name(name: EventName) -> EventName:
    """Return the name as JSON writes it: `7.0` and `7` are one number on the wire."""
    return int(name) if isinstance(name, float) and name.is_integer() else name


def _filled(value: object, schemas: Sequence[Schema]) -> Any:
    """Return a copy of a document with every slot replaced by its schema."""
    if isinstance(value, Slot):
        return schemas[value.index]
    if isinstance(value, dict):
        items = cast("Mapping[str, object]", value).items()
        return {key: _filled(inner, schemas) for key, inner in items}
    if isinstance(value, list):
        return [_filled(inner, schemas) for inner in cast("list[object]", value)]
    return value
