"""Scope of declarations: the application that they are made on, and what a router adds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from bytesocket_app.declarations.every import DeclaredTimers
from bytesocket_app.declarations.handlers import HandlerTable
from bytesocket_app.declarations.rates import DeclaredRates
from bytesocket_app.events import Catalogue, ServerEvent, ServerPayload
from bytesocket_app.middleware import MiddlewareChain
from bytesocket_app.socket import Removal, Socket
from bytesocket_app.types import CodecName, Outcome, UserKey


class RoomBackend(Protocol):
    """Delivery and memberships, as far as rooms need them."""

    def publish(
        self,
        rooms: Iterable[str],
        event: ServerEvent | ServerPayload[Any],
        *,
        exclude: str | None = None,
        codec: CodecName | None = None,
    ) -> Outcome:
        """Emit to the members of rooms; `exclude` is the id of a socket that gets nothing."""
        ...

    def members(self, room: str, /) -> list[Socket[Any]]:
        """Return the members of a room in this process."""
        ...

    def count(self, room: str, /) -> int:
        """Return the number of members of a room in this process."""
        ...

    async def join(self, socket: Socket[Any], room: str, /) -> None:
        """Put a socket into a room and run the room's join hooks."""
        ...

    async def leave(self, socket: Socket[Any], room: str, removal: Removal, /) -> None:
        """Take a socket out of a room, tell its client, and run the room's leave hooks."""
        ...

    async def clear(self, room: str, removal: Removal, /) -> Outcome:
        """Take all members out of a room, tell their clients, and run the room's leave hooks."""
        ...


class PresenceBackend(Protocol):
    """Presence of an application's rooms, as far as their declarations need it."""

    def declared(self) -> None:
        """Take note that a room has presence."""
        ...

    async def of(self, room: str, presence: Any, /) -> dict[UserKey, list[Any]]:
        """Return the users of one room with their entries."""
        ...

    def rooms_of(self, socket: Socket[Any], presence: Any, /) -> list[str]:
        """Return the rooms of a declaration that a socket is in."""
        ...

    def update(
        self, socket: Socket[Any], room: str, presence: Any, changes: Mapping[str, Any], /
    ) -> None:
        """Change the entry of a socket in one room."""
        ...


class DeclaredRoomsLike(Protocol):
    """The declared rooms, as far as a room has to know them to be declared."""

    def add(self, room: Any, /) -> None:
        """Declare a room; raises ConfigurationError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclarationScope:
    """An application, as declarations see it, and the router that they are made on.

    Attributes:
        catalogue: The application's events.
        handlers: Its handlers outside rooms.
        rooms: Its rooms.
        backend: What its rooms emit through.
        app: Its class, for functions that ask for the application.
        rates: Its events' rates.
        timers: Its timers.
        presence: Who is in its rooms.
        prefix: Put before bare event names.
        outer: The part of it that is the prefix of the routers around.
        chain: The routers' middleware; None for the application's own declarations.
    """

    catalogue: Catalogue
    handlers: HandlerTable
    rooms: DeclaredRoomsLike
    backend: RoomBackend
    app: type
    rates: DeclaredRates
    timers: DeclaredTimers
    presence: PresenceBackend
    prefix: str = ""
    outer: str = ""
    chain: MiddlewareChain | None = None

    def within(self, prefix: str, chain: MiddlewareChain) -> "DeclarationScope":
        """Return the scope of a router that is included in this one."""
        if self.chain is not None:
            chain.stand_in(self.chain)
        return replace(self, prefix=self.prefix + prefix, outer=self.prefix, chain=chain)
