"""Large payloads: validation stops early, and reads what is valid as it always does."""

import json
from collections import Counter, OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import GenericAlias
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import msgpack
import pytest
from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    field_validator,
    with_config,
)
from typing_extensions import TypedDict

from bytesocket_app.dispatch.answers import MAX_DETAILS, validation_details
from bytesocket_app.events.payload import PayloadType
from bytesocket_app.types import CodecName
from bytesocket_app.wire import UNLIMITED, decode

MANY = 2500
CLOSED = ConfigDict(extra="forbid")
STRICT = ConfigDict(strict=True)


class First(BaseModel):
    kind: Literal["first"] = "first"
    x: int
    y: int


class Second(BaseModel):
    kind: Literal["second"] = "second"
    z: int
    w: int


class Strict(BaseModel):
    model_config = STRICT
    items: list[First | Second] = []
    by_name: dict[str, int] = {}


class Closed(BaseModel):
    model_config = CLOSED
    x: int = 0
    same: int = Field(default=0, validation_alias=AliasChoices("a", AliasPath("b", 0)))


class StrictClosed(BaseModel):
    model_config = CLOSED | STRICT
    x: int = 0


class Extras(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int]  # pyright: ignore[reportIncompatibleVariableOverride] - as Pydantic has it
    x: int = 0


