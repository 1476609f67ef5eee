"""Declared rooms: guards and hooks, events that may be sent into them, and emits by server code."""

from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from itertools import islice
from typing import Any, Final, Literal, Never

from typing_extensions import override

from bytesocket_app.declarations.handlers import (
    PARAMETERS,
    Handler,
    HandlerOptions,
    HandlerTable,
    build_handler,
    handler_offers,
)
from bytesocket_app.declarations.handles import RoomHandle
from bytesocket_app.declarations.pending import Add, Pending, Remove
from bytesocket_app.declarations.presence import PresenceHost, PresenceKind, RoomPresence
from bytesocket_app.declarations.rates import Per, Rate
from bytesocket_app.declarations.room_hooks import EveryRoom, RoomHook, check_guard
from bytesocket_app.declarations.scope import DeclarationScope, RoomBackend
from bytesocket_app.dependencies import bind
from bytesocket_app.errors import ConfigurationError, Refusal, caller, near, warn_renamed
from bytesocket_app.events import (
    Catalogue,
    ClientEvent,
    ClientHandle,
    Event,
    EventSpec,
    ServerEvent,
    ServerPayload,
    checked_class_name,
)
from bytesocket_app.events.declared import BothHandle
from bytesocket_app.middleware import MiddlewareChain
from bytesocket_app.registry import Hook, Registry
from bytesocket_app.rooms import (
    ALLOWED,
    BROADCAST_ROOM,
    Misspelt,
    ParameterType,
    RoomPattern,
    Untyped,
    is_same,
)
from bytesocket_app.signature import EMPTY, Bound, nothing, type_text
from bytesocket_app.similar import COMPARED, LENGTH, Similar
from bytesocket_app.socket import Socket
from bytesocket_app.types import CodecName, EventName, Outcome

JoinedBy = Literal["client", "server"]

_NAMED: Final = 256
"""Characters of a right name that an answer holds at most."""


