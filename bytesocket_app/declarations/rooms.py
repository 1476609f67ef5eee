"""Declared rooms: guards and hooks, events that may be sent into them, and emits by server code."""

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from functools import partial
from typing import Any, Literal, Protocol

from pydantic import TypeAdapter, ValidationError

from bytesocket_app.declarations.handlers import (
    PARAMETERS,
    Handler,
    HandlerOptions,
    HandlerTable,
    build_handler,
    handler_offers,
)
from bytesocket_app.dependencies import bind
from bytesocket_app.errors import ConfigurationError, Refusal
from bytesocket_app.events import (
    Catalogue,
    ClientEvent,
    ClientHandle,
    Event,
    EventSpec,
    ServerEvent,
    ServerPayload,
)
from bytesocket_app.events.declared import BothHandle
from bytesocket_app.registry import GuardHook, Hook, Registry
from bytesocket_app.rooms import RoomPattern
from bytesocket_app.signature import EMPTY, Bound, nothing, type_text
from bytesocket_app.socket import Socket
from bytesocket_app.types import CodecName, EventName, Outcome

JoinedBy = Literal["client", "server"]
_Add = Callable[[Callable[..., Any], bool], None]
_Remove = Callable[[Callable[..., Any] | None], None]


class RoomHook(Enum):
    """Kinds of functions that a room calls."""

    GUARD = "guard"
    JOIN = "on_join"
    LEAVE = "on_leave"


class RoomBackend(Protocol):
    """Delivery, as far as declared rooms need it."""

    def publish(
        self,
        rooms: Iterable[str],
        event: ServerEvent | ServerPayload[Any],
        *,
        exclude: str | None = None,
        codec: CodecName | None = None,
    ) -> Outcome:
        """Emit to the members of rooms; `exclude` is the id of a socket that gets nothing."""
        ...

    def members(self, room: str, /) -> list[Socket[Any]]:
        """Return the members of a room in this process."""
        ...

    def count(self, room: str, /) -> int:
        """Return the number of members of a room in this process."""
        ...


