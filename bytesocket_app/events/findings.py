"""Lint findings about payload types: values that do not arrive as they were sent."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from math import isfinite
from typing import Any, Final, Literal, TypeAlias

from pydantic_core import PydanticSerializationError, to_json

Way: TypeAlias = Literal["input", "output"]
"""Direction of a type: "input" if clients send its values, "output" if the server does."""

Node: TypeAlias = Mapping[str, Any]
"""A part of a Pydantic core schema, or a configuration in one."""

TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "secret-sent": (
        "is a secret, which goes out as asterisks",
        "Send plain text, or leave the field out with exclude=True",
    ),
    "bytes-as-text": (
        "holds bytes, which JSON would carry as UTF-8 text: any others cannot be sent",
        "Use a model with ConfigDict(ser_json_bytes='base64', val_json_bytes='base64')",
    ),
    "bytes-or-text": (
        "may be bytes or text, which JSON cannot tell apart",
        "Use two fields, or models with a tag",
    ),
    "codec-dependent": (
        "holds bytes that a validator sees first: strict types and unions differ between codecs",
        "Let the validator run after Pydantic's, mode='after'",
    ),
    "nan": (
        "may be NaN or infinite, for which JSON has no word",
        "Use FiniteFloat, or a model with ConfigDict(ser_json_inf_nan='strings')",
    ),
    "big-integer": (
        "may go beyond 2**53, where JavaScript rounds integers",
        "Bound it, or make it text by PlainSerializer(str, return_type=str)",
    ),
    "unknown-output": (
        "has a serializer that does not say what it returns: clients know nothing of it",
        "Annotate its return type",
    ),
    "object-member": (
        "may be absent, but every object of JavaScript has something by that name",
        "Give it another name with alias=, or no default",
    ),
    "default-limits": (
        "has a default that its own limits refuse, as clients do when it arrives",
        "Give it another default, or wider limits",
    ),
    "default-kind": (
        "has a default that is not of its type, and goes out and to handlers as it is",
        "Write the default as a value of the type, or declare a type that has it",
    ),
    "bytes-constant": (
        "may be a constant of bytes, which arrives as text and is then no value of the type",
        "Use text: Literal['x'], or a StrEnum",
    ),
    "bytes-key": (
        "has keys of bytes, which JSON cannot carry and give back",
        "Use keys of text, or a list of pairs",
    ),
    "formless-constant": (
        "may be a constant that JSON has no form for",
        "Use text and numbers, as in a StrEnum or an IntEnum",
    ),
    "enum-unreadable": (
        "is an enum of which no client can send a member, as none is text or a number",
        "Make it a StrEnum or an IntEnum",
    ),
}
"""Stable code of each finding, with its problem and its remedy."""

FAULTS: Final = frozenset(
    {"bytes-constant", "bytes-key", "default-kind", "enum-unreadable", "formless-constant"}
)
"""Codes of what cannot work, so that the declaration is refused."""

_SAFE: Final = 2**53
_OBJECT_MEMBERS: Final = frozenset(
    {
        *("constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable"),
        *("toLocaleString", "toString", "valueOf"),
    }
)


@dataclass(frozen=True, slots=True)
class LintFinding:
    """A finding about a type.

    Attributes:
        code: A key of `TEXTS`.
        owner: The class that the finding is about; None for a payload that is no class.
        field: The field's Python name; "" for the whole class or payload.
    """

    code: str
    owner: type | None
    field: str


def value_doubts(node: Node, config: Node, way: Way) -> Iterator[str]:
    """Yield the codes of the findings about the schema of a single value.

    Args:
        node: The schema.
        config: The configuration that applies to it.
        way: Direction in which the value is sent.
    """
    check = _CHECKS.get(node["type"])
    if check is not None:
        yield from check(node, config, way)


def is_object_member(name: str, one: Node, config: Node) -> bool:
    """Return True for an optional field with the name of a member of all JavaScript objects."""
    alias = None
    if config.get("validate_by_alias") is not False:
        alias = one.get("validation_alias")
    optional = one["schema"]["type"] == "default" or one.get("required") is False
    return optional and (alias if isinstance(alias, str) else name) in _OBJECT_MEMBERS


def _default(node: Node, config: Node, _: Way) -> Iterator[str]:
    default = node.get("default")
    if isinstance(default, float) and not isfinite(default) and not _in_words(config):
        yield "nan"


def _bytes(_: Node, config: Node, way: Way) -> Iterator[str]:
    key = "val_json_bytes" if way == "input" else "ser_json_bytes"
    if config.get(key, "utf8") == "utf8":
        yield "bytes-as-text"


def _float(node: Node, config: Node, _: Way) -> Iterator[str]:
    allowed = node.get("allow_inf_nan", config.get("allow_inf_nan"))
    constants = config.get("ser_json_inf_nan") == "constants"  # which is no JSON
    if (allowed or (constants and allowed is None)) and not _in_words(config):
        yield "nan"


def _int(node: Node, _config: Node, _way: Way) -> Iterator[str]:
    yield from _big(node.get(bound) for bound in ("ge", "gt", "le", "lt"))


def _values(node: Node, _config: Node, way: Way) -> Iterator[str]:
    listed = node.get("expected") or node.get("members") or ()
    values = [one.value if isinstance(one, Enum) else one for one in listed]
    yield from _big(values)
    if any(isinstance(value, bytes) for value in values):
        yield "bytes-constant"
    elif not all(map(has_form, values)):
        yield "formless-constant"
    elif way == "input" and node["type"] == "enum" and not any(map(returns_from_json, values)):
        yield "enum-unreadable"


def has_form(value: object) -> bool:
    """Return True for the value of an enum's member that JSON can express."""
    try:
        to_json(value, inf_nan_mode="constants")
    except PydanticSerializationError:
        return False
    return not isinstance(value, float) or isfinite(value)


def returns_from_json(value: object) -> bool:
    """Return True if JSON returns an enum's value unchanged; a tuple would return as a list."""
    return value is None or isinstance(value, str | int | float)


def _keys(node: Node, _config: Node, _way: Way) -> Iterator[str]:
    if node.get("keys_schema", {}).get("type") == "bytes":
        yield "bytes-key"


_CHECKS: Final[Mapping[str, Callable[[Node, Node, Way], Iterator[str]]]] = {
    "bytes": _bytes,
    "default": _default,
    **dict.fromkeys(("counter", "dict", "frozendict", "ordered-dict"), _keys),
    "enum": _values,
    "float": _float,
    "int": _int,
    "literal": _values,
}


def _in_words(config: Node) -> bool:
    """Return True if NaN is written as the text "NaN", which is read back as NaN."""
    return bool(config.get("ser_json_inf_nan") == "strings")


def _big(values: Iterable[object]) -> Iterator[str]:
    if any(isinstance(value, int) and not -_SAFE <= value <= _SAFE for value in values):
        yield "big-integer"
