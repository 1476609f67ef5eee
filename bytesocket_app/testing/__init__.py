"""Test an application in memory: no sockets, no ports, and every wait has a deadline.

`TestClient` speaks the real protocol to the real application over the memory transport.
"""

from bytesocket_app.testing.arrivals import RequestRefused
from bytesocket_app.testing.client import TestClient
from bytesocket_app.testing.clock import VirtualClock, virtual_clock
from bytesocket_app.testing.log import FrameLog, NothingCame

__all__ = [
    "FrameLog",
    "NothingCame",
    "RequestRefused",
    "TestClient",
    "VirtualClock",
    "virtual_clock",
]
