"""Users: all sockets of one, as `@app.auth(key=...)` tells them apart and `app.user(key)` says."""

from typing import Any, Protocol

from bytesocket_app.events import ServerEvent, ServerPayload
from bytesocket_app.socket import Socket
from bytesocket_app.types import CodecName, Outcome, UserKey
from bytesocket_app.wire.close import CloseCode, checked_code


class UserIndex:
    """The authenticated sockets of every user; a user without one leaves nothing behind."""

    __slots__ = ("_sockets",)

    def __init__(self) -> None:
        self._sockets: dict[UserKey, dict[Socket[Any], None]] = {}

    def __len__(self) -> int:
        """Return the number of users who have a socket."""
        return len(self._sockets)

    def add(self, socket: Socket[Any], key: UserKey) -> bool:
        """List a socket of a user; True if it is the user's first."""
        sockets = self._sockets.setdefault(key, {})
        sockets[socket] = None
        return len(sockets) == 1

    def discard(self, socket: Socket[Any], key: UserKey) -> bool:
        """Take a socket off the list, if it is there; True if it was the user's last."""
        sockets = self._sockets.get(key)
        if sockets is None or socket not in sockets:
            return False
        del sockets[socket]
        if not sockets:
            del self._sockets[key]
        return not sockets

    def of(self, key: UserKey) -> tuple[Socket[Any], ...]:
        """Return the sockets of one user, oldest first: a snapshot."""
        return tuple(self._sockets.get(key, ()))


class UserBackend(Protocol):
    """Delivery, as far as a user's handle needs it."""

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
    """One user, on all of their sockets: `app.user(key)`.

    It may be kept: each call reaches the sockets that are open then, and none is no error.

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
        """Emit to every open socket of the user, as a plain `{event, data}`; never waits.

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
            ValueError: The code is not one that can be sent.
        """
        checked_code(code)  # even if nobody is there: a wrong code shows the first time
        for socket in self._index.of(self.key):
            await socket.close(code, reason)
