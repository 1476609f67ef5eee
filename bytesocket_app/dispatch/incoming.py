"""Event message in dispatch, between decoding and its handlers."""

from copy import copy
from typing import Any, Final

from bytesocket_app.errors import Phase, Refusal
from bytesocket_app.lifecycle import StandIn
from bytesocket_app.middleware import Message, no_message
from bytesocket_app.types import CodecName, EventName, RequestId
from bytesocket_app.wire.shapes import is_event, is_request_id, is_room, is_rooms

_HANDLER: Final = Phase.HANDLER
_USUAL: Final = 2
"""Number of members of a message that has only an event and its data."""


class Answer:
    """Answer to one message, kept until its middleware is done.

    Attributes:
        value: The value of the reply, for the middleware.
        data: The encoded reply; None without one.
        failed: The first refusal for the peer; None without a failure.
        phase: The phase of that refusal, for the peer.
        details: The problems of a payload.
        is_reached: True after all steps have passed the message on.
        is_over: True after the message was answered; what comes later is not sent.
        owner: The message as a concurrent handler has it that sends the answer; None for none.
    """

    __slots__ = (
        "data",
        "details",
        "failed",
        "is_over",
        "is_reached",
        "owner",
        "phase",
        "value",
    )

    def __init__(self) -> None:
        self.value: Any = None
        self.data: bytes | None = None
        self.failed: Refusal | None = None
        self.phase = _HANDLER
        self.details: list[dict[str, Any]] | None = None
        self.is_reached = self.is_over = False
        self.owner: Incoming | None = None

    def fail(self, refusal: Refusal, phase: Phase, details: list[dict[str, Any]] | None) -> None:
        """Store a failure, unless there is one already."""
        if self.failed is None:
            self.failed, self.phase, self.details = refusal, phase, details

    def take(self, part: "Answer") -> None:
        """Take over what became of a part of the work: a failure, else a reply, else null."""
        if part.failed is not None:
            self.fail(part.failed, part.phase, part.details)
        if part.data is not None and (self.data is None or part.value is not None):
            self.value, self.data = part.value, part.data
        self.owner = self.owner or part.owner
        self.is_reached = self.is_reached or part.is_reached

    @property
    def is_given(self) -> bool:
        """True if there is a refusal or a reply."""
        return self.failed is not None or self.data is not None

    @property
    def error(self) -> Exception | None:
        """The exception for the middleware; None without a failure.

        In place of a `BaseException` that is not an `Exception` it is the refusal.
        """
        failed = self.failed
        if isinstance(failed, StandIn) and isinstance(failed.error, Exception):
            return failed.error
        return failed

    def result(self) -> Any:
        """Return the reply, or raise the failure, as `call_next` does."""
        error = self.error
        if error is not None:
            raise error
        return self.value


class Incoming:
    """Event message in dispatch.

    It has the attributes of a `Message`, which is frozen and slower to create, and which only
    middleware gets. Its `id` is None without a request, and after the answer.
    """

    __slots__ = ("answer", "codec", "data", "event", "has_data", "id", "room", "rooms", "size")

    def __init__(self, message: dict[str, Any], codec: CodecName, size: int) -> None:
        """Read the members of a decoded message of `size` bytes, without those of wrong types."""
        event = message.get("event")
        self.event: EventName | None = event if type(event) is str or is_event(event) else None
        self.data: Any = message.get("data")
        self.room: str | None = None
        self.rooms: tuple[str, ...] | None = None
        self.id: RequestId | None = None
        self.codec: CodecName = codec
        self.size = size
        self.has_data = True
        self.answer: Answer | None = None
        if len(message) != _USUAL or event is None or "data" not in message:
            self._read_rest(message)

    def _read_rest(self, message: dict[str, Any]) -> None:
        """Read the members other than `event` and `data`, and note if `data` is missing."""
        if "id" in message and is_request_id(identity := message["id"]):
            self.id = identity
        if "rooms" in message and is_rooms(names := message["rooms"]):
            self.rooms = tuple(names)
        elif "room" in message and is_room(name := message["room"]):
            self.room = name
        if "data" not in message:
            self.has_data = False

    @classmethod
    def passed_on(cls, message: Message, answer: Answer | None, size: int) -> "Incoming":
        """Make an incoming message of one that middleware passed on, with the same answer.

        Raises:
            TypeError: It is no message.
        """
        if not isinstance(message, Message):  # pyright: ignore[reportUnnecessaryIsInstance] - what users write
            raise no_message(message)
        taken = cls.__new__(cls)
        taken.event = message.event
        taken.data = message.data
        taken.room = message.room
        taken.rooms = message.rooms
        taken.id = message.id
        taken.codec = message.codec
        taken.has_data = message.has_data
        taken.answer = answer
        taken.size = size
        return taken

    def apart(self) -> "Incoming":
        """Return the same message for some of its handlers, which do not share its `Answer`."""
        single = copy(self)
        single.answer = None
        return single

    def into(self, room: str, *, identity: RequestId | None = None) -> "Incoming":
        """Return the same message for one of its rooms, with another `id` or none."""
        single = copy(self)
        single.room, single.id = room, identity
        single.answer = None if self.answer is None else Answer()
        return single

    def frozen(self) -> Message:
        """Return the message as a `Message`, for middleware."""
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
        object.__setattr__(shown, "__dict__", members)  # as the class is frozen
        return shown


async def nothing() -> None:
    """Do nothing: the work is done already."""
