"""`ByteSocket`: the decorators, and how the parts are put together."""

import os
import socket as network  # `socket` is a method
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from types import MappingProxyType, SimpleNamespace
from typing import Any, Literal, TypeVar, overload

from typing_extensions import TypeForm, override

from bytesocket_app.clock import Clock
from bytesocket_app.contract import Contract, ContractSource, build
from bytesocket_app.contract.describe import describe
from bytesocket_app.declarations.declaring import declare_authenticator
from bytesocket_app.declarations.every import DeclaredTimers
from bytesocket_app.declarations.handlers import HandlerTable
from bytesocket_app.declarations.keys import is_key
from bytesocket_app.declarations.presence import PresenceKind
from bytesocket_app.declarations.rates import DeclaredRates, Per
from bytesocket_app.declarations.rooms import DeclaredRooms, JoinedBy, Room
from bytesocket_app.declarations.router import Router
from bytesocket_app.declarations.routes import Route, event_routes
from bytesocket_app.declarations.scope import DeclarationScope
from bytesocket_app.declarations.user_types import check_users
from bytesocket_app.delivery.emitting import ServerRooms
from bytesocket_app.delivery.hub import Hub
from bytesocket_app.delivery.memberships import Memberships
from bytesocket_app.delivery.presence import PresenceKeeper
from bytesocket_app.delivery.remote import RemoteSocket
from bytesocket_app.delivery.room_check import RoomCheck
from bytesocket_app.delivery.users import User
from bytesocket_app.dispatch import Dispatcher, Runtime
from bytesocket_app.dispatch.rooms import RoomHooks
from bytesocket_app.engines import Engine, EngineAddress, parse_engine
from bytesocket_app.engines.url import checked_secret
from bytesocket_app.errors import ConfigurationError, Refusal, caller, warn_renamed
from bytesocket_app.events import (
    BothHandle,
    Catalogue,
    ClientEvent,
    ClientHandle,
    EventHandle,
    EventModel,
    EventSource,
    ServerEvent,
    ServerHandle,
    ServerPayload,
    declare,
)
from bytesocket_app.events.declared import is_payload
from bytesocket_app.events.lint import Lint
from bytesocket_app.hosting import attach
from bytesocket_app.lifecycle import Lifecycle
from bytesocket_app.middleware import Middleware, MiddlewareChain
from bytesocket_app.registry import Hook
from bytesocket_app.serving import ApplicationEndpoint, Housekeeping, sweep_interval
from bytesocket_app.serving.clustering import Cluster, EngineChoice, engine_of
from bytesocket_app.serving.contracts import Contracts
from bytesocket_app.serving.lifespan import LifespanFunction, LifespanRunner
from bytesocket_app.serving.neighbours import warn_of_workers
from bytesocket_app.serving.origins import Origins
from bytesocket_app.serving.runners.certificate import Certificate
from bytesocket_app.serving.runners.from_code import ServerName, StopSignal, serve
from bytesocket_app.serving.timers import TimerRunner
from bytesocket_app.settings import Settings, short
from bytesocket_app.socket import Socket
from bytesocket_app.telemetry import Telemetry
from bytesocket_app.threads import Threads
from bytesocket_app.transports.asgi import ASGIApp, Receive, Scope, Send
from bytesocket_app.transports.entry import AsgiEntry
from bytesocket_app.transports.probes import routes
from bytesocket_app.types import CodecName, Direction, EventName, Outcome, UserKey
from bytesocket_app.wire import CODECS, decode
from bytesocket_app.wire.close import CloseCode

F = TypeVar("F", bound=Callable[..., Any])
M = TypeVar("M", bound=Middleware)
L = TypeVar("L", bound=LifespanFunction)
T = TypeVar("T")


