"""Handles of rooms: one room of a process by its name."""

from collections.abc import Callable
from typing import Any

from typing_extensions import override

from bytesocket_app.declarations.scope import RoomBackend
from bytesocket_app.events import ServerEvent, ServerPayload
from bytesocket_app.socket import Socket, removal
from bytesocket_app.types import CodecName, Outcome


class RoomHandle:
    """One room: `doc.at(doc_id=7)`, or `app.rooms.at("doc:7")`.

    It may be kept: each call is about the members at that moment. Synchronous verbs mean the
    sockets of this process.

    Args:
        name: The room's name, or what finds it, while a router is not included.
        backend: Returns what carries events, given the verb that needs it; raises
            ConfigurationError before a router's inclusion.
    """

    __slots__ = ("_backend", "_name")

    def __init__(
        self, name: str | Callable[[], str], backend: Callable[[str], RoomBackend]
    ) -> None:
        self._name = name
        self._backend = backend

    @property
    def name(self) -> str:
        """The room's name: `doc:7`."""
        name = self._name
        return name if isinstance(name, str) else name()

    async def emit(
        self,
        event: ServerEvent | ServerPayload[Any],
        *,
        exclude: Socket[Any] | None = None,
        codec: CodecName | None = None,
    ) -> Outcome:
        """Emit to all members; never waits.

        Args:
            event: The event.
            exclude: A socket that gets nothing, member or not.
            codec: The codec for everybody, instead of each socket's own.

        Returns:
            "sent", even if nobody is in the room.

        Raises:
            UndeclaredEvent: The application did not declare the event as its own to send.
            UndeclaredRoom: The application is strict, and did not declare the room.
            ValueError: The name is not the one that the declared room has, as `doc:07`.
        """
        excluded = None if exclude is None else exclude.id
        return self._backend("emit").publish((self.name,), event, exclude=excluded, codec=codec)

    def sockets(self) -> list[Socket[Any]]:
        """Return the members: sockets of this process.

        Raises:
            ValueError: The name is not the one that the declared room has, as `doc:07`.
        """
        return self._backend("sockets").members(self.name)

    def count(self) -> int:
        """Return the number of members in this process.

        Raises:
            ValueError: The name is not the one that the declared room has, as `doc:07`.
        """
        return self._backend("count").count(self.name)

    async def join(self, socket: Socket[Any]) -> None:
        """Put a socket into the room, as server code does: no guard runs, no client is told.

        Waits for the room's join hooks; cancelled meanwhile, the socket is a member. A closed
        socket joins nothing.

        Raises:
            UndeclaredRoom: The application is strict, and did not declare the room.
            ValueError: The name is not the one that the declared room has, as `doc:07`.
        """
        await self._backend("join").join(socket, self.name)

    async def leave(
        self, socket: Socket[Any], *, code: str | None = None, message: str = ""
    ) -> None:
        """Take a socket out of the room, as server code does; see `socket.rooms.leave`.

        Waits for the room's leave hooks; cancelled meanwhile, the socket has left.

        Args:
            socket: The socket.
            code: A word for the client's program, as of a refusal; "removed" by default.
            message: A sentence for the user of the client.

        Raises:
            ConfigurationError: The code is no word, or one of the framework's own.
        """
        told = removal(code, message)
        await self._backend("leave").leave(socket, self.name, told)

    async def clear(self, *, code: str | None = None, message: str = "") -> Outcome:
        """Take all members out of the room, in all processes; see `app.rooms.clear`.

        Raises:
            ConfigurationError: The code is no word, or one of the framework's own.
            UndeclaredRoom: The application is strict, and did not declare the room.
            ValueError: The name is not the one that the declared room has, as `doc:07`.
        """
        told = removal(code, message)
        return await self._backend("clear").clear(self.name, told)

    @override
    def __repr__(self) -> str:
        return f"<room {self.name!r}>"
