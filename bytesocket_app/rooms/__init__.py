"""Room names: which pattern a name fits, and who is in which room. No I/O, no sockets."""

from bytesocket_app.rooms.index import RoomIndex
from bytesocket_app.rooms.pattern import RoomPattern

__all__ = ["RoomIndex", "RoomPattern"]
