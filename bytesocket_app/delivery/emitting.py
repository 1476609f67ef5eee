"""Emitting to rooms by name, and clearing them: `app.rooms`."""

from collections.abc import Iterable
from typing import Any

from bytesocket_app.declarations.handles import RoomHandle
from bytesocket_app.declarations.room_hooks import EveryRoom
from bytesocket_app.delivery.asking import RoomCount, RoomSockets
from bytesocket_app.delivery.hub import Hub
from bytesocket_app.events import ServerEvent, ServerPayload
from bytesocket_app.rooms import room_name
from bytesocket_app.socket import removal, several
from bytesocket_app.types import CodecName, Outcome


class ServerRooms:
    """All rooms: emits by name, which leave nobody out, and guards of all of them: `app.rooms`.

    Emits never wait.

    Attributes:
        guard: Decides who may join, whichever room it is, before the room's own guards:
            `@app.rooms.guard`. It is asked about rooms that are not declared too, where clients may
            join those (`Settings.drop_in()`), and not when server code joins. It may ask for
            `room: str`, and is called for each room; or for `rooms: list[str]` alone, and is called
            once for a request with all its rooms, of which a single join has one. It refuses as
            `Room.guard` does; `@app.rooms.guard(raises=(Banned,))` tells clients.
        leave_guard: Decides in the same way who may leave; see `Room.leave_guard`.
        bulk: Emits to several rooms.
    """

    __slots__ = ("_hub", "bulk", "guard", "leave_guard")

    def __init__(self, hub: Hub, every: EveryRoom) -> None:
        self.guard = every.guard
        self.leave_guard = every.leave_guard
        self._hub = hub
        self.bulk = ServerRoomsBulk(hub)

    async def emit(
        self,
        room: str,
        event: ServerEvent | ServerPayload[Any],
        *,
        codec: CodecName | None = None,
    ) -> Outcome:
        """Emit to all members of a room.

        Returns:
            "sent", even if nobody is in the room.

        Raises:
            UndeclaredEvent: The application did not declare the event as its own to send.
            UndeclaredRoom: The application is strict, and did not declare the room.
            ValueError: The name is not the one that the declared room has, as `doc:07`.
        """
        return self._hub.publish((room,), event, codec=codec)

    async def count(self, room: str) -> RoomCount:
        """Count the sockets in a room over all processes.

        Waits for the other processes, for half a second at most, and never raises for want of
        them: those that have not answered are named, as all are while there is no broker.
        `app.rooms.at(room).count()` counts those of this process, at once.
        """
        return await self._hub.count_everywhere(room_name(room))

    async def sockets(self, room: str) -> RoomSockets:
        """Return the ids, users and processes of the sockets in a room; waits as `count` does."""
        return await self._hub.members_everywhere(room_name(room))

    async def clear(self, room: str, *, code: str | None = None, message: str = "") -> Outcome:
        """Take all members out of a room, in all processes.

        All in this process have left before the first of the room's leave hooks runs; it waits for
        these, one after another, and for none of other processes, which run there. Cancelled
        meanwhile, all that are here have left. Clients that name a contract, as generated ones
        do, are told: their handles of the room end. Who comes later may join as before.

        Args:
            room: The name of the room.
            code: A word for the clients' programs, as of a refusal; "removed" by default.
            message: A sentence for the users of the clients.

        Returns:
            "sent"; "queued" or "dropped" if there is no broker to tell the other processes by.

        Raises:
            ConfigurationError: The code is no word, or one of the framework's own.
            UndeclaredRoom: The application is strict, and did not declare the room.
            ValueError: The name is not the one that the declared room has, as `doc:07`.
        """
        return await self._hub.clear(room, removal(code, message))

    def at(self, name: str) -> RoomHandle:
        """Return the handle of a room by its name: `app.rooms.at("doc:7")`."""
        return RoomHandle(room_name(name), lambda _verb: self._hub)

    async def publish_raw(self, room: str, payload: str | bytes) -> Outcome:
        """Send an encoded message to all members of a room: text, or bytes as a binary frame.

        Raises:
            UndeclaredRoom: The application is strict, and did not declare the room.
            ValueError: The name is not the one that the declared room has, as `doc:07`.
        """
        return self._hub.publish_raw(room, payload)


class ServerRoomsBulk:
    """Emitter to several rooms at once: `app.rooms.bulk`."""

    __slots__ = ("_hub",)

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def emit(
        self,
        rooms: Iterable[str],
        event: ServerEvent | ServerPayload[Any],
        *,
        codec: CodecName | None = None,
    ) -> Outcome:
        """Emit to the members of several rooms, once each unless `Policies.bulk_copies` is "each".

        Returns:
            "sent", even if nobody is in the rooms.

        Raises:
            UndeclaredEvent: The application did not declare the event as its own to send.
            UndeclaredRoom: The application is strict, and did not declare the room.
            ValueError: The name is not the one that the declared room has, as `doc:07`.
        """
        return self._hub.publish(several(rooms), event, codec=codec, bulk=True)
