"""`app.on(...)`: from an event, or a bare name, and a function to a registered handler."""

from collections.abc import Callable
from functools import partial
from typing import Any

from bytesocket_app.declarations.auth import Authenticator
from bytesocket_app.declarations.handlers import (
    EVENT,
    Handler,
    HandlerOptions,
    HandlerTable,
    build_handler,
    handler_offers,
)
from bytesocket_app.dependencies import bind
from bytesocket_app.errors import ConfigurationError, where
from bytesocket_app.events import Catalogue, ClientHandle, EventSpec
from bytesocket_app.events.model import EventModel
from bytesocket_app.events.names import checked_name
from bytesocket_app.registry import Hook
from bytesocket_app.rooms import BROADCAST_ROOM, RoomPattern
from bytesocket_app.signature import EMPTY, anything, type_text
from bytesocket_app.types import EventName, UserKey


def declare_handler(
    event: "type[EventModel] | ClientHandle[Any] | EventName",
    function: Callable[..., Any],
    catalogue: Catalogue,
    app: type,
    options: HandlerOptions,
) -> Handler:
    """Resolve a function as a handler of an event, declaring the event if it is new.

    Raises:
        ConfigurationError: The event is not one that clients send, or the function's signature
            cannot be served.
    """
    if isinstance(event, str | int | float):
        name = checked_name(event)
        spec = catalogue.by_name.get(name) or _by_annotation(name, function, catalogue, app)
    else:
        spec = catalogue.declare(event)
    if not spec.from_client:
        raise ConfigurationError(
            f"{spec.name!r} cannot have a handler ({where(function)}): the server sends it "
            f"({spec.source}). Derive it from ClientEvent, or from Event for both directions."
        )
    annotation = spec.payload.annotation
    offers = handler_offers(
        f"event: {type_text(annotation)}",
        lambda name, a: a == annotation or (a is EMPTY and name in {"event", "data"}),
        app,
        None,
    )
    handler = build_handler(function, spec, offers, options)
    catalogue.check_reply(handler.reply, spec, lambda: handler.bound.source)
    return handler


def handler_hook(
    event: "type[EventModel] | ClientHandle[Any] | EventName",
    handlers: HandlerTable,
    catalogue: Catalogue,
    app: type,
    options: HandlerOptions,
) -> Hook:
    """Make the place where an event's handlers are added; see `declare_handler`."""
    if not isinstance(event, str | int | float):
        catalogue.declare(event)  # now: `@app.on` without its event decorates a function

    def add(function: Callable[..., Any], once: bool) -> None:  # noqa: FBT001
        handler = declare_handler(event, function, catalogue, app, options)
        handlers.add(handler, once=once)

    return Hook(add, partial(handlers.remove, event_name(event)))


def event_name(event: "type[EventModel] | ClientHandle[Any] | EventName") -> EventName:
    """The name of what `app.on` was given."""
    if isinstance(event, str | int | float):
        return event
    return event.name if isinstance(event, ClientHandle) else event.__event_name__


def _by_annotation(
    name: EventName, function: Callable[..., Any], catalogue: Catalogue, app: type
) -> EventSpec:
    """Declare an event by the annotation of its handler's payload parameter."""
    offers = handler_offers("any other annotation", anything, app, None)
    bound = bind(function, offers, role=f"a handler of {name!r}")
    annotation = bound.annotations.get(EVENT, EMPTY)
    spec = EventSpec(name, "client", Any if annotation is EMPTY else annotation)
    spec.source = bound.source
    return catalogue.add(spec)


def declare_authenticator(
    known: Authenticator | None,
    function: Callable[..., Any],
    key: Callable[[Any], UserKey] | None,
    catalogue: Catalogue,
) -> Authenticator:
    """Resolve a function as the application's authentication.

    Raises:
        ConfigurationError: There is one already, or a parameter cannot be served.
    """
    if known is not None:
        raise ConfigurationError(
            f"{where(function)}: authentication is declared already, at "
            f"{known.bound.source}. One function decides."
        )
    made = Authenticator(function, key)
    if made.credentials is not None:
        catalogue.check(made.credentials, ["input"], "credentials", lambda: made.bound.source)
    return made


def check_room(pattern: RoomPattern, join: str) -> None:
    """Refuse a room that cannot be.

    Raises:
        ConfigurationError: It is the room of all sockets, or nobody could be put into it.
    """
    if join not in ("client", "server"):
        raise ConfigurationError(
            f"join={join!r} of room {pattern.text!r} ({pattern.source}) is neither 'client' nor "
            "'server'."
        )
    if pattern.text == BROADCAST_ROOM:
        raise ConfigurationError(
            f"{pattern.text!r} ({pattern.source}) cannot be declared: every socket is in that "
            "room. Emit to it with `app.broadcast`."
        )
