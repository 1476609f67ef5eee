"""Which parts of declared payloads have no bound."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import pytest
from pydantic import AnyUrl, BaseModel, ConfigDict, Field, Json

from bytesocket_app import ClientEvent, Event, ServerEvent
from bytesocket_app.events import Catalogue, declare
from bytesocket_app.events.bounds import REMEDIES, Kind, unbounded, unbounded_integers

Short = Annotated[str, Field(max_length=9)]


class Line(BaseModel):
    text: str  # of Line


class Inner(BaseModel):
    lines: list[Line]  # of Inner


class Post(ClientEvent, name="post"):
    inner: Inner
    title: Short


class Reaction(Event, name="reaction"):
    emoji: str


class Told(ServerEvent, name="told"):
    text: str


class Leaf(BaseModel):
    inside: "list[Branch | Leaf]" = Field(default=[], max_length=2)


class Branch(BaseModel):
    inside: "list[Branch | Leaf]" = Field(default=[], max_length=2)


class TaggedLeaf(BaseModel):
    kind: Literal["leaf"] = "leaf"
    inside: "Children" = Field(default=[], max_length=2)


class TaggedBranch(BaseModel):
    kind: Literal["branch"] = "branch"
    inside: "Children" = Field(default=[], max_length=2)


Children = list[Annotated[TaggedBranch | TaggedLeaf, Field(discriminator="kind")]]
TaggedLeaf.model_rebuild()
TaggedBranch.model_rebuild()


class Tree(BaseModel):
    left: "Tree | None" = None
    text: str = ""


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    x: int = 0


class Bound(BaseModel):
    model_config = ConfigDict(str_max_length=10)
    text: str = ""


class Pair(NamedTuple):
    left: int
    right: str


@pytest.mark.parametrize(
    ("annotation", "found"),
    [
        (str, [("", "text")]),
        (Short, []),
        (Annotated[str, Field(pattern="^a$")], [("", "text")]),
        (bytes, [("", "bytes")]),
        (int, []),
        (Literal["a", "b"], []),
        (AnyUrl, [("", "text")]),
        (list[int], [("", "list")]),
        (list[Short], [("", "list")]),
        (Annotated[list[str], Field(max_length=3)], [("[]", "text")]),
        (set[int], [("", "list")]),
        (Sequence[int], [("", "list")]),
        (Annotated[Sequence[int], Field(max_length=3)], []),
        (Annotated[Sequence[str], Field(max_length=3)], [("[]", "text")]),
        (tuple[int, Short], []),
        (tuple[int, ...], [("", "list")]),
        (dict[str, int], [("", "map"), ("{key}", "text")]),
        (Mapping[int, list[str]], [("", "map"), ("{}", "list"), ("{}[]", "text")]),
        (Counter[Short], [("", "map")]),
        (str | None, [("", "text")]),
        (Short | list[int], [("", "list")]),
        (Any, [("", "any")]),
        (Json[list[int]], [("", "list")]),
        (Inner, [("lines", "list"), ("lines[].text", "text")]),
        (Tree, [("text", "text")]),
        (Open, [("", "extras")]),
        (Bound, []),
        (Pair, [("right", "text")]),
        (Leaf, [("inside[]", "nesting")]),
        (TaggedLeaf, []),
        (list[Line] | dict[str, Line], [("", "list"), ("[].text", "text"), ("", "map")]),
    ],
    ids=str,
)
def test_a_part_without_a_bound_is_found(annotation: Any, found: list[tuple[str, Kind]]) -> None:
    handle = declare("x", annotation, direction="client")
    told = [(one.path, one.kind) for one in unbounded(Catalogue([handle]))]
    assert told[: len(found)] == found
    assert bool(told) == bool(found)


def test_only_what_clients_send_is_asked_and_each_field_has_its_line() -> None:
    lines = Path(__file__).read_text().splitlines()

    def line(text: str) -> str:
        return f"{__file__}:{1 + lines.index(text)}"

    found = unbounded(Catalogue([Post, Reaction, Told]))
    assert [(one.event, one.path, one.source) for one in found] == [
        ("post", "inner.lines", line("    lines: list[Line]  # of Inner")),
        ("post", "inner.lines[].text", line("    text: str  # of Line")),
        ("reaction", "emoji", line("    emoji: str")),
    ]


class Counted(BaseModel):
    count: int
    bounded: Annotated[int, Field(ge=0, lt=100)] = 0
    half: Annotated[int, Field(ge=0)] = 0
    many: dict[int, list[int]] = {}
    flag: bool = False
    kind: Literal[1, 2] = 1


def test_integers_of_any_size_are_found_apart_in_either_direction() -> None:
    expected = ["count", "half", "many{}[]"]
    for direction in ("client", "server"):
        catalogue = Catalogue([declare("x", Counted, direction=direction)])
        found = unbounded_integers(catalogue)
        assert [one.path for one in found] == expected
        assert all(one.kind == "integer" and __file__ in one.source for one in found)
        assert all(one.kind != "integer" for one in unbounded(catalogue))


def test_every_kind_names_its_remedy() -> None:
    assert all(": " in text for text in REMEDIES.values())
