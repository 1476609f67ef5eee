"""Types for the npm package `@bytesocket/client`: the event map that its generics take.

That package's map has `emit` and `listen` by event, `emitRoom` and `listenRoom` by room and event
(its README, "Asymmetric usage"). Its `emitRooms` is a union of lists of rooms with their events, of
which `bulk.emit` takes those whose `rooms` are assignable to the type of the list that it is given.
No plain type of arrays is that for lists of any length and order, so the map has its own.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from bytesocket_cli.codegen.names import (
    TYPESCRIPT_RESERVED,
    doc_comment,
    event_key,
    event_literal,
    property_key,
    quoted,
    unique_identifiers,
)
from bytesocket_cli.codegen.schema import Document, is_empty_object
from bytesocket_cli.codegen.typescript import check_names, header
from bytesocket_cli.codegen.typescript_types import EMPTY, TypeWriter

_TAKEN: Final = frozenset({"Base", "Listened", "Only", "Several", "SocketEvents", "Spoken"})
_PARAMETER: Final = re.compile(r"\{([^{}]*)\}")
_NUMBERS: Final = frozenset({"integer", "number"})
_MAP: Final = (
    "The events of this application, for `new ByteSocket<SocketEvents>(url)` of "
    "@bytesocket/client.\n\n"
    "Fields of bytes need that client's binary serialization, which is its default."
)
_SEVERAL: Final = """\
/**
 * Some of these rooms, in any order. An array fits if all that it holds are such rooms; the other
 * way round this type fits every such array, and by `indexOf` no other. No room's name is empty.
 */
type Several<Room extends string> = {
  readonly [at: number]: Room;
  indexOf(room: Room | "", from?: number): number;
} & { [Key in Exclude<keyof [], "indexOf">]: any };

