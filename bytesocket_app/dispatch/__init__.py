"""From a decoded message to a handler and back: routing, rooms, replies, refusals.

The way of one message is read in `dispatcher`; what it may reach is declared in `handlers` and
`rooms`. No transport is known here, and no clock beyond the deadline a `Peer` carries.
"""

from bytesocket_app.dispatch.dispatcher import Dispatcher
from bytesocket_app.dispatch.handlers import Handler, HandlerTable
from bytesocket_app.dispatch.peer import Peer
from bytesocket_app.dispatch.rooms import DeclaredRooms, Room

__all__ = ["DeclaredRooms", "Dispatcher", "Handler", "HandlerTable", "Peer", "Room"]
