"""The table of verdicts, row by row: a payload changes, and each direction has its level."""

from typing import Any

import pytest
from pydantic import BaseModel

from bytesocket_app.contract.compatibility import Code
from tests.support.compatibility import found, levels
from tests.support.verdict_rows import fields, groups, making, values
from tests.support.verdict_rows.groups import Cat, Dog, tagged
from tests.support.verdict_rows.making import INT, Levels, Table, named

TABLE: Table = {**fields.TABLE, **values.TABLE, **groups.TABLE}


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_what_clients_send_is_judged(row: tuple[Any, Any, Levels, Any]) -> None:
    old, new, expected, _ = row
    assert levels(found(old, new, "c2s")) == expected


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_what_the_server_sends_is_judged(row: tuple[Any, Any, Any, Levels]) -> None:
    old, new, _, expected = row
    assert levels(found(old, new, "s2c")) == expected


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


def test_one_type_in_two_unions_is_judged_with_what_each_requires() -> None:
    old = making.fields(first=(Cat, ...), second=(Cat, ...))
    new = making.fields(first=(Cat, ...), second=(tagged(Cat, Dog), ...))
    paths = {one.code.value: one.path for one in found(old, new, "c2s")}
    assert paths["FIELD_REQUIRED"] == "$.second.kind"


def test_every_code_of_payloads_is_in_the_table() -> None:
    shown = {code for row in TABLE.values() for found in row[2:] for code in found}
    names = list(Code)
    assert set(names[names.index(Code.FIELD_ADDED) :]) <= shown
