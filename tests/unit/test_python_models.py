"""Types as declarations."""

from typing import Any

import pytest

from bytesocket_cli.codegen.python_models import ModelWriter, received_types
from bytesocket_cli.codegen.python_types import AnnotationWriter
from tests.support.contracts import (
    INTEGER,
    STRING,
    event,
    model,
    ref,
    room,
    room_event,
)

BYTES: dict[str, Any] = {"type": "string", "format": "binary"}


def writer(types: dict[str, Any], received: set[str] | None = None) -> ModelWriter:
    names = {name: name for name in types}
    return ModelWriter(types, names, AnnotationWriter(types, names), received=received)


def declared(types: dict[str, Any], name: str, known: str = "") -> str:
    return "\n".join(writer(types).declaration(name, "", known.split()))


def field(schema: dict[str, Any], *, required: bool = False) -> str:
    payload = {"type": "object", "properties": {"x": schema}, "required": ["x"] if required else []}
    return declared({"M": payload}, "M").splitlines()[1].strip()


@pytest.mark.parametrize(
    ("schema", "line"),
    [
        ({**INTEGER, "default": 3}, "x: int = 3"),
        ({**STRING, "default": "a"}, 'x: str = "a"'),
        ({"anyOf": [STRING, {"type": "null"}], "default": None}, "x: str | None = None"),
        ({"anyOf": [STRING, {"type": "null"}], "default": "a"}, 'x: str | None = "a"'),
        ({"anyOf": [{**STRING, "format": "date"}, {"type": "null"}], "default": None},
         "x: _dt.date | None = None"),
        ({"enum": ["a"], "default": "a"}, 'x: _t.Literal["a"] = "a"'),
        ({"const": "a", "default": "a"}, 'x: _t.Literal["a"] = "a"'),
        ({"const": "a"}, 'x: _t.Literal["a"] | _bs.Unset = _bs.UNSET'),
        ({"const": True, "default": None}, "x: _t.Literal[True] | _bs.Unset = _bs.UNSET"),
        (INTEGER, "x: int | _bs.Unset = _bs.UNSET"),
        ({**STRING, "format": "date", "default": "2030-01-01"},
         "x: _dt.date | _bs.Unset = _bs.UNSET"),
        ({"type": "array", "items": STRING, "default": []},
         "x: list[str] | _bs.Unset = _bs.UNSET"),
        ({"x-type": "decimal", "anyOf": [STRING], "default": "1"},
         "x: _decimal.Decimal | _bs.Unset = _bs.UNSET"),
    ],
)  # fmt: skip
def test_a_default_is_shown_where_it_is_a_plain_value(schema: dict[str, Any], line: str) -> None:
    assert field(schema) == line


def test_a_required_field_has_no_default() -> None:
    assert field({**INTEGER, "default": 3}, required=True) == "x: int"


def test_declarations_follow_what_they_refer_to() -> None:
    types = {
        "A": model({"b": ref("B")}),
        "B": model({"c": ref("C")}),
        "C": model({"b": ref("B"), "missing": ref("D")}),
        "D": STRING,
    }
    assert writer(types).ordered() == ["D", "C", "B", "A"]


def test_what_is_declared_later_is_written_as_text() -> None:
    types = {"A": model({"b": ref("B"), "c": {"enum": ["x"]}}), "B": {"anyOf": [STRING, ref("B")]}}
    text = declared(types, "A")
    assert '    b: "B"' in text
    assert "    c: '_t.Literal[\"x\"]'" in text
    assert declared(types, "B") == 'B = _te.TypeAliasType("B", "str | _BAgain")\n_BAgain = B'
    assert declared(types, "B", known="B") == "B: _t.TypeAlias = str | B"


def test_a_documented_model_is_laid_out() -> None:
    payload = model({"x": {**STRING, "description": "One."}}, "All.")
    assert declared({"M": payload}, "M") == (
        'class M(_bs.Model):\n    """All."""\n\n    x: str\n    """One."""'
    )


def test_an_empty_model_passes() -> None:
    assert declared({"M": model({})}, "M") == "class M(_bs.Model):\n    pass"


@pytest.mark.parametrize(
    ("values", "base"),
    [(["a", "b"], "_enum.StrEnum"), ([1, 2], "_enum.IntEnum"), ([1, "b"], "_enum.Enum")],
)
def test_enums_keep_their_members(values: list[Any], base: str) -> None:
    schema = {"enum": values, "x-enum-names": ["A", "B"], "description": "Both."}
    first, second, third, *doc = declared({"E": schema}, "E").splitlines()
    assert first == f"class E({base}):"
    assert (second[:8], third[:8]) == ("    A = ", "    B = ")
    assert doc == ['    """Both."""']


@pytest.mark.parametrize(("extra", "kept"), [(True, True), (STRING, True), (False, False)])
def test_extra_keys_are_allowed_where_the_contract_does(extra: Any, kept: bool) -> None:
    payload = {**model({"x": STRING}), "additionalProperties": extra}
    assert ('extra="allow"' in declared({"M": payload}, "M")) is kept


