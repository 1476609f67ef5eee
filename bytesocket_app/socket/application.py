"""The application, as far as code that holds a socket sees it: `socket.app`."""

from typing import Any, Protocol

from typing_extensions import TypeVar

from bytesocket_app.clock import Clock
from bytesocket_app.events import ServerEvent, ServerPayload
from bytesocket_app.settings import Settings
from bytesocket_app.types import CodecName, Outcome, UserKey

S = TypeVar("S", default=Any)


class UserView(Protocol):
    """One user, on all of their sockets: `socket.app.user(key)`."""

    @property
    def key(self) -> UserKey:
        """The user's key."""
        ...

    async def emit(
        self, event: ServerEvent | ServerPayload[Any], *, codec: CodecName | None = None
    ) -> Outcome:
        """Emit to every open socket of the user."""
        ...

    async def close(
        self, code: int | None = None, reason: str | None = None, *, final: bool = False
    ) -> Outcome:
        """Close every socket of the user."""
        ...

    async def join(self, room: str) -> Outcome:
        """Put every socket of the user into a room."""
        ...

    async def leave(self, room: str, *, code: str | None = None, message: str = "") -> Outcome:
        """Take every socket of the user out of a room."""
        ...


class RoomView(Protocol):
    """One room by its name: `socket.app.rooms.at(name)`."""

    @property
    def name(self) -> str:
        """The room's name."""
        ...

    async def emit(
        self,
        event: ServerEvent | ServerPayload[Any],
        *,
        exclude: Any = None,
        codec: CodecName | None = None,
    ) -> Outcome:
        """Emit to all members."""
        ...

    def sockets(self) -> list[Any]:
        """Return the members in this process."""
        ...

    def count(self) -> int:
        """Return the number of members in this process."""
        ...

    async def join(self, socket: Any, /) -> None:
        """Put a socket into the room."""
        ...

    async def leave(self, socket: Any, /, *, code: str | None = None, message: str = "") -> None:
        """Take a socket out of the room."""
        ...

    async def clear(self, *, code: str | None = None, message: str = "") -> Outcome:
        """Take all members out of the room."""
        ...


class RoomsView(Protocol):
    """Rooms by name: `socket.app.rooms`."""

    async def emit(
        self,
        room: str,
        event: ServerEvent | ServerPayload[Any],
        *,
        codec: CodecName | None = None,
    ) -> Outcome:
        """Emit to all members of a room."""
        ...

    async def publish_raw(self, room: str, payload: str | bytes) -> Outcome:
        """Send a ready frame to all members of a room."""
        ...

    def at(self, name: str) -> RoomView:
        """Return the handle of a room."""
        ...

    async def clear(self, room: str, *, code: str | None = None, message: str = "") -> Outcome:
        """Take all members out of a room."""
        ...


class RemoteView(Protocol):
    """One socket in any process: `socket.app.socket(id)`."""

    @property
    def id(self) -> str:
        """The UUID of the socket."""
        ...

    async def emit(
        self, event: ServerEvent | ServerPayload[Any], *, codec: CodecName | None = None
    ) -> Outcome:
        """Emit to the client."""
        ...

    async def close(
        self, code: int | None = None, reason: str | None = None, *, final: bool = False
    ) -> Outcome:
        """Close the connection."""
        ...

    async def join(self, room: str) -> Outcome:
        """Put the socket into a room."""
        ...

    async def leave(self, room: str, *, code: str | None = None, message: str = "") -> Outcome:
        """Take the socket out of a room."""
        ...


class Application(Protocol[S]):
    """The application that a socket belongs to, to be read and spoken through.

    A handler asks for it as `app: Application`, and for more of it by its class: `app: MyApp`.
    """

    @property
    def title(self) -> str:
        """The application's title."""
        ...

    @property
    def settings(self) -> Settings:
        """Timeouts, limits and policies."""
        ...

    @property
    def state(self) -> Any:
        """A free namespace of the application's own: `app.state.database`."""
        ...

    @property
    def clock(self) -> Clock:
        """The time of the application's deadlines, to sleep by."""
        ...

    @property
    def rooms(self) -> RoomsView:
        """Rooms by name."""
        ...

    def sockets(self) -> list[S]:
        """Return the open sockets, authenticated or not."""
        ...

    def socket(self, socket_id: str) -> RemoteView:
        """Return one socket in any process."""
        ...

    def user(self, key: UserKey) -> UserView:
        """Return one user, on all of their sockets."""
        ...

    async def broadcast(
        self, event: ServerEvent | ServerPayload[Any], *, codec: CodecName | None = None
    ) -> Outcome:
        """Emit to every authenticated socket."""
        ...
