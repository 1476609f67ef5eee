"""`TestClient`: an in-memory client with a deadline on every wait."""

import itertools
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import is_dataclass
from types import TracebackType
from typing import Any, Final, Self, TypeVar, cast, overload

from anyio import move_on_after
from pydantic import BaseModel

from bytesocket_app.application import ByteSocket
from bytesocket_app.client.payload import plain
from bytesocket_app.client.refusals import refusal
from bytesocket_app.errors import ConfigurationError, Disconnected, UndeclaredEvent
from bytesocket_app.events import (
    BothHandle,
    Catalogue,
    ClientEvent,
    ClientPayload,
    Payload,
    PayloadType,
    ServerEvent,
    ServerHandle,
    name_of,
)
from bytesocket_app.testing.arrivals import Arrivals
from bytesocket_app.testing.clock import VirtualClock
from bytesocket_app.testing.direct import DirectTransport
from bytesocket_app.testing.hosted import HostedTransport
from bytesocket_app.testing.log import FrameLog, NothingCame
from bytesocket_app.testing.places import place_of
from bytesocket_app.transports import Handshake
from bytesocket_app.transports.asgi import ASGIApp
from bytesocket_app.types import CodecName
from bytesocket_app.wire import CODECS, decode
from bytesocket_app.wire.close import CloseCode
from bytesocket_app.wire.message_type import MessageType
from bytesocket_app.wire.shapes import is_object

E_ = TypeVar("E_", bound=ServerEvent)
R = TypeVar("R")
T = TypeVar("T")

DEADLINE: Final = 5.0
"""Default timeout of a wait, in seconds."""


