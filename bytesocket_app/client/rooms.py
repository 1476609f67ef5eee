"""Rooms that a client wants, and rooms that it has joined.

Each room has at most one membership request pending; when its answer comes, it is compared with
what is wanted by then. So no room is joined twice when a connection opens (protocol.md Q33), and a
room that was left while offline or during its join is left (Q34).

A batch is joined by one message, all of its rooms or none, also after a reconnection. A room that a
handle of its own wants too is asked for by itself: no other room's refusal keeps it out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from bytesocket_app.client.presence import Presence
from bytesocket_app.client.signal import Signal
from bytesocket_app.errors import RequestError
from bytesocket_app.wire import MessageType

Ask: TypeAlias = Callable[[MessageType, str | tuple[str, ...]], None]
"""Function that sends a join or a leave for a room, or a join for several."""


@dataclass(slots=True, eq=False)
class Membership:
    """State of one room.

    Attributes:
        handles: Number of handles that want the room; it is left when the last one goes.
        is_joined: True if the server confirmed the join, on the current connection.
        is_asked: True while a join or a leave is pending.
        is_leaving: True while the pending request is a leave; a handle that joins meanwhile is in
            the room only after the join that follows.
        is_settled: True after a refusal: nothing is asked again until the handles or the connection
            change.
        error: Refusal of the last join; the join is tried again after a reconnection.
        pattern: Pattern that the room was joined by; the room's name if it has none.
        batched: Number of those handles that belong to batches.
        asked_in: Batch whose join is pending; None if none is.
        left: Functions of the handles, called with the reason when server code takes the client out
            of the room.
        presence: Users who are there; None if the server is not asked.
        changed: Signal for waiters, notified at answers, when the connection ends, and when a
            handle leaves.
    """

    handles: int = 0
    is_joined: bool = False
    is_asked: bool = False
    is_leaving: bool = False
    is_settled: bool = False
    error: RequestError | None = None
    pattern: str = ""
    batched: int = 0
    asked_in: "Batch | None" = None
    left: list[Callable[[RequestError], None]] = field(
        default_factory=list[Callable[[RequestError], None]]
    )
    presence: Presence[Any] | None = None
    changed: Signal = field(default_factory=Signal)


class RoomWish(NamedTuple):
    """Wish of a handle for a room.

    Attributes:
        pattern: The room's pattern; its name if it has none.
        presence: Where to keep who is there; None not to ask. Handles of one room share the first.
    """

    pattern: str
    presence: Presence[Any] | None = None


@dataclass(slots=True, eq=False)
class Batch:
    """Rooms that are joined by one message.

    Attributes:
        rooms: State of each room, by name.
        is_settled: True after a refusal: the batch is asked for again on the next connection.
        error: That refusal.
    """

    rooms: dict[str, Membership]
    is_settled: bool = False
    error: RequestError | None = None


class Rooms:
    """The rooms of one client, across its connections."""

    def __init__(self) -> None:
        self._rooms: dict[str, Membership] = {}
        self._batches: list[Batch] = []
        self._ask: Ask | None = None

    def __contains__(self, room: str) -> bool:
        return room in self._rooms

    def joined(self) -> list[str]:
        """Return the rooms that the client is in now."""
        return [name for name, room in self._rooms.items() if room.is_joined]

    def pattern(self, name: str) -> str:
        """Return the pattern that a room was joined by; its name if it has no handle."""
        room = self._rooms.get(name)
        return name if room is None else room.pattern

    def presence(self, name: str, *, joined: bool = False) -> Presence[Any] | None:
        """Return who is in a room; None if the server is not asked.

        Args:
            name: The room.
            joined: True for None while the client is not in the room: what is told before the
                answer to a join is about a membership of before.
        """
        room = self._rooms.get(name)
        return None if room is None or (joined and not room.is_joined) else room.presence

    def has_handles(self, name: str) -> bool:
        """Return True if a handle wants the room."""
        room = self._rooms.get(name)
        return room is not None and room.handles > 0

    def join(self, name: str, wanted: RoomWish | None = None) -> Membership:
        """Add a handle of a room and join the room if needed; a refused join is tried again."""
        room = self._added(name, wanted or RoomWish(name))
        room.is_settled = False
        if room.error is not None and not room.is_asked:
            room.error = None
        self._reconcile(name, room)
        return room

    def join_all(self, rooms: Mapping[str, RoomWish]) -> Batch:
        """Add a handle of each room, and join those that the client is not in by one message."""
        batch = Batch({})
        for name, wanted in rooms.items():
            room = self._added(name, wanted)
            room.batched += 1
            batch.rooms[name] = room
        if rooms:
            self._batches.append(batch)
        self._ask_batches()
        return batch

    def _added(self, name: str, wanted: RoomWish) -> Membership:
        room = self._rooms.setdefault(name, Membership(pattern=wanted.pattern))
        if room.presence is None:
            room.presence = wanted.presence
        room.handles += 1
        return room

    def leave(self, name: str, batch: Batch | None = None) -> None:
        """Remove a handle of a room; leaves the room with the last one.

        Args:
            name: The room.
            batch: The batch that the handle belongs to, if it does.
        """
        room = self._rooms[name]
        room.handles -= 1
        room.is_settled = False
        if batch is not None:
            room.batched -= 1
            self._drop(name, batch)
        self._reconcile(name, room)
        self._ask_batches()

    def opened(self, ask: Ask) -> None:
        """Join every wanted room on a new connection."""
        self._ask = ask
        for name, room in list(self._rooms.items()):
            room.error = None
            self._reconcile(name, room)
        self._ask_batches()

    def closed(self) -> None:
        """Record the end of the connection: no room is joined; wanted rooms stay wanted."""
        self._ask = None
        for batch in self._batches:
            batch.is_settled, batch.error = False, None
        for name, room in list(self._rooms.items()):
            room.asked_in = None
            room.is_joined = room.is_asked = room.is_leaving = room.is_settled = False
            self._reconcile(name, room)
            room.changed.notify()

    def answered(self, name: str, *, is_join: bool, error: RequestError | None) -> None:
        """Process the server's answer to a join or leave; one for an unknown room is ignored."""
        room = self._rooms.get(name)
        if room is None:
            return
        batch, room.asked_in = room.asked_in, None
        room.is_asked = room.is_leaving = False
        room.is_settled = error is not None and batch is None
        if batch is not None and error is not None:
            batch.is_settled, batch.error = True, error
        if error is None:
            room.is_joined = is_join
            room.error = None
        elif is_join and (batch is None or _needs_batch(room)):
            room.error = error
        self._reconcile(name, room)
        self._ask_batches()
        room.changed.notify()

    def removed(self, name: str, error: RequestError) -> bool:
        """End all handles of a room that server code took the client out of.

        Ignored while a join or a leave is pending, as its answer decides, and for a room that the
        client is not in. A new `join` begins a new membership. Returns True if it was not ignored.
        """
        room = self._rooms.get(name)
        if room is None or room.is_asked or not room.is_joined:
            return False
        del self._rooms[name]
        room.is_joined, room.handles = False, 0
        for batch in list(self._batches):
            if batch.rooms.get(name) is room:
                self._drop(name, batch)
        for left in tuple(room.left):
            left(error)
        if room.presence is not None:
            room.presence.clear()
        room.changed.notify()
        return True

    @property
    def is_asking(self) -> bool:
        """True while a join or a leave is pending."""
        return any(room.is_asked for room in self._rooms.values())

    def _drop(self, name: str, batch: Batch) -> None:
        """Take a room out of a batch, whose last room ends it."""
        del batch.rooms[name]
        if not batch.rooms:
            self._batches.remove(batch)

    def _ask_batches(self) -> None:
        """Ask for each batch whose rooms have no other request pending."""
        for batch in self._batches:
            missing = {
                name: room
                for name, room in batch.rooms.items()
                if _needs_batch(room) and self._rooms.get(name) is room
            }
            is_pending = any(room.is_asked for room in missing.values())
            if self._ask is None or not missing or is_pending or batch.is_settled:
                continue
            for room in missing.values():
                room.is_asked, room.asked_in, room.error = True, batch, None
            self._ask(MessageType.JOIN_ROOMS, tuple(missing))

    def _is_wanted(self, name: str, room: Membership) -> bool:
        """Return True for a room of a handle of its own, or of a batch that was not refused."""
        return room.handles > room.batched or any(
            batch.rooms.get(name) is room for batch in self._batches if not batch.is_settled
        )

    def _reconcile(self, name: str, room: Membership) -> None:
        is_wanted = self._is_wanted(name, room)
        if not room.handles and not room.is_joined and not room.is_asked:
            del self._rooms[name]
            if room.presence is not None:
                room.presence.clear()
        elif is_wanted != room.is_joined and not room.is_asked and not room.is_settled:
            if self._ask is None or (is_wanted and _needs_batch(room)):
                return
            room.is_asked, room.is_leaving = True, not is_wanted
            self._ask(MessageType.JOIN_ROOM if is_wanted else MessageType.LEAVE_ROOM, name)


def _needs_batch(room: Membership) -> bool:
    """Return True for a room that only batches want, and that the client is not in."""
    return room.handles == room.batched and not room.is_joined
