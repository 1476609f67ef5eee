"""What a nasty case is, and the list of what the cases have to cover between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Literal

from bytesocket_app.contract import Contract, ContractSource, EventEntry, build


class Row(Enum):
    """One corner of Pydantic each, in which schemas lie, or generators go wrong."""

    REQUIRED = auto()
    NULLABLE_WITHOUT_DEFAULT = auto()
    DEFAULT = auto()
    NULLABLE_WITH_DEFAULT = auto()
    DEFAULT_FACTORY = auto()
    MISSING = auto()
    EXCLUDE_IF = auto()
    ALIAS = auto()
    SPLIT_ALIAS = auto()
    ALIAS_CHOICES = auto()
    ALIAS_PATH = auto()
    POPULATE_BY_NAME = auto()
    TAG_WITH_DEFAULT = auto()
    NESTED_TAGS = auto()
    ALIASED_OR_ENUM_TAG = auto()
    CALLABLE_DISCRIMINATOR = auto()
    SMART_UNION = auto()
    ENUM = auto()
    INT_FLAG = auto()
    LITERAL = auto()
    ROOT = auto()
    GENERIC = auto()
    SAME_NAME = auto()
    NOT_ASCII = auto()
    EQUAL_TITLES = auto()
    RECURSION = auto()
    TYPED_DICT = auto()
    DATACLASS = auto()
    TUPLE = auto()
    SET = auto()
    KEY_NUMBER = auto()
    KEY_CLOSED = auto()
    KEY_TEXT = auto()
    DATETIME = auto()
    OTHER_TIMES = auto()
    TEXT_SCALARS = auto()
    DECIMAL = auto()
    INTEGER = auto()
    NOT_FINITE = auto()
    WHOLE_FLOAT = auto()
    BYTES = auto()
    BASE64_BYTES = auto()
    SECRET = auto()
    ANYTHING = auto()
    EMPTY = auto()
    EXTRA = auto()
    COMPUTED = auto()
    EXCLUDED = auto()
    SERIALIZER = auto()
    VALIDATOR = auto()
    JSON_TEXT = auto()
    SKIP_SCHEMA = auto()
    STRICT = auto()
    DOCS = auto()
    ODD_FIELDS = auto()
    GLOBAL_NAMES = auto()
    UNION_ORDER = auto()
    CONSTRAINTS = auto()


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """One event whose payload is easy to get wrong.

    Payloads are as a client has them: JSON values with bytes left raw.

    Attributes:
        rows: What it covers.
        payload: Its type at the server.
        good: What a client may send, the fullest first.
        bad: What the server refuses and a static type can refuse too.
        unlike: What a static type refuses although the server is lenient about it.
        values: What the server sends, beside what it makes of `good`.
        rare: Properties that the server may leave out, as `Class.property`.
        open: Properties that hold a dictionary, where any key is good; `""` for the payload.
        direction: Who sends it.
        echo: Whether what the server sends may be sent back, and then is equal.
        draws: Whether Hypothesis can draw values of it.
        json: Whether JSON carries every value of it; else MessagePack alone does.
        shown: Whether each value can be written as a call of the Python client's classes.
    """

    rows: tuple[Row, ...]
    payload: Any
    good: Sequence[Any] = ()
    bad: Sequence[Any] = ()
    unlike: Sequence[Any] = ()
    values: Sequence[Any] = ()
    rare: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()
    direction: Literal["client", "server", "both"] = "both"
    echo: bool = True
    draws: bool = True
    json: bool = True
    shown: bool = True


Cases = Mapping[str, Case]


def contract(title: str, cases: Cases) -> Contract:
    """Write the contract of an application with these events."""
    events = tuple(
        EventEntry(name, case.direction, case.payload, is_global=case.direction != "server")
        for name, case in cases.items()
    )
    return build(ContractSource(title, events=events))
