"""Python client of a contract: models, event classes, and a typed class over the runtime.

Everything that is not the contract's is imported under a private alias, so a field or a model
named `date`, `Literal` or `type` shadows nothing.
"""

from collections.abc import Iterable, Sequence

from bytesocket_cli.codegen.python_classes import ClassNames, chosen
from bytesocket_cli.codegen.python_client import (
    Entry,
    VerbWriter,
    authenticating,
    constructor,
    joined_types,
    joining,
    joining_all,
    naming,
    rates_table,
    rooms_table,
)
from bytesocket_cli.codegen.python_events import EventClasses
from bytesocket_cli.codegen.python_models import ModelWriter, received_types
from bytesocket_cli.codegen.python_names import (
    class_name,
    comment,
    docstring,
    literal,
    room_class_name,
)
from bytesocket_cli.codegen.python_places import ARRIVING, Marks, SendingPlace
from bytesocket_cli.codegen.python_presence import presence_block, presence_members
from bytesocket_cli.codegen.python_refusals import RefusalClasses
from bytesocket_cli.codegen.python_types import AnnotationWriter, has_fields, walk
from bytesocket_cli.codegen.rates import declared_rates
from bytesocket_cli.codegen.schema import Document, Schema, is_bytes

Block = list[str]

FINGERPRINT_SHOWN = 16
_IMPORTS = (
    ("_abc", "import collections.abc as _abc"),
    ("_dt", "import datetime as _dt"),
    ("_decimal", "import decimal as _decimal"),
    ("_enum", "import enum as _enum"),
    ("_ssl", "import ssl as _ssl"),
    ("_t", "import typing as _t"),
    ("_uuid", "import uuid as _uuid"),
    ("_bs", "import bytesocket_app.client as _bs"),
    ("_p", "import pydantic as _p"),
    ("_te", "import typing_extensions as _te"),
)
_STANDARD = 7


def python(document: Document) -> str:
    """Write the Python client of a contract.

    The same contract always gives the same text.

    Args:
        document: A contract document, format 1.

    Returns:
        Text of one module, which needs no package but `bytesocket` and its dependencies.

    Raises:
        CliError: Two classes of the module would have one name, or a name that was chosen with
            `class_name=` cannot be the name of a class.
    """
    return _Module(document).text()


