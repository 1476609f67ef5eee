"""Routes: places where events are handled, as a list for people and tools."""

from dataclasses import dataclass

from bytesocket_app.declarations.handlers import HandlerTable
from bytesocket_app.declarations.rooms import DeclaredRooms
from bytesocket_app.types import EventName


@dataclass(frozen=True, slots=True)
class Route:
    """Place where an event is handled.

    Attributes:
        event: Its name.
        room: The room's pattern, None for a global handler.
        source: `file:line` of the function; "relay" for an event that is only relayed.
    """

    event: EventName
    room: str | None
    source: str


def event_routes(handlers: HandlerTable, rooms: DeclaredRooms) -> list[Route]:
    """Every handler and relay, with the place in the code where it stands."""
    found = [Route(h.spec.name, None, h.bound.source) for h in handlers.all()]
    for room in rooms.all():
        text = room.pattern.text
        found += [Route(h.spec.name, text, h.bound.source) for h in room.handlers.all()]
        found += [Route(name, text, "relay") for name in room.relayed]
    return found
