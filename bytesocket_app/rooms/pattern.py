"""Room patterns: `doc:{doc_id}` stands for many rooms; `lobby` for one.

A parameter stands for one or more characters, any but `:`, so that the parts of a name written
with colons stay apart: `doc:{doc_id}` does not match `doc:7:cursors`.
"""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from bytesocket_app.errors import ConfigurationError

SEPARATOR: Final = ":"
_PARAMETER = re.compile(r"\{([^{}]*)\}")


class RoomPattern:
    """A room's name, or the shape of many rooms' names.

    Attributes:
        text: As it was written: `doc:{doc_id}`.
        parameters: The names in braces, in order; empty for an exact name.

    Raises:
        ConfigurationError: The text is empty, a parameter is no identifier or comes twice, two
            parameters touch, or a brace stands alone.
    """

    __slots__ = ("_expression", "parameters", "text", "tokens")

    def __init__(self, text: str) -> None:
        self.text = text
        self.parameters: tuple[str, ...] = tuple(_PARAMETER.findall(text))
        self.tokens: list[str | None] = []
        expression = ""
        for index, part in enumerate(_PARAMETER.split(text)):
            if index % 2:
                expression += f"(?P<{part}>[^{SEPARATOR}]+)"
                self.tokens.append(None)
            else:
                expression += re.escape(part)
                self.tokens.extend(part)
        _check(text, self.parameters, self.tokens)
        self._expression = re.compile(expression, re.DOTALL)

    @property
    def is_exact(self) -> bool:
        """Whether this is one room's name."""
        return not self.parameters

    def match(self, room: str) -> dict[str, str] | None:
        """The parameters' texts if the name fits, else None."""
        found = self._expression.fullmatch(room)
        return found.groupdict() if found else None

    def fill(self, values: Mapping[str, object]) -> str:
        """Write a room's name: `fill({"doc_id": 7})` gives `doc:7`.

        Raises:
            TypeError: A parameter is missing or unknown.
            ValueError: A value's text is empty or holds a `:`.
        """
        if set(values) != set(self.parameters):
            wanted = ", ".join(self.parameters) or "no parameters"
            given = ", ".join(values) or "none"
            raise TypeError(f"Room {self.text!r} takes {wanted}; given: {given}.")
        room = _PARAMETER.sub(lambda found: str(values[found[1]]), self.text)
        if self.match(room) is None:
            raise ValueError(
                f"Room {self.text!r} cannot be filled with {dict(values)!r}: a parameter is one "
                f"or more characters without {SEPARATOR!r}."
            )
        return room

    def overlaps(self, other: "RoomPattern") -> bool:
        """Whether some name fits both patterns."""
        return _meet(self.tokens, other.tokens)


def _check(text: str, parameters: tuple[str, ...], tokens: list[str | None]) -> None:
    problem = None
    if not text:
        problem = "it is empty"
    elif any(not name.isidentifier() for name in parameters):
        problem = "a name in braces must be an identifier"
    elif len(set(parameters)) < len(parameters):
        problem = "a parameter comes twice"
    elif any(a is None and b is None for a, b in pairwise(tokens)):
        problem = "two parameters touch: put a character between them"
    elif "{" in tokens or "}" in tokens:
        problem = "a brace stands alone"
    if problem:
        raise ConfigurationError(f"{text!r} cannot be a room's pattern: {problem}.")


def _meet(left: list[str | None], right: list[str | None]) -> bool:
    """Search the product of the two shapes; `None` is one or more characters but `:`."""
    waiting, seen = [(0, 0, False, False)], set[tuple[int, int, bool, bool]]()
    while waiting:
        state = waiting.pop()
        if state in seen:
            continue
        seen.add(state)
        i, j, left_open, right_open = state
        if i == len(left) and j == len(right):
            return True
        waiting.extend(_steps(left, right, state))
        # A parameter that has its first character may end without another.
        if left_open:
            waiting.append((i + 1, j, False, right_open))
        if right_open:
            waiting.append((i, j + 1, left_open, False))
    return False


def _steps(
    left: list[str | None], right: list[str | None], state: tuple[int, int, bool, bool]
) -> list[tuple[int, int, bool, bool]]:
    i, j, _, _ = state
    if i == len(left) or j == len(right):
        return []
    a, b = left[i], right[j]
    if a is None and b is None:
        return [(i, j, True, True)]
    if a is None:
        return [(i, j + 1, True, False)] if b != SEPARATOR else []
    if b is None:
        return [(i + 1, j, False, True)] if a != SEPARATOR else []
    return [(i + 1, j + 1, False, False)] if a == b else []
