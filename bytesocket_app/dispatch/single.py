"""Declarations that an application makes once: its authentication, each room."""

from collections.abc import Callable
from typing import Any

from bytesocket_app.auth import Authenticator
from bytesocket_app.errors import ConfigurationError, where
from bytesocket_app.events import Catalogue
from bytesocket_app.hub import BROADCAST_ROOM
from bytesocket_app.rooms import RoomPattern
from bytesocket_app.types import UserKey


def declare_authenticator(
    known: Authenticator | None,
    function: Callable[..., Any],
    key: Callable[[Any], UserKey] | None,
    catalogue: Catalogue,
) -> Authenticator:
    """Resolve a function as the application's authentication.

    Raises:
        ConfigurationError: There is one already, or a parameter cannot be served.
    """
    if known is not None:
        raise ConfigurationError(
            f"{where(function)}: authentication is declared already, at "
            f"{known.bound.source}. One function decides."
        )
    made = Authenticator(function, key)
    if made.credentials is not None:
        catalogue.check(made.credentials, ["input"], "credentials", lambda: made.bound.source)
    return made


def check_room(pattern: RoomPattern, join: str) -> None:
    """Refuse a room that cannot be.

    Raises:
        ConfigurationError: It is the room of all sockets, or nobody could be put into it.
    """
    if join not in ("client", "server"):
        raise ConfigurationError(
            f"join={join!r} of room {pattern.text!r} ({pattern.source}) is neither 'client' nor "
            "'server'."
        )
    if pattern.text == BROADCAST_ROOM:
        raise ConfigurationError(
            f"{pattern.text!r} ({pattern.source}) cannot be declared: every socket is in that "
            "room. Emit to it with `app.broadcast`."
        )
