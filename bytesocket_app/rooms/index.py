"""Who is in which room: a two-way membership index, and nothing else."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from itertools import chain
from typing import Generic, TypeVar

M = TypeVar("M", bound=Hashable)
K = TypeVar("K", bound=Hashable)
W = TypeVar("W")


class RoomIndex(Generic[M, K, W]):
    """Members by room and rooms by member.

    A room exists while it has members. They are kept apart by their group, that is by what has to
    be done alike for all who share it, each with its transport: a fan-out then walks ready lists.
    Rooms of a member, and members of a group, are in the order of joining.

    Args:
        locate: Tells the group and the transport of a joining member; both last as long as it does.
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
        """The members of a room and their transports, by group: a live view, as `members` is."""
        return self._groups.get(room, {})

    def members(self, room: str) -> Iterable[M]:
        """The members of a room: take them all before anything can join or leave."""
        return chain.from_iterable(self.groups(room).values())

    def rooms(self, member: M) -> list[str]:
        """The rooms of a member."""
        return list(self._rooms.get(member, ()))

    def has(self, member: M, room: str) -> bool:
        """Whether a member is in a room."""
        return room in self._rooms.get(member, ())

    def count(self, room: str) -> int:
        """How many members a room has."""
        return sum(map(len, self.groups(room).values()))

    def held(self, member: M) -> int:
        """How many rooms a member is in."""
        return len(self._rooms.get(member, ()))

    def __len__(self) -> int:
        """How many rooms have members."""
        return len(self._groups)
