"""Shapes of messages: tests of what came, and the messages that the server sends.

The tests decide what a decoded message is (protocol.md section 2). They are exact, because they
decide precedence: a bool is no number, an empty list is a list of strings.
"""

from collections.abc import Sequence
from math import isfinite
from typing import Any, Final, TypeAlias, TypeGuard, cast

from bytesocket_app.errors import Phase, Refusal
from bytesocket_app.types import EventName, RequestId
from bytesocket_app.wire.message_type import MessageType

ECHO: Final = 256
"""Characters of a peer's text that an answer repeats."""

NULL: Final[Any] = object()
"""Stands for a refusal's data that are null, and are to be said; None says nothing."""

_DIGITS: Final = 0.301
"""Decimal digits of a bit."""


def is_event(value: object) -> TypeGuard[EventName]:
    """Return True for a valid `event`: text, or a number that either codec can send back."""
    return type(value) is str or _is_whole(value) or (type(value) is float and isfinite(value))


def is_room(value: object) -> TypeGuard[str]:
    """Return True for a valid `room`: any text, even empty."""
    return type(value) is str


def is_rooms(value: object) -> TypeGuard[list[str]]:
    """Return True for valid `rooms`: a list of text only, even empty."""
    return type(value) is list and all(map(_is_text, cast("list[object]", value)))


def is_request_id(value: object) -> TypeGuard[RequestId]:
    """Return True for a valid request `id`: text, or an integer that either codec can send back."""
    return type(value) is str or _is_whole(value)


def is_longer(value: object, most: int) -> bool:
    """Return True for a text or an integer of more than `most` bytes, as text in UTF-8."""
    if type(value) is str:
        return len(value) * 4 > most and len(value.encode("utf-8", "replace")) > most
    return type(value) is int and value.bit_length() * _DIGITS > most


def echoed(name: EventName | None) -> EventName | None:
    """Return what an answer says of a name that a peer sent: no more than `ECHO` characters."""
    return name[:ECHO] if isinstance(name, str) else name


def _is_text(value: object) -> bool:
    return type(value) is str


def _is_whole(value: object) -> bool:
    """Return True for an integer of at most 64 bits, the limit of MessagePack."""
    return type(value) is int and -(2**63) <= value < 2**64


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Return True for an object, which every message is."""
    return type(value) is dict


def lifecycle_type(message: dict[str, Any]) -> int | None:
    """Return the message's `type` if it is a number from 1 to `MessageType.MESSAGE`, else None.

    `9.0` counts as 9 (protocol.md 8.8); a bool or text does not count. Replies, which only servers
    send, are outside of this range.
    """
    value = message.get("type")
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and 1 <= value <= MessageType.MESSAGE else None


MessageBody: TypeAlias = dict[str, Any]
"""A message before it is encoded."""

SINGLE: Final = frozenset({MessageType.JOIN_ROOM, MessageType.LEAVE_ROOM})
"""Membership requests that name one room, as `room`; the others name several, as `rooms`."""


def error_context(phase: Phase, refusal: Refusal, **more: Any) -> MessageBody:
    """Write an error context: `{phase, error: {code, message, data?}, event?, room?, ...}`."""
    error: MessageBody = {"code": refusal.code, "message": refusal.message}
    if refusal.data is not None:
        error["data"] = None if refusal.data is NULL else refusal.data
    context: MessageBody = {"phase": phase.value, "error": error}
    context.update((key, value) for key, value in more.items() if value is not None)
    return context


def auth_success() -> MessageBody:
    """Write the acceptance of credentials."""
    return {"type": MessageType.AUTH_SUCCESS.value}


def auth_error(context: MessageBody) -> MessageBody:
    """Write the refusal of credentials, or of a client's contract."""
    return {"type": MessageType.AUTH_ERROR.value, "data": context}


def event_error(identity: RequestId | None, context: MessageBody) -> MessageBody:
    """Write the refusal of an event message: the answer to its `id` if it has one."""
    if identity is None:
        return {"type": MessageType.ERROR.value, "data": context}
    return {"type": MessageType.REPLY_ERROR.value, "id": identity, "data": context}


def membership_success(kind: MessageType, rooms: Sequence[str]) -> MessageBody:
    """Write the success of a membership request of this kind."""
    return {"type": kind + 1, **_rooms(kind, rooms)}


def membership_error(kind: MessageType, rooms: Sequence[str], context: MessageBody) -> MessageBody:
    """Write the refusal of a membership request of this kind."""
    return {"type": kind + 2, **_rooms(kind, rooms), "data": context}


def removed(room: str, code: str, message: str) -> MessageBody:
    """Write that server code took the client out of a room."""
    return {"type": MessageType.REMOVED.value, "room": room, "code": code, "message": message}


def presence(room: str, data: MessageBody) -> MessageBody:
    """Write who is in a room, or how that changed."""
    return {"type": MessageType.PRESENCE.value, "room": room, "data": data}


def is_presence(message: dict[str, Any]) -> bool:
    """Return True for a client's change of its own entry in a room."""
    return (
        message.get("type") == MessageType.PRESENCE
        and "event" not in message
        and is_room(message.get("room"))
        and "data" in message
    )


def _rooms(kind: MessageType, rooms: Sequence[str]) -> MessageBody:
    return {"room": rooms[0]} if kind in SINGLE else {"rooms": list(rooms)}
