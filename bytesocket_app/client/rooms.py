"""Which rooms a client wants, and which it is in.

At most one membership request per room is under way; its answer is compared with what is wanted
by then. So nothing is joined twice on opening (protocol.md Q33), and a room that was left while
offline or while its join was under way is left (Q34).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from bytesocket_app.client.signal import Signal
from bytesocket_app.errors import RequestError
from bytesocket_app.wire import MessageType

Ask: TypeAlias = Callable[[MessageType, str], None]
"""Sends a join or a leave."""


@dataclass(slots=True, eq=False)
class Membership:
    """One room's state.

    Attributes:
        handles: How many handles want the room; the last one to go leaves it.
        is_joined: The server has said so, on this connection.
        is_asked: A join or a leave is under way.
        is_leaving: It is a leave: who joins meanwhile is not in before the join that follows it.
        error: Why the last join was refused; it is tried again after a reconnection.
        changed: Notified at every change.
    """

    handles: int = 0
    is_joined: bool = False
    is_asked: bool = False
    is_leaving: bool = False
    is_settled: bool = False
    error: RequestError | None = None
    changed: Signal = field(default_factory=Signal)


class Rooms:
    """The rooms of one client, over all of its connections."""

    def __init__(self) -> None:
        self._rooms: dict[str, Membership] = {}
        self._ask: Ask | None = None

    def __contains__(self, room: str) -> bool:
        return room in self._rooms

    def joined(self) -> list[str]:
        """The rooms that the client is in now."""
        return [name for name, room in self._rooms.items() if room.is_joined]

    def join(self, name: str) -> Membership:
        """Want a room once more; a refused join is tried again."""
        room = self._rooms.setdefault(name, Membership())
        room.handles += 1
        room.is_settled = False
        if room.error is not None and not room.is_asked:
            room.error = None
        self._reconcile(name, room)
        return room

    def leave(self, name: str) -> None:
        """Want a room once less."""
        room = self._rooms[name]
        room.handles -= 1
        room.is_settled = False
        self._reconcile(name, room)

    def opened(self, ask: Ask) -> None:
        """Join every wanted room, once: a connection is there."""
        self._ask = ask
        for name, room in list(self._rooms.items()):
            room.error = None
            self._reconcile(name, room)

    def closed(self) -> None:
        """Be in no room any more: the connection is gone. What is wanted stays wanted."""
        self._ask = None
        for name, room in list(self._rooms.items()):
            room.is_joined = room.is_asked = room.is_leaving = room.is_settled = False
            self._reconcile(name, room)
            room.changed.notify()

    def answered(self, name: str, *, is_join: bool, error: RequestError | None) -> None:
        """Take the server's answer; one about an unknown room is ignored."""
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
