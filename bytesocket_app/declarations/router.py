"""`Router`: handlers, rooms and middleware of a module, for an application that includes them."""

from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakSet

from bytesocket_app.declarations.declaring import event_hook, event_name
from bytesocket_app.declarations.every import checked_interval
from bytesocket_app.declarations.handlers import HandlerOptions
from bytesocket_app.declarations.pending import Pending
from bytesocket_app.declarations.presence import PresenceKind
from bytesocket_app.declarations.rates import Per, Rate
from bytesocket_app.declarations.rooms import JoinedBy, Room
from bytesocket_app.declarations.scope import DeclarationScope
from bytesocket_app.errors import ConfigurationError, Refusal, caller
from bytesocket_app.events import ClientEvent, ClientHandle
from bytesocket_app.middleware import Middleware, MiddlewareChain
from bytesocket_app.registry import Hook
from bytesocket_app.rooms import RoomPattern
from bytesocket_app.types import EventName

M = TypeVar("M", bound=Middleware)
F = TypeVar("F", bound=Callable[..., Any])

_ROUTERS: "WeakSet[Router]" = WeakSet()
"""The routers that nothing includes."""


class Router:
    """Handlers, rooms and middleware of a module, for `app.include(router)`.

    ::

        router = Router(prefix="chat:")
        lobby = router.room("lobby")  # the room "chat:lobby"

        @router.on("echo")  # the event "chat:echo"
        async def echo(data: str) -> str: ...

    Routers include each other; prefixes add up, the outermost first. What is declared after the
    inclusion takes effect at once.

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
        self._pending: Pending[DeclarationScope] = Pending()
        self._chain = MiddlewareChain()
        self._included_at = ""
        self._outer: Router | None = None
        self._failed: Exception | None = None
        self._events: list[type[ClientEvent] | ClientHandle[Any] | EventName] = []
        _ROUTERS.add(self)

    @classmethod
    def root(cls, scope: DeclarationScope, chain: MiddlewareChain) -> "Router":
        """Make an application's own router: it declares at once, its middleware is all messages'.

        Args:
            scope: The application.
            chain: The application's middleware.
        """
        router = cls()
        _ROUTERS.discard(router)
        router._included_at = router.source
        router._chain = chain
        router._pending.reach(scope)
        return router

    def on(  # noqa: PLR0913 - all by keyword, each its own theme
        self,
        event: type[ClientEvent] | ClientHandle[Any] | EventName,
        *,
        raises: tuple[type[Refusal], ...] = (),
        concurrent: bool = False,
        cancel_on_close: bool = False,
        rate: str | None = None,
        burst: int | None = None,
        per: Per = "socket",
        shared: bool = False,
    ) -> Hook:
        """Handle an event outside rooms; the value that the function returns is the reply.

        Its type is the function's return annotation, or the `reply=` of `declare`. A value without
        either is logged once, and `internal` for the peer under `ByteSocket(strict=True)`.

        A router resolves the function's signature when it is included.

        Args:
            event: A declared class or handle, or a bare name, whose payload is then declared by
                the annotation of the function's payload parameter.
            raises: The refusals that clients should know about. One with another code of the
                application's own is answered, and logged once; strict applications fail.
            concurrent: Let the socket's next message be handled before this one is done.
            cancel_on_close: Cancel a call when the connection is lost or closed: for work that
                is for this client alone. A message that waits by then is not handled.
            rate: How often the event may come, `"5/s"`; see `ByteSocket.on`.
            burst: How many may come at once after a pause.
            per: Who has that rate: each "socket", "user" or "address".
            shared: Let all processes count it together; see `ByteSocket.on`.

        Raises:
            ConfigurationError: Clients do not send the event, a parameter cannot be served, a
                `def`, which runs in a thread, is to be cancelled, or the rate cannot be or is not
                that of the event's other handlers.
        """
        options = HandlerOptions(
            raises=raises,
            concurrent=concurrent,
            cancel_on_close=cancel_on_close,
            rate=Rate.read(rate, burst, per, shared),
        )
        self._events.append(event)
        return event_hook(event, self._pending, options)

    def room(
        self,
        pattern: str,
        *,
        join: JoinedBy = "client",
        class_name: str | None = None,
        presence: PresenceKind | None = None,
    ) -> Room:
        """Declare a room, `"lobby"`, or a pattern of rooms, `"doc:{doc_id}"`.

        Args:
            pattern: Its name; a parameter in braces stands for characters other than `:`. Its type
                is that of the functions that ask for it: str, int, bool, UUID, date, or an Enum or
                a Literal of str and int. Each value has one text, so that no room has two names.
            join: "server" for rooms that clients cannot ask to join.
            class_name: Name of its class in generated Python clients; see `ByteSocket.room`.
            presence: "count" for large rooms; see `ByteSocket.room`.

        Raises:
            ConfigurationError: It is no pattern, it is declared already, could mean another one's
                names, or is the room of all sockets; a router tells the most when it is included.
                Or the class name cannot be one.
        """
        if not isinstance(pattern, str):  # pyright: ignore[reportUnnecessaryIsInstance] - what users write
            raise ConfigurationError(
                f"{caller()}: {pattern!r} is no room's name or pattern: use a string, as in "
                "room('lobby') or room('doc:{doc_id}')."
            )
        room = Room(RoomPattern(self.prefix + pattern), join, class_name, presence)
        self._pending.do(room.declare)
        return room

    def middleware(self, step: M) -> M:
        """Add a step around the event messages that this router handles.

        It runs inside the application's middleware and that of the routers around this one:
        `async def f(socket, message, call_next): reply = await call_next(message)`.

        Raises:
            ConfigurationError: It is a plain `def`.
        """
        self._chain.add(step)
        return step

    def every(self, interval: float, *, immediately: bool = False) -> Callable[[F], F]:
        """Call a function again and again, in each process; see `ByteSocket.every`.

        Raises:
            ConfigurationError: The interval is no positive number, or a parameter of the function
                cannot be served; a router tells the latter when it is included.
        """
        seconds = checked_interval(interval)

        def declare(function: F) -> F:
            self._pending.do(
                lambda scope: scope.timers.add(
                    function, seconds, scope.app, immediately=immediately
                )
            )
            return function

        return declare

    def include(self, router: "Router") -> None:
        """Make the declarations of another router here.

        Raises:
            ConfigurationError: It is no router, is this one or one around it, is included already,
                or a declaration cannot be served. What was declared before that stays, so the
                router cannot be included any more: each further attempt raises the same error.
        """
        if not isinstance(router, Router):  # pyright: ignore[reportUnnecessaryIsInstance] - what users write
            raise ConfigurationError(
                f"{caller()}: include takes a Router, not {router!r}. A module's declarations go "
                "on `router = Router()`, which the application includes."
            )
        around: Router | None = self
        while around is not None:
            if around is router:
                raise ConfigurationError(
                    f"{caller()}: the router of {router.source} cannot be included in itself."
                )
            around = around._outer  # noqa: SLF001 - of this class
        router._enter(self)  # noqa: SLF001

    def _enter(self, outer: "Router") -> None:
        if self._failed is not None:
            raise self._failed
        if self._included_at:
            raise ConfigurationError(
                f"{caller()}: the router of {self.source} is included already, at "
                f"{self._included_at}. Include it once; another application or prefix needs a "
                "router of its own."
            )
        self._included_at, self._outer = caller(), outer
        outer._pending.do(self._reach)  # noqa: SLF001 - of this class
        _ROUTERS.discard(self)

    def _reach(self, scope: DeclarationScope) -> None:
        try:
            self._pending.reach(scope.within(self.prefix, self._chain))
        except Exception as error:
            self._failed = error
            raise

    def handles(self, event: EventName) -> bool:
        """Return True if this router handles an event."""
        for each in self._events:
            name = event_name(each)
            if (self.prefix + each if isinstance(each, str) else name) == event:
                return True
        return False


def waiting_for(event: EventName) -> str:
    """Return `file:line` of a router with a handler of an event that nothing includes, or ""."""
    return next((router.source for router in _ROUTERS if router.handles(event)), "")
