"""The narrow interface between the core and whatever carries frames.

An adaptor turns a connection into a `Handshake`, asks the `Endpoint` whether to take it, opens it
with a `Transport` of its own, and from then on pushes `received` and `lost` into the `Receiver`
while one task, the connection's own, runs `Receiver.run`.
"""

from collections.abc import Awaitable, Collection, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.cookies import SimpleCookie
from typing import Any, Protocol, Self

from anyio.abc import TaskGroup

from bytesocket_app.settings import Settings
from bytesocket_app.wire.frame import Frame


@dataclass(frozen=True)
class Handshake:
    """The HTTP request that asked for the connection.

    Attributes:
        path: The path alone, without the query: `/ws`.
        query: The query as it came, without `?`.
        headers: By lower-case name; repeated headers are joined with `, `, cookies with `; `.
        subprotocols: What the client offers, in its order of preference.
        client: The peer's address and port, where the server knows it.
        scheme: `ws` or `wss`.
        native: What the adaptor's server calls the request: the ASGI scope, or as much of one as
            the handshake does not say: `app`, and the lifespan's `state`.
    """

    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    subprotocols: tuple[str, ...] = ()
    client: tuple[str, int] | None = None
    scheme: str = "ws"
    native: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)

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
    """

    subprotocol: str | None = None
    context: Any = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """Refuse the connection before it is accepted.

    Attributes:
        status: The HTTP status, 4xx or 5xx.
        reason: One line for the response's body.
    """

    status: int
    reason: str


class Transport(Protocol):
    """One connection's way out, made by the adaptor."""

    @property
    def buffered(self) -> int:
        """Bytes written and not yet handed to the network."""
        ...

    def write(self, frame: Frame, /) -> int:
        """Put a frame on its way; never blocks and never raises.

        The receiver is told later if that ends the connection: others are written to meanwhile.

        Returns `buffered`, or 0 as long as the network keeps up.
        """
        ...

    @classmethod
    def write_many(
        cls, links: Collection[Self], frame: Frame, /, *, skip: Self | None = None
    ) -> list[Self]:
        """Put a frame on its way on one or more connections of this kind, all but `skip`.

        Returns those on which `write` would not have returned 0.
        """
        ...

    def drop_oldest(self, *, volatile: bool = False) -> int:
        """Throw away one waiting frame, volatile ones first or only; returns its bytes, else 0."""
        ...

    def close(self, code: int, reason: str, /) -> None:
        """Start the closing handshake after what is written; later calls do nothing."""
        ...

    def abort(self) -> None:
        """Drop the connection without waiting for anybody."""
        ...

    def resume(self) -> None:
        """Read on after `received` asked for a pause."""
        ...

    def cork(self) -> None:
        """Hold what is written, to send a batch at once: until `flush`.

        If the connection's own task waits for something before that, the transport sends what it
        holds and holds nothing more; see `Attended`.
        """
        ...

    def flush(self) -> Awaitable[None] | None:
        """Have sent what was held; returns what to await where that takes a while."""
        ...

    def park(self) -> Awaitable[None]:
        """Wait until the receiver was pushed something, or until `wake`.

        The connection's own task calls it when it has nothing to do. A transport that has to
        fetch its messages does so here, in that task: handling one then costs no task switch.
        """
        ...

    def wake(self) -> None:
        """End the `park`, if the connection's own task is in one and not about to leave it."""
        ...


class Receiver(Protocol):
    """One connection's way in, made by the core."""

    def received(self, payload: bytes | str, is_binary: bool, /) -> bool:  # noqa: FBT001
        """Take one whole message; False asks the adaptor to pause until `Transport.resume`.

        It ends no `park`: the adaptor does that, once it has pushed all that it has.
        """
        ...

    def lost(self, code: int, reason: str, /) -> None:
        """The connection ended, with the peer's close code, 1005 without one, 1006 if broken."""
        ...

    def interrupt(self) -> None:
        """Cancel what `Transport.park` waits for; the receiver will park again."""
        ...

    def run(self) -> Coroutine[Any, Any, None]:
        """Handle messages until the connection is over and its hooks have run."""
        ...


class Endpoint(Protocol):
    """What an adaptor is given: the door to the application."""

    @property
    def draining(self) -> bool:
        """Whether new connections are refused, because all are being closed."""
        ...

    async def admit(self, handshake: Handshake, /) -> Acceptance | Rejection:
        """Decide whether to take a connection, before it is accepted."""
        ...

    def open(
        self, handshake: Handshake, transport: Transport, accepted: Acceptance, tasks: TaskGroup, /
    ) -> Receiver:
        """Open an accepted connection; `tasks` lives as long as `Receiver.run`."""
        ...


class Served(Protocol):
    """An application, as far as a server has to know it that is no ASGI server."""

    @property
    def path(self) -> str:
        """Where its socket is."""
        ...

    @property
    def endpoint(self) -> Endpoint:
        """What takes connections."""
        ...

    @property
    def settings(self) -> Settings:
        """Its limits and timeouts."""
        ...
