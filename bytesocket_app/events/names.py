"""Event names: derived from a class's name, or checked as given (protocol.md section 2)."""

import re
from keyword import iskeyword
from typing import Final
from unicodedata import normalize

from bytesocket_app.errors import ConfigurationError, caller, where
from bytesocket_app.types import EventName

_MAX_NUMBER: Final = 2**53 - 1
"""JavaScript's `Number.MAX_SAFE_INTEGER`."""


def snake_case(text: str) -> str:
    """Return the event name for a class name: `HTTPReply` becomes `http_reply`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text)
    return parted.lower()


def checked_name(name: object, owner: type | None = None) -> EventName:
    """Return `name` as a plain `str`, `int` or `float` if it is a valid event name.

    A whole float becomes an int, since `7.0` and `7` are one name on the wire.

    Args:
        name: The name as the user gave it; members of a string or integer enum are accepted.
        owner: The event class, for the error message, which names the caller without it.

    Raises:
        ConfigurationError: The name is empty, a bool, not finite, beyond JavaScript's safe
            integers, not valid Unicode, or neither text nor number.
    """
    if isinstance(name, str) and name and _is_text(name):
        return str.__str__(name)
    if isinstance(name, int | float) and not isinstance(name, bool) and abs(name) <= _MAX_NUMBER:
        return int(name) if float(name).is_integer() else float(name)
    place = caller() if owner is None else where(owner)
    raise ConfigurationError(
        f"{name!r} cannot be an event's name ({place}): use a non-empty string, or a number of "
        "at most 53 bits."
    )


def checked_class_name(name: object, what: str, place: str) -> str | None:
    """Return the name that an event's or a room's class is to have in generated Python clients.

    Args:
        name: The name as the user gave it; None for the one that its contract name makes.
        what: Words for what has it, for the error message.
        place: `file:line` of the declaration.

    Raises:
        ConfigurationError: It cannot be the name of a public class.
    """
    if name is None:
        return None
    if isinstance(name, str) and name.isidentifier() and not (name[0] == "_" or iskeyword(name)):
        return normalize("NFKC", name)  # as Python reads it
    raise ConfigurationError(
        f"class_name={name!r} of {what} ({place}) cannot be the name of a Python class: use an "
        'identifier without an underscore in front, as in class_name="UserLeft".'
    )


def _is_text(name: str) -> bool:
    """Return True if UTF-8 can encode the name; lone surrogates cannot be encoded."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
