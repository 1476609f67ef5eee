"""The narrow interface between the core and whatever carries frames.

An adaptor turns a connection into a `Handshake`, asks the `Endpoint` whether to take it, opens it
with a `Transport` of its own, and from then on pushes `received`, `heard` and `lost` into the
`Receiver` while one task, the connection's own, runs `Receiver.run`.
"""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.cookies import SimpleCookie
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, Self
from urllib.parse import unquote

from anyio import Event
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint
from typing_extensions import override

from bytesocket_app.errors import ConfigurationError, where
from bytesocket_app.settings import Settings
from bytesocket_app.transports.headers import head_size, joined
from bytesocket_app.wire.frame import Frame


def _nothing() -> None:
    """Do nothing: nobody has to know."""


@dataclass(frozen=True)
class Handshake:
    """The HTTP request that asked for the connection.

    Attributes:
        path: The path alone, without the query: `/ws`.
        query: The query as it came, without `?`.
        headers: By lower-case name; repeated headers are joined with `, `, cookies with `; `.
        subprotocols: What the client offers, in its order of preference.
        client: The peer's address and port, where the server knows it. In a socket's handshake it
            is the client's behind trusted proxies (`Policies.trusted_proxies`), with port 0 where
            the proxy does not tell it.
        scheme: `ws` or `wss`.
        native: What the adaptor's server calls the request: the ASGI scope, or as much of one as
            the handshake does not say: `app`, and the lifespan's `state`.
        state: A free dict for notes about this connection: what an upgrade hook or authentication
            puts there is in `Socket.state`, which is the same dict.
        header_count, header_bytes: How many headers it has, and their bytes with those of its first
            line, for the limits; 0 where the adaptor itself keeps to these.
    """

    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    subprotocols: tuple[str, ...] = ()
    client: tuple[str, int] | None = None
    scheme: str = "ws"
    native: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    state: dict[str, Any] = field(default_factory=dict[str, Any], repr=False, compare=False)
    header_count: int = field(default=0, repr=False, compare=False)
    header_bytes: int = field(default=0, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        target: str,
        headers: Iterable[tuple[str, str]],
        *,
        client: tuple[str, int] | None = None,
        scheme: str = "ws",
        native: Mapping[str, Any] | None = None,
    ) -> Self:
        """Make a handshake of a request as HTTP has it.

        Args:
            target: The path, escaped, and the query: `/ws?a=1`.
            headers: Names and values, in the order in which they came; names may repeat.
            client: The peer's address and port, where the server knows it.
            scheme: `ws` or `wss`.
            native: See the attribute.
        """
        path, _, query = target.partition("?")
        raw = [
            (name.encode("latin-1"), value.encode("latin-1", "surrogateescape"))
            for name, value in headers
        ]
        found = joined(raw)
        offered = found.get("sec-websocket-protocol", "").split(",")
        return cls(
            path=unquote(path),
            query=query,
            headers=found,
            subprotocols=tuple(name.strip() for name in offered if name.strip()),
            client=client,
            scheme=scheme,
            native=native or {},
            header_count=len(raw),
            header_bytes=head_size(raw, len(target)),
        )

    @cached_property
    def cookies(self) -> Mapping[str, str]:
        """The cookies by name; what is no cookie is left out, and takes no other with it."""
        found: dict[str, str] = {}
        for pair in self.headers.get("cookie", "").split(";"):
            name, equals, value = pair.partition("=")
            if equals:
                found[name.strip()], _ = SimpleCookie().value_decode(value.strip())
        return found


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Take the connection.

    Attributes:
        subprotocol: What to answer in `Sec-WebSocket-Protocol`, if anything.
        context: What the core wants back when the connection is opened.
        abandon: Function to call if it will not be opened after all, as the peer left meanwhile;
            it does nothing once `Endpoint.open` was called.
    """

    subprotocol: str | None = None
    context: Any = None
    abandon: Callable[[], None] = field(default=_nothing, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Rejection:
    """Refuse the connection before it is accepted.

    Attributes:
        status: The HTTP status, 4xx or 5xx.
        reason: One line for the response's body.
        headers: Further headers of the response, such as `Retry-After`.
    """

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...] = ()


class Transport(ABC):
    """One connection's way out: the base class of every adaptor's transport.

    Six members are the adaptor's to write: `buffered`, `write`, `drop_oldest`, `close`, `abort`
    and `resume`; `QueuedTransport` leaves fewer. The others have an answer that is right for a
    transport that does nothing special, and are there to be overridden for speed.

    All methods belong to the event loop's thread, are quick, and never raise. The way in is the
    `Receiver`, which `Endpoint.open` gives the adaptor: `received`, `heard` and `lost`.

    Raises:
        ConfigurationError: A class lacks a mandatory member; raised where the class is defined.
    """

    __slots__ = ("_parked",)

    MANDATORY: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "buffered": "a property: the bytes written and not yet handed to the network",
            "write": "write(frame) -> int: put a frame on its way, return the bytes that wait",
            "drop_oldest": "drop_oldest(*, volatile=False) -> int: throw away one waiting frame",
            "close": "close(code, reason): start the closing handshake after what is written",
            "abort": "abort(): drop the connection without waiting for anybody",
            "resume": "resume(): read on after `received` returned False",
        }
    )
    """Members that each adaptor writes, and one line on each."""

    @override
    def __init_subclass__(cls, *, abstract: bool = False, **kwargs: Any) -> None:
        """Refuse a class that lacks a mandatory member, unless it is a base for others."""
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        if "spread" in own and "write_many" not in own:
            warnings.warn(
                f"{cls.__name__}.spread ({where(cls)}) is called `write_many` now.",
                DeprecationWarning,
                stacklevel=3,  # between here and the class statement is ABCMeta
            )
            setattr(cls, "write_many", own["spread"])  # noqa: B010 - to type checkers a method
        missing = [
            f"  {name}: {text}"
            for name, text in cls.MANDATORY.items()
            if not abstract and getattr(getattr(cls, name, None), "__isabstractmethod__", False)
        ]
        if missing:
            lines = "\n".join(missing)
            raise ConfigurationError(
                f"{cls.__name__} ({where(cls)}) cannot be a transport, it lacks\n{lines}\n"
                "Write them, or say `abstract=True` in the class statement of a base for others."
            )

    def __init__(self) -> None:
        self._parked: Event | None = None

    @property
    @abstractmethod
    def buffered(self) -> int:
        """Bytes written and not yet handed to the network."""

    @abstractmethod
    def write(self, frame: Frame, /) -> int:
        """Put a frame on its way; nothing happens after `close`.

        The receiver is told later if that ends the connection: others are written to meanwhile.

        Returns:
            0 as long as the network keeps up, else the bytes that wait.
        """

    @abstractmethod
    def drop_oldest(self, *, volatile: bool = False) -> int:
        """Throw away one waiting frame, volatile ones first or only; returns its bytes, else 0."""

    @abstractmethod
    def close(self, code: int, reason: str, /) -> None:
        """Start the closing handshake after what is written; later calls do nothing."""

    @abstractmethod
    def abort(self) -> None:
        """Drop the connection without waiting for anybody, and tell the receiver of its loss."""

    @abstractmethod
    def resume(self) -> None:
        """Read on after `Receiver.received` asked for a pause."""

    @classmethod
    def write_many(
        cls, transports: Collection[Self], frame: Frame, /, *, skip: Self | None = None
    ) -> list[Self]:
        """Put a frame on its way on one or more connections of this class, all but `skip`.

        Returns:
            Those on which `write` did not return 0.
        """
        return [each for each in transports if each is not skip and each.write(frame)]

    @classmethod
    def spread(
        cls, transports: Collection[Self], frame: Frame, /, *, skip: Self | None = None
    ) -> list[Self]:
        """Do what `write_many` does: its old name."""
        warnings.warn(
            "Transport.spread is called `write_many` now.", DeprecationWarning, stacklevel=2
        )
        return cls.write_many(transports, frame, skip=skip)

    @property
    def overdue(self) -> int:
        """Bytes of `buffered` that the network had a turn to take, and did not.

        The slow-reader policy looks at these: a burst that was written this very moment says
        nothing of the reader.
        """
        return self.buffered

    @property
    def departed(self) -> int:
        """Bytes that have left so far; any number that grows while some leave, and only then."""
        return -self.buffered

    def notify_below(  # noqa: B027 - nothing is what it does by default
        self, limit: int, callback: Callable[[], object], /
    ) -> None:
        """Call back once when at most `limit` bytes wait, or nothing will leave any more.

        A new call takes the place of the one before. A transport that does nothing here is looked
        at by the sweep of deadlines instead, which is slower.
        """

    def cork(self) -> None:  # noqa: B027 - as above
        """Hold what is written, to send a batch at once: until `flush`.

        If the connection's own task waits for something before that, the transport sends what it
        holds and holds nothing more; see `QueuedTransport.run`.
        """

    def flush(self) -> Awaitable[None] | None:
        """Send what was held; returns what to await where that takes a while."""
        return None

    async def park(self) -> None:
        """Wait until the receiver was pushed something, or until `wake`.

        The connection's own task calls it when it has nothing to do. A transport that has to
        fetch its messages does so here, in that task: handling one then costs no task switch.
        """
        self._parked = Event()
        await self._parked.wait()

    async def give_way(self) -> None:
        """Let the event loop's other tasks run: the connection's own one has worked for long."""
        await checkpoint()

    def wake(self) -> None:
        """End the `park`, if the connection's own task is in one and not about to leave it."""
        if self._parked is not None:
            self._parked.set()
            self._parked = None


