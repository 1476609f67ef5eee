"""Every type that a room's parameter may have: values with their text, and texts that are none."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Any, Literal, NewType
from uuid import UUID

from pydantic import UUID4, Field, PositiveInt, StringConstraints
from typing_extensions import TypeAliasType

ID = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")


class Topic(StrEnum):
    NEWS = "news"
    SPORT = "sport"


class Level(IntEnum):
    LOW = 1
    HIGH = 20


class Mixed(Enum):
    ANY = "any"
    ONE = 1


class Shade(str, Enum):  # noqa: UP042 - as people write it
    DARK = "dark"


Number = NewType("Number", int)
Seat = TypeAliasType("Seat", Annotated[int, Field(ge=1, le=99)])


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One type.

    Attributes:
        annotation: As a function has it.
        texts: Values, each with its one text.
        misspelt: Other texts of a value, each with the right one.
        wrong: Texts of no value.
        misfits: What server code cannot pass for it.
    """

    annotation: Any
    texts: Sequence[tuple[Any, str]]
    misspelt: Mapping[str, str]
    wrong: Sequence[str] = ()
    misfits: Sequence[object] = ()


_DIGITS = {
    "01": "1",
    "007": "7",
    " 1": "1",
    "1 ": "1",
    "\u00a01": "1",
    "+1": "1",
    "1_0": "10",
    "13.0": "13",
    "13.000": "13",
    "-0": "0",
    "00": "0",
    "-01": "-1",
    "\uff11": "1",
    "\u0661": "1",
    "1\u0663": "13",
}
_NO_NUMBERS = ("x", "1.5", "1e1", "0x1", "--1", "- 1", "\u4e00", "1,0", "NaN", "9" * 200 + "x")

KINDS: Mapping[str, Kind] = {
    "text": Kind(
        annotation=str,
        texts=[("a", "a"), (" 01", " 01"), ("Ä", "Ä"), (Topic.NEWS, "news"), ("{x}", "{x}")],
        misspelt={},
        misfits=[7, True, 1.0, ID, b"a", Mixed.ANY, ["a"]],
    ),
    "int": Kind(
        annotation=int,
        texts=[(7, "7"), (-7, "-7"), (0, "0"), (2**70, str(2**70)), (Level.HIGH, "20")],
        misspelt=_DIGITS,
        wrong=_NO_NUMBERS,
        misfits=[True, 1.0, "x", "01", Mixed.ONE, ID, b"1"],
    ),
    "bool": Kind(
        annotation=bool,
        texts=[(True, "true"), (False, "false")],
        misspelt={"True": "true", "FALSE": "false", "1": "true", "0": "false", " true": "true"},
        wrong=["x", "2", "null"],
        misfits=[1, 0, "True", "yes"],
    ),
    "uuid": Kind(
        annotation=UUID,
        texts=[(ID, str(ID))],
        misspelt={
            str(ID).upper(): str(ID),
            f"{{{ID}}}": str(ID),
            ID.hex: str(ID),
            f" {ID}": str(ID),
            str(ID).replace("0", "\uff10"): str(ID),
        },
        wrong=["x", "7", str(ID)[:-1]],
        misfits=[7, str(ID).upper(), ID.bytes],
    ),
    "date": Kind(
        annotation=dt.date,
        texts=[(dt.date(2024, 1, 31), "2024-01-31"), (dt.date(1, 1, 1), "0001-01-01")],
        misspelt={
            "20240131": "2024-01-31",
            "2024-W05-3": "2024-01-31",
            "2024-01-31T00": "2024-01-31",
            " 2024-01-31": "2024-01-31",
            "\uff12024-01-31": "2024-01-31",
        },
        wrong=["2024-02-30", "2024-1-31", "x", "1706659200"],
        misfits=[dt.datetime(2024, 1, 31), 7, "20240131"],
    ),
    "str-enum": Kind(
        annotation=Topic,
        texts=[(Topic.NEWS, "news"), ("sport", "sport")],
        misspelt={"NEWS": "news", "News": "news", "Topic.NEWS": "news", " news": "news"},
        wrong=["x", "new"],
        misfits=["NEWS", 1, Mixed.ANY],
    ),
    "int-enum": Kind(
        annotation=Level,
        texts=[(Level.LOW, "1"), (Level.HIGH, "20"), (20, "20")],
        misspelt={"HIGH": "20", "020": "20", "+1": "1", "1.0": "1", "Level.LOW": "1"},
        wrong=["2", "x"],
        misfits=[2, True, "LOW", 1.0],
    ),
    "mixed-enum": Kind(
        annotation=Mixed,
        texts=[(Mixed.ANY, "any"), (Mixed.ONE, "1"), (1, "1")],
        misspelt={"ANY": "any", "ONE": "1", "01": "1"},
        wrong=["x"],
        misfits=[True, Topic.NEWS],
    ),
    "text-enum": Kind(
        annotation=Shade,
        texts=[(Shade.DARK, "dark")],
        misspelt={"DARK": "dark", "Shade.DARK": "dark"},
        wrong=["x"],
        misfits=[Topic.NEWS],
    ),
    "literal": Kind(
        annotation=Literal["a", "B", 3],
        texts=[("a", "a"), ("B", "B"), (3, "3")],
        misspelt={"A": "a", "b": "B", "03": "3", "3.0": "3"},
        wrong=["x", "4"],
        misfits=["A", 4, 3.0, True],
    ),
    "constant": Kind(
        annotation=Literal["only"], texts=[("only", "only")], misspelt={"Only": "only"}, wrong=["x"]
    ),
    "new-type": Kind(
        annotation=Number, texts=[(7, "7")], misspelt=_DIGITS, wrong=_NO_NUMBERS, misfits=[True]
    ),
    "alias": Kind(
        annotation=Seat,
        texts=[(1, "1"), (99, "99")],
        misspelt={"01": "1", "+99": "99"},
        wrong=["0", "100", "00", "x"],
        misfits=[0, 100, "0", True],
    ),
    "constrained": Kind(
        annotation=PositiveInt,
        texts=[(1, "1")],
        misspelt={"01": "1"},
        wrong=["0", "-1", "-0"],
        misfits=[0, 1.0],
    ),
    "uuid-4": Kind(
        annotation=UUID4, texts=[(ID, str(ID))], misspelt={str(ID).upper(): str(ID)}, wrong=["x"]
    ),
    "lower-case": Kind(
        annotation=Annotated[str, StringConstraints(to_lower=True, strip_whitespace=True)],
        texts=[("a", "a")],
        misspelt={"A": "a", " a": "a", "\u00c4": "\u00e4"},
        misfits=["A", 7],
    ),
}
