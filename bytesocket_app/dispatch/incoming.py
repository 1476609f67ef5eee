"""An event message between its frame and its handlers."""

from typing import Any, Final

from bytesocket_app.middleware import Message
from bytesocket_app.types import CodecName, EventName, RequestId
from bytesocket_app.wire.shapes import is_event, is_request_id, is_room, is_rooms

_USUAL: Final = 2
"""Members of a message that has an event and its data, and nothing else."""


class Incoming:
    """What dispatch passes on: the attributes of a `Message`, made for a fifth of its price.

    Only middleware is shown a `Message`, which is frozen. Both keep what is set in their
    `__dict__` and the same defaults in their class, so that one is made of the other by a copy.
    """

    event: EventName | None = None
    data: Any = None
    room: str | None = None
    rooms: tuple[str, ...] | None = None
    id: RequestId | None = None
    codec: CodecName = "json"
    has_data: bool = True

    def __init__(self, message: dict[str, Any], codec: CodecName) -> None:
        """Read a decoded message's members, leaving out those of the wrong shape."""
        event = message.get("event")
        if type(event) is str or is_event(event):
            self.event = event
        self.data = message.get("data")
        self.codec = codec
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
        taken.__dict__.update(message.__dict__)
        return taken

    def into(self, room: str, *, identity: RequestId | None = None) -> "Incoming":
        """The same message for one of its rooms, with another `id` or none."""
        single = Incoming.__new__(Incoming)
        single.__dict__.update(self.__dict__, room=room, rooms=None, id=identity)
        return single

    def frozen(self) -> Message:
        """What middleware is shown."""
        shown = Message.__new__(Message)
        shown.__dict__.update(self.__dict__)
        return shown


async def nothing() -> None:
    """What is left to be awaited where nothing is."""
