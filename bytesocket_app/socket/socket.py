"""One client's connection, as handlers and hooks hold it."""

import logging
from collections.abc import Callable, Mapping
from enum import Enum
from sys import maxsize
from typing import Any, Final, Generic, NamedTuple
from urllib.parse import unquote
from uuid import uuid4

from typing_extensions import TypeVar, override

from bytesocket_app.events import ServerEvent, ServerPayload
from bytesocket_app.socket.backend import SocketBackend
from bytesocket_app.socket.rooms import SocketRooms
from bytesocket_app.transports import Handshake, Transport
from bytesocket_app.types import CodecName, UserKey
from bytesocket_app.wire.close import CloseCode, checked_code, close_reason
from bytesocket_app.wire.frame import Frame

logger = logging.getLogger("bytesocket")

MAX_CONTRACT: Final = 256
"""How much of what names itself a contract is kept; a fingerprint has 64 digits."""

UserT = TypeVar("UserT", default=Any)


class DeliveryGroup(NamedTuple):
    """One codec on one kind of transport: its sockets all get the same bytes in the same way."""

    codec: CodecName
    kind: type[Transport]


class AuthState(Enum):
    """How far a connection's authentication is (protocol.md section 4)."""

    NONE = "none"
    """The application asks for none."""
    IDLE = "idle"
    """No credentials yet."""
    PENDING = "pending"
    """The authentication function is deciding."""
    SUCCESS = "success"
    FAILED = "failed"


