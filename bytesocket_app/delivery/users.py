"""Users and their sockets, by the key that `@app.auth(key=...)` gives."""

from collections.abc import Iterator
from typing import Any, Protocol

from bytesocket_app.delivery.commands import Close, Command, CommandTarget
from bytesocket_app.events import ServerEvent, ServerPayload
from bytesocket_app.socket import Removal, Socket, removal
from bytesocket_app.types import CodecName, Outcome, UserKey
from bytesocket_app.wire.close import close_of


class UserIndex:
    """Index of the authenticated sockets of every user; users without sockets use no memory."""

    __slots__ = ("_sockets",)

    def __init__(self) -> None:
        self._sockets: dict[UserKey, dict[Socket[Any], None]] = {}

    def __iter__(self) -> Iterator[UserKey]:
        """Iterate over the users who have a socket; none may come or go meanwhile."""
        return iter(self._sockets)

    def __len__(self) -> int:
        """Return the number of users who have a socket."""
        return len(self._sockets)

    def add(self, socket: Socket[Any], key: UserKey) -> bool:
        """List a socket of a user; returns True if it is the user's first."""
        sockets = self._sockets.setdefault(key, {})
        sockets[socket] = None
        return len(sockets) == 1

    def discard(self, socket: Socket[Any], key: UserKey) -> bool:
        """Take a socket off the list, if it is there; returns True if it was the user's last."""
        sockets = self._sockets.get(key)
        if sockets is None or socket not in sockets:
            return False
        del sockets[socket]
        if not sockets:
            del self._sockets[key]
        return not sockets

    def count(self, key: UserKey) -> int:
        """Return the number of sockets of a user."""
        return len(self._sockets.get(key, ()))

    def of(self, key: UserKey) -> tuple[Socket[Any], ...]:
        """Return a snapshot of the sockets of a user, oldest first."""
        return tuple(self._sockets.get(key, ()))


class UserBackend(Protocol):
    """Interface of delivery for `User`."""

    def emit_to_user(
        self,
        key: UserKey,
        event: ServerEvent | ServerPayload[Any],
        *,
        codec: CodecName | None = None,
    ) -> Outcome:
        """Emit an event to all sockets of a user."""
        ...

    async def command(self, command: Command, /) -> Outcome:
        """Carry out a command in all processes."""
        ...

    async def put_in(self, target: CommandTarget, receiver: UserKey, room: str, /) -> Outcome:
        """Put sockets into a room, and run the room's join hooks."""
        ...

    async def take_out(
        self, target: CommandTarget, receiver: UserKey, room: str, removal: Removal, /
    ) -> Outcome:
        """Take sockets out of a room, tell their clients, and run the room's leave hooks."""
        ...


class User:
    """User with any number of sockets, in all processes: `app.user(key)`.

    The object can be kept: each call reaches the sockets that are open at that time, if any. Calls
    return "sent" if those in other processes were reached too, as far as that can be known;
    "queued" if the word for them waits for the broker, "dropped" if it does not.

    Attributes:
        key: The value that `@app.auth(key=...)` gives for this user.
    """

    __slots__ = ("_backend", "key")

    def __init__(self, key: UserKey, backend: UserBackend) -> None:
        self.key = key
        self._backend = backend

    async def emit(
        self, event: ServerEvent | ServerPayload[Any], *, codec: CodecName | None = None
    ) -> Outcome:
        """Emit an event without a room to every open socket of the user; never waits.

        Returns:
            "sent", even if the user has no socket at the moment.

        Raises:
            UndeclaredEvent: The application did not declare the event as its own to send.
        """
        return self._backend.emit_to_user(self.key, event, codec=codec)

    async def close(
        self, code: int | None = None, reason: str | None = None, *, final: bool = False
    ) -> Outcome:
        """Close every socket of the user; never waits.

        Args:
            code: 1000, which is the default, or one of the application's own from 4000 on. Clients
                come back after all but 4003, 4010 and 4400 to 4499.
            reason: For people; cut to 123 bytes. "normal" by default.
            final: True if the clients are not to come back. The default of the code is then 4400,
                of the reason "closed for good". The user may still open new connections.

        Raises:
            ValueError: The code must not be sent, or is not final although `final` is set.
        """
        action = Close(*close_of(code, reason, final=final))
        return await self._backend.command(Command(CommandTarget.USER, self.key, action))

    async def join(self, room: str) -> Outcome:
        """Put every socket of the user that is open now into a room, as server code does.

        No guard runs, and no client is told. It waits for the room's join hooks in this process,
        one after another; in others they run when the word is there. Cancelled meanwhile, all that
        are here have joined.

        Raises:
            UndeclaredRoom: The application is strict, and did not declare the room.
            ValueError: The name is not the one that the declared room has, as `doc:07`.
        """
        return await self._backend.put_in(CommandTarget.USER, self.key, room)

    async def leave(self, room: str, *, code: str | None = None, message: str = "") -> Outcome:
        """Take every socket of the user out of a room.

        All in this process have left before the first of the room's leave hooks runs; it waits for
        these, one after another, and for none of other processes, which run there. Cancelled
        meanwhile, all that are here have left. Clients that name a contract, as generated ones
        do, are told: their handles of the room end. The user may join again, if guards agree.

        Args:
            room: The name of the room.
            code: A word for the clients' programs, as of a refusal; "removed" by default.
            message: A sentence for the user.

        Raises:
            ConfigurationError: The code is no word, or one of the framework's own.
            UndeclaredRoom: The application is strict, and did not declare the room.
            ValueError: The name is not the one that the declared room has, as `doc:07`.
        """
        told = removal(code, message)
        return await self._backend.take_out(CommandTarget.USER, self.key, room, told)
