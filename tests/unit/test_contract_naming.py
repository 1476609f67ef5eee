"""Names are readable, unique, and depend on nothing but the classes themselves."""

import re
import sys
import types
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Dict, Generic, List, Literal, TypeVar  # noqa: UP035
from unicodedata import normalize

import pytest
from annotated_types import Predicate
from pydantic import BaseModel, ConfigDict, Field, Strict, StringConstraints, create_model
from pydantic.dataclasses import dataclass
from typing_extensions import TypedDict

from bytesocket_app.contract import ContractError, ContractSource, EventEntry, build
from bytesocket_app.contract.naming import choose_names, class_ids, input_names, type_path

T = TypeVar("T")
U = TypeVar("U")


def names(*annotations: Any, direction: Literal["client", "server", "both"] = "server") -> set[str]:
    events = tuple(EventEntry(f"e{i}", direction, kind) for i, kind in enumerate(annotations))
    return set(build(ContractSource("t", events=events)).document["types"])


def model(name: str, module: str, qualname: str | None = None, **fields: Any) -> Any:
    made = create_model(name, __module__=module, **fields)
    made.__qualname__ = qualname or name
    made.model_rebuild(force=True)
    return made


def chosen(*refs: str, by_user: dict[str, str] | None = None) -> dict[str, str]:
    known = class_ids(refs)
    paths = {(path := type_path(ref, known)).label(): path for ref in refs}
    return choose_names(paths, by_user or {})


# ---- unique names


def test_a_unique_class_is_called_by_its_name_whatever_its_module_and_title() -> None:
    user = model("User", "deep.down.models", __config__=ConfigDict(title="Somebody"))
    assert names(user) == {"User"}


def test_unicode_names_are_kept() -> None:
    assert names(model("Größe", "a"), model("名前", "a")) == {"Größe", "名前"}


def test_a_made_up_class_name_becomes_an_identifier() -> None:
    assert names(model("My odd-name!", "a")) == {"MyOddName"}
    assert names(model("2nd", "a")) == {"Type2nd"}


def test_the_user_may_pick_a_name() -> None:
    class Cat(BaseModel):
        model_config = ConfigDict(json_schema_extra={"x-name": "Feline"})
        lives: int = 9

    assert names(Cat, direction="both") == {"Feline", "FelineInput"}


# ---- clashes


def test_all_of_a_clash_are_prefixed_with_the_shortest_distinguishing_parents() -> None:
    assert chosen("chat.User:1", "shop.User:2", "chat.Post:3") == {
        "chat.User": "ChatUser",
        "shop.User": "ShopUser",
        "chat.Post": "Post",
    }
    assert set(chosen("chat.models.User:1", "web_shop.models.User:2").values()) == {
        "ChatModelsUser",
        "WebShopModelsUser",
    }


def test_one_depth_serves_the_whole_clash() -> None:
    found = chosen("a.x.User:1", "a.y.User:2", "b.y.User:3")
    assert set(found.values()) == {"AXUser", "AYUser", "BYUser"}


def test_nested_classes_are_told_apart_by_their_outer_classes() -> None:
    found = chosen("m.Outer.Item:1", "m.Other.Item:2", "m.make.<locals>.Thing:3")
    assert set(found.values()) == {"OuterItem", "OtherItem", "Thing"}


def test_a_prefixed_name_that_meets_another_class_goes_on() -> None:
    found = chosen("chat.User:1", "shop.User:2", "m.ChatUser:3")
    assert found == {"chat.User": "ChatUser", "shop.User": "ShopUser", "m.ChatUser": "MChatUser"}


def test_a_class_without_parents_beside_one_with_some() -> None:
    assert set(chosen("User:1", "shop.User:2").values()) == {"User", "ShopUser"}


def test_an_input_twin_gives_way_to_a_class_of_that_name() -> None:
    names = chosen("m.Box:1", "m.BoxInput:2")
    assert input_names(names, ["m.Box"]) == {"m.Box": "BoxAsInput", "m.BoxInput": "BoxInput"}
    crowded = chosen("m.Box:1", "m.BoxInput:2", "m.BoxAsInput:3")
    with pytest.raises(ContractError, match=r"m\.Box \(Box\).*m\.BoxInput"):
        input_names(crowded, ["m.Box"])


def test_names_that_cannot_be_told_apart_are_refused_with_the_way_out() -> None:
    with pytest.raises(ContractError, match=r"m\.A \(Same\), m\.B \(Same\).*x-name"):
        chosen("m.A:1", "m.B:2", by_user={"m.A": "Same", "m.B": "Same"})


