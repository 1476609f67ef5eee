"""Typed real-time applications: events as models, handlers as decorators.

The public doors are this package, `bytesocket_app.testing`, `bytesocket_app.client` and
`bytesocket_app.transports`; everything else may change between versions.
"""

from bytesocket_app.application import ByteSocket
from bytesocket_app.clock import Clock
from bytesocket_app.contract import Contract
from bytesocket_app.declarations.auth import AuthFunction
from bytesocket_app.declarations.handlers import EventHandler, RoomGuard
from bytesocket_app.declarations.handles import RoomHandle
from bytesocket_app.declarations.rooms import Room
from bytesocket_app.declarations.router import Router
from bytesocket_app.delivery.asking import RoomCount, RoomSockets, SocketPlace
from bytesocket_app.delivery.remote import RemoteSocket
from bytesocket_app.delivery.users import User
from bytesocket_app.dependencies import Depends
from bytesocket_app.errors import (
    AuthError,
    ByteSocketError,
    ConfigurationError,
    ContractError,
    ContractWarning,
    DecodeError,
    EncodeError,
    EngineError,
    EngineRefused,
    ErrorCode,
    ErrorContext,
    Phase,
    Refusal,
    UndeclaredAnswer,
    UndeclaredEvent,
    UndeclaredRoom,
    UnknownContract,
)
from bytesocket_app.events import (
    BothHandle,
    ClientEvent,
    ClientHandle,
    Event,
    ServerEvent,
    ServerHandle,
)
from bytesocket_app.middleware import CallNext, Message, Middleware
from bytesocket_app.publishing import AsyncPublisher, Publisher
from bytesocket_app.registry import GuardHook, Hook
from bytesocket_app.serving.runners.certificate import Certificate
from bytesocket_app.settings import Limits, Policies, Settings, Timeouts
from bytesocket_app.socket import Application, RemoteView, RoomView, Socket, UserView
from bytesocket_app.telemetry import Count, Operation, Telemetry, TelemetryListener
from bytesocket_app.transports import Handshake
from bytesocket_app.transports.lifespan import LifespanError
from bytesocket_app.types import Outcome
from bytesocket_app.wire import CloseCode

__version__ = "0.1.0"

__all__ = [
    "Application",
    "AsyncPublisher",
    "AuthError",
    "AuthFunction",
    "BothHandle",
    "ByteSocket",
    "ByteSocketError",
    "CallNext",
    "Certificate",
    "ClientEvent",
    "ClientHandle",
    "Clock",
    "CloseCode",
    "ConfigurationError",
    "Contract",
    "ContractError",
    "ContractWarning",
    "Count",
    "DecodeError",
    "Depends",
    "EncodeError",
    "EngineError",
    "EngineRefused",
    "ErrorCode",
    "ErrorContext",
    "Event",
    "EventHandler",
    "GuardHook",
    "Handshake",
    "Hook",
    "LifespanError",
    "Limits",
    "Message",
    "Middleware",
    "Operation",
    "Outcome",
    "Phase",
    "Policies",
    "Publisher",
    "Refusal",
    "RemoteSocket",
    "RemoteView",
    "Room",
    "RoomCount",
    "RoomGuard",
    "RoomHandle",
    "RoomSockets",
    "RoomView",
    "Router",
    "ServerEvent",
    "ServerHandle",
    "Settings",
    "Socket",
    "SocketPlace",
    "Telemetry",
    "TelemetryListener",
    "Timeouts",
    "UndeclaredAnswer",
    "UndeclaredEvent",
    "UndeclaredRoom",
    "UnknownContract",
    "User",
    "UserView",
]
