"""Rooms that a client wants, and rooms that it has joined.

Each room has at most one membership request pending; when its answer comes, it is compared with
what is wanted by then. So no room is joined twice when a connection opens (protocol.md Q33), and a
room that was left while offline or during its join is left (Q34).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bytesocket_app.client.presence import Presence
from bytesocket_app.client.signal import Signal
from bytesocket_app.errors import RequestError
from bytesocket_app.wire import MessageType

Ask: TypeAlias = Callable[[MessageType, str], None]
"""Function that sends a join or a leave for a room."""


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
    presence: Presence[Any] | None = None
    changed: Signal = field(default_factory=Signal)


class Rooms:
    """The rooms of one client, across its connections."""

    def __init__(self) -> None:
        self._rooms: dict[str, Membership] = {}
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

    def presence(self, name: str) -> Presence[Any] | None:
        """Return who is in a room; None if the server is not asked."""
        room = self._rooms.get(name)
        return None if room is None else room.presence

    def join(
        self, name: str, pattern: str | None = None, presence: Presence[Any] | None = None
    ) -> Membership:
        """Add a handle of a room and join the room if needed; a refused join is tried again.

        Args:
            name: The room's name.
            pattern: Its pattern, if it has one.
            presence: Where to keep who is there; handles of one room share the first.
        """
        room = self._rooms.setdefault(name, Membership(pattern=pattern or name))
        if room.presence is None:
            room.presence = presence
        room.handles += 1
        room.is_settled = False
        if room.error is not None and not room.is_asked:
            room.error = None
        self._reconcile(name, room)
        return room

    def leave(self, name: str) -> None:
        """Remove a handle of a room; leaves the room with the last one."""
        room = self._rooms[name]
        room.handles -= 1
        room.is_settled = False
        self._reconcile(name, room)

    def opened(self, ask: Ask) -> None:
        """Join every wanted room on a new connection."""
        self._ask = ask
        for name, room in list(self._rooms.items()):
            room.error = None
            self._reconcile(name, room)

    def closed(self) -> None:
        """Record the end of the connection: no room is joined; wanted rooms stay wanted."""
        self._ask = None
        for name, room in list(self._rooms.items()):
            room.is_joined = room.is_asked = room.is_leaving = room.is_settled = False
            self._reconcile(name, room)
            room.changed.notify()

    def answered(self, name: str, *, is_join: bool, error: RequestError | None) -> None:
        """Process the server's answer to a join or leave; one for an unknown room is ignored."""
        room = self._rooms.get(name)
        if room is None:
            return
        room.is_asked = room.is_leaving = False
        room.is_settled = error is not None
        if error is None:
            room.is_joined = is_join
            room.error = None
        elif is_join:
            room.error = error
        self._reconcile(name, room)
        room.changed.notify()

    def _reconcile(self, name: str, room: Membership) -> None:
        is_wanted = room.handles > 0
        if not is_wanted and not room.is_joined and not room.is_asked:
            del self._rooms[name]
        elif is_wanted != room.is_joined and not room.is_asked and not room.is_settled:
            if self._ask is None:
                return
            room.is_asked, room.is_leaving = True, not is_wanted
            self._ask(MessageType.JOIN_ROOM if is_wanted else MessageType.LEAVE_ROOM, name)
