"""Patterns of room names: `doc:{doc_id}` stands for many rooms, `lobby` for one.

A parameter stands for one or more characters other than `:`, which separates the parts of a name:
`doc:{doc_id}` does not match `doc:7:cursors`.
"""

import difflib
import re
from collections.abc import Mapping
from itertools import pairwise
from keyword import iskeyword
from types import MappingProxyType
from typing import Final

from bytesocket_app.errors import ConfigurationError, caller
from bytesocket_app.rooms.parameters import Misspelt, Untyped

SEPARATOR: Final = ":"
TAKEN: Final = frozenset({"app", "codec", "event", "exclude", "room", "self", "socket"})
"""Names that a parameter cannot have, as handlers or `Room.emit` use them otherwise."""
_PARAMETER = re.compile(r"\{([^{}]*)\}")
_UNTYPED: Final = Untyped()


def parameter_texts(
    pattern: str, values: Mapping[str, object], types: Mapping[str, Untyped]
) -> dict[str, str]:
    """Return the texts of parameters' values, to stand in the name of a room.

    Args:
        pattern: The room's pattern, for messages.
        values: The values.
        types: The parameters' types, where they are known.

    Raises:
        TypeError: A value is not of its type.
        ValueError: A value is a text, and not the one that it has.
    """
    texts: dict[str, str] = {}
    for name, value in values.items():
        try:
            texts[name] = types.get(name, _UNTYPED).text(value)
        except Misspelt as error:
            raise ValueError(f"Room {pattern!r}: {name} cannot be {value!r}: {error}.") from error
        except TypeError as error:
            raise TypeError(f"Room {pattern!r}: {name} {error}.") from error
    return texts


class RoomPattern:
    """Name of a room, or pattern of the names of many rooms.

    Attributes:
        text: The pattern as it was written: `doc:{doc_id}`.
        parameters: The names in braces, in order; empty for an exact name.
        source: `file:line` of the declaration.

    Raises:
        ConfigurationError: The text is empty, a parameter is no identifier, comes twice or has a
            name that is taken, two parameters touch, or a brace stands alone.
    """

    __slots__ = ("_expression", "_names", "parameters", "source", "text", "tokens")

    def __init__(self, text: str) -> None:
        self.text = text
        self.source = caller()
        self.parameters: tuple[str, ...] = tuple(_PARAMETER.findall(text))
        self._names = set(self.parameters)
        self.tokens: list[str | None] = []
        parts = _PARAMETER.split(text)
        for index, part in enumerate(parts):
            self.tokens.extend([None] if index % 2 else part)
        problem = _problem(text, self.parameters, self.tokens)
        if problem:
            raise ConfigurationError(
                f"{text!r} cannot be a room's name or pattern ({self.source}): {problem}."
            )
        self._expression = _expression(parts)

    @property
    def is_exact(self) -> bool:
        """True if the pattern is the name of one room."""
        return not self.parameters

    @property
    def beginning(self) -> str:
        """Prefix of all matching names: the text in front of the first parameter."""
        return self.text.partition("{")[0]

    def match(self, room: str) -> dict[str, str] | None:
        """Return the parameters' texts if the name matches, else None."""
        found = self._expression.fullmatch(room)
        return found.groupdict() if found else None

    def fill(
        self, values: Mapping[str, object], types: Mapping[str, Untyped] = MappingProxyType({})
    ) -> str:
        """Return a room's name: `fill({"doc_id": 7})` is `doc:7`, which `match` parses again.

        Args:
            values: The parameters' values.
            types: Their types, where they are known.

        Raises:
            TypeError: A parameter is missing, None, unknown or not of its type.
            ValueError: A value's text is not the one that it has, is empty, contains a `:`, or
                would match as another value, as `a-b` does in front of a `-`.
        """
        if set(values) != self._names or any(value is None for value in values.values()):
            raise TypeError(self._misfit(values))
        texts = parameter_texts(self.text, values, types)
        room = self.filled(texts)
        if self.match(room) != texts:
            raise ValueError(
                f"Room {self.text!r} cannot be filled with {dict(values)!r}: a parameter is one "
                f"or more characters without {SEPARATOR!r}, nor the text that follows it."
            )
        return room

    def filled(self, texts: Mapping[str, str]) -> str:
        """Return the name that has these texts for its parameters."""
        return self.text.format_map(texts)

    def after(self, prefix: str) -> "RoomPattern":
        """Return the pattern with a prefix before it, declared at the same place.

        Raises:
            ConfigurationError: The two make no pattern.
        """
        made = RoomPattern(prefix + self.text)
        made.source = self.source
        return made

    def _misfit(self, values: Mapping[str, object]) -> str:
        """Say what is wrong with the names of parameters."""
        wanted = ", ".join(self.parameters) or "no parameters"
        given = ", ".join(f"{k}=None" if v is None else k for k, v in values.items()) or "none"
        text = f"Room {self.text!r} takes {wanted}; given: {given}."
        unknown = [name for name in values if name not in self.parameters]
        missing = [name for name in self.parameters if name not in values]
        if reserved := TAKEN.intersection(unknown):
            return f"{text} {min(reserved)!r} is no parameter of a room: pass it to the verb."
        if unknown and (near := difflib.get_close_matches(unknown[0], missing, n=1)):
            return f"{text} Did you mean {near[0]!r} instead of {unknown[0]!r}?"
        return text

    def like(self, name: str) -> str:
        """Return what a name would be in this pattern: its parameters, the pattern's own text."""
        own, given = self.text.split(SEPARATOR), name.split(SEPARATOR)
        if len(own) != len(given):
            return self.text
        pairs = zip(own, given, strict=True)
        return SEPARATOR.join(given if "{" in part else part for part, given in pairs)

    def overlaps(self, other: "RoomPattern") -> bool:
        """Return True if a name can match both patterns."""
        return _meet(self.tokens, other.tokens)


def _problem(text: str, parameters: tuple[str, ...], tokens: list[str | None]) -> str | None:
    taken = TAKEN.intersection(parameters)
    if not text:
        return "it is empty"
    if any(not name.isidentifier() or iskeyword(name) for name in parameters):
        return "a name in braces must be one that a Python parameter can have"
    if taken:
        return f"handlers and `emit` have a {min(taken)!r} of their own: rename the parameter"
    if len(set(parameters)) < len(parameters):
        return "a parameter comes twice"
    if any(a is None and b is None for a, b in pairwise(tokens)):
        return "two parameters touch: put a character between them"
    if "{" in tokens or "}" in tokens:
        return "a brace stands alone"
    return None


def _expression(parts: list[str]) -> re.Pattern[str]:
    """Compile a split pattern: text at even indices, names of parameters at odd ones.

    A parameter ends before the first occurrence of the text after it. The atomic groups prevent
    backtracking, so the time is linear in the length of the name, also for a hostile one.
    """
    expression = re.escape(parts[0])
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        if name == parts[-2]:
            expression += f"(?P<{name}>[^{SEPARATOR}]+){re.escape(text)}"
        else:
            expression += f"(?>(?P<{name}>[^{SEPARATOR}]+?){re.escape(text)})"
    return re.compile(expression, re.DOTALL)


def _meet(left: list[str | None], right: list[str | None]) -> bool:
    """Search the product of two patterns; `None` is one or more characters other than `:`."""
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
        # A parameter may end after its first character.
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
