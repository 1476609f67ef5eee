"""Who is in which room: a two-way membership index, and nothing else."""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

M = TypeVar("M", bound=Hashable)


class RoomIndex(Generic[M]):
    """Members by room and rooms by member, each in the order of joining.

    A room exists while it has members.
    """

    __slots__ = ("_members", "_rooms")

    def __init__(self) -> None:
        self._members: dict[str, dict[M, None]] = {}
        self._rooms: dict[M, dict[str, None]] = {}

    def join(self, member: M, room: str) -> bool:
        """Put a member into a room; False if it was there already."""
        members = self._members.setdefault(room, {})
        if member in members:
            return False
        members[member] = None
        self._rooms.setdefault(member, {})[room] = None
        return True

    def leave(self, member: M, room: str) -> bool:
        """Take a member out of a room; False if it was not there."""
        members = self._members.get(room, {})
        if member not in members:
            return False
        del members[member]
        if not members:
            del self._members[room]
        rooms = self._rooms[member]
        del rooms[room]
        if not rooms:
            del self._rooms[member]
        return True

    def leave_all(self, member: M) -> list[str]:
        """Take a member out of all its rooms; returns their names."""
        rooms = list(self._rooms.get(member, ()))
        for room in rooms:
            self.leave(member, room)
        return rooms

    def members(self, room: str) -> Iterable[M]:
        """The members of a room, a live view: copy it before anything can join or leave."""
        return self._members.get(room, {}).keys()

    def rooms(self, member: M) -> list[str]:
        """The rooms of a member."""
        return list(self._rooms.get(member, ()))

    def has(self, member: M, room: str) -> bool:
        """Whether a member is in a room."""
        return member in self._members.get(room, ())

    def count(self, room: str) -> int:
        """How many members a room has."""
        return len(self._members.get(room, ()))

    def held(self, member: M) -> int:
        """How many rooms a member is in."""
        return len(self._rooms.get(member, ()))

    def __len__(self) -> int:
        """How many rooms have members."""
        return len(self._members)
