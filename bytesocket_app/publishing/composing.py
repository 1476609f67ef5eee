"""Messages of a publisher: checked and encoded as the application's own are, before any is sent."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import count
from typing import Any, Final, TypeAlias

from bytesocket_app.declarations.keys import is_key
from bytesocket_app.declarations.rooms import DeclaredRooms, Room
from bytesocket_app.delivery.elsewhere import channels_of, message_of
from bytesocket_app.delivery.publication import Publication, PublicationTarget
from bytesocket_app.delivery.room_check import RoomCheck
from bytesocket_app.errors import caller
from bytesocket_app.events import Catalogue, EventSource, ServerEvent, ServerPayload
from bytesocket_app.rooms import BROADCAST_ROOM, RoomPattern, room_name
from bytesocket_app.socket import raw_frame, several
from bytesocket_app.types import CodecName, UserKey

MANY: Final = 1024
"""Messages that a pipeline collects before it sends them."""

MANY_BYTES: Final = 1024 * 1024
"""Bytes that it collects."""

Message: TypeAlias = tuple[str, list[Any]]
"""A channel, and what is published on it."""

Emitted: TypeAlias = ServerEvent | ServerPayload[Any]


class Composer:
    """Maker of messages; threads may share it.

    Args:
        events: The application's events.
        rooms: Its rooms or their patterns, which names are checked by; None to take any name.
    """

    def __init__(self, events: EventSource, rooms: Iterable[Room | str] | None) -> None:
        self.catalogue = Catalogue(events, owner="Publisher")
        self._rooms = None if rooms is None else tuple(rooms)
        self._bulks = count(1)

    def to_room(self, room: str, event: Emitted, codec: CodecName | None) -> list[Message]:
        """Return the message of an event for a room's members."""
        spec, payload = self.catalogue.outgoing(event)
        names = (self._checked(room),)
        return _messages(Publication(PublicationTarget.ROOM, spec, payload, names, None, codec))

    def to_rooms(
        self, rooms: Iterable[str], event: Emitted, codec: CodecName | None
    ) -> list[Message]:
        """Return the messages of an event for the members of several rooms, one for each room."""
        spec, payload = self.catalogue.outgoing(event)
        names = tuple(dict.fromkeys(map(self._checked, several(rooms))))
        made = Publication(PublicationTarget.ROOMS, spec, payload, names, None, codec)
        return _messages(made, next(self._bulks))

    def to_user(self, key: UserKey, event: Emitted, codec: CodecName | None) -> list[Message]:
        """Return the message of an event for a user's sockets."""
        spec, payload = self.catalogue.outgoing(event)
        made = Publication(PublicationTarget.USER, spec, payload, (), None, codec)
        made.user = key
        return _messages(made)

    def to_everybody(self, event: Emitted, codec: CodecName | None) -> list[Message]:
        """Return the message of an event for all authenticated sockets."""
        spec, payload = self.catalogue.outgoing(event)
        return _messages(Publication(PublicationTarget.EVERYBODY, spec, payload, (), None, codec))

    def raw(self, room: str, payload: str | bytes) -> list[Message]:
        """Return the message of a frame that is encoded already, for a room's members."""
        return _messages(Publication.ready(self._checked(room), raw_frame(payload)))

    def _checked(self, room: str) -> str:
        """Return the name of a room.

        Raises:
            TypeError: It is no text.
            UndeclaredRoom: The rooms are known, and it is none of them.
            ValueError: It cannot be sent, is the room of all sockets, or is not the name that the
                declared room has.
        """
        name = room_name(room)
        _check_text(name, "a room's name")
        if name == BROADCAST_ROOM:
            raise ValueError(f"{name!r} holds all sockets: emit to it with `broadcast`.")
        if self._declared is not None:
            check, declared = self._declared
            check(name)
            declared.check(name)
        return name

    @cached_property
    def _declared(self) -> tuple[RoomCheck, DeclaredRooms] | None:
        # At the first use: the rooms of a router have their names once it is included.
        if self._rooms is None:
            return None
        declared = DeclaredRooms()
        for room in self._rooms:
            declared.add(Room(RoomPattern(room), "client") if isinstance(room, str) else room)
        return RoomCheck(declared, is_open=False, strict=True), declared


class Collection:
    """Messages that a pipeline has not sent yet."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._size = 0

    def add(self, messages: Sequence[Message]) -> bool:
        """Add messages; returns True if there is enough to be sent."""
        self._messages += messages
        self._size += sum(size_of(body) for _, body in messages)
        return len(self._messages) >= MANY or self._size >= MANY_BYTES

    def take(self) -> list[Message]:
        """Return all messages, and keep none."""
        messages, self._messages, self._size = self._messages, [], 0
        return messages


def size_of(body: list[Any]) -> int:
    """Return the bytes of a message's encoded forms."""
    return sum(len(form) for form in body[-2:] if form is not None)


def checked_key(key: UserKey) -> UserKey:
    """Return a user's key unchanged.

    Raises:
        TypeError: It is neither a text nor a whole number.
        ValueError: It is a text that cannot be sent.
    """
    if not is_key(key):
        raise TypeError(
            f"user({key!r}): a user's key is a string or an integer, not {type(key).__name__}; "
            "pass what @app.auth(key=...) gives."
        )
    if isinstance(key, str):
        _check_text(key, "a user's key")
    return key


def _check_text(text: str, what: str) -> None:
    try:
        _ = text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{caller()}: {text!r} cannot be {what}: {error.reason}.") from None


def _messages(publication: Publication, bulk: int | None = None) -> list[Message]:
    body = message_of(publication, bulk)
    return [(channel, body) for channel in channels_of(publication)]