/** Some of the events that rooms take. The others are there without a payload. */
type Only<Names extends keyof Spoken> = {
  [Name in keyof Spoken]: Name extends Names ? Spoken[Name] : never;
};
"""


_Content: TypeAlias = Callable[[Mapping[str, Any]], str]


def bytesocket_client(document: Document) -> str:
    """Write the `SocketEvents` map of a contract.

    Args:
        document: A contract document, format 1.

    Returns:
        Text of one `.ts` file of types, which imports nothing but types of the package.

    Raises:
        ConfigurationError: Two events have names that TypeScript cannot tell apart.
    """
    check_names(document["events"])
    return _EventMapWriter(document).text()


class _EventMapWriter:
    def __init__(self, document: Document) -> None:
        self._document = document
        names = unique_identifiers(document["types"], TYPESCRIPT_RESERVED | _TAKEN)
        self._types = TypeWriter(document["types"], names)
        self._order = sorted(names, key=names.__getitem__)
        self._events = {event["name"]: event for event in document["events"]}

    def text(self) -> str:
        document = self._document
        rooms: Sequence[Mapping[str, Any]] = document["rooms"]
        spoken = [room for room in rooms if room["client_events"]]
        sent = [event for event in document["events"] if event["global"]]
        heard = [event for event in document["events"] if event["output"] is not None]
        lines = [
            f"// {header(document)}\n",
            'import type { SocketEvents as Base } from "@bytesocket/client";\n',
            *map(self._types.declaration, self._order),
            doc_comment("What arrives, by event; the server may send any of it into any room.")
            + f"type Listened = {self._map(heard, 'output', '')};\n",
            *self._several(spoken),
            doc_comment(_MAP)
            + "export interface SocketEvents extends Base {\n"
            + f"  emit: {self._map(sent, 'input', '  ')};\n"
            + "  listen: Listened;\n"
            + f"  emitRoom: {self._rooms(spoken, self._said)};\n"
            + f"  listenRoom: {self._rooms(rooms, _listened)};\n"
            + f"  emitRooms:{self._lists(spoken)};\n"
            + "}\n",
        ]
        return "\n".join(lines)

    def _map(self, events: Iterable[Mapping[str, Any]], field: str, indent: str) -> str:
        """Write payloads by event, as a type literal: an interface has no index signature."""
        inner = indent + "  "
        lines = [
            doc_comment(event["doc"], inner)
            + f"{inner}{event_key(event['name'])}: {self._payload(event[field], inner)};\n"
            for event in events
        ]
        return "{\n" + "".join(lines) + indent + "}" if lines else "{}"

    def _payload(self, schema: Any, indent: str) -> str:
        if is_empty_object(self._types.resolve(schema)):
            return EMPTY
        return self._types.type(schema, indent)

    def _said(self, room: Mapping[str, Any]) -> str:
        events = [self._events[entry["name"]] for entry in room["client_events"]]
        return self._map(events, "input", "    ")

    def _several(self, rooms: Sequence[Mapping[str, Any]]) -> list[str]:
        """Write the types that `emitRooms` is made of; none if no room takes an event."""
        if not rooms:
            return []
        taken = {entry["name"] for room in rooms for entry in room["client_events"]}
        events = [event for name, event in self._events.items() if name in taken]
        what = doc_comment("What clients send into rooms, by event.")
        return [f"{what}type Spoken = {self._map(events, 'input', '')};\n", _SEVERAL]

    def _lists(self, rooms: Sequence[Mapping[str, Any]]) -> str:
        """Write the lists of rooms: one for all events that the same rooms take."""
        takers: dict[str | float, list[str]] = {}
        for room in rooms:
            name = self._template(room) if room["params"] else quoted(room["pattern"])
            for entry in room["client_events"]:
                takers.setdefault(entry["name"], []).append(name)
        groups: dict[str, list[str]] = {}
        for event, names in takers.items():
            groups.setdefault(" | ".join(names), []).append(event_literal(event))
        lines = [
            f"\n    | {{ rooms: Several<{names}>; event: Only<{' | '.join(sorted(events))}> }}"
            for names, events in sorted(groups.items())
        ]
        return "".join(lines) or " { rooms: never[]; event: {} }"

    def _rooms(self, rooms: Sequence[Mapping[str, Any]], content: _Content) -> str:
        """Write content by room; a pattern is a key for all names that match it.

        An exact name that matches a pattern is put in a separate type, since TypeScript requires
        both to agree within one.
        """
        patterns = [_expression(room) for room in rooms if room["params"]]
        apart: list[str] = []
        within: list[str] = []
        for room in rooms:
            name, exact = room["pattern"], not room["params"]
            clashes = exact and any(one.fullmatch(name) for one in patterns)
            key = property_key(name) if exact else f"[room: {self._template(room)}]"
            (apart if clashes else within).append(f"    {key}: {content(room)};\n")
        parts = ["{\n" + "".join(lines) + "  }" for lines in (within, apart) if lines]
        return " & ".join(parts) or "{}"

    def _template(self, room: Mapping[str, Any]) -> str:
        """Write the type of all names that match a pattern."""
        params: Mapping[str, Any] = room["params"]
        parts = [
            self._part(params[part]) if at % 2 else _template_text(part)
            for at, part in enumerate(_PARAMETER.split(room["pattern"]))
        ]
        return f"`{''.join(parts)}`"

    def _part(self, schema: Any) -> str:
        kind = self._types.resolve(schema).get("type")
        return "${number}" if kind in _NUMBERS else "${string}"


def _listened(_room: Mapping[str, Any]) -> str:
    return "Listened"


def _expression(room: Mapping[str, Any]) -> re.Pattern[str]:
    parts = _PARAMETER.split(room["pattern"])
    return re.compile("".join("[^:]+" if at % 2 else re.escape(p) for at, p in enumerate(parts)))


def _template_text(text: str) -> str:
    """Escape text for a template literal: like a string, and also backticks and `${`."""
    inner = quoted(text)[1:-1].replace('\\"', '"')
    return inner.replace("`", "\\`").replace("${", "\\${")