class Room:
    """A declared room, or a pattern of rooms: `app.room("doc:{doc_id}")`.

    An application's room is declared at once. A router's waits for the router's inclusion: its
    functions' signatures are resolved then, and its verbs raise ConfigurationError before.

    Attributes:
        pattern: Its name or pattern; a router's prefix stands before it, once that is known.
        source: `file:line` where it was declared.
        joined_by: Who can put a socket into it: its "client", or code of the "server" only.
        handlers: The handlers of events that clients send into it.
        relayed: The events that go to the other members as they were sent.
        parameters: The pattern's parameters with the types they were annotated with.
        refusals: The refusals that its guards name.
        class_name: Name of its class in generated Python clients, if one was chosen.
        chain: The middleware of the routers around it; None without.
        guard: Decides who may join, by one message or by a bulk one: raise Refusal to say no.
            Several run in order, the first refusal decides. Server code joins without them.
            `@doc.guard(raises=(Locked,))` tells clients which codes to expect.
        leave_guard: Decides in the same way whether a member may leave when it asks to. Nobody is
            asked when a connection ends, when server code takes a socket out, or about a room that
            the client is not in.
        on_join: Called after a socket joined.
        on_leave: Called after a socket left, by any way: a lost connection too.
        presence: Who is in it, in all processes, and what members see of each other.
    """

    def __init__(
        self,
        pattern: RoomPattern,
        joined_by: JoinedBy,
        class_name: str | None = None,
        presence: PresenceKind | None = None,
    ) -> None:
        self.pattern = pattern
        self.joined_by: JoinedBy = joined_by
        self.source = caller()
        self.class_name = checked_class_name(class_name, f"room {pattern.text!r}", pattern.source)
        self.handlers = HandlerTable()
        self.relayed: dict[EventName, EventSpec] = {}
        self.parameters: dict[str, Any] = dict.fromkeys(pattern.parameters, EMPTY)
        self.refusals: dict[type[Refusal], None] = {}
        self.chain: MiddlewareChain | None = None
        self._types = dict.fromkeys(pattern.parameters, Untyped())
        self._hooks: Registry[RoomHook, Bound] = Registry(Bound.withdraw)
        self._pending: Pending[DeclarationScope] = Pending()
        self.guard = self._pending.guard_hook(*self._hooked(RoomHook.GUARD), self._refuses)
        self.leave_guard = self._pending.guard_hook(
            *self._hooked(RoomHook.LEAVE_GUARD), self._refuses
        )
        self.on_join = self._pending.hook(*self._hooked(RoomHook.JOIN))
        self.on_leave = self._pending.hook(*self._hooked(RoomHook.LEAVE))
        host = PresenceHost(
            self.name,
            lambda: repr(self.pattern.text),
            lambda: self.pattern.parameters,
            self._learn,
        )
        self.presence = RoomPresence(host, presence)

    def declare(self, scope: DeclarationScope) -> None:
        """Become a room of an application; its decorators and verbs do this by themselves.

        Raises:
            ConfigurationError: It is declared already, could mean another one's names, is the room
                of all sockets, or one of its functions cannot be served.
        """
        if scope.outer:
            self.pattern = self.pattern.after(scope.outer)
            self.parameters = dict.fromkeys(self.pattern.parameters, EMPTY)
            self._types = dict.fromkeys(self.pattern.parameters, Untyped())
        check_room(self.pattern, self.joined_by)
        scope.rooms.add(self)
        self.chain = scope.chain
        self._pending.reach(scope)
        self.presence.declare(scope)

    def on(  # noqa: PLR0913 - all by keyword, each its own theme
        self,
        event: type[ClientEvent] | ClientHandle[Any],
        *,
        raises: tuple[type[Refusal], ...] = (),
        concurrent: bool = False,
        cancel_on_close: bool = False,
        rate: str | None = None,
        burst: int | None = None,
        per: Per = "socket",
        shared: bool = False,
    ) -> Hook:
        """Handle an event that clients send into this room.

        A server event that the handler returns goes to the other members; any other value is the
        reply. Returning None relays an event of both directions as it was sent. The return
        annotation names both, `-> Moved | int`; see `ByteSocket.on` for what it does not name.

        Args:
            event: A declared class or handle.
            raises: The refusals that clients should know about.
            concurrent: Let the socket's next message be handled before this one is done.
            cancel_on_close: Cancel a call when the connection is lost or closed.
            rate: How often it may come into all rooms of this pattern together, `"5/s"`; see
                `ByteSocket.on`.
            burst: How many may come at once after a pause.
            per: Who has that rate: each "socket", "user" or "address".
            shared: Let all processes count it together; see `ByteSocket.on`.

        Raises:
            ConfigurationError: The event is not from clients, the signature cannot be served, or
                the rate cannot be or is not that of the event's other handlers here.
        """
        name = Catalogue(()).declare(event).name  # now: `@room.on` alone would lose the function
        self._pending.do(lambda scope: self._incoming(scope, event))
        options = HandlerOptions(
            raises=raises,
            concurrent=concurrent,
            cancel_on_close=cancel_on_close,
            rate=Rate.read(rate, burst, per, shared),
        )

        def add(scope: DeclarationScope, function: Callable[..., Any], once: bool) -> None:  # noqa: FBT001
            spec = self._incoming(scope, event)
            self.handlers.add(self._handler(scope, function, spec, options), once=once)
            scope.rates.add(options.rate, spec.name, self.pattern.text)

        return self._pending.hook(
            add, lambda _scope, function: self.handlers.remove(name, function)
        )

    def relay(
        self,
        *events: type[Event] | BothHandle[Any],
        rate: str | None = None,
        burst: int | None = None,
        per: Per = "socket",
        shared: bool = False,
    ) -> None:
        """Let members send these events to each other; they are validated, and no more.

        Args:
            events: The events.
            rate: How often each of them may come, as in `on`.
            burst: How many may come at once after a pause.
            per: Who has that rate: each "socket", "user" or "address".
            shared: Let all processes count it together; see `ByteSocket.on`.

        Raises:
            ConfigurationError: An event is not of both directions, or the rate cannot be.
        """
        for event in events:
            Catalogue(()).declare(event)
        rates = [Rate.read(rate, burst, per, shared) for _ in events]
        self._pending.do(lambda scope: self._relay(scope, events, rates))

    def unrelay(self, *events: type[Event] | BothHandle[Any]) -> None:
        """Take back what `relay` declared, also while clients are connected; never fails.

        From then on who sends the event here is refused with `unknown_event`, unless `on` handles
        it (`room.on(Wave).remove()` takes handlers back), or the application relays what nobody
        declared (`Policies(undeclared="open")`). `app.contract()` is without it. Clients that were
        generated before still offer it, and count as clients of this application's contract: that
        is compared as it was when the first client named one.

        Args:
            events: The events; all that are relayed here if there are none.
        """
        names = [Catalogue(()).declare(event).name for event in events]
        self._pending.do(lambda _scope: self._unrelay(names or tuple(self.relayed)))

    def at(self, /, *values: Never, **parameters: object) -> RoomHandle:
        """Return the handle of one room: `doc.at(doc_id=7)`.

        Raises:
            TypeError: A room parameter is missing, unknown or not of its type.
            ValueError: A room parameter's text cannot stand in a name, or is not its value's own.
        """
        if values:
            wanted = ", ".join(f"{name}=..." for name in self.pattern.parameters)
            raise TypeError(
                f"Room {self.pattern.text!r} takes its parameters by name: at({wanted})."
            )
        name = self.name(**parameters)
        if self._pending.scope is None:  # routers around may put their prefixes before it
            return RoomHandle(lambda: self.name(**parameters), self._backend)
        return RoomHandle(name, self._backend)

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
            ConfigurationError: The room's router is not included yet.
            UndeclaredEvent: The application did not declare the event as its own to send.
            TypeError: A room parameter is missing, unknown or not of its type.
            ValueError: A room parameter's text cannot stand in a name, or is not its value's own.
        """
        return await self.at(**parameters).emit(event, exclude=exclude, codec=codec)

    def name(self, /, **parameters: object) -> str:
        """Return the name of one room: `await socket.rooms.join(doc.name(doc_id=7))`.

        Raises:
            TypeError: A room parameter is missing, unknown or not of its type.
            ValueError: A room parameter's text cannot stand in a name, or is not its value's own.
        """
        return self.pattern.fill(parameters, self._types)

    def sockets(self, /, **parameters: object) -> list[Socket[Any]]:
        """Return the members of one room: sockets of this process."""
        return self.at(**parameters).sockets()

    @override
    def __repr__(self) -> str:
        return f"<room {self.pattern.text!r}>"

    def members(self, /, **parameters: object) -> list[Socket[Any]]:
        """Return what `sockets` does: its old name."""
        warn_renamed("Room.members()", "Room.sockets()")
        return self.sockets(**parameters)

    def count(self, /, **parameters: object) -> int:
        """Return the number of members of one room in this process."""
        return self.at(**parameters).count()

    @property
    def join(self) -> JoinedBy:
        """Old name of `joined_by`."""
        warn_renamed("Room.join", "Room.joined_by")
        return self.joined_by

    def functions(self) -> Iterator[Bound]:
        """Yield the handlers, guards and hooks."""
        yield from (handler.bound for handler in self.handlers.all())
        yield from self.presence.functions()
        for kind in self._hooks:
            yield from self._hooks.peek(kind)

    def event(self, name: EventName) -> EventSpec | None:
        """Return the event of this name if clients may send it into this room."""
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
            Refusal: A part is not of its type, or not the one text that its value has, so that the
                room's name is another one; the code is "invalid".
        """
        types = self._types
        try:
            return tuple([types[name].parse(text) for name, text in texts.items()])
        except Misspelt as error:
            raise Refusal(self._misspelt(texts), code="invalid") from error

    def _misspelt(self, texts: dict[str, str]) -> str:
        """Say what is wrong with a name's parts, and the right name if all have a right text."""
        right: dict[str, str] = {}
        problems: list[str] = []
        for name, text in texts.items():
            try:
                self._types[name].parse(text)
            except Misspelt as error:
                problems.append(f"{name} cannot be {text[:64]!r}: {error}")
                if error.right is None:
                    return f"{self.pattern.text}: {problems[-1]}."
                right[name] = error.right
            else:
                right[name] = text
        named = self.pattern.filled(right)
        hint = f" The room's name is {named!r}." if len(named) <= _NAMED else ""
        return f"{self.pattern.text}: {problems[0]}.{hint}"

    def like(self, name: str) -> str:
        """Return the room that a name may mean; the pattern itself if the parameters misfit."""
        meant = self.pattern.like(name)
        texts = self.pattern.match(meant)
        try:
            self.parse(texts or {})
        except Refusal:
            texts = None
        return self.pattern.text if texts is None else meant

    def hooks(self, kind: RoomHook) -> tuple[Bound, ...]:
        """Take the functions of a kind for one call: those for one time only are gone then."""
        return self._hooks.take(kind)

    def _backend(self, verb: str) -> RoomBackend:
        scope = self._pending.scope
        if scope is None:
            raise ConfigurationError(
                f"{caller()}: {verb} of room {self.pattern.text!r} ({self.pattern.source}) needs "
                "an application: its router is not included yet. Call app.include(router) first."
            )
        return scope.backend

    def _hooked(self, kind: RoomHook) -> tuple[Add[DeclarationScope], Remove[DeclarationScope]]:
        def add(scope: DeclarationScope, function: Callable[..., Any], once: bool) -> None:  # noqa: FBT001
            offers = handler_offers("", nothing, scope.app, self.pattern.parameters)
            bound = bind(function, offers, role=f"{kind.value} of room {self.pattern.text!r}")
            if kind.decides:
                check_guard(bound)
            self._learn(bound)
            self._hooks.add(kind, bound, identity=function, once=once)

        return add, lambda _scope, function: self._hooks.remove(kind, function)

    def _refuses(self, scope: DeclarationScope, raises: tuple[type[Refusal], ...]) -> None:
        scope.catalogue.check_refusals(raises)
        self.refusals.update(dict.fromkeys(raises))

    def _relay(
        self, scope: DeclarationScope, events: Iterable[Any], rates: Iterable[Rate | None]
    ) -> None:
        for event, rate in zip(events, rates, strict=True):
            spec = self._incoming(scope, event)
            if not spec.from_server:
                raise ConfigurationError(
                    f"{spec.name!r} cannot be relayed in {self.pattern.text!r}: only clients send "
                    f"it ({spec.source}). Derive it from Event, or handle it with `room.on`."
                )
            if rate is not None:
                self.handlers.relay_at(spec.name, rate)
                scope.rates.add(rate, spec.name, self.pattern.text)
            self.relayed[spec.name] = spec

    def _unrelay(self, names: Iterable[EventName]) -> None:
        for name in names:
            self.relayed.pop(name, None)
            self.handlers.unrelay(name)

    def _handler(
        self,
        scope: DeclarationScope,
        function: Callable[..., Any],
        spec: EventSpec,
        options: HandlerOptions,
    ) -> Handler:
        annotation = spec.payload.annotation
        offers = handler_offers(
            f"event: {type_text(annotation)}",
            lambda name, a: a == annotation or (a is EMPTY and name in {"event", "data"}),
            scope.app,
            self.pattern.parameters,
        )
        handler = build_handler(function, spec, offers, options, in_room=True)
        self._learn(handler.bound)
        scope.catalogue.check_reply(handler.reply, spec, lambda: handler.bound.source)
        scope.catalogue.check_refusals(handler.raises)
        return handler

    def _incoming(self, scope: DeclarationScope, event: Any) -> EventSpec:
        spec = scope.catalogue.declare(event)
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
            if known is not EMPTY and not is_same(known, annotation):
                raise ConfigurationError(
                    f"{bound.source}: {name} of room {self.pattern.text!r} is "
                    f"{type_text(annotation)} here and {type_text(known)} elsewhere. Use one type."
                )
            self._types[name] = self._type(name, annotation, bound.source)
            self.parameters[name] = annotation

    def _type(self, name: str, annotation: Any, source: str) -> ParameterType:
        try:
            return ParameterType(annotation)
        except Exception as error:
            raise ConfigurationError(
                f"{source}: {name} of room {self.pattern.text!r} cannot be "
                f"{type_text(annotation)}: {error}. A room's parameter is {ALLOWED}: each of "
                "their values has one text, so that no room has two names."
            ) from error


