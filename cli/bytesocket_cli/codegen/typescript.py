"""TypeScript and JavaScript clients of a contract, without any import.

The static parts (the client's types, the runtime) are packaged files. The parts that depend on the
contract are written here in a stable order, so the same contract gives the same text.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from bytesocket_app.errors import ConfigurationError, ErrorCode
from bytesocket_cli.codegen.names import (
    TYPESCRIPT_RESERVED,
    doc_comment,
    event_key,
    event_literal,
    literal,
    one_line,
    property_key,
    quoted,
    unique_identifiers,
)
from bytesocket_cli.codegen.rates import ContractRate, declared_rates
from bytesocket_cli.codegen.render import read, render
from bytesocket_cli.codegen.schema import Document, deprecation, is_empty_object
from bytesocket_cli.codegen.typescript_bytes import bytes_tables
from bytesocket_cli.codegen.typescript_enums import enum_types, enum_values
from bytesocket_cli.codegen.typescript_types import EMPTY, TypeWriter
from bytesocket_cli.project import Peer

FINGERPRINT_SHOWN = 16
OURS: Final = "bytesocket"
"""The peer that every client reads."""
_MAPS = ("ClientEvents", "ServerEvents", "Replies", "Rooms", "Refusals")
_DECLARATION = re.compile(
    r"^(?:export )?(?:type|interface|class|const|let|function) ([\w$]+)", re.MULTILINE
)
_STATIC = (
    "client.ts.j2",
    "api.ts.j2",
    "runtime.ts",
    "msgpack.ts",
    "origin.ts",
    "bytes.ts",
    "pacing.ts",
    "presence.ts",
)
_FORMATS = ("utf8", "base64", "hex")
_OPTIONAL = re.compile(
    rf"\s*/\* (paced|packed|unpacked|numbered|present|{'|'.join(_FORMATS)}) \*/(.*?)\s*/\* end \*/",
    re.DOTALL,
)
_OUR_READER = re.compile(
    r"^(?:/\*\*[^\n]*\*/\n)?function unpack\(.*?^}\n\n?", re.DOTALL | re.MULTILINE
)
"""Reader of our servers' MessagePack, which gives way to that of the origin's."""
_NO_KEYS = "Record<never, never>"
_NO_REPLY = "void"
_HEARD = "(event: {name}, listener: Listener<{name}>): () => void"
_ASKED = "(event: {name} & keyof Answers, ...args: $Asked<{name}>): Promise<$Part<Answers, {name}>>"
_OF_PYTHON = frozenset({ErrorCode.INVALID_REPLY, ErrorCode.TOO_MANY_REQUESTS})
"""Codes that Python clients alone make."""


def typescript(document: Document, *, peer: Peer = OURS) -> str:
    """Write the TypeScript client: types, `connect()` and the runtime, without any import.

    Args:
        document: A contract document, format 1.
        peer: Whose messages it reads besides ours; see `javascript`.

    Returns:
        Text of one `.ts` file.

    Raises:
        ConfigurationError: Two events have names that TypeScript cannot tell apart.
    """
    return render("typescript/client.ts.j2", _values(document, "ts", peer))


def javascript(document: Document, *, peer: Peer = OURS) -> tuple[str, str]:
    """Write the JavaScript client: the same program, with its types in a separate file.

    Args:
        document: A contract document, format 1.
        peer: Whose messages it reads besides ours: "bytesocket-node" adds what servers of
            `@bytesocket/node` write in binary frames, "bytesocket" nothing.

    Returns:
        Texts of an ES module and of its `.d.ts` file.

    Raises:
        ConfigurationError: Two events have names that TypeScript cannot tell apart.
    """
    values = _values(document, "js", peer)
    return render("typescript/client.js.j2", values), render("typescript/client.d.ts.j2", values)


def runtime(
    language: str,
    *,
    is_paced: bool,
    is_numbered: bool = False,
    is_packed: bool = True,
    has_presence: bool = False,
) -> str:
    """Return the runtime's text.

    Args:
        language: "ts" or "js".
        is_paced: True to keep what is for a contract with rates.
        is_numbered: True to keep what is for rooms that have a number in their name.
        is_packed: True to keep what uses MessagePack, False to keep what is there without it.
        has_presence: True to keep what is for rooms that tell who is in them.
    """
    kept = {
        "paced" if is_paced else "",
        "numbered" if is_numbered else "",
        "packed" if is_packed else "unpacked",
        "present" if has_presence else "",
    }
    return _keeping(kept, f"runtime.{language}")


def bytes_runtime(language: str, formats: Collection[str]) -> str:
    """Return the text of what converts bytes from and to JSON.

    Args:
        language: "ts" or "js".
        formats: How bytes are written, "utf8", "base64" or "hex": what is for others is left out.
    """
    return _keeping(formats, f"bytes.{language}")


def _keeping(kept: Collection[str], name: str) -> str:
    """Return a file's text without the marked parts that are not kept, and without the marks."""
    text = read(f"typescript/{name}")
    return _OPTIONAL.sub(lambda found: found[2] if found[1] in kept else "", text)


