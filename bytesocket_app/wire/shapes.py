"""The shape tests that decide what a decoded message is (protocol.md section 2).

They are exact, because they decide precedence: a bool is no number, an empty list is a list of
strings.
"""

from math import isfinite
from typing import Any, TypeGuard, cast

from bytesocket_app.types import EventName, RequestId
from bytesocket_app.wire.message_type import MessageType


def is_event(value: object) -> TypeGuard[EventName]:
    """Whether `event` names an event: text or a number that both codecs can send back."""
    return type(value) is str or _is_whole(value) or (type(value) is float and isfinite(value))


def is_room(value: object) -> TypeGuard[str]:
    """Whether `room` names a room: any text, the empty one too."""
    return type(value) is str


def is_rooms(value: object) -> TypeGuard[list[str]]:
    """Whether `rooms` names rooms: a list of nothing but text, possibly empty."""
    return type(value) is list and all(map(_is_text, cast("list[object]", value)))


def is_request_id(value: object) -> TypeGuard[RequestId]:
    """Whether `id` asks for a reply: text or a whole number that both codecs can send back."""
    return type(value) is str or _is_whole(value)


def _is_text(value: object) -> bool:
    return type(value) is str


def _is_whole(value: object) -> bool:
    """Whether a value is an integer of 64 bits, as many as MessagePack has; JSON has more."""
    return type(value) is int and -(2**63) <= value < 2**64


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a decoded value is a message at all: an object."""
    return type(value) is dict


def lifecycle_type(message: dict[str, Any]) -> int | None:
    """The message's `type` if it is one of the protocol's numbers, else None.

    `9.0` counts as 9 (protocol.md 8.8); a bool, text or any other number does not count.
    """
    value = message.get("type")
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and 1 <= value <= MessageType.MESSAGE else None
