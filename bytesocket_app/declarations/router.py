"""`Router`: handlers and rooms declared away from the application, which includes them later."""

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from bytesocket_app.declarations.rooms import JoinedBy, Room
from bytesocket_app.errors import ConfigurationError, Refusal, caller
from bytesocket_app.events import (
    Catalogue,
    ClientEvent,
    ClientHandle,
    Event,
    ServerEvent,
    ServerPayload,
)
from bytesocket_app.events.declared import BothHandle
from bytesocket_app.registry import GuardHook, Hook
from bytesocket_app.rooms import RoomPattern
from bytesocket_app.socket import Socket
from bytesocket_app.types import CodecName, EventName

T = TypeVar("T")
_Add = Callable[[Callable[..., Any], bool], None]
_Remove = Callable[[Callable[..., Any] | None], None]


class Includes(Protocol):
    """What a router needs of the application that includes it."""

    def on(
        self,
        event: type[ClientEvent] | ClientHandle[Any] | EventName,
        *,
        raises: tuple[type[Refusal], ...] = (),
        concurrent: bool = False,
    ) -> Hook:
        """Handle an event outside rooms."""
        ...

    def declare_room(self, pattern: RoomPattern, join: JoinedBy) -> Room:
        """Declare a room."""
        ...


class _Later(Generic[T]):
    """Declarations in their order: kept until there is a target for them, then made on it.

    Those that come when it is there already are made at once.
    """

    def __init__(self) -> None:
        self.target: T | None = None
        self._waiting: list[Callable[[T], object]] = []

    def do(self, declaration: Callable[[T], object]) -> None:
        if self.target is None:
            self._waiting.append(declaration)
        else:
            declaration(self.target)

    def reach(self, target: T) -> None:
        self.target = target
        while self._waiting:
            self._waiting.pop(0)(target)

    def hook(self, find: Callable[[T], Hook]) -> Hook:
        """A hook whose functions end up in the one that `find` takes from the target."""
        return Hook(*self._hooked(find))

    def guard_hook(self, find: Callable[[T], GuardHook]) -> GuardHook:
        """The same for guards, and what they refuse with."""

        def declare(raises: tuple[type[Refusal], ...]) -> None:
            self.do(lambda target: find(target)(raises=raises))

        return GuardHook(*self._hooked(find), declare)

    def _hooked(self, find: Callable[[T], Hook]) -> tuple[_Add, _Remove]:
        def add(function: Callable[..., Any], once: bool) -> None:  # noqa: FBT001
            def declare(target: T) -> None:
                hook = find(target)
                (hook.once if once else hook)(function)

            self.do(declare)

        return add, lambda function: self.do(lambda target: find(target).remove(function))


class Router:
    """Handlers and rooms of a module, for `app.include(router)`.

    ::

        router = Router(prefix="chat:")
        lobby = router.room("lobby")  # the room "chat:lobby"

        @router.on("echo")  # the event "chat:echo"
        async def echo(data: str) -> str: ...

    Args:
        prefix: Put before bare event names that are strings, and before room patterns. A class
            and a handle keep the name they have everywhere else.

    Attributes:
        prefix: As given.
        source: `file:line` where the router was made.

    Raises:
        ConfigurationError: The prefix is no string.
    """

    def __init__(self, prefix: str = "") -> None:
        self.source = caller()
        if not isinstance(prefix, str):  # pyright: ignore[reportUnnecessaryIsInstance] - what users write
            raise ConfigurationError(
                f"{self.source}: prefix={prefix!r} of a Router is no string, as in "
                "Router(prefix='chat:')."
            )
        self.prefix = prefix
        self._later: _Later[Includes] = _Later()
        self._included_at = ""

    def on(
        self,
        event: type[ClientEvent] | ClientHandle[Any] | EventName,
        *,
        raises: tuple[type[Refusal], ...] = (),
        concurrent: bool = False,
    ) -> Hook:
        """Handle an event outside rooms, as `app.on` does.

        The function's signature is resolved when the router is included.

        Raises:
            ConfigurationError: This is no event.
        """
        if isinstance(event, str):
            event = self.prefix + event
        elif not isinstance(event, int | float):
            Catalogue(()).declare(event)  # now: `@router.on` alone would lose the function
        found = event
        return self._later.hook(lambda app: app.on(found, raises=raises, concurrent=concurrent))

    def room(self, pattern: str, *, join: JoinedBy = "client") -> "RouterRoom":
        """Declare a room or a pattern of rooms, as `app.room` does, with the prefix before it.

        Raises:
            ConfigurationError: The pattern is none; the rest is told by `app.include`.
        """
        room = RouterRoom(RoomPattern(self.prefix + pattern), join)
        self._later.do(room.declare)
        return room

    def include_in(self, app: Includes) -> None:
        """Make the declarations on an application; `app.include(router)` calls this.

        Raises:
            ConfigurationError: The router is included already, or a declaration cannot be served.
        """
        if self._included_at:
            raise ConfigurationError(
                f"{caller()}: the router of {self.source} is included already, at "
                f"{self._included_at}. Include it once; another application or prefix needs a "
                "router of its own."
            )
        self._included_at = caller()
        self._later.reach(app)


