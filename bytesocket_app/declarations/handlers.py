"""Handlers of events: resolved when they are declared, looked up by the event's name."""

import logging
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Never, NoReturn, Protocol, Union, get_args, get_origin

from bytesocket_app.arguments import is_async
from bytesocket_app.declarations.rates import Rate
from bytesocket_app.dependencies import bind
from bytesocket_app.errors import ConfigurationError, Refusal
from bytesocket_app.events import EventSpec, PayloadType, ServerEvent, ServerPayload
from bytesocket_app.middleware import MiddlewareChain
from bytesocket_app.registry import Registry, check_refusals
from bytesocket_app.signature import EMPTY, Bound, Offer, by_name, by_type, type_text
from bytesocket_app.socket import Application, Socket
from bytesocket_app.types import EventName

logger = logging.getLogger("bytesocket")


class EventHandler(Protocol):
    """A function for an event, `async def` or `def` (which runs in a thread).

    It may ask, by annotation, for the socket (`Socket[User]`), the event, in rooms for the room's
    name (`room: str`) and the pattern's parameters, for the application and for dependencies; see
    `ByteSocket.on`. Its return type is the reply.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Handle one message."""
        ...


class RoomGuard(Protocol):
    """A function that decides a join or a leave: it raises Refusal to say no.

    It may ask for the socket, the room's name, the pattern's parameters and dependencies; a guard
    of all rooms for `rooms: list[str]`, all names of the request, and not for parameters.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Decide about one socket and one room."""
        ...


_NOTHING: Final = (EMPTY, None, type(None), NoReturn, Never)
"""Annotations of what handlers return that reply nothing."""

