"""Connection of a client, as handlers and hooks get it."""

from collections.abc import Mapping
from typing import Any, Final, Generic
from urllib.parse import unquote
from uuid import uuid4

from typing_extensions import TypeVar, override

from bytesocket_app.events import ServerEvent, ServerPayload
from bytesocket_app.socket.application import Application
from bytesocket_app.socket.backend import SocketBackend
from bytesocket_app.socket.rooms import SocketRooms
from bytesocket_app.socket.sending_side import SendingSide
from bytesocket_app.transports import Handshake
from bytesocket_app.types import CodecName, Outcome, UserKey
from bytesocket_app.wire.close import close_of
from bytesocket_app.wire.frame import Frame

MAX_CONTRACT: Final = 256
"""Greatest number of characters that are kept of a client's contract."""

UserT = TypeVar("UserT", default=Any)


class Socket(Generic[UserT]):
    """Connection of a client.

    Methods that send return an outcome: "sent" if the network took the message, "queued" if it
    waits for the network, "dropped" if it cannot reach the client.

    Attributes:
        id: The UUID of the socket.
        user: The value that the authentication function returned; None before.
        state: A free dict for the application's own notes about this connection; the same as
            `handshake.state`, so that upgrade hooks can leave something there.
        rooms: Join, leave, list, and emit to rooms without this socket.
        app: The application that this socket belongs to, to be read and spoken through.
        handshake: The HTTP request it came with.
    """

    __slots__ = (
        "__weakref__",
        "_backend",
        "_sending",
        "app",
        "handshake",
        "id",
        "rooms",
        "state",
        "user",
    )

    user: UserT

    def __init__(
        self,
        handshake: Handshake,
        sending: SendingSide,
        backend: "SocketBackend[Socket[Any]]",
        *,
        app: "Application[Socket[Any]]",
    ) -> None:
        self.id = sending.socket_id
        self.state: dict[str, Any] = handshake.state
        self.app: Application[Socket[Any]] = app
        self.handshake = handshake
        self._sending = sending
        self._backend = backend
        self.rooms: SocketRooms[Socket[Any]] = SocketRooms(self, sending, backend)
        self.user = None  # type: ignore[assignment]  # until authentication has decided

    @property
    def codec(self) -> CodecName:
        """The codec of messages to the client unless another is named: "json" or "binary"."""
        return self._sending.codec

    @property
    def user_key(self) -> UserKey | None:
        """The user's key for `app.user(key)`; None without one, see `@app.auth(key=...)`."""
        return self._sending.user_key

    @property
    def is_authenticated(self) -> bool:
        """True once authenticated, or if no authentication is asked for."""
        return self._sending.is_authenticated

    @property
    def is_closed(self) -> bool:
        """True as soon as the connection is lost, or closed by the server, also during a handler.

        While reading is paused because `Limits.inbox` messages wait, a loss is noticed by the next
        ping or write.
        """
        return self._sending.is_closed

    @property
    def can_send(self) -> bool:
        """True if emits reach the client: open and authenticated. Otherwise they are dropped."""
        return self._sending.can_send

    @property
    def url(self) -> str:
        """The path of the request, without the query."""
        return self.handshake.path

    @property
    def query(self) -> str:
        """The query as it came, without `?`."""
        return self.handshake.query

    @property
    def headers(self) -> Mapping[str, str]:
        """The request's headers by lower-case name."""
        return self.handshake.headers

    @property
    def cookies(self) -> Mapping[str, str]:
        """The request's cookies by name."""
        return self.handshake.cookies

    @property
    def contract(self) -> str | None:
        """The fingerprint of the contract that the client names; None without one."""
        stated = parameter(self.handshake.query, "contract")
        return None if stated is None else unquote(stated[:MAX_CONTRACT]) or None

    @property
    def client(self) -> tuple[str, int] | None:
        """The client's address and port; None if the server does not know them.

        It is what the server sees, or what trusted proxies tell (`Policies.trusted_proxies`), with
        port 0 where they tell none.
        """
        return self.handshake.client

    @property
    def host(self) -> str:
        """The `Host` header, "" without one."""
        return self.handshake.headers.get("host", "")

    @property
    def user_agent(self) -> str:
        """The `User-Agent` header, "" without one."""
        return self.handshake.headers.get("user-agent", "")

    @property
    def authorization(self) -> str:
        """The `Authorization` header, "" without one."""
        return self.handshake.headers.get("authorization", "")

    @property
    def x_forwarded_for(self) -> str:
        """The `X-Forwarded-For` header, which clients can forge; "" without one."""
        return self.handshake.headers.get("x-forwarded-for", "")

    async def emit(
        self, event: ServerEvent | ServerPayload[Any], *, codec: CodecName | None = None
    ) -> Outcome:
        """Emit one event to this client.

        Waits while more than half of `Limits.outbox_bytes` waits for this client's network; in a
        handler that time counts for `Timeouts.handler`. If no byte leaves for `Timeouts.stalled`
        during a wait, the connection is closed with 1013. A volatile event never waits. The event
        is sent even if the wait is cancelled.

        Returns:
            "sent", "queued" if the event waits for the network, "dropped" if the socket is closed
            or not authenticated.

        Raises:
            UndeclaredEvent: The application did not declare the event as its own to send.
        """
        sending = self._sending
        frame = self._backend.encode(event, codec or sending.codec)
        if sending.is_closed or not sending.is_authenticated:
            return "dropped"
        push = sending.push
        waiting = push(frame)
        sending.spare -= 1
        if waiting or not sending.spare:
            return await self._settle(frame, waiting)
        return "sent"

    async def broadcast(
        self, event: ServerEvent | ServerPayload[Any], *, codec: CodecName | None = None
    ) -> Outcome:
        """Emit to every authenticated socket but this one; never waits for the network.

        Returns:
            "sent", or "dropped" if this socket is closed or not authenticated.

        Raises:
            UndeclaredEvent: The application did not declare the event as its own to send.
        """
        sending = self._sending
        if not sending.can_publish:
            return "dropped"
        return await sending.paced(self._backend.broadcast(event, exclude=self.id, codec=codec))

    async def send_raw(self, payload: str | bytes) -> Outcome:
        """Send an encoded message: text, or bytes as a binary frame. Works before authentication.

        Waits as `emit` does.

        Returns:
            "sent", "queued" if the message waits for the network, "dropped" if the socket is
            closed, or not open yet because the handshake is being authenticated.
        """
        sending = self._sending
        if sending.is_closed:
            return "dropped"
        frame = raw_frame(payload)
        waiting = sending.push(frame)
        sending.spare -= 1
        if waiting or not sending.spare:
            return await self._settle(frame, waiting)
        return "sent"

    async def close(
        self, code: int | None = None, reason: str | None = None, *, final: bool = False
    ) -> None:
        """Close the connection. Later emits are dropped, and so are frames still coming in.

        Does not wait for the end of the connection; see `wait_closed`.

        Args:
            code: 1000, which is the default, or one of the application's own from 4000 on. Clients
                come back after all but 4003, 4010 and 4400 to 4499.
            reason: For people; cut to 123 bytes. "normal" by default.
            final: True if the client is not to come back. The default of the code is then 4400, of
                the reason "closed for good".

        Raises:
            ValueError: The code must not be sent, or is not final although `final` is set.
        """
        self._sending.shut(*close_of(code, reason, final=final))

    async def wait_closed(self) -> tuple[int, str]:
        """Wait until the connection is over.

        Returns:
            The close code and reason: the server's if it closed, else the peer's; 1005 without a
            code, 1006 if the connection was lost.
        """
        return await self._sending.wait_closed()

    async def _settle(self, frame: Frame, waiting: int) -> Outcome:
        sending = self._sending
        outcome: Outcome = await sending.settle(frame, waiting) if waiting else "sent"
        if sending.spare <= 0:
            await sending.give_way()
            if sending.is_closed:
                return "dropped"
        return outcome

    @override
    def __repr__(self) -> str:
        return repr(self._sending)


def raw_frame(payload: str | bytes) -> Frame:
    """Return the frame of an encoded message: text, or bytes as a binary frame."""
    if isinstance(payload, str):
        return Frame(payload.encode("utf-8", "replace"), is_binary=False)
    return Frame(bytes(payload), is_binary=True)


def parameter(query: str, name: str) -> str | None:
    """Return the last value of a name in a query, escaped as it came; None without one.

    The whole query is not parsed, as it may be tens of kilobytes long.
    """
    _, named, rest = f"&{query}".rpartition(f"&{name}=")
    return rest.partition("&")[0] if named else None


def new_id() -> str:
    """Return a new id for a socket."""
    return str(uuid4())
