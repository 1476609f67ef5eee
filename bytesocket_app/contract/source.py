"""Declarations of an application as plain data, from which the contract is built.

`contract.describe` collects them; this module is independent of sockets, handlers and registries.
Annotations may be any type that Pydantic can validate: models, dataclasses, typed dicts, unions,
scalars, None.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Literal

from bytesocket_app.declarations.rates import Rate
from bytesocket_app.errors import Refusal
from bytesocket_app.types import CodecName, Direction, EventName


class _NoReply(Enum):
    """Type of NO_REPLY, which differs from any annotation, `None` included."""

    NO_REPLY = "no reply"


NO_REPLY: Final = _NoReply.NO_REPLY
"""Stands for the reply of a handler that does not reply."""


@dataclass(frozen=True, slots=True)
class EventEntry:
    """One event.

    Attributes:
        name: The name on the wire. `"7"` and `7` are two events.
        direction: Sender of the event: clients, the server, or both.
        payload: Annotation of its payload.
        volatile: True if the event may be lost: never queued, first to be dropped.
        doc: Documentation of the event; `""` for none.
        is_global: True if a client may send the event outside rooms.
        reply: Annotation of the reply of a handler outside rooms; with `None` or `NO_REPLY`,
            a client's request resolves to nothing.
        raises: The refusals that the handlers outside rooms declare.
        rate: How often a client may send the event outside rooms; None if nothing declares it.
        class_name: Name of its class in generated Python clients; None for the usual one.
    """

    name: EventName
    direction: Direction
    payload: Any
    volatile: bool = False
    doc: str = ""
    is_global: bool = False
    reply: Any = NO_REPLY
    raises: tuple[type[Refusal], ...] = ()
    rate: Rate | None = None
    class_name: str | None = None


@dataclass(frozen=True, slots=True)
class RoomEventEntry:
    """An event that clients may send into a room.

    `reply` and `raises` are as in `EventEntry`. `rate` is for all rooms of the pattern together.
    """

    name: EventName
    reply: Any = NO_REPLY
    raises: tuple[type[Refusal], ...] = ()
    rate: Rate | None = None


@dataclass(frozen=True, slots=True)
class PresenceEntry:
    """Presence of a room, as its members may ask for it.

    Attributes:
        entry: Annotation of what they see of each socket; None where only users are counted.
        clients: The names on the wire of the fields that a client may change of its own entry.
    """

    entry: Any = None
    clients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RoomEntry:
    """One room, or a family of rooms.

    Attributes:
        pattern: A name, or a pattern such as `doc:{doc_id}`.
        params: Annotation of each parameter of the pattern.
        join: Side that may put a socket into the room.
        client_events: Events that a client may send into the room.
        server_events: Events that are known to arrive there.
        raises: The refusals that the room's guards declare.
        class_name: Name of its class in generated Python clients; None for the usual one.
        presence: What members learn of each other; None for nothing.
        place: `file:line` of its declaration; not part of the contract.
    """

    pattern: str
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    join: Literal["client", "server"] = "client"
    client_events: tuple[RoomEventEntry, ...] = ()
    server_events: tuple[EventName, ...] = ()
    raises: tuple[type[Refusal], ...] = ()
    class_name: str | None = None
    presence: PresenceEntry | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class MessageAuth:
    """Authentication by the client's first message; `credentials` is the annotation of its data."""

    credentials: Any


@dataclass(frozen=True, slots=True)
class ContractSource:
    """A whole application. The order of events and rooms has no meaning.

    Attributes:
        description: What the application is for; `""` for none.
        auth: None without authentication, `"handshake"` if headers or cookies are checked.
        auth_place: `file:line` of the authentication function; not part of the contract.
        answers_credentials: True if the server answers credentials that nobody asked for.
    """

    title: str
    version: str = "0.1.0"
    path: str = "/ws"
    serialization: CodecName = "binary"
    auth: Literal["handshake"] | MessageAuth | None = None
    auth_place: str = ""
    answers_credentials: bool = True
    events: tuple[EventEntry, ...] = ()
    rooms: tuple[RoomEntry, ...] = ()
    description: str = ""
