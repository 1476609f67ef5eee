"""What an application declares, as plain data: the input of the contract.

The application fills these in; nothing here knows of sockets, handlers or registries. Annotations
may be any type Pydantic can validate: models, dataclasses, typed dicts, unions, scalars, None.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Literal

from bytesocket_app.errors import Refusal
from bytesocket_app.types import CodecName, Direction, EventName


class _NoReply(Enum):
    """A type of one value, so that any annotation, `None` included, can be told from it."""

    NO_REPLY = "no reply"


NO_REPLY: Final = _NoReply.NO_REPLY
"""Stands for the reply of a handler that answers nothing."""


@dataclass(frozen=True, slots=True)
class EventEntry:
    """One event.

    Attributes:
        name: On the wire. `"7"` and `7` are two events.
        direction: Who sends it.
        payload: Annotation of its payload.
        volatile: It may be lost: never queued, first to be dropped.
        doc: Its documentation, as given by the caller; `""` for none.
        is_global: A client may send it outside a room.
        reply: Annotation of what a handler outside rooms answers; `None` and `NO_REPLY` both mean
            that `request` is not offered.
        raises: The refusals that handler declares.
    """

    name: EventName
    direction: Direction
    payload: Any
    volatile: bool = False
    doc: str = ""
    is_global: bool = False
    reply: Any = NO_REPLY
    raises: tuple[type[Refusal], ...] = ()


@dataclass(frozen=True, slots=True)
class RoomEventEntry:
    """An event that clients may send into a room; `reply` and `raises` as in `EventEntry`."""

    name: EventName
    reply: Any = NO_REPLY
    raises: tuple[type[Refusal], ...] = ()


@dataclass(frozen=True, slots=True)
class RoomEntry:
    """One room, or a family of rooms.

    Attributes:
        pattern: A name, or a pattern such as `doc:{doc_id}`.
        params: Annotation of each parameter of the pattern.
        join: Who may put a socket into it.
        client_events: What a client may send into it.
        server_events: What is known to arrive there.
        raises: The refusals that its guards declare.
    """

    pattern: str
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    join: Literal["client", "server"] = "client"
    client_events: tuple[RoomEventEntry, ...] = ()
    server_events: tuple[EventName, ...] = ()
    raises: tuple[type[Refusal], ...] = ()


@dataclass(frozen=True, slots=True)
class MessageAuth:
    """Authentication by the client's first message; `credentials` is the annotation of its data."""

    credentials: Any


@dataclass(frozen=True, slots=True)
class ContractSource:
    """A whole application. The order of events and rooms has no meaning.

    Attributes:
        auth: None without authentication, `"handshake"` where headers and cookies decide.
    """

    title: str
    version: str = "0.1.0"
    path: str = "/ws"
    serialization: CodecName = "binary"
    auth: Literal["handshake"] | MessageAuth | None = None
    events: tuple[EventEntry, ...] = ()
    rooms: tuple[RoomEntry, ...] = ()
