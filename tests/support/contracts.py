"""Hand-written contract documents: what generators are tested with.

`chat()` uses every construct once; `minimal()` uses none. Each call gives a fresh document with a
right fingerprint, so that a test may alter it.
"""

import hashlib
import json
from copy import deepcopy
from typing import Any

from bytesocket_app.contract.fingerprint import fingerprint

Document = dict[str, Any]


def sealed(document: Document) -> Document:
    """Set the fingerprint that belongs to a document."""
    return {**document, "fingerprint": fingerprint(document)}


def formerly_sealed(document: Document) -> Document:
    """Set the fingerprint that version 0.1 gave a document: the digest of all of it."""
    later = {"capabilities", "fingerprint"}
    body = {key: value for key, value in document.items() if key not in later}
    text = json.dumps(body, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
    return {**document, "fingerprint": hashlib.sha256(text.encode()).hexdigest()}


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/types/{name}"}


def model(required: dict[str, Any], /, doc: str = "", **optional: Any) -> dict[str, Any]:
    """Write an object schema: required fields, then fields with a default."""
    schema = {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
    }
    return {**schema, "description": doc} if doc else schema


def event(name: str | float, direction: str, payload: Any, **more: Any) -> dict[str, Any]:
    """Write an event's entry; `payload` is its schema in both modes."""
    sends, arrives = direction != "server", direction != "client"
    return {
        "name": name,
        "direction": direction,
        "volatile": False,
        "doc": "",
        "input": payload if sends else None,
        "output": payload if arrives else None,
        "global": sends,
        "reply": None,
        "refusals": [],
        **more,
    }


def room(pattern: str, **more: Any) -> dict[str, Any]:
    return {
        "pattern": pattern,
        "params": {},
        "join": "client",
        "client_events": [],
        "server_events": [],
        **more,
    }


def room_event(name: str | float, reply: Any = None, refusals: Any = ()) -> dict[str, Any]:
    return {"name": name, "reply": reply, "refusals": list(refusals)}


def rate(per_second: float, burst: int, per: str = "socket") -> dict[str, Any]:
    return {"rate": {"per_second": per_second, "burst": burst, "per": per}}


def with_rates(document: Document, rates: dict[str, dict[str, Any]]) -> Document:
    """Give events a rate, wherever clients send them; `rates` are what `rate` makes, by name."""
    rooms = [entry for each in document["rooms"] for entry in each["client_events"]]
    sent = [entry for entry in document["events"] if entry["global"]]
    for entry in [*sent, *rooms]:
        entry.update(rates.get(entry["name"], {}))
    return sealed(document)


def with_presence(document: Document) -> Document:
    """Let rooms that clients join tell who is in them, but the last, which only counts."""
    people = {"entry": ref("Person"), "clients": ["$typing", "face", "hidden"]}
    rooms = [each for each in document["rooms"] if each["join"] == "client"]
    for each in rooms:
        each["presence"] = people
    rooms[-1]["presence"] = {"counts": True}
    face = {"anyOf": [{**BYTES, "x-bytes": "base64"}, {"type": "null"}]}
    person = model({"name": STRING, "$typing": {"type": "boolean"}, "face": face})
    return sealed({**document, "types": {**document["types"], "Person": person}})


STRING = {"type": "string"}
NUMBER = {"type": "number"}
INTEGER = {"type": "integer"}
BYTES = {"type": "string", "format": "binary"}

_TYPES: dict[str, Any] = {
    "Post": model({"text": STRING}, "Ask the server to post a message."),
    "Posted": model({"author": STRING, "text": STRING}),
    "Typing": model({"who": STRING}),
    "Reaction": model({"emoji": {"enum": ["+1", "-1", "heart"], "type": "string"}}),
    "Ping": {"type": "object", "properties": {}, "description": "Are you there?"},
    "Move": model({"x": NUMBER, "y": NUMBER}),
    "Moved": model({"user": STRING, "x": NUMBER, "y": NUMBER}),
    "Receipt": model({"message_id": INTEGER}),
    "Credentials": model({"token": STRING}),
    "MutedData": model({"until": {"type": "string", "format": "date-time"}}),
}


def chat(*, auth: bool = True) -> Document:
    """The contract of a chat: requests, relays, refusals, patterns, volatile and empty events."""
    credentials = {"via": "message", "credentials": ref("Credentials")}
    return sealed(
        {
            "format": 1,
            "title": "Chat",
            "version": "1.0.0",
            "path": "/ws",
            "serialization": "binary",
            "auth": credentials if auth else None,
            "events": [
                event(
                    "chat:post",
                    "client",
                    ref("Post"),
                    doc="Ask the server to post a message.",
                    reply=ref("Receipt"),
                    refusals=["muted"],
                ),
                event("chat:posted", "server", ref("Posted"), doc="A message was posted."),
                event("chat:reaction", "both", ref("Reaction"), **{"global": False}),
                event("chat:typing", "both", ref("Typing"), volatile=True),
                event("doc:move", "client", ref("Move"), volatile=True, **{"global": False}),
                event("doc:moved", "server", ref("Moved"), volatile=True),
                event("doc:save", "client", ref("Ping"), **{"global": False}),
                event("ping", "client", ref("Ping"), reply=STRING),
                event("shout", "client", STRING),
            ],
            "rooms": [
                room(
                    "doc:{doc_id}",
                    params={"doc_id": {"type": "string", "format": "uuid"}},
                    client_events=[
                        room_event("doc:move"),
                        room_event("doc:save", reply=ref("Receipt"), refusals=["read_only"]),
                    ],
                    server_events=["doc:moved"],
                ),
                room(
                    "lobby",
                    client_events=[room_event("chat:reaction")],
                    server_events=["chat:posted", "chat:reaction"],
                ),
                room("user-feed", join="server", server_events=["chat:posted"]),
            ],
            "refusals": {
                "muted": {"doc": "The author may not write for a while.", "data": ref("MutedData")},
                "read_only": {"doc": "", "data": None},
            },
            "types": deepcopy(_TYPES),
        }
    )


def json_only() -> Document:
    """The chat of an application that speaks JSON alone."""
    return sealed({**chat(), "serialization": "json"})


def files() -> Document:
    """A contract with bytes: in a request, a reply, a union, a dictionary and a tuple."""
    tagged: dict[str, Any] = {
        "discriminator": {"propertyName": "kind", "mapping": {}},
        "oneOf": [ref("Blob"), ref("Note")],
    }
    types = {
        "Blob": model({"data": BYTES}, kind={"const": "blob", "type": "string"}),
        "Note": model({"data": STRING, "kind": {"const": "note", "type": "string"}}),
        "Upload": model(
            {"name": STRING, "body": tagged},
            thumbnail={"anyOf": [{**BYTES, "x-bytes": "base64"}, {"type": "null"}]},
            parts={"type": "object", "additionalProperties": BYTES},
            checksum={**BYTES, "x-bytes": "hex"},
            first={
                "type": "array",
                "prefixItems": [STRING, BYTES],
                "minItems": 2,
                "maxItems": 2,
            },
        ),
        "Stored": model(
            {"digest": {**BYTES, "x-bytes": "hex"}, "chunks": {"type": "array", "items": BYTES}}
        ),
        "Folder": model({"children": {"type": "array", "items": ref("Folder")}}, blob=ref("Blob")),
    }
    return sealed(
        {
            **minimal(),
            "title": "Files",
            "events": [
                event("file:folder", "server", ref("Folder")),
                event("file:put", "client", ref("Upload"), reply=ref("Stored")),
                event("file:raw", "both", BYTES),
            ],
            "types": types,
        }
    )


def minimal() -> Document:
    """A contract with nothing in it."""
    return sealed(
        {
            "format": 1,
            "title": "Minimal",
            "version": "0.1.0",
            "path": "/ws",
            "serialization": "json",
            "auth": None,
            "events": [],
            "rooms": [],
            "refusals": {},
            "types": {},
        }
    )


def nasty() -> Document:
    """A contract whose names and texts try to break out of the code that they are written into."""
    doc = "*/ } }\n@ts-expect-error\n@deprecated \u2028 // <script> `${x}` \\"
    odd = {
        "__proto__": STRING,
        "constructor": STRING,
        "a-b": STRING,
        'quo"te\n\u2028': STRING,
        "ünï": STRING,
        "class": STRING,
        "$ref": STRING,
    }
    types: dict[str, Any] = {
        "Date": model(odd, doc),
        "Record": {"enum": ["a", 'b"*/', 1, True, None, 1.5], "description": "@ts-expect-error"},
        "Client": model({}, client=ref("Date")),
        "RequestError": {"const": "__proto__"},
        "class": {"type": "null", "deprecated": True},
        "admin.User": model({"id": INTEGER}),
        "AdminUser": model({"id": STRING}),
        "Page[Cat]": model({"items": {"type": "array", "items": ref("Cat")}}),
        "Größe": {"type": "array", "items": {"anyOf": [INTEGER, STRING]}},
        "Cat": model({"meows": INTEGER}, kind={"const": "cat", "type": "string"}),
        "Dog": model({"kind": {"const": "dog", "type": "string"}}),
        "Pet": {
            "discriminator": {"propertyName": "kind", "mapping": {}},
            "oneOf": [ref("Cat"), {"oneOf": [ref("Dog"), ref("Tree")]}],
        },
        "Tree": model(
            {"children": {"type": "array", "items": ref("Tree")}},
            kind={"const": "tree"},
            pet={"anyOf": [ref("Pet"), {"type": "null"}]},
        ),
        "Nested": {"type": "array", "items": {"anyOf": [ref("Nested"), INTEGER]}},
        "Open": {**model({"a": INTEGER}, b=STRING), "additionalProperties": {"type": "boolean"}},
        "Anything": {**model({"a": INTEGER}), "additionalProperties": True},
        "Scores": {
            "type": "object",
            "propertyNames": ref("Key"),
            "additionalProperties": NUMBER,
        },
        "Key": {"enum": ["x", "y-z"], "type": "string"},
        "ByPattern": {"type": "object", "patternProperties": {"^a": INTEGER, "^b": STRING}},
        "Dictionary": {"type": "object", "additionalProperties": {"anyOf": [INTEGER, STRING]}},
        "Pair": {"type": "array", "prefixItems": [STRING, INTEGER], "minItems": 1, "maxItems": 2},
        "Rest": {"type": "array", "prefixItems": [STRING], "minItems": 1, "items": INTEGER},
        "Unknown": {},
        "Priority": {"enum": [2, 1], "type": "integer", "x-enum-names": ["high", "__proto__"]},
        "connect": {"type": "integer", "x-flags": {"a-b": 1, "c": 2}},
        "Both": {"allOf": [ref("Dog"), model({"extra": {"type": ["integer", "null"]}})]},
    }
    names: list[str | float] = [
        "7",
        "__proto__",
        "hasOwnProperty",
        'quo"te\n',
        "*/",
        "toString",
        8,
        1.5,
        -1,
        1e21,
    ]
    payloads = [ref(name) for name in types]
    events = [event(name, "both", payloads[at], doc=doc) for at, name in enumerate(names)]
    events += [
        event(f"e{at}", "both", payload, reply=payload) for at, payload in enumerate(payloads)
    ]
    return sealed(
        {
            **minimal(),
            "title": "Nasty */ \n\u2028 // title",
            "auth": {"via": "message", "credentials": {"anyOf": [STRING, {"type": "null"}]}},
            "events": events,
            "rooms": [
                room(
                    'a"{b}\n*/{ünï}',
                    params={"b": INTEGER, "ünï": ref("Key")},
                    client_events=[room_event(name, reply=STRING) for name in names],
                    server_events=names,
                ),
            ],
            "refusals": {
                "__proto__": {"doc": doc, "data": ref("Date")},
                "with space": {"doc": "", "data": None},
            },
            "types": types,
        }
    )


_LIKE_OURS = (
    *("Arrivals", "Asked", "AsyncIterator", "Awaited", "Client", "ErrorCode", "Exclude", "On"),
    *("GlobalEvent", "IteratorResult", "Only", "PropertyKey", "Promise", "Replies", "Request"),
    *("RequestFailure", "Rooms", "Several", "Spoken", "Uint8Array"),
)


def shadows() -> Document:
    """A contract of models named like what clients are made of, with bytes in fields as odd."""
    odd: dict[str, Any] = dict.fromkeys(("__proto__", "constructor", "hasOwnProperty"), BYTES)
    events = [event(n, "both", ref(n), reply=ref(n), doc="*/ @x") for n in _LIKE_OURS]
    entries = [room_event(name) for name in _LIKE_OURS[:5]]
    return sealed(
        {
            **minimal(),
            "title": "Shadows",
            "events": events,
            "rooms": [room("__proto__", client_events=entries)],
            "types": {name: model(odd) for name in _LIKE_OURS},
        }
    )
