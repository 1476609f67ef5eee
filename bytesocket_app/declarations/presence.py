"""Presence of a declared room: what its members see of each other, and hooks: `doc.presence`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from functools import partial
from typing import Any, Final, Literal, NamedTuple, TypeAlias, TypeVar, overload

from pydantic import BaseModel, RootModel
from pydantic.fields import FieldInfo

from bytesocket_app.declarations.handlers import PARAMETERS, app_offer, handler_offers
from bytesocket_app.declarations.pending import Pending
from bytesocket_app.declarations.scope import DeclarationScope, PresenceBackend
from bytesocket_app.dependencies import bind
from bytesocket_app.errors import ConfigurationError, caller, near
from bytesocket_app.events import PayloadType
from bytesocket_app.registry import Hook, Registry
from bytesocket_app.signature import EMPTY, Bound, Offer, by_name, nothing, type_text
from bytesocket_app.socket import Socket
from bytesocket_app.types import CodecName, UserKey

F = TypeVar("F", bound=Callable[..., Any])

PresenceKind: TypeAlias = Literal["count"]
"""What `app.room(..., presence=)` may be: "count" where members learn only how many there are."""

_KEYED: Final = "declare it, as in @app.auth(key=lambda user: user.id)."


class PresenceHook(Enum):
    """Kinds of functions that a room's presence calls."""

    ENTERED = "entered"
    EXITED = "exited"
    UPDATED = "updated"


class PresenceHost(NamedTuple):
    """Parts of a declared room that its presence needs.

    Attributes:
        name: Returns the name of one room, given its parameters.
        title: Returns the pattern, quoted, for messages.
        parameters: Returns the names of the pattern's parameters.
        learn: Takes the parameters' types from a function.
    """

    name: Callable[..., str]
    title: Callable[[], str]
    parameters: Callable[[], Sequence[str]]
    learn: Callable[[Bound], None]


