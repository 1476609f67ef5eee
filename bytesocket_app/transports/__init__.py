"""Adaptors: how frames get in and out. They know nothing of rooms, events or authentication.

`interface` says all that an adaptor must know. Writing one is a class derived from `Transport`, or
from `QueuedTransport`, which has the outbox, and a function that takes a server's connections to an
application's `endpoint`; `bytesocket_app.testing.conformance` has the suites that try it.
"""

from bytesocket_app.transports.interface import (
    Acceptance,
    Endpoint,
    Handshake,
    Receiver,
    Rejection,
    Transport,
)
from bytesocket_app.transports.outbox import Outbox
from bytesocket_app.transports.queued import QueuedTransport

__all__ = [
    "Acceptance",
    "Endpoint",
    "Handshake",
    "Outbox",
    "QueuedTransport",
    "Receiver",
    "Rejection",
    "Transport",
]
