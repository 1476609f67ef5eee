"""What is doubtful in a payload's type: values that do not arrive as they were sent."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from math import isfinite
from typing import Any, Final, Literal, TypeAlias

Way: TypeAlias = Literal["input", "output"]
"""Whether clients send it or the server does."""

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
}
"""The stable codes, each with what is the matter and what to do about it."""

_SAFE: Final = 2**53
_OBJECT_MEMBERS: Final = frozenset(
    {
        *("constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable"),
        *("toLocaleString", "toString", "valueOf"),
    }
)


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One finding.

    Attributes:
        code: A key of `TEXTS`.
        owner: The class whose field it is; None for a payload that is no class.
        field: The field's name in Python; "" for the whole.
    """

    code: str
    owner: type | None
    field: str


def value_doubts(node: Node, config: Node, way: Way) -> Iterator[str]:
    """Yield the codes of what is doubtful in a schema of a single value itself.

    Args:
        node: The schema.
        config: The configuration it is under.
        way: Who sends it.
    """
    check = _CHECKS.get(node["type"])
    if check is not None:
        yield from check(node, config, way)


def is_object_member(name: str, one: Node) -> bool:
    """Whether a field may be absent that no JavaScript object is without."""
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


def _values(node: Node, _config: Node, _way: Way) -> Iterator[str]:
    values = node.get("expected") or node.get("members") or ()
    yield from _big(one.value if isinstance(one, Enum) else one for one in values)


_CHECKS: Final[Mapping[str, Callable[[Node, Node, Way], Iterator[str]]]] = {
    "bytes": _bytes,
    "default": _default,
    "enum": _values,
    "float": _float,
    "int": _int,
    "literal": _values,
}


def _in_words(config: Node) -> bool:
    """Whether JSON gets "NaN" as text, which comes back as what it was."""
    return bool(config.get("ser_json_inf_nan") == "strings")


def _big(values: Iterable[object]) -> Iterator[str]:
    if any(isinstance(value, int) and not -_SAFE <= value <= _SAFE for value in values):
        yield "big-integer"
