"""AsyncAPI 3.0 document of a contract, for tools that read that format.

The described application is the server: it receives what clients send. There is one WebSocket, the
channel `socket`; rooms are channels within it, distinguished by the messages' `room`.

Source: https://www.asyncapi.com/docs/reference/specification/v3.0.0 and the WebSockets binding
0.1.0; the messages are protocol.md sections 2 to 5.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from bytesocket_cli.codegen import asyncapi_messages as messages
from bytesocket_cli.codegen.asyncapi_schemas import Made, SchemaWriter, safe_keys
from bytesocket_cli.codegen.schema import Document, Schema, is_empty_object, resolved

VERSION: Final = "3.0.0"
BINDING_VERSION: Final = "0.1.0"
_SOCKET: Final = "socket"
_MEDIA: Final = {"json": "application/json", "binary": "application/msgpack"}
_MESSAGES: Final = "#/components/messages/"

_ABOUT: Final = (
    "All messages travel over one WebSocket, in both directions: JSON in text frames, MessagePack "
    "in binary frames. Clients may use either at any time, and ask with the subprotocol "
    "`bytesocket.json` or `bytesocket.binary` for what the server sends. An empty binary frame is "
    "a ping, and its answer. An event that a client sends with an `id` is answered: with its "
    "reply, or with `null` where it has none, or with a refusal. Without an `id` only a refusal "
    "is answered, by an error."
)
_ROOM: Final = (
    "A room within the connection of the channel `socket`. Its name stands in `room`, or among "
    "several in `rooms`, of each message. The server may send any of its events into it."
)
_LOGIN: Final = "The first message on the connection carries the credentials (type 4)."
_PROTOCOL: Final[Made] = {
    "name": "protocol",
    "description": "What the protocol itself asks and answers.",
}
_HANDSHAKE: Final = (
    "Decided from headers, cookies and query of the handshake, before it is accepted: with 401 or "
    "403 it is not."
)


def asyncapi(document: Document) -> str:
    """Write the AsyncAPI document as JSON, which is valid YAML too.

    Args:
        document: A contract document, format 1.

    Returns:
        The text of one file.
    """
    return json.dumps(_Writer(document).document(), indent=2, ensure_ascii=False) + "\n"


class _Writer:
    """Writer of the channels, operations and messages of one contract."""

    def __init__(self, document: Document) -> None:
        self._document = document
        types: Mapping[str, Schema] = document["types"]
        self._types = safe_keys(types)
        self._events = {event["name"]: event for event in document["events"]}
        self._event_keys = safe_keys(self._events)
        self._room_keys = safe_keys(room["pattern"] for room in document["rooms"])
        self._refusals = safe_keys(document["refusals"])
        self._schemas = SchemaWriter(types, self._types)
        self._messages: dict[str, Made] = {}
        self._channels: dict[str, Made] = {}
        self._operations: dict[str, Made] = {}

    def document(self) -> Made:
        """Return the whole document."""
        contract = self._document
        auth: Mapping[str, Any] | None = contract["auth"]
        credentials = None
        if auth is not None and auth["via"] == "message":
            credentials = self._schemas.schema(auth["credentials"])
        # Events first, as readers come for them.
        self._add_socket()
        for room in contract["rooms"]:
            self._add_room(room)
        self._add_protocol(by_message=credentials is not None)
        for room in contract["rooms"]:
            self._add_membership(room)
        for name, message in messages.protocol_messages(credentials).items():
            self._messages[f"protocol-{name}"] = message
        return {
            "asyncapi": VERSION,
            "info": {
                "title": contract["title"],
                "version": contract["version"],
                "description": _described(contract, _ABOUT),
                "tags": self._all_tags(),
                "x-contract": contract["fingerprint"],
            },
            "defaultContentType": _MEDIA[contract["serialization"]],
            "servers": {name: _server(name, secured=auth is not None) for name in ("ws", "wss")},
            "channels": self._channels,
            "operations": self._operations,
            "components": self._components(_security(auth, credentials)),
        }

    def _components(self, security: Made) -> Made:
        named = {self._types[name]: schema for name, schema in self._document["types"].items()}
        schemas = {key: self._schemas.schema(schema) for key, schema in named.items()}
        for code, refusal in self._document["refusals"].items():
            data = refusal["data"]
            schemas[f"refusal-{self._refusals[code]}"] = messages.refusal_schema(
                code, refusal["doc"], data=True if data is None else self._schemas.schema(data)
            )
        components: Made = {"schemas": schemas | messages.protocol_schemas()}
        components["messages"] = self._messages
        return components | security

    def _add_socket(self) -> None:
        """Add the connection's channel, with the events outside of rooms."""
        contract = self._document
        query = {
            "contract": {
                "type": "string",
                "description": "Fingerprint of the contract that the client was generated from.",
            }
        }
        self._channels[_SOCKET] = {
            "address": contract["path"],
            "title": contract["title"],
            "messages": {},
            "bindings": {
                "ws": {
                    "method": "GET",
                    "query": {"type": "object", "properties": query},
                    "bindingVersion": BINDING_VERSION,
                }
            },
        }
        for event in contract["events"]:
            if event["global"]:
                self._receive(event, event, _SOCKET, self._event_keys[event["name"]])
            if event["output"] is not None:
                self._send(event)

    def _add_protocol(self, *, by_message: bool) -> None:
        """Add the protocol's own messages outside of rooms."""
        if by_message:
            self._ask("auth", _SOCKET, "auth", ["auth_success", "auth_error"])
        for verb in ("join_rooms", "leave_rooms"):
            if self._document["rooms"]:
                self._ask(verb, _SOCKET, verb, [f"{verb}_success", f"{verb}_error"])
        failed = self._operate("protocol-error", "send", _SOCKET, ["protocol-error"])
        failed["tags"] = [dict(_PROTOCOL)]

    def _add_room(self, room: Mapping[str, Any]) -> None:
        """Add the channel of one room, or of the rooms of one pattern, with its events."""
        room_key = self._room_keys[room["pattern"]]
        channel = f"room-{room_key}"
        made: Made = {
            "address": room["pattern"],
            "title": room["pattern"],
            "description": _ROOM,
            "tags": [_room_tag(room)],
            "messages": {},
            "x-known-events": room["server_events"],
        }
        if room["params"]:
            made["parameters"] = {
                name: self._parameter(schema) for name, schema in room["params"].items()
            }
        self._channels[channel] = made
        for entry in room["client_events"]:
            event = self._events[entry["name"]]
            key = f"{room_key}-{self._event_keys[entry['name']]}"
            operation = self._receive(event, entry, channel, key)
            tags = [*operation.get("tags", ()), _room_tag(room)]
            operation["tags"] = list({tag["name"]: tag for tag in tags}.values())
        arriving = [event for event in self._document["events"] if event["output"] is not None]
        if arriving:
            sent = [self._event(event, "output", in_room=True) for event in arriving]
            operation = self._operate(f"send-{room_key}-events", "send", channel, sent)
            operation["tags"] = [_room_tag(room)]

    def _add_membership(self, room: Mapping[str, Any]) -> None:
        """Add what clients ask to be let into a room, and out of it."""
        room_key = self._room_keys[room["pattern"]]
        channel = f"room-{room_key}"
        if room["join"] != "client":
            return
        for verb in ("join", "leave"):
            answers = [f"{verb}_room_success", f"{verb}_room_error"]
            self._ask(f"{verb}-{room_key}", channel, f"{verb}_room", answers)
        if room.get("refusals"):
            self._guard(f"join-{room_key}", channel, room["refusals"])
        if "presence" in room:
            self._add_presence(room_key, channel, room)

    def _add_presence(self, room_key: str, channel: str, room: Mapping[str, Any]) -> None:
        """Add what members who ask are told of each other, and how a client changes its entry."""
        presence = room["presence"]
        entry = self._schemas.schema(presence["entry"]) if "entry" in presence else None
        told = f"{room_key}-presence"
        self._messages[told] = messages.presence_message(entry)
        operation = self._operate(f"send-{told}", "send", channel, [told])
        operation["tags"] = [_room_tag(room)]
        if presence.get("clients"):
            changes = f"{room_key}-entry"
            self._messages[changes] = messages.entry_message(entry, presence["clients"])
            operation = self._operate(f"receive-{changes}", "receive", channel, [changes])
            operation["tags"] = [_room_tag(room)]

    def _all_tags(self) -> list[Made]:
        """List the tags: what events are grouped by, the rooms, and the protocol itself."""
        tags = [tag for event in self._document["events"] for tag in _tags(event["name"])]
        tags += [_room_tag(room) for room in self._document["rooms"]]
        return list({tag["name"]: tag for tag in [*tags, dict(_PROTOCOL)]}.values())

    def _guard(self, key: str, channel: str, refusals: Iterable[str]) -> None:
        """Add the message of a room's guard refusing a join, in place of the plain error."""
        message = f"{key}-guard-refused"
        self._messages[message] = messages.guarded_message(self._refusal_keys(refusals))
        del self._channels[channel]["messages"]["protocol-join_room_error"]
        answers = ["protocol-join_room_success", message]
        self._operations[key]["reply"] = self._reply(channel, answers)

    def _refusal_keys(self, codes: Iterable[str]) -> list[str]:
        return [f"refusal-{self._refusals[code]}" for code in codes]

    def _parameter(self, schema: Schema) -> Made:
        """Write a room's parameter: AsyncAPI has only text, so the schema is an `x-` field."""
        made: Made = {"x-schema": self._schemas.schema(schema)}
        target = resolved(schema, self._document["types"])
        if "description" in target:
            made["description"] = target["description"]
        values = target.get("enum", [target["const"]] if "const" in target else [])
        return {"enum": [str(value) for value in values], **made} if values else made

    def _receive(
        self, event: Mapping[str, Any], entry: Mapping[str, Any], channel: str, key: str
    ) -> Made:
        """Add an event that clients send, and its answers in that channel."""
        name = event["name"]
        sent = self._event(event, "input", in_room=channel != _SOCKET)
        operation = self._operate(f"receive-{key}", "receive", channel, [sent])
        self._describe(operation, event)
        reply: Any = {"type": "null"}  # an event without a reply is acknowledged
        if entry["reply"] is not None:
            reply = self._schemas.schema(entry["reply"])
        if "rate" in entry:
            operation["x-rate"] = entry["rate"]
        codes = self._refusal_keys(entry["refusals"])
        answers = [f"{key}-reply", f"{key}-refused"]
        self._messages[answers[0]] = messages.reply_message(name, reply)
        self._messages[answers[1]] = messages.refused_message(name, codes)
        operation["reply"] = self._reply(channel, answers)
        return operation

    def _send(self, event: Mapping[str, Any]) -> None:
        """Add an event that arrives outside of rooms."""
        key = self._event_keys[event["name"]]
        sent = [self._event(event, "output", in_room=False)]
        self._describe(self._operate(f"send-{key}", "send", _SOCKET, sent), event)

    def _describe(self, operation: Made, event: Mapping[str, Any]) -> None:
        operation["title"] = str(event["name"])
        if tags := _tags(event["name"]):
            operation["tags"] = tags
        if event["doc"]:
            operation["description"] = event["doc"]
        if event["volatile"]:
            operation["x-volatile"] = True

    def _event(self, event: Mapping[str, Any], field: str, *, in_room: bool) -> str:
        """Add an event's message, once, and return its key."""
        way = "to_server" if field == "input" else "to_client"
        key = f"{self._event_keys[event['name']]}-{way}{'-in_room' if in_room else ''}"
        if key not in self._messages:
            self._messages[key] = messages.event_message(
                event["name"],
                self._schemas.schema(event[field]),
                in_room=in_room,
                has_id=field == "input",
                may_lack_data=is_empty_object(resolved(event[field], self._document["types"])),
                doc=event["doc"],
            )
        return key

    def _ask(self, key: str, channel: str, question: str, answers: Iterable[str]) -> None:
        """Add a request of the protocol itself."""
        name = f"protocol-{key}" if channel == _SOCKET else key
        operation = self._operate(name, "receive", channel, [f"protocol-{question}"])
        operation["tags"] = [dict(_PROTOCOL)]
        operation["reply"] = self._reply(channel, [f"protocol-{answer}" for answer in answers])

    def _operate(self, key: str, action: str, channel: str, sent: Sequence[str]) -> Made:
        operation: Made = {
            "action": action,
            "channel": {"$ref": f"#/channels/{channel}"},
            "messages": list(self._listed(channel, sent)),
        }
        self._operations[key] = operation
        return operation

    def _reply(self, channel: str, answers: Sequence[str]) -> Made:
        return {
            "channel": {"$ref": f"#/channels/{channel}"},
            "messages": list(self._listed(channel, answers)),
        }

    def _listed(self, channel: str, keys: Sequence[str]) -> Iterator[Made]:
        """Add messages to a channel and list references to them there, as operations need."""
        for key in keys:
            self._channels[channel]["messages"][key] = {"$ref": _MESSAGES + key}
            yield {"$ref": f"#/channels/{channel}/messages/{key}"}


