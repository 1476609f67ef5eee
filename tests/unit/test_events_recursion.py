"""Unions inside of themselves: what they would multiply is refused, and nothing else is."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Annotated, Any, Literal, NamedTuple, Union

import msgpack
import pytest
from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Json,
    RootModel,
    Tag,
    ValidationError,
)
from pydantic_core import to_json
from typing_extensions import TypeAliasType, TypedDict

from bytesocket_app.events import Catalogue, declare
from bytesocket_app.events.bounds import unbounded
from bytesocket_app.events.payload import PayloadType
from bytesocket_app.events.recursion import RecursiveUnions
from bytesocket_app.types import CodecName
from bytesocket_app.wire import decode

MOST = 20_000
"""Readings by a model that a small message may cause."""
LEVELS = 60

calls = 0


def counted(value: Any) -> Any:
    """Count a reading."""
    global calls  # noqa: PLW0603 - a validator has no other place
    calls += 1
    return value


Count = Annotated[int, BeforeValidator(counted)]


class A(BaseModel):
    n: Count = 0
    items: "list[A | B]" = []


class B(BaseModel):
    n: Count = 0
    items: "list[A | B]" = []


class Child(BaseModel):
    n: Count = 0
    child: "Child | Other | None" = None


class Other(BaseModel):
    n: Count = 0
    child: "Child | Other | None" = None


class StrictChild(BaseModel):
    model_config = ConfigDict(strict=True)
    n: Count = 0
    child: "StrictChild | StrictOther | None" = None


class StrictOther(BaseModel):
    model_config = ConfigDict(strict=True)
    n: Count = 0
    child: "StrictChild | StrictOther | None" = None


class WithBytes(BaseModel):
    n: Count = 0
    raw: bytes = b""
    child: "WithBytes | Other | WithBytesToo | None" = None


class WithBytesToo(BaseModel):
    n: Count = 0
    raw: bytes = b""
    child: "WithBytes | Other | WithBytesToo | None" = None


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    n: Count = 0
    child: "Closed | ClosedToo | None" = None


class ClosedToo(BaseModel):
    model_config = ConfigDict(extra="forbid")
    n: Count = 0
    child: "Closed | ClosedToo | None" = None


class One(BaseModel):
    n: Count = 0
    by_name: "dict[str, One | Two | Three]" = {}


class Two(BaseModel):
    n: Count = 0
    by_name: "dict[str, One | Two | Three]" = {}


class Three(BaseModel):
    n: Count = 0
    by_name: "dict[str, One | Two | Three]" = {}


class Typed(TypedDict, total=False):
    n: Count
    child: "Typed | TypedToo"


class TypedToo(TypedDict, total=False):
    n: Count
    child: "Typed | TypedToo"


@dataclass
class Data:
    n: Count = 0
    items: "list[Data | DataToo]" = field(default_factory=list["Data | DataToo"])


@dataclass
class DataToo:
    n: Count = 0
    items: "list[Data | DataToo]" = field(default_factory=list["Data | DataToo"])


class Around(BaseModel):
    n: Count = 0
    via: "Via | None" = None


class AroundToo(BaseModel):
    n: Count = 0
    via: "Via | None" = None


class Via(BaseModel):
    n: Count = 0
    back: Around | AroundToo


class First(BaseModel):
    n: Count = 0
    child: "Annotated[First | Second, Field(union_mode='left_to_right')] | None" = None


class Second(BaseModel):
    n: Count = 0
    child: "Annotated[First | Second, Field(union_mode='left_to_right')] | None" = None


class Aliased(BaseModel):
    n: Count = 0
    child: "Aliased | AliasedToo | None" = Field(None, validation_alias="c")


class AliasedToo(BaseModel):
    n: Count = 0
    child: "Aliased | AliasedToo | None" = Field(
        None, validation_alias=AliasChoices("d", AliasPath("c", "at", -1), "c")
    )


class Pathed(BaseModel):
    n: Count = 0
    child: "Pathed | PathedToo | None" = Field(None, validation_alias=AliasPath("at", -1, "c"))


class PathedToo(BaseModel):
    n: Count = 0
    child: "Pathed | PathedToo | None" = Field(None, validation_alias=AliasPath("at", 0, "c"))


class Extras(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: "dict[str, Extras | ExtrasToo]"  # pyright: ignore[reportIncompatibleVariableOverride] - as Pydantic has it
    n: Count = 0


class ExtrasToo(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: "dict[str, Extras | ExtrasToo]"  # pyright: ignore[reportIncompatibleVariableOverride] - as Pydantic has it
    n: Count = 0


class Rooted(RootModel["dict[str, Rooted | RootedToo] | Count"]):
    """A model that is a map."""


class RootedToo(RootModel["dict[str, Rooted | RootedToo] | Count"]):
    """Another."""


class Texts(BaseModel):
    n: Count = 0
    text: Json["Child | Other"] | None = None


class Pair(NamedTuple):
    n: Count
    pair: "Pair | PairToo | None" = None


class PairToo(NamedTuple):
    n: Count
    pair: "Pair | PairToo | None" = None


class Same(BaseModel):
    n: Count = 0
    child: "Annotated[Same, BeforeValidator(counted)] | Same | None" = None


Lists = TypeAliasType("Lists", "list[Lists] | tuple[Lists, ...] | Count")


class Listed(BaseModel):
    lists: "Lists"


def nested(key: str, levels: int, inner: Any = None, *, is_list: bool = False) -> Any:
    """A value with this many levels under one key."""
    value: Any = {"n": 1} if inner is None else inner
    for _ in range(levels):
        value = {"n": 1, key: [value] if is_list else value}
    return value


def at(levels: int) -> Any:
    value: Any = {"n": 1}
    for _ in range(levels // 3):
        value = {"n": 1, "at": [{"c": value}]}
    return value


def around(levels: int) -> Any:
    value: Any = {"n": 1}
    for _ in range(levels // 2):
        value = {"n": 1, "via": {"back": value}}
    return value


def rooted(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"x": value}
    return value


def lists(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return {"lists": value}


def pairs(levels: int) -> Any:
    value: Any = [1]
    for _ in range(levels):
        value = [1, value]
    return value


def by_name(levels: int) -> Any:
    value: Any = {"n": 1}
    for _ in range(levels // 2):
        value = {"n": 1, "by_name": {"x": value}}
    return value


def under(key: str, *, is_list: bool = False) -> Callable[[int], Any]:
    """Function that makes a value with so many levels."""
    return lambda levels: nested(key, levels, is_list=is_list)


def texts(levels: int) -> Any:
    return {"text": to_json(nested("child", levels)).decode()}


MULTIPLYING: dict[str, tuple[Any, Callable[[int], Any]]] = {
    "a list": (A, under("items", is_list=True)),
    "a child": (Child, under("child")),
    "strict models": (StrictChild, under("child")),
    "models with bytes": (WithBytes, under("child")),
    "closed models": (Closed, under("child")),
    "a dict of three": (One, by_name),
    "typed dicts": (Typed, under("child")),
    "data classes": (Data, under("items", is_list=True)),
    "a cycle around another model": (Around, around),
    "left to right": (First, under("child")),
    "aliases": (Aliased, under("c")),
    "paths": (Pathed, at),
    "extras": (Extras, under("other")),
    "root models": (Rooted, rooted),
    "JSON in text": (Texts, texts),
    "named tuples": (Pair, pairs),
    "one model twice": (Same, under("child")),
    "lists and tuples": (Listed, lists),
    "in a list": (list[A | B], lambda levels: [nested("items", levels, is_list=True)]),
    "the union itself": (Union[Child, Other], under("child")),  # noqa: UP007 - not a type alias
}


def read(annotation: Any, value: Any, codec: CodecName, *, is_large: bool) -> tuple[str, int]:
    """What a value that a peer sends comes to: the type of its first problem, and readings."""
    global calls  # noqa: PLW0603 - a validator has no other place
    frame = to_json(value) if codec == "json" else msgpack.packb(value)
    payload = PayloadType(annotation)
    validate = payload.validate_large if is_large else payload.validate
    calls = 0
    try:
        validate(decode(frame, codec == "binary", max_depth=200), codec)
    except ValidationError as error:
        return error.errors(include_url=False)[0]["type"], calls
    return "", calls


@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize("codec", ["json", "binary"])
@pytest.mark.parametrize("name", MULTIPLYING)
def test_nesting_that_multiplies_is_refused_before_it_is_read(
    name: str, codec: CodecName, is_large: bool
) -> None:
    annotation, value = MULTIPLYING[name]
    problem, readings = read(annotation, value(LEVELS), codec, is_large=is_large)
    assert problem == "union_nesting"
    assert readings == 0


@pytest.mark.parametrize("ending", [1, "x"])
@pytest.mark.parametrize("name", MULTIPLYING)
def test_nesting_is_read_up_to_a_bound(name: str, ending: Any) -> None:
    annotation, value = MULTIPLYING[name]
    found: list[str] = []
    for levels in range(LEVELS):
        problem, readings = read(annotation, ended(value(levels), ending), "json", is_large=False)
        assert readings <= MOST
        found.append(problem)
    read_at = [levels for levels, problem in enumerate(found) if problem != "union_nesting"]
    assert read_at == list(range(len(read_at)))
    assert len(read_at) >= 6
    assert set(found[: len(read_at)]) == {""} or ending == "x"


def ended(value: Any, ending: Any) -> Any:
    """The value with another number at its end."""

    def change(found: dict[str, Any]) -> dict[str, Any]:
        return {"n": ending} if list(found) == ["n"] else found

    return json.loads(json.dumps(value), object_hook=change)


class Comment(BaseModel):
    n: Count = 0
    replies: "list[Comment]" = []
    pinned: "Comment | str | None" = None


class Left(BaseModel):
    kind: Literal["left"] = "left"
    n: Count = 0
    items: "list[Annotated[Left | Right, Field(discriminator='kind')]]" = []


class Right(BaseModel):
    kind: Literal["right"] = "right"
    n: Count = 0
    items: "list[Annotated[Left | Right, Field(discriminator='kind')]]" = []


def tag_of(value: Any) -> str:
    return "plain" if "n" in value else "other"


class Plain(BaseModel):
    n: Count = 0
    child: "Called | None" = None


class NotPlain(BaseModel):
    child: "Called | None" = None


Called = Annotated[
    Annotated[Plain, Tag("plain")] | Annotated[NotPlain, Tag("other")], Discriminator(tag_of)
]


Tree = TypeAliasType("Tree", "dict[str, Tree] | list[Tree] | Count | str | None")


class Document(BaseModel):
    tree: "Tree"


class Ending(BaseModel):
    n: Count = 0


class Half(BaseModel):
    n: Count = 0
    child: "Half | Ending | None" = None


class Beside(BaseModel):
    n: Count = 0
    child: Child | Other | None = None
    anything: Any = None
    comment: Comment | None = None


def tagged(value: Any, tag: str) -> Any:
    """The value with a tag on each object."""

    def change(found: dict[str, Any]) -> dict[str, Any]:
        return {"kind": tag, **found}

    return json.loads(json.dumps(value), object_hook=change)


HARMLESS: dict[str, tuple[Any, Any]] = {
    "no union": (Comment, nested("replies", LEVELS // 2, is_list=True)),
    "no other model": (Comment, nested("pinned", LEVELS)),
    "a discriminator": (Left, tagged(nested("items", LEVELS // 2, is_list=True), "left")),
    "a discriminating function": (Plain, nested("child", LEVELS)),
    "kinds that differ": (Document, {"tree": nested("x", LEVELS, is_list=True)}),
    "one that goes on": (Half, nested("child", LEVELS)),
}


@pytest.mark.parametrize("codec", ["json", "binary"])
@pytest.mark.parametrize("name", HARMLESS)
def test_nesting_that_does_not_multiply_is_read(name: str, codec: CodecName) -> None:
    annotation, value = HARMLESS[name]
    problem, readings = read(annotation, value, codec, is_large=False)
    assert problem == ""
    assert readings <= 4 * LEVELS


@pytest.mark.parametrize("annotation", [Comment, Left, Plain, Document, Half, list[Ending]])
def test_types_that_do_not_multiply_pay_nothing(annotation: Any) -> None:
    payload = PayloadType(annotation)
    assert RecursiveUnions(payload.core_schema()).guard() is None
    if payload.validate_fast is not None:
        assert payload.validate_fast == payload.adapter.validator.validate_python


def test_what_is_beside_a_multiplying_union_may_be_deep() -> None:
    value = {
        "child": nested("child", 5),
        "anything": nested("x", LEVELS),
        "comment": nested("replies", LEVELS // 2, is_list=True),
    }
    assert read(Beside, value, "json", is_large=False)[0] == ""


class Mixed(BaseModel):
    kind: Literal["mixed"] = "mixed"
    n: Count = 0
    child: "Annotated[Mixed | Simple, Field(discriminator='kind')] | Child | Back | None" = None


class Simple(BaseModel):
    kind: Literal["simple"] = "simple"
    n: Count = 0


class Back(BaseModel):
    n: Count = 0
    child: "Mixed | Back | None" = None


def test_a_discriminator_inside_of_a_union_without_one_does_not_hide_it() -> None:
    value = tagged(nested("child", LEVELS), "mixed")
    assert read(Mixed, value, "json", is_large=False) == ("union_nesting", 0)


def grown(source: Random, keys: Sequence[str], levels: int) -> dict[str, Any]:
    """A random tree, which may be wrong in a few places."""
    value: dict[str, Any] = {"n": source.choice([1, 1, 1, 1, "x"]), "kind": "mixed"}
    for key in source.sample(keys, source.randint(1, len(keys))) if levels else ():
        below = [grown(source, keys, levels - 1) for _ in range(source.choice([1, 1, 1, 2]))]
        value[key] = below[0]
        if key == "items":
            value[key] = below
        elif key == "by_name":
            value[key] = {str(index): one for index, one in enumerate(below)}
    return value


@pytest.mark.parametrize(
    ("annotation", "keys"),
    [
        (A, ["items"]),
        (Child, ["child"]),
        (Closed, ["child"]),
        (One, ["by_name"]),
        (Aliased, ["c", "d"]),
        (Around, ["via", "back"]),
        (First, ["child"]),
        (Mixed, ["child"]),
        (Extras, ["z", "child"]),
        (Typed, ["child"]),
        (Data, ["items"]),
    ],
)
def test_random_trees_that_are_read_stay_within_the_bound(annotation: Any, keys: list[str]) -> None:
    source = Random(f"{annotation}")
    for _ in range(60):
        value = grown(source, keys, source.randint(0, 16 if len(keys) == 1 else 7))
        _, readings = read(annotation, value, "json", is_large=False)
        assert readings <= 8192 + 16 * json.dumps(value).count('"n"')


class Named(BaseModel):
    text: Json[dict[str, Child | Other]]


def test_members_of_the_same_name_do_not_hide_each_other_in_json_text() -> None:
    deep = json.dumps(nested("child", LEVELS))
    value = {"text": f'{{"x":{deep},"x":{{"n":1}}}}'}
    assert read(Named, value, "json", is_large=False) == ("union_nesting", 0)


@pytest.mark.parametrize("value", [None, 1, 1.5, True, "", "x", [], {}, b"x"])
def test_a_value_of_another_kind_is_an_ordinary_problem(value: Any) -> None:
    payload = PayloadType(A)
    if value == {}:
        assert payload.validate(value, "binary") == A()
        return
    with pytest.raises(ValidationError) as caught:
        payload.validate(value, "binary")
    assert caught.value.errors()[0]["type"] == "model_type"


@pytest.mark.parametrize("width", [1, 10, 100])
def test_a_wide_list_costs_in_proportion_to_its_length(width: int) -> None:
    value = nested("items", 3, is_list=True)
    value["items"] *= width
    problem, readings = read(A, value, "json", is_large=False)
    assert problem == ""
    assert readings <= 1 + 2 * 7 * width


@pytest.mark.parametrize("levels", [5, 8, 11])
def test_width_at_the_bottom_is_not_multiplied_without_a_bound(levels: int) -> None:
    value = nested("items", levels, {"n": 1, "items": [{"n": 1}] * 20_000}, is_list=True)
    assert read(A, value, "json", is_large=True) == ("union_nesting", 0)


class Wide(BaseModel):
    numbers: list[Count] = []
    text: str = ""
    child: "Wide | WideToo | None" = None


class WideToo(BaseModel):
    numbers: list[Count] = []
    text: str = ""
    child: "Wide | WideToo | None" = None


@pytest.mark.parametrize(
    "bottom", [{"numbers": [1] * 50_000}, {"text": "x" * 500_000}, {"x" * 500_000: 1}]
)
def test_plain_values_at_the_bottom_count_too(bottom: Any) -> None:
    assert read(Wide, nested("child", 10, bottom), "json", is_large=True) == ("union_nesting", 0)
    assert read(Wide, nested("child", 2, bottom), "json", is_large=True)[0] == ""


def test_the_error_names_the_remedy_and_repeats_nothing() -> None:
    with pytest.raises(ValidationError) as caught:
        PayloadType(Child).validate(nested("child", LEVELS), "json")
    [problem] = caught.value.errors(include_url=False)
    assert 'Field(discriminator="kind")' in problem["msg"]
    assert problem["loc"] == ()
    assert problem["input"] is None


@pytest.mark.parametrize("name", MULTIPLYING)
def test_unions_that_multiply_are_found_by_the_lint(name: str) -> None:
    handle = declare("x", MULTIPLYING[name][0], direction="client")
    assert "nesting" in {one.kind for one in unbounded(Catalogue([handle]))}


@pytest.mark.parametrize("annotation", [Comment, Left, Plain, Document, Half])
def test_unions_that_do_not_multiply_are_no_finding(annotation: Any) -> None:
    handle = declare("x", annotation, direction="client")
    assert "nesting" not in {one.kind for one in unbounded(Catalogue([handle]))}
