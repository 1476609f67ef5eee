"""State of one room's presence in one process: the entries of users, by the process they are in."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, TypeAlias

from bytesocket_app.types import UserKey

HERE: Final = b""
"""Stands for this process where it has no name."""

Entries: TypeAlias = list[Any]
"""The entries of a user: one for each of their sockets."""

Move: TypeAlias = Literal["enter", "change", "exit"]
"""What a change of one process means for a user in all of them."""


class PresenceState:
    """The users of one room.

    A user is there as long as one process has them. What changed since the members were told last
    is kept, and cancels out: a user who came and went meanwhile is not told of.
    """

    __slots__ = ("_changed", "_nodes", "_users")

    def __init__(self) -> None:
        self._users: dict[UserKey, dict[bytes, Entries]] = {}
        self._nodes: dict[bytes, dict[UserKey, None]] = {}
        self._changed: dict[UserKey, bool] = {}  # whether the members know the user

    def __len__(self) -> int:
        """Return the number of users."""
        return len(self._users)

    def __contains__(self, key: UserKey) -> bool:
        """Return True for a user who is there."""
        return key in self._users

    @property
    def nodes(self) -> list[bytes]:
        """The processes that have users."""
        return list(self._nodes)

    def entries(self, key: UserKey) -> Entries:
        """Return the entries of a user, in the order of the processes' names."""
        parts = self._users.get(key, {})
        return [entry for node in sorted(parts) for entry in parts[node]]

    def users(self) -> dict[UserKey, Entries]:
        """Return all users with their entries."""
        return {key: self.entries(key) for key in self._users}

    def part(self, node: bytes) -> dict[UserKey, Entries]:
        """Return the users of one process with the entries that they have there."""
        return {key: self._users[key][node] for key in self._nodes.get(node, ())}

    def apply(self, node: bytes, key: UserKey, entries: Entries | None) -> Move | None:
        """Set the entries that a user has in one process; None: none, and not there.

        Returns:
            What it means for the user; None for nothing.
        """
        parts = self._users.get(key, {})
        if parts.get(node) == entries:
            return None
        was_there = bool(parts)
        self._changed.setdefault(key, was_there)
        if entries is None:
            del parts[node]
            self._leave(node, key)
            if parts:
                return "change"
            del self._users[key]
            return "exit"
        self._users.setdefault(key, parts)[node] = entries
        self._nodes.setdefault(node, {})[key] = None
        return "change" if was_there else "enter"

    def replace(self, node: bytes, users: Mapping[UserKey, Entries]) -> None:
        """Set all users of one process."""
        gone = [key for key in self._nodes.get(node, ()) if key not in users]
        for key in gone:
            self.apply(node, key, None)
        for key, entries in users.items():
            self.apply(node, key, entries)

    def told(self) -> dict[Move, list[UserKey]]:
        """Take what changed since the last call: users who came, who have other entries, who left.

        The entries may be the same again.
        """
        found: dict[Move, list[UserKey]] = {"enter": [], "change": [], "exit": []}
        for key, was_there in self._changed.items():
            is_there = key in self._users
            if is_there:
                found["change" if was_there else "enter"].append(key)
            elif was_there:
                found["exit"].append(key)
        self._changed.clear()
        return {step: keys for step, keys in found.items() if keys}

    @property
    def has_news(self) -> bool:
        """True if something changed since `told`."""
        return bool(self._changed)

    def _leave(self, node: bytes, key: UserKey) -> None:
        keys = self._nodes[node]
        del keys[key]
        if not keys:
            del self._nodes[node]


def merged(parts: Iterable[Mapping[UserKey, Entries]]) -> dict[UserKey, Entries]:
    """Return the users of several processes as one."""
    found: dict[UserKey, Entries] = {}
    for part in parts:
        for key, entries in part.items():
            found.setdefault(key, []).extend(entries)
    return found