class State(SimpleNamespace):
    """Free namespace of an application, `app.state`, which names what is missing."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"app.state has no {name!r}: set it in the lifespan", name=name, obj=self
        )


class ByteSocket:
    """A typed real-time application; itself an ASGI application.

    Args:
        title: Names the generated clients: "Chat" gives `ChatClient`.
        description: What it is for, for people; AsyncAPI documents begin with it.
        version: Your own; it goes into the contract.
        path: Where the socket is served, compared whole.
        events: A module, whose event classes and handles are collected (submodules too), or a
            list of them. Only declared events can be emitted.
        serialization: What the server sends to clients that do not ask for a codec.
        origins: Pages of other hosts that may connect: `["https://example.org"]`; `["*"]` for all.
        http: An ASGI application for everything that is not the socket.
        engine: What carries events between processes: `redis://localhost:6379`, `valkey://...`,
            `nats://...`, `memory://NAME` (one for all applications of this process, for tests), or
            an engine of your own; `memory://` is this process alone. The environment variable
            `BYTESOCKET_ENGINE` goes before it, whichever server runs the application: `running()`
            and a server's lifespan read it, and `TestClient` does not.
        engine_secret: Signs what goes between processes (HMAC-SHA-256), so that what anybody else
            writes to the broker is not taken; the same for all processes, 16 bytes or more, and
            never shown. Without one, whoever can write to the broker can speak to all clients.
        settings: Timeouts, limits and policies.
        strict: Whether what is merely doubtful is an error: an `errors.ContractWarning`; a room
            that server code uses and nobody declared; and what is logged otherwise, a returned
            value or a refusal that a function does not declare.

    Raises:
        ConfigurationError: An argument cannot be served.

    Attributes:
        title, description, version, path, serialization, http, settings, strict: As given.
        hosted_at: Where clients find the socket if a host mounts the application, which it cannot
            know itself: for `paths` and the contract. The command line looks, and sets it.
        state: A free namespace of the application's own: `app.state.database = ...`.
        lifecycle: The hooks.
        dependency_overrides: Functions to call in the place of dependencies; for tests.
        rooms: Emit to rooms by name, and guard all of them.
        catalogue: The declared events.
        hub: Takes events to sockets.
        memberships: The open sockets, and who is in which room.
        telemetry: The port for metrics and tracing.
        presence: Who is in the rooms that tell it; see `Room.presence`.
        cluster: The link to the application's other processes; None if it has none.
        housekeeping: Runs the work for all sockets, and reads the clock for their deadlines.
        clock: The time of those deadlines, to look at and to sleep by; tests advance it.
        life: Runs the lifespan function for everybody who needs it.
    """

    _is_warned = False

    def __init__(  # noqa: PLR0913, PLR0915 - all by keyword, each its own theme; composition
        self,
        *,
        title: str,
        description: str = "",
        version: str = "0.1.0",
        path: str = "/ws",
        events: EventSource = (),
        serialization: CodecName = "binary",
        origins: Sequence[str] | None = None,
        http: ASGIApp | None = None,
        engine: str | Engine = "memory://",
        engine_secret: str | bytes | None = None,
        settings: Settings | None = None,
        strict: bool = False,
    ) -> None:
        self._engine = _check_options(title, path, serialization, engine, settings)
        self._secret = _secret(engine_secret)
        self.title = title
        self.description = description
        self.version = version
        self.path = path
        self.hosted_at: tuple[str, ...] = ()
        self._attached: tuple[str, ...] = ()
        self._closed = False
        self.serialization: CodecName = serialization
        self.strict = strict
        self.settings = settings or Settings()
        self.dependency_overrides: dict[Callable[..., Any], Callable[..., Any]] = {}
        self.state: Any = State()
        settings = self.settings
        self.telemetry = Telemetry()
        self.lifecycle = Lifecycle(
            self,
            as_origin=settings.policies.errors == "origin",
            timeout=settings.timeouts.handler,
            strict=strict,
        )
        self.catalogue = Catalogue(events, Lint(strict=strict))
        self._handlers = HandlerTable()
        self._declared = DeclaredRooms()
        self._rates = DeclaredRates()
        self._timers = DeclaredTimers()
        self.clock = Clock(self._now)
        telemetry = self.telemetry
        hooks = RoomHooks(self._declared, self.lifecycle.failures, self, settings.timeouts.handler)
        self.memberships = Memberships(hooks, settings.timeouts.close)
        self.presence = PresenceKeeper(
            self._declared,
            self.memberships,
            self.lifecycle.failures,
            self,
            self._now,
            linger=settings.timeouts.presence_linger,
            timeout=settings.timeouts.handler,
        )
        self.hub = Hub(
            self.catalogue,
            self.memberships,
            one_copy=settings.policies.bulk_copies == "one",
            telemetry=telemetry,
            check_room=RoomCheck(
                self._declared, is_open=settings.policies.undeclared == "open", strict=strict
            ),
            check_name=self._declared.check,
        )
        self._linked = EngineChoice(self._engine, settings.timeouts.engine)
        self.cluster = self._clustered(self._linked)
        self.rooms = ServerRooms(self.hub, self._declared.every)
        middleware = MiddlewareChain()
        scope = DeclarationScope(
            catalogue=self.catalogue,
            handlers=self._handlers,
            rooms=self._declared,
            backend=self.hub,
            app=type(self),
            rates=self._rates,
            timers=self._timers,
            presence=self.presence,
        )
        self._declared.every.declare(scope)
        self._router = Router.root(scope, middleware)
        runtime = Runtime(
            app=self,
            settings=settings,
            catalogue=self.catalogue,
            handlers=self._handlers,
            rooms=self._declared,
            middleware=middleware,
            lifecycle=self.lifecycle,
            memberships=self.memberships,
            hub=self.hub,
            telemetry=telemetry,
            threads=Threads(settings.limits.threads),
            rates=self._rates,
            presence=self.presence,
            clock=self._now,
        )
        dispatcher = Dispatcher(runtime, hooks)
        self._authentication = dispatcher.authentication
        self.housekeeping = Housekeeping(
            time.monotonic, sweep_interval(settings.timeouts), settings.limits, self.presence
        )
        timers = TimerRunner(self, self._timers, self.clock, self.lifecycle.failures, telemetry)
        self.life = LifespanRunner(
            self, self._check, self._check_bare, timers, ended=self.presence.end
        )
        self.endpoint = ApplicationEndpoint(
            runtime,
            dispatcher,
            self.housekeeping,
            origins=Origins(origins or (), settings.policies.origins),
            contracts=Contracts(lambda: self.contract().fingerprints, settings.policies),
        )
        self.http = http
        self._entry = AsgiEntry(
            self.endpoint, self.housekeeping.writer, self.running, path, http, telemetry
        )

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

        A socket's messages are handled in one task, so a ContextVar that an `async def` sets lives
        as long as the connection: reset it by its token. A `def` and a concurrent handler have a
        copy of the context for each call.

        Args:
            event: A declared class or handle, or a bare name, whose payload is then declared by
                the annotation of the function's payload parameter.
            raises: The refusals that clients should know about. One with another code of the
                application's own is answered, and logged once; strict applications fail.
            concurrent: Let the socket's next message be handled before this one is done.
            cancel_on_close: Cancel a call when the connection is lost or closed: for work that
                is for this client alone. A message that waits by then is not handled.
            rate: How often the event may come, on average: `"5/s"`, `"100/m"`, `"0.5/h"`. More is
                refused with `rate_limited`, before it is validated; more of a volatile event is
                dropped.
            burst: How many may come at once after a pause; what comes in two seconds without it.
            per: Who has that rate: each "socket", each "user" on all their sockets (by
                `@app.auth(key=...)`), or each "address".
            shared: Let all processes of the application count the rate of a user or an address
                together, through its engine: a message waits for the answer, one round trip and
                250 ms at most. Without an answer, and on an engine that cannot count (NATS), each
                process counts what it gets itself.

        Raises:
            ConfigurationError: Clients do not send the event, a parameter cannot be served, a
                `def`, which runs in a thread, is to be cancelled, or the rate cannot be or is not
                that of the event's other handlers.
        """
        return self._router.on(
            event,
            raises=raises,
            concurrent=concurrent,
            cancel_on_close=cancel_on_close,
            rate=rate,
            burst=burst,
            per=per,
            shared=shared,
        )

    @overload
    def declare(
        self,
        name: EventName,
        payload: TypeForm[T],
        *,
        direction: Literal["client"],
        reply: Any = None,
        class_name: str | None = None,
    ) -> ClientHandle[T]: ...
    @overload
    def declare(
        self,
        name: EventName,
        payload: TypeForm[T],
        *,
        direction: Literal["server"],
        reply: Any = None,
        class_name: str | None = None,
    ) -> ServerHandle[T]: ...
    @overload
    def declare(
        self,
        name: EventName,
        payload: TypeForm[T],
        *,
        direction: Literal["both"] = "both",
        reply: Any = None,
        class_name: str | None = None,
    ) -> BothHandle[T]: ...
    def declare(
        self,
        name: EventName,
        payload: Any,
        *,
        direction: Direction = "both",
        reply: Any = None,
        class_name: str | None = None,
    ) -> EventHandle[Any]:
        """Declare an event whose payload is somebody else's type; call the result to make one.

        Args:
            name: Its name on the wire.
            payload: The payload's type.
            direction: Sender of the event.
            reply: The type of the reply.
            class_name: Name of its class in generated Python clients, where the one that its name
                makes would be another's.

        Raises:
            ConfigurationError: The name is taken or the type has no validator.
        """
        handle: EventHandle[Any] = declare(
            name, payload, direction=direction, reply=reply, class_name=class_name
        )
        self.catalogue.declare(handle)
        return handle

    @overload
    def auth(self, function: F, /) -> F: ...
    @overload
    def auth(self, /, *, key: Callable[[Any], UserKey]) -> Callable[[F], F]: ...
    def auth(
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        key: Callable[[Any], UserKey] | None = None,
    ) -> Callable[..., Any]:
        """Decide who a connection is: return its user, or raise AuthError.

        With a credentials parameter the function waits for the client's auth message; without
        one it decides from the handshake, before the connection is accepted.

        Args:
            function: The decorated function; with `key` the call returns the decorator.
            key: What identifies a user, for everything that concerns all sockets of one.

        Raises:
            ConfigurationError: There is one already, or a parameter cannot be served.
        """

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            self._authentication.authenticator = declare_authenticator(
                self._authentication.authenticator, function, key, self.catalogue
            )
            return function

        return register if function is None else register(function)

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
            class_name: Name of its class in generated Python clients, where the one that the
                pattern makes would be another's.
            presence: "count" for large rooms: members who ask learn how many users are in it, and
                nothing of each other. What they see of each other, `Room.presence` says.

        Raises:
            ConfigurationError: It is declared already, could mean another one's names, or is the
                room of all sockets; or the class name cannot be one.
        """
        return self._router.room(pattern, join=join, class_name=class_name, presence=presence)

    def include(self, router: Router) -> None:
        """Make the declarations of a router on this application.

        Raises:
            ConfigurationError: It is no router, it is included already, or a declaration cannot be
                served.
        """
        self._router.include(router)

    def middleware(self, step: M) -> M:
        """Add a step around every event message: `async def f(socket, message, call_next)`.

        Raises:
            ConfigurationError: It is a plain `def`.
        """
        return self._router.middleware(step)

    def lifespan(self, function: L) -> L:
        """Add what is done around the application's life: an `async def` with one `yield`.

        It runs inside the server's lifespan, in `running()`, and while a `TestClient` is open. It
        may ask for the application (`app: ByteSocket`) and for dependencies, which last as long.

        Raises:
            ConfigurationError: There is one already, the function is no such thing, or a parameter
                asks for something else.
        """
        return self.life.declare(function)

    def every(self, interval: float, *, immediately: bool = False) -> Callable[[F], F]:
        """Call a function again and again while the application runs: `@app.every(1.0)`.

        It runs in each process, so two workers are two turns at a time. It begins inside the
        lifespan and is cancelled before the lifespan ends; a `def` ends its turn in its thread.
        Turns do not overlap and do not drift: one that takes longer than the interval leaves out
        those that it missed. An exception is logged and goes to the error hooks (`Phase.EVERY`),
        and the next turn comes. Tests turn the clock: `bytesocket_app.testing.virtual_clock`.

        Args:
            interval: Seconds between the begins of two turns.
            immediately: True for a first turn at the start, and not one interval later.

        Raises:
            ConfigurationError: The interval is not positive and finite, or the function asks for
                something else than the application, the clock and dependencies.
        """
        return self._router.every(interval, immediately=immediately)

    def user(self, key: UserKey) -> User:
        """One user, on all of their sockets: `await app.user(key).emit(...)`, `.close()`.

        Raises:
            ConfigurationError: Nothing says what identifies a user: `@app.auth(key=...)` does.
            TypeError: The key is neither a string nor an integer.
        """
        decides = self._authentication.authenticator
        if decides is None or decides.key is None:
            raise ConfigurationError(
                f"{caller()}: app.user({key!r}) needs to know what identifies a user: declare it, "
                "as in @app.auth(key=lambda user: user.id)."
            )
        if not is_key(key):
            raise TypeError(
                f"app.user({key!r}): a user's key is a string or an integer, not "
                f"{type(key).__name__}; pass what @app.auth(key=...) gives."
            )
        return User(key, self.hub)

    def socket(self, socket_id: str) -> RemoteSocket:
        """One socket in any process: `await app.socket(id).close()`; see `Socket.id`.

        Raises:
            TypeError: The id is no text.
        """
        return RemoteSocket(_socket_id(socket_id), self.hub)

    def metrics(self) -> Mapping[str, int | float]:
        """Return counters of the application at this moment, by names that Prometheus takes.

        What does not apply is not there: without an engine there is no `engine_` and no `cluster_`,
        and without a room that tells who is there no `presence_`. `presence_users` are the users
        with a socket in this process, once for each room. Names that end in `_total` only grow, and
        begin at 0 with the link to the broker, which begins with the server.
        """
        found = {} if self.cluster is None else self.cluster.metrics()
        return MappingProxyType(found | self.presence.metrics())

    async def broadcast(
        self, event: ServerEvent | ServerPayload[Any], *, codec: CodecName | None = None
    ) -> Outcome:
        """Emit to every authenticated socket, in all processes; never waits.

        Returns:
            "sent", even if there is none; with an engine also "queued" or "dropped", of the other
            processes.

        Raises:
            UndeclaredEvent: The application did not declare the event as its own to send.
        """
        return self.hub.broadcast(event, codec=codec)

    def encode(self, message: Any, *, codec: CodecName | None = None) -> str | bytes:
        """Make a ready frame for `send_raw` and `publish_raw`: text for JSON, bytes otherwise.

        Args:
            message: An event, which becomes `{event, data}`, or a whole message.
            codec: Which of the two; the application's own by default.

        Raises:
            UndeclaredEvent: The application did not declare the event as its own to send.
            EncodeError: A value has no form in the codec.
        """
        name = codec or self.serialization
        if isinstance(message, EventModel) or is_payload(message):
            outgoing: Any = message  # the catalogue refuses what cannot be emitted
            payload = self.hub.encode(outgoing, name).payload
        else:
            payload = CODECS[name].encode(message)
        return payload if CODECS[name].is_binary else payload.decode()

    def decode(self, payload: str | bytes, *, is_binary: bool | None = None) -> Any:
        """Read a frame as the server does; raises DecodeError."""
        binary = isinstance(payload, bytes) if is_binary is None else is_binary
        return decode(payload, binary, max_depth=self.settings.limits.depth or 200)

    def contract(self) -> Contract:
        """Build the contract between this application and its clients, a canonical document."""
        return build(self.contract_source())

    def contract_source(self) -> ContractSource:
        """Collect the declarations from which the contract is built, with their Python types."""
        return describe(
            self.catalogue,
            self._handlers,
            self._declared.all(),
            self._authentication.authenticator,
            title=self.title,
            description=self.description,
            version=self.version,
            path=self.paths[-1],
            serialization=self.serialization,
            answers_credentials=self.settings.policies.unasked_credentials == "accept",
            refusals=self._declared.every.refusals,
        )

    @property
    def host(self) -> Housekeeping:
        """Old name of `housekeeping`."""
        warn_renamed("ByteSocket.host", "ByteSocket.housekeeping")
        return self.housekeeping

    def declared_rooms(self) -> list[Room]:
        """Return the declared rooms, also those of included routers."""
        return list(self._declared.all())

    def event_routes(self) -> list[Route]:
        """Return every handler and relay, with the place in the code where it stands."""
        return event_routes(self._handlers, self._declared)

    def attach(self, host: object, path: str | None = None) -> None:
        """Serve the socket inside a FastAPI or Starlette application, which then runs our lifespan.

        Args:
            host: The application; its other routes stay as they are.
            path: Where; from then on this is the application's path, and the contract's.

        Raises:
            ConfigurationError: The host is none, or it has a WebSocket at this path.
        """
        attach(self, self._entry, self._running_in, host, path or self.path)
        self.path = self._entry.path = path or self.path
        self._attached += (self.path,)

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path of its socket as clients dial it; the contract's at the end.

        Several if it is attached or mounted more than once.
        """
        return self.hosted_at or self._attached or (self.path,)

    def health_routes(self) -> list[Any]:
        """Return routes for `/health` and `/ready`, for the table of an HTTP side.

        That has all paths but the socket's, so without them it answers the probes: with 404.
        `Starlette(routes=[*app.health_routes(), ...])`; FastAPI: `api.router.routes.extend(...)`.
        """
        return routes(self.endpoint)

    @property
    def is_draining(self) -> bool:
        """True once `drain` or `aclose` was called: new connections are refused with 503."""
        return self.endpoint.draining

    @property
    def closed(self) -> bool:
        """True once `aclose` was called: it has ended for good, and takes no connection again."""
        return self._closed

    def sockets(self) -> list[Socket[Any]]:
        """The open sockets, authenticated or not."""
        return list(self.memberships.sockets.values())

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Run the application's lifespan, and host the work for all sockets, for the block.

        The engine is that of the environment variable `BYTESOCKET_ENGINE`, if there is one.

        Raises:
            ConfigurationError: The application's declarations contradict each other, or the
                environment names no engine.
            EngineError: The broker of its engine cannot be reached, or will not have it.
        """
        async with self._running_in(None):
            yield

    @asynccontextmanager
    async def _running_in(self, host: object) -> AsyncGenerator[None]:
        choice = self._chosen()
        if choice != self._linked and (self.cluster is None or not self.cluster.is_running):
            self._linked, self.cluster = choice, self._clustered(choice)
        self._warn_of_workers(choice)
        async with AsyncExitStack() as stack:
            if self.cluster is not None:
                await stack.enter_async_context(self.cluster.running())
            await stack.enter_async_context(self.life.running(host))
            await stack.enter_async_context(self.housekeeping.lifespan())
            yield

    def _chosen(self) -> EngineChoice:
        """Return the engine that a server runs the application with: see `engine_of`."""
        return engine_of(os.environ, self._engine, self.settings.timeouts.engine)

    def _clustered(self, choice: EngineChoice) -> Cluster | None:
        """Return the link to the other processes; None for an engine that has none."""
        engine, namespace = choice.engine, self.title
        if isinstance(engine, EngineAddress):
            if engine.is_alone:
                return None
            namespace = engine.namespace or namespace
        return Cluster(
            engine,
            namespace,
            self.hub,
            self.memberships,
            self.presence,
            limits=self.settings.limits,
            secret=self._secret,
            patience=choice.patience,
        )

    @property
    def is_local(self) -> bool:
        """True if its engine reaches nothing outside this process: `memory://`.

        Raises:
            ConfigurationError: The environment names no engine.
        """
        return self._chosen().is_local

    def _check_bare(self) -> None:
        """Refuse to serve without a lifespan where the engine needs one."""
        choice = self._chosen()
        if not choice.is_alone:
            raise ConfigurationError(
                f"{self.title} has an engine, whose link to the broker runs inside the "
                "application's life, and nobody runs that: a server's lifespan does not reach an "
                "application that is only mounted. Use app.attach(host), or put "
                "`async with app.running():` into the host's own lifespan."
            )
        self._warn_of_workers(choice)

    def _warn_of_workers(self, choice: EngineChoice) -> None:
        """Warn, once, if this is one of several processes that cannot reach each other."""
        if choice.is_local and not self._is_warned:
            self._is_warned = True
            warn_of_workers(self.title)

    def _now(self) -> float:
        return self.housekeeping.clock()  # asked for each time: tests put another one there

    def _check(self) -> None:
        check_users(
            self._authentication.authenticator, self._handlers, self._declared, self.lifecycle
        )
        decides = self._authentication.authenticator
        has_keys = decides is not None and decides.key is not None
        self._rates.check(has_keys=has_keys)
        if self.cluster is not None:
            self.cluster.check_rates(dict.fromkeys(rate.source for rate in self._rates.shared))
        for room in self._declared.all():
            room.presence.check(has_keys=has_keys)
        most = self.settings.limits.connections_per_user
        if most and not has_keys:
            raise ConfigurationError(
                f"Limits(connections_per_user={most}) needs to know what identifies a user: "
                "declare it, as in @app.auth(key=lambda user: user.id)."
            )

    async def drain(self, grace: float) -> None:
        """Get ready to stop: refuse new connections (503) and close all sockets with 1012.

        Args:
            grace: Seconds for the peers to answer; then their connections are dropped.
        """
        await self.endpoint.drain(grace, CloseCode.RESTART, "server restart")

    async def aclose(self) -> None:
        """End the application for good: every socket is closed with 1001, none is taken again."""
        self._closed = True
        await self.endpoint.drain(
            self.settings.timeouts.close, CloseCode.GOING_AWAY, "server destroy"
        )

    async def serve(
        self,
        *,
        transport: ServerName = "hypercorn",
        host: str = "127.0.0.1",
        port: int = 8000,
        listener: network.socket | None = None,
        certificate: Certificate | None = None,
        grace: float = 10.0,
        stop: StopSignal | None = None,
    ) -> None:
        """Serve from code, under `asyncio.run`, `anyio.run`, `trio.run` or any other runner.

        Returns when `stop` is set and all sockets are closed (1012), at most `grace` seconds later.
        Cancelled, it drops the connections without a close frame, and the server may cancel their
        hooks: `stop` is the orderly way. It handles no signals.

        Args:
            transport: "hypercorn", "uvicorn" or "picows"; on trio "hypercorn" only. picows serves
                the sockets alone, without the HTTP side.
            host: An address of this machine; one with a colon is IPv6.
            port: 0 lets the system choose; to know which, pass a `listener`.
            listener: A listening socket in place of `host` and `port`; its owner closes it.
            certificate: For https and wss.
            grace: Seconds that open sockets get to close.
            stop: An event that ends the server; without one it serves until it is cancelled.

        Raises:
            ConfigurationError: The server is unknown, not installed or cannot run on this loop; the
                port is taken; the certificate cannot be read.
            LifespanError: The application could not start; nothing was served.
        """
        await serve(self, transport, listener or (host, port), certificate, grace, stop)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve an ASGI scope: the socket, the HTTP side, or the lifespan of both."""
        await self._entry.serve(scope, receive, send)

    @override
    def __repr__(self) -> str:
        return (
            f"<ByteSocket {self.title!r} at {self.path}, {len(self.memberships.sockets)} sockets>"
        )


