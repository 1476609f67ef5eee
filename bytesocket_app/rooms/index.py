"""Index of memberships, by room and by member."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Generic, TypeVar

M = TypeVar("M", bound=Hashable)
K = TypeVar("K", bound=Hashable)
W = TypeVar("W")


class RoomIndex(Generic[M, K, W]):
    """Index of members by room and of rooms by member.

    A room exists while it has members. They are listed with their transports, by group; members of
    one group get the same bytes. A fan-out then needs no other look-up. Rooms of a member, and
    members of a group, are in the order of joining.

    Args:
        locate: Returns the group and the transport of a joining member, which must not change.
    """

    __slots__ = ("_groups", "_locate", "_rooms")

    def __init__(self, locate: Callable[[M], tuple[K, W]]) -> None:
        self._locate = locate
        self._groups: dict[str, dict[K, dict[M, W]]] = {}
        self._rooms: dict[M, dict[str, K]] = {}

    def join(self, member: M, room: str) -> bool:
        """Put a member into a room; False if it was there already."""
        rooms = self._rooms.setdefault(member, {})
        if room in rooms:
            return False
        group, transport = self._locate(member)
        rooms[room] = group
        self._groups.setdefault(room, {}).setdefault(group, {})[member] = transport
        return True

    def leave(self, member: M, room: str) -> bool:
        """Take a member out of a room; False if it was not there."""
        rooms = self._rooms.get(member, {})
        if room not in rooms:
            return False
        group = rooms.pop(room)
        if not rooms:
            del self._rooms[member]
        groups = self._groups[room]
        del groups[group][member]
        if not groups[group]:
            del groups[group]
        if not groups:
            del self._groups[room]
        return True

    def leave_all(self, member: M) -> list[str]:
        """Take a member out of all its rooms; returns their names."""
        rooms = self.rooms(member)
        for room in rooms:
            self.leave(member, room)
        return rooms

    def groups(self, room: str) -> Mapping[K, Mapping[M, W]]:
        """Return the members of a room and their transports, by group, as a live view."""
        return self._groups.get(room, {})

    def members(self, room: str) -> Iterable[M]:
        """Iterate over the members of a room; nobody may join or leave it meanwhile."""
        return chain.from_iterable(self.groups(room).values())

    def rooms(self, member: M) -> list[str]:
        """Return the rooms of a member."""
        return list(self._rooms.get(member, ()))

    def has(self, member: M, room: str) -> bool:
        """Return True if a member is in a room."""
        return room in self._rooms.get(member, ())

    def count(self, room: str) -> int:
        """Return the number of members of a room."""
        return sum(map(len, self.groups(room).values()))

    def held(self, member: M) -> int:
        """Return the number of rooms of a member."""
        return len(self._rooms.get(member, ()))

    def __iter__(self) -> Iterator[str]:
        """Iterate over the rooms with members; nobody may join or leave one meanwhile."""
        return iter(self._groups)

    def __len__(self) -> int:
        """Return the number of rooms with members."""
        return len(self._groups)