def _described(contract: Document, text: str) -> str:
    """Put the application's own description before a text."""
    return f"{contract['description']}\n\n{text}" if contract.get("description") else text


def _tags(name: str | float) -> list[Made]:
    """Return the tag of an event: what its name says before the first colon, if it has one."""
    group, colon, _ = str(name).partition(":")
    return [{"name": group}] if group and colon else []


def _room_tag(room: Mapping[str, Any]) -> Made:
    return {"name": f"room {room['pattern']}"}


def _server(protocol: str, *, secured: bool) -> Made:
    host = {"default": "localhost:8000", "description": "Where the application is served."}
    made: Made = {"host": "{host}", "protocol": protocol, "variables": {"host": host}}
    return (
        {**made, "security": [{"$ref": "#/components/securitySchemes/auth"}]} if secured else made
    )


def _security(auth: Mapping[str, Any] | None, credentials: Any) -> Made:
    """Write the security scheme; a handshake's is generic, as the contract does not describe it."""
    if auth is None:
        return {}
    if auth["via"] == "message":
        scheme: Made = {"type": "apiKey", "in": "user", "description": _LOGIN}
        scheme["x-credentials"] = credentials
    else:
        scheme = {"type": "http", "scheme": "custom", "description": _HANDSHAKE}
    return {"securitySchemes": {"auth": scheme}}
