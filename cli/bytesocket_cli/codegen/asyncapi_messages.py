"""AsyncAPI descriptions of the messages on the wire: envelopes around the contract's payloads.

The shapes are those of the protocol: `{event, data}`, `{room, event, data}`, and numbered messages
of the protocol itself. The numbers are repeated here on purpose: the protocol fixes them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from bytesocket_cli.codegen.asyncapi_schemas import SCHEMAS, Made

AUTH, AUTH_SUCCESS, AUTH_ERROR = 4, 5, 6
ERROR, REPLY, REFUSED = 3, 32, 33
JOIN_ROOM, LEAVE_ROOM, JOIN_ROOMS, LEAVE_ROOMS = 9, 12, 15, 18
PRESENCE = 36

STRING: Final[Made] = {"type": "string"}
ERROR_CONTEXT: Final = f"{SCHEMAS}protocol-ErrorContext"
_CORRELATION: Final[Made] = {"location": "$message.payload#/id"}
_ID: Final[Made] = {"$ref": f"{SCHEMAS}protocol-RequestId"}
_EVENT_NAME: Final[Made] = {"type": ["string", "number"]}


def protocol_schemas() -> Made:
    """Write the schemas that every document has: request ids and refusals."""
    detail = {
        "loc": {"type": "array", "items": {"type": ["string", "integer"]}},
        "msg": STRING,
        "type": STRING,
    }
    return {
        "protocol-RequestId": {
            "type": ["string", "integer"],
            "description": "Chosen by the client; the answer repeats it.",
        },
        "protocol-Refusal": refusal_schema(
            None,
            "A refusal that is not declared for this event: `validation`, `unknown_event`, "
            "`unknown_room`, `not_a_member`, `rate_limited`, `timeout`, `internal` and the like.",
            data=True,
        ),
        "protocol-ValidationDetail": _object(detail, required=detail),
        "protocol-ErrorContext": error_context([]),
    }


def refusal_schema(code: str | None, doc: str, *, data: Any) -> Made:
    """Write the schema of a refusal.

    Args:
        code: The refusal's code; None for any.
        doc: Description; may be empty.
        data: The schema of the refusal's data; `True` if it is unknown.
    """
    properties = {
        "code": STRING if code is None else {"const": code},
        "message": {**STRING, "description": "One sentence for a person."},
        "data": data,
    }
    made = _object(properties, required=("code", "message"))
    return {**made, "description": doc} if doc else made


def error_context(refusals: Sequence[str]) -> Made:
    """Write the schema of an error: the refusal, and the place where it occurred.

    Args:
        refusals: Keys of the declared refusals' schemas, listed before the general one.
    """
    known = [{"$ref": SCHEMAS + key} for key in (*refusals, "protocol-Refusal")]
    properties = {
        "phase": {**STRING, "description": "Where: `validation`, `middleware`, `handler`, ..."},
        "error": known[0] if len(known) == 1 else {"anyOf": known},
        "event": _EVENT_NAME,
        "room": STRING,
        "code": {"type": "integer", "description": "The close code that follows, after `auth`."},
        "details": {
            "type": "array",
            "items": {"$ref": f"{SCHEMAS}protocol-ValidationDetail"},
            "description": "What is wrong with the payload, in phase `validation`.",
        },
    }
    return _object(properties, required=("phase", "error"))


def event_message(
    name: str | float, data: Any, *, in_room: bool, has_id: bool, may_lack_data: bool, doc: str
) -> Made:
    """Write the message of an event.

    Args:
        name: The event's name.
        data: The schema of its payload.
        in_room: True for an event sent into one or more rooms.
        has_id: True for an event that clients send, with an optional id for an answer.
        may_lack_data: True if `data` may be left out, because it is empty.
        doc: The event's documentation.
    """
    properties: Made = {"room": STRING, "rooms": _array(STRING)} if in_room else {}
    properties |= {"event": {"const": name}, "data": data}
    if has_id:
        properties["id"] = _ID
    made = _object(properties, required=("event",) if may_lack_data else ("event", "data"))
    if in_room:
        made["oneOf"] = [{"required": ["room"]}, {"required": ["rooms"]}]
    return _message(str(name), made, doc=doc, correlates=has_id)


def reply_message(name: str | float, data: Any) -> Made:
    """Write the message that answers an event sent with an `id`."""
    payload = _numbered(REPLY, {"id": _ID, "data": data})
    return _message(f"reply to {name}", payload, correlates=True)


def refused_message(name: str | float, refusals: Sequence[str]) -> Made:
    """Write the message that refuses an event sent with an `id`.

    Args:
        name: The event's name.
        refusals: Keys of the refusals that are declared for it.
    """
    data = error_context(refusals) if refusals else {"$ref": ERROR_CONTEXT}
    payload = _numbered(REFUSED, {"id": _ID, "data": data})
    return _message(f"refusal of {name}", payload, correlates=True)


def guarded_message(refusals: Sequence[str]) -> Made:
    """Write the message that refuses a join of a room whose guard declares refusals.

    Args:
        refusals: Keys of the guard's refusals.
    """
    target = {"room": STRING, "data": error_context(refusals)}
    return _message("join room error", _numbered(JOIN_ROOM + 2, target))


def presence_message(entry: Any) -> Made:
    """Write the message that tells a member who is in a room, and how that changes.

    Args:
        entry: The schema of an entry; None where users are only counted.
    """
    key: Made = {"type": ["string", "integer"]}
    if entry is None:
        kinds: Made = {"count": {"type": "integer"}}
    else:
        pair = {"type": "array", "prefixItems": [key, _array(entry)]}
        kinds = {name: _array(pair) for name in ("users", "enter", "change")}
        kinds["exit"] = _array(key)
    data = {"type": "object", "properties": kinds, "minProperties": 1, "maxProperties": 1}
    return _message(
        "presence",
        _numbered(PRESENCE, {"room": STRING, "data": data}),
        doc='Sent to members who asked, by `"presence": true` in their request to join.',
    )


def entry_message(entry: Any, names: Iterable[str]) -> Made:
    """Write the message by which a client changes its own entry.

    Args:
        entry: The schema of an entry.
        names: The fields that a client may change.
    """
    data: Made = {
        "type": "object",
        "propertyNames": {"enum": list(names)},
        "description": f"Fields of an entry, {entry.get('$ref', 'as its schema says')}.",
    }
    return _message("change of an entry", _numbered(PRESENCE, {"room": STRING, "data": data}))


def protocol_messages(credentials: Any) -> dict[str, Made]:
    """Write the protocol's own messages, by the last part of their keys.

    Args:
        credentials: The schema of the credentials; None without authentication by message.
    """
    context = {"$ref": ERROR_CONTEXT}
    made = {
        "error": _message(
            "error",
            _numbered(ERROR, {"data": context}),
            doc="A message without an `id` was refused.",
        )
    }
    if credentials is not None:
        made["auth"] = _message("auth", _numbered(AUTH, {"data": credentials}))
        made["auth_success"] = _message("auth success", _numbered(AUTH_SUCCESS, {}))
        made["auth_error"] = _message(
            "auth error",
            _numbered(AUTH_ERROR, {"data": context}),
            doc="The connection is closed next, with 4003 or 4008.",
        )
    for verb, number, field in (
        ("join_room", JOIN_ROOM, "room"),
        ("leave_room", LEAVE_ROOM, "room"),
        ("join_rooms", JOIN_ROOMS, "rooms"),
        ("leave_rooms", LEAVE_ROOMS, "rooms"),
    ):
        target: Made = {field: STRING if field == "room" else _array(STRING)}
        shown = verb.replace("_", " ")
        made[verb] = _message(shown, _numbered(number, target))
        made[f"{verb}_success"] = _message(f"{shown} success", _numbered(number + 1, target))
        refused = _numbered(number + 2, {**target, "data": context})
        made[f"{verb}_error"] = _message(f"{shown} error", refused)
    return made


def _message(name: str, payload: Made, *, doc: str = "", correlates: bool = False) -> Made:
    made: Made = {"name": name, "title": name, "payload": payload}
    if doc:
        made["description"] = doc
    if correlates:
        made["correlationId"] = dict(_CORRELATION)
    return made


def _numbered(number: int, properties: Mapping[str, Any]) -> Made:
    return _object({"type": {"const": number}, **properties}, required=("type", *properties))


def _object(properties: Mapping[str, Any], *, required: Iterable[str]) -> Made:
    return {"type": "object", "properties": dict(properties), "required": list(required)}


def _array(items: Made) -> Made:
    return {"type": "array", "items": items}