class TestClient:
    """Client of an application in the same process, over the real protocol.

    ::

        async with TestClient(app, credentials={"token": "t"}) as client:
            await client.join("lobby")
            receipt = await client.request(Post(text="hi"), Receipt)
            posted = await client.receive(Posted)

    Through a FastAPI or Starlette application that has the socket, attached or mounted, the
    connection passes the host's middleware, sessions and routes, and the host's lifespan runs; its
    `dependency_overrides` count beside those of the socket::

        async with TestClient(api, path="/ws", cookies={"session": signed}) as client: ...

    Args:
        app: The application, or a host. The lifespan runs while at least one client is connected.
        credentials: Credentials to send in the auth message; None sends no auth message.
        path: The socket's path in the host, with a query or without. A host with one ByteSocket
            needs none. A ByteSocket with a path is served as a host is.
        codec: Codec of both directions.
        headers: HTTP headers of the handshake.
        cookies: Cookies of the handshake.
        query: Query string of the handshake, without `?`. The application's own contract is added
            if its policy requires a contract and this names none.
        deadline: Default timeout of a wait, in seconds.
        contract: True to name the application's own contract, as generated clients do. Then it is
            told what others are not: that it was removed from a room (`removed`), and why its
            handshake is refused.

    Attributes:
        log: The last frames of the connection.

    Raises:
        ConfigurationError: It is no application, or nothing says where in the host the socket is.
    """

    __test__ = False

    def __init__(  # noqa: PLR0913 - what a handshake may hold, by keyword
        self,
        app: ByteSocket | ASGIApp,
        credentials: Any = None,
        *,
        path: str | None = None,
        codec: CodecName = "json",
        headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
        query: str = "",
        deadline: float = DEADLINE,
        contract: bool = False,
    ) -> None:
        self.log = FrameLog()
        self._credentials = credentials
        self._codec = CODECS[codec]
        self._deadline = deadline
        lines = {name.lower(): value for name, value in (headers or {}).items()}
        if cookies:
            mine = [f"{name}={value}" for name, value in cookies.items()]
            lines["cookie"] = "; ".join([lines["cookie"], *mine] if "cookie" in lines else mine)
        self._socket: ByteSocket | None
        self._transport: DirectTransport | HostedTransport
        if isinstance(app, ByteSocket) and path is None:
            place, self._socket = app.path, app
            self._transport = DirectTransport(app)
        else:
            bare, _, more = (path or "").partition("?")
            place, self._socket = place_of(app, None if path is None else bare)
            query = "&".join(part for part in (more, query) if part)
            self._transport = HostedTransport(app)
        self._handshake = Handshake(
            path=place,
            query=_with_contract(query, self._socket, is_named=contract),
            headers=lines,
            subprotocols=(f"bytesocket.{codec}",),
            client=("testclient", 0),
        )
        self._stack = AsyncExitStack()
        self._arrivals = Arrivals(self._transport, self.log, deadline, self._asleep)
        self._ids = itertools.count(1)

    @property
    def app(self) -> ByteSocket:
        """The application that is tested.

        Raises:
            ConfigurationError: It is inside of a host that does not show its parts.
        """
        if self._socket is None:
            raise ConfigurationError(
                "client.app: the host shows no ByteSocket; take the one that you attached to it."
            )
        return self._socket

    @property
    def clock(self) -> VirtualClock:
        """The virtual clock of the application.

        Raises:
            RuntimeError: The time passes by itself.
        """
        clock = self.app.housekeeping.clock
        if isinstance(clock, VirtualClock):
            return clock
        raise RuntimeError(
            "client.clock: the time passes by itself here. Stop it before the client connects: "
            "`with virtual_clock(app):` around `async with TestClient(app) as client:`"
        )

    async def __aenter__(self) -> Self:
        """Connect, and authenticate if there are credentials.

        Raises:
            RequestError: The handshake or the credentials were refused.
            NothingCame: A host did not answer the handshake in time.
            Exception: Any exception that the application's lifespan raises at its start, or a host
                before it answers.
            EngineError: The broker of the application's engine cannot be reached.
        """
        try:
            await self._transport.connect(self._handshake, self._stack)
        except BaseException:
            await self._stack.aclose()
            raise
        self._arrivals.is_running = True
        try:
            if self._transport.closed is not None:
                await self._check_dismissed()
            if self._credentials is not None:
                await self._authenticate()
        except BaseException:
            await self.__aexit__(*sys.exc_info())
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close, and wait until the server's hooks have run.

        Raises:
            NothingCame: Handlers or hooks did not finish in time, and were cancelled.
            Exception: What a host raised after it had accepted the connection.
        """
        self._transport.end(1000, "")
        in_time = False
        try:
            with move_on_after(self._deadline):
                await self._transport.over.wait()
                in_time = True
            asleep = "" if in_time else self._asleep()
        finally:
            if not in_time:
                self._transport.cancel()
            await self._stack.aclose()
        if error is not None:
            return
        self._transport.raise_failure()
        if not in_time:
            raise NothingCame(
                f"the server's handlers and hooks were at work {self._deadline:g} s after the end "
                f"of the connection, and were cancelled.{asleep} The frames:\n{self.log}"
            )

    @property
    def closed(self) -> tuple[int, str] | None:
        """Close code and reason; None while the connection is open."""
        return self._transport.closed

    async def emit(
        self, event: ClientEvent | ClientPayload[Any], *, room: str | None = None
    ) -> None:
        """Send an event, globally or into a room."""
        await self.send(self._message(event, room))

    @overload
    async def request(
        self,
        event: ClientEvent | ClientPayload[Any],
        reply: type[R],
        *,
        room: str | None = None,
        timeout: float | None = None,
    ) -> R: ...
    @overload
    async def request(
        self,
        event: ClientEvent | ClientPayload[Any],
        reply: None = None,
        *,
        room: str | None = None,
        timeout: float | None = None,
    ) -> Any: ...
    async def request(
        self,
        event: ClientEvent | ClientPayload[Any],
        reply: Any = None,
        *,
        room: str | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Send an event and wait for its reply.

        Args:
            event: The event to send.
            reply: The reply's type; without it the decoded value is returned unvalidated.
            room: The room to send it into.
            timeout: Seconds to wait, instead of the client's deadline.

        Raises:
            RequestError: The server refused; `code` says why.
            NothingCame: No answer came in time.
            Disconnected: The connection ended first.
        """
        identity = next(self._ids)
        await self.send({**self._message(event, room), "id": identity})

        def answers(message: Any) -> bool:
            return (
                is_object(message)
                and message.get("id") == identity
                and message.get("type") in {MessageType.REPLY, MessageType.REPLY_ERROR}
            )

        answer = await self._arrivals.wait(f"the reply to {event!r}", answers, timeout)
        if answer["type"] == MessageType.REPLY_ERROR:
            raise refusal(answer.get("data"))
        data = answer.get("data")
        return data if reply is None else PayloadType(reply).validate(data, self._codec.name)

    @overload
    async def receive(
        self, event: type[E_], *, room: str | None = None, timeout: float | None = None
    ) -> E_: ...
    @overload
    async def receive(
        self,
        event: ServerHandle[T] | BothHandle[T],
        *,
        room: str | None = None,
        timeout: float | None = None,
    ) -> T: ...
    async def receive(
        self, event: Any, *, room: str | None = None, timeout: float | None = None
    ) -> Any:
        """Wait for an event. Earlier messages count, each once; others are kept for later waits.

        Args:
            event: The event's class or handle; of a handle the payload is returned.
            room: Room that the event must arrive in; None accepts any.
            timeout: Seconds to wait, instead of the client's deadline.

        Raises:
            NothingCame: No such event came in time; the message shows the last frames.
            Disconnected: The connection ended first.
        """
        if self._socket is None:
            spec = Catalogue(()).declare(event)
        elif (known := self._socket.catalogue.spec(event)) is not None:
            spec = known
        else:
            raise UndeclaredEvent(f"{event!r} is not declared to {self.app!r}: it cannot come.")

        def matches(message: Any) -> bool:
            if not is_object(message) or message.get("event") != spec.name:
                return False
            return room is None or room == message.get("room") or room in message.get("rooms", ())

        message = await self._arrivals.wait(f"event {spec.name!r}", matches, timeout)
        return spec.payload.validate(message.get("data"), self._codec.name)

    async def join(self, room: str) -> None:
        """Ask to join a room and wait for the answer.

        Raises:
            RequestError: The server refused; `code` says why.
        """
        await self._membership(MessageType.JOIN_ROOM, room)

    async def leave(self, room: str) -> None:
        """Ask to leave a room and wait for the answer.

        Raises:
            RequestError: The server refused; `code` says why.
        """
        await self._membership(MessageType.LEAVE_ROOM, room)

    async def removed(self, room: str, *, timeout: float | None = None) -> tuple[str, str]:
        """Wait until server code takes this client out of a room; returns the code and message.

        Only a client that names a contract is told, as by `TestClient(app, contract=True)`.

        Args:
            room: The name of the room.
            timeout: Seconds to wait, instead of the client's deadline.

        Raises:
            NothingCame: It was not told in time; the message shows the last frames.
            Disconnected: The connection ended first.
        """
        removed = _of_type({MessageType.REMOVED})
        told = "contract=" in self._handshake.query
        unasked = "" if told else ", of which only TestClient(..., contract=True) is told,"
        message = await self._arrivals.wait(
            f"the removal from {room!r}{unasked}",
            lambda m: removed(m) and m.get("room") == room,
            timeout,
        )
        return message["code"], message["message"]

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close from the client's side."""
        self._transport.end(code, reason)

    async def send(self, message: Any) -> None:
        """Send any value as a message, for tests of input that no typed client would send."""
        self.log.sent(message)
        payload = self._codec.encode(message)
        await self.send_raw(payload if self._codec.is_binary else payload.decode())

    async def send_raw(self, payload: str | bytes) -> None:
        """Send an encoded frame: text, or bytes as a binary frame.

        Raises:
            RuntimeError: The client is not connected yet: use it inside `async with`.
        """
        self._arrivals.check_running()
        await self._transport.push(payload, is_binary=isinstance(payload, bytes))

    async def receive_message(self, *, timeout: float | None = None) -> Any:
        """Wait for the next message of any kind, decoded."""
        return await self._arrivals.wait("a message", lambda _: True, timeout)

    async def wait_closed(self, *, timeout: float | None = None) -> tuple[int, str]:
        """Wait until the connection is closed, and return the close code and reason."""
        with suppress(Disconnected):
            await self._arrivals.wait("the end of the connection", lambda _: False, timeout)
        return cast("tuple[int, str]", self._transport.closed)

    async def _check_dismissed(self) -> None:
        """Raise the refusal of a handshake that was accepted only to tell it."""

        def refuses(message: Any) -> bool:
            is_refusal = _of_type({MessageType.AUTH_ERROR})(message)
            return is_refusal and message["data"].get("code") == CloseCode.AUTH_FAILED

        with suppress(Disconnected):
            answer = await self._arrivals.wait("the refusal of the handshake", refuses, None)
            raise refusal(answer["data"])

    def _asleep(self) -> str:
        """Return a hint to who sleeps by a clock that stands."""
        clock = None if self._socket is None else self._socket.housekeeping.clock
        left = clock.last_in if isinstance(clock, VirtualClock) else None
        if left is None:
            return ""
        return (
            f" The virtual clock stands: `await clock.elapse({left:g})` wakes all who sleep by it."
        )

    async def _authenticate(self) -> None:
        value: object = self._credentials
        kind: Any = type(value)
        if issubclass(kind, BaseModel) or is_dataclass(kind):
            # Whole: a union needs a tag that has a default.
            data = self._written(PayloadType(kind), value)
        else:
            data = plain(value, self._codec)
        await self.send({"type": MessageType.AUTH.value, "data": data})
        kinds = {MessageType.AUTH_SUCCESS, MessageType.AUTH_ERROR}
        answer = await self._arrivals.wait("the answer to the credentials", _of_type(kinds), None)
        if answer["type"] == MessageType.AUTH_ERROR:
            raise refusal(answer.get("data"))

    async def _membership(self, kind: MessageType, room: str) -> None:
        await self.send({"type": kind.value, "room": room})
        answer = await self._arrivals.wait(
            f"the answer to {kind.name} {room!r}",
            lambda m: _of_type({kind + 1, kind + 2})(m) and m.get("room") == room,
            None,
        )
        if answer["type"] == kind + 2:
            raise refusal(answer.get("data"))

    def _message(self, event: ClientEvent | ClientPayload[Any], room: str | None) -> dict[str, Any]:
        name, payload = (
            (event.handle.name, PayloadType(event.handle.payload))
            if isinstance(event, Payload)
            else (name_of(event), PayloadType(type(event)))
        )
        value = event.value if isinstance(event, Payload) else event
        message = {"event": name, "data": self._written(payload, value)}
        return message if room is None else {"room": room, **message}

    def _written(self, payload: PayloadType, value: Any) -> Any:
        raw = payload.dump(value, self._codec.name)
        return decode(raw, self._codec.is_binary)


def _with_contract(query: str, app: ByteSocket | None, *, is_named: bool) -> str:
    """Return a query that names the application's contract, if that is wanted or demanded."""
    if app is None or "contract=" in query:
        return query
    if not is_named and app.settings.policies.without_contract != "refuse":
        return query
    return f"{query}&contract={app.contract().fingerprint}".lstrip("&")


def _of_type(kinds: set[Any]) -> Callable[[Any], bool]:
    return lambda message: is_object(message) and message.get("type") in kinds
