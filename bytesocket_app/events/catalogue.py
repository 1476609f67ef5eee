"""Catalogue of an application's events: their names, directions, payloads and encoding."""

import pkgutil
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cached_property
from importlib import import_module
from inspect import getdoc
from types import ModuleType
from typing import Any, Literal, TypeAlias, cast

from typing_extensions import override

from bytesocket_app.errors import (
    ConfigurationError,
    Refusal,
    UndeclaredEvent,
    caller,
    near,
    where,
)
from bytesocket_app.events.declared import EventHandle, is_handle, is_payload
from bytesocket_app.events.findings import Way
from bytesocket_app.events.lint import Lint
from bytesocket_app.events.model import EventModel
from bytesocket_app.events.payload import PayloadType
from bytesocket_app.events.refusal_data import data_type
from bytesocket_app.similar import Similar
from bytesocket_app.types import CodecName, Direction, EventName
from bytesocket_app.wire import CODECS, HOLE

Declaration: TypeAlias = type[EventModel] | EventHandle[Any]
EventSource: TypeAlias = ModuleType | Sequence[Declaration]
"""Source of an application's events: a module, or a list of classes and handles."""


Writer: TypeAlias = Callable[[Any], bytes]
"""Function that encodes a message outside rooms, given its payload; raises `EncodeError`."""

RoomWriter: TypeAlias = Callable[[str | list[str], Any], bytes]
"""Function that encodes a message for one or more rooms, given their names and its payload;
raises `EncodeError`."""

RoomKey: TypeAlias = Literal["room", "rooms"]
"""Key of a message that names its room or rooms."""


class EventSpec:
    """One declared event.

    Attributes:
        name: The event's name on the wire.
        direction: Sender of the event: clients, the server, or both.
        from_client: True if clients may send this event.
        from_server: True if the server may send this event.
        payload: The payload's type.
        volatile: True if the event may be lost.
        subject: Field of a volatile event; a newer event replaces an older one only if this field
            is equal.
        origin: The class or handle that declares the event; None for `on("name")`.
        reply: The declared reply's type, or None.
        class_name: Name of its class in generated Python clients, if the declaration chose one.
    """

    def __init__(
        self,
        name: EventName,
        direction: Direction,
        annotation: Any,
        *,
        origin: "type[EventModel] | EventHandle[Any] | None" = None,
        source: str = "",
    ) -> None:
        self.name = name
        self.direction: Direction = direction
        self.from_client = direction != "server"
        self.from_server = direction != "client"
        # As `get_type_hints` writes a handler's `event: None`.
        payload = type(None) if annotation is None else annotation
        self.payload = PayloadType(payload, what=f"event {name!r}")
        self.origin = origin
        self._source = source
        self.volatile = isinstance(origin, type) and origin.__event_volatile__
        self.subject = origin.__event_subject__ if isinstance(origin, type) else None
        self._writers: dict[CodecName, Writer] = {}
        self._room_writers: dict[tuple[CodecName, RoomKey], RoomWriter] = {}
        self.reply: Any = origin.reply if isinstance(origin, EventHandle) else None
        self.class_name: str | None = origin.class_name if is_handle(origin) else None
        if isinstance(origin, type):
            self.class_name = origin.__event_class_name__

    @cached_property
    def source(self) -> str:
        """`file:line` of the declaration, for messages; found on first use, since that is slow."""
        if self._source or self.origin is None:
            return self._source
        return where(self.origin) if isinstance(self.origin, type) else self.origin.source

    @cached_property
    def doc(self) -> str:
        """The class's own docstring, cleaned; empty without one."""
        own = vars(self.origin).get("__doc__") if isinstance(self.origin, type) else None
        return (getdoc(self.origin) or "").strip() if own else ""

    def writer(self, codec: CodecName) -> Writer:
        """Return the function that encodes a whole message outside rooms, given its payload."""
        found = self._writers.get(codec)
        if found is None:
            start, end = CODECS[codec].envelope({"event": self.name, "data": HOLE})
            found = self._writers[codec] = self.payload.writer(codec, start, end)
        return found

    def room_writer(self, codec: CodecName, key: RoomKey) -> RoomWriter:
        """Return the function that encodes a whole message for a room, or for several rooms."""
        found = self._room_writers.get((codec, key))
        if found is None:
            encode = CODECS[codec].encode
            message = {key: HOLE, "event": self.name, "data": HOLE}
            start, middle, end = CODECS[codec].envelope(message)
            write = self.payload.writer(codec, middle, end)
            found = self._room_writers[codec, key] = lambda names, payload: (
                start + encode(names) + write(payload)
            )
        return found

    def subject_of(self, payload: object) -> str | None:
        """Return the value of a volatile event's `subject` field as text; None without the field.

        Of the events with one value, the newest is enough.
        """
        return None if self.subject is None else str(getattr(payload, self.subject, None))

    @override
    def __repr__(self) -> str:
        return f"<event {self.name!r} from {self.direction}, {self.source}>"


