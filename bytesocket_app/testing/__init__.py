"""Test tools for an application in memory: no network, and a deadline on every wait.

`TestClient` speaks the real protocol to the real application over the memory transport.
"""

from bytesocket_app.errors import RequestError
from bytesocket_app.testing.client import TestClient
from bytesocket_app.testing.clock import VirtualClock, virtual_clock
from bytesocket_app.testing.engines import EngineCheckFailed, EngineReport, check_engine
from bytesocket_app.testing.log import FrameLog, NothingCame

__all__ = [
    "EngineCheckFailed",
    "EngineReport",
    "FrameLog",
    "NothingCame",
    "RequestError",
    "TestClient",
    "VirtualClock",
    "check_engine",
    "virtual_clock",
]
