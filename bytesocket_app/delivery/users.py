"""Users and their sockets, by the key that `@app.auth(key=...)` gives."""

from collections.abc import Iterator
from typing import Any, Protocol

from bytesocket_app.events import ServerEvent, ServerPayload
from bytesocket_app.socket import Socket
from bytesocket_app.types import CodecName, Outcome, UserKey
from bytesocket_app.wire.close import CloseCode, checked_code


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


class User:
    """User with any number of sockets: `app.user(key)`.

    The object can be kept: each call reaches the sockets that are open at that time, if any.

    Attributes:
        key: The value that `@app.auth(key=...)` gives for this user.
    """

    __slots__ = ("_backend", "_index", "key")

    def __init__(self, key: UserKey, index: UserIndex, backend: UserBackend) -> None:
        self.key = key
        self._index = index
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

    async def close(self, code: int = CloseCode.NORMAL, reason: str = "normal") -> None:
        """Close every socket of the user; never waits.

        Args:
            code: 1000, or one of the application's own from 4000 on.
            reason: For people; cut to 123 bytes.

        Raises:
            ValueError: The code must not be sent.
        """
        checked_code(code)  # also without sockets, so that a wrong code always raises
        for socket in self._index.of(self.key):
            await socket.close(code, reason)
