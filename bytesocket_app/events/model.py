"""Events as Pydantic models, with the direction in the type, so that type checkers verify it.

The bases keep their data in dunder attributes, so that fields may have any name, such as `name` or
`volatile`.
"""

import reprlib
from typing import Any, ClassVar

from pydantic import BaseModel
from typing_extensions import TypeIs, override

from bytesocket_app.errors import ConfigurationError, where
from bytesocket_app.events.names import checked_class_name, checked_name, snake_case
from bytesocket_app.types import Direction, EventName


class EventModel(BaseModel):
    """Common base of ClientEvent, ServerEvent and Event. Derive from those, not from this one."""

    __event_name__: ClassVar[EventName]
    __event_direction__: ClassVar[Direction]
    __event_volatile__: ClassVar[bool] = False
    __event_subject__: ClassVar[str | None] = None
    __event_class_name__: ClassVar[str | None] = None
    __event_abstract__: ClassVar[bool] = True

    @override
    def __init_subclass__(
        cls,
        *,
        name: EventName | None = None,
        volatile: bool | str | None = None,
        abstract: bool = False,
        class_name: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Set the event's name, direction and flags from the class statement.

        Raises:
            ConfigurationError: A name is not valid, or no base class gives a direction.
        """
        super().__init_subclass__(**kwargs)
        cls.__event_name__ = snake_case(cls.__name__) if name is None else checked_name(name, cls)
        directions = {vars(c).get("__event_direction__") for c in cls.__mro__} - {None}
        if len(directions) > 1:
            cls.__event_direction__ = "both"
        elif not directions and not abstract:
            raise ConfigurationError(
                f"{cls.__name__} ({where(cls)}) does not say who sends it: derive it from "
                "ClientEvent, ServerEvent or Event."
            )
        if volatile is not None:
            cls.__event_volatile__ = bool(volatile)
            cls.__event_subject__ = volatile if isinstance(volatile, str) else None
        cls.__event_abstract__ = abstract
        cls.__event_class_name__ = None
        if class_name is not None:  # as finding the place in the source is slow
            cls.__event_class_name__ = checked_class_name(class_name, cls.__name__, where(cls))

    @classmethod
    @override
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Check that the field that `volatile=` names exists.

        Raises:
            ConfigurationError: The class has no such field.
        """
        super().__pydantic_init_subclass__(**kwargs)
        subject = cls.__event_subject__
        if cls.__event_abstract__ or subject is None:
            return
        if subject not in cls.model_fields:
            fields = ", ".join(map(repr, cls.model_fields)) or "none"
            raise ConfigurationError(
                f"{cls.__name__} ({where(cls)}) has no field {subject!r}, which volatile= names "
                f"(its fields: {fields}). Name one of them, or say volatile=True."
            )


def is_event_class(value: object) -> TypeIs[type[EventModel]]:
    """Return True for the class of an event, and False for a base of events."""
    if not (isinstance(value, type) and issubclass(value, EventModel)):
        return False
    return not value.__event_abstract__


def name_of(event: EventModel) -> EventName:
    """Return the name of an event that is to be sent.

    Raises:
        TypeError: The argument is no event, but for example a name or a dict.
    """
    try:
        return event.__event_name__
    except AttributeError:  # asked for afterwards: an event that is one pays nothing
        raise TypeError(
            f'pass an event, as in Post(text="hi") of a class Post, not {reprlib.repr(event)}'
        ) from None


class ClientEvent(EventModel, abstract=True):
    """An event that clients send: `class Post(ClientEvent, name="chat:post"): text: str`.

    Without `name=` the name is the class's in snake_case. `abstract=True` makes a base for other
    events that is not an event itself.

    `volatile=True` marks an event that may be lost: it is never queued offline, and is the first
    to be dropped for a slow reader, who gets the newest of each sender in a room. If one sender
    reports on several things, `volatile="user"` keeps the newest for each value of the field
    `user`. Classes derived from a volatile one are volatile too.

    `class_name="UserHasLeft"` names the class in generated Python clients, where it would have
    another's name otherwise: `user-left` and `user:left` are both `UserLeft`.
    """

    __event_direction__: ClassVar[Direction] = "client"


class ServerEvent(EventModel, abstract=True):
    """An event that the server sends; only these can be emitted by server code.

    It is validated when it is made, and not again when it is sent. What was changed meanwhile, or
    made by `model_construct`, is only looked at for its kinds: a value that is none of its field's
    type, a missing one, or None where there is no null raises `EncodeError` for who sends it.
    Bounds and validators are not looked at. A tuple goes out as the list that is declared, an int
    as the declared Decimal or float, and an object of a subclass as its base.
    """

    __event_direction__: ClassVar[Direction] = "server"


class Event(ClientEvent, ServerEvent, abstract=True):
    """An event of both directions, which rooms may also relay between their members."""

    __event_direction__: ClassVar[Direction] = "both"
