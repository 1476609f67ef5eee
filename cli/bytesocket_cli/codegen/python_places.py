"""Marks of generated event classes: base classes that say where an event may go.

`request` and `emit` of the client take the events of one mark, those of each room the events of
another. A mark is generic in the type of the reply, which may differ from place to place. So one
`request` is enough for all events, and checkers need not choose among overloads.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bytesocket_cli.codegen.python_names import as_text, docstring
from bytesocket_cli.codegen.python_types import AnnotationWriter
from bytesocket_cli.codegen.schema import Schema

Entry = Mapping[str, Any]

ARRIVING = "_Arriving"
"""Mark of the events that the server sends."""


@dataclass(frozen=True, slots=True)
class SendingPlace:
    """A place that a client sends events to: outside rooms, or into those of one pattern.

    Attributes:
        mark: Name of the mark of events that may go there.
        title: Words for the place in the mark's documentation.
        replies: Schema of the reply there, by the event's name; None for events without a reply.
        room: Class of the rooms that the place is; None for outside rooms.
    """

    mark: str
    title: str
    replies: Mapping[str | float, Schema | None]
    room: str | None = None

    @classmethod
    def of(
        cls, mark: str, title: str, entries: Iterable[Entry], room: str | None = None
    ) -> "SendingPlace":
        """Make a place of its events' entries in the contract."""
        return cls(mark, title, {entry["name"]: entry["reply"] for entry in entries}, room)


class Marks:
    """The marks of one module.

    Args:
        places: The places that events go to.
        writer: Writer of the replies' annotations.
        is_hearing: True if the server sends events.
    """

    def __init__(
        self, places: Sequence[SendingPlace], writer: AnnotationWriter, *, is_hearing: bool
    ) -> None:
        self._places = [place for place in places if place.replies]
        self._writer = writer
        self._is_hearing = is_hearing

    def declarations(self) -> list[list[str]]:
        """Write the marks' classes, and the type variable of replies."""
        blocks: list[list[str]] = []
        if self._places:
            blocks.append(['_Reply_co = _t.TypeVar("_Reply_co", covariant=True)'])
        for place in self._places:
            doc = f"Mark of events that a client may send {place.title}, and of their reply there."
            blocks.append([f"class {place.mark}(_t.Generic[_Reply_co]):", *docstring(doc, "    ")])
        if self._is_hearing:
            doc = "Mark of events that the server sends."
            blocks.append([f"class {ARRIVING}:", *docstring(doc, "    ")])
        return blocks

    def of(self, event: Entry, direction: str, known: Iterable[str]) -> list[str]:
        """Return the marks of an event class, as bases of its class statement.

        Args:
            event: The event's entry in the contract.
            direction: Sender of the instances of the class.
            known: Contract names that are declared before the class; others are quoted.
        """
        marks = list[str]()
        if direction != "client":
            marks.append(ARRIVING)
        if direction != "server":
            name, declared = event["name"], set(known)
            marks += [
                f"{place.mark}[{self._reply(place.replies[name], declared)}]"
                for place in self._places
                if name in place.replies
            ]
            rooms = [place.room for place in self._places if place.room and name in place.replies]
            if rooms:
                marks.append(f'_bs.Into["{" | ".join(rooms)}"]')
        return marks

    def _reply(self, schema: Schema | None, known: set[str]) -> str:
        if schema is None:
            return "None"
        annotation = self._writer.annotation(schema)
        return annotation if self._writer.references(schema) <= known else as_text(annotation)
