"""Transport adaptors: they carry frames between a server and the core.

`interface` is the contract of an adaptor. An adaptor is a class derived from `Transport`, or from
`QueuedTransport`, which has an outbox, and a function that passes a server's connections to an
application's `endpoint`. `bytesocket_app.testing.conformance` has test suites for adaptors.
"""

from bytesocket_app.transports.interface import (
    Acceptance,
    Endpoint,
    Handshake,
    Receiver,
    Rejection,
    Served,
    Transport,
)
from bytesocket_app.transports.outbox import Outbox
from bytesocket_app.transports.queued import QueuedTransport
from bytesocket_app.transports.suspension import Attendant, Attended
from bytesocket_app.wire.frame import Frame

__all__ = [
    "Acceptance",
    "Attendant",
    "Attended",
    "Endpoint",
    "Frame",
    "Handshake",
    "Outbox",
    "QueuedTransport",
    "Receiver",
    "Rejection",
    "Served",
    "Transport",
]