class Room:
    """A declared room, or a pattern of rooms: `app.room("doc:{doc_id}")`.

    Attributes:
        pattern: Its name or pattern.
        joined_by: Who can put a socket into it: its client, or server code only.
        handlers: The handlers of events that clients send into it.
        relayed: The events that go to the other members as they were sent.
        parameters: The pattern's parameters with the types they were annotated with.
        refusals: What the guards refuse with, as far as they say so.
        guard: Decides who may join, by one message or by a bulk one: raise Refusal to say no.
            Several run in order, the first refusal decides. Server code joins without them.
            `@doc.guard(raises=(Locked,))` tells clients which codes to expect.
        on_join: Called after a socket joined.
        on_leave: Called after a socket left, by any way: a lost connection too.
    """

    def __init__(
        self,
        pattern: RoomPattern,
        join: JoinedBy,
        backend: RoomBackend,
        catalogue: Catalogue,
        app: Any,
    ) -> None:
        self.pattern = pattern
        self.joined_by: JoinedBy = join
        self.handlers = HandlerTable()
        self.relayed: dict[EventName, EventSpec] = {}
        self.parameters: dict[str, Any] = dict.fromkeys(pattern.parameters, EMPTY)
        self.refusals: dict[type[Refusal], None] = {}
        self._adapters: dict[str, TypeAdapter[Any]] = {}
        self._hooks: Registry[RoomHook, Bound] = Registry()
        self._backend = backend
        self._catalogue = catalogue
        self._app = app
        self._app_type: type = type(app)
        self.guard = GuardHook(*self._hooked(RoomHook.GUARD), self._refuses)
        self.on_join = Hook(*self._hooked(RoomHook.JOIN))
        self.on_leave = Hook(*self._hooked(RoomHook.LEAVE))

    def on(
        self,
        event: type[ClientEvent] | ClientHandle[Any],
        *,
        raises: tuple[type[Refusal], ...] = (),
        concurrent: bool = False,
        cancel_on_close: bool = False,
    ) -> Hook:
        """Handle an event that clients send into this room.

        A server event that the handler returns goes to the other members; any other value is the
        reply. Returning None relays an event of both directions as it was sent.

        Args:
            event: A declared class or handle.
            raises: The refusals that clients should know about.
            concurrent: Let the socket's next message be handled before this one is done.
            cancel_on_close: Cancel a call when the connection is lost or closed.

        Raises:
            ConfigurationError: The event is not from clients, or the signature cannot be served.
        """
        spec = self._incoming(event)
        options = HandlerOptions(
            raises=raises, concurrent=concurrent, cancel_on_close=cancel_on_close
        )

        def add(function: Callable[..., Any], once: bool) -> None:  # noqa: FBT001
            handler = self._handler(function, spec, options)
            self.handlers.add(handler, once=once)

        return Hook(add, partial(self.handlers.remove, spec.name))

    def relay(self, *events: type[Event] | BothHandle[Any]) -> None:
        """Let members send these events to each other; they are validated, and no more.

        Raises:
            ConfigurationError: An event is not of both directions.
        """
        for event in events:
            spec = self._incoming(event)
            if not spec.from_server:
                raise ConfigurationError(
                    f"{spec.name!r} cannot be relayed in {self.pattern.text!r}: only clients send "
                    f"it ({spec.source}). Derive it from Event, or handle it with `room.on`."
                )
            self.relayed[spec.name] = spec

    async def emit(
        self,
        event: ServerEvent | ServerPayload[Any],
        *,
        exclude: Socket[Any] | None = None,
        codec: CodecName | None = None,
        **parameters: object,
    ) -> Outcome:
        """Emit to all members: `await doc.emit(Moved(...), doc_id=7)`; never waits.

        Returns:
            "sent", even if nobody is in the room.

        Raises:
            UndeclaredEvent: The application did not declare the event as its own to send.
            TypeError: A room parameter is missing or unknown.
            ValueError: A room parameter's text cannot stand in a name.
        """
        room = self.name(**parameters)
        excluded = None if exclude is None else exclude.id
        return self._backend.publish((room,), event, exclude=excluded, codec=codec)

    def name(self, **parameters: object) -> str:
        """The name of one room: `await socket.rooms.join(doc.name(doc_id=7))`.

        Raises:
            TypeError: A room parameter is missing or unknown.
            ValueError: A room parameter's text cannot stand in a name.
        """
        return self.pattern.fill(parameters)

    def members(self, **parameters: object) -> list[Socket[Any]]:
        """The sockets in the room now."""
        return self._backend.members(self.name(**parameters))

    def count(self, **parameters: object) -> int:
        """How many sockets are in the room now."""
        return self._backend.count(self.name(**parameters))

    def functions(self) -> Iterator[Bound]:
        """The handlers, guards and hooks."""
        yield from (handler.bound for handler in self.handlers.all())
        for kind in self._hooks:
            yield from self._hooks.peek(kind)

    def event(self, name: EventName) -> EventSpec | None:
        """The event of this name if clients may send it into this room."""
        ready = self.handlers.ready.get(name)
        if ready is not None:
            return ready.spec
        spec = self.relayed.get(name)
        if spec is None and (handlers := self.handlers.of(name)):
            spec = handlers[0].spec
        return spec

    def parse(self, texts: dict[str, str]) -> tuple[Any, ...]:
        """Turn a name's parts into the parameters' types.

        Raises:
            Refusal: A part is not of its type; the code is "invalid".
        """
        values: list[Any] = []
        for name, text in texts.items():
            try:
                values.append(self._adapter(name).validate_strings(text))
            except ValidationError as exc:
                problem = exc.errors(include_url=False, include_input=False)[0]["msg"]
                raise Refusal(
                    f"{self.pattern.text}: {name} cannot be {text[:64]!r}: {problem}.",
                    code="invalid",
                ) from exc
        return tuple(values)

    def hooks(self, kind: RoomHook) -> tuple[Bound, ...]:
        """Take the functions of a kind for one call: those for one time only are gone then."""
        return self._hooks.take(kind)

    def _hooked(self, kind: RoomHook) -> tuple[_Add, _Remove]:
        def add(function: Callable[..., Any], once: bool) -> None:  # noqa: FBT001
            offers = handler_offers("", nothing, self._app_type, self.pattern.parameters)
            bound = bind(function, offers, role=f"{kind.value} of room {self.pattern.text!r}")
            self._learn(bound)
            self._hooks.add(kind, bound, identity=function, once=once)

        return add, partial(self._hooks.remove, kind)

    def _refuses(self, raises: tuple[type[Refusal], ...]) -> None:
        self.refusals.update(dict.fromkeys(raises))

    def _handler(
        self,
        function: Callable[..., Any],
        spec: EventSpec,
        options: HandlerOptions,
    ) -> Handler:
        annotation = spec.payload.annotation
        offers = handler_offers(
            f"event: {type_text(annotation)}",
            lambda name, a: a == annotation or (a is EMPTY and name in {"event", "data"}),
            self._app_type,
            self.pattern.parameters,
        )
        handler = build_handler(function, spec, offers, options, in_room=True)
        self._learn(handler.bound)
        self._catalogue.check_reply(handler.reply, spec, lambda: handler.bound.source)
        return handler

    def _incoming(self, event: Any) -> EventSpec:
        spec = self._catalogue.declare(event)
        if not spec.from_client:
            raise ConfigurationError(
                f"{spec.name!r} cannot come into room {self.pattern.text!r}: the server sends it "
                f"({spec.source}). Derive it from ClientEvent, or from Event for both directions."
            )
        return spec

    def _learn(self, bound: Bound) -> None:
        """Take the room parameters' types from a function's annotations and its dependencies'."""
        for index, annotation in (*bound.annotations.items(), *bound.nested):
            if index < PARAMETERS or annotation is EMPTY:
                continue
            name = self.pattern.parameters[index - PARAMETERS]
            known = self.parameters[name]
            if known is not EMPTY and known != annotation:
                raise ConfigurationError(
                    f"{bound.source}: {name} of room {self.pattern.text!r} is "
                    f"{type_text(annotation)} here and {type_text(known)} elsewhere. Use one type."
                )
            self.parameters[name] = annotation
            self._adapters.pop(name, None)

    def _adapter(self, name: str) -> TypeAdapter[Any]:
        adapter = self._adapters.get(name)
        if adapter is None:
            annotation = self.parameters[name]
            adapter = TypeAdapter(str if annotation is EMPTY else annotation)
            self._adapters[name] = adapter
        return adapter


