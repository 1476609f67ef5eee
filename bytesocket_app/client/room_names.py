"""Names of rooms in error messages: how a room is joined, and which one may be meant."""

import re
from collections.abc import Mapping
from typing import Any, Final

from bytesocket_app.errors import near
from bytesocket_app.rooms import ParameterType, RoomPattern

PARAMETER: Final = re.compile(r"\{([^{}]+)\}")
"""Parameter in the pattern of a room's name."""


def call_of(pattern: str, values: Mapping[str, object] | None = None) -> str:
    """Return how a room is joined, `join("doc:{doc_id}", doc_id=7)`, with `...` for no value."""
    given = values or {}
    names = dict.fromkeys(PARAMETER.findall(pattern))
    parameters = [f"{name}={given[name]!r}" if name in given else f"{name}=..." for name in names]
    return f"join({', '.join([_quoted(pattern), *parameters])})"


def no_room(name: str, rooms: Mapping[str, Mapping[str, Any]]) -> str:
    """Return an error message for a name that is no pattern of a client's rooms.

    Args:
        name: What was to be joined.
        rooms: The types of the parameters of each room, by its pattern.
    """
    for pattern, types in () if "{" in name else rooms.items():
        values = _values(name, pattern, types)
        if values:
            call = call_of(pattern, values)
            return f"{name!r} is one of the rooms {pattern!r}: join it by {call}."
    known = ", ".join(map(repr, rooms)) or "none"
    hint = near(name, rooms)
    return (
        f"{name!r} is no room a client can join.{hint} Declared are: {known}. A pattern's "
        "parameters are passed by name."
    )


def no_name(given: object, kinds: Mapping[str, type]) -> str:
    """Return an error message for what `join_all` of a generated client was given wrongly.

    Args:
        given: It, in the place of what a room's class makes.
        kinds: The classes of the rooms, by their patterns.
    """
    patterns = [pattern for pattern in kinds if pattern == given or _is_of(given, pattern)]
    named = [_made(kinds[pattern], pattern) for pattern in patterns or kinds]
    return f"join_all takes what a room's class makes, {' or '.join(named)}, not {given!r}"


def _is_of(given: object, pattern: str) -> bool:
    return isinstance(given, str) and RoomPattern(pattern).match(given) is not None


def _made(kind: type, pattern: str) -> str:
    names = dict.fromkeys(PARAMETER.findall(pattern))
    return f"{kind.__name__}.of({', '.join(f'{name}=...' for name in names)})"


def _values(name: str, pattern: str, types: Mapping[str, Any]) -> dict[str, object]:
    """Return the values of a pattern's parameters in a name; nothing if it does not match."""
    texts = RoomPattern(pattern).match(name) or {}
    return {each: _value(text, types.get(each, str)) for each, text in texts.items()}


def _value(text: str, annotation: Any) -> object:
    try:
        return ParameterType(annotation).parse(text)
    except (TypeError, ValueError):
        return text


def _quoted(text: str) -> str:
    """Return text between double quotes, as the documentation writes it."""
    return f'"{text}"' if '"' not in text else repr(text)
