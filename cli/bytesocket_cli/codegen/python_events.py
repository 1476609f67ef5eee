"""Choice of the class that represents each event.

A payload's own class is the event class if the payload belongs to one event only, or if an event
chose that name (`class_name`). Otherwise the event gets a class derived from the payload's, or a
root model around a payload without fields, which is named after the event: `Status`, or
`StatusEvent` if a type of its own payload or reply is named so.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bytesocket_cli.codegen.python_classes import ClassNames, chosen
from bytesocket_cli.codegen.python_models import config_line, json_config
from bytesocket_cli.codegen.python_names import (
    docstring,
    event_class_name,
    literal,
    type_class_name,
)
from bytesocket_cli.codegen.python_places import Marks
from bytesocket_cli.codegen.python_types import AnnotationWriter, has_fields, reached
from bytesocket_cli.codegen.schema import Schema, ref_name

Entry = Mapping[str, Any]

_BASES = {"client": "_bs.ClientEvent", "server": "_bs.ServerEvent", "both": "_bs.Event"}


@dataclass(frozen=True, slots=True)
class EventClass:
    """Generated class of an event.

    Attributes:
        identifier: Name of the class in the module.
        entry: The event's entry in the contract.
        schema: Schema of the payload.
        direction: Sender of its instances: `client`, `server` or `both`.
        type_name: Contract name of the payload's class if this is that class, else None.
    """

    identifier: str
    entry: Entry
    schema: Schema
    direction: str
    type_name: str | None

    def bases(self, marks: Marks, known: Iterable[str], payload: str | None = None) -> str:
        """Write the bases and the keyword arguments of the class statement.

        Args:
            marks: The marks of events.
            known: Contract names of types that are declared already.
            payload: Class of the payload, if that is another.
        """
        bases = [_BASES[self.direction], *([payload] if payload else [])]
        bases += marks.of(self.entry, self.direction, known)
        volatile = ["volatile=True"] if self.entry["volatile"] else []
        return ", ".join([*bases, f"name={literal(self.entry['name'])}", *volatile])

    def derived(
        self, writer: AnnotationWriter, types: Mapping[str, Schema], marks: Marks
    ) -> list[str]:
        """Write the declaration of a class that is not the payload's own."""
        payload = writer.annotation(self.schema)
        name = ref_name(self.schema)
        lines = docstring(str(self.entry["doc"]), "    ")
        if name is None or not has_fields(types[name]):
            payload = f"_p.RootModel[{payload}]"
            config = json_config(self.schema, types)
            if config:
                lines += [*([""] if lines else []), config_line(config)]
        head = f"class {self.identifier}({self.bases(marks, types, payload)}):"
        return [head, *(lines or ["    pass"])]


class EventClasses:
    """Event classes of one contract, and the class names of its types.

    Args:
        events: The contract's events.
        types: The contract's types.
        taken: The class names of the module, to which all of these are added.
        rooms: The contract's rooms.

    Attributes:
        type_names: Mapping from the contract name of each type to its Python class name.

    Raises:
        CliError: Two classes would have one name, or a chosen one cannot be a class name.
    """

    def __init__(
        self,
        events: Sequence[Entry],
        types: Mapping[str, Schema],
        taken: ClassNames,
        rooms: Iterable[Entry] = (),
    ) -> None:
        self._types = types
        self._in_rooms: dict[str | float, list[Entry]] = {}
        for entry in (entry for room in rooms for entry in room["client_events"]):
            self._in_rooms.setdefault(entry["name"], []).append(entry)
        self.type_names = {name: type_class_name(name) for name in types}
        self._owners = self._own_classes(events)
        self.all: list[EventClass] = []
        self.sent: dict[str | float, EventClass] = {}
        self.arriving: dict[str | float, EventClass] = {}
        for event in events:
            self._add(event)
        for name, identifier in self.type_names.items():
            if name not in self._owners:
                taken.claim(identifier, "type", name)
        for made in self.all:
            taken.claim(made.identifier, "event", made.entry["name"])

    def of_type(self, name: str) -> EventClass | None:
        """Return the event whose class is the type's own class, or None."""
        return next((event for event in self.all if event.type_name == name), None)

    def _own_classes(self, events: Iterable[Entry]) -> dict[str, str | float]:
        """Find the types whose own class is an event class, and the event that each belongs to."""
        claims = [(name, event) for event in events for name in {*self._claims(event)}]
        count = Counter(name for name, _ in claims)
        return {
            name: event["name"]
            for name, event in claims
            if count[name] == 1 or event.get("class_name") == self.type_names[name]
        }

    def _claims(self, event: Entry) -> Iterator[str]:
        for schema in (event["input"], event["output"]):
            name = self._object_name(schema)
            if name is not None:
                yield name

    def _object_name(self, schema: Schema | None) -> str | None:
        if schema is None or set(schema) != {"$ref"}:
            return None
        name = ref_name(schema)
        return name if name is not None and has_fields(self._types[name]) else None

    def _around(self, event: Entry) -> set[str]:
        """Return the class names of all types of an event's payload and replies."""
        replies = [entry["reply"] for entry in [event, *self._in_rooms.get(event["name"], ())]]
        schemas = [one for one in (event["input"], event["output"], *replies) if one is not None]
        return {self.type_names[name] for name in reached(schemas, self._types)}

    def _add(self, event: Entry) -> None:
        incoming, outgoing = event["input"], event["output"]
        key = event["name"]
        if incoming is not None and incoming == outgoing:
            self.sent[key] = self.arriving[key] = self._class(event, incoming, "both")
            return
        if outgoing is not None:
            self.arriving[key] = self._class(event, outgoing, "server")
        if incoming is not None:
            suffix = "Input" if outgoing is not None else ""
            self.sent[key] = self._class(event, incoming, "client", suffix)

    def _class(self, event: Entry, schema: Schema, direction: str, suffix: str = "") -> EventClass:
        key = event["name"]
        wanted = chosen(event, f"event {literal(key)}")
        name = self._object_name(schema)
        is_own = name is not None and self._owners.get(name) == key
        if wanted is not None:
            wanted += suffix
        elif name is not None and is_own:
            wanted = self.type_names[name]
        else:
            wanted = event_class_name(key) + suffix
            wanted += "Event" if wanted in self._around(event) else ""
        if name is not None and is_own:
            self.type_names[name] = wanted
        made = EventClass(wanted, event, schema, direction, name if is_own else None)
        self.all.append(made)
        return made
