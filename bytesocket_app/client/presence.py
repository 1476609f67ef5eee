"""Presence in a room: a live map of who is there, as the server tells it (type 36)."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Final, Generic, NamedTuple, TypeAlias, TypeGuard, TypeVar, cast

from pydantic import ValidationError
from typing_extensions import override

from bytesocket_app.client.callback_queue import Callback
from bytesocket_app.events import PayloadType
from bytesocket_app.types import CodecName, Outcome, UserKey

EntryT = TypeVar("EntryT")

Users: TypeAlias = dict[UserKey, tuple[Any, ...]]

_PAIR: Final = 2
"""Members of a pair of a key and entries."""

SendChanges: TypeAlias = Callable[[dict[str, Any]], Outcome]
"""Function that sends changes of the client's own entry."""


class PresenceChange(NamedTuple):
    """Keys of the users who came, who have other entries now, and who left."""

    entered: tuple[UserKey, ...]
    changed: tuple[UserKey, ...]
    exited: tuple[UserKey, ...]


class Presence(Mapping[UserKey, tuple[EntryT, ...]], Generic[EntryT]):
    """Users who are in a room, by their keys, each with an entry for each of their sockets.

    It is up to date while the room is joined, stays as it was while there is no connection, and is
    empty once the room is left. Handles of the same room share it. In a room that only counts it
    is empty, and `count` counts.

    Args:
        send: Sends changes of the client's own entry.
        post: Calls a function with a change, later.
    """

    _entry: ClassVar[PayloadType | None] = None

    def __init__(self, send: SendChanges, post: Callable[[Callback, object], None]) -> None:
        self._send = send
        self._post = post
        self._users: Users = {}
        self._count = 0
        self._callbacks: list[Callback] = []

    @property
    def count(self) -> int:
        """The number of users."""
        return self._count

    @override
    def __getitem__(self, key: UserKey) -> tuple[EntryT, ...]:
        return self._users[key]

    @override
    def __iter__(self) -> Iterator[UserKey]:
        return iter(tuple(self._users))

    @override
    def __len__(self) -> int:
        return len(self._users)

    @override
    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._count} users>"

    def listen(self, callback: Callback) -> None:
        """Call a function with every `PresenceChange`, once it is in the map."""
        self._callbacks.append(callback)

    def forget(self, callback: Callback) -> None:
        """Remove a function; one that was never added is ignored."""
        if callback in self._callbacks:
            self._callbacks.remove(callback)

    def take(self, data: object, codec: CodecName) -> list[ValidationError]:
        """Take what the server told; what is none of it is ignored.

        Returns:
            What is wrong with entries that do not fit their type. They are left out, and their
            users stay.
        """
        told = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
        count, users = self._count, dict(self._users)
        errors: list[ValidationError] = []
        if isinstance(told.get("count"), int):
            self._count = told["count"]
        elif "users" in told:
            self._users = self._read(told["users"], codec, errors)
        else:
            for step in ("enter", "change"):
                self._users.update(self._read(told.get(step), codec, errors))
            for key in filter(_is_key, _list(told.get("exit"))):
                self._users.pop(key, None)
        if self._entry is not None:
            self._count = len(self._users)
        self._tell(count, users)
        return errors

    def clear(self) -> None:
        """Forget who was there, as the client is in the room no more."""
        count, users = self._count, self._users
        self._count, self._users = 0, {}
        self._tell(count, users)

    def _tell(self, count: int, users: Users) -> None:
        """Tell the callbacks, if what was before is not what is now."""
        change = _compared(users, self._users)
        if any(change) or self._count != count:
            for callback in tuple(self._callbacks):
                self._post(callback, change)

    def _update(self, changes: Mapping[str, Any]) -> Outcome:
        return self._send(dict(changes))

    def _read(self, pairs: object, codec: CodecName, errors: list[ValidationError]) -> Users:
        found: Users = {}
        if self._entry is None:
            return found
        for pair in map(_list, _list(pairs)):
            if len(pair) == _PAIR and _is_key(pair[0]) and _is_list(pair[1]):
                found[pair[0]] = tuple(_fitting(self._entry, pair[1], codec, errors))
        return found


def _fitting(
    kind: PayloadType, entries: list[Any], codec: CodecName, errors: list[ValidationError]
) -> Iterator[Any]:
    for entry in entries:
        try:
            yield kind.validate(entry, codec)
        except ValidationError as error:
            errors.append(error)


def _is_key(value: object) -> bool:
    return isinstance(value, str | int)


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _list(value: object) -> list[Any]:
    return value if _is_list(value) else []


def _compared(before: Users, after: Users) -> PresenceChange:
    return PresenceChange(
        tuple(key for key in after if key not in before),
        tuple(key for key, entries in after.items() if before.get(key, entries) != entries),
        tuple(key for key in before if key not in after),
    )
