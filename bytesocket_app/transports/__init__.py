"""Adaptors: how frames get in and out. They know nothing of rooms, events or authentication.

`interface` says all that an adaptor must know; `asgi` and `memory` are the two that come with the
framework. Writing another is one file, and one line in the conformance tests.
"""

from bytesocket_app.transports.interface import (
    Acceptance,
    Endpoint,
    Handshake,
    Receiver,
    Rejection,
    Transport,
)

__all__ = ["Acceptance", "Endpoint", "Handshake", "Receiver", "Rejection", "Transport"]
