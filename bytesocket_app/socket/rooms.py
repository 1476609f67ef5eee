"""One socket's rooms: join, leave and list them, and emit to their other members."""

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from bytesocket_app.events import ServerEvent, ServerPayload
from bytesocket_app.socket.backend import SocketBackend
from bytesocket_app.socket.sending_side import SendingSide
from bytesocket_app.types import CodecName, Outcome

S = TypeVar("S")


class SocketRooms(Generic[S]):
    """One socket's rooms: `socket.rooms`.

    Emits never wait. Those of a socket that is closed or not authenticated are "dropped"; while
    messages that came before the loss of a connection are being handled, they still go out.
    """

    __slots__ = ("_backend", "_sending", "_socket", "bulk")

    def __init__(self, socket: S, sending: SendingSide, backend: SocketBackend[S]) -> None:
        self._socket = socket
        self._sending = sending
        self._backend = backend
        self.bulk: SocketRoomsBulk[S] = SocketRoomsBulk(socket, sending, backend)

    async def join(self, room: str) -> None:
        """Join by server code: no guard runs, the client is told nothing.

        Waits for the room's join hooks. Cancelled meanwhile, the socket is in the room.
        """
        await self.bulk.join((room,))

    async def leave(self, room: str) -> None:
        """Leave by server code; waits for the room's leave hooks.

        Cancelled meanwhile, the socket has left the room.
        """
        await self.bulk.leave((room,))

    def list(self) -> list[str]:
        """Return the rooms this socket is in; after it closed, those it was in at that moment."""
        return self._backend.rooms_of(self._socket)

    async def emit(
        self,
        room: str,
        event: ServerEvent | ServerPayload[Any],
        *,
        codec: CodecName | None = None,
    ) -> Outcome:
        """Emit to all members of a room but this socket, which need not be a member.

        Raises:
            UndeclaredEvent: The application did not declare the event as its own to send.
        """
        if not self._sending.can_publish:
            return "dropped"
        return self._backend.publish((room,), event, exclude=self._sending.socket_id, codec=codec)

    async def publish_raw(self, room: str, payload: str | bytes) -> Outcome:
        """Send a ready frame to all members of a room but this socket."""
        if not self._sending.can_publish:
            return "dropped"
        return self._backend.publish_raw(room, payload, exclude=self._sending.socket_id)


class SocketRoomsBulk(Generic[S]):
    """The same for several rooms at once: `socket.rooms.bulk`."""

    __slots__ = ("_backend", "_sending", "_socket")

    def __init__(self, socket: S, sending: SendingSide, backend: SocketBackend[S]) -> None:
        self._socket = socket
        self._sending = sending
        self._backend = backend

    async def join(self, rooms: Iterable[str]) -> None:
        """Join rooms by server code; see `SocketRooms.join`."""
        for room in several(rooms):
            if self._sending.can_send:
                await self._backend.join(self._socket, room)

    async def leave(self, rooms: Iterable[str]) -> None:
        """Leave rooms by server code; see `SocketRooms.leave`."""
        for room in several(rooms):
            if self._sending.can_send:
                await self._backend.leave(self._socket, room)

    async def emit(
        self,
        rooms: Iterable[str],
        event: ServerEvent | ServerPayload[Any],
        *,
        codec: CodecName | None = None,
    ) -> Outcome:
        """Emit to the members of several rooms but this socket; a member of two gets one copy.

        Raises:
            UndeclaredEvent: The application did not declare the event as its own to send.
        """
        if not self._sending.can_publish:
            return "dropped"
        return self._backend.publish(
            several(rooms), event, exclude=self._sending.socket_id, codec=codec, bulk=True
        )


def several(rooms: Iterable[str]) -> Iterable[str]:
    """Return names of rooms as they are; one name alone would be taken for its characters.

    Raises:
        TypeError: It is one text.
    """
    if isinstance(rooms, str):
        raise TypeError(f"rooms={rooms!r} is one text: pass a list, [{rooms!r}].")
    return rooms
