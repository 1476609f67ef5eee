"""Message types: the numbers in a message's `type` (protocol.md section 2)."""

from enum import IntEnum
from typing import Final


class MessageType(IntEnum):
    """Meaning of a message's `type`. 25 to 31 are left to the TypeScript origin."""

    OPEN = 1
    CLOSE = 2
    ERROR = 3
    AUTH = 4
    AUTH_SUCCESS = 5
    AUTH_ERROR = 6
    PING = 7
    PONG = 8
    JOIN_ROOM = 9
    JOIN_ROOM_SUCCESS = 10
    JOIN_ROOM_ERROR = 11
    LEAVE_ROOM = 12
    LEAVE_ROOM_SUCCESS = 13
    LEAVE_ROOM_ERROR = 14
    JOIN_ROOMS = 15
    JOIN_ROOMS_SUCCESS = 16
    JOIN_ROOMS_ERROR = 17
    LEAVE_ROOMS = 18
    LEAVE_ROOMS_SUCCESS = 19
    LEAVE_ROOMS_ERROR = 20
    QUEUE_FULL = 21
    RECONNECT_FAILED = 22
    UPGRADE = 23
    MESSAGE = 24
    REPLY = 32
    """Extension of this framework: `{type, id, data}`, the reply to a message with an `id`."""
    REPLY_ERROR = 33
    """Extension of this framework: `{type, id, data}`, the refusal of a message with an `id`.
    `data` is an error context."""
    PRESENCE = 36
    """Extension of this framework: `{type, room, data}`, who is in a room, to members who
    asked; from a client a change of its own entry."""
    REMOVED = 38
    """Extension of this framework: `{type, room, code, message}`, to clients that name a contract:
    server code took them out of the room."""


JOINS: Final = frozenset({MessageType.JOIN_ROOM, MessageType.JOIN_ROOMS})
"""Requests to join; the others about rooms leave them."""