class Receiver(Protocol):
    """One connection's way in, made by the core."""

    def received(self, payload: bytes | str, is_binary: bool, /) -> bool:  # noqa: FBT001
        """Take one whole message; False asks the adaptor to pause until `Transport.resume`.

        It ends no `park`: the adaptor calls `Transport.wake` once it has pushed all that it has.
        """
        ...

    def heard(self) -> None:
        """Note a sign of life that is no message: a pong, or whatever the transport has."""
        ...

    def lost(self, code: int, reason: str, /) -> None:
        """Take note of the end of the connection.

        Args:
            code: The peer's close code, 1005 without one, 1006 if the connection broke.
            reason: The peer's close reason.
        """
        ...

    def interrupt(self) -> None:
        """Cancel what `Transport.park` waits for; the receiver will park again."""
        ...

    def run(self) -> Coroutine[Any, Any, None]:
        """Handle messages until the connection is over and its hooks have run."""
        ...


class Endpoint(Protocol):
    """Entry point that server adaptors call for each connection."""

    @property
    def draining(self) -> bool:
        """True while new connections are refused because all are being closed."""
        ...

    @property
    def unready(self) -> str:
        """Reason for a balancer to send connections elsewhere; empty if there is none."""
        ...

    async def admit(self, handshake: Handshake, /) -> Acceptance | Rejection:
        """Decide if a connection is taken, before it is accepted."""
        ...

    def open(
        self, handshake: Handshake, transport: Transport, accepted: Acceptance, tasks: TaskGroup, /
    ) -> Receiver:
        """Open an accepted connection; `tasks` lives as long as `Receiver.run`."""
        ...


class Served(Protocol):
    """One application, as far as a server has to know it that is no ASGI server."""

    @property
    def paths(self) -> Collection[str]:
        """The paths of its socket."""
        ...

    @property
    def endpoint(self) -> Endpoint:
        """Entry point for its connections."""
        ...

    @property
    def settings(self) -> Settings:
        """Limits and timeouts of the application."""
        ...