def test_two_classes_of_one_path_are_refused_unless_they_are_alike() -> None:
    one, two = model("Item", "m", a=(int, ...)), model("Item", "m", a=(str, ...))
    with pytest.raises(ContractError, match=r"Two different types are both m\.Item"):
        names(one, two)
    assert names(one, model("Item", "m", a=(int, ...))) == {"Item"}


# ---- input and output


class Box(BaseModel):
    size: int = 1


class Same(BaseModel):
    size: int


class Holder(BaseModel):
    box: list[Box]


def test_output_has_the_plain_name_and_input_the_suffix_where_they_differ() -> None:
    assert names(Box, direction="both") == {"Box", "BoxInput"}
    assert names(Same, direction="both") == {"Same"}
    assert names(Box, direction="client") == {"Box"}


def test_a_type_that_holds_a_split_one_is_split_too() -> None:
    assert names(Holder, direction="both") == {"Box", "BoxInput", "Holder", "HolderInput"}


# ---- generics


class Page(BaseModel, Generic[T]):
    items: list[T]


class Pair(BaseModel, Generic[T, U]):
    one: T
    two: U


class Row(TypedDict, Generic[T]):
    cell: T


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        (Page[Same], "PageOfSame"),
        (Page[list[Same]], "PageOfListOfSame"),
        (Page[Same | None], "PageOfSameOrNone"),
        (Page[None | int | str], "PageOfIntOrStrOrNone"),
        (Page[Page[int]], "PageOfPageOfInt"),
        (Pair[int, dict[str, Same]], "PairOfIntAndDictOfStrAndSame"),
        (Page[Literal["b", "a"]], "PageOfAOrB"),
        (Page[Annotated[int, Field(gt=3)]], "PageOfInt"),
        (Page[tuple[int, ...]], "PageOfTupleOfInt"),
        (Row[Same], "RowOfSame"),
        (Page[Any], "PageOfAny"),
    ],
)
def test_generics_read_like_words(annotation: Any, name: str) -> None:
    assert name in names(annotation)


def test_the_order_of_a_union_makes_no_second_type() -> None:
    assert names(Page[int | str], Page[str | int]) == {"PageOfIntOrStr"}


def test_pages_of_two_classes_of_one_name_are_told_apart_by_what_they_hold() -> None:
    one, two = model("Cat", "home", a=(int, ...)), model("Cat", "zoo", b=(int, ...))
    found = names(Page.__class_getitem__(one), Page.__class_getitem__(two))
    assert found == {"HomeCat", "ZooCat", "PageOfHomeCat", "PageOfZooCat"}


def test_a_union_written_with_bars_reads_the_same() -> None:
    assert type_path("m.Page:1[int | Cat:2]", {}).name() == "PageOfCatOrInt"
    assert type_path("m.Page:1[Literal['a,b', \"c]\"]:2]", {}).name() == "PageOfABOrC"


# ---- generics that only seem to be one, and those that are


class Level(StrEnum):
    LOW = "low"
    HIGH = "high"


@dataclass
class Record(Generic[T]):
    cell: T


Positive = Annotated[int, Field(ge=1)]
ALIKE = [
    ((Page[int], Page[Positive]), {"PageOfInt", "PageOfIntGe1"}),
    ((Page[tuple[int]], Page[tuple[int, ...]]), {"PageOfTupleOfInt", "PageOfTupleOfIntAndMore"}),
    ((Page[Literal["a.b"]], Page[Literal["c.d"]]), {"PageOfB", "PageOfD"}),
    ((Page[Literal["a.b"]], Page[Literal["c.b"]]), {"PageOfBAB", "PageOfBCB"}),
    ((Page[Literal["a,b"]], Page[Literal["a", "b"]]), {"PageOfAB", "PageOfAOrB"}),
    ((Page[Literal[Level.LOW]], Page[Literal[Level.HIGH]]), {"PageOfHIGHHigh", "PageOfLOWLow"}),
    ((Row[int], Row[Positive]), {"RowOfInt", "RowOfIntGe1"}),
    ((Record[int], Record[Positive]), {"RecordOfInt", "RecordOfIntGe1"}),
    (
        (Page[Page[int]], Page[Page[Positive]]),
        {"PageOfInt", "PageOfIntGe1", "PageOfPageOfInt", "PageOfPageOfIntGe1"},
    ),
    (
        (Page[list[int]], Page[Annotated[list[Positive], Field(max_length=3)]]),
        {"PageOfListOfInt", "PageOfListOfIntMaxLen3Ge1"},
    ),
    (
        (Pair[int, str], Pair[Positive, str], Pair[int, Annotated[str, Field(max_length=9)]]),
        {"PairOfIntAndStr", "PairOfIntAndStrGe1", "PairOfIntAndStrMaxLen9"},
    ),
]


