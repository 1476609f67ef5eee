"""Rooms that server code names: whether the application declared them."""

from typing import Final

from bytesocket_app.declarations.rooms import DeclaredRooms
from bytesocket_app.errors import UndeclaredRoom, caller, warn_caller
from bytesocket_app.rooms import BROADCAST_ROOM
from bytesocket_app.rooms.pattern import SEPARATOR

_MOST: Final = 16
"""Characters that are shown of a name or of its first part."""


class RoomCheck:
    """Check of the rooms that server code emits to, publishes to and joins.

    Args:
        rooms: The declared rooms.
        is_open: True if undeclared rooms are allowed.
        strict: True if one is an error, and not yet a warning, told once per place.
    """

    def __init__(self, rooms: DeclaredRooms, *, is_open: bool, strict: bool) -> None:
        self._rooms = rooms
        self._is_open = is_open
        self._strict = strict
        self._told: set[str] = set()

    def __call__(self, name: str) -> None:
        """Check one name.

        Raises:
            UndeclaredRoom: Under strict, the application did not declare it.
        """
        if self._is_open or name == BROADCAST_ROOM or self._rooms.find(name) is not None:
            return
        place = caller()
        if place in self._told and not self._strict:
            return
        text = (
            f"There is no room {_shown(name)}.{self._rooms.near(name)} Declare it with `app.room`, "
            'or allow all by Policies(undeclared="open").'
        )
        if self._strict:
            raise UndeclaredRoom(f"{place}: {text}")
        self._told.add(place)
        later = "With the next minor release this is an error."
        warn_caller(f"{text} {later}", place, FutureWarning)


def _shown(name: str) -> str:
    """Return the beginning of a name, quoted: the rest may be what lets a user in."""
    head, colon, _ = name.partition(SEPARATOR)
    if colon:
        return repr(f"{head[:_MOST]}{SEPARATOR}…")
    return repr(name if len(name) <= _MOST else f"{name[:_MOST]}…")