class Catalogue:
    """The declared events of one application, by name and by class.

    Args:
        source: A module, or a list of classes and handles.
        lint: Checks the types of payloads and replies; None checks nothing.
        owner: What was given the source as `events=`, for messages.
    """

    def __init__(
        self, source: EventSource = (), lint: Lint | None = None, *, owner: str = "ByteSocket"
    ) -> None:
        self._lint = lint
        self._owner = owner
        self._is_applications = owner == "ByteSocket"
        self.by_name: dict[EventName, EventSpec] = {}
        self._by_text: dict[str, EventSpec] = {}
        self._by_origin: dict[object, EventSpec] = {}
        self._similar: Similar | None = None
        self._incomplete: dict[type[Refusal], None] = {}
        for item in _collect(source):
            self.declare(item)

    def declare(self, item: Any) -> EventSpec:
        """Add an event class or a handle; adding it again has no effect.

        Raises:
            ConfigurationError: The item is no event, another event has its name, or a lint finding
                is an error.
        """
        known = self.spec(item)
        if known is not None:
            return known
        if is_handle(item):
            spec = EventSpec(item.name, item.direction, item.payload, origin=item)
        elif isinstance(item, type) and issubclass(item, EventModel):
            if item.__event_abstract__:
                raise ConfigurationError(
                    f"{item.__name__} is a base for events, not an event ({where(item)}): "
                    "derive a class from it."
                )
            name, direction = item.__event_name__, item.__event_direction__
            spec = EventSpec(name, direction, item, origin=item)
        else:
            raise ConfigurationError(
                f"{item!r} is no event ({caller()}): pass a class derived from ClientEvent, "
                "ServerEvent or Event, or a handle made by `app.declare`."
            )
        self.add(spec)
        self._by_origin[item] = spec
        return spec

    def add(self, spec: EventSpec) -> EventSpec:
        """Add a spec, and check the types of its payload and reply.

        Raises:
            ConfigurationError: Another event has the name (`7` and `"7"` count as one), or a lint
                finding is an error.
        """
        twin = self._by_text.setdefault(str(spec.name), spec)
        if twin is not spec:
            raise ConfigurationError(
                f"Two events are named {spec.name!r}: {_named(twin)} and {_named(spec)}. "
                "Give one of them another name with `name=`."
            )
        self.by_name[spec.name] = spec
        self._similar = None
        incoming: tuple[Way, ...] = ("input",) if spec.from_client else ()
        outgoing: tuple[Way, ...] = ("output",) if spec.from_server else ()
        self.check(spec.payload, incoming + outgoing, f"event {spec.name!r}", lambda: spec.source)
        if spec.reply is not None:
            self.check_reply(PayloadType(spec.reply), spec, lambda: spec.source)
        return spec

    def check(
        self, payload: PayloadType, ways: Sequence[Way], what: str, source: Callable[[], str]
    ) -> None:
        """Check a type; see `Lint.check`."""
        if self._lint is not None:
            self._lint.check(payload, ways, what, source)

    def check_reply(
        self, reply: PayloadType | None, spec: EventSpec, source: Callable[[], str]
    ) -> None:
        """Check the type of an event's reply, if there is one; see `Lint.check`."""
        if reply is not None:
            self.check(reply, ["output"], f"reply to event {spec.name!r}", source)

    def check_refusals(self, raises: Sequence[type[Refusal]]) -> None:
        """Check the types of refusals' data; see `Lint.check`."""
        for kind in raises:
            try:
                data = data_type(kind)
            except ConfigurationError:  # at `settle`, when the names that it refers to are known
                self._incomplete[kind] = None
            else:
                self._check_data(kind, data)

    def _check_data(self, kind: type[Refusal], data: PayloadType | None) -> None:
        if data is not None:
            what = f"data of refusal {kind.__refusal_code__!r}"
            self.check(data, ["output"], what, lambda: where(kind))

    def settle(self) -> None:
        """Check the types that were not complete when they were declared; see `Lint.settle`."""
        for kind in tuple(self._incomplete):
            self._check_data(kind, data_type(kind))
            del self._incomplete[kind]
        if self._lint is not None:
            self._lint.settle()

    def outgoing(self, event: object) -> tuple[EventSpec, Any]:
        """Return the spec and the payload of an event that the server emits.

        Raises:
            UndeclaredEvent: The application did not declare the event, or only clients send it.
        """
        payload: Any = event
        spec = self._by_origin.get(type(event))
        if spec is None and is_payload(event):
            spec, payload = self._by_origin.get(event.handle), event.value
        if spec is None or not spec.from_server:
            raise self._not_outgoing(event, spec)
        return spec, payload

    def spec(self, origin: object) -> EventSpec | None:
        """Return the spec of a class or handle; None if it is not declared."""
        return self._by_origin.get(origin) if isinstance(origin, Hashable) else None

    def near(self, name: object) -> str:
        """Return a hint to a similar declared name, ` Did you mean 'chat:post'?`, or ""."""
        return near(name, self.by_name)

    def shown(self, name: EventName | None) -> str:
        """Return the name of a declared event, quoted, for the log; not what else a peer sent."""
        return repr(name) if name in self.by_name else "an undeclared event"

    def hint(self, name: object, fits: Callable[[EventName], object] | None = None) -> str:
        """Return a hint for a peer to a similar event that clients may send, or ""; see `Similar`.

        Args:
            name: What the peer sent.
            fits: Called with names; it is to be one of those it returns something for.
        """
        if self._similar is None:
            self._similar = Similar(n for n, spec in self.by_name.items() if spec.from_client)
        return self._similar.hint(name, fits)

    def __iter__(self) -> Iterator[EventSpec]:
        return iter(self.by_name.values())

    @property
    def _owned(self) -> str:
        return "application" if self._is_applications else self._owner

    def _not_outgoing(self, event: object, spec: EventSpec | None) -> UndeclaredEvent:
        title = type(event).__name__
        or_declare = ", or declare it with this application's `declare`" * self._is_applications
        if spec is not None:
            remedy = (
                "Declare it with direction='server' or 'both'"
                if is_payload(event)
                else "Derive it from ServerEvent, or from Event for both directions"
            )
            return UndeclaredEvent(
                f"Event {spec.name!r} cannot be emitted: clients send it ({spec.source}). {remedy}."
            )
        if isinstance(event, EventModel):
            return UndeclaredEvent(
                f"{title} ({where(type(event))}) is not declared to this {self._owned}: add it to "
                f"`{self._owner}(events=...)`.{self.near(type(event).__event_name__)}"
            )
        if is_payload(event):
            return UndeclaredEvent(
                f"Event {event.handle.name!r} ({event.handle.source}) is not declared to this "
                f"{self._owned}: add its handle to `{self._owner}(events=...)`{or_declare}."
                f"{self.near(event.handle.name)}"
            )
        return UndeclaredEvent(
            # Without its text: this goes to the log, and a value may hold what nobody should read.
            f"{event!r} is no event: emit an instance of a class derived from ServerEvent or "
            "Event, or call a handle made by `app.declare`."
            if isinstance(event, type)
            else f"A value of type {title} is no event: emit an instance of a class derived from "
            "ServerEvent or Event, or call a handle made by `app.declare`."
        )


def _named(spec: EventSpec) -> str:
    if isinstance(spec.origin, type):
        return f"{spec.origin.__qualname__} ({spec.source})"
    return spec.source or repr(spec.name)


def _collect(source: Any) -> Iterator[Declaration]:
    if not isinstance(source, ModuleType):
        if isinstance(source, str) or not isinstance(source, Sequence):
            raise ConfigurationError(
                f"events={source!r} ({caller()}) is no place to find events: pass a module, as in "
                "`from . import events`, or a list of event classes and handles."
            )
        yield from cast("Sequence[Declaration]", source)
        return
    found: dict[Declaration, None] = {}
    for module in _modules(source):
        for value in vars(module).values():
            if is_handle(value):
                found.setdefault(value)
            elif isinstance(value, type) and issubclass(value, EventModel):
                inside = f"{value.__module__}.".startswith(f"{source.__name__}.")
                if inside and not value.__event_abstract__:
                    found.setdefault(value)
    yield from found


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    yield package
    for info in pkgutil.walk_packages(getattr(package, "__path__", ()), f"{package.__name__}."):
        if not info.name.endswith(".__main__"):  # importing one runs it
            yield import_module(info.name)