def is_json_only(document: Document) -> bool:
    """Return True if clients never meet MessagePack: the application speaks JSON, without bytes."""
    return document["serialization"] == "json" and not bytes_tables(document)


def _messagepack(language: str, peer: Peer) -> str:
    """Return the text that writes MessagePack and reads that of a peer."""
    text = read(f"typescript/msgpack.{language}")
    if peer == OURS:
        return f"{text}\n"
    return f"{_OUR_READER.sub('', text, count=1)}{read(f'typescript/origin.{language}')}\n"


def header(document: Document, *, peer: Peer = OURS) -> str:
    """Return a generated file's header; it has no time, path or host, for `--check` to compare."""
    title = one_line(f"{document['title']} {document['version']}")
    shown = document["fingerprint"][:FINGERPRINT_SHOWN]
    by = "" if peer == OURS else f" - for {peer}"
    return f"bytesocket {title} - contract {shown}{by} - generated, do not edit"


def _values(document: Document, language: str, peer: Peer) -> dict[str, str]:
    """Make the strings for the templates of one language."""
    names = unique_identifiers(document["types"], _taken_names())
    writer = TypeWriter(document["types"], names)
    auth = document["auth"]
    by_message = auth is not None and auth["via"] == "message"
    tables = bytes_tables(document)
    codec = "binary" if tables else "json"
    packed = peer != OURS or not is_json_only(document)
    formats = [name for name in _FORMATS if literal(name) in tables]
    types = document["types"]
    typed = language == "ts"
    rates = declared_rates(document)
    present = [room["pattern"] for room in document["rooms"] if "presence" in room]
    slots = {
        "global_events": _names_union(e["name"] for e in _client_events(document) if e["global"]),
        "joinable_rooms": _names_union(
            room["pattern"] for room in document["rooms"] if room["join"] == "client"
        ),
        "auth_option": _auth_option(document, writer) if by_message else "",
        "codec": codec,
        "packed": "yes" if packed else "",
        "paced": "yes" if rates else "",
        "present": "yes" if present else "",
        "error_codes": _error_codes(),
        "documented_arrivals": _signatures(document, writer, "output", _HEARD),
        "documented_requests": _signatures(document, writer, "input", _ASKED),
    }
    return {
        "header": header(document, peer=peer),
        "types": "\n".join(writer.declaration(n) for n in sorted(names, key=names.__getitem__)),
        "enums": enum_values(types, names, typed=typed),
        "enum_types": enum_types(types, names),
        "maps": _maps(document, writer),
        "api": render("typescript/api.ts.j2", slots),
        "optional": "" if by_message else "?",
        "contract": _contract(document, codec) + _pacing(rates) + _presence(present),
        "msgpack": _messagepack(language, peer) if packed else "",
        "bytes": f"{bytes_runtime(language, formats)}\n" if tables else "",
        "tables": tables,
        "pacing": f"{read(f'typescript/pacing.{language}')}\n" if rates else "",
        "presence": f"{read(f'typescript/presence.{language}')}\n" if present else "",
        "runtime": runtime(
            language,
            is_paced=bool(rates),
            is_numbered=_has_numbers(document, writer),
            is_packed=packed,
            has_presence=bool(present),
        ),
    }


def _taken_names() -> set[str]:
    """List the identifiers that no payload type may have."""
    texts = [read(f"typescript/{name}") for name in _STATIC]
    ours = {found[1] for text in texts for found in _DECLARATION.finditer(text)}
    return {*TYPESCRIPT_RESERVED, *ours, *_MAPS}


