"""Choice of the class that represents each event.

A payload's own class is the event class if the payload belongs to one event only. Otherwise the
event gets a class derived from the payload's, or a root model around a payload without fields.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bytesocket_cli.codegen.python_models import config_line
from bytesocket_cli.codegen.python_names import class_name, docstring, free_name, literal
from bytesocket_cli.codegen.python_types import AnnotationWriter, has_fields
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

    @property
    def bases(self) -> str:
        """Bases and keyword arguments in the class statement of a payload's own class."""
        return f"{_BASES[self.direction]}, {self.keywords}"

    @property
    def keywords(self) -> str:
        """Keyword arguments of the class statement."""
        volatile = ", volatile=True" if self.entry["volatile"] else ""
        return f"name={literal(self.entry['name'])}{volatile}"

    def derived(
        self, writer: AnnotationWriter, types: Mapping[str, Schema], config: Mapping[str, str]
    ) -> list[str]:
        """Write the declaration of a class that is not the payload's own."""
        payload = writer.annotation(self.schema)
        name = ref_name(self.schema)
        lines = docstring(str(self.entry["doc"]), "    ")
        if name is None or not has_fields(types[name]):
            payload = f"_p.RootModel[{payload}]"
            if config:
                lines += [*([""] if lines else []), config_line(config)]
        base = _BASES[self.direction]
        head = f"class {self.identifier}({base}, {payload}, {self.keywords}):"
        return [head, *(lines or ["    pass"])]


class EventClasses:
    """Event classes of one contract.

    Args:
        events: The contract's events.
        types: The contract's types.
        names: Mapping from the contract name of each type to its Python class name.
        reserved: Names that no event class may have, besides those of types.
    """

    def __init__(
        self,
        events: Sequence[Entry],
        types: Mapping[str, Schema],
        names: Mapping[str, str],
        reserved: Iterable[str],
    ) -> None:
        self._types = types
        self._names = names
        self._taken = {*reserved, *names.values()}
        claims = Counter(name for event in events for name in {*self._claims(event)})
        self._own = {name for name, count in claims.items() if count == 1}
        self.all: list[EventClass] = []
        self.sent: dict[str | float, EventClass] = {}
        self.arriving: dict[str | float, EventClass] = {}
        for event in events:
            self._add(event)

    def of_type(self, name: str) -> EventClass | None:
        """Return the event whose class is the type's own class, or None."""
        return next((event for event in self.all if event.type_name == name), None)

    def _claims(self, event: Entry) -> Iterable[str]:
        for schema in (event["input"], event["output"]):
            name = self._object_name(schema)
            if name is not None:
                yield name

    def _object_name(self, schema: Schema | None) -> str | None:
        if schema is None or set(schema) != {"$ref"}:
            return None
        name = ref_name(schema)
        return name if name is not None and has_fields(self._types[name]) else None

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
        name = self._object_name(schema)
        if name is not None and name in self._own:
            made = EventClass(self._names[name], event, schema, direction, name)
        else:
            number = "" if isinstance(event["name"], str) else "Event"
            wanted = class_name(f"{number}{event['name']}", suffix)
            identifier = free_name(wanted, self._taken, "Event")
            self._taken.add(identifier)
            made = EventClass(identifier, event, schema, direction, None)
        self.all.append(made)
        return made
