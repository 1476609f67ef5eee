"""An event message between its frame and its handlers."""

from copy import copy
from typing import Any, Final

from bytesocket_app.middleware import Message
from bytesocket_app.types import CodecName, EventName, RequestId
from bytesocket_app.wire.shapes import is_event, is_request_id, is_room, is_rooms

_USUAL: Final = 2
"""Members of a message that has an event and its data, and nothing else."""


class Incoming:
    """What dispatch passes on: the attributes of a `Message`, made for a fifth of its price.

    Only middleware is shown a `Message`, which is frozen.
    """

    __slots__ = ("codec", "data", "event", "has_data", "id", "room", "rooms")

    def __init__(self, message: dict[str, Any], codec: CodecName) -> None:
        """Read a decoded message's members, leaving out those of the wrong shape."""
        event = message.get("event")
        self.event: EventName | None = event if type(event) is str or is_event(event) else None
        self.data: Any = message.get("data")
        self.room: str | None = None
        self.rooms: tuple[str, ...] | None = None
        self.id: RequestId | None = None
        self.codec: CodecName = codec
        self.has_data = True
        if len(message) != _USUAL or event is None or "data" not in message:
            self._read_rest(message)

    def _read_rest(self, message: dict[str, Any]) -> None:
        """Read what few messages have beside an event and its data, or note that there is none."""
        if "id" in message and is_request_id(identity := message["id"]):
            self.id = identity
        if "rooms" in message and is_rooms(names := message["rooms"]):
            self.rooms = tuple(names)
        elif "room" in message and is_room(name := message["room"]):
            self.room = name
        if "data" not in message:
            self.has_data = False

    @classmethod
    def passed_on(cls, message: Message) -> "Incoming":
        """Take what middleware passed on."""
        taken = cls.__new__(cls)
        for name in cls.__slots__:
            setattr(taken, name, getattr(message, name))
        return taken

    def into(self, room: str, *, identity: RequestId | None = None) -> "Incoming":
        """The same message for one of its rooms, with another `id` or none."""
        single = copy(self)
        single.room, single.rooms, single.id = room, None, identity
        return single

    def frozen(self) -> Message:
        """What middleware is shown."""
        shown = Message.__new__(Message)
        members = {
            "event": self.event,
            "data": self.data,
            "room": self.room,
            "rooms": self.rooms,
            "id": self.id,
            "codec": self.codec,
            "has_data": self.has_data,
        }
        object.__setattr__(shown, "__dict__", members)  # it is frozen
        return shown


async def nothing() -> None:
    """What is left to be awaited where nothing is."""
