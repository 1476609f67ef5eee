"""Memberships: the rooms of sockets, and the sockets of users."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from bytesocket_app.delivery.turns import Call, all_in_turn, in_turn, rest_in_turn
from bytesocket_app.delivery.users import UserIndex
from bytesocket_app.rooms import BROADCAST_ROOM, RoomIndex
from bytesocket_app.socket import DeliveryGroup, SendingSide, Socket
from bytesocket_app.transports import Transport
from bytesocket_app.types import UserKey


class RoomWatch(Protocol):
    """Source of rooms' hooks, asked when a socket joined or left one."""

    def joined(self, socket: Socket[Any], room: str, /) -> Iterable[Call]:
        """Return the calls of a room's join hooks."""
        ...

    def left(self, socket: Socket[Any], room: str, /) -> Iterable[Call]:
        """Return the calls of a room's leave hooks."""
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

    async def settled(self, rooms: Iterable[str], /) -> None:
        """Wait until what is published to rooms anywhere reaches their members here."""
        ...

    async def expected(self, key: UserKey, /) -> None:
        """Wait until what is published to a user anywhere reaches this process."""
        ...


class PresenceWatch(Protocol):
    """Observer of the sockets that join and leave rooms."""

    def joined(self, socket: Socket[Any], room: str, /) -> Iterable[Call]:
        """Return the call that is made for a socket that joined, before the room's join hooks."""
        ...

    def left(self, socket: Socket[Any], rooms: Iterable[str], /) -> None:
        """Take note that a socket left rooms, at once."""
        ...


@dataclass(slots=True)
class _End:
    """Rooms of a socket that is closed or lost.

    Attributes:
        rooms: What it was in at its end; their leave hooks are to run.
        heard: Where its messages from before the loss count: what came before them may join and
            leave, without hooks.
    """

    rooms: list[str]
    heard: set[str]


