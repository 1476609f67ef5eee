"""Events declared by name, whose payload is any type: a scalar, a union, a model that is no event.

`declare` returns a handle; calling the handle with a payload makes an event to emit.
"""

from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar, overload

from pydantic import TypeAdapter
from typing_extensions import TypeForm, TypeIs, override

from bytesocket_app.errors import ConfigurationError, caller, first_line, near, where
from bytesocket_app.events.model import is_event_class
from bytesocket_app.events.names import checked_class_name, checked_name
from bytesocket_app.types import Direction, EventName

T = TypeVar("T")


class Payload(Generic[T]):
    """An event to emit, made by calling a handle with a payload.

    Attributes:
        handle: The declaration of the event.
        value: The payload, validated by the declared type.
    """

    __slots__ = ("handle", "value")

    def __init__(self, handle: "EventHandle[T]", value: T) -> None:
        self.handle = handle
        self.value = value

    @override
    def __repr__(self) -> str:
        return f"<event {self.handle.name!r}: {self.value!r}>"


def is_payload(value: object) -> TypeIs[Payload[Any]]:
    """Return True for an event that was made by calling a handle."""
    return isinstance(value, Payload)


class ClientPayload(Payload[T]):
    """A payload that a client may send."""

    __slots__ = ()


class ServerPayload(Payload[T]):
    """A payload that the server may emit."""

    __slots__ = ()


class BothPayload(ClientPayload[T], ServerPayload[T]):
    """A payload of an event of both directions."""

    __slots__ = ()


class EventHandle(Generic[T]):
    """A declared event, with its name, its payload's type and its direction.

    Attributes:
        name: The name on the wire.
        payload: The payload's type as it was declared.
        direction: Sender of the event: clients, the server, or both.
        reply: The reply's type, or None.
        source: `file:line` of the declaration.
        class_name: Name of the event's class in generated Python clients; None for the one that
            the event's name makes.

    Raises:
        ConfigurationError: A name is not valid, or Pydantic cannot validate a type.
    """

    direction: Direction

    def __init__(
        self, name: EventName, payload: Any, reply: Any = None, class_name: str | None = None
    ) -> None:
        self.name = checked_name(name)
        self.payload = payload
        self.reply = reply
        self.source = caller()
        self.class_name = checked_class_name(class_name, f"event {name!r}", self.source)
        if is_event_class(payload) and str(payload.__event_name__) != str(name):
            raise ConfigurationError(
                f"{self.source}: the payload of event {name!r} cannot be {payload.__name__}, which "
                f"is itself the event {payload.__event_name__!r} ({where(payload)})."
                f"{near(name, [payload.__event_name__])} Use the class as the event, or a model "
                "that is none."
            )
        self.adapter: TypeAdapter[T] = self._adapter("payload", payload)
        if reply is not None:
            self._adapter("reply", reply)

    def _checked(self, value: T) -> T:
        return self.adapter.validate_python(value)

    def _adapter(self, what: str, annotation: Any) -> TypeAdapter[Any]:
        try:
            return TypeAdapter(annotation)
        except Exception as exc:
            raise ConfigurationError(
                f"The {what} of event {self.name!r} ({self.source}) cannot be {annotation!r}: "
                f"{first_line(exc)} Use a model, a dataclass, a typed dict, or a plain type."
            ) from exc

    @override
    def __repr__(self) -> str:
        return f"<event {self.name!r} of {self.payload!r}>"


def is_handle(value: object) -> TypeIs[EventHandle[Any]]:
    """Return True for a handle that was made by `declare`."""
    return isinstance(value, EventHandle)


class ClientHandle(EventHandle[T]):
    """A declared event that clients send."""

    direction: Direction = "client"

    def __call__(self, value: T) -> ClientPayload[T]:
        """Make an event of a payload; raises pydantic.ValidationError for an invalid one."""
        return ClientPayload(self, self._checked(value))


class ServerHandle(EventHandle[T]):
    """A declared event that the server sends."""

    direction: Direction = "server"

    def __call__(self, value: T) -> ServerPayload[T]:
        """Make an event of a payload; raises pydantic.ValidationError for an invalid one."""
        return ServerPayload(self, self._checked(value))


class BothHandle(ClientHandle[T], ServerHandle[T]):
    """A declared event of both directions."""

    direction: Direction = "both"

    @override
    def __call__(self, value: T) -> BothPayload[T]:
        """Make an event of a payload; raises pydantic.ValidationError for an invalid one."""
        return BothPayload(self, self._checked(value))


_HANDLES: dict[str, Callable[..., Any]] = {
    "client": ClientHandle,
    "server": ServerHandle,
    "both": BothHandle,
}


@overload
def declare(
    name: EventName,
    payload: TypeForm[T],
    *,
    direction: Literal["client"],
    reply: Any = None,
    class_name: str | None = None,
) -> ClientHandle[T]: ...
@overload
def declare(
    name: EventName,
    payload: TypeForm[T],
    *,
    direction: Literal["server"],
    reply: Any = None,
    class_name: str | None = None,
) -> ServerHandle[T]: ...
@overload
def declare(
    name: EventName,
    payload: TypeForm[T],
    *,
    direction: Literal["both"] = "both",
    reply: Any = None,
    class_name: str | None = None,
) -> BothHandle[T]: ...
def declare(
    name: EventName,
    payload: Any,
    *,
    direction: Direction = "both",
    reply: Any = None,
    class_name: str | None = None,
) -> EventHandle[Any]:
    """Declare an event whose payload is any type that Pydantic can validate.

    Raises:
        ConfigurationError: A name or the direction is not valid, or Pydantic cannot validate a
            type.
    """
    if direction not in _HANDLES:
        raise ConfigurationError(
            f"direction={direction!r} of event {name!r} ({caller()}) is none: use 'client', "
            "'server' or 'both'."
        )
    handle: EventHandle[Any] = _HANDLES[direction](name, payload, reply, class_name)
    return handle
