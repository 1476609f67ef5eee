"""Python client of a contract: models, event classes, and a typed class over the runtime.

Everything that is not the contract's is imported under a private alias, so a field or a model
named `date`, `Literal` or `type` shadows nothing.
"""

from collections.abc import Iterable, Mapping, Sequence

from bytesocket_cli.codegen.names import unique_identifiers
from bytesocket_cli.codegen.python_client import (
    Entry,
    Reply,
    VerbWriter,
    constructor,
    joining,
    rates_table,
    rooms_table,
    union,
)
from bytesocket_cli.codegen.python_events import EventClass, EventClasses
from bytesocket_cli.codegen.python_models import ModelWriter, json_config
from bytesocket_cli.codegen.python_names import (
    RESERVED,
    class_name,
    comment,
    docstring,
    free_name,
    literal,
    room_class_name,
)
from bytesocket_cli.codegen.python_types import AnnotationWriter, has_fields, walk
from bytesocket_cli.codegen.rates import declared_rates
from bytesocket_cli.codegen.schema import Document, Schema, is_bytes

Block = list[str]

FINGERPRINT_SHOWN = 16
_CONSTANTS = ("CONTRACT", "RefusalCode")
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
    """
    return _Module(document).text()


class _Module:
    """Writer of one module."""

    def __init__(self, document: Document) -> None:
        self._document = document
        types = document["types"]
        self._rooms = [room for room in document["rooms"] if room["join"] == "client"]
        self._client_name = class_name(document["title"], "Client")
        self._room_names = _room_names(self._rooms)
        reserved = {*RESERVED, *_CONSTANTS, self._client_name, *self._room_names}
        self._names = _public(unique_identifiers(types, reserved), reserved)
        payloads = _schemas(document)
        self._config = json_config(payloads)
        self._writer = AnnotationWriter(types, self._names)
        self._models = ModelWriter(types, self._names, self._writer, self._config, payloads)
        self._events = EventClasses(document["events"], types, self._names, reserved)
        self._rates = declared_rates(document)
        self._verbs = VerbWriter(self._events, self._writer, is_paced=bool(self._rates))

    def text(self) -> str:
        """Return the module's whole text."""
        blocks = [
            *self._type_blocks(),
            *self._event_blocks(),
            *self._constants(),
            *self._room_base(),
            *(self._room(room, name) for room, name in self._joinable()),
            self._client(),
        ]
        body = "\n\n\n".join("\n".join(block) for block in blocks)
        return f"{self._head(body)}\n\n\n{body}\n"

    def _joinable(self) -> list[tuple[Entry, str]]:
        return list(zip(self._rooms, self._room_names, strict=True))

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
            bases = event.bases if event else "_p.BaseModel"
            doc = str(event.entry["doc"]) if event else ""
            if not self._writer.references(schema) <= known and has_fields(schema):
                late.append(self._names[name])
            blocks.append(self._models.declaration(name, bases, known, doc))
            known.add(name)
        if late:
            blocks.append([f"{name}.model_rebuild()" for name in late])
        return blocks

    def _event_blocks(self) -> list[Block]:
        types = self._document["types"]
        return [
            event.derived(self._writer, types, self._config)
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
        arriving = self._events.arriving.values()
        if arriving:
            bound = union(event.identifier for event in arriving)
            block += ["", f'_Arriving = _t.TypeVar("_Arriving", bound={bound})']
            block += ['_Returned = _t.TypeVar("_Returned")']
        return [block]

    def _room_base(self) -> list[Block]:
        """Write the base class of rooms: any event that the server sends may come in a room."""
        if not self._rooms or not self._verbs.hearing():
            return []
        doc = docstring("A handle on a room.", "    ")
        names = _parted(self._verbs.names())
        return [["class _Room(_bs.Room):", *doc, *names, *self._verbs.hearing()]]

    def _room(self, room: Entry, name: str) -> Block:
        sent = [self._events.sent[entry["name"]] for entry in room["client_events"]]
        replies = _replies(sent, room["client_events"])
        codes = sorted({code for entry in room["client_events"] for code in entry["refusals"]})
        doc = f"A handle on the room `{room['pattern']}`."
        if room.get("refusals"):
            doc += f"\n\nIts guard refuses with: {', '.join(room['refusals'])}."
        if codes:
            doc += f"\n\nRefusals of its requests: {', '.join(codes)}."
        return [
            f"class {name}({'_Room' if self._verbs.hearing() else '_bs.Room'}):",
            *docstring(doc, "    "),
            *_parted(self._verbs.replies(replies)),
            *self._verbs.saying(sent, replies),
        ]

    def _client(self) -> Block:
        document = self._document
        everywhere = [event for event in document["events"] if event["global"]]
        sent = [self._events.sent[event["name"]] for event in everywhere]
        replies = _replies(sent, everywhere)
        credentials = _credentials(document)
        return [
            f"class {self._client_name}(_bs.Client):",
            *docstring(f"A client of {document['title']} {document['version']}.", "    "),
            "",
            "    contract = CONTRACT",
            *self._verbs.names(),
            *self._verbs.replies(replies),
            *rooms_table(self._joinable()),
            *constructor(None if credentials is None else self._writer.annotation(credentials)),
            *self._verbs.hearing(),
            *self._verbs.saying(sent, replies),
            *joining(self._joinable(), self._writer),
        ]


def _public(names: Mapping[str, str], reserved: Iterable[str]) -> dict[str, str]:
    """Rename types that begin with an underscore, which is reserved for the module itself."""
    taken = {*reserved, *names.values()}
    public = dict(names)
    for name, identifier in names.items():
        if identifier.startswith("_"):
            public[name] = free_name(f"Model{identifier.lstrip('_')}", taken, "Model")
            taken.add(public[name])
    return public


def _room_names(rooms: Sequence[Entry]) -> list[str]:
    names: list[str] = []
    for room in rooms:
        wanted = room_class_name(room["pattern"])
        if wanted in names:
            wanted = class_name(room["pattern"], "Room")
        names.append(free_name(wanted, names, "_"))
    return names


def _replies(sent: Sequence[EventClass], entries: Sequence[Entry]) -> list[Reply]:
    pairs = zip(sent, entries, strict=True)
    return [(event, entry["reply"]) for event, entry in pairs if entry["reply"] is not None]


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
    return [schema for group in found for schema in group if schema is not None]
