"""Memberships: the rooms of sockets, and the sockets of users."""

from collections.abc import Iterable
from typing import Any, Final, Protocol

from bytesocket_app.delivery.users import UserIndex
from bytesocket_app.rooms import BROADCAST_ROOM, RoomIndex
from bytesocket_app.socket import DeliveryGroup, SendingSide, Socket
from bytesocket_app.transports import Transport
from bytesocket_app.types import UserKey


class RoomWatch(Protocol):
    """Runner of rooms' hooks, told when a socket joined or left one."""

    async def joined(self, socket: Socket[Any], room: str, /) -> None:
        """Run a room's join hooks."""
        ...

    async def left(self, socket: Socket[Any], room: str, /) -> None:
        """Run a room's leave hooks."""
        ...


class Occupancy(Protocol):
    """Observer of the first and last socket of each room and user in this process."""

    def first_in_room(self, room: str, /) -> None:
        """Take note of a room's first member."""
        ...

    def last_in_room(self, room: str, /) -> None:
        """Take note that a room has no member any more."""
        ...

    def first_of_user(self, key: UserKey, /) -> None:
        """Take note of a user's first socket."""
        ...

    def last_of_user(self, key: UserKey, /) -> None:
        """Take note that a user has no socket any more."""
        ...


_NOBODY: Final[frozenset[str]] = frozenset()


class Memberships:
    """Memberships of one process; only this class changes them.

    A socket that is closed or lost leaves all its rooms at once (`release`), so counts and lists do
    not have it any more. Its rooms are remembered until its hooks have run: they count as
    memberships for messages from before the loss, and after those messages each room's leave hooks
    run once (`finish`).

    Args:
        watch: The runner of the rooms' hooks.

    Attributes:
        sockets: Every open socket by its id, authenticated or not.
        index: Members by room and rooms by member.
        users: Sockets by the key of their user.
        occupancy: The observer of first and last members; None for none.
    """

    def __init__(self, watch: RoomWatch) -> None:
        self.sockets: dict[str, Socket[Any]] = {}
        self.index: RoomIndex[Socket[Any], DeliveryGroup, Transport] = RoomIndex(self._listing)
        self.users = UserIndex()
        self.occupancy: Occupancy | None = None
        self._watch = watch
        self._sides: dict[Socket[Any], SendingSide] = {}
        # True for rooms held when the socket closed, False for those entered after that.
        self._held: dict[Socket[Any], dict[str, bool]] = {}

    def add(self, socket: Socket[Any], sending: SendingSide) -> None:
        """List a new socket, which needs to have its transport; it is in no room yet."""
        self.sockets[socket.id] = socket
        self._sides[socket] = sending
        sending.released = lambda: self.release(socket)

    def side(self, socket: Socket[Any]) -> SendingSide | None:
        """Return the sending side of a socket; None after `forget`."""
        return self._sides.get(socket)

    def authenticated(self, socket: Socket[Any]) -> None:
        """List an authenticated socket for broadcasts, and for emits to its user."""
        if socket.is_closed:
            return
        self.enter(socket, (BROADCAST_ROOM,))
        key = socket.user_key
        if key is not None and self.users.add(socket, key) and self.occupancy is not None:
            self.occupancy.first_of_user(key)

    def enter(self, socket: Socket[Any], rooms: Iterable[str]) -> list[str]:
        """Put a socket into rooms, all at once; returns those it was not in.

        After a loss the socket is not listed in them, but they count as its rooms: a client may
        join a room, send into it, and disconnect before the join is handled.
        """
        held = self._held.get(socket)
        if held is not None:
            for room in rooms:
                held.setdefault(room, False)
            return []
        if socket.is_closed or socket not in self._sides:
            return []  # closed while a guard or hook ran: nothing would remove it again
        entered: list[str] = []
        for room in rooms:
            is_first = self.occupancy is not None and not self.index.groups(room)
            if self.index.join(socket, room):
                entered.append(room)
                if is_first and self.occupancy is not None:
                    self.occupancy.first_in_room(room)
        return entered

    def exit(self, socket: Socket[Any], rooms: Iterable[str]) -> list[str]:
        """Take a socket out of rooms, all at once; returns those it was in."""
        left = [room for room in rooms if self.index.leave(socket, room)]
        self._tell_last(left)
        return left

    async def join(self, socket: Socket[Any], room: str) -> None:
        """Put a socket into a room, and run the room's join hooks if it was not there."""
        await self.entered(socket, self.enter(socket, (room,)))

    async def leave(self, socket: Socket[Any], room: str) -> None:
        """Take a socket out of a room, and run the room's leave hooks if it was there."""
        await self.exited(socket, self.exit(socket, (room,)))

    async def entered(self, socket: Socket[Any], rooms: Iterable[str]) -> None:
        """Run the join hooks of rooms that `enter` returned."""
        for room in rooms:
            if room != BROADCAST_ROOM:
                await self._watch.joined(socket, room)

    async def exited(self, socket: Socket[Any], rooms: Iterable[str]) -> None:
        """Run the leave hooks of rooms that `exit` returned."""
        for room in rooms:
            if room != BROADCAST_ROOM:
                await self._watch.left(socket, room)

    def has(self, socket: Socket[Any], room: str) -> bool:
        """Return True for a member, and for a lost socket that was a member at its end."""
        return self.index.has(socket, room) or room in self._held.get(socket, _NOBODY)

    def rooms_of(self, socket: Socket[Any]) -> list[str]:
        """Return the rooms of a socket; after it closed, those at that moment."""
        held = self._held.get(socket)
        rooms = self.index.rooms(socket) if held is None else _true(held)
        return [room for room in rooms if room != BROADCAST_ROOM]

    def release(self, socket: Socket[Any]) -> None:
        """Take a closed or lost socket off every list, remembering its rooms for its hooks."""
        if socket in self._held:
            return
        rooms = self.index.leave_all(socket)
        self._held[socket] = dict.fromkeys(rooms, True)
        self.sockets.pop(socket.id, None)
        self._tell_last(rooms)
        key = socket.user_key
        if key is not None and self.users.discard(socket, key) and self.occupancy is not None:
            self.occupancy.last_of_user(key)

    async def finish(self, socket: Socket[Any]) -> None:
        """Run the leave hooks of a closed connection, for each room it was in at the end."""
        self.release(socket)
        await self.exited(socket, _true(self._held[socket]))

    def forget(self, socket: Socket[Any]) -> None:
        """Forget the rooms of a socket, after its close hooks ran."""
        self._held.pop(socket, None)
        self._sides.pop(socket, None)

    def _tell_last(self, rooms: Iterable[str]) -> None:
        if self.occupancy is not None:
            for room in rooms:
                if not self.index.groups(room):
                    self.occupancy.last_in_room(room)

    def _listing(self, socket: Socket[Any]) -> tuple[DeliveryGroup, Transport]:
        side = self._sides[socket]
        return side.group(), side.transport


def _true(held: dict[str, bool]) -> list[str]:
    return [room for room, was_member in held.items() if was_member]
