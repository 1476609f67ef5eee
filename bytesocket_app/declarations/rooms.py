"""Declared rooms: who may join, what may be sent into them, and how server code emits to them."""

import logging
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from bytesocket_app.declarations.handlers import (
    PARAMETERS,
    Handler,
    HandlerTable,
    build_handler,
    handler_offers,
)
from bytesocket_app.delivery.hub import Hub
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
from bytesocket_app.types import CodecName, EventName

logger = logging.getLogger("bytesocket")

JoinedBy = Literal["client", "server"]
_Add = Callable[[Callable[..., Any], bool], None]
_Remove = Callable[[Callable[..., Any] | None], None]
_GUARD, _JOIN, _LEAVE = "guard", "on_join", "on_leave"


class Room:
    """A declared room, or a pattern of rooms: `app.room("doc:{doc_id}")`.

    Attributes:
        pattern: Its name or pattern.
        join: Who can put a socket into it: its client, or server code only.
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
        self, pattern: RoomPattern, join: JoinedBy, hub: Hub, catalogue: Catalogue, app: Any
    ) -> None:
        self.pattern = pattern
        self.join: JoinedBy = join
        self.handlers = HandlerTable()
        self.relayed: dict[EventName, EventSpec] = {}
        self.parameters: dict[str, Any] = dict.fromkeys(pattern.parameters, EMPTY)
        self.refusals: dict[type[Refusal], None] = {}
        self._adapters: dict[str, TypeAdapter[Any]] = {}
        self._hooks: Registry[str, Bound] = Registry()
        self._hub = hub
        self._catalogue = catalogue
        self._app = app
        self._app_type: type = type(app)
        self.guard = GuardHook(*self._hooked(_GUARD), self._refuses)
        self.on_join = Hook(*self._hooked(_JOIN))
        self.on_leave = Hook(*self._hooked(_LEAVE))

    def on(
        self,
        event: type[ClientEvent] | ClientHandle[Any],
        *,
        raises: tuple[type[Refusal], ...] = (),
        concurrent: bool = False,
    ) -> Hook:
        """Handle an event that clients send into this room.

        A server event that the handler returns goes to the other members; any other value is the
        reply. Returning None relays an event of both directions as it was sent.

        Raises:
            ConfigurationError: The event is not from clients, or the signature cannot be served.
        """
        spec = self._incoming(event)

        def add(function: Callable[..., Any], once: bool) -> None:  # noqa: FBT001
            handler = self._handler(function, spec, raises, concurrent=concurrent)
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
    ) -> None:
        """Emit to all members: `await doc.emit(Moved(...), doc_id=7)`.

        Raises:
            UndeclaredEvent: The application did not declare the event as its own to send.
            TypeError: A room parameter is missing or unknown.
            ValueError: A room parameter's text cannot stand in a name.
        """
        room = self.name(**parameters)
        self._hub.publish((room,), event, exclude=exclude, codec=codec)

    def name(self, **parameters: object) -> str:
        """The name of one room: `await socket.rooms.join(doc.name(doc_id=7))`.

        Raises:
            TypeError: A room parameter is missing or unknown.
            ValueError: A room parameter's text cannot stand in a name.
        """
        return self.pattern.fill(parameters)

    def members(self, **parameters: object) -> list[Socket[Any]]:
        """The sockets in the room now."""
        return list(self._hub.index.members(self.name(**parameters)))

    def count(self, **parameters: object) -> int:
        """How many sockets are in the room now."""
        return self._hub.index.count(self.name(**parameters))

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

    async def check(self, socket: Socket[Any], room: str, parameters: tuple[Any, ...]) -> None:
        """Run the guards; what they raise comes out here."""
        for bound in self._hooks.take(_GUARD):
            await bound.invoke(socket, None, room, self._app, *parameters)

    async def tell(self, kind: str, socket: Socket[Any], room: str, texts: dict[str, str]) -> None:
        """Run the join or leave hooks. A boundary: what they raise is logged and ends here."""
        for bound in self._hooks.take(kind):
            try:
                await bound.invoke(socket, None, room, self._app, *self.parse(texts))
            except Exception:
                logger.exception("hook %s of room %s failed, %s", bound.source, room, socket)

    def _hooked(self, kind: str) -> tuple[_Add, _Remove]:
        def add(function: Callable[..., Any], once: bool) -> None:  # noqa: FBT001
            offers = handler_offers("", nothing, self._app_type, self.pattern.parameters)
            bound = bind(function, offers, role=f"{kind} of room {self.pattern.text!r}")
            self._learn(bound)
            self._hooks.add(kind, bound, identity=function, once=once)

        return add, partial(self._hooks.remove, kind)

    def _refuses(self, raises: tuple[type[Refusal], ...]) -> None:
        self.refusals.update(dict.fromkeys(raises))

    def _handler(
        self,
        function: Callable[..., Any],
        spec: EventSpec,
        raises: tuple[type[Refusal], ...],
        *,
        concurrent: bool,
    ) -> Handler:
        annotation = spec.payload.annotation
        offers = handler_offers(
            f"event: {type_text(annotation)}",
            lambda name, a: a == annotation or (a is EMPTY and name in {"event", "data"}),
            self._app_type,
            self.pattern.parameters,
        )
        handler = build_handler(
            function, spec, offers, raises=raises, concurrent=concurrent, in_room=True
        )
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
    """All rooms of one application, found by name; told when sockets join and leave."""

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

    async def joined(self, socket: Socket[Any], room: str) -> None:
        """Run the join hooks of a room."""
        await self._tell(_JOIN, socket, room)

    async def left(self, socket: Socket[Any], room: str) -> None:
        """Run the leave hooks of a room."""
        await self._tell(_LEAVE, socket, room)

    async def _tell(self, kind: str, socket: Socket[Any], room: str) -> None:
        found = self.find(room)
        if found is not None:
            await found[0].tell(kind, socket, room, found[1])
