"""A socket, as handlers hold it, and the sending side of its connection.

A socket knows a `SocketBackend`, the narrow view of what is around it; it does not know the hub.
`SendingSide` is the framework's own: dispatch, delivery and serving hold it beside the socket.
"""

from bytesocket_app.socket.application import Application
from bytesocket_app.socket.backend import SocketBackend
from bytesocket_app.socket.rooms import SocketRooms, SocketRoomsBulk, several
from bytesocket_app.socket.sending_side import AuthState, DeliveryGroup, SendingSide
from bytesocket_app.socket.socket import Socket, new_id, raw_frame

__all__ = [
    "Application",
    "AuthState",
    "DeliveryGroup",
    "SendingSide",
    "Socket",
    "SocketBackend",
    "SocketRooms",
    "SocketRoomsBulk",
    "new_id",
    "raw_frame",
    "several",
]
