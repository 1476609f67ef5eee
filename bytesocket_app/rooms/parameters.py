"""Parameters of room names: the types they may have, and the one text of each value.

A room is found by its name, so two texts of one value would be two rooms. What writes a name and
what reads one therefore asks here:

| type | text |
|---|---|
| `str` | as it is |
| `int` | digits, with a `-` if it is negative |
| `bool` | `true` or `false` |
| `UUID` | lower case, with hyphens |
| `date` | `YYYY-MM-DD` |
| Enum, Literal of `str` and `int` | that of the value |
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from enum import Enum, Flag
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, get_args, get_origin
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from typing_extensions import override

ALLOWED: Final = "str, int, bool, UUID, date, or an Enum or a Literal of str and int"

_SHOWN: Final = 8
"""Values that a message lists."""
_GUESSED: Final = 256
"""Characters of a text whose meaning is guessed; normalizing a longer one could take long."""
_REMEMBERED: Final = 1024
"""Texts of one parameter whose values are kept."""
_TRUE: Final = frozenset({"true", "1", "on", "yes", "t", "y"})
_FALSE: Final = frozenset({"false", "0", "off", "no", "f", "n"})
_WHOLE: Final = re.compile(r"(.+)\.0+")
_OTHERS: Final = (datetime, Flag)
"""Classes whose values are no dates, or integers, although they derive from those."""


class Misspelt(ValueError):
    """Text in a room's name that is not the one text of a value of its type.

    Attributes:
        right: The text of the value that it seems to mean; None if it means none.
    """

    def __init__(self, problem: str, right: str | None = None) -> None:
        super().__init__(problem)
        self.right = right


def _bool_text(value: Any) -> str:
    return "true" if value else "false"


def _int_text(value: Any) -> str:
    return int.__repr__(value)


def _str_text(value: Any) -> str:
    return str.__str__(value)


def _date_text(value: Any) -> str:
    return date.isoformat(value)


_TEXTS: Final[Mapping[Any, Callable[[Any], str]]] = {
    str: _str_text,
    bool: _bool_text,
    int: _int_text,
    UUID: str,
    date: _date_text,
}
"""The text of each type's values, whatever their subclass says; of two that fit, the first."""


def parameter_text(value: object) -> str:
    """Return the one text of a value, whichever parameter it is for.

    Raises:
        TypeError: No parameter can have such a value.
    """
    write = _TEXTS.get(type(value))
    if write is not None:
        return write(value)
    if isinstance(value, Enum) and not isinstance(value, Flag):
        value = value.value
    for kind, write in _TEXTS.items():
        if isinstance(value, kind) and not isinstance(value, _OTHERS):
            return write(value)
    raise TypeError(f"cannot be {_short(value)}: a room's parameter is {ALLOWED}")


class Untyped:
    """A parameter without an annotation: text to who reads it, any value to who writes it."""

    def parse(self, text: str) -> Any:
        """Return the text."""
        return text

    def text(self, value: object) -> str:
        """Return a value's text; raises TypeError for what no parameter can be."""
        return parameter_text(value)


