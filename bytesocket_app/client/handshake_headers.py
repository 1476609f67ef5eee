"""Headers of the opening handshake that a user adds, checked before they are sent."""

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from websockets.datastructures import Headers

from bytesocket_app.errors import ConfigurationError

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_HANDSHAKE: Final = frozenset({"connection", "upgrade", "content-length", "transfer-encoding"})
_PREFIX: Final = "sec-websocket-"


def checked_headers(headers: object) -> dict[str, str]:
    """Return the headers as a dict; None is none.

    Raises:
        ConfigurationError: They are no mapping of names to texts, a name or a text cannot be sent,
            or a header is one that the handshake makes itself.
    """
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise ConfigurationError(
            f"headers are a dict of names and texts, or a function that returns one, not "
            f"{type(headers).__name__}."
        )
    fields: dict[Any, Any] = dict(cast("Any", headers))
    for name, value in fields.items():
        _check(name, value)
    return fields


def _check(name: object, value: object) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigurationError(f"headers: {name!r:.80} is no name of a header.")
    # The text itself is not told: it may be a secret.
    if not isinstance(value, str):
        raise ConfigurationError(f"headers: {name} is a text, not {type(value).__name__}.")
    if not _VALUE.fullmatch(value):
        raise ConfigurationError(
            f"headers: the text of {name} has a character that no header can have, such as a line "
            "break, or one beyond Latin-1."
        )
    if name.lower() == f"{_PREFIX}protocol":
        raise ConfigurationError(
            f"headers: {name} is made by the handshake; give yours by "
            "ClientSettings(subprotocols=...)."
        )
    if name.lower() in _HANDSHAKE or name.lower().startswith(_PREFIX):
        raise ConfigurationError(f"headers: {name} is made by the handshake; leave it out.")


def add_headers(request: Headers, headers: Mapping[str, str]) -> None:
    """Put headers into a request, in place of those that it has."""
    for name, value in headers.items():
        if name in request:
            del request[name]
        request[name] = value
