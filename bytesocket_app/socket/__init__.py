"""What a handler holds: a socket, and its rooms.

A socket knows its transport and a `SocketBackend`, the narrow view of what is around it; it does
not know the hub. May import `events`, `transports` and `wire`.
"""

from bytesocket_app.socket.backend import SocketBackend
from bytesocket_app.socket.rooms import SocketRooms, SocketRoomsBulk, several
from bytesocket_app.socket.socket import AuthState, DeliveryGroup, Socket, raw_frame

__all__ = [
    "AuthState",
    "DeliveryGroup",
    "Socket",
    "SocketBackend",
    "SocketRooms",
    "SocketRoomsBulk",
    "raw_frame",
    "several",
]
