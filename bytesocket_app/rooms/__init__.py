"""Room names: which pattern a name fits, and who is in which room. No I/O, no sockets."""

from typing import Final

from bytesocket_app.rooms.index import RoomIndex
from bytesocket_app.rooms.pattern import RoomPattern

BROADCAST_ROOM: Final = "__bytesocket_broadcast__"
"""Name of the room of all authenticated sockets; clients cannot use it (protocol.md Q17)."""

__all__ = ["BROADCAST_ROOM", "RoomIndex", "RoomPattern"]
