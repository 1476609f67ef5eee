"""Authentication functions: they decide from the handshake, or from the client's auth message."""

import inspect
from collections.abc import Callable
from typing import Any, Protocol

from bytesocket_app.dependencies import bind
from bytesocket_app.errors import ConfigurationError, first_line
from bytesocket_app.events import PayloadType
from bytesocket_app.signature import EMPTY, Bound, Offer, by_type, type_text
from bytesocket_app.socket import Socket
from bytesocket_app.transports import Handshake


class AuthFunction(Protocol):
    """A function that returns the user, or raises AuthError.

    It may ask for the socket, the handshake, the client's credentials (any other annotation; then
    it waits for the client's auth message) and dependencies.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Decide who one client is."""
        ...


_CREDENTIALS = 1


class Authenticator:
    """The application's authentication function, resolved.

    Attributes:
        bound: The function.
        credentials: The type of the client's auth message; None: decided from the handshake.
        key: What identifies a user, for `app.user(key)`; None without.

    Raises:
        ConfigurationError: The function's signature cannot be served, the credentials are of a
            type that Pydantic cannot validate, or `key` is no function of a user.
    """

    def __init__(
        self, function: Callable[..., Any], key: Callable[[Any], str | int] | None = None
    ) -> None:
        offers = (
            Offer("the socket (Socket)", by_type(Socket, "socket")),
            Offer("the client's credentials (any other annotation)", _is_credentials, last=True),
            Offer("the handshake (Handshake)", by_type(Handshake, "handshake")),
        )
        self.bound: Bound = bind(function, offers, role="an authentication function")
        if key is not None:
            _check_key(key, self.bound.source)
        self.key = key
        self.credentials: PayloadType | None = None
        if _CREDENTIALS in self.bound.annotations:
            annotation = self.bound.annotations[_CREDENTIALS]
            self.credentials = PayloadType(Any if annotation is EMPTY else annotation)
            self._check(self.credentials)

    def _check(self, credentials: PayloadType) -> None:
        try:
            _ = credentials.adapter
        except Exception as exc:
            raise ConfigurationError(
                f"{self.bound.source}: credentials cannot be {type_text(credentials.annotation)}: "
                f"{first_line(exc)} An authentication function may ask for the socket, the "
                "handshake and the client's credentials; the application is `socket.app`."
            ) from exc


def _check_key(key: object, source: str) -> None:
    try:
        if callable(key):
            inspect.signature(key).bind(None)
            return
        problem = "it is no function"
    except ValueError:
        return  # a builtin that tells nobody its signature, `str` for one
    except TypeError as exc:
        problem = f"it cannot be called with a user ({exc})"
    raise ConfigurationError(
        f"{source}: key={key!r} of @app.auth cannot tell users apart: {problem}. Give what "
        "returns a string or an integer for a user: key=lambda user: user.id."
    )


def _is_credentials(name: str, annotation: Any) -> bool:
    return annotation is not EMPTY or name in {"credentials", "data", "token"}