class RouterRoom:
    """A router's room: everything that `app.room(...)` returns has, once it is included.

    Attributes:
        pattern: Its name or pattern, with the router's prefix.
        join: Who can put a socket into it: its client, or server code only.
        guard: Decides who may join: raise Refusal to say no.
        on_join: Called after a socket joined.
        on_leave: Called after a socket left, by any way: a lost connection too.
    """

    def __init__(self, pattern: RoomPattern, join: JoinedBy) -> None:
        self.pattern = pattern
        self.join: JoinedBy = join
        self._later: _Later[Room] = _Later()
        self.guard = self._later.guard_hook(lambda room: room.guard)
        self.on_join = self._later.hook(lambda room: room.on_join)
        self.on_leave = self._later.hook(lambda room: room.on_leave)

    def declare(self, app: Includes) -> None:
        """Become a room of an application.

        Raises:
            ConfigurationError: It cannot be declared there, or one of its functions not served.
        """
        self._later.reach(app.declare_room(self.pattern, self.join))

    def on(
        self,
        event: type[ClientEvent] | ClientHandle[Any],
        *,
        raises: tuple[type[Refusal], ...] = (),
        concurrent: bool = False,
    ) -> Hook:
        """Handle an event that clients send into this room; see `Room.on`.

        Raises:
            ConfigurationError: This is no event.
        """
        Catalogue(()).declare(event)
        return self._later.hook(lambda room: room.on(event, raises=raises, concurrent=concurrent))

    def relay(self, *events: type[Event] | BothHandle[Any]) -> None:
        """Let members send these events to each other; see `Room.relay`."""
        self._later.do(lambda room: room.relay(*events))

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
            ConfigurationError: The router is not included yet.
            UndeclaredEvent: The application did not declare the event as its own to send.
            TypeError: A room parameter is missing or unknown.
            ValueError: A room parameter's text cannot stand in a name.
        """
        await self._room("emit").emit(event, exclude=exclude, codec=codec, **parameters)

    def name(self, **parameters: object) -> str:
        """The name of one room: `await socket.rooms.join(doc.name(doc_id=7))`.

        Raises:
            TypeError: A room parameter is missing or unknown.
            ValueError: A room parameter's text cannot stand in a name.
        """
        return self.pattern.fill(parameters)

    def members(self, **parameters: object) -> list[Socket[Any]]:
        """The sockets in the room now; raises ConfigurationError before the inclusion."""
        return self._room("members").members(**parameters)

    def count(self, **parameters: object) -> int:
        """How many sockets are in the room now; raises ConfigurationError before the inclusion."""
        return self._room("count").count(**parameters)

    def _room(self, verb: str) -> Room:
        room = self._later.target
        if room is None:
            raise ConfigurationError(
                f"{caller()}: {verb} of room {self.pattern.text!r} ({self.pattern.source}) needs "
                "an application: its router is not included yet. Call app.include(router) first."
            )
        return room
