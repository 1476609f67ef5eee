"""Types that mix bytes with what JSON mode reads otherwise mean the same on both codecs."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import core_schema

from bytesocket_app.events import PayloadType
from bytesocket_app.events.raw import json_validator
from bytesocket_app.wire import decode

AT = datetime(2020, 1, 2, tzinfo=UTC)
TEXT_ID = "12345678-1234-5678-1234-567812345678"


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    at: datetime
    raw: bytes
    pair: tuple[int, bytes] = (0, b"")


class Mixed(BaseModel):
    id: UUID | str
    raw: bytes
    either: str | bytes = ""
    more: Any = None
    named: dict[str, bytes] = Field(default_factory=dict[str, bytes])


class Tree(BaseModel):
    model_config = ConfigDict(strict=True)

    leaf: bytes
    at: datetime
    children: "list[Tree]" = Field(default_factory=list["Tree"])


def upper(value: Any) -> Any:
    return value.upper()


class Custom(BaseModel):
    id: str | UUID
    raw: Annotated[bytes, BeforeValidator(upper)]


VALUES: list[tuple[Any, Any]] = [
    (Strict, Strict(at=AT, raw=b"\xff\x00", pair=(1, b"\xfe"))),
    (Strict, Strict(at=AT, raw=b"text")),
    (Mixed, Mixed(id=UUID(TEXT_ID), raw=b"\xff", either=b"\xfd", more=None, named={"a": b"\xfe"})),
    (Mixed, Mixed(id="plain", raw=b"", either="text", more={"a": [1, "b"]})),
    (Tree, Tree(leaf=b"\xff", at=AT, children=[Tree(leaf=b"\xfe", at=AT)])),
    (list[datetime | bytes], [b"\xff", AT]),
    (dict[str, UUID | bytes], {"a": b"\xff", "b": UUID(TEXT_ID)}),
]


@pytest.mark.parametrize(("annotation", "value"), VALUES)
def test_raw_bytes_and_text_forms_live_in_one_model(annotation: Any, value: Any) -> None:
    payload = PayloadType(annotation)
    decoded = decode(payload.dump(value, "binary"), is_binary=True)
    assert payload.validate(decoded, "binary") == value


@pytest.mark.parametrize(("annotation", "value"), VALUES[1:2] + VALUES[3:4])
def test_values_of_text_alone_are_equal_on_both_codecs(annotation: Any, value: Any) -> None:
    payload = PayloadType(annotation)
    for codec in ("json", "binary"):
        name: Any = codec
        decoded = decode(payload.dump(value, name), codec == "binary")
        assert payload.validate(decoded, name) == value


def test_text_is_bytes_too_where_bytes_are_wanted() -> None:
    decoded = {"at": "2020-01-02T00:00:00Z", "raw": "ü"}
    for codec in ("json", "binary"):
        name: Any = codec
        assert PayloadType(Strict).validate(decoded, name).raw == "ü".encode()


@pytest.mark.parametrize(
    "annotation", [datetime | bytes, bytes | datetime, UUID | bytes, bytes | UUID, str | bytes]
)
@pytest.mark.parametrize("text", [TEXT_ID, "2020-01-02T00:00:00Z", "x"])
def test_text_in_a_union_with_bytes_is_what_json_says(annotation: Any, text: str) -> None:
    payload = PayloadType(list[annotation])
    binary, json = payload.validate([text], "binary"), payload.validate([text], "json")
    if annotation != str | bytes:
        assert (binary, type(binary[0])) == (json, type(json[0]))
    assert payload.validate([b"\xff"], "binary") == [b"\xff"]


def test_a_wrong_value_for_bytes_is_one_problem() -> None:
    with pytest.raises(ValidationError) as caught:
        PayloadType(Strict).validate({"at": "2020-01-02T00:00:00Z", "raw": 5}, "binary")
    (problem,) = caught.value.errors()
    assert problem["loc"][0] == "raw"


def test_bytes_are_no_text_where_text_is_wanted() -> None:
    with pytest.raises(ValidationError, match="bytes are no text"):
        PayloadType(Mixed).validate({"id": b"abc", "raw": b""}, "binary")


def test_bytes_reach_what_takes_anything_as_they_are() -> None:
    decoded = {"id": "a", "raw": b"", "more": {"deep": [b"\xff", "x", 5]}}
    assert PayloadType(Mixed).validate(decoded, "binary").more == {"deep": [b"\xff", "x", 5]}


@pytest.mark.parametrize("bad", [{}, {"at": 5.5, "raw": []}, {"at": "\ud800", "raw": b""}, b"x"])
def test_invalid_values_are_refused(bad: Any) -> None:
    with pytest.raises(ValidationError):
        PayloadType(Strict).validate(bad, "binary")


def test_a_validator_of_ones_own_sees_bytes_and_no_mark() -> None:
    payload = PayloadType(Custom)
    assert json_validator(payload.adapter.core_schema) is None
    assert payload.validate({"id": "a", "raw": b"abc"}, "binary").raw == b"ABC"


def test_bytes_of_fields_named_as_parts_of_a_schema_are_written_raw() -> None:
    class Report(BaseModel):
        metadata: bytes
        default: list[bytes]
        ref: bytes

    value = {"metadata": b"\xff", "default": [b"\xfe"], "ref": b"a"}
    written = PayloadType(Report).dump(Report.model_validate(value), "binary")
    assert decode(written, is_binary=True) == value


def test_choices_may_be_labelled() -> None:
    schema = core_schema.union_schema(
        [core_schema.datetime_schema(), (core_schema.bytes_schema(), "raw")]
    )
    validate = json_validator(schema)
    assert validate is not None
    assert validate(b"\xff") == b"\xff"
    assert validate("2020-01-02T00:00:00Z") == AT
