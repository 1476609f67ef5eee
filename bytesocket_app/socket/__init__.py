"""What a handler holds: a socket, and its rooms.

A socket knows its transport and a `Fabric`, the narrow view of what is around it; it does not know
the hub. May import `events`, `transports` and `wire`.
"""

from bytesocket_app.socket.fabric import Fabric
from bytesocket_app.socket.lane import Lane
from bytesocket_app.socket.rooms import SocketRooms, SocketRoomsBulk, several
from bytesocket_app.socket.socket import AuthState, Socket, raw_frame

__all__ = [
    "AuthState",
    "Fabric",
    "Lane",
    "Socket",
    "SocketRooms",
    "SocketRoomsBulk",
    "raw_frame",
    "several",
]
