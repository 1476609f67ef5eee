"""Rows of the table of verdicts: unions, lists, tuples, sets and mappings."""

from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from pydantic import (
    BaseModel,
    Field,
)

from tests.support.verdict_rows.making import RENAMED, SAFE, Table, named, one


class Point(NamedTuple):
    x: int
    y: int


class PointOrOnlyX(NamedTuple):
    x: int
    y: int = 0


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"


class Wolf(BaseModel):
    kind: Literal["wolf"] = "wolf"


Kitty: Any = named("Cat", kind=(Literal["kitty"], "kitty"))


class CatBySort(BaseModel):
    sort: Literal["cat"] = "cat"


class DogBySort(BaseModel):
    sort: Literal["dog"] = "dog"


def tagged(*members: Any, by: str = "kind") -> Any:
    """A tagged union."""
    return Annotated[_union(*members), Field(discriminator=by)]


def _union(*members: Any) -> Any:
    union: Any = members[0]
    for member in members[1:]:
        union = union | member
    return union


TABLE: Table = {
    "union member added": (
        one(list[int] | Cat),
        one(list[int] | Cat | bool),
        {"MEMBER_ADDED": "safe"},
        {"MEMBER_ADDED": "wire"},
    ),
    "order of a union": (one(int | str), one(str | int), SAFE, SAFE),
    "tagged member added": (
        one(tagged(Cat, Dog)),
        one(tagged(Cat, Dog, Wolf)),
        {"MEMBER_ADDED": "safe"},
        {"MEMBER_ADDED": "wire"},
    ),
    "tagged member removed": (
        one(tagged(Cat, Dog, Wolf)),
        one(tagged(Cat, Dog)),
        {"MEMBER_REMOVED": "wire"},
        {"MEMBER_REMOVED": "source"},
    ),
    "tag value changed": (
        one(tagged(Cat, Dog)),
        one(tagged(Kitty, Dog)),
        {"ENUM_VALUE_REMOVED": "wire", "ENUM_VALUE_ADDED": "safe"},
        {"ENUM_VALUE_ADDED": "wire", "ENUM_VALUE_REMOVED": "source"},
    ),
    "discriminator changed": (
        one(tagged(Cat, Dog)),
        one(tagged(CatBySort, DogBySort, by="sort")),
        {"DISCRIMINATOR_CHANGED": "wire"},
        {"DISCRIMINATOR_CHANGED": "wire"},
    ),
    "a tag that was optional is needed in the new union": (
        one(Cat),
        one(tagged(Cat, Dog)),
        {"FIELD_REQUIRED": "wire", "MEMBER_ADDED": "safe"},
        {"MEMBER_ADDED": "wire"},
    ),
    "list limit": (
        one(Annotated[list[int], Field(max_length=9)]),
        one(Annotated[list[int], Field(max_length=5)]),
        {"CONSTRAINT_TIGHTENED": "wire"},
        {"CONSTRAINT_TIGHTENED": "safe"},
    ),
    "list to tuple": (
        one(list[int]),
        one(tuple[int, int]),
        {"ARRAY_TO_TUPLE": "wire"},
        {"ARRAY_TO_TUPLE": "safe", "PYTHON_TYPE_CHANGED": "source"},
    ),
    "tuple to list": (
        one(tuple[int, int]),
        one(list[int]),
        {"TUPLE_TO_ARRAY": "safe", "PYTHON_TYPE_CHANGED": "source"},
        {"TUPLE_TO_ARRAY": "wire"},
    ),
    "tuple length changed": (
        one(tuple[int, int]),
        one(tuple[int, int, int]),
        {"TUPLE_LENGTH_CHANGED": "wire"},
        {"TUPLE_LENGTH_CHANGED": "wire"},
    ),
    "the end of a tuple may be left out": (
        Point,
        PointOrOnlyX,
        RENAMED | {"TUPLE_WIDENED": "safe"},
        RENAMED,
    ),
    "the end of a tuple may not be left out": (
        PointOrOnlyX,
        Point,
        RENAMED | {"TUPLE_NARROWED": "wire"},
        RENAMED,
    ),
    "list to set": (
        one(list[int]),
        one(set[int]),
        {"LIST_TO_SET": "silent", "PYTHON_TYPE_CHANGED": "source"},
        {"LIST_TO_SET": "silent", "PYTHON_TYPE_CHANGED": "source"},
    ),
    "set to list": (
        one(set[int]),
        one(list[int]),
        {"SET_TO_LIST": "safe", "PYTHON_TYPE_CHANGED": "source"},
        {"SET_TO_LIST": "silent", "PYTHON_TYPE_CHANGED": "source"},
    ),
    "key narrowed": (
        one(dict[str, int]),
        one(dict[int, int]),
        {"KEY_NARROWED": "wire"},
        {"KEY_NARROWED": "safe", "PYTHON_TYPE_CHANGED": "source"},
    ),
    "key widened": (
        one(dict[UUID, int]),
        one(dict[str, int]),
        {"KEY_WIDENED": "safe", "PYTHON_TYPE_CHANGED": "source"},
        {"KEY_WIDENED": "wire"},
    ),
    "key changed": (
        one(dict[UUID, int]),
        one(dict[int, int]),
        {"KEY_CHANGED": "wire"},
        {"KEY_CHANGED": "wire"},
    ),
    "value of a mapping": (
        one(dict[str, int]),
        one(dict[str, float]),
        {"TYPE_WIDENED": "safe", "PYTHON_TYPE_CHANGED": "source"},
        {"TYPE_WIDENED": "wire"},
    ),
}