def test_unions_demand_their_tags() -> None:
    union = {
        "oneOf": [ref("Cat"), {"type": "null"}],
        "discriminator": {"propertyName": "kind"},
    }
    kinds = {"enum": ["cat", "lion"], "type": "string", "default": "cat"}
    types = {"Cat": model({}, kind=kinds), "Zoo": model({"pet": union})}
    assert '    kind: _t.Literal["cat", "lion"]' in declared(types, "Cat").splitlines()


@pytest.mark.parametrize(
    ("ways", "annotations", "setting"),
    [
        (["utf8"], ["bytes"], ""),
        (["base64"], ["_bs.Base64Bytes"], "base64"),
        (["hex", "hex"], ["_bs.HexBytes"] * 2, "hex"),
        (["hex", "base64"], ["_bs.HexBytes", "_bs.Base64Bytes"], ""),
        (["hex", "utf8"], ["_bs.HexBytes", "bytes"], ""),
    ],
)
def test_bytes_are_written_to_json_as_each_place_says(
    ways: list[str], annotations: list[str], setting: str
) -> None:
    members: dict[str, Any] = {f"f{at}": {**BYTES, "x-bytes": way} for at, way in enumerate(ways)}
    payload = {"properties": members, "required": list(members), "type": "object"}
    shown = [f"    f{at}: {text}" for at, text in enumerate(annotations)]
    assert declared({"M": payload}, "M").splitlines()[1:] == shown
    # Bytes inside of `Any` have no encoding of their own: the class says it, if it can.
    config = f'    model_config = _p.ConfigDict(ser_json_bytes="{setting}")'
    anything: dict[str, Any] = {**payload, "properties": {**members, "any": {}}}
    assert (config in declared({"M": anything}, "M")) is bool(setting)


def test_tags_of_inner_unions_are_demanded_too() -> None:
    kinds = {"enum": ["a", "b"], "type": "string", "default": "a"}
    inner = {"oneOf": [ref("Cat")], "discriminator": {"propertyName": "breed"}}
    types = {"Cat": model({}, kind=kinds, breed=kinds), "Inner": inner}
    outer = {"oneOf": [ref("Inner")], "discriminator": {"propertyName": "kind"}}
    names = {name: name for name in types}
    made = ModelWriter(types, names, AnnotationWriter(types, names), [outer])
    lines = made.declaration("Cat", "", [])
    assert '    kind: _t.Literal["a", "b"]' in lines
    assert '    breed: _t.Literal["a", "b"]' in lines


def test_a_null_that_a_field_does_not_take_is_no_default_of_the_client() -> None:
    assert field({**INTEGER, "default": None}) == "x: int | _bs.Unset = _bs.UNSET"


def test_infinities_are_written_to_json_as_the_server_does() -> None:
    schema = {"type": "number", "x-inf-nan": "strings"}
    assert field(schema, required=True) == "x: _bs.AnyFloat"


def test_what_is_only_sent_refuses_unknown_members() -> None:
    types = {"Sent": model({"x": STRING}), "Heard": model({"x": STRING})}
    made = writer(types, received={"Heard"})
    forbids = '    model_config = _p.ConfigDict(extra="forbid")'
    assert forbids in made.declaration("Sent", "", [])
    assert forbids not in made.declaration("Heard", "", [])


def test_what_arrives_is_found_through_references_replies_and_refusals() -> None:
    named = {name: model({}) for name in ("Sent", "Out", "Reply", "InRoom", "Refused", "Inner")}
    types = {**named, "Out": model({"inner": {"type": "array", "items": ref("Inner")}})}
    document = {
        "types": types,
        "events": [
            event("a", "client", ref("Sent"), reply=ref("Reply")),
            event("b", "server", ref("Out")),
        ],
        "rooms": [room("r", client_events=[room_event("a", ref("InRoom"))])],
        "refusals": {"no": {"doc": "", "data": ref("Refused")}},
    }
    assert received_types(document) == set(types) - {"Sent"}


def test_declared_kinds_of_extra_members_are_written() -> None:
    payload = {**model({"x": STRING}), "additionalProperties": {**STRING, "format": "date"}}
    line = "    __pydantic_extra__: dict[str, _dt.date] = _p.Field(init=False)"
    assert line in declared({"M": payload}, "M")


@pytest.mark.parametrize(
    ("tag", "is_used_alone", "line"),
    [
        ({"const": "cat"}, False, 'kind: _t.Literal["cat"] = "cat"'),
        ({"const": "cat"}, True, 'kind: _t.Literal["cat"] | _bs.Unset = _bs.UNSET'),
        ({"const": "cat", "default": "cat"}, True, 'kind: _t.Literal["cat"] = "cat"'),
        ({"enum": ["a", "b"]}, False, 'kind: _t.Literal["a", "b"]'),
        ({"enum": ["a", "b"]}, True, 'kind: _t.Literal["a", "b"] | _bs.Unset = _bs.UNSET'),
    ],
)
def test_a_tag_that_may_be_absent_elsewhere_is_not_made_up(
    tag: dict[str, Any], is_used_alone: bool, line: str
) -> None:
    union = {"oneOf": [ref("Cat")], "discriminator": {"propertyName": "kind"}}
    cat = {"type": "object", "properties": {"kind": tag}}
    zoo = model({"pet": union, **({"own": ref("Cat")} if is_used_alone else {})})
    assert f"    {line}" in declared({"Cat": cat, "Zoo": zoo}, "Cat").splitlines()
