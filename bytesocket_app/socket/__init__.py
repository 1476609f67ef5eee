"""Socket, as handlers and hooks get it, and the sending side of its connection.

A socket depends on a `SocketBackend`, an interface to delivery. `SendingSide` is internal to the
framework: dispatch, delivery and serving use it beside the socket.
"""

from bytesocket_app.socket.application import Application, RemoteView, RoomView, UserView
from bytesocket_app.socket.backend import SocketBackend
from bytesocket_app.socket.removal import PLAIN, Removal, removal
from bytesocket_app.socket.rooms import SocketRooms, SocketRoomsBulk, several
from bytesocket_app.socket.sending_side import AuthState, DeliveryGroup, SendingSide, of_user
from bytesocket_app.socket.socket import Socket, new_id, parameter, raw_frame

__all__ = [
    "PLAIN",
    "Application",
    "AuthState",
    "DeliveryGroup",
    "RemoteView",
    "Removal",
    "RoomView",
    "SendingSide",
    "Socket",
    "SocketBackend",
    "SocketRooms",
    "SocketRoomsBulk",
    "UserView",
    "new_id",
    "of_user",
    "parameter",
    "raw_frame",
    "removal",
    "several",
]
