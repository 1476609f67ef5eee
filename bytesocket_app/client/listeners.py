"""Listeners for events: callbacks and iterators of one client or one room handle."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeAlias, TypeVar, cast
from weakref import WeakSet

from pydantic import ValidationError

from bytesocket_app.client.callback_queue import Callback
from bytesocket_app.client.messages import ABSENT, EventArrived
from bytesocket_app.client.streams import EventStream
from bytesocket_app.errors import ByteSocketError, ConfigurationError, near, where
from bytesocket_app.event_loop import is_failure
from bytesocket_app.events import EventModel, PayloadType
from bytesocket_app.types import CodecName, EventName

log = logging.getLogger("bytesocket.client")

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
        raise ConfigurationError(
            f"{event!r} is no event that arrives here.{near(event, known)} There are: {names}."
        )
    return cast("type[E]", found)


class Listening(Protocol[Heard]):
    """Decorator that `on(event)` returns; keeps the function's type."""

    def __call__(self, callback: Callable[[Heard], T], /) -> Callable[[Heard], T]:
        """Call the function with every event. Returns the function."""
        ...


class Listener:
    """One registration of a callback: what is queued for each event, and called later.

    Args:
        callback: The function.
        is_once: True to call it for the first event only.
        owner: Group of rooms that it belongs to, which has it in each of its rooms; None for one.

    Attributes:
        is_removed: True once it was removed: calls that are queued by then are not made.
        is_spent: True once the only call of one with `is_once` is queued.
    """

    __slots__ = ("callback", "is_once", "is_removed", "is_spent", "owner")

    def __init__(
        self, callback: Callback, *, is_once: bool = False, owner: object | None = None
    ) -> None:
        self.callback = callback
        self.is_once = is_once
        self.owner = owner
        self.is_removed = False
        self.is_spent = False

    def __call__(self, event: Any) -> object:
        """Call the function, unless it was removed meanwhile; returns what it returns."""
        if self.is_removed:
            return None
        self.is_removed = self.is_once
        return self.callback(event)

    def missed(self) -> None:
        """Take note that a call was dropped: it was none for one with `is_once`."""
        self.is_spent = False

    @property
    def __wrapped__(self) -> Callback:
        """The function, whose place is named where a call failed."""
        callback = self.callback
        while isinstance(callback, partial):
            callback = callback.func
        return callback


@dataclass(slots=True, eq=False)
class Subscription:
    """The listeners for one event class.

    Iterators are held by weak references: one that is no longer used is removed by itself.

    Attributes:
        has_once: True once there was a listener for the first event only.
    """

    model: type[EventModel]
    payload: PayloadType
    has_once: bool = False
    callbacks: list[Listener] = field(default_factory=list[Listener])
    streams: "WeakSet[EventStream[Any]]" = field(default_factory=WeakSet[EventStream[Any]])

    @property
    def is_heard(self) -> bool:
        """True if anybody waits for an event."""
        if not self.has_once:
            return bool(self.callbacks) or bool(len(self.streams))
        return bool(len(self.streams)) or not all(one.is_spent for one in self.callbacks)

    def due(self) -> list[Listener]:
        """Return the listeners to call for an event, which spends those for the first one."""
        if not self.has_once:
            return self.callbacks
        self.callbacks = [one for one in self.callbacks if not one.is_removed]
        due = [one for one in self.callbacks if not one.is_spent]
        for one in due:
            one.is_spent = one.is_once
        return due