@pytest.mark.parametrize("direction", ["client", "server", "both"])
@pytest.mark.parametrize(("annotations", "expected"), ALIKE)
def test_different_types_of_one_name_are_told_apart_whatever_their_order(
    annotations: tuple[Any, ...], expected: set[str], direction: Any
) -> None:
    for ordered in (annotations, annotations[::-1]):
        found = names(*ordered, direction=direction)
        assert {name for name in found if not name.endswith("Input")} == expected


@pytest.mark.parametrize(
    "annotations",
    [
        (Page[Literal["a"]], Page[Literal["A"]]),
        (Page[Literal[1]], Page[Literal["1"]]),
        (Page[Literal["-"]], Page[Literal["+"]], Page[Literal[""]]),
        (Page[Literal["caf\u00e9"]], Page[Literal["cafe\u0301"]]),
        (
            Page[Annotated[str, StringConstraints(min_length=1)]],
            Page[Annotated[str, StringConstraints(min_length=2)]],
        ),
    ],
)
def test_types_that_no_word_tells_apart_have_digits_of_their_own(
    annotations: tuple[Any, ...],
) -> None:
    found = names(*annotations)
    assert len({normalize("NFKC", name) for name in found}) == len(annotations)
    assert found == names(*annotations[::-1])
    assert all(re.fullmatch(r"PageOf[^\W_]+(_[0-9a-f]{6})?", name) for name in found)


def test_another_like_it_does_not_rename_the_plain_one() -> None:
    generic: Any = Page
    for other in (Positive, Annotated[int, Field(le=2)], Annotated[int, Strict()]):
        found = names(Page[int], generic[other])
        assert "PageOfInt" in found
        assert len(found) == 2


@pytest.mark.parametrize(
    ("annotations", "name"),
    [
        ((Page[List[int]], Page[list[int]]), "PageOfListOfInt"),  # noqa: UP006 - as users write it
        ((Page[Dict[str, int]], Page[dict[str, int]]), "PageOfDictOfStrAndInt"),  # noqa: UP006
        ((Page[int], Page[Annotated[int, "a note"]]), "PageOfInt"),
        ((Page[int], Page[Annotated[int, Field(description="how many")]]), "PageOfInt"),
        ((Page["int"], Page[int]), "PageOfInt"),
    ],
)
def test_types_with_one_schema_are_one_type(annotations: tuple[Any, ...], name: str) -> None:
    for direction in ("client", "server"):
        assert names(*annotations, direction=direction) == {name}
        assert names(*annotations[::-1], direction=direction) == {name}


def test_a_type_is_one_if_clients_send_it_in_one_spelling_and_the_server_in_another() -> None:
    events = (
        EventEntry("in", "client", Page[List[int]]),  # noqa: UP006 - as users write it
        EventEntry("out", "server", Page[list[int]]),
    )
    types = build(ContractSource("t", events=events)).document["types"]
    assert set(types) == {"PageOfListOfInt"}


def test_names_do_not_hold_addresses() -> None:
    def check(value: object) -> bool:
        return bool(value)

    one = Page[Annotated[int, Predicate(check)]]
    two = Page[Annotated[int, Field(ge=1), Predicate(check)]]
    assert all("0x" not in name and len(name) < 24 for name in names(one, two, Page[int]))


def test_names_are_in_the_form_in_which_python_reads_them() -> None:
    assert names(model("Cafe\u0301", "a")) == {"Caf\u00e9"}
    assert names(model("x\u00b2", "a")) == {"x2"}


# ---- the main module


def test_the_main_module_has_no_name_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").touch()
    main = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    main.__spec__ = None
    assert type_path("__main__.User:1", {}).parts == ("main", "User")
    main.__file__ = str(package / "app.py")
    assert type_path("__main__.User:1", {}).parts == ("shop", "app", "User")
    main.__file__ = str(Path(tmp_path) / "app.py")
    assert type_path("__main__.User:1", {}).parts == ("app", "User")
    main.__spec__ = types.SimpleNamespace(name="shop.__main__")  # type: ignore[assignment]
    assert type_path("__main__.User:1", {}).parts == ("shop", "User")