SOCKET, EVENT, ROOM, APP, PARAMETERS = range(5)
"""The order of a handler call's values; room parameters follow from `PARAMETERS` on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerOptions:
    """Options of a handler beside its event, as `on(...)` takes them.

    Attributes:
        raises: The refusals that clients should know about.
        concurrent: True if the socket's next message may be handled before this one is done.
        cancel_on_close: True if the loss of the connection cancels a call.
        rate: How often the event may come; None if this handler does not say.
    """

    raises: tuple[type[Refusal], ...] = ()
    concurrent: bool = False
    cancel_on_close: bool = False
    rate: Rate | None = None


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Handler:
    """One function for one event.

    Attributes:
        bound: The function, called with (socket, event, room, app, *room parameters).
        spec: The event.
        reply: The type of what it answers; None if it answers nothing.
        emits: The server events it may return for the room's other members.
        emits_handles: True if it may return events of handles for them.
        raises, concurrent, cancel_on_close, rate: As its options say.
        chain: The middleware of the routers around it; None for the application's own.
    """

    bound: Bound
    spec: EventSpec
    reply: PayloadType | None
    emits: tuple[type[ServerEvent], ...] = ()
    raises: tuple[type[Refusal], ...] = ()
    concurrent: bool = False
    cancel_on_close: bool = False
    chain: MiddlewareChain | None = None
    rate: Rate | None = None
    emits_handles: bool = False


@dataclass(frozen=True, slots=True)
class ResolvedHandlers:
    """Handlers of one event, worked out when they are first asked for.

    Attributes:
        spec: The event.
        validate_fast: What validates its payload, where that is one function for both codecs.
        small: Bytes of a message up to which that is used.
        in_order: The handlers that the socket's next message waits for.
        beside: The handlers that it does not wait for.
        replies: True if one of them answers.
        chains: The routers' middleware around some of them, each once.
    """

    spec: EventSpec
    validate_fast: Callable[[Any], Any] | None
    small: int
    sequential: tuple[Handler, ...]
    concurrent: tuple[Handler, ...]
    replies: bool
    chains: tuple[MiddlewareChain, ...] = ()

    def under(self, chain: MiddlewareChain | None) -> "ResolvedHandlers":
        """Return those handlers that are under one chain, or under none."""
        return replace(
            self,
            sequential=tuple(h for h in self.sequential if h.chain is chain),
            concurrent=tuple(h for h in self.concurrent if h.chain is chain),
            chains=(),
        )

    def without_removed(self) -> "ResolvedHandlers":
        """Return what is left to start after some concurrent handlers were removed."""
        left = tuple(handler for handler in self.concurrent if not handler.bound.is_removed)
        replies = any(handler.reply is not None for handler in left)
        return replace(self, concurrent=left, replies=replies)


class HandlerTable:
    """The handlers of one place: the application's, or one room's.

    Attributes:
        ready: What `take` gives for the events whose handlers are all for more than one time.
        rates: The rates of the events that have one here.
    """

    def __init__(self) -> None:
        self._registry: Registry[EventName, Handler] = Registry(lambda one: one.bound.withdraw())
        self.ready: dict[EventName, ResolvedHandlers] = {}
        self.rates: dict[EventName, Rate] = {}
        self._relay_rates: dict[EventName, Rate] = {}

    def add(self, handler: Handler, *, once: bool = False) -> None:
        """Add a handler.

        Raises:
            ConfigurationError: Another handler of the event already answers, or has another rate.
        """
        name, function = handler.spec.name, handler.bound.function
        if handler.reply is not None:
            for other in self._registry.peek(name):
                if other.reply is not None and other.bound.function is not function:
                    raise ConfigurationError(
                        f"Event {name!r} is answered by {other.bound.source} and by "
                        f"{handler.bound.source}: a request has one reply. Let one of the "
                        "handlers return None."
                    )
        self._check_rate(name, handler.rate)
        self._registry.add(name, handler, identity=function, once=once)
        self.ready.pop(name, None)
        self._settle_rate(name)

    def remove(self, name: EventName, function: Callable[..., Any] | None = None) -> None:
        """Remove one function, or all of an event."""
        self._registry.remove(name, function)
        self.ready.pop(name, None)
        self._settle_rate(name)

    def relay_at(self, name: EventName, rate: Rate) -> None:
        """Set the rate of an event that is relayed.

        Raises:
            ConfigurationError: It has another rate here.
        """
        self._check_rate(name, rate)
        self._relay_rates[name] = rate
        self._settle_rate(name)

    def unrelay(self, name: EventName) -> None:
        """Forget the rate of an event that is not relayed any more."""
        self._relay_rates.pop(name, None)
        self._settle_rate(name)

    def take(self, name: EventName) -> ResolvedHandlers | None:
        """Take the handlers of an event for one call; None if it has none."""
        calls = self.ready.get(name)
        if calls is None and name in self._registry:
            before = self._registry.peek(name)
            handlers = self._registry.take(name)
            calls = ResolvedHandlers(
                handlers[0].spec,
                handlers[0].spec.payload.validate_fast,
                handlers[0].spec.payload.small,
                tuple(handler for handler in handlers if not handler.concurrent),
                tuple(handler for handler in handlers if handler.concurrent),
                any(handler.reply is not None for handler in handlers),
                tuple(dict.fromkeys(h.chain for h in handlers if h.chain is not None)),
            )
            if self._registry.peek(name) == before:  # none of them was for one time only
                self.ready[name] = calls
        return calls

    def all(self) -> list[Handler]:
        """Every handler, by event in the order of declaration."""
        return [handler for name in self._registry for handler in self._registry.peek(name)]

    def of(self, name: EventName) -> tuple[Handler, ...]:
        """The handlers of an event, nothing taken."""
        return self._registry.peek(name)

    def _check_rate(self, name: EventName, rate: Rate | None) -> None:
        known = self.rates.get(name)
        if rate is not None and known is not None and known.values != rate.values:
            raise ConfigurationError(
                f"{rate.source}: event {name!r} has another rate ({rate}) than at {known.source} "
                f"({known}): it is one event with one rate. Say the same, or say it once."
            )

    def _settle_rate(self, name: EventName) -> None:
        rates = [handler.rate for handler in self._registry.peek(name)]
        found = next((rate for rate in rates if rate is not None), self._relay_rates.get(name))
        if found is None:
            self.rates.pop(name, None)
        else:
            self.rates[name] = found


def socket_offer() -> Offer:
    """Make the offer of the socket: `socket: Socket[User]`."""
    return Offer("the socket (Socket)", by_type(Socket, "socket"), usual="socket: Socket")


def app_offer(app: type) -> Offer:
    """Make the offer of the application: `app: MyApp`."""
    return Offer(
        f"the application ({app.__name__})",
        by_type(app, "app", also=Application),
        usual=f"app: {app.__name__}",
    )


def handler_offers(
    event: str, payload: Callable[[str, Any], bool], app: type, room: Sequence[str] | None
) -> list[Offer]:
    """Make the offers of an event handler, in the order of its call's values.

    Args:
        event: How a message calls the event; "" where there is none, as for a guard.
        payload: Says whether a parameter asks for the event.
        app: The application's class.
        room: The parameters of the room's pattern; None outside rooms.
    """
    inside = room is not None

    def room_name(name: str, annotation: Any) -> bool:
        return inside and name == "room" and annotation in (str, EMPTY)

    offers = [
        socket_offer(),
        Offer(f"the event ({event})" if event else "", payload, last=True, usual=event),
        Offer(
            "the room's name (room: str)" if inside else "",
            room_name,
            usual="room: str" if inside else "",
        ),
        app_offer(app),
    ]
    offers += [Offer(f"the room's {name}", by_name(name), usual=name) for name in room or ()]
    return offers


def build_handler(
    function: Callable[..., Any],
    spec: EventSpec,
    offers: Sequence[Offer],
    options: HandlerOptions = HandlerOptions(),
    *,
    in_room: bool = False,
    chain: MiddlewareChain | None = None,
) -> Handler:
    """Resolve a function as a handler.

    Raises:
        ConfigurationError: A parameter cannot be served, the return type has no serializer,
            `raises` names something that is no refusal, or a `def` is to be cancelled.
    """
    bound = bind(function, offers, role=f"a handler of {spec.name!r}")
    check_refusals(options.raises, bound.source)
    emits, emits_handles, reply = _results(bound, in_room=in_room)
    if bound.returns is EMPTY and spec.reply is not None:
        reply = PayloadType(spec.reply)  # said by `app.declare(..., reply=...)`
    if reply is not None:
        try:
            _ = reply.adapter
        except Exception as exc:
            raise ConfigurationError(
                f"{bound.source}: the return type {type_text(reply.annotation)} cannot be a reply "
                f"({exc}). Return what Pydantic can serialize, or None."
            ) from exc
    if options.cancel_on_close and not is_async(function):
        raise ConfigurationError(
            f"{bound.source}: a `def` cannot have cancel_on_close=True, as a thread cannot be "
            "cancelled. Write `async def`, or look at `socket.is_closed` from time to time."
        )
    return Handler(
        bound,
        spec,
        reply,
        emits,
        options.raises,
        options.concurrent,
        options.cancel_on_close,
        chain,
        options.rate,
        emits_handles,
    )


def _results(
    bound: Bound, *, in_room: bool
) -> tuple[tuple[type[ServerEvent], ...], bool, PayloadType | None]:
    """Tell a reply from events for the room: only a room handler's server events are emitted.

    Returns:
        (emits, emits_handles, reply): as in `Handler`.
    """
    returns = bound.returns
    if returns in _NOTHING:
        return (), False, None
    parts = get_args(returns) if get_origin(returns) in (Union, types.UnionType) else (returns,)
    emits = tuple(
        p for p in parts if in_room and isinstance(p, type) and issubclass(p, ServerEvent)
    )
    for event in emits:
        if event.__event_abstract__:
            raise ConfigurationError(
                f"{bound.source}: `-> {event.__name__}` names no event for the room's members, but "
                "a base of events. Annotate the events that the handler returns, as in `-> A | B`."
            )
    handles = [p for p in parts if _is_of_handle(p)]
    replies = [p for p in parts if p not in (*emits, *handles) and p not in _NOTHING]
    if not replies:
        return emits, bool(handles), None
    # Where an event went to the room there is nothing left to reply: the reply may be null.
    reply = PayloadType(Union[(*replies, None)] if emits or handles else returns)
    return emits, bool(handles), reply


def _is_of_handle(annotation: Any) -> bool:
    kind = get_origin(annotation) or annotation
    return isinstance(kind, type) and issubclass(kind, ServerPayload)