class DeclaredRooms:
    """All rooms of one application, found by name.

    Attributes:
        every: The guards of all of them, and of rooms that are not declared.
    """

    def __init__(self) -> None:
        self.every = EveryRoom()
        self._exact: dict[str, Room] = {}
        self._similar: Similar | None = None
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
        self._similar = None
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

    def check(self, name: str) -> None:
        """Refuse a name with which server code means a room that is written in another way.

        Raises:
            ValueError: A part of it is not of its parameter's type, or not its value's own text.
        """
        found = self.find(name)
        if found is not None:
            try:
                found[0].parse(found[1])
            except Refusal as refusal:
                raise ValueError(refusal.message) from refusal

    def shown(self, names: Iterable[str]) -> str:
        """Return the declared patterns of rooms, quoted, for the log; not the names that came.

        A room's name may be what lets a user in, such as `invite:` and a token.
        """
        found = (self.find(name) for name in names)
        texts = dict.fromkeys(
            "an undeclared room" if one is None else repr(one[0].pattern.text) for one in found
        )
        return ", ".join(texts)

    def hint(self, name: str) -> str:
        """Return a hint for a peer to a similar room, or ""; see `Similar`.

        Only rooms that clients may join are hinted to.
        """
        if self._similar is None:
            joined = (n for n, room in self._exact.items() if room.joined_by == "client")
            self._similar = Similar(joined)
        patterns = (room for room in self._patterns if room.joined_by == "client")
        short = name[:LENGTH]
        return self._similar.hint(name) or near(
            short, (room.like(short) for room in islice(patterns, COMPARED))
        )

    def near(self, name: str) -> str:
        """Return a hint for the application to a similar room's pattern, or ""."""
        meant = {room.pattern.like(name): room.pattern.text for room in self.all()}
        found = get_close_matches(name, meant, n=1)
        return f" Did you mean {meant[found[0]]!r}?" if found else ""

    def all(self) -> Iterable[Room]:
        """Every declared room."""
        return (*self._exact.values(), *self._patterns)


def check_room(pattern: RoomPattern, joined_by: str) -> None:
    """Refuse a room that cannot be.

    Raises:
        ConfigurationError: It is the room of all sockets, or nobody could be put into it.
    """
    if joined_by not in ("client", "server"):
        raise ConfigurationError(
            f"join={joined_by!r} of room {pattern.text!r} ({pattern.source}) is neither 'client' "
            "nor 'server'."
        )
    if pattern.text == BROADCAST_ROOM:
        raise ConfigurationError(
            f"{pattern.text!r} ({pattern.source}) cannot be declared: every socket is in that "
            "room. Emit to it with `app.broadcast`."
        )
