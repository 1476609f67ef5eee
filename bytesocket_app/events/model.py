"""Events as Pydantic models; the direction is in the type, so checkers refuse the wrong way.

The bases keep what they know in dunders: an event class reserves no attribute, and a field may be
called `name` or `volatile`.
"""

from typing import Any, ClassVar

from pydantic import BaseModel
from typing_extensions import override

from bytesocket_app.errors import ConfigurationError, where
from bytesocket_app.events.names import checked_name, snake_case
from bytesocket_app.types import Direction, EventName


class EventModel(BaseModel):
    """The common base of the three event bases. Derive from those, not from this."""

    __event_name__: ClassVar[EventName]
    __event_direction__: ClassVar[Direction]
    __event_volatile__: ClassVar[bool] = False
    __event_abstract__: ClassVar[bool] = True

    @override
    def __init_subclass__(
        cls,
        *,
        name: EventName | None = None,
        volatile: bool | None = None,
        abstract: bool = False,
        **kwargs: Any,
    ) -> None:
        """Derive the event's name, direction and marks from the class statement.

        Raises:
            ConfigurationError: The name cannot be one, or nothing says who sends the event.
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
            cls.__event_volatile__ = volatile
        cls.__event_abstract__ = abstract


class ClientEvent(EventModel, abstract=True):
    """An event that clients send: `class Post(ClientEvent, name="chat:post"): text: str`.

    Without `name=` the name is the class's in snake_case. `volatile=True` marks an event that may
    be lost: never queued offline, the first to be dropped; classes derived from it are volatile
    too. `abstract=True` makes a base for other events that is not an event itself.
    """

    __event_direction__: ClassVar[Direction] = "client"


class ServerEvent(EventModel, abstract=True):
    """An event that the server sends; only these can be emitted by server code."""

    __event_direction__: ClassVar[Direction] = "server"


class Event(ClientEvent, ServerEvent, abstract=True):
    """An event of both directions: members of a room may relay it to each other."""

    __event_direction__: ClassVar[Direction] = "both"
