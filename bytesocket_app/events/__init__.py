"""Events: the models that users write, and the catalogue of an application's events.

Independent of sockets and rooms; builds on `wire`, `errors` and `types`.
"""

from bytesocket_app.events.catalogue import Catalogue, EventSource, EventSpec
from bytesocket_app.events.declared import (
    BothHandle,
    BothPayload,
    ClientHandle,
    ClientPayload,
    EventHandle,
    Payload,
    ServerHandle,
    ServerPayload,
    declare,
)
from bytesocket_app.events.model import ClientEvent, Event, EventModel, ServerEvent, name_of
from bytesocket_app.events.names import checked_class_name
from bytesocket_app.events.payload import PayloadType

__all__ = [
    "BothHandle",
    "BothPayload",
    "Catalogue",
    "ClientEvent",
    "ClientHandle",
    "ClientPayload",
    "Event",
    "EventHandle",
    "EventModel",
    "EventSource",
    "EventSpec",
    "Payload",
    "PayloadType",
    "ServerEvent",
    "ServerHandle",
    "ServerPayload",
    "checked_class_name",
    "declare",
    "name_of",
]