def _client_events(document: Document) -> list[Mapping[str, Any]]:
    return [event for event in document["events"] if event["input"] is not None]


def _maps(document: Document, writer: TypeWriter) -> str:
    """Write the exported maps from names to types."""
    events = document["events"]
    client, server = (
        [_event_entry(event, writer, field) for event in events if event[field] is not None]
        for field in ("input", "output")
    )
    replies = [_reply_entry(event, writer) for event in events if event["global"]]
    check_names(events)
    refusals = [
        doc_comment(refusal["doc"], "  ")
        + f"  {property_key(code)}: {_refusal_data(refusal, writer)};\n"
        for code, refusal in document["refusals"].items()
    ]
    return "\n".join(
        [
            _interface("ClientEvents", "What a client sends, by event.", client),
            _interface("ServerEvents", "What arrives, by event.", server),
            _interface("Replies", "What a request outside of a room resolves to.", replies),
            _interface("Rooms", "The declared rooms.", _rooms(document, writer)),
            _interface("Refusals", "The declared refusals' data, by code.", refusals),
        ]
    )


def _interface(name: str, doc: str, entries: list[str]) -> str:
    body = f"{{\n{''.join(entries)}}}" if entries else "{}"
    return f"{doc_comment(doc)}export interface {name} {body}\n"


def _event_entry(event: Mapping[str, Any], writer: TypeWriter, field: str) -> str:
    """Write one event's entry in a map, with its documentation."""
    lines = [event["doc"]]
    if event["volatile"]:
        lines.append("Volatile: dropped instead of queued.")
    if event["refusals"] and field == "input":
        lines.append(_refused_with(event["refusals"]))
    schema = event[field]
    resolved = writer.resolve(schema)
    text = "\n\n".join(line for line in lines if line)
    doc = doc_comment(text, "  ", deprecated=deprecation(resolved))
    shown = EMPTY if is_empty_object(resolved) else writer.type(schema, "  ")
    return f"{doc}  {event_key(event['name'])}: {shown};\n"


def _signatures(document: Document, writer: TypeWriter, field: str, form: str) -> str:
    """Write a signature for each event with something to show at `on` or `request`."""
    lines: list[str] = []
    for event in document["events"]:
        if event[field] is None:
            continue
        mark = deprecation(writer.resolve(event[field]))
        if event["doc"] or mark:
            doc = doc_comment(event["doc"], "  ", deprecated=mark)
            lines.append(f"{doc}  {form.format(name=event_literal(event['name']))};\n")
    return "".join(lines)


def _reply_entry(event: Mapping[str, Any], writer: TypeWriter, indent: str = "  ") -> str:
    """Write what a request of an event resolves to, outside rooms or in a room."""
    doc = doc_comment(_refused_with(event["refusals"]), indent) if event["refusals"] else ""
    schema = event["reply"]
    shown = _NO_REPLY if schema is None else _shown(schema, writer, indent)
    return f"{doc}{indent}{event_key(event['name'])}: {shown};\n"


def _shown(schema: Any, writer: TypeWriter, indent: str) -> str:
    return EMPTY if is_empty_object(writer.resolve(schema)) else writer.type(schema, indent)


def _refused_with(codes: Iterable[str]) -> str:
    return f"May be refused with {', '.join(f'`{code}`' for code in codes)}."


def _refusal_data(refusal: Mapping[str, Any], writer: TypeWriter) -> str:
    return "unknown" if refusal["data"] is None else writer.type(refusal["data"], "  ")


def check_names(events: Sequence[Mapping[str, Any]]) -> None:
    """Refuse an event `7` beside an event `"7"`: TypeScript has one key for both.

    Raises:
        ConfigurationError: There are two such events.
    """
    texts = {event["name"] for event in events if isinstance(event["name"], str)}
    for name in (event["name"] for event in events):
        if not isinstance(name, str) and str(name) in texts:
            raise ConfigurationError(
                f'The contract has an event {name} and an event "{name}". They are two names on '
                "the wire, but one in TypeScript. Rename one of them."
            )


