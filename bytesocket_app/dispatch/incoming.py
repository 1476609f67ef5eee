"""An event message between its frame and its handlers."""

from dataclasses import dataclass
from typing import Any

from bytesocket_app.middleware import Message
from bytesocket_app.types import CodecName, EventName, RequestId
from bytesocket_app.wire.shapes import is_event, is_request_id, is_room, is_rooms


@dataclass(slots=True)
class Incoming:
    """What dispatch passes on: a `Message` that is not frozen, for those cost five times as much.

    Only middleware is shown a `Message`; the attributes are the same.
    """

    event: EventName | None
    data: Any
    room: str | None
    rooms: tuple[str, ...] | None
    id: RequestId | None
    codec: CodecName
    has_data: bool

    def frozen(self) -> Message:
        """What middleware is shown."""
        return Message(
            self.event, self.data, self.room, self.rooms, self.id, self.codec, self.has_data
        )


def incoming(message: dict[str, Any], codec: CodecName) -> Incoming:
    """Read a decoded message's members, leaving out those of the wrong shape."""
    event, identity = message.get("event"), message.get("id")
    room, rooms = None, None
    if "rooms" in message and is_rooms(names := message["rooms"]):
        rooms = tuple(names)
    elif "room" in message and is_room(name := message["room"]):
        room = name
    return Incoming(
        event if is_event(event) else None,
        message.get("data"),
        room,
        rooms,
        identity if identity is not None and is_request_id(identity) else None,
        codec,
        "data" in message,
    )


def passed_on(message: Message) -> Incoming:
    """Take what middleware passed on."""
    return Incoming(
        message.event,
        message.data,
        message.room,
        message.rooms,
        message.id,
        message.codec,
        message.has_data,
    )