class Memberships:
    """Memberships of one process; only this class changes them.

    A socket that is closed or lost leaves all its rooms at once (`release`), so counts and lists do
    not have it any more. Its rooms are remembered until its hooks have run: they count as
    memberships for messages from before the loss, and after those messages each room's leave hooks
    run once (`finish`).

    With each change its hooks begin to wait, in the order of the changes of that room. Who runs a
    room's hooks runs all that wait: a leave hook never begins before the join hook of the same
    membership. A cancellation ends the hook at work; those that wait are called nevertheless, by
    the same task (`told`), by who answered the request (`tell_rest`), or at the end (`finish`).

    Args:
        watch: The source of the rooms' hooks.
        patience: Seconds for each hook that a cancellation kept waiting; 0 for no limit.

    Attributes:
        sockets: Every open socket by its id, authenticated or not.
        index: Members by room and rooms by member.
        users: Sockets by the key of their user.
        occupancy: The observer of first and last members; None for none.
        presence: The observer of members of rooms with presence; None while there are none.
    """

    def __init__(self, watch: RoomWatch, patience: float = 10.0) -> None:
        self.sockets: dict[str, Socket[Any]] = {}
        self.index: RoomIndex[Socket[Any], DeliveryGroup, Transport] = RoomIndex(self._listing)
        self.users = UserIndex()
        self.occupancy: Occupancy | None = None
        self.presence: PresenceWatch | None = None
        self._watch = watch
        self._patience = patience
        self._sides: dict[Socket[Any], SendingSide] = {}
        self._ends: dict[Socket[Any], _End] = {}
        # The hooks that have not begun, by room.
        self._waiting: dict[Socket[Any], dict[str, deque[Call]]] = {}

    def add(self, socket: Socket[Any], sending: SendingSide) -> None:
        """List a new socket, which needs to have its transport; it is in no room yet."""
        self.sockets[socket.id] = socket
        self._sides[socket] = sending
        self._waiting[socket] = {}
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
        """Put a socket into rooms, all at once; returns those it was not in, whose hooks wait.

        Only an authenticated socket enters rooms, whoever asks. After a loss it is not listed in
        them, but its messages count there: a client may join a room, send into it, and disconnect
        before the join is handled.
        """
        side = self._sides.get(socket)
        if side is None or not side.is_authenticated:
            return []
        end = self._ends.get(socket)
        if end is not None:
            end.heard.update(rooms)
            return []
        if socket.is_closed:
            return []  # closed while a guard or hook ran: nothing would remove it again
        entered: list[str] = []
        for room in rooms:
            is_first = self.occupancy is not None and not self.index.groups(room)
            if self.index.join(socket, room):
                entered.append(room)
                if is_first and self.occupancy is not None:
                    self.occupancy.first_in_room(room)
        for room in entered:
            if self.presence is not None:
                self._wait(socket, room, self.presence.joined)
            self._wait(socket, room, self._watch.joined)
        return entered

    def exit(self, socket: Socket[Any], rooms: Iterable[str]) -> list[str]:
        """Take a socket out of rooms, all at once; returns those it was in, whose hooks wait.

        After a loss its messages do not count in them any more; their hooks run at the end.
        """
        end = self._ends.get(socket)
        if end is not None:
            end.heard.difference_update(rooms)
            return []
        left = [room for room in rooms if self.index.leave(socket, room)]
        for room in left:
            self._wait(socket, room, self._watch.left)
        self._tell_left(socket, left)
        return left

    async def join(self, socket: Socket[Any], room: str) -> None:
        """Put a socket into a room, and run the room's join hooks if it was not there."""
        entered = self.enter(socket, (room,))
        try:
            await self.settled(entered)
        finally:
            await self.told(socket, entered)

    async def settled(self, rooms: Iterable[str]) -> None:
        """Wait a short while until what is published to rooms anywhere reaches their members."""
        if self.occupancy is not None:
            await self.occupancy.settled(rooms)

    async def expected(self, key: UserKey | None) -> None:
        """Wait a short while until what is published to a user anywhere reaches this process.

        Called before a socket of theirs is authenticated; nothing needs to be undone.
        """
        if self.occupancy is not None and key is not None:
            await self.occupancy.expected(key)

    async def told(self, socket: Socket[Any], rooms: Iterable[str]) -> None:
        """Run the hooks that wait of rooms that `enter` or `exit` returned.

        Each is called, even if the wait is cancelled.
        """
        await all_in_turn(self._due(socket, rooms), self._patience)

    async def all_told(self, sockets: Iterable[Socket[Any]], room: str) -> None:
        """Run the hooks that wait of a room that `exit` returned for each of these sockets."""
        due = (call for socket in sockets for call in self._due(socket, (room,)))
        await all_in_turn(due, self._patience)

    def waits(self, socket: Socket[Any]) -> bool:
        """Return True if something is awaited before a socket's join can be answered.

        That is a hook, and the broker that connects the processes.
        """
        return self.occupancy is not None or bool(self._waiting.get(socket))

    async def tell(self, socket: Socket[Any], rooms: Iterable[str]) -> None:
        """Do as `told` does, but leave those waiting that have not begun at a cancellation."""
        await in_turn(self._due(socket, rooms))

    async def tell_rest(self, socket: Socket[Any], rooms: Iterable[str]) -> None:
        """Run the hooks that `tell` left waiting, each for a bounded time."""
        error = await rest_in_turn(self._due(socket, rooms), self._patience)
        if error is not None:
            raise error

    def has(self, socket: Socket[Any], room: str) -> bool:
        """Return True for a member, and for a lost socket that is still heard in the room."""
        end = self._ends.get(socket)
        return self.index.has(socket, room) if end is None else room in end.heard

    def fits(self, rooms: Iterable[str], most: int) -> bool:
        """Return True if there are so many rooms with members at most after a join of these.

        The room that every socket is in does not count, and rooms that have members already may
        always be joined. 0 is no limit.
        """
        if not most:
            return True
        new = sum(not self.index.groups(room) for room in rooms)
        others = len(self.index) - bool(self.index.groups(BROADCAST_ROOM))
        return not new or others + new <= most

    def rooms_of(self, socket: Socket[Any], *, include_broadcast: bool = False) -> list[str]:
        """Return the rooms of a socket; after it closed, those at that moment."""
        end = self._ends.get(socket)
        rooms = self.index.rooms(socket) if end is None else end.rooms
        return [room for room in rooms if include_broadcast or room != BROADCAST_ROOM]

    def release(self, socket: Socket[Any]) -> None:
        """Take a closed or lost socket off every list, remembering its rooms for its hooks."""
        if socket in self._ends:
            return
        rooms = self.index.leave_all(socket)
        self._ends[socket] = _End(rooms, set(rooms))
        self.sockets.pop(socket.id, None)
        self._tell_left(socket, rooms)
        key = socket.user_key
        if key is not None and self.users.discard(socket, key) and self.occupancy is not None:
            self.occupancy.last_of_user(key)

    async def finish(self, socket: Socket[Any]) -> None:
        """Run the leave hooks of a closed connection, for each room it was in at the end.

        Hooks that still wait are called before.
        """
        self.release(socket)
        rooms = self._ends[socket].rooms
        for room in rooms:
            self._wait(socket, room, self._watch.left)
        await self.told(socket, list(self._waiting.get(socket, ())))

    def forget(self, socket: Socket[Any]) -> None:
        """Forget the rooms of a socket, after its close hooks ran."""
        self._ends.pop(socket, None)
        self._waiting.pop(socket, None)
        self._sides.pop(socket, None)

    def _wait(
        self,
        socket: Socket[Any],
        room: str,
        hooks: Callable[[Socket[Any], str], Iterable[Call]],
    ) -> None:
        """Have the hooks for a change of a room wait, after those for the changes before."""
        if room != BROADCAST_ROOM and (calls := deque(hooks(socket, room))):
            self._waiting[socket].setdefault(room, deque()).extend(calls)

    def _due(self, socket: Socket[Any], rooms: Iterable[str]) -> Iterator[Call]:
        """Take the hooks that wait out of their queues, one by one as they begin."""
        waiting = self._waiting.get(socket, {})
        for room in rooms:
            while due := waiting.get(room):
                call = due.popleft()
                if not due:
                    del waiting[room]
                yield call

    def _tell_left(self, socket: Socket[Any], rooms: Iterable[str]) -> None:
        if self.presence is not None:
            self.presence.left(socket, rooms)
        if self.occupancy is not None:
            for room in rooms:
                if not self.index.groups(room):
                    self.occupancy.last_in_room(room)

    def _listing(self, socket: Socket[Any]) -> tuple[DeliveryGroup, Transport]:
        side = self._sides[socket]
        return side.group(), side.transport
