"""Test an application in memory: no sockets, no ports, and every wait has a deadline.

`TestClient` speaks the real protocol to the real application over the memory transport.
"""

from bytesocket_app.errors import RequestError
from bytesocket_app.testing.client import TestClient
from bytesocket_app.testing.clock import VirtualClock, virtual_clock
from bytesocket_app.testing.log import FrameLog, NothingCame

__all__ = [
    "FrameLog",
    "NothingCame",
    "RequestError",
    "TestClient",
    "VirtualClock",
    "virtual_clock",
]