class Socket(Generic[UserT]):
    """One client's connection.

    Attributes:
        id: A UUID of its own.
        user: What the authentication function returned, None before.
        user_key: What identifies the user, where the application says so, for `app.user(key)`.
        state: A free dict for the application's own notes about this connection.
        is_authenticated: Whether it was authenticated, or needs not be.
        is_closed: Whether it is over, or closing.
        rooms: Join, leave, list, and emit to rooms without this socket.
        app: The application that this socket belongs to.
        handshake: The HTTP request it came with.
    """

    __slots__ = (
        "__weakref__",
        "_auth_state",
        "_backend",
        "_codec",
        "_transport",
        "app",
        "close_sent",
        "drop_oldest",
        "dropped",
        "handshake",
        "id",
        "is_authenticated",
        "is_closed",
        "outbox_limit",
        "push",
        "rooms",
        "state",
        "user",
        "user_key",
    )

    user: UserT
    _transport: Transport
    push: Callable[[Frame], int]

    def __init__(
        self,
        handshake: Handshake,
        transport: Transport,
        backend: "SocketBackend[Socket[Any]]",
        *,
        app: Any,
        codec: CodecName,
    ) -> None:
        self.id = str(uuid4())
        self.state: dict[str, Any] = {}
        self.app = app
        self.handshake = handshake
        self._codec: CodecName = codec
        self.auth_state = AuthState.NONE
        self.is_closed = False
        self.close_sent: tuple[int, str] | None = None
        self.dropped = 0
        self.user_key: UserKey | None = None
        self.drop_oldest = app.settings.policies.slow_reader == "drop_oldest"
        self.rooms: SocketRooms[Socket[Any]] = SocketRooms(self, backend)
        self.connect(transport)
        self._backend = backend
        self.outbox_limit: int = app.settings.limits.outbox_bytes or maxsize
        self.user = None  # type: ignore[assignment]  # until authentication has decided

    def connect(self, transport: Transport) -> None:
        """Give the socket its way out, once its handshake was accepted."""
        self._transport = transport
        self.push = transport.write

    def listing(self) -> tuple[DeliveryGroup, Transport]:
        """Return the delivery group and the transport under which a room lists this socket."""
        return DeliveryGroup(self.codec, type(self._transport)), self._transport

    @property
    def codec(self) -> CodecName:
        """What is sent to it unless told otherwise: "json" or "binary"."""
        return self._codec

    @property
    def auth_state(self) -> AuthState:
        """How far authentication has come."""
        return self._auth_state

    @auth_state.setter
    def auth_state(self, state: AuthState) -> None:
        self._auth_state = state
        self.is_authenticated = state in (AuthState.NONE, AuthState.SUCCESS)

    @property
    def can_send(self) -> bool:
        """Whether emits reach the client: open and authenticated. Otherwise they do nothing."""
        return not self.is_closed and self.is_authenticated

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
        """The fingerprint of the contract that a generated client was made from, as it says."""
        # Not the whole query: anybody may send tens of kilobytes, which take a while to parse.
        _, named, rest = f"&{self.handshake.query}".rpartition("&contract=")
        return unquote(rest.partition("&")[0][:MAX_CONTRACT]) or None if named else None

    @property
    def client(self) -> tuple[str, int] | None:
        """The peer's address and port, where the server knows it."""
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
        """The `X-Forwarded-For` header as it came; anyone can write it. "" without one."""
        return self.handshake.headers.get("x-forwarded-for", "")

    async def emit(
        self, event: ServerEvent | ServerPayload[Any], *, codec: CodecName | None = None
    ) -> None:
        """Emit one event to this client. Does nothing when it cannot be sent.

        Raises:
            UndeclaredEvent: The application did not declare the event as its own to send.
        """
        frame = self._backend.encode(event, codec or self._codec)
        if self.is_closed or not self.is_authenticated:
            return
        push = self.push
        if push(frame) > self.outbox_limit:
            self.overflow()

    async def broadcast(
        self, event: ServerEvent | ServerPayload[Any], *, codec: CodecName | None = None
    ) -> None:
        """Emit to every authenticated socket but this one.

        Raises:
            UndeclaredEvent: The application did not declare the event as its own to send.
        """
        if self.can_send:
            self._backend.broadcast(event, exclude=self, codec=codec)

    async def send_raw(self, payload: str | bytes) -> None:
        """Send a ready frame: text, or bytes as a binary frame. Works before authentication."""
        if not self.is_closed:
            self.write(raw_frame(payload))

    async def close(self, code: int = CloseCode.NORMAL, reason: str = "normal") -> None:
        """Close the connection. Later emits do nothing; frames still coming in are dropped.

        Args:
            code: 1000, or one of the application's own from 4000 on.
            reason: For people; cut to 123 bytes.

        Raises:
            ValueError: The code is not one that can be sent.
        """
        self.shut(checked_code(code), close_reason(reason))

    def deliver(self, frame: Frame) -> None:
        """Send an encoded message if the client can be sent to."""
        if not self.is_closed and self.is_authenticated:
            self.write(frame)

    def write(self, frame: Frame) -> None:
        """Send an encoded message whatever the state, keeping to the slow-reader policy."""
        if self.push(frame) > self.outbox_limit:
            self.overflow()

    def shut(self, code: int, reason: str) -> None:
        """Close without a task switch; the first call decides code and reason."""
        if self.is_closed:
            return
        self.is_closed = True
        self.close_sent = (code, reason)
        self._backend.release(self)
        self._transport.close(code, reason)

    def overflow(self) -> None:
        """Keep to the slow-reader policy, when more waits than may."""
        transport, limit = self._transport, self.outbox_limit
        if not self.dropped:
            logger.warning("more than %d bytes wait for %s", limit, self)
        # What may be lost goes before anybody is closed for not reading it.
        spare = not self.drop_oldest
        while transport.buffered > limit and transport.drop_oldest(volatile=spare):
            self.dropped += 1
        if transport.buffered <= limit:
            return
        # The close frame must not wait behind what is never read.
        while transport.drop_oldest():
            self.dropped += 1
        self.shut(CloseCode.TRY_LATER, "slow reader")

    @override
    def __repr__(self) -> str:
        return f"<socket {self.id} of {self.user!r}>"


def raw_frame(payload: str | bytes) -> Frame:
    """Make a frame of a ready message: text, or bytes as a binary frame."""
    if isinstance(payload, str):
        return Frame(payload.encode("utf-8", "replace"), is_binary=False)
    return Frame(bytes(payload), is_binary=True)
