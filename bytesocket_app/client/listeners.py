"""Listeners for events: callbacks and iterators of one client or one room handle."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeAlias, TypeVar, cast
from weakref import WeakSet

from pydantic import ValidationError

from bytesocket_app.client.callback_queue import Callback, Wanted
from bytesocket_app.client.messages import ABSENT, EventArrived
from bytesocket_app.client.streams import EventStream
from bytesocket_app.errors import ByteSocketError, ConfigurationError, where
from bytesocket_app.events import EventModel, PayloadType
from bytesocket_app.types import CodecName, EventName

E = TypeVar("E", bound=EventModel)
Heard = TypeVar("Heard")
T = TypeVar("T")


EventClasses: TypeAlias = Mapping[EventName, type[EventModel]]
"""The event classes of a generated client, by the names that its methods accept."""


def event_class(event: type[E] | EventName, known: EventClasses) -> type[E]:
    """Return an event's class, given the class itself or the event's name.

    Raises:
        ConfigurationError: No known event has that name, or only clients send the event.
        TypeError: The class is that of no event.
    """
    if isinstance(event, type):
        direction = getattr(event, "__event_direction__", None)
        if direction is None:
            raise TypeError(f"{event.__name__} is no event: pass a class derived from ServerEvent")
        if direction == "client":
            raise ConfigurationError(
                f"{event.__name__} ({where(event)}) is an event that clients send, so it never "
                "arrives here: listen to one derived from ServerEvent or Event."
            )
        return event
    found = known.get(event)
    if found is None:
        names = ", ".join(map(repr, known)) or "none by name: pass its class"
        raise ConfigurationError(f"{event!r} is no event that arrives here. There are: {names}.")
    return cast("type[E]", found)


class Listening(Protocol[Heard]):
    """Decorator that `on(event)` returns; keeps the function's type."""

    def __call__(self, callback: Callable[[Heard], T], /) -> Callable[[Heard], T]:
        """Call the function with every event. Returns the function."""
        ...


@dataclass(slots=True, eq=False)
class Subscription:
    """The listeners for one event class.

    Iterators are held by weak references: one that is no longer used is removed by itself.
    """

    model: type[EventModel]
    payload: PayloadType
    callbacks: list[Callback]
    streams: "WeakSet[EventStream[Any]]"

    def has(self, callback: Callback) -> bool:
        """Return True unless the callback was removed."""
        return callback in self.callbacks


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
        """Call `callback` with every event of this class; adding it again has no effect."""
        callbacks = self._subscription(event).callbacks
        if callback not in callbacks:
            callbacks.append(callback)

    def on(self, event: type[E], callback: Callable[[E], object] | None) -> Any:
        """Add a callback and return it; without one, return a decorator that adds it."""
        if callback is None:
            return partial(self.on, event)
        self.add(event, callback)
        return callback

    def remove(self, event: type[E], callback: Callable[[E], object]) -> None:
        """Remove a callback; one that was never added is ignored."""
        callbacks = self._subscription(event).callbacks
        if callback in callbacks:
            callbacks.remove(callback)

    def stream(
        self, event: type[E], limit: int, check: Callable[[], object] = bool
    ) -> EventStream[E]:
        """Return an iterator over the arriving events of this class; see `EventStream`."""
        stream = EventStream[E](limit, check)
        self._subscription(event).streams.add(stream)
        return stream

    def named(self, name: EventName) -> list[Subscription]:
        """Return the subscriptions to an event name."""
        return list(self._by_name.get(name, {}).values())

    def end(self) -> None:
        """Remove all callbacks and end all iterators; calls that are queued are still made."""
        for by_model in self._by_name.values():
            for subscription in by_model.values():
                for stream in list(subscription.streams):
                    stream.end()
        self._by_name.clear()


class Delivery:
    """Delivery of one event to groups of listeners; validates it once per event class.

    Args:
        event: The event that arrived.
        codec: The codec of its frame.
        post: Queues a call of a callback, which is made if it is still wanted then.
        failed: Called once per event class with the error of an invalid payload, and for each
            iterator that drops an event.
    """

    def __init__(
        self,
        event: EventArrived,
        codec: CodecName,
        post: Callable[[Callback, object, Wanted], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._event = event
        self._codec: CodecName = codec
        self._post = post
        self._failed = failed
        self._valid: dict[type[EventModel], EventModel | None] = {}

    def to(self, listeners: Listeners) -> None:
        """Deliver to one group: iterators at once, callbacks later, in order of registration."""
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
                self._post(callback, model, subscription.has)

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
