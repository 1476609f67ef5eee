"""Engines: what carries messages between the processes of an application.

`memory://` is one process and costs nothing. `redis://`, `valkey://` (extra `redis`) and `nats://`
(extra `nats`) connect any number of them. An engine of your own is an object with the methods of
`Engine`; `bytesocket_app.testing.check_engine` tries it.
"""

from bytesocket_app.engines.interface import (
    MAX_UNSENT,
    Confirmation,
    Engine,
    EngineListener,
    RateEngine,
    TokenRequest,
    confirmed,
)
from bytesocket_app.engines.memory import MemoryBroker, MemoryEngine
from bytesocket_app.engines.url import EngineAddress, parse_engine

__all__ = [
    "MAX_UNSENT",
    "Confirmation",
    "Engine",
    "EngineAddress",
    "EngineListener",
    "MemoryBroker",
    "MemoryEngine",
    "RateEngine",
    "TokenRequest",
    "confirmed",
    "parse_engine",
]
