"""Values from a set: enums of all kinds, flags, literals, and keys from a set."""

from enum import Enum, IntEnum, IntFlag, StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tests.nasty.case import Case, Row


class Color(StrEnum):
    """Colours."""

    RED = "red"
    GREEN = "green"
    ROUGE = "red"


class Level(IntEnum):
    low = 1
    high = 2


class Mixed(Enum):
    NOTHING = None
    PAIR = (1, 2)
    TEXT = "x"
    NUMBER = 1.5


class Rights(IntFlag):
    READ = 1
    WRITE = 2


class Odd(Enum):
    """Members named like what a class already has."""

    name_ = "name"
    VALUE = "value"
    mro_ = "mro"
    constructor = "constructor"


class Choice(BaseModel):
    color: Color = Color.RED
    level: Level
    mixed: Mixed = Mixed.TEXT
    rights: Rights = Rights.READ
    odd: Odd | None = None
    colors: list[Color] = []


class Values(BaseModel):
    model_config = ConfigDict(use_enum_values=True)

    color: Color
    level: Level = Level.low


class Literals(BaseModel):
    one: Literal["a"]
    some: Literal["b", "a", 1, True, None] = "a"  # noqa: PYI061 - None among the literals
    member: Literal[Color.RED, Level.high] = Color.RED
    number: Literal[-1, 0, 2] = 0


class Keyed(BaseModel):
    by_color: dict[Color, int] = {}
    by_level: dict[Level, str] = {}
    by_word: dict[Literal["b", "a"], bool] = {}


CASES: dict[str, Case] = {
    "choice": Case(
        rows=(Row.ENUM, Row.INT_FLAG),
        payload=Choice,
        good=[
            {
                "color": "green",
                "level": 2,
                "mixed": None,
                "rights": 3,
                "odd": "constructor",
                "colors": ["red"],
            },
            {"level": 1, "mixed": "x", "rights": 0, "odd": None},
            {"level": 1, "mixed": 1.5, "odd": "mro"},
        ],
        bad=[
            {"level": 3},
            {"level": "low"},
            {"level": 1, "color": "blue"},
            {"level": 1, "color": "RED"},
            {"level": 1, "mixed": [1, 2]},
            {"level": 1, "mixed": [1]},
            {"level": 1, "rights": None},
            {"level": 1, "colors": ["blue"]},
        ],
        values=[Choice(level=Level.low, mixed=Mixed.PAIR)],
        # The server sends a tuple, and takes none back.
        echo=False,
    ),
    "values": Case(
        rows=(Row.ENUM,),
        payload=Values,
        good=[{"color": "red", "level": 1}],
        bad=[{"color": "blue"}],
    ),
    "literals": Case(
        rows=(Row.LITERAL,),
        payload=Literals,
        good=[
            {"one": "a", "some": "b", "member": 2, "number": -1},
            {"one": "a", "some": None, "member": "red"},
            {"one": "a", "some": True},
        ],
        bad=[{"one": "b"}, {"one": "a", "some": "c"}, {"one": "a", "number": 1}, {"one": None}],
    ),
    "keyed": Case(
        rows=(Row.KEY_CLOSED,),
        payload=Keyed,
        good=[{"by_color": {"red": 1, "green": 2}, "by_level": {"1": "x"}, "by_word": {"b": True}}],
        bad=[{"by_color": {"blue": 1}}, {"by_level": {"3": "x"}}, {"by_word": {"c": True}}],
    ),
    "color": Case(
        rows=(Row.ENUM, Row.ROOT), payload=Color, good=["red", "green"], bad=["blue", 1, None, {}]
    ),
    "rights": Case(rows=(Row.INT_FLAG, Row.ROOT), payload=Rights, good=[0, 3], bad=[None, [], {}]),
}
