"""`app.on(...)`: from an event, or a bare name, and a function to a registered handler."""

from collections.abc import Callable
from itertools import chain
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from bytesocket_app.declarations.auth import Authenticator
from bytesocket_app.declarations.handlers import (
    EVENT,
    Handler,
    HandlerOptions,
    build_handler,
    handler_offers,
)
from bytesocket_app.declarations.pending import Pending
from bytesocket_app.declarations.scope import DeclarationScope
from bytesocket_app.dependencies import bind
from bytesocket_app.errors import ConfigurationError, near, where
from bytesocket_app.events import Catalogue, ClientHandle, EventSpec
from bytesocket_app.events.model import EventModel, is_event_class
from bytesocket_app.events.names import checked_name
from bytesocket_app.registry import Hook
from bytesocket_app.signature import EMPTY, anything, type_text
from bytesocket_app.types import EventName, UserKey

_AROUND: Final = frozenset({Annotated, Union, UnionType})
"""What may stand around an event's class in an annotation."""


def declare_handler(
    event: "type[EventModel] | ClientHandle[Any] | EventName",
    function: Callable[..., Any],
    scope: DeclarationScope,
    options: HandlerOptions,
) -> Handler:
    """Resolve a function as a handler of an event, declaring the event if it is new.

    Raises:
        ConfigurationError: The event is not one that clients send, or the function's signature
            cannot be served.
    """
    catalogue, app = scope.catalogue, scope.app
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
    handler = build_handler(function, spec, offers, options, chain=scope.chain)
    catalogue.check_reply(handler.reply, spec, lambda: handler.bound.source)
    catalogue.check_refusals(handler.raises)
    return handler


def event_hook(
    event: "type[EventModel] | ClientHandle[Any] | EventName",
    pending: Pending[DeclarationScope],
    options: HandlerOptions,
) -> Hook:
    """Make the place where an event's handlers are added; see `declare_handler`.

    A bare name that is text gets the scope's prefix; a class and a handle keep theirs.
    """
    if not isinstance(event, str | int | float):
        Catalogue(()).declare(event)  # now: `@app.on` without its event decorates a function
        pending.do(lambda scope: scope.catalogue.declare(event))

    def named(scope: DeclarationScope) -> "type[EventModel] | ClientHandle[Any] | EventName":
        return scope.prefix + event if isinstance(event, str) else event

    def add(scope: DeclarationScope, function: Callable[..., Any], once: bool) -> None:  # noqa: FBT001
        handler = declare_handler(named(scope), function, scope, options)
        scope.handlers.add(handler, once=once)
        scope.rates.add(handler.rate, handler.spec.name)

    return pending.hook(
        add,
        lambda scope, function: scope.handlers.remove(event_name(named(scope)), function),
    )


def event_name(event: "type[EventModel] | ClientHandle[Any] | EventName") -> EventName:
    """Return the name of what `on` was given."""
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
    events = _events_in(annotation)
    if events and all(str(each.__event_name__) != str(name) for each in events):
        raise _misnamed(name, events[0], bound.source, catalogue)
    if is_event_class(annotation):
        return catalogue.declare(annotation)
    spec = EventSpec(name, "client", Any if annotation is EMPTY else annotation)
    spec.source = bound.source
    return catalogue.add(spec)


def _events_in(annotation: Any) -> list[type[EventModel]]:
    """Return the classes of events in an annotation, as in `Annotated[Post, ...]` and unions."""
    if is_event_class(annotation):
        return [annotation]
    inner = (_events_in(each) for each in get_args(annotation))
    return list(chain.from_iterable(inner)) if get_origin(annotation) in _AROUND else []


def _misnamed(
    name: EventName, event: type[EventModel], source: str, catalogue: Catalogue
) -> ConfigurationError:
    """Refuse a function for one name that takes the class of another: one of them is misspelt."""
    real = event.__event_name__
    others = [known for known in catalogue.by_name if known != real]
    return ConfigurationError(
        f"{source}: there is no event {name!r}, and the function takes {event.__name__}, which is "
        f"named {real!r} ({where(event)}).{near(name, [real, *others])} Write "
        f"`on({event.__name__})`, or name the class {name!r}."
    )


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