class RoomPresence:
    """Presence of users in a declared room, in all processes: `doc.presence`.

    As a decorator it says what members see of each other. The function is called with each socket
    that joined, and returns a Pydantic model, which is the socket's entry; a user has one for each
    of their sockets in the room. A user enters with the first socket, and exits with the last one,
    after `Timeouts.presence_linger`, so that nobody is gone for the time of a reload.

    ::

        @doc.presence(clients=["typing"])
        async def person(socket: Socket[User], doc_id: int) -> Person:
            return Person(name=socket.user.name)

    It needs `@app.auth(key=...)`. With `app.room(..., presence="count")` there are no entries, and
    members are told only how many users there are.

    Attributes:
        entered: Hook for a user who entered. Hooks may ask for `user_key`, for `entries` (of the
            user, a list of models), the room's name, the pattern's parameters, the application and
            dependencies. On Redis, Valkey and in memory one process calls it, exactly once while
            the link lasts; on NATS, and when the link is lost, perhaps two.
        exited: Hook for a user who left; `entries` are the last ones. A process that ends calls
            none for its own users: the others do, if there are any.
        updated: Hook for changed entries of a user who stays, for each change by this process.
        counts_only: True if there are no entries.
        entry: The type of an entry; None without one.
        function: The decorated function; None without one.
        clients: The fields of its own entry that a client may change.
    """

    def __init__(self, host: PresenceHost, kind: PresenceKind | None) -> None:
        if kind not in (None, "count"):
            raise ConfigurationError(
                f"{caller()}: presence={kind!r} of room {host.title()} cannot be: write "
                'presence="count", or decorate a function with the room\'s `presence`.'
            )
        self._host = host
        self.counts_only = kind == "count"
        self.entry: PayloadType | None = None
        self.function: Bound | None = None
        self.clients: tuple[str, ...] = ()
        self.source = caller()
        self._hooks: Registry[PresenceHook, Bound] = Registry()
        self._is_asked = False
        self._binary: Callable[[Any], Any] | None = None
        self._pending: Pending[DeclarationScope] = Pending()
        self.entered = self._hook(PresenceHook.ENTERED)
        self.exited = self._hook(PresenceHook.EXITED)
        self.updated = self._hook(PresenceHook.UPDATED)
        if self.counts_only:
            self._pending.do(lambda scope: scope.presence.declared())

    def declare(self, scope: DeclarationScope) -> None:
        """Become the presence of a room of an application."""
        self._pending.reach(scope)

    @overload
    def __call__(self, function: F, /) -> F: ...
    @overload
    def __call__(self, /, *, clients: Iterable[str]) -> Callable[[F], F]: ...
    def __call__(
        self, function: Callable[..., Any] | None = None, /, *, clients: Iterable[str] = ()
    ) -> Any:
        """Decorate the function that makes a socket's entry.

        It may ask for the socket, the room's name, the pattern's parameters, the application and
        dependencies. If it fails, or returns None, the socket has no entry.

        Args:
            function: The function; with `clients` the call returns the decorator.
            clients: Names of the entry's fields that a client may change for itself; none by
                default, as what a client says of itself is not known to be true.

        Raises:
            ConfigurationError: There is one already, the room only counts, the function is not
                annotated to return a Pydantic model, or a field is none of it.
        """
        if function is None:
            return partial(self._decorate, tuple(clients))
        return self._decorate((), function)

    async def of(self, /, **parameters: object) -> dict[UserKey, list[Any]]:
        """Return the users of one room, in all processes, each with their entries.

        A process that has no member of the room asks the others, and waits for them for half a
        second at most. Where the room only counts, the lists are empty.

        Raises:
            ConfigurationError: The room has no presence, or its router is not included yet.
            TypeError: A room parameter is missing, unknown or not of its type.
            ValueError: A room parameter's text cannot stand in a name, or is not its value's own.
        """
        backend = self._backend("of")
        return await backend.of(self._host.name(**parameters), self)

    async def count(self, /, **parameters: object) -> int:
        """Return the number of users of one room in all processes; raises and waits as `of`."""
        return len(await self.of(**parameters))

    async def update(
        self, socket: Socket[Any], changes: Mapping[str, Any], /, **parameters: object
    ) -> None:
        """Change fields of a socket's entry; never waits.

        Members are told at most ten times a second of one socket: the latest values win.

        Args:
            socket: The socket; one that has no entry, as it left, is passed over.
            changes: The new values by the names of the fields.
            parameters: The room's parameters; without them all rooms of the pattern that the
                socket is in.

        Raises:
            ConfigurationError: The room has no presence, or its router is not included yet.
            TypeError: There is no such field, or a room parameter does not fit.
            ValidationError: A value does not fit its field.
        """
        backend = self._backend("update")
        if parameters or not self._host.parameters():
            rooms = [self._host.name(**parameters)]
        else:
            rooms = backend.rooms_of(socket, self)
        for room in rooms:
            backend.update(socket, room, self, changes)

    def written(self, value: BaseModel, codec: CodecName) -> Any:
        """Return an entry as a codec takes it: plain values."""
        entry = self.entry
        if entry is None or codec == "json":
            return None if entry is None else entry.plain(value)
        if self._binary is None:
            self._binary = entry.binary_value()
        return self._binary(value)

    @property
    def wire_names(self) -> list[str]:
        """The names on the wire of the fields that a client may change, in order."""
        if self.entry is None:
            return []
        fields: dict[str, FieldInfo] = self.entry.annotation.model_fields
        found = (fields[name].serialization_alias or fields[name].alias for name in self.clients)
        return sorted(alias or name for alias, name in zip(found, self.clients, strict=True))

    @property
    def is_declared(self) -> bool:
        """True if the room has presence."""
        return self.counts_only or self.function is not None

    @property
    def title(self) -> str:
        """The room's pattern, quoted."""
        return self._host.title()

    def functions(self) -> Iterator[Bound]:
        """Yield the function and the hooks."""
        if self.function is not None:
            yield self.function
        for kind in self._hooks:
            yield from self._hooks.peek(kind)

    def hooks(self, kind: PresenceHook) -> tuple[Bound, ...]:
        """Take the hooks of a kind for one call: those for one time only are gone then."""
        return self._hooks.take(kind)

    def check(self, *, has_keys: bool) -> None:
        """Check that hooks have something to be called for, and that users can be told apart.

        Raises:
            ConfigurationError: They have not, or cannot.
        """
        if self._is_asked and not self.is_declared:
            first = next(self.functions(), None)
            raise ConfigurationError(
                f"{self.source if first is None else first.source}: room {self.title} has no "
                "presence: say what members see of each other, by a function decorated with the "
                'room\'s `presence`, or declare the room with presence="count".'
            )
        if self.is_declared and not has_keys:
            where = self.source if self.function is None else self.function.source
            raise ConfigurationError(
                f"{where}: presence of room {self.title} needs to know what identifies a user: "
                f"{_KEYED}"
            )

    def _backend(self, verb: str) -> PresenceBackend:
        scope = self._pending.scope
        if scope is None:
            raise ConfigurationError(
                f"{caller()}: presence.{verb} of room {self.title} needs an application: its "
                "router is not included yet. Call app.include(router) first."
            )
        if not self.is_declared:
            raise ConfigurationError(
                f"{caller()}: room {self.title} has no presence: decorate a function with the "
                'room\'s `presence`, or declare the room with presence="count".'
            )
        return scope.presence

    def _decorate(self, clients: tuple[str, ...], function: F) -> F:
        self._pending.do(lambda scope: self._make(scope, function, clients))
        return function

    def _make(
        self, scope: DeclarationScope, function: Callable[..., Any], clients: tuple[str, ...]
    ) -> None:
        offers = handler_offers("", nothing, scope.app, self._host.parameters())
        bound = bind(function, offers, role=f"the presence of room {self.title}")
        if self.function is not None:
            raise ConfigurationError(
                f"{bound.source}: what members of room {self.title} see of each other is declared "
                f"already, at {self.function.source}."
            )
        if self.counts_only:
            raise ConfigurationError(
                f"{bound.source}: room {self.title} only counts its users ({self.source}): leave "
                'presence="count" out for entries.'
            )
        model = bound.returns
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            given = "nothing" if model is EMPTY else type_text(model)
            raise ConfigurationError(
                f"{bound.source}: what members of room {self.title} see of each other is a "
                f"Pydantic model, and the function is annotated to return {given}. Annotate it, as "
                "in `-> Person`."
            )
        if issubclass(model, RootModel):
            raise ConfigurationError(
                f"{bound.source}: what members of room {self.title} see of each other is an object "
                f"with fields, and {model.__name__} has no fields: it is a RootModel. Put its "
                "value into a field of a BaseModel."
            )
        for name, field in model.model_fields.items():
            if (field.serialization_alias or field.alias) != (
                field.validation_alias or field.alias
            ):
                raise ConfigurationError(
                    f"{bound.source}: {name} of {model.__name__} is read under another name than "
                    "it is written. Use alias=, as entries travel between processes."
                )
        for name in clients:
            if name not in model.model_fields:
                raise ConfigurationError(
                    f"{bound.source}: clients={list(clients)!r}: {model.__name__} has no field "
                    f"{name!r}.{near(name, model.model_fields)}"
                )
        self._host.learn(bound)
        self.entry = PayloadType(model, what=f"an entry of room {self.title}")
        self.clients = tuple(sorted(set(clients)))
        self.function = bound
        scope.catalogue.check(self.entry, ["output"], self.entry.what, lambda: bound.source)
        scope.presence.declared()

    def _hook(self, kind: PresenceHook) -> Hook:
        def add(scope: DeclarationScope, function: Callable[..., Any], once: bool) -> None:  # noqa: FBT001
            self._is_asked = True
            role = f"presence.{kind.value} of room {self.title}"
            bound = bind(function, self._offers(scope), role=role)
            self._host.learn(bound)
            self._hooks.add(kind, bound, identity=function, once=once)

        return self._pending.hook(add, lambda _scope, function: self._hooks.remove(kind, function))

    def _offers(self, scope: DeclarationScope) -> list[Offer]:
        """Make the offers of a hook; the pattern's parameters stand where handlers have them."""
        offers = [
            Offer("the user's key (user_key)", by_name("user_key"), usual="user_key: str"),
            Offer("the user's entries (entries)", by_name("entries"), usual="entries: list[Any]"),
            Offer("the room's name (room: str)", by_name("room", str), usual="room: str"),
            app_offer(scope.app),
        ]
        assert len(offers) == PARAMETERS  # noqa: S101 - as `learn` reads their places
        names = self._host.parameters()
        return offers + [Offer(f"the room's {name}", by_name(name), usual=name) for name in names]
