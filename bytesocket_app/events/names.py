"""Event names: derived from a class, or checked as given (protocol.md section 2)."""

import math
import re

from bytesocket_app.errors import ConfigurationError, where
from bytesocket_app.types import EventName


def snake_case(text: str) -> str:
    """Turn a class name into an event name: `HTTPReply` becomes `http_reply`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text)
    return parted.lower()


def checked_name(name: object, owner: type | None = None) -> EventName:
    """Return `name` if it can be an event's name on the wire.

    Raises:
        ConfigurationError: It is empty, a bool, not finite, or neither text nor number.
    """
    if isinstance(name, str) and name:
        return name
    if isinstance(name, int) and not isinstance(name, bool) and abs(name) < 2**53:
        return name
    if isinstance(name, float) and math.isfinite(name):
        return name
    place = f" ({where(owner)})" if owner is not None else ""
    raise ConfigurationError(
        f"{name!r} cannot be an event's name{place}: use a non-empty string or a finite number."
    )
