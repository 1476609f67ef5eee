"""Who wants to hear which event: callbacks and iterators of one client or one room handle."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeAlias, TypeVar, cast
from weakref import WeakSet

from pydantic import ValidationError

from bytesocket_app.client.callback_queue import Callback
from bytesocket_app.client.messages import ABSENT, EventArrived
from bytesocket_app.client.streams import EventStream
from bytesocket_app.errors import ByteSocketError, ConfigurationError
from bytesocket_app.events import EventModel, PayloadType
from bytesocket_app.types import CodecName, EventName

E = TypeVar("E", bound=EventModel)
T = TypeVar("T")


EventClasses: TypeAlias = Mapping[EventName, type[EventModel]]
"""The event classes of a generated client, by the names that its verbs take."""


def event_class(event: type[E] | EventName, known: EventClasses) -> type[E]:
    """Return an event's class, given itself or its name.

    Raises:
        ConfigurationError: No event of that name arrives.
    """
    if isinstance(event, type):
        return event
    found = known.get(event)
    if found is None:
        names = ", ".join(map(repr, known)) or "none by name: pass its class"
        raise ConfigurationError(f"{event!r} is no event that arrives here. There are: {names}.")
    return cast("type[E]", found)


class Listening(Protocol[E]):
    """What `on(event)` returns: a decorator that keeps the function's type."""

    def __call__(self, callback: Callable[[E], T], /) -> Callable[[E], T]:
        """Have the function called with every event, and return it."""
        ...


@dataclass(slots=True, eq=False)
class Subscription:
    """Everybody who listens for one event class.

    Iterators are held weakly: one that was left by `break` takes its place with it.
    """

    model: type[EventModel]
    payload: PayloadType
    callbacks: list[Callback]
    streams: "WeakSet[EventStream[Any]]"


class Listeners:
    """The subscriptions of one client or one room handle."""

    def __init__(self) -> None:
        self._by_name: dict[EventName, dict[type[EventModel], Subscription]] = {}

    def _subscription(self, event: type[EventModel]) -> Subscription:
        by_model = self._by_name.setdefault(event.__event_name__, {})
        if event not in by_model:
            by_model[event] = Subscription(event, PayloadType(event), [], WeakSet())
        return by_model[event]

    def add(self, event: type[E], callback: Callable[[E], object]) -> None:
        """Have `callback` called with every arriving event of this class; adding twice is once."""
        callbacks = self._subscription(event).callbacks
        if callback not in callbacks:
            callbacks.append(callback)

    def on(self, event: type[E], callback: Callable[[E], object] | None) -> Any:
        """Add a callback and return it, or return the decorator that does."""
        if callback is None:
            return partial(self.on, event)
        self.add(event, callback)
        return callback

    def remove(self, event: type[E], callback: Callable[[E], object]) -> None:
        """Call it no more; a callback that was never added is ignored."""
        callbacks = self._subscription(event).callbacks
        if callback in callbacks:
            callbacks.remove(callback)

    def stream(self, event: type[E], limit: int) -> EventStream[E]:
        """Make an iterator over the arriving events of this class."""
        stream = EventStream[E](limit)
        self._subscription(event).streams.add(stream)
        return stream

    def named(self, name: EventName) -> list[Subscription]:
        """The subscriptions that an arriving event concerns."""
        return list(self._by_name.get(name, {}).values())

    def end(self) -> None:
        """Forget everybody; iterators end."""
        for by_model in self._by_name.values():
            for subscription in by_model.values():
                for stream in list(subscription.streams):
                    stream.end()
        self._by_name.clear()


class Delivery:
    """Hands one arrived event to scopes of listeners, validating it once per event class.

    Args:
        event: What arrived.
        codec: The codec of the frame it came in.
        post: Has a callback called later.
        failed: Told once about a payload that is not valid, and about a slow iterator.
    """

    def __init__(
        self,
        event: EventArrived,
        codec: CodecName,
        post: Callable[[Callback, object], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._event = event
        self._codec: CodecName = codec
        self._post = post
        self._failed = failed
        self._valid: dict[type[EventModel], EventModel | None] = {}

    def to(self, listeners: Listeners) -> None:
        """Deliver to one scope: iterators at once, callbacks later, in order of registration."""
        for subscription in listeners.named(self._event.name):
            if not subscription.callbacks and not len(subscription.streams):
                continue
            model = self._validated(subscription)
            if model is None:
                continue
            for stream in list(subscription.streams):
                if not stream.push(model):
                    self._failed(ByteSocketError(_too_slow(subscription.model)))
            for callback in subscription.callbacks:
                self._post(callback, model)

    def _validated(self, subscription: Subscription) -> EventModel | None:
        if subscription.model not in self._valid:
            self._valid[subscription.model] = self._validate(subscription)
        return self._valid[subscription.model]

    def _validate(self, subscription: Subscription) -> EventModel | None:
        data: object = self._event.data
        if data is ABSENT:
            is_object = not subscription.model.__pydantic_root_model__
            data = dict[str, object]() if is_object else None
        try:
            model: EventModel = subscription.payload.validate(data, self._codec)
        except ValidationError as error:
            self._failed(error)
            return None
        return model


def _too_slow(model: type[EventModel]) -> str:
    return f"an iterator over {model.__name__} is too slow: its oldest event was dropped"
