"""Recursion, generics, roots, extra keys, and everything that is nothing or anything."""

from typing import Any, Generic, Optional, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, RootModel
from typing_extensions import TypeAliasType

from tests.nasty.case import Case, Row

T = TypeVar("T")
K = TypeVar("K")


class Tree(BaseModel):
    children: list["Tree"] = []
    parent: Optional["Tree"] = None


class Ping(BaseModel):
    pong: "Pong | None" = None


class Pong(BaseModel):
    pings: dict[str, Ping] = {}


class Leaves(RootModel[list["Leaves | int"]]):
    """Lists in lists."""


class Cat(BaseModel):
    lives: int = 9


class Page(BaseModel, Generic[T]):
    """One page."""

    items: list[T]
    next: "Page[T] | None" = None


class Pair(BaseModel, Generic[K, T]):
    first: K
    second: T


class Page_Cat_(BaseModel):  # noqa: N801 - what Pydantic would call a page of cats
    own: int = 1


class Empty(BaseModel):
    """Nothing."""


class Opened(BaseModel):
    model_config = ConfigDict(extra="allow")

    a: int


class Typed(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int] = Field(init=False)  # pyright: ignore[reportIncompatibleVariableOverride]

    a: str = ""


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    a: int


class Unknown(BaseModel):
    anything: Any
    thing: object = None
    json_value: JsonValue = None
    values: dict[str, Any] = {}


Nested = TypeAliasType("Nested", "list[Nested] | int")

TREE: dict[str, Any] = {"children": [{"children": [], "parent": None}], "parent": {}}
CASES: dict[str, Case] = {
    "tree": Case(
        rows=(Row.RECURSION,),
        payload=Tree,
        good=[TREE, {}],
        bad=[{"children": [1]}, {"children": [{"parent": 1}]}, {"parent": []}],
    ),
    "ping": Case(
        rows=(Row.RECURSION,),
        payload=Ping,
        good=[{"pong": {"pings": {"a": {"pong": None}}}}],
        bad=[{"pong": 1}, {"pong": {"pings": {"a": None}}}],
        open=frozenset({"pings"}),
    ),
    "leaves": Case(
        rows=(Row.RECURSION, Row.ROOT), payload=Leaves, good=[[1, [2, []]], []], bad=[["x"], 1, {}]
    ),
    "nested": Case(
        rows=(Row.RECURSION, Row.ROOT), payload=Nested, good=[[1, [2, []]], 5], bad=["x", ["x"], {}]
    ),
    "page": Case(
        rows=(Row.GENERIC, Row.RECURSION),
        payload=Page[Cat],
        good=[{"items": [{"lives": 1}], "next": {"items": [], "next": None}}],
        bad=[{"items": [1]}, {"items": [], "next": {}}, {}],
    ),
    "pages": Case(
        rows=(Row.GENERIC,),
        payload=Page[list[Cat | None]],
        good=[{"items": [[{"lives": 1}, None], []]}],
        bad=[{"items": [None]}, {"items": [[1]]}],
    ),
    "pair": Case(
        rows=(Row.GENERIC,),
        payload=Pair[int | str, Pair[Cat, Page_Cat_]],
        good=[{"first": "a", "second": {"first": {"lives": 1}, "second": {"own": 2}}}],
        bad=[{"first": None, "second": {"first": {}, "second": {}}}, {"first": 1, "second": {}}],
    ),
    "empty": Case(rows=(Row.EMPTY,), payload=Empty, good=[{}], bad=[1, None, []]),
    "opened": Case(
        rows=(Row.EXTRA,),
        payload=Opened,
        good=[{"a": 1, "b": "x", "c": None}, {"a": 1}],
        bad=[{}, {"a": None}],
        open=frozenset({""}),
        shown=False,
    ),
    "typed": Case(
        rows=(Row.EXTRA,),
        payload=Typed,
        good=[{"a": "x", "b": 1}, {}],
        bad=[{"a": None}, {"b": None}],
        open=frozenset({""}),
        shown=False,
    ),
    "closed": Case(
        rows=(Row.EXTRA,), payload=Closed, good=[{"a": 1}], bad=[{"a": 1, "b": 2}, {"a": []}]
    ),
    "unknown": Case(
        rows=(Row.ANYTHING,),
        payload=Unknown,
        good=[
            {"anything": None, "thing": [1], "json_value": {"a": [1]}, "values": {"x": None}},
            {"anything": {"a": 1}, "json_value": "x"},
        ],
        bad=[{}, {"anything": 1, "values": []}],
        open=frozenset({"anything", "json_value", "values"}),
    ),
    "anything": Case(
        rows=(Row.ANYTHING, Row.ROOT),
        payload=Any,
        good=[None, 1, {"a": [None]}],
        open=frozenset({""}),
    ),
    "none": Case(rows=(Row.ROOT,), payload=None, good=[None], bad=[0, "", {}]),
    "number": Case(rows=(Row.ROOT,), payload=int, good=[5, -1], bad=[None, [], {}]),
    "maybe": Case(rows=(Row.ROOT,), payload=str | None, good=["x", None], bad=[1, []]),
}