class Listeners:
    """The subscriptions of one client or one room handle."""

    def __init__(self) -> None:
        self._by_name: dict[EventName, dict[type[EventModel], Subscription]] = {}
        self._is_ended = False

    def _subscription(self, event: type[EventModel]) -> Subscription:
        by_model = self._by_name.setdefault(event.__event_name__, {})
        if event not in by_model:
            by_model[event] = Subscription(event, PayloadType(event))
        return by_model[event]

    def add(self, event: type[E], callback: Callable[[E], object]) -> None:
        """Call `callback` with every event of this class; adding it again has no effect."""
        self.put(event, Listener(callback))

    def put(self, event: type[EventModel], listener: Listener) -> None:
        """Add a listener, which counts again and again if it is for the first event only."""
        subscription = self._subscription(event)
        if listener.is_once or not any(
            other.callback == listener.callback and other.owner is listener.owner
            for other in subscription.callbacks
            if not other.is_once
        ):
            subscription.callbacks.append(listener)
            subscription.has_once |= listener.is_once

    def on(self, event: type[E], callback: Callable[[E], object] | None) -> Any:
        """Add a callback and return it; without one, return a decorator that adds it."""
        if callback is None:
            return partial(self.on, event)
        self.add(event, callback)
        return callback

    def once(self, event: type[E], callback: Callable[[E], object] | None) -> Any:
        """Add a callback for the first event, as `on` adds one for every event."""
        if callback is None:
            return partial(self.once, event)
        self.put(event, Listener(callback, is_once=True))
        return callback

    def remove(
        self, event: type[E], callback: Callable[[E], object], owner: object | None = None
    ) -> None:
        """Remove a callback, with its calls that are queued; one never added is ignored."""
        subscription = self._subscription(event)
        for listener in list(subscription.callbacks):
            if listener.callback == callback and listener.owner is owner:
                listener.is_removed = True
                subscription.callbacks.remove(listener)

    def stream(
        self, event: type[E], limit: int, check: Callable[[], object] = bool
    ) -> EventStream[E]:
        """Return an iterator over the arriving events of this class; see `EventStream`."""
        stream = EventStream[E](limit, check)
        self.attach(event, stream)
        return stream

    def attach(self, event: type[E], stream: EventStream[E]) -> None:
        """Give an iterator the arriving events of this class."""
        if self._is_ended:
            stream.end()
        self._subscription(event).streams.add(stream)

    def named(self, name: EventName) -> list[Subscription]:
        """Return the subscriptions to an event name."""
        return list(self._by_name.get(name, {}).values())

    def forget_calls(self) -> None:
        """Make no call that is queued; those of groups go on, as they are in other rooms too."""
        for by_model in self._by_name.values():
            for subscription in by_model.values():
                for listener in subscription.callbacks:
                    listener.is_removed |= listener.owner is None

    def end(self) -> None:
        """Remove all callbacks and end all iterators; further ones are ended from the start."""
        self._is_ended = True
        for by_model in self._by_name.values():
            for subscription in by_model.values():
                for stream in list(subscription.streams):
                    stream.end()
        self._by_name.clear()


class Delivery:
    """Delivery of one event to groups of listeners; validates it once per event class.

    What a group of rooms has in several of its rooms gets the event once.

    Args:
        event: The event that arrived.
        codec: The codec of its frame.
        post: Queues a call of a callback.
        failed: Called once per event class with the error of an invalid payload, and for each
            iterator that drops an event.
    """

    def __init__(
        self,
        event: EventArrived,
        codec: CodecName,
        post: Callable[[Callback, object], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._event = event
        self._codec: CodecName = codec
        self._post = post
        self._failed = failed
        self._valid: dict[type[EventModel], EventModel | None] = {}
        self._reached: set[object] = set()

    def to(self, listeners: Listeners) -> None:
        """Deliver to one group: iterators at once, callbacks later, in order of registration."""
        for subscription in listeners.named(self._event.name):
            if not subscription.is_heard:
                continue
            model = self._validated(subscription)
            if model is None:
                continue
            for stream in list(subscription.streams):
                if self._is_first(stream) and not stream.push(model):
                    self._failed(ByteSocketError(_too_slow(subscription.model)))
            for listener in subscription.due():
                if listener.owner is None or self._is_first(listener):
                    self._post(listener, model)

    def _is_first(self, target: object) -> bool:
        """Return True if the target did not get this event yet."""
        is_first = target not in self._reached
        self._reached.add(target)
        return is_first

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
        except BaseException as error:
            if not is_failure(error):
                raise
            if not isinstance(error, ValidationError):
                log.exception("a validator of %s failed", subscription.model.__name__)
            self._failed(error)
            return None
        return model


def _too_slow(model: type[EventModel]) -> str:
    return f"an iterator over {model.__name__} is too slow: its oldest event was dropped"