class Tree(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: "dict[str, Tree]"  # pyright: ignore[reportIncompatibleVariableOverride] - as Pydantic has it
    leaves: list[int] = []


@with_config(CLOSED)
class ClosedDict(TypedDict):
    x: int


@dataclass
class ClosedData:
    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    x: int = 0


class Pair(NamedTuple):
    left: int
    right: list[int]


class Odd(BaseModel):
    """Names of fields that are also keys of a schema."""

    type: list[int]
    config: int
    default: list[int]
    metadata: list[int]
    ref: int


class Raw(BaseModel):
    model_config = STRICT
    parts: list[bytes]


class Loud(BaseModel):
    items: list[int]

    @field_validator("items", mode="before")
    @classmethod
    def heard(cls, value: Any) -> Any:
        return value


def five(number: int) -> dict[str, Any]:
    return {f"f{number}_{index}": (int, ...) for index in range(5)}


TWENTY: list[Any] = [create_model(f"Model{i}", **five(i)) for i in range(20)]
TWENTY_CLOSED: list[Any] = [
    create_model(f"Shut{i}", __config__=CLOSED, x=(int, 0)) for i in range(20)
]


def union(models: list[Any]) -> Any:
    found = models[0]
    for one in models[1:]:
        found |= one
    return found


ONE_OF_TWENTY: Any = GenericAlias(list, (union(TWENTY),))
Tagged = Annotated[First | Second, Field(discriminator="kind")]


def names(value: Any, count: int = MANY) -> dict[str, Any]:
    return {f"name{i}": value for i in range(count)}


BOMBS: dict[str, tuple[Any, Any]] = {
    "list of a union": (list[First | Second], [{}] * MANY),
    "list of integers": (list[int], [""] * MANY),
    "list of twenty models": (ONE_OF_TWENTY, [{}] * MANY),
    "list of a tagged union": (list[Tagged], [{}] * MANY),
    "set": (set[int], list(names(""))),
    "frozenset": (frozenset[int], list(names(""))),
    "tuple": (tuple[int, ...], [""] * MANY),
    "deque": (deque[int], [""] * MANY),
    "sequence": (Sequence[int], [""] * MANY),
    "dict of integers": (dict[str, int], names("")),
    "dict with integers as keys": (dict[int, int], names(1)),
    "dict of a union": (dict[str, First | Second], names({})),
    "mapping": (Mapping[str, int], names("")),
    "ordered dict": (OrderedDict[str, int], names("")),
    "counter": (Counter[str], names("")),
    "lists in lists": (list[list[list[int]]], [[[""] * 20] * 20] * 50),
    "strict list of a union": (Strict, {"items": [{}] * MANY}),
    "strict dict": (Strict, {"by_name": names("")}),
    "closed model": (Closed, names(0)),
    "strict closed model": (StrictClosed, names(0)),
    "list of closed models": (list[Closed], [names(0, 100)] * 20),
    "list of strict closed models": (list[StrictClosed], [names(0, 100)] * 20),
    "twenty closed models": (union(TWENTY_CLOSED), names(0)),
    "closed typed dict": (ClosedDict, names(0)),
    "closed dataclass": (ClosedData, names(0)),
    "typed extras": (Extras, names("")),
    "extras that hold themselves": (Tree, names({"leaves": [""] * 2}, 1000)),
    "named tuple": (Pair, [1, [""] * MANY]),
    "strict bytes": (Raw, {"parts": [1] * MANY}),
    "a validator in front": (Loud, {"items": [""] * MANY}),
}

CODECS: tuple[CodecName, ...] = ("json", "binary")


def sent(value: Any, codec: CodecName) -> tuple[Any, int]:
    """The value as it comes over the wire, and the size of its frame."""
    is_binary = codec == "binary"
    frame = msgpack.packb(value) if is_binary else json.dumps(value).encode()
    return decode(frame, is_binary), len(frame)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_makes_few_problems(name: str, codec: CodecName) -> None:
    annotation, value = BOMBS[name]
    payload = PayloadType(annotation)
    decoded, size = sent(value, codec)
    assert size > payload.small
    with pytest.raises(ValidationError) as caught:
        payload.validate_large(decoded, codec)
    # Twenty closed models tell of the same sixteen members each.
    assert 1 <= caught.value.error_count() <= 20 * 16
    assert 1 <= len(validation_details(caught.value)) <= MAX_DETAILS


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("name", BOMBS)
def test_the_first_problem_is_told_as_for_a_small_payload(name: str, codec: CodecName) -> None:
    annotation, value = BOMBS[name]
    payload = PayloadType(annotation)
    decoded, _ = sent(value, codec)
    with pytest.raises(ValidationError) as caught:
        payload.validate_large(decoded, codec)
    with pytest.raises(ValidationError) as whole:
        payload.validate(decoded, codec)
    every = {(one["loc"], one["type"], one["msg"]) for one in whole.value.errors()}
    told = {(one["loc"], one["type"], one["msg"]) for one in caught.value.errors()}
    assert told <= every


VALID: list[tuple[Any, Any]] = [
    (list[First | Second], [{"x": 1, "y": 2}, {"z": 1, "w": 2}] * 50),
    (dict[str, int] | dict[str, float], names(1.0, 50)),
    (list[int] | list[float] | list[str], [1, 2, 3.5]),
    (list[int] | list[float] | list[str], ["1", "2"]),
    (Closed | First, {"x": 1, "y": 2}),
    (Closed | First, {"x": 1, "a": 2}),
    (Closed | First, {"x": 1, "b": [3, 4]}),
    (StrictClosed | First, {"x": 1, "y": 2}),
    (StrictClosed | Closed | First, {"x": 1}),
    (Strict, {"items": [{"x": 1, "y": 2}], "by_name": {"a": 1}}),
    (StrictClosed, {}),
    (list[StrictClosed], [{"x": 1}] * 50),
    (Extras | First, {"x": 1, "y": 2}),
    (Extras, names(1, 50) | {"x": "3"}),
    (Tree, names({"leaves": ["1"], "more": names({}, 40)}, 40)),
    (ClosedDict, {"x": "1"}),
    (ClosedDict | First, {"x": 1, "y": 2}),
    (ClosedData, {"x": "1"}),
    (list[Tagged], [{"kind": "second", "z": 1, "w": "2"}] * 20),
    (Pair, [1, ["2"]]),
    (Odd, {"type": [1], "config": 1, "default": ["2"], "metadata": [3], "ref": 4}),
    (Counter[str], {"a": 1}),
    (union(TWENTY), {f"f7_{j}": j for j in range(5)}),
    (union(TWENTY_CLOSED), {"x": 1}),
]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("number", range(len(VALID)))
def test_what_is_valid_is_read_alike(number: int, codec: CodecName) -> None:
    annotation, value = VALID[number]
    payload = PayloadType(annotation)
    decoded, _ = sent(value, codec)
    whole, large = payload.validate(decoded, codec), payload.validate_large(decoded, codec)
    assert type(whole) is type(large)
    assert repr(whole) == repr(large)
    assert whole == large


@pytest.mark.parametrize("annotation", [First, str, int | None, Any])
def test_types_without_collections_have_one_validation(annotation: Any) -> None:
    payload = PayloadType(annotation)
    assert payload.small == UNLIMITED
    assert payload.validate_large is payload.validate


@pytest.mark.parametrize(
    ("annotation", "problems"),
    [
        (list[int], 1),
        (list[First], 3),
        (list[First | Second], 6),
        (list[Tagged], 3),
        (ONE_OF_TWENTY, 100),
        (Tree, 1),
        (Closed, 2),
    ],
)
def test_the_more_problems_an_element_may_have_the_smaller_is_small(
    annotation: Any, problems: int
) -> None:
    assert PayloadType(annotation).small == 2048 // problems


def test_raw_bytes_stay_bytes_in_a_large_message() -> None:
    decoded, _ = sent({"parts": [b"\xff", b"a"] * 600}, "binary")
    assert PayloadType(Raw).validate_large(decoded, "binary").parts[0] == b"\xff"


def test_a_field_named_metadata_counts_for_how_a_type_is_read() -> None:
    class Report(BaseModel):
        metadata: bytes

    assert PayloadType(Report).has_bytes
    assert PayloadType(Report).validate_fast is None


class Nested(TypedDict):
    __pydantic_config__ = CLOSED  # type: ignore[misc]
    x: int
    inside: "list[Nested | list[Nested] | int]"


@pytest.mark.parametrize(
    "text", ['{"x": ""}', '{"x": 1, "inside": [{}, [{"x": ""}]]}', '[{"y": 1}]']
)
def test_a_choice_of_a_union_has_the_same_name_in_a_large_message(text: str) -> None:
    payload = PayloadType(list[Nested | list[Nested] | int])
    places: list[set[tuple[str | int, ...]]] = []
    for validate in (payload.validate, payload.validate_large):
        with pytest.raises(ValidationError) as caught:
            validate([json.loads(text)], "json")
        places.append({problem["loc"] for problem in caught.value.errors()})
    assert places[1] <= places[0]
