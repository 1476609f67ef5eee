"""Types as declarations."""

from typing import Any

import pytest

from bytesocket_cli.codegen.python_models import ModelWriter, json_config
from bytesocket_cli.codegen.python_types import AnnotationWriter
from tests.support.contracts import INTEGER, STRING, model, ref

BYTES: dict[str, Any] = {"type": "string", "format": "binary"}


def writer(types: dict[str, Any], config: dict[str, str] | None = None) -> ModelWriter:
    names = {name: name for name in types}
    return ModelWriter(types, names, AnnotationWriter(types, names), config or {})


def declared(types: dict[str, Any], name: str, known: str = "") -> str:
    return "\n".join(writer(types).declaration(name, "_p.BaseModel", known.split()))


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
        ({"const": "a"}, 'x: _t.Literal["a"] = "a"'),
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
        'class M(_p.BaseModel):\n    """All."""\n\n    x: str\n    """One."""'
    )


def test_an_empty_model_passes() -> None:
    assert declared({"M": model({})}, "M") == "class M(_p.BaseModel):\n    pass"


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
    ("ways", "config"),
    [
        ([], {}),
        (["utf8"], {}),
        (["base64"], {"ser_json_bytes": '"base64"', "val_json_bytes": '"base64"'}),
        (["hex", "hex"], {"ser_json_bytes": '"hex"', "val_json_bytes": '"hex"'}),
        (["hex", "base64"], {}),
    ],
)
def test_bytes_are_written_to_json_as_the_server_does(
    ways: list[str], config: dict[str, str]
) -> None:
    assert json_config([{**BYTES, "x-bytes": way} for way in ways]) == config
    if config:
        assert "ConfigDict(ser_json_bytes=" in "\n".join(
            writer({"M": model({})}, config).declaration("M", "_p.BaseModel", [])
        )


def test_tags_of_inner_unions_are_demanded_too() -> None:
    kinds = {"enum": ["a", "b"], "type": "string", "default": "a"}
    inner = {"oneOf": [ref("Cat")], "discriminator": {"propertyName": "breed"}}
    types = {"Cat": model({}, kind=kinds, breed=kinds), "Inner": inner}
    outer = {"oneOf": [ref("Inner")], "discriminator": {"propertyName": "kind"}}
    names = {name: name for name in types}
    made = ModelWriter(types, names, AnnotationWriter(types, names), {}, [outer])
    lines = made.declaration("Cat", "_p.BaseModel", [])
    assert '    kind: _t.Literal["a", "b"]' in lines
    assert '    breed: _t.Literal["a", "b"]' in lines


def test_a_null_that_a_field_does_not_take_is_no_default_of_the_client() -> None:
    assert field({**INTEGER, "default": None}) == "x: int | _bs.Unset = _bs.UNSET"


def test_infinities_are_written_to_json_as_the_server_does() -> None:
    assert json_config([{"type": "number", "x-inf-nan": "strings"}]) == {
        "ser_json_inf_nan": '"strings"'
    }
