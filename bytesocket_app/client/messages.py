"""Messages that a client receives and sends, as plain values without I/O.

`classify` follows protocol.md section 11, "Receive": the first shape that fits decides.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

from bytesocket_app.client.payload import check_kinds, plain
from bytesocket_app.errors import DecodeError, EncodeError, ErrorCode
from bytesocket_app.types import EventName, RequestId
from bytesocket_app.wire import Codec, MessageType, decode

ABSENT: Final = object()
"""Stands for the `data` of a message that has none."""


@dataclass(frozen=True, slots=True)
class EventArrived:
    """A user event. `rooms` is empty for an event outside rooms."""

    name: EventName
    data: Any
    rooms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AuthAccepted:
    """Message type 5: the credentials were accepted."""


@dataclass(frozen=True, slots=True)
class AuthRefused:
    """Message type 6: the credentials were refused, or the server expels the client (Q38)."""

    context: Any


@dataclass(frozen=True, slots=True)
class ServerComplained:
    """Message type 3: a message of this client was not carried out."""

    context: Any


@dataclass(frozen=True, slots=True)
class MembershipAnswered:
    """Answer to a join or leave: message types 10, 11, 13, 14 and their bulk forms."""

    rooms: tuple[str, ...]
    is_join: bool
    is_granted: bool
    context: Any = None


@dataclass(frozen=True, slots=True)
class PresenceTold:
    """Message type 36: who is in a room, or how that changed."""

    room: str
    data: Any


@dataclass(frozen=True, slots=True)
class Replied:
    """Answer to a request: message types 32 and 33.

    `data` is the reply, or the error context of a refusal.
    """

    request: RequestId
    data: Any
    is_refused: bool


@dataclass(frozen=True, slots=True)
class Removed:
    """Message type 38: server code took this client out of a room."""

    room: str
    code: str
    message: str


Incoming: TypeAlias = (
    EventArrived
    | AuthAccepted
    | AuthRefused
    | ServerComplained
    | MembershipAnswered
    | PresenceTold
    | Replied
    | Removed
)

_JOINS = {MessageType.JOIN_ROOM_SUCCESS, MessageType.JOIN_ROOM_ERROR}
_ROOM_GRANTED = {MessageType.JOIN_ROOM_SUCCESS, MessageType.LEAVE_ROOM_SUCCESS}
_ROOM_REFUSED = {MessageType.JOIN_ROOM_ERROR, MessageType.LEAVE_ROOM_ERROR}
_BULK_JOINS = {MessageType.JOIN_ROOMS_SUCCESS, MessageType.JOIN_ROOMS_ERROR}
_BULK_GRANTED = {MessageType.JOIN_ROOMS_SUCCESS, MessageType.LEAVE_ROOMS_SUCCESS}
_BULK_REFUSED = {MessageType.JOIN_ROOMS_ERROR, MessageType.LEAVE_ROOMS_ERROR}


def classify(value: object) -> Incoming | None:
    """Return the meaning of a decoded message; None for one that clients ignore."""
    if not isinstance(value, dict):
        return None
    message = cast("dict[str, Any]", value)
    kind = message.get("type")
    if isinstance(kind, int | float) and not isinstance(kind, bool):
        known = _lifecycle(message, kind)
        if known is not None:
            return known
    return _event(message)


def _lifecycle(message: dict[str, Any], kind: float) -> Incoming | None:
    data = message.get("data", ABSENT)
    if kind == MessageType.AUTH_SUCCESS:
        return AuthAccepted()
    if kind == MessageType.AUTH_ERROR and data is not ABSENT:
        return AuthRefused(data)
    if kind == MessageType.ERROR and data is not ABSENT:
        return ServerComplained(data)
    if kind in {MessageType.REPLY, MessageType.REPLY_ERROR}:
        return _reply(message, data, is_refused=kind == MessageType.REPLY_ERROR)
    if kind == MessageType.REMOVED:
        return _removed(message)
    room = message.get("room")
    if kind == MessageType.PRESENCE and isinstance(room, str) and data is not ABSENT:
        return PresenceTold(room, data)
    return _membership(message, kind, data)


def _reply(message: dict[str, Any], data: Any, *, is_refused: bool) -> Replied | None:
    request = message.get("id")
    if isinstance(request, bool) or not isinstance(request, str | int):
        return None
    return Replied(request, None if data is ABSENT else data, is_refused)


def _removed(message: dict[str, Any]) -> Removed | None:
    room, code, text = message.get("room"), message.get("code"), message.get("message")
    if not isinstance(room, str):
        return None
    return Removed(
        room,
        code if isinstance(code, str) and code else ErrorCode.REMOVED.value,
        text if isinstance(text, str) else "",
    )


def _membership(message: dict[str, Any], kind: float, data: Any) -> MembershipAnswered | None:
    room, rooms = message.get("room"), _rooms(message)
    if isinstance(room, str):
        if kind in _ROOM_GRANTED:
            return MembershipAnswered((room,), kind in _JOINS, is_granted=True)
        if kind in _ROOM_REFUSED and data is not ABSENT:
            return MembershipAnswered((room,), kind in _JOINS, is_granted=False, context=data)
    if rooms is not None:
        if kind in _BULK_GRANTED:
            return MembershipAnswered(rooms, kind in _BULK_JOINS, is_granted=True)
        if kind in _BULK_REFUSED and data is not ABSENT:
            return MembershipAnswered(rooms, kind in _BULK_JOINS, is_granted=False, context=data)
    return None


def _event(message: dict[str, Any]) -> EventArrived | None:
    name = message.get("event")
    if isinstance(name, bool) or not isinstance(name, str | int | float):
        return None
    data, room, rooms = message.get("data", ABSENT), message.get("room"), _rooms(message)
    if rooms is not None:
        return EventArrived(name, data, rooms)
    return EventArrived(name, data, (room,) if isinstance(room, str) else ())


def _rooms(message: dict[str, Any]) -> tuple[str, ...] | None:
    rooms = message.get("rooms")
    if not isinstance(rooms, list):
        return None
    names = cast("list[object]", rooms)
    texts = tuple(name for name in names if isinstance(name, str))
    return texts if len(texts) == len(names) else None


def event_frame(
    codec: Codec,
    event: EventName,
    payload: object,
    *,
    room: str | None = None,
    rooms: Sequence[str] | None = None,
    request: RequestId | None = None,
) -> bytes:
    """Encode a user event, outside rooms, for one or for several, with an `id` for an answer.

    Raises:
        EncodeError: The payload holds a value that cannot be sent, or is not of the declared kind.
    """
    message: dict[str, Any] = {} if room is None else {"room": room}
    if rooms is not None:
        message["rooms"] = list(rooms)
    message["event"] = event
    if request is not None:
        message["id"] = request
    check_kinds(payload)
    try:
        message["data"] = plain(payload, codec)
        return codec.encode(message)
    except EncodeError as error:
        raise EncodeError(f"event {event!r}: {error}") from error


def lifecycle_frame(codec: Codec, kind: MessageType, **members: object) -> bytes:
    """Encode a message with a `type`.

    Raises:
        EncodeError: A member holds a value that cannot be sent.
    """
    return codec.encode({"type": int(kind), **members})


def events_of(frames: Iterable[bytes]) -> Counter[EventName]:
    """Count the events in messages that were sent, by name; requests are none."""
    found = Counter[EventName]()
    for frame in filter(None, frames):
        message = _decoded(frame)
        if "event" in message and "id" not in message:
            found[message["event"]] += 1
    return found


def _decoded(frame: bytes) -> dict[str, Any]:
    """Return the message in a frame of ours, whichever codec it is of; empty if it is none."""
    for is_binary in (False, True):
        with suppress(DecodeError):
            message = decode(frame, is_binary)
            return cast("dict[str, Any]", message) if isinstance(message, dict) else {}
    return {}
