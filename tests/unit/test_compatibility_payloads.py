"""The table of verdicts, row by row: a payload changes, and each direction has its level."""

from collections import Counter
from typing import Any, Literal, Union

import pytest
from pydantic import BaseModel

from bytesocket_app.contract.compatibility import Code
from bytesocket_app.contract.compatibility.schemas import Comparison
from tests.support.compatibility import Side, found, levels
from tests.support.verdict_rows import code, fields, groups, making, values
from tests.support.verdict_rows.groups import Cat, Dog, tagged
from tests.support.verdict_rows.making import INT, Levels, Table, named

TABLE: Table = {**fields.TABLE, **values.TABLE, **groups.TABLE, **code.TABLE}


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_what_clients_send_is_judged(row: tuple[Any, Any, Levels, Any]) -> None:
    old, new, expected, _ = row
    assert levels(found(old, new, "c2s")) == expected


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_what_the_server_sends_is_judged(row: tuple[Any, Any, Any, Levels]) -> None:
    old, new, _, expected = row
    assert levels(found(old, new, "s2c")) == expected


@pytest.mark.parametrize("row", code.PAIRS.values(), ids=code.PAIRS)
def test_the_worst_level_of_a_pair_is_as_expected(row: tuple[Any, Any, str, str]) -> None:
    old, new, sent, received = row
    sides: tuple[Side, Side] = ("c2s", "s2c")
    changed = [found(making.one(old), making.one(new), side) for side in sides]
    worst = tuple(one[0].level.value if one else "safe" for one in changed)
    assert worst == (sent, received), [[str(one.code) for one in each] for each in changed]


@pytest.mark.parametrize("payload", [row[0] for row in TABLE.values()], ids=TABLE)
def test_the_same_type_has_no_findings(payload: Any) -> None:
    assert not found(payload, payload, "c2s")
    assert not found(payload, payload, "s2c")


class Leaf(BaseModel):
    size: int


def nested(leaf: type[BaseModel], depth: int, suffix: str) -> Any:
    """Unions in unions, of models that are named after the suffix."""
    inner: Any = leaf
    for level in range(depth):
        members = [
            named(f"{kind}{level}{suffix}", inside=(inner, ...), **{kind: INT})
            for kind in ("left", "right")
        ]
        inner = members[0] | members[1]
    return inner


@pytest.mark.parametrize("suffix", ["", "New"])
def test_deeply_nested_unions_are_compared_in_one_walk(suffix: str) -> None:
    narrow = named("Leaf", size=INT, added=INT)
    old = nested(Leaf, 12, "")
    assert levels(found(old, nested(narrow, 12, suffix), "c2s"))["FIELD_ADDED_REQUIRED"] == "wire"


def many(count: int, suffix: str, wrap: Any, **more: Any) -> Any:
    """A union of models without tags."""
    made = [named(f"M{at}{suffix}", **{f"value{at}": INT}, kind=INT, **more) for at in range(count)]
    return making.one(Union[tuple(wrap(model) for model in made)])  # noqa: UP007 - a tuple


def as_it_is(model: Any) -> Any:
    return model


def listed(model: Any) -> Any:
    return list[model]


@pytest.mark.parametrize("side", ["c2s", "s2c"])
@pytest.mark.parametrize("wrap", [as_it_is, listed])
@pytest.mark.parametrize("more", [{}, {"more": INT}, {"more": (int, 0)}])
def test_renamed_members_of_a_union_are_compared_with_their_likes_only(
    monkeypatch: pytest.MonkeyPatch, side: Side, wrap: Any, more: Any
) -> None:
    compared: Counter[int] = Counter()
    compare = Comparison.compare

    def counted(self: Comparison, *schemas: Any) -> Any:
        compared[size] += 1
        return compare(self, *schemas)

    for size in (60, 120):
        old, new = many(size, "", wrap), many(size, "New", wrap, **more)
        with monkeypatch.context() as patch:
            patch.setattr(Comparison, "compare", counted)
            codes = Counter(one.code.value for one in found(old, new, side))
        assert codes["TYPE_RENAMED"] == size
        assert sum(codes.values()) == size * (2 if more else 1)
    assert compared[120] <= 2.5 * compared[60], compared


@pytest.mark.parametrize("side", ["c2s", "s2c"])
@pytest.mark.parametrize("is_tagged", [True, False])
def test_changed_members_of_a_union_are_not_compared_with_each_of_the_others(
    monkeypatch: pytest.MonkeyPatch, side: Side, is_tagged: bool
) -> None:
    compared: Counter[int] = Counter()
    compare = Comparison.compare

    def counted(self: Comparison, *schemas: Any) -> Any:
        compared[size] += 1
        return compare(self, *schemas)

    def union(kind: Any) -> Any:
        members = [
            making.named(f"M{at}", kind=(Literal[f"m{at}"], ...), value=(kind, ...))
            for at in range(size)
        ]
        return tagged(*members) if is_tagged else Union[tuple(members)]  # noqa: UP007 - a tuple

    for size in (40, 80):
        with monkeypatch.context() as patch:
            patch.setattr(Comparison, "compare", counted)
            codes = Counter(
                one.code.value
                for one in found(making.one(union(int)), making.one(union(str)), side)
            )
        assert codes == {"TYPE_CHANGED": size}
    assert compared[80] <= 2.5 * compared[40], compared


def test_a_list_that_is_a_set_now_is_told_in_words() -> None:
    said = {one.code.value: one.message for one in found(list[int], set[int], "c2s")}
    assert said["PYTHON_TYPE_CHANGED"].endswith("(list -> set)")


def test_one_type_in_two_unions_is_judged_with_what_each_requires() -> None:
    old = making.fields(first=(Cat, ...), second=(Cat, ...))
    new = making.fields(first=(Cat, ...), second=(tagged(Cat, Dog), ...))
    paths = {one.code.value: one.path for one in found(old, new, "c2s")}
    assert paths["FIELD_REQUIRED"] == "$.second<kind=cat>.kind"


def test_every_code_of_payloads_is_in_the_table() -> None:
    shown = {code for row in TABLE.values() for found in row[2:] for code in found}
    names = list(Code)
    assert set(names[names.index(Code.FIELD_ADDED) :]) <= shown
