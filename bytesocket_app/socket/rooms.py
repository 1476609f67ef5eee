"""Rooms of a socket: join, leave and list them, and emit to their other members."""

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from bytesocket_app.events import ServerEvent, ServerPayload
from bytesocket_app.socket.backend import SocketBackend
from bytesocket_app.socket.removal import removal
from bytesocket_app.socket.sending_side import SendingSide
from bytesocket_app.types import CodecName, Outcome

S = TypeVar("S")


class SocketRooms(Generic[S]):
    """Rooms of a socket: `socket.rooms`.

    Emits never wait. They are "dropped" if the socket is closed or not authenticated, but are still
    sent while messages from before the loss of its connection are handled.
    """

    __slots__ = ("_backend", "_sending", "_socket", "bulk")

    def __init__(self, socket: S, sending: SendingSide, backend: SocketBackend[S]) -> None:
        self._socket = socket
        self._sending = sending
        self._backend = backend
        self.bulk: SocketRoomsBulk[S] = SocketRoomsBulk(socket, sending, backend)

    async def join(self, room: str) -> None:
        """Join a room without its guards, and without a message to the client.

        Waits for the room's join hooks. The socket is in the room even if the wait is cancelled.

        Raises:
            UndeclaredRoom: The application is strict, and did not declare the room.
            ValueError: The name is not the one that the declared room has, as `doc:07`.
        """
        await self.bulk.join((room,))

    async def leave(self, room: str, *, code: str | None = None, message: str = "") -> None:
        """Leave a room; waits for the room's leave hooks.

        A client that names a contract, as generated ones do, is told if it was a member: its handle
        of the room ends. Others are not told. The socket has left the room even if the wait is
        cancelled.

        Args:
            room: The name of the room.
            code: A word for the client's program, as of a refusal; "removed" by default.
            message: A sentence for the user of the client.

        Raises:
            ConfigurationError: The code is no word, or one of the framework's own.
        """
        await self.bulk.leave((room,), code=code, message=message)

    def list(self, *, include_broadcast: bool = False) -> list[str]:
        """Return the rooms of this socket; after it closed, those at that moment.

        Args:
            include_broadcast: True for the room that holds every authenticated socket as well,
                `__bytesocket_broadcast__`, through which `broadcast` goes.
        """
        return self._backend.rooms_of(self._socket, include_broadcast=include_broadcast)

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
            UndeclaredRoom: The application is strict, and did not declare the room.
            ValueError: The name is not the one that the declared room has, as `doc:07`.
        """
        sending = self._sending
        if not sending.can_publish:
            return "dropped"
        return await sending.paced(
            self._backend.publish((room,), event, exclude=sending.socket_id, codec=codec)
        )

    async def publish_raw(self, room: str, payload: str | bytes) -> Outcome:
        """Send an encoded message to all members of a room but this socket.

        Raises:
            UndeclaredRoom: The application is strict, and did not declare the room.
            ValueError: The name is not the one that the declared room has, as `doc:07`.
        """
        sending = self._sending
        if not sending.can_publish:
            return "dropped"
        return await sending.paced(
            self._backend.publish_raw(room, payload, exclude=sending.socket_id)
        )


class SocketRoomsBulk(Generic[S]):
    """Operations on several rooms at once: `socket.rooms.bulk`."""

    __slots__ = ("_backend", "_sending", "_socket")

    def __init__(self, socket: S, sending: SendingSide, backend: SocketBackend[S]) -> None:
        self._socket = socket
        self._sending = sending
        self._backend = backend

    async def join(self, rooms: Iterable[str]) -> None:
        """Join several rooms; see `SocketRooms.join`."""
        for room in several(rooms):
            if self._sending.can_send:
                await self._backend.join(self._socket, room)

    async def leave(
        self, rooms: Iterable[str], *, code: str | None = None, message: str = ""
    ) -> None:
        """Leave several rooms; see `SocketRooms.leave`."""
        told = removal(code, message)
        for room in several(rooms):
            if self._sending.can_publish:  # after a loss it ends what is still heard there
                await self._backend.leave(self._socket, room, told)

    async def emit(
        self,
        rooms: Iterable[str],
        event: ServerEvent | ServerPayload[Any],
        *,
        codec: CodecName | None = None,
    ) -> Outcome:
        """Emit to the members of several rooms but this socket, as `app.rooms.bulk.emit` does.

        Raises:
            UndeclaredEvent: The application did not declare the event as its own to send.
            UndeclaredRoom: The application is strict, and did not declare the room.
            ValueError: The name is not the one that the declared room has, as `doc:07`.
        """
        sending = self._sending
        if not sending.can_publish:
            return "dropped"
        return await sending.paced(
            self._backend.publish(
                several(rooms), event, exclude=sending.socket_id, codec=codec, bulk=True
            )
        )


def several(rooms: Iterable[str]) -> Iterable[str]:
    """Return names of rooms unchanged; refuse a single text, which iterates over its characters.

    Raises:
        TypeError: The argument is one text.
    """
    if isinstance(rooms, str):
        raise TypeError(f"rooms={rooms!r} is one text: pass a list, [{rooms!r}].")
    return rooms