class _Module:
    """Writer of one module."""

    def __init__(self, document: Document) -> None:
        self._document = document
        types, taken = document["types"], ClassNames()
        title = document["title"]
        self._client_name = taken.claim(class_name(title, "Client"), "client", title)
        self._refusals = RefusalClasses(document["refusals"], taken)
        rooms = [room for room in document["rooms"] if room["join"] == "client"]
        self._rooms = [(room, _room_name(room, taken)) for room in rooms]
        self._events = EventClasses(document["events"], types, taken, document["rooms"])
        names = self._events.type_names
        payloads = _schemas(document)
        self._writer = AnnotationWriter(types, names)
        received = received_types(document)
        self._models = ModelWriter(types, names, self._writer, payloads, received)
        outside = [event for event in document["events"] if event["global"]]
        self._outside = SendingPlace.of("_Sendable", "outside rooms", outside)
        self._inside = [_inside(room, name) for room, name in self._rooms]
        hears = bool(self._events.arriving)
        self._marks = Marks([self._outside, *self._inside], self._writer, is_hearing=hears)
        self._rates = declared_rates(document)
        self._verbs = VerbWriter(self._events, self._writer, is_paced=bool(self._rates))

    def text(self) -> str:
        """Return the module's whole text."""
        blocks = [
            *self._marks.declarations(),
            *self._type_blocks(),
            *self._event_blocks(),
            *self._refusals.declarations(self._writer),
            *self._constants(),
            *self._room_base(),
            *self._presence(),
            *map(self._room, self._rooms, self._inside),
            *self._joined(),
            self._client(),
        ]
        body = "\n\n\n".join("\n".join(block) for block in blocks)
        return f"{self._head(body)}\n\n\n{body}\n"

    def _head(self, body: str) -> str:
        document = self._document
        title = f"{document['title']} {document['version']}"
        shown = document["fingerprint"][:FINGERPRINT_SHOWN]
        said = f"bytesocket {title} - contract {shown} - generated, do not edit"
        used = [(alias, line) for alias, line in _IMPORTS if f"{alias}." in body]
        standard = [line for alias, line in _IMPORTS[:_STANDARD] if (alias, line) in used]
        other = [line for alias, line in _IMPORTS[_STANDARD:] if (alias, line) in used]
        lines = [comment(said), "# ruff: noqa: I001", "# fmt: off"]
        lines += docstring(f"The client of {title}.", "")
        lines += ["", *standard, *([""] if standard else []), *other]
        return "\n".join(lines)

    def _type_blocks(self) -> list[Block]:
        known: set[str] = set()
        blocks: list[Block] = []
        late: list[str] = []
        for name in self._models.ordered():
            event = self._events.of_type(name)
            schema = self._document["types"][name]
            bases = event.bases(self._marks, known) if event else ""
            doc = str(event.entry["doc"]) if event else ""
            if not self._writer.references(schema) <= known and has_fields(schema):
                late.append(self._events.type_names[name])
            blocks.append(self._models.declaration(name, bases, known, doc))
            known.add(name)
        if late:
            blocks.append([f"{name}.model_rebuild()" for name in late])
        return blocks

    def _event_blocks(self) -> list[Block]:
        types = self._document["types"]
        return [
            event.derived(self._writer, types, self._marks)
            for event in self._events.all
            if event.type_name is None
        ]

    def _constants(self) -> list[Block]:
        document = self._document
        codec = "binary" if any(map(is_bytes, walk(_schemas(document)))) else "json"
        block = [
            "CONTRACT = _bs.ClientContract(",
            f"    title={literal(document['title'])},",
            f"    path={literal(document['path'])},",
            f"    fingerprint={literal(document['fingerprint'])},",
            f"    codec={literal(codec)},",
            *rates_table(self._rates),
            ")",
        ]
        codes = ", ".join(literal(code) for code in document["refusals"])
        if codes:
            block.append(f"RefusalCode: _t.TypeAlias = _t.Literal[{codes}]")
        if self._events.arriving:
            block += ["", f'_Event = _t.TypeVar("_Event", bound={ARRIVING})']
            block += ['_Returned = _t.TypeVar("_Returned")']
        return [block]

    def _room_base(self) -> list[Block]:
        """Write the base class of rooms: any event that the server sends may come in a room."""
        if not self._rooms or not self._verbs.hearing():
            return []
        doc = docstring("A handle on a room.", "    ")
        names = _parted(self._verbs.names())
        return [["class _Room(_bs.Room):", *doc, *names, *self._verbs.hearing()]]

    def _presence(self) -> list[Block]:
        types = self._document["types"]
        blocks = (presence_block(room, name, types, self._writer) for room, name in self._rooms)
        return [block for block in blocks if block]

    def _room(self, named: tuple[Entry, str], place: SendingPlace) -> Block:
        room, name = named
        codes = sorted({code for entry in room["client_events"] for code in entry["refusals"]})
        doc = f"A handle on the room `{room['pattern']}`."
        if room.get("refusals"):
            doc += f"\n\nIts guard refuses with: {self._refusals.shown(room['refusals'])}."
        if codes:
            doc += f"\n\nRefusals of its requests: {self._refusals.shown(codes)}."
        return [
            f"class {name}({self._room_base_name()}):",
            *docstring(doc, "    "),
            *_parted([*self._verbs.parameters(room), *self._verbs.replies(place)]),
            *naming(room, name, self._writer),
            *presence_members(room, name),
            *self._verbs.saying(place),
        ]

    def _room_base_name(self) -> str:
        return "_Room" if self._verbs.hearing() else "_bs.Room"

    def _joined(self) -> list[Block]:
        """Write the type variables of the rooms in a group."""
        types = joined_types(self._room_base_name())
        return [types if len(self._rooms) > 1 else types[:1]] if self._rooms else []

    def _client(self) -> Block:
        document = self._document
        credentials = _credentials(document)
        kind = None if credentials is None else self._writer.annotation(credentials)
        return [
            f"class {self._client_name}(_bs.Client):",
            *docstring(f"A client of {document['title']} {document['version']}.", "    "),
            "",
            "    contract = CONTRACT",
            *self._credentials_type(),
            *self._verbs.names(),
            *self._verbs.replies(self._outside),
            *rooms_table(self._rooms),
            *self._refusals.table(),
            *constructor(kind),
            *authenticating(kind),
            *self._verbs.hearing(),
            *self._verbs.saying(self._outside),
            *joining(self._rooms, self._writer),
            *joining_all(self._rooms),
        ]

    def _credentials_type(self) -> list[str]:
        """Write the type of the credentials, which says how JSON carries them."""
        schema = _credentials(self._document)
        if schema is None:
            return []
        kind = self._writer.annotation(schema)
        return [f"    _credentials: _t.ClassVar[_bs.PayloadType | None] = _bs.PayloadType({kind})"]


def _inside(room: Entry, name: str) -> SendingPlace:
    title = f"into `{room['pattern']}`"
    return SendingPlace.of(f"_SendableIn{name}", title, room["client_events"], name)


def _room_name(room: Entry, taken: ClassNames) -> str:
    pattern = room["pattern"]
    name = chosen(room, f"room {literal(pattern)}") or room_class_name(pattern)
    return taken.claim(name, "room", pattern)


def _parted(lines: Sequence[str]) -> list[str]:
    return ["", *lines] if lines else []


def _credentials(document: Document) -> Schema | None:
    auth: Entry | None = document["auth"]
    return auth.get("credentials") if auth is not None else None


def _schemas(document: Document) -> list[Schema]:
    """List all schemas: of types, events, replies, credentials and refusals."""
    found: list[Iterable[Schema | None]] = [document["types"].values(), [_credentials(document)]]
    found += [[e["input"], e["output"], e["reply"]] for e in document["events"]]
    found += [[e["reply"] for e in room["client_events"]] for room in document["rooms"]]
    found += [[refusal["data"] for refusal in document["refusals"].values()]]
    found += [[room["presence"].get("entry")] for room in document["rooms"] if "presence" in room]
    return [schema for group in found for schema in group if schema is not None]