def _rooms(document: Document, writer: TypeWriter) -> list[str]:
    """Write one entry of `Rooms` for each declared room."""
    return [_room(room, writer) for room in document["rooms"]]


def _room(room: Mapping[str, Any], writer: TypeWriter) -> str:
    params = "; ".join(
        f"{property_key(name)}: {writer.type(schema, '    ')}"
        for name, schema in room["params"].items()
    )
    replies = "".join(_reply_entry(event, writer, "      ") for event in room["client_events"])
    fields = {
        "params": f"{{ {params} }}" if params else EMPTY,
        "join": quoted(room["join"]),
        "sends": _names_union(event["name"] for event in room["client_events"]),
        "receives": _names_union(room["server_events"]),
        "replies": "{\n" + replies + "    }" if replies else _NO_KEYS,
    }
    if "presence" in room:
        fields["presence"] = _present(room["presence"], writer)
    lines = "".join(f"    {name}: {text};\n" for name, text in fields.items())
    doc = doc_comment(_refused_with(room["refusals"]), "  ") if room.get("refusals") else ""
    return f"{doc}  {property_key(room['pattern'])}: {{\n{lines}  }};\n"


def _present(presence: Mapping[str, Any], writer: TypeWriter) -> str:
    """Write what members see of each other, and the fields that they may change of it."""
    if "entry" not in presence:
        return "{ entry: never }"
    entry = presence["entry"]
    known = writer.resolve(entry).get("properties", {})
    changes = "; ".join(
        f"{property_key(name)}?: {writer.type(known.get(name, {}), '    ')}"
        for name in presence["clients"]
    )
    may_change = f"; changes: {{ {changes} }}" if changes else ""
    return f"{{ entry: {writer.type(entry, '    ')}{may_change} }}"


def _has_numbers(document: Document, writer: TypeWriter) -> bool:
    """Return True if a room that clients join has an integer in its name."""
    params = [
        writer.resolve(schema)
        for room in document["rooms"]
        if room["join"] == "client"
        for schema in room["params"].values()
    ]
    return any(schema.get("type") == "integer" for schema in params)


def _names_union(names: Iterable[str | float]) -> str:
    return " | ".join(event_literal(name) for name in names) or "never"


def _error_codes() -> str:
    """Write the members of `ErrorCode` that every contract has."""
    codes = [code.value for code in ErrorCode if code not in _OF_PYTHON]
    return "\n".join(f"  | {quoted(code)}" for code in codes)


def _auth_option(document: Document, writer: TypeWriter) -> str:
    """Write the option `auth`, for a contract with authentication by message."""
    credentials = writer.type(document["auth"]["credentials"], "  ")
    doc = doc_comment("Who this is. A function is called at every connect.", "  ")
    return f"{doc}  auth: {credentials} | (() => {credentials} | Promise<{credentials}>);\n"


def _contract(document: Document, codec: str) -> str:
    """Write the fields of the contract's constant that the runtime reads."""
    events = _client_events(document)
    writer = TypeWriter(document["types"], {})
    volatile = [event["name"] for event in events if event["volatile"]]
    empty = [e["name"] for e in events if is_empty_object(writer.resolve(e["input"]))]
    fields = {
        "path": literal(document["path"]),
        "fingerprint": literal(document["fingerprint"]),
        "codec": literal(codec),
        "volatile": f"[{', '.join(map(event_literal, volatile))}]",
        "empty": f"[{', '.join(map(event_literal, empty))}]",
    }
    return "".join(f"  {name}: {value},\n" for name, value in fields.items())


def _pacing(rates: Sequence[ContractRate]) -> str:
    """Write the field of the contract's constant that the pacing reads; nothing without rates."""
    if not rates:
        return ""
    lines = "".join(f"    [{', '.join(_row(rate))}],\n" for rate in rates)
    return f"  pacing: createPacing([\n{lines}  ]),\n"


def _presence(patterns: Sequence[str]) -> str:
    """Write the field of the contract's constant that lists rooms with presence, if any."""
    return f"  presence: [{', '.join(map(quoted, patterns))}],\n" if patterns else ""


def _row(rate: ContractRate) -> list[str]:
    numbers = [literal(rate.per_second), literal(rate.burst)]
    return [literal(rate.room or ""), event_literal(rate.event), *numbers, literal(rate.per)]
