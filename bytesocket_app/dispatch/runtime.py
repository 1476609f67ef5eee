"""Runtime: objects that the connections of one application share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bytesocket_app.declarations.handlers import HandlerTable
from bytesocket_app.declarations.rates import DeclaredRates
from bytesocket_app.declarations.rooms import DeclaredRooms
from bytesocket_app.delivery.hub import Hub
from bytesocket_app.delivery.memberships import Memberships
from bytesocket_app.delivery.presence import PresenceKeeper
from bytesocket_app.events import Catalogue
from bytesocket_app.lifecycle import Lifecycle
from bytesocket_app.middleware import MiddlewareChain
from bytesocket_app.settings import Settings
from bytesocket_app.telemetry import Telemetry
from bytesocket_app.threads import Threads


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Objects of one application that are needed to run connections.

    Attributes:
        app: The application, for functions that ask for it.
        settings: Deadlines, limits and policies.
        catalogue: The declared events.
        handlers: The handlers outside rooms.
        rooms: The declared rooms.
        middleware: The application's steps.
        lifecycle: The hooks, and the boundary for failures.
        memberships: The open sockets and their rooms.
        hub: The hub that delivers events to sockets.
        telemetry: The port for telemetry.
        threads: The threads for plain functions.
        rates: The declared rates.
        presence: Who is in the rooms that tell it.
        clock: Returns the time that deadlines and rates are compared with.
    """

    app: Any
    settings: Settings
    catalogue: Catalogue
    handlers: HandlerTable
    rooms: DeclaredRooms
    middleware: MiddlewareChain
    lifecycle: Lifecycle
    memberships: Memberships
    hub: Hub
    telemetry: Telemetry
    threads: Threads
    rates: DeclaredRates
    presence: PresenceKeeper
    clock: Callable[[], float]
