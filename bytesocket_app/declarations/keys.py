"""User keys: what `@app.auth(key=...)` gives for a user."""

from collections.abc import Callable

from bytesocket_app.errors import where
from bytesocket_app.types import UserKey


def key_of(user: object, identify: Callable[[object], UserKey]) -> UserKey:
    """Ask the application for the key of a user who has just authenticated.

    Raises:
        TypeError: It gave neither a string nor an integer.
    """
    key = identify(user)
    if not is_key(key):
        raise TypeError(
            f"{where(identify)}: @app.auth(key=...) gave a {type(key).__name__} for a "
            f"{type(user).__name__}: a user's key is a string or an integer."
        )
    return key


def is_key(value: object) -> bool:
    """Return True for what can be a user's key; True itself would mean the same user as 1."""
    return isinstance(value, str | int) and not isinstance(value, bool)
