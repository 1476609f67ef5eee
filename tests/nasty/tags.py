"""Unions: told apart by a tag, by a function, or by trying."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Discriminator, Field, Tag
from typing_extensions import TypeAliasType

from tests.nasty.case import Case, Row


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]
    breed: Literal["big"] = "big"
    name: str


class Pup(BaseModel):
    kind: Literal["dog"]
    breed: Literal["small"] = "small"


class Bird(BaseModel):
    kind: Literal["owl", "hen"] = "owl"
    eggs: int = 0


Dogs = Annotated[Dog | Pup, Field(discriminator="breed")]
Pet = Annotated[Cat | Dogs | Bird, Field(discriminator="kind")]
Named = TypeAliasType("Named", Annotated[Cat | Bird, Field(discriminator="kind")])


class Fox(BaseModel):
    kind: Literal["fox"] = "fox"
    breed: Literal["red"] = "red"


class Fennec(BaseModel):
    kind: Literal["fox"] = "fox"
    breed: Literal["fennec", "desert"] = "fennec"
    ears: int = 2


Foxes = TypeAliasType("Foxes", Annotated[Fox | Fennec, Field(discriminator="breed")])
Wild = Annotated[Cat | Foxes, Field(discriminator="kind")]


class Owner(BaseModel):
    pet: Pet
    pets: list[Pet] = []
    spare: Named | None = None


class Kind(StrEnum):
    FILE = "file"
    FOLDER = "folder"


class File(BaseModel):
    kind: Literal[Kind.FILE] = Field(Kind.FILE, alias="the-kind")
    size: int


class Folder(BaseModel):
    kind: Literal[Kind.FOLDER] = Field(Kind.FOLDER, alias="the-kind")
    entries: "list[Entry]" = []


Entry = Annotated[File | Folder, Field(discriminator="kind")]
Folder.model_rebuild()


class First(BaseModel):
    kind: Literal[1] = Field(1, validation_alias="in", serialization_alias="out")
    a: int = 0


class Second(BaseModel):
    kind: Literal[2] = Field(2, validation_alias="in", serialization_alias="out")
    b: str = ""


def _by_key(value: Any) -> str:
    is_circle = "radius" in value if isinstance(value, dict) else isinstance(value, Circle)
    return "circle" if is_circle else "square"


class Circle(BaseModel):
    radius: float


class Square(BaseModel):
    side: float


Figure = Annotated[
    Annotated[Circle, Tag("circle")] | Annotated[Square, Tag("square")], Discriminator(_by_key)
]


class Plain(BaseModel):
    both: int | str
    mixed: list[int | str | None] = []
    either: Circle | Square | None = None


CAT = {"kind": "cat", "lives": 7}
DOG = {"kind": "dog", "breed": "big", "name": "Rex"}
CASES: dict[str, Case] = {
    "pet": Case(
        rows=(Row.TAG_WITH_DEFAULT, Row.NESTED_TAGS),
        payload=Pet,
        good=[DOG, CAT, {"kind": "dog", "breed": "small"}, {"kind": "hen", "eggs": 1}],
        bad=[{"lives": 7}, {"kind": "dog", "name": "Rex"}, {"kind": "fish"}, {"kind": "dog"}],
        unlike=[{"kind": "cat", "lives": 7, "eggs": 1}],
    ),
    "wild": Case(
        rows=(Row.NESTED_TAGS,),
        payload=Wild,
        good=[{"kind": "fox", "breed": "desert", "ears": 2}, {"kind": "fox", "breed": "red"}, CAT],
        bad=[{"breed": "desert"}, {"breed": "red"}, {"kind": "fox"}, {"kind": "fox", "breed": "x"}],
    ),
    "owner": Case(
        rows=(Row.TAG_WITH_DEFAULT, Row.NESTED_TAGS),
        payload=Owner,
        good=[
            {"pet": DOG, "pets": [CAT], "spare": {"kind": "owl", "eggs": 2}},
            {"pet": CAT, "pets": [DOG, CAT], "spare": None},
        ],
        bad=[{"pet": {"lives": 1}}, {"pet": CAT, "spare": DOG}, {"pet": CAT, "spare": {}}],
    ),
    "entry": Case(
        rows=(Row.ALIASED_OR_ENUM_TAG, Row.RECURSION),
        payload=Entry,
        good=[
            {"the-kind": "folder", "entries": [{"the-kind": "file", "size": 1}]},
            {"the-kind": "file", "size": 1},
        ],
        unlike=[{"kind": "file", "size": 1}],
        bad=[{"the-kind": "FILE", "size": 1}, {"entries": []}],
    ),
    "turned": Case(
        rows=(Row.ALIASED_OR_ENUM_TAG, Row.SPLIT_ALIAS),
        payload=Annotated[First | Second, Field(discriminator="kind")],
        good=[{"in": 1, "a": 1}, {"in": 2, "b": "x"}],
        bad=[{"out": 1}, {"a": 1}, {"in": 3}],
        echo=False,
    ),
    "figure": Case(
        rows=(Row.CALLABLE_DISCRIMINATOR,),
        payload=Figure,
        good=[{"radius": 1.5}, {"side": 2}],
        bad=[{}, {"radius": None}],
    ),
    "plain-union": Case(
        rows=(Row.UNION_ORDER, Row.SMART_UNION),
        payload=Plain,
        good=[
            {"both": 1, "mixed": ["a", 1, None], "either": {"radius": 1.5}},
            {"both": "x", "either": {"side": 2}},
            {"both": "x", "either": None},
        ],
        bad=[{"both": None}, {"both": 1, "mixed": [[]]}, {"both": 1, "either": {}}],
    ),
}