def _check_options(
    title: str, path: str, serialization: str, engine: str | Engine, settings: object
) -> Engine | EngineAddress:
    """Refuse what `ByteSocket` cannot serve; returns the engine, or its address.

    Raises:
        ConfigurationError: Says which argument, and what it should be.
    """
    problem = None
    if not title.strip():
        problem = f"title={title!r} is empty: it names the generated clients, as in 'Chat'."
    elif not path.startswith("/") or {"?", "#"} & set(path):
        problem = f"path={path!r} must begin with a slash and have no query, as in '/ws'."
    elif serialization not in CODECS:
        problem = f"serialization={serialization!r} is none of {', '.join(map(repr, CODECS))}."
    elif not isinstance(settings, Settings | None):
        problem = (
            f"settings={short(settings)} are none: write settings=Settings(limits=Limits(...)), or "
            "timeouts= or policies= in it."
        )
    if problem is not None:
        raise ConfigurationError(f"{caller()}: {problem}")
    try:
        return parse_engine(engine) if isinstance(engine, str) else engine
    except ConfigurationError as error:
        raise ConfigurationError(f"{caller()}: {error}") from None


def _socket_id(value: object) -> str:
    if isinstance(value, str):
        return value
    raise TypeError(
        f"app.socket({value!r}): the id of a socket is a text, `socket.id`, not "
        f"{type(value).__name__}."
    )


def _secret(secret: object) -> bytes | None:
    """Return the secret of an engine as bytes; raises ConfigurationError, with the place."""
    if secret is None:
        return None
    return checked_secret(secret, f"{caller()}: engine_secret is no secret")
