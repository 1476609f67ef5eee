"""Declared events that nothing takes where they came: what the peer and the log are told."""

import logging
from itertools import islice

from bytesocket_app.declarations.rooms import Room
from bytesocket_app.declarations.router import waiting_for
from bytesocket_app.dispatch.runtime import Runtime
from bytesocket_app.events import EventSpec
from bytesocket_app.logs import shown
from bytesocket_app.similar import COMPARED
from bytesocket_app.types import EventName

logger = logging.getLogger("bytesocket")


class UnhandledEvents:
    """Reasons why declared events are refused.

    A peer is told what its contract says too. The log has the remedy, once for each event and
    place: a line for each message would be a peer's to have written.

    Args:
        runtime: The parts of the application.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._catalogue = runtime.catalogue
        self._handlers = runtime.handlers
        self._rooms = runtime.rooms
        self._told: set[tuple[EventName, str]] = set()

    def reason(self, event: EventName, room: Room | None) -> str | None:
        """Return why an event is refused in a room, or outside; None for an undeclared one."""
        name = shown(event) if isinstance(event, str) else repr(event)
        spec = self._catalogue.by_name.get(event)
        if spec is None:
            return None
        if not spec.from_client:
            self._tell(spec, room, "the server sends it: only ClientEvent and Event may come")
            return f"Event {name} is one that the server sends."
        if room is not None and self._handlers.of(event):
            self._tell(spec, room, "it is handled outside rooms only: add `room.on`")
            return (
                f"Event {name} is not taken in room {room.pattern.text!r}: send it without a room."
            )
        places = self._places(event)
        if places:
            missing = "outside rooms by `app.on`" if room is None else "here by this room's `on`"
            remedy = f"let clients send it there, or handle it {missing}"
            self._tell(spec, room, f"it is taken in {places} only: {remedy}")
            return f"Event {name} is taken in rooms only: send it into a room, {places}."
        waiting = waiting_for(event)
        remedy = "add a handler, as in `@app.on(...)`"
        if waiting:
            remedy = (
                f"its handler is on the router of {waiting}, which no application includes: call "
                "`app.include(router)`"
            )
        self._tell(spec, room, f"nothing handles it: {remedy}")
        inside = "" if room is None else f" in room {room.pattern.text!r}"
        return f"Event {name} is not handled by this server{inside}."

    def _places(self, event: EventName) -> str:
        """Return the patterns of a few rooms that take an event and that clients may join."""
        rooms = (room for room in self._rooms.all() if room.event(event) is not None)
        shown_rooms = islice((room for room in rooms if room.joined_by == "client"), COMPARED)
        found = list(islice((repr(room.pattern.text) for room in shown_rooms), 3))
        return " or ".join(found)

    def _tell(self, spec: EventSpec, room: Room | None, remedy: str) -> None:
        place = "outside rooms" if room is None else f"in room {room.pattern.text!r}"
        if (spec.name, place) in self._told:
            return
        self._told.add((spec.name, place))
        logger.warning(
            "event %r (%s) came %s and was refused: %s", spec.name, spec.source, place, remedy
        )