class ParameterType(Untyped):
    """A parameter's type.

    Args:
        annotation: One of the allowed types, or one with constraints, `Annotated[int, Ge(1)]`, or
            a NewType or an alias of one.

    Raises:
        ValueError: It is another type; the text says what is wrong with it.
    """

    __slots__ = ("_adapter", "_base", "_listed", "_read")

    def __init__(self, annotation: Any) -> None:
        base, is_constrained = _peeled(annotation)
        self._base: Any = base
        self._listed = _listed(base)
        self._read = self._reader()
        self._adapter = TypeAdapter(annotation) if is_constrained else None

    @override
    def parse(self, text: str) -> Any:
        """Return the value of a text.

        Raises:
            Misspelt: It is no value's text, or not the one that the value has, or the value does
                not meet a constraint.
            TypeError: A validator makes something else of the value.
        """
        value = self._read(text)
        return value if self._adapter is None else self._validated(self._adapter, value, text)

    @override
    def text(self, value: object) -> str:
        """Return the text of a value; a text that is a value's own passes.

        Raises:
            TypeError: It is not of this type.
            Misspelt: It is a text that is not a value's own, or does not meet a constraint.
        """
        is_text = type(value) is str
        if not is_text and type(value) is not self._base and not self._fits(value):
            raise TypeError(f"cannot be {_short(value)}: {self._problem()}")
        text = parameter_text(value)
        if is_text or self._adapter is not None:
            self.parse(text)
        return text

    def _reader(self) -> Callable[[str], Any]:
        if self._listed is not None:
            return self._one_of
        if self._base is str:
            return str
        return self._scalar(*_SCALARS[self._base])

    def _one_of(self, text: str) -> Any:
        assert self._listed is not None  # noqa: S101 - the reader of those that are listed
        try:
            return self._listed[text]
        except KeyError:
            raise self._misspelt(text) from None

    def _scalar(
        self, make: Callable[[str], Any], write: Callable[[Any], str]
    ) -> Callable[[str], Any]:
        def read(text: str) -> Any:
            try:
                value = make(text)
            except ValueError:
                raise self._misspelt(text) from None
            if write(value) != text:
                raise self._misspelt(text)
            return value

        return lru_cache(_REMEMBERED)(read)  # each message into a room reads its name

    def _validated(self, adapter: TypeAdapter[Any], value: Any, text: str) -> Any:
        try:
            valid = adapter.validator.validate_python(value)
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]["msg"]
            raise Misspelt(problem) from error
        if valid == value:
            return valid
        if not self._fits(valid):
            raise TypeError(
                f"is made {_short(valid)} by a validator: {self._problem()}. Load what a room is "
                "about in a dependency"
            )
        right = parameter_text(valid)
        if right != text:
            raise Misspelt(f"it is written {right[:64]!r}", right)
        return valid

    def _fits(self, value: object) -> bool:
        if self._listed is None:
            is_bool = isinstance(value, bool)
            return isinstance(value, self._base) and not is_bool and not isinstance(value, _OTHERS)
        try:
            found = self._listed.get(parameter_text(value))
        except TypeError:
            return False
        return found is not None and (value in (found, getattr(found, "value", found)))

    def _misspelt(self, text: str) -> Misspelt:
        right = self._meant(text)
        if right is None:
            return Misspelt(self._problem())
        try:
            self.parse(right)
        except Misspelt as error:
            return Misspelt(str(error), error.right)
        return Misspelt(f"it is written {right[:64]!r}", right)

    def _meant(self, text: str) -> str | None:
        """Return the text of the value that a lenient reader would take another text for."""
        if len(text) > _GUESSED:
            return None
        plain = unicodedata.normalize("NFKC", text).strip()
        if self._listed is None:
            return _lenient(_GUESSES[self._base], plain)
        if self._base is bool:
            folded = plain.casefold()
            return "true" if folded in _TRUE else "false" if folded in _FALSE else None
        names = {getattr(one, "name", key): key for key, one in self._listed.items()}
        for candidate in (plain, _lenient(_whole, plain), names.get(plain.rpartition(".")[2])):
            if candidate in self._listed:
                return candidate
        return {key.casefold(): key for key in self._listed}.get(plain.casefold())

    def _problem(self) -> str:
        if self._listed is None:
            return _PROBLEMS[self._base]
        more = ", ..." if len(self._listed) > _SHOWN else ""
        return f"it has to be one of {', '.join(map(repr, [*self._listed][:_SHOWN]))}{more}"


def is_same(one: Any, other: Any) -> bool:
    """Return True if two functions mean the same type: two `Field(ge=1)` are not equal."""
    if one == other:
        return True
    are_both = get_origin(one) is Annotated and get_origin(other) is Annotated
    return are_both and _peeled(one) == _peeled(other) and str(one) == str(other)


def _peeled(annotation: Any) -> tuple[Any, bool]:
    """Return the type below constraints, aliases and NewTypes; True if there are constraints."""
    is_constrained = False
    while True:
        if get_origin(annotation) is Annotated:
            annotation, is_constrained = annotation.__origin__, True
        elif hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        elif hasattr(annotation, "__value__"):
            annotation = annotation.__value__
        else:
            return annotation, is_constrained


def _listed(base: Any) -> Mapping[str, Any] | None:
    """Return the values of a type that lists them, by their texts; None for another type.

    Raises:
        ValueError: It is no type of a parameter.
    """
    if base is bool:
        return {"true": True, "false": False}
    if get_origin(base) is Literal:
        return _by_text(get_args(base))
    if isinstance(base, type) and issubclass(base, Enum) and not issubclass(base, Flag):
        return _by_text(base)
    if any(base is one for one in (str, *_SCALARS)):
        return None
    raise ValueError("it is another type")


def _by_text(members: Iterable[Any]) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for member in members:
        value = member.value if isinstance(member, Enum) else member
        if type(value) not in (str, int):
            raise ValueError(f"its value {value!r} is neither a str nor an int")
        text = parameter_text(value)
        if not text or ":" in text:
            raise ValueError(f"its value {value!r} cannot stand in a room's name")
        if text in found:
            raise ValueError(f"two of its values are written {text!r}")
        found[text] = member
    if not found:
        raise ValueError("it has no values")
    return found


def _lenient(read: Callable[[str], Any], text: str) -> str | None:
    """Return the text of what a lenient reader makes of a text; None if it makes nothing."""
    try:
        return parameter_text(read(text))
    except ValueError:
        return None


def _whole(text: str) -> int:
    fraction = _WHOLE.fullmatch(text)
    return int(fraction[1] if fraction else text)


def _day(text: str) -> date:
    return datetime.fromisoformat(text).date()


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 64 else f"{shown[:64]}..."  # noqa: PLR2004


_SCALARS: Final[Mapping[Any, tuple[Callable[[str], Any], Callable[[Any], str]]]] = {
    int: (int, _int_text),
    UUID: (UUID, str),
    date: (date.fromisoformat, _date_text),
}
"""What reads and writes the values of a type, which has one text for each."""
_GUESSES: Final[Mapping[Any, Callable[[str], Any]]] = {int: _whole, UUID: UUID, date: _day}
_PROBLEMS: Final[Mapping[Any, str]] = {
    str: "it has to be a text (str)",
    int: "it has to be a whole number (int), as 7 or -7",
    UUID: "it has to be a UUID, in lower case with hyphens",
    date: "it has to be a date, as 2024-01-31",
}
