"""Lists, sets, tuples, dictionaries, and classes that are no Pydantic models."""

from collections import Counter, OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, NamedTuple, NotRequired
from uuid import UUID

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from tests.nasty.case import Case, Row


class Point(NamedTuple):
    x: int
    y: str = "origin"


class Sizes(TypedDict):
    """Of a box."""

    width: int
    height: NotRequired[int]


class Loose(TypedDict, total=False):
    a: int
    b: str | None


@dataclass
class Address:
    street: str
    number: int = 1
    tags: list[str] = field(default_factory=list[str])


class Lists(BaseModel):
    several: tuple[int, ...] = ()
    pair: tuple[int, str]
    point: Point = Point(1)
    nothing: tuple[()] = ()
    unique: set[int] = set()
    frozen: frozenset[str] = frozenset()
    points: set[Point] = set()
    queue: deque[int] = deque()
    sequence: Sequence[int] = []
    nested: list[list[int | None]] = []
    bare: list = []  # type: ignore[type-arg]


class Maps(BaseModel):
    by_number: dict[int, list[int]] = {}
    by_bool: dict[bool, int] = {}
    by_float: dict[float, int] = {}
    by_id: dict[UUID, str] = {}
    by_day: dict[date, str] = {}
    by_code: dict[Annotated[str, Field(pattern="^[a-z]+$")], int] = {}
    by_text: Mapping[str, int | None] = {}
    counted: Counter[str] = Counter()
    ordered: OrderedDict[str, int] = OrderedDict()
    bare: dict = {}  # type: ignore[type-arg]


class Holder(BaseModel):
    sizes: Sizes
    loose: Loose = {}
    address: Address | None = None


ID = "12345678-1234-5678-1234-567812345678"
CASES: dict[str, Case] = {
    "lists": Case(
        rows=(Row.TUPLE, Row.SET),
        payload=Lists,
        good=[
            {
                "several": [1, 2],
                "pair": [1, "x"],
                "point": [1, "y"],
                "nothing": [],
                "unique": [1, 2],
                "frozen": ["a"],
                "points": [[1, "a"]],
                "queue": [1],
                "sequence": [1],
                "nested": [[1, None], []],
                "bare": [1, "a", None],
            },
            {"pair": [1, "x"], "point": [1]},
        ],
        bad=[
            {"pair": [1]},
            {"pair": [1, "x", 2]},
            {"pair": ["x", 1]},
            {"pair": [1, "x"], "point": []},
            {"pair": [1, "x"], "point": [1, "y", 2]},
            {"pair": [1, "x"], "nothing": [1]},
            {"pair": [1, "x"], "unique": ["x"]},
            {"pair": [1, "x"], "nested": [1]},
        ],
    ),
    "maps": Case(
        rows=(Row.KEY_NUMBER, Row.KEY_TEXT),
        payload=Maps,
        good=[
            {
                "by_number": {"-1": [1], "2": []},
                "by_bool": {"true": 1},
                "by_float": {"1.5": 1},
                "by_id": {ID: "x"},
                "by_day": {"2020-01-02": "x"},
                "by_code": {"abc": 1},
                "by_text": {"": None, "ü b": 1},
                "counted": {"a": 2},
                "ordered": {"b": 1, "a": 2},
                "bare": {"x": [None]},
            }
        ],
        bad=[
            {"by_number": {"1": ["x"]}},
            {"by_number": []},
            {"by_id": {ID: None}},
            {"by_code": {"abc": None}},
            {"by_text": None},
            {"counted": {"a": None}},
        ],
        open=frozenset(
            [
                "by_number",
                "by_bool",
                "by_float",
                "by_id",
                "by_day",
                "by_code",
                "by_text",
                "counted",
                "ordered",
                "bare",
            ]
        ),
    ),
    "holder": Case(
        rows=(Row.TYPED_DICT, Row.DATACLASS),
        payload=Holder,
        good=[
            {
                "sizes": {"width": 1, "height": 2},
                "loose": {"a": 1, "b": None},
                "address": {"street": "s", "number": 2, "tags": ["t"]},
            },
            {"sizes": {"width": 1}, "loose": {}, "address": None},
        ],
        bad=[{"sizes": {}}, {"sizes": {"width": 1, "height": None}}, {"sizes": None}],
    ),
    "sizes": Case(
        rows=(Row.TYPED_DICT, Row.ROOT),
        payload=Sizes,
        good=[{"width": 1, "height": 2}, {"width": 1}],
        bad=[{"height": 1}, {"width": None}],
    ),
    "address": Case(
        rows=(Row.DATACLASS, Row.ROOT),
        payload=Address,
        good=[{"street": "s", "number": 1, "tags": []}],
        bad=[{}, {"street": 5}],
    ),
    "point": Case(
        rows=(Row.TUPLE, Row.ROOT),
        payload=Point,
        good=[[1, "y"], [1]],
        bad=[[], [1, "y", 2], ["x"], {"x": None}],
    ),
    "any-list": Case(
        rows=(Row.ROOT,), payload=list[Sizes], good=[[{"width": 1}], []], bad=[{}, [1], None]
    ),
}