class DeclaredRooms:
    """All rooms of one application, found by name."""

    def __init__(self) -> None:
        self._exact: dict[str, Room] = {}
        self._patterns: list[Room] = []
        # By what their names begin with, so that a message does not try a thousand patterns.
        self._beginnings: dict[str, list[Room]] = {}
        self._lengths: list[int] = []

    def add(self, room: Room) -> None:
        """Declare a room.

        Raises:
            ConfigurationError: It is declared already, or another pattern fits the same names.
        """
        pattern = room.pattern
        for other in (each.pattern for each in self.all()):
            if other.text == pattern.text:
                raise ConfigurationError(
                    f"Room {pattern.text!r} is declared twice, at {other.source} and at "
                    f"{pattern.source}: keep what `app.room` returned and use it."
                )
            if not (pattern.is_exact or other.is_exact) and other.overlaps(pattern):
                raise ConfigurationError(
                    f"Rooms {other.text!r} ({other.source}) and {pattern.text!r} "
                    f"({pattern.source}) can mean the same name: give them different beginnings."
                )
        if pattern.is_exact:
            self._exact[pattern.text] = room
        else:
            self._patterns.append(room)
            self._beginnings.setdefault(pattern.beginning, []).append(room)
            self._lengths = sorted({len(beginning) for beginning in self._beginnings})

    def find(self, name: str) -> tuple[Room, dict[str, str]] | None:
        """The declared room that a name belongs to, and its parameters' texts."""
        exact = self._exact.get(name)
        if exact is not None:
            return exact, {}
        for length in self._lengths:
            for room in self._beginnings.get(name[:length], ()):
                texts = room.pattern.match(name)
                if texts is not None:
                    return room, texts
        return None

    def all(self) -> Iterable[Room]:
        """Every declared room."""
        return (*self._exact.values(), *self._patterns)
