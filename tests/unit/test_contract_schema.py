"""Every way in which Pydantic's schemas lie or lose something, in both directions."""

import dataclasses
import datetime
import enum
import functools
import uuid
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NamedTuple, NotRequired, TypeVar

import pytest
from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    AwareDatetime,
    Base64Bytes,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    InstanceOf,
    JsonValue,
    NaiveDatetime,
    PlainSerializer,
    PlainValidator,
    RootModel,
    SecretStr,
    Tag,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    WrapSerializer,
    computed_field,
    field_serializer,
    model_serializer,
)
from pydantic import Json as PydanticJson
from pydantic.json_schema import SkipJsonSchema
from typing_extensions import TypeAliasType, TypedDict

from bytesocket_app.contract import ContractError, ContractSource, EventEntry, build

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def document(annotation: Any) -> dict[str, Any]:
    return build(ContractSource("t", events=(EventEntry("e", "both", annotation),))).document


def schemas(annotation: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The input and output schema of one type, looked up where it is a named one."""
    doc = document(annotation)
    event = doc["events"][0]

    def found(schema: dict[str, Any]) -> dict[str, Any]:
        types: dict[str, dict[str, Any]] = doc["types"]
        return types[schema["$ref"].removeprefix("#/types/")] if set(schema) == {"$ref"} else schema

    return found(event["input"]), found(event["output"])


def refusal(annotation: Any) -> str:
    with pytest.raises(ContractError) as caught:
        document(annotation)
    return str(caught.value)


# ---- presence


class Presence(BaseModel):
    a: int
    b: int | None
    c: int = 3
    d: int | None = None
    e: list[int] = Field(default_factory=list[int])
    g: int = Field(default=0, exclude=True)


def test_input_requires_what_has_no_default_and_output_what_is_always_sent() -> None:
    incoming, outgoing = schemas(Presence)
    assert incoming["required"] == ["a", "b"]
    assert outgoing["required"] == ["a", "b", "c", "d", "e"]
    assert "g" in incoming["properties"]
    assert "g" not in outgoing["properties"]


def test_a_field_that_is_left_out_by_its_value_may_be_absent_on_output() -> None:
    pytest.importorskip("pydantic", "2.12")

    class Sparse(BaseModel):
        a: int = Field(default=0, exclude_if=lambda value: value == 0)
        b: int = 1

    assert schemas(Sparse)[1]["required"] == ["b"]


def test_defaults_stand_in_input_only() -> None:
    incoming, outgoing = schemas(Presence)
    assert incoming["properties"]["c"] == {"type": "integer", "default": 3}
    assert outgoing["properties"]["c"] == {"type": "integer"}
    assert "default" not in incoming["properties"]["e"]


def test_null_is_a_value_and_no_absence() -> None:
    incoming, _ = schemas(Presence)
    assert incoming["properties"]["b"] == {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert incoming["properties"]["d"]["default"] is None


def test_a_missing_sentinel_may_be_absent_on_output() -> None:
    missing = pytest.importorskip("pydantic", "2.14").MISSING

    class Partial(BaseModel):
        x: int | missing = missing  # type: ignore[valid-type]
        y: Annotated[int | missing | None, AfterValidator(lambda value: value)] = None  # type: ignore[valid-type]
        z: int | str | missing = 3  # type: ignore[valid-type]
        w: int = 1

    incoming, outgoing = schemas(Partial)
    assert incoming["properties"]["x"] == {"type": "integer"}
    assert "required" not in incoming
    assert outgoing["required"] == ["w"]


def test_keys_that_a_typed_dict_need_not_have_stay_optional_on_output() -> None:
    class Doc(TypedDict):
        a: int
        b: NotRequired[int]

    incoming, outgoing = schemas(Doc)
    assert incoming["required"] == outgoing["required"] == ["a"]


def test_a_typed_dict_that_is_not_total_requires_nothing() -> None:
    class Loose(TypedDict, total=False):
        a: int

    _, outgoing = schemas(Loose)
    assert "required" not in outgoing


def test_defaults_of_a_dataclass_are_always_sent() -> None:
    @dataclasses.dataclass
    class Point:
        x: int
        y: int = 0

    incoming, outgoing = schemas(Point)
    assert incoming["required"] == ["x"]
    assert outgoing["required"] == ["x", "y"]
    assert "description" not in incoming


def test_defaults_of_a_named_tuple_are_always_sent() -> None:
    class Pair(NamedTuple):
        x: int
        y: str = "a"

    incoming, outgoing = schemas(Pair)
    assert (incoming["minItems"], incoming["maxItems"]) == (1, 2)
    assert (outgoing["minItems"], outgoing["maxItems"]) == (2, 2)


def test_computed_fields_are_on_output_only() -> None:
    class Square(BaseModel):
        side: int

        @computed_field
        def area(self) -> int:
            """How big."""
            return self.side**2

    incoming, outgoing = schemas(Square)
    assert list(incoming["properties"]) == ["side"]
    assert outgoing["required"] == ["area", "side"]
    assert outgoing["properties"]["area"]["readOnly"] is True


def test_what_is_hidden_from_input_is_shown_on_output() -> None:
    class Hidden(BaseModel):
        a: int | SkipJsonSchema[None] = None
        b: SkipJsonSchema[int] = 1

    incoming, outgoing = schemas(Hidden)
    assert incoming["properties"] == {"a": {"type": "integer", "default": None}}
    assert outgoing["properties"]["a"] == {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert outgoing["properties"]["b"] == {"type": "integer"}


def test_what_input_cannot_do_without_is_shown_in_spite_of_itself() -> None:
    class Needed(BaseModel):
        a: SkipJsonSchema[int]

    class Typed(TypedDict):
        a: NotRequired[SkipJsonSchema[int]]

    assert schemas(Needed)[0]["required"] == ["a"]
    assert schemas(Typed)[0]["properties"] == {}


def test_a_models_own_mode_override_does_not_turn_directions_around() -> None:
    class Stubborn(BaseModel):
        model_config = ConfigDict(json_schema_mode_override="validation")
        x: int = 1

    incoming, outgoing = schemas(Stubborn)
    assert "required" not in incoming
    assert outgoing["required"] == ["x"]


def test_sets_in_defaults_have_one_order_however_deep_they_are() -> None:
    class Inner(BaseModel):
        tags: set[str] = {"c", "a", "b"}

    class Outer(BaseModel):
        inner: Inner = Inner()
        lists: list[set[int]] | None = [{3, 1, 2}]
        by_name: dict[str, frozenset[str]] = {"x": frozenset({"b", "a", "c"})}
        pair: tuple[int, str] = (2, "b")
        free: dict[str, Any] = {"z": [2, 1]}

    properties = schemas(Outer)[0]["properties"]
    assert properties["inner"]["default"] == {"tags": ["a", "b", "c"]}
    assert properties["lists"]["default"] == [[1, 2, 3]]
    assert properties["by_name"]["default"] == {"x": ["a", "b", "c"]}
    assert properties["pair"]["default"] == [2, "b"]
    assert properties["free"]["default"] == {"z": [2, 1]}


def test_a_default_that_json_cannot_carry_is_left_out() -> None:
    class Odd(BaseModel):
        a: float = float("nan")
        b: list[float] = [float("inf")]
        c: dict[str, float] = {"x": float("nan")}
        d: Any = object()

    incoming, _ = schemas(Odd)
    assert all("default" not in schema for schema in incoming["properties"].values())
    assert "required" not in incoming


# ---- names on the wire


def test_properties_are_called_by_their_aliases() -> None:
    class Aliased(BaseModel):
        user_id: int = Field(alias="userId")
        split: int = Field(validation_alias="inName", serialization_alias="outName")
        choice: int = Field(validation_alias=AliasChoices(AliasPath("a", 0), "first", "second"))

    incoming, outgoing = schemas(Aliased)
    assert set(incoming["properties"]) == {"userId", "inName", "first"}
    assert set(outgoing["properties"]) == {"userId", "outName", "choice"}


def test_an_alias_path_alone_is_refused_with_its_field() -> None:
    class Deep(BaseModel):
        x: int = Field(validation_alias=AliasPath("point", 0))

    message = refusal(Deep)
    assert "event 'e'" in message
    assert "`Deep.x`" in message
    assert "AliasChoices" in message


def test_an_alias_path_is_fine_where_the_field_name_works_too() -> None:
    class Deep(BaseModel):
        model_config = ConfigDict(populate_by_name=True)
        x: int = Field(validation_alias=AliasPath("point", 0))

    assert set(schemas(Deep)[0]["properties"]) == {"x"}


def test_the_order_of_fields_is_kept_where_the_alphabet_would_change_it() -> None:
    class Ordered(BaseModel):
        b: int
        a: int

    class Alphabetic(BaseModel):
        a: int
        b: int

    assert schemas(Ordered)[0]["x-order"] == ["b", "a"]
    assert "x-order" not in schemas(Alphabetic)[0]


def test_a_property_named_like_a_keyword_is_a_property() -> None:
    class Tricky(BaseModel):
        title: str = Field(alias="title")
        default: int = 1
        required: list[str] = []
        properties: dict[str, int] = {}
        ref: str = Field(default="", alias="$ref")

    incoming, outgoing = schemas(Tricky)
    assert set(incoming["properties"]) == {"title", "default", "required", "properties", "$ref"}
    assert incoming["properties"]["title"] == {"type": "string"}
    assert outgoing["properties"]["default"] == {"type": "integer"}


# ---- unions


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]
    breed: Literal["big"] = "big"


class Pup(BaseModel):
    kind: Literal["dog"]
    breed: Literal["small"] = "small"


Dogs = Annotated[Dog | Pup, Field(discriminator="breed")]


def test_a_tag_with_a_default_is_required_at_the_union() -> None:
    incoming, outgoing = schemas(Annotated[Cat | Dog, Field(discriminator="kind")])
    assert incoming == {
        "oneOf": [
            {"$ref": "#/types/CatInput", "required": ["kind"]},
            {"$ref": "#/types/DogInput"},
        ],
        "discriminator": {"propertyName": "kind"},
    }
    assert outgoing["oneOf"] == [{"$ref": "#/types/Cat"}, {"$ref": "#/types/Dog"}]


def test_nested_tagged_unions_are_flat_and_require_every_tag() -> None:
    incoming, _ = schemas(Annotated[Cat | Dogs, Field(discriminator="kind")])
    assert incoming["oneOf"] == [
        {"$ref": "#/types/CatInput", "required": ["kind"]},
        {"$ref": "#/types/DogInput", "required": ["breed"]},
        {"$ref": "#/types/PupInput", "required": ["breed"]},
    ]


Felid = TypeAliasType("Felid", Annotated[Cat | Dog, Field(discriminator="kind")])


def test_a_tagged_union_behind_a_named_alias_still_requires_the_outer_tag() -> None:
    class Bird(BaseModel):
        kind: Literal["bird"] = "bird"

    incoming, _ = schemas(Annotated[Bird | Felid, Field(discriminator="kind")])
    branches = {branch.get("$ref"): branch.get("required") for branch in incoming["oneOf"]}
    assert branches["#/types/BirdInput"] == ["kind"]


def test_a_tag_is_called_by_its_alias_in_each_direction() -> None:
    class One(BaseModel):
        kind: Literal[1] = Field(1, validation_alias="in", serialization_alias="out")

    class Two(BaseModel):
        kind: Literal[2] = Field(2, validation_alias="in", serialization_alias="out")

    incoming, outgoing = schemas(Annotated[One | Two, Field(discriminator="kind")])
    assert incoming["discriminator"] == {"propertyName": "in"}
    assert outgoing["discriminator"] == {"propertyName": "out"}


def test_a_tag_that_no_property_shows_on_output_leaves_a_plain_union() -> None:
    class One(BaseModel):
        kind: Literal[1] = Field(1, exclude=True)

    class Two(BaseModel):
        kind: Literal[2] = Field(2, exclude=True)
        level: Level = Level.LOW

    incoming, outgoing = schemas(Annotated[Two | One, Field(discriminator="kind")])
    assert set(incoming) == {"oneOf", "discriminator"}
    assert set(outgoing) == {"anyOf"}


def test_an_enum_can_be_a_tag() -> None:
    class Kind(enum.StrEnum):
        A = "a"
        B = "b"

    class First(BaseModel):
        kind: Literal[Kind.A] = Kind.A

    class Second(BaseModel):
        kind: Literal[Kind.B] = Kind.B

    incoming, _ = schemas(Annotated[First | Second, Field(discriminator="kind")])
    assert [branch["required"] for branch in incoming["oneOf"]] == [["kind"], ["kind"]]


def test_a_literal_of_a_plain_enum_goes_out_and_is_refused_where_it_comes_in() -> None:
    class Kind(enum.Enum):
        A = "a"

    class Tagged(BaseModel):
        kind: Literal[Kind.A] = Kind.A

    message = refusal(Tagged)
    assert "field `Tagged.kind`" in message
    assert "make" in message
    assert "a StrEnum" in message
    with pytest.raises(ValidationError):
        TypeAdapter(Tagged).validate_json('{"kind": "a"}')
    sent = build(ContractSource("t", events=(EventEntry("e", "server", Tagged),))).document
    assert sent["types"]["Tagged"]["properties"]["kind"]["const"] == "a"


def test_a_callable_discriminator_leaves_a_plain_union() -> None:
    union = Annotated[
        Annotated[Cat, Tag("c")] | Annotated[Dog, Tag("d")], Discriminator(lambda value: "c")
    ]
    incoming, outgoing = schemas(union)
    assert incoming == {"anyOf": [{"$ref": "#/types/CatInput"}, {"$ref": "#/types/DogInput"}]}
    assert set(outgoing) == {"anyOf"}


def test_members_of_a_union_are_sorted_with_null_last() -> None:
    expected = {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]}
    assert schemas(None | str | int)[0] == expected
    assert schemas(int | str | None)[0] == expected


def test_a_union_with_an_impossible_member_is_refused_and_not_shortened() -> None:
    assert "form in JSON" in refusal(int | Callable[[], None])


# ---- enums, literals, flags


class Color(enum.Enum):
    """Colours."""

    RED = "red"
    GREEN = "green"
    ROUGE = "red"  # noqa: PIE796 - an alias on purpose


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


def test_an_enum_keeps_its_members_names_once_each() -> None:
    incoming, _ = schemas(Color)
    assert incoming == {
        "description": "Colours.",
        "enum": ["red", "green"],
        "type": "string",
        "x-enum-names": ["RED", "GREEN"],
    }
    assert schemas(Level)[0]["x-enum-names"] == ["LOW", "HIGH"]


def test_an_enum_of_mixed_values_has_no_single_type() -> None:
    Mixed = enum.Enum("Mixed", {"A": None, "B": (1, 2), "C": "x"})  # noqa: N806
    incoming, outgoing = schemas(Mixed)
    assert outgoing["enum"] == [None, [1, 2], "x"]
    assert outgoing["x-enum-names"] == ["A", "B", "C"]
    assert "type" not in outgoing
    # Pydantic does not take the list that JSON makes of the tuple.
    assert incoming["enum"] == [None, "x"]


def test_an_enum_that_json_cannot_carry_is_refused() -> None:
    Odd = enum.Enum("Odd", {"A": object()})  # noqa: N806
    assert "Odd" in refusal(Odd)


def test_a_flag_is_any_combination_of_its_bits() -> None:
    class Perm(enum.IntFlag):
        """Rights."""

        READ = 1
        WRITE = 2

    incoming, outgoing = schemas(Perm)
    expected = {"type": "integer", "x-flags": {"READ": 1, "WRITE": 2}, "description": "Rights."}
    assert incoming == outgoing == expected
    assert TypeAdapter(Perm).validate_json("3") == Perm.READ | Perm.WRITE


def test_literals_are_sorted_as_a_set() -> None:
    assert schemas(Literal["b", "a"])[0] == {"enum": ["a", "b"], "type": "string"}
    assert schemas(Literal["b"])[0] == {"const": "b", "type": "string"}


# ---- scalars


def test_a_decimal_is_marked_and_keeps_its_limits() -> None:
    incoming, outgoing = schemas(Annotated[Decimal, Field(max_digits=5, decimal_places=2)])
    assert incoming["x-type"] == outgoing["x-type"] == "decimal"
    assert incoming["x-max-digits"] == outgoing["x-max-digits"] == 5
    assert incoming["x-decimal-places"] == 2
    assert {member["type"] for member in incoming["anyOf"]} == {"number", "string"}
    assert outgoing["type"] == "string"


def test_times_say_whether_they_need_a_zone() -> None:
    assert schemas(AwareDatetime)[0]["x-timezone"] == "aware"
    assert schemas(NaiveDatetime)[0]["x-timezone"] == "naive"
    assert schemas(datetime.datetime)[0] == {"type": "string", "format": "date-time"}
    assert schemas(datetime.time)[0] == {"type": "string", "format": "time"}
    assert schemas(datetime.timedelta)[0]["format"] == "duration"


def test_a_timedelta_may_go_out_as_a_number() -> None:
    class Span(BaseModel):
        model_config = ConfigDict(ser_json_timedelta="float")
        length: datetime.timedelta

    incoming, outgoing = schemas(Span)
    assert incoming["properties"]["length"]["format"] == "duration"
    assert outgoing["properties"]["length"] == {"type": "number"}


def test_numbers_say_where_json_carries_infinities_as_text() -> None:
    class Endless(BaseModel):
        model_config = ConfigDict(ser_json_inf_nan="strings")
        value: float
        finite: float = Field(allow_inf_nan=False)

    for schema in schemas(Endless):
        assert schema["properties"]["value"] == {"type": "number", "x-inf-nan": "strings"}
        assert schema["properties"]["finite"] == {"type": "number"}


def test_bytes_say_how_json_carries_them_and_count_bytes() -> None:
    class Blob(BaseModel):
        model_config = ConfigDict(ser_json_bytes="base64")
        data: bytes = Field(min_length=1, max_length=9)

    incoming, outgoing = schemas(Blob)
    limits = {"x-min-bytes": 1, "x-max-bytes": 9}
    plain = {"type": "string", "format": "binary"}
    assert incoming["properties"]["data"] == {**plain, "x-bytes": "utf8", **limits}
    assert outgoing["properties"]["data"] == {**plain, "x-bytes": "base64", **limits}


def test_bytes_that_write_themselves_as_text_are_text() -> None:
    incoming, outgoing = schemas(Base64Bytes)
    assert incoming == outgoing == {"type": "string", "format": "base64"}


def test_a_secret_is_text() -> None:
    class Login(BaseModel):
        password: SecretStr = SecretStr("x")

    expected = {"type": "string", "format": "password", "writeOnly": True}
    assert schemas(Login)[0]["properties"]["password"] == expected


def test_anything_is_an_empty_schema() -> None:
    assert schemas(Any) == ({}, {})
    assert schemas(object)[0] == {}
    assert schemas(JsonValue) == ({}, {})


def test_none_and_scalars_may_be_whole_payloads() -> None:
    assert schemas(None) == ({"type": "null"}, {"type": "null"})
    assert schemas(int)[1] == {"type": "integer"}
    assert schemas(list[int])[1] == {"type": "array", "items": {"type": "integer"}}


def test_json_text_comes_in_and_its_value_goes_out() -> None:
    incoming, outgoing = schemas(PydanticJson[list[int]])
    assert incoming["type"] == "string"
    assert incoming["contentSchema"]["type"] == "array"
    assert outgoing["type"] == "array"


# ---- collections


def test_tuples_sets_and_queues_are_arrays() -> None:
    assert schemas(tuple[int, str])[0]["prefixItems"] == [{"type": "integer"}, {"type": "string"}]
    assert schemas(set[int])[0]["uniqueItems"] is True
    assert schemas(deque[int])[0] == {"type": "array", "items": {"type": "integer"}}


def test_the_type_of_a_key_is_kept() -> None:
    assert schemas(dict[int, str])[0]["x-key"] == {"type": "integer"}
    assert schemas(dict[bool, str])[0]["x-key"] == {"type": "boolean"}
    assert schemas(dict[float, str])[0]["x-key"] == {"type": "number"}
    assert schemas(dict[uuid.UUID, str])[0]["x-key"] == {"type": "string", "format": "uuid"}
    assert schemas(Counter[int])[0]["x-key"] == {"type": "integer"}
    assert schemas(OrderedDict[int, str])[1]["x-key"] == {"type": "integer"}


def test_plain_text_keys_need_no_hint() -> None:
    assert "x-key" not in schemas(dict[str, int])[0]
    assert "x-key" not in schemas(dict[Annotated[str, Field(min_length=2)], int])[0]
    assert "x-key" not in schemas(dict[Any, int])[0]
    assert schemas(dict)[0] == {"type": "object", "additionalProperties": True}


def test_keys_from_a_set_are_a_set_of_texts() -> None:
    by_name = schemas(dict[Color, int])[0]
    assert by_name["propertyNames"] == {"enum": ["green", "red"]}
    assert by_name["x-key"] == {"$ref": "#/types/Color"}
    assert schemas(dict[Level, int])[0]["propertyNames"] == {"enum": ["1", "2"]}
    assert schemas(dict[Literal["b", "a"], int])[0]["propertyNames"] == {"enum": ["a", "b"]}
    assert schemas(dict[Literal[True], int])[0]["propertyNames"] == {"enum": ["true"]}


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


@pytest.mark.parametrize(
    ("key", "word"),
    [
        (Frozen, "an object"),
        (tuple[int, int], "a tuple"),
        (int | None, "None"),
        (None, "None"),
        (bytes, "bytes"),
        (Literal["a"] | None, "None"),
    ],
)
def test_keys_that_json_does_not_give_back_are_refused(key: Any, word: str) -> None:
    message = refusal(dict[key, int])
    assert word in message
    assert "payload of event 'e'" in message


# ---- models


def test_an_empty_model_is_an_object_without_properties() -> None:
    class Ping(BaseModel):
        pass

    assert schemas(Ping) == ({"type": "object", "properties": {}},) * 2


def test_extra_keys_are_as_declared() -> None:
    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")

    class Typed(BaseModel):
        model_config = ConfigDict(extra="allow")
        __pydantic_extra__: dict[str, int]  # pyright: ignore[reportIncompatibleVariableOverride]

    class Closed(BaseModel):
        model_config = ConfigDict(extra="forbid")

    assert schemas(Open)[0]["additionalProperties"] is True
    assert schemas(Typed)[0]["additionalProperties"] == {"type": "integer"}
    assert schemas(Closed)[0]["additionalProperties"] is False


@pytest.mark.parametrize(("extra", "taken"), [("allow", True), ("forbid", False)])
def test_a_typed_dict_has_its_models_word_on_extra_keys(extra: Any, taken: bool) -> None:
    class Options(TypedDict):
        a: int

    class Holder(BaseModel):
        model_config = ConfigDict(extra=extra)
        options: Options

    holder = '{"options": {"a": 1, "b": 2}}'
    if taken:
        assert TypeAdapter(Holder).validate_json(holder).model_dump()["options"]["b"] == 2
    types = document(Holder)["types"]
    assert types["Options"]["additionalProperties"] is taken


def test_a_root_model_is_its_root() -> None:
    class Names(RootModel[list[str]]):
        """Some names."""

    assert schemas(Names)[0] == {
        "type": "array",
        "items": {"type": "string"},
        "description": "Some names.",
    }


def test_documentation_is_kept_and_titles_are_not() -> None:
    class Told(BaseModel):
        """What it is.

        More of it.
        """

        model_config = ConfigDict(title="Nonsense")
        x: int = Field(title="X!", description="The x.", examples=[1], deprecated=True)

    incoming, _ = schemas(Told)
    assert incoming["description"] == "What it is.\n\nMore of it."
    assert "title" not in incoming
    assert incoming["properties"]["x"] == {
        "type": "integer",
        "description": "The x.",
        "examples": [1],
        "deprecated": True,
    }


def test_documentation_of_a_base_class_does_not_leak() -> None:
    class Documented(BaseModel):
        """Of the base."""

    class Silent(Documented):
        pass

    assert "description" not in schemas(Silent)[0]


def test_a_parametrised_generic_keeps_its_documentation() -> None:
    class Page(BaseModel, Generic[T]):
        """One page."""

        items: list[T]

    assert schemas(Page[int])[0]["description"] == "One page."


class Node(BaseModel):
    child: "Node | None" = None


def test_recursion_is_a_reference() -> None:
    incoming, outgoing = schemas(Node)
    assert incoming["properties"]["child"]["anyOf"][0] == {"$ref": "#/types/NodeInput"}
    assert outgoing["properties"]["child"]["anyOf"][0] == {"$ref": "#/types/Node"}


# ---- validators and serializers


def undeclared(function: F) -> F:
    """Take the return annotation away, which type checkers would demand."""
    del function.__annotations__["return"]
    return function


def test_a_serializer_without_a_return_annotation_may_send_anything() -> None:
    class Odd(BaseModel):
        a: int
        b: Annotated[int, WrapSerializer(lambda value, handler: handler(value))] = 1
        c: Annotated[int, PlainSerializer(str)] = 1

        @field_serializer("a")
        @undeclared
        def write(self, value: int) -> str:
            return str(value)

    incoming, outgoing = schemas(Odd)
    assert incoming["properties"]["a"] == {"type": "integer"}
    assert set(outgoing["properties"]["a"]) == {"x-unknown"}
    assert set(outgoing["properties"]["b"]) == {"x-unknown"}
    assert outgoing["properties"]["c"] == {"type": "string"}


def test_a_serializer_with_a_return_annotation_says_what_it_sends() -> None:
    class Told(BaseModel):
        a: int

        @model_serializer
        def write(self) -> str:
            return "x"

    incoming, outgoing = schemas(Told)
    assert incoming["type"] == "object"
    assert outgoing == {"type": "string"}


def test_a_partial_function_as_serializer_is_looked_through() -> None:
    def shortened(value: str, *, to: int) -> str:
        return value[:to]

    untold = functools.partial(undeclared(shortened), to=3)
    assert set(schemas(Annotated[str, PlainSerializer(untold)])[1]) == {"x-unknown"}


def test_pydantics_own_serializers_keep_the_types_form() -> None:
    class Own(BaseModel):
        model_config = ConfigDict(use_enum_values=True)
        color: Color
        queue: deque[int]

    _, outgoing = schemas(Own)
    assert outgoing["properties"]["queue"]["type"] == "array"
    assert outgoing["properties"]["color"] in ({"$ref": "#/types/Color"}, {"type": "string"})


def test_validators_may_declare_what_they_take() -> None:
    taken = Annotated[int, BeforeValidator(int, json_schema_input_type=str)]
    assert schemas(taken) == ({"type": "string"}, {"type": "integer"})
    assert schemas(Annotated[int, PlainValidator(int)])[1] == {"type": "integer"}


# ---- refusals


def test_what_json_cannot_carry_is_refused_with_event_and_field() -> None:
    class Inner(BaseModel):
        hook: Callable[[], None]

    class Outer(BaseModel):
        inner: list[Inner]

    message = refusal(Outer)
    assert "payload of event 'e', field `Inner.hook`" in message
    assert "WithJsonSchema" in message


def test_fields_of_dataclasses_and_typed_dicts_are_named_in_refusals() -> None:
    @dataclasses.dataclass
    class Data:
        hook: Callable[[], None]

    class Typed(TypedDict):
        hook: Callable[[], None]

    assert "`Data.hook`" in refusal(Data)
    assert "`Typed.hook`" in refusal(Typed)


def test_a_refusal_says_in_words_what_it_is_about() -> None:
    class Plain:
        pass

    anything: Any = InstanceOf[Plain]
    untold: Any = PlainValidator(int)
    assert "a function has no form" in refusal(Callable)
    assert "a class has no form" in refusal(type[int])
    assert "the class test_a_refusal" in refusal(anything)
    assert "IsSubclass" not in refusal(type)
    assert "without json_schema_input_type" in refusal(Annotated[Plain, untold])


def test_a_class_pydantic_does_not_know_is_refused() -> None:
    class Plain:
        pass

    assert "payload of event 'e'" in refusal(Plain)


def test_an_impossible_definition_is_refused_only_where_it_is_used() -> None:
    class Loop(BaseModel):
        again: "Loop | None" = None
        hook: Callable[[], None]

    Loop.model_rebuild(_types_namespace={"Loop": Loop})
    assert "`Loop.hook`" in refusal(Loop)
    assert schemas(Annotated[Loop, WithJsonSchema({"type": "string"})])[0] == {"type": "string"}
