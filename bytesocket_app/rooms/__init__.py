"""Room names: their patterns and parameters, and the index of members by room. It does no I/O."""

from typing import Final

from bytesocket_app.rooms.index import RoomIndex
from bytesocket_app.rooms.names import room_name
from bytesocket_app.rooms.parameters import (
    ALLOWED,
    Misspelt,
    ParameterType,
    Untyped,
    is_same,
    parameter_text,
)
from bytesocket_app.rooms.pattern import RoomPattern, parameter_texts

BROADCAST_ROOM: Final = "__bytesocket_broadcast__"
"""Name of the room of all authenticated sockets; clients cannot use it (protocol.md Q17)."""

__all__ = [
    "ALLOWED",
    "BROADCAST_ROOM",
    "Misspelt",
    "ParameterType",
    "RoomIndex",
    "RoomPattern",
    "Untyped",
    "is_same",
    "parameter_text",
    "parameter_texts",
    "room_name",
]
