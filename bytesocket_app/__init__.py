"""Typed real-time applications: events as models, handlers as decorators.

The public doors are this package, `bytesocket_app.testing`, `bytesocket_app.client` and
`bytesocket_app.transports`; everything else may change between versions.
"""

from bytesocket_app.application import ByteSocket
from bytesocket_app.declarations.auth import AuthFunction
from bytesocket_app.declarations.handlers import EventHandler, RoomGuard
from bytesocket_app.declarations.router import Router
from bytesocket_app.dependencies import Depends
from bytesocket_app.errors import (
    AuthError,
    ConfigurationError,
    ErrorContext,
    Refusal,
    UndeclaredEvent,
)
from bytesocket_app.events import ClientEvent, Event, ServerEvent
from bytesocket_app.middleware import CallNext, Message, Middleware
from bytesocket_app.registry import Hook
from bytesocket_app.settings import Limits, Policies, Settings, Timeouts
from bytesocket_app.socket import Socket
from bytesocket_app.transports import Handshake

__version__ = "0.1.0"

__all__ = [
    "AuthError",
    "AuthFunction",
    "ByteSocket",
    "CallNext",
    "ClientEvent",
    "ConfigurationError",
    "Depends",
    "ErrorContext",
    "Event",
    "EventHandler",
    "Handshake",
    "Hook",
    "Limits",
    "Message",
    "Middleware",
    "Policies",
    "Refusal",
    "RoomGuard",
    "Router",
    "ServerEvent",
    "Settings",
    "Socket",
    "Timeouts",
    "UndeclaredEvent",
]
