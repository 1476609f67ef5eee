"""The Python client: the base of generated clients, and a client without a contract.

Generated modules import their names from this package. It is independent of the server side and
builds on `events`, `wire`, `errors` and `types`.
"""

from bytesocket_app.client.auth import Fresh, Headers, ValueOrFactory
from bytesocket_app.client.callback_queue import Callback as AnyCallback
from bytesocket_app.client.client import Client, joins
from bytesocket_app.client.dynamic import DynamicClient, DynamicGroup, DynamicRoom
from bytesocket_app.client.ending import EndOfConnection
from bytesocket_app.client.group import Into, RoomGroup, RoomName
from bytesocket_app.client.listeners import EventClasses, Listening
from bytesocket_app.client.model import Model
from bytesocket_app.client.outgoing import Outcome
from bytesocket_app.client.presence import Presence, PresenceChange
from bytesocket_app.client.reconnector import ClientState
from bytesocket_app.client.refusals import Refusals
from bytesocket_app.client.room import ClientRoom as Room
from bytesocket_app.client.room import Parameters, Replies
from bytesocket_app.client.settings import ClientContract, ClientSettings, EventRate
from bytesocket_app.client.streams import EventStream
from bytesocket_app.client.texts import AnyFloat, Base64Bytes, HexBytes
from bytesocket_app.client.unset import UNSET, Unset
from bytesocket_app.errors import (
    AuthError,
    ConnectError,
    DialFailed,
    Disconnected,
    EncodeError,
    ErrorCode,
    ErrorContext,
    RequestError,
    RequestTimeout,
    UnknownContract,
)
from bytesocket_app.events import ClientEvent, Event, PayloadType, ServerEvent

__all__ = [
    "UNSET",
    "AnyCallback",
    "AnyFloat",
    "AuthError",
    "Base64Bytes",
    "Client",
    "ClientContract",
    "ClientEvent",
    "ClientSettings",
    "ClientState",
    "ConnectError",
    "DialFailed",
    "Disconnected",
    "DynamicClient",
    "DynamicGroup",
    "DynamicRoom",
    "EncodeError",
    "EndOfConnection",
    "ErrorCode",
    "ErrorContext",
    "Event",
    "EventClasses",
    "EventRate",
    "EventStream",
    "Fresh",
    "Headers",
    "HexBytes",
    "Into",
    "Listening",
    "Model",
    "Outcome",
    "Parameters",
    "PayloadType",
    "Presence",
    "PresenceChange",
    "Refusals",
    "Replies",
    "RequestError",
    "RequestTimeout",
    "Room",
    "RoomGroup",
    "RoomName",
    "ServerEvent",
    "UnknownContract",
    "Unset",
    "ValueOrFactory",
    "joins",
]
