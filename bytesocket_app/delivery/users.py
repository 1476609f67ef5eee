"""Sockets by their user: what `@app.auth(key=...)` tells apart and `app.user(key)` reaches."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from bytesocket_app.errors import ConfigurationError, caller, where
from bytesocket_app.events import ServerEvent, ServerPayload
from bytesocket_app.socket import Socket
from bytesocket_app.types import CodecName, UserKey
from bytesocket_app.wire.close import CloseCode, checked_code


class UserIndex:
    """The authenticated sockets of every user; a user without one leaves nothing behind."""

    __slots__ = ("_sockets",)

    def __init__(self) -> None:
        self._sockets: dict[UserKey, dict[Socket[Any], None]] = {}

    def __len__(self) -> int:
        """How many users have a socket."""
        return len(self._sockets)

    def add(self, socket: Socket[Any]) -> None:
        """List a socket whose user has a key."""
        if socket.user_key is not None:
            self._sockets.setdefault(socket.user_key, {})[socket] = None

    def discard(self, socket: Socket[Any]) -> None:
        """Take a socket off the list, if it is there."""
        key = socket.user_key
        sockets = None if key is None else self._sockets.get(key)
        if key is not None and sockets is not None:
            sockets.pop(socket, None)
            if not sockets:
                del self._sockets[key]

    def of(self, key: UserKey) -> tuple[Socket[Any], ...]:
        """The sockets of one user, oldest first: a snapshot."""
        return tuple(self._sockets.get(key, ()))


class Users(Protocol):
    """What a user's handle needs of the hub."""

    users: UserIndex

    def emit_to_sockets(
        self,
        sockets: Iterable[Socket[Any]],
        event: ServerEvent | ServerPayload[Any],
        *,
        codec: CodecName | None = None,
    ) -> None:
        """Emit an event to some sockets."""
        ...


class User:
    """One user, on all of their sockets: `app.user(key)`.

    It may be kept: each call reaches the sockets that are open then, and none is no error.

    Attributes:
        key: What `@app.auth(key=...)` gives for this user.
    """

    __slots__ = ("_users", "key")

    def __init__(self, key: UserKey, users: Users) -> None:
        self.key = key
        self._users = users

    async def emit(
        self, event: ServerEvent | ServerPayload[Any], *, codec: CodecName | None = None
    ) -> None:
        """Emit to every open socket of the user, as a plain `{event, data}`.

        Raises:
            UndeclaredEvent: The application did not declare the event as its own to send.
        """
        self._users.emit_to_sockets(self._users.users.of(self.key), event, codec=codec)

    async def close(self, code: int = CloseCode.NORMAL, reason: str = "normal") -> None:
        """Close every socket of the user.

        Args:
            code: 1000, or one of the application's own from 4000 on.
            reason: For people; cut to 123 bytes.

        Raises:
            ValueError: The code is not one that can be sent.
        """
        checked_code(code)  # even if nobody is there: a wrong code shows the first time
        for socket in self._users.users.of(self.key):
            await socket.close(code, reason)


def find_user(key: UserKey, users: Users, identify: Callable[[Any], UserKey] | None) -> User:
    """Make the handle of a user.

    Raises:
        ConfigurationError: The application did not say what identifies a user.
        TypeError: The key is of a type that no user's key has.
    """
    if identify is None:
        raise ConfigurationError(
            f"{caller()}: app.user({key!r}) needs to know what identifies a user: declare it, as "
            "in @app.auth(key=lambda user: user.id)."
        )
    if not is_key(key):
        raise TypeError(
            f"app.user({key!r}): a user's key is a string or an integer, not "
            f"{type(key).__name__}; pass what @app.auth(key=...) gives."
        )
    return User(key, users)


def key_of(user: object, identify: Callable[[Any], UserKey]) -> UserKey:
    """Ask the application what identifies a user who has just authenticated.

    Raises:
        TypeError: It gave neither a string nor an integer.
    """
    key = identify(user)
    if not is_key(key):
        raise TypeError(
            f"{where(identify)}: @app.auth(key=...) gave {key!r} for {user!r}: a user's key is a "
            "string or an integer."
        )
    return key


def is_key(value: object) -> bool:
    """Whether this can be a user's key; True would mean the same user as 1."""
    return isinstance(value, str | int) and not isinstance(value, bool)
