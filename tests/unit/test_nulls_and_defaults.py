# pyright: reportUnnecessaryTypeIgnoreComment=false
"""Null and defaults: the contract says what is sent, and what does not fit is refused."""

import inspect
import warnings
from collections.abc import Sequence
from dataclasses import dataclass as plain_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, NamedTuple, Optional, cast

import pytest
from pydantic import (
    AliasChoices,
    AliasGenerator,
    AliasPath,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)
from pydantic.dataclasses import dataclass
from typing_extensions import TypedDict

from bytesocket_app import ByteSocket, ClientEvent, ConfigurationError, Event, ServerEvent, Socket
from bytesocket_app.contract import ContractError, ContractSource, EventEntry, build
from bytesocket_app.errors import ContractWarning
from bytesocket_app.events import PayloadType
from bytesocket_app.testing import TestClient
from bytesocket_app.types import CodecName
from bytesocket_app.wire import decode

# ---- null is a value where the type takes it


class Inner(BaseModel):
    size: int = 1


class Empty(BaseModel):
    pass


class Sized(TypedDict, total=False):
    size: int


@dataclass
class Data:
    size: int = 1


class MaybeText(RootModel[Optional[str]]):  # noqa: UP045 - as users write it
    pass


class Anything(RootModel[Any]):
    pass


class Nothing(RootModel[None]):
    pass


class MaybeInner(RootModel[Inner | None]):
    pass


class Constants(RootModel[Literal["a", None]]):  # noqa: PYI061 - as users write it
    pass


class Read(RootModel[Annotated[str, BeforeValidator(str, json_schema_input_type=str | None)]]):
    pass


class JustInner(RootModel[Inner]):
    pass


class Either(RootModel[Inner | Empty]):
    pass


class Checked(BaseModel):
    size: int = 1

    @model_validator(mode="before")
    @classmethod
    def check(cls, given: Any) -> Any:
        return given


NULLABLE = [MaybeText, Anything, Nothing, MaybeInner, Constants, Read]


@pytest.mark.parametrize("annotation", NULLABLE)
def test_null_is_a_value_of_a_root_that_takes_it(annotation: Any) -> None:
    assert not PayloadType(annotation).may_be_absent


@pytest.mark.parametrize("annotation", [Inner, Empty, JustInner, Either, Checked])
def test_null_is_an_empty_object_for_a_model_of_objects(annotation: Any) -> None:
    assert PayloadType(annotation).may_be_absent


@pytest.mark.parametrize("annotation", [Sized, Data, int, str, None, Any, Inner | None, list[int]])
def test_null_is_what_it_is_for_what_is_no_model(annotation: Any) -> None:
    assert not PayloadType(annotation).may_be_absent


@pytest.mark.anyio
@pytest.mark.parametrize("codec", ["json", "binary"])
@pytest.mark.parametrize("annotation", NULLABLE)
async def test_a_null_reaches_the_handler_and_comes_back(annotation: Any, codec: CodecName) -> None:
    app = ByteSocket(title="Null")
    post = app.declare("post", annotation, direction="both")
    heard: list[Any] = []
    root = "None" if annotation is Read else None

    async def handle(socket: Socket, event: Any) -> None:
        heard.append(event.root)
        await socket.emit(post(event))

    handle.__annotations__["event"] = annotation
    app.on(post)(handle)

    async with TestClient(app, codec=codec) as client:
        for sent in ({"event": "post", "data": None}, {"event": "post"}):
            await client.send(sent)
            answer = await client.receive_message()
            assert answer == {"event": "post", "data": root}
    assert heard == [root, root]


# ---- a default of None, which Pydantic sends as null


def schemas(annotation: Any, default: Any, direction: Any = "both") -> tuple[Any, Any]:
    """The schema of a field in input and in output."""
    made = create_model("M", value=(annotation, default))
    events = (EventEntry("e", direction, made),)
    types = build(ContractSource("t", events=events)).document["types"]
    found = types.get("MInput", types["M"]), types["M"]
    return found[0]["properties"]["value"], found[1]["properties"]["value"]


@pytest.mark.parametrize(
    ("annotation", "plain"),
    [
        (int, {"type": "integer"}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (Sequence[int], {"type": "array", "items": {"type": "integer"}}),
        (date, {"type": "string", "format": "date"}),
        (Literal["a"], {"type": "string", "const": "a"}),
    ],
)
def test_the_contract_has_null_where_a_default_sends_it(annotation: Any, plain: Any) -> None:
    taken, sent = schemas(annotation, None)
    assert sent == {"anyOf": [plain, {"type": "null"}]}
    assert taken == {**plain, "default": None}
    value = create_model("M", value=(annotation, None))()
    assert PayloadType(type(value)).dump(value, "json") == b'{"value":null}'


class NamedRaw(NamedTuple):
    raw: bytes = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


class Rooted(RootModel[int]):
    root: int = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


class Endless(BaseModel):
    model_config = ConfigDict(ser_json_inf_nan="constants")

    value: float = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


@pytest.mark.parametrize("codec", ["json", "binary"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (create_model("Raw", raw=(bytes, None))(), {"raw": None}),
        (
            create_model(
                "Coded", __config__=ConfigDict(ser_json_bytes="base64"), raw=(bytes, None)
            )(),
            {"raw": None},
        ),
        (NamedRaw(), [None]),
        (Rooted(), None),
        (create_model("Outer", inner=(Rooted, Rooted()))(), {"inner": None}),
        (Endless(), {"value": None}),
    ],
)
def test_a_default_of_none_goes_out_as_null_on_both_codecs(
    value: Any, expected: Any, codec: CodecName
) -> None:
    written = PayloadType(type(value)).dump(value, codec)
    assert decode(written, is_binary=codec == "binary") == expected


@pytest.mark.parametrize("annotation", [Any, int | None, Literal["a", None]])  # noqa: PYI061
def test_a_type_that_takes_null_stays_as_it_is(annotation: Any) -> None:
    assert schemas(annotation, None)[1] == schemas(annotation, ...)[1]


def test_a_default_that_is_validated_is_written_as_it_is_then() -> None:
    assert schemas(int, Field("7", validate_default=True))[0]["default"] == 7
    assert schemas(list[int], Field(("1", 2), validate_default=True))[0]["default"] == [1, 2]
    config = ConfigDict(validate_default=True)
    made = create_model("M", __config__=config, value=(float, "0.5"))
    source = ContractSource("t", events=(EventEntry("e", "client", made),))
    assert build(source).document["types"]["M"]["properties"]["value"]["default"] == 0.5


def test_a_default_of_bytes_that_are_no_text_is_left_out() -> None:
    assert "default" not in schemas(bytes, b"\xff")[0]


# ---- a default that is not of its type


class Color(Enum):
    RED = "red"


def declared(base: type, annotation: Any, default: Any) -> list[str]:
    """The codes of what is said when an event with such a field is declared."""
    fields: Any = {"value": (annotation, default)}
    event: Any = create_model("Odd", __base__=cast("Any", base), **fields)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ByteSocket(title="Odd", events=[event]).contract()
    assert all(one.category is ContractWarning for one in caught)
    return [str(one.message).rpartition("['")[2].removesuffix("']}.") for one in caught]


KINDS: Sequence[tuple[Any, Any]] = [
    (int, "x"),
    (int | None, "x"),
    (None, [1]),
    (list[int], {}),
    (list[int], ["a"]),
    (dict[str, int], []),
    (str, 5),
    (Color, "blue"),
    (Literal["a"], "b"),
    (Sized | None, []),
    (Inner, {"size": "x"}),
    (int, Field("x", validate_default=True)),
    (int, Field(None, validate_default=True)),
]


@pytest.mark.parametrize("base", [ClientEvent, ServerEvent, Event])
@pytest.mark.parametrize(("annotation", "default"), KINDS)
def test_a_default_of_another_type_is_refused_at_the_declaration(
    base: type, annotation: Any, default: Any
) -> None:
    with pytest.raises(ConfigurationError, match=r"Odd\.value has a default that is not of its"):
        declared(base, annotation, default)


LIKE: Sequence[tuple[Any, Any]] = [
    (int, "7"),
    (bool, 0),
    (int, 1.5),
    (Inner, {}),
    (list[Inner], [{}]),
    (datetime, "2020-01-01"),
    (Color, "red"),
    (Annotated[int, BeforeValidator(int)], "7"),
    (Decimal, "1.50"),
    (Decimal, 0.5),
    (set[int], []),
    (Inner, {"size": 2}),
]


@pytest.mark.parametrize(("annotation", "default"), LIKE)
def test_a_default_that_is_only_like_its_type_is_refused_where_it_is_sent(
    annotation: Any, default: Any
) -> None:
    assert declared(ClientEvent, annotation, default) == []
    for base in (ServerEvent, Event):
        with pytest.raises(ConfigurationError, match="not of its type"):
            declared(base, annotation, default)


class Own(BaseModel):
    size: int

    @field_validator("size")
    @classmethod
    def check(cls, size: int) -> int:
        raise AssertionError("nobody is to call this for a default")


EMPTY: frozenset[int] = frozenset()
RIGHT: Sequence[tuple[Any, Any]] = [
    (int, 1),
    (int, None),
    (float, 1),
    (Decimal, 0),
    (Color, Color.RED),
    (list[int], ()),
    (set[int], EMPTY),
    (tuple[int, int], [1, 2]),
    (list[Inner], [Inner()]),
    (Any, object),
    (Own, {}),
]


@pytest.mark.parametrize(("annotation", "default"), RIGHT)
def test_a_default_that_goes_out_right_is_not(annotation: Any, default: Any) -> None:
    for base in (ClientEvent, ServerEvent):
        if default is not object or base is ClientEvent:
            assert declared(base, annotation, default) == []


@pytest.mark.parametrize(
    ("annotation", "default"),
    [
        (Annotated[int, Field(ge=1)], 0),
        (Annotated[str, Field(min_length=1)], ""),
        (AwareDatetime, datetime(2020, 1, 1)),
    ],
)
def test_a_default_outside_of_its_own_limits_is_told_where_it_is_sent(
    annotation: Any, default: Any
) -> None:
    assert declared(ClientEvent, annotation, default) == []
    assert declared(ServerEvent, annotation, default) == ["default-limits"]


# ---- constants that the wire cannot carry


class Raw(Enum):
    TEXT = "x"
    RAW = b"x"


class Objects(Enum):
    ONE = object()


class Prices(Enum):
    LOW = Decimal("1.5")
    NOT_ONE = date(2020, 1, 1)


UNSENDABLE: Sequence[tuple[Any, str]] = [
    (Literal[b"x"], "a constant of bytes"),
    (Literal["a", b"x"], "a constant of bytes"),
    (Raw, "a constant of bytes"),
    (Literal[Raw.RAW], "a constant of bytes"),
    (list[Raw | None], "a constant of bytes"),
    (dict[Raw, int], "a constant of bytes"),
    (dict[Literal[b"x"], int], "a constant of bytes"),
    (dict[bytes, int], "keys of bytes"),
    (Objects, "a constant that JSON has no form for"),
    (Enum("Odd", {"NAN": float("nan")}), "a constant that JSON has no form for"),
]


def event_with(annotation: Any, base: type = Event) -> Any:
    fields: Any = {"value": (annotation, ...)}
    return create_model("Odd", __base__=cast("Any", base), **fields)


@pytest.mark.parametrize("base", [ClientEvent, ServerEvent])
@pytest.mark.parametrize(("annotation", "problem"), UNSENDABLE)
def test_a_constant_that_the_wire_cannot_carry_is_refused_at_the_declaration(
    annotation: Any, problem: str, base: type
) -> None:
    with pytest.raises(ConfigurationError, match=rf"event 'odd': Odd\.value .*{problem}"):
        ByteSocket(title="Odd", events=[event_with(annotation, base)])


def test_an_enum_of_which_clients_can_send_nothing_is_refused_from_them() -> None:
    with pytest.raises(ConfigurationError, match="an enum of which no client can send a member"):
        ByteSocket(title="Odd", events=[event_with(Prices, ClientEvent)])
    app = ByteSocket(title="Odd", events=[event_with(Prices, ServerEvent)])
    assert app.contract().document["types"]["Prices"]["enum"] == ["1.5", "2020-01-01"]


@pytest.mark.parametrize("annotation", [one for one, _ in UNSENDABLE if one != dict[bytes, int]])
@pytest.mark.parametrize("direction", ["client", "server"])
def test_a_contract_has_no_such_constant_either(annotation: Any, direction: Any) -> None:
    events = (EventEntry("e", direction, annotation),)
    with pytest.raises(ContractError, match="has no form in JSON"):
        build(ContractSource("t", events=events))


def test_the_refusal_names_the_place_and_the_remedy() -> None:
    class Mark(ClientEvent):
        text: str
        mark: Literal[b"x"]

    lines, first = inspect.getsourcelines(Mark)
    line = first + next(at for at, one in enumerate(lines) if "mark:" in one)
    with pytest.raises(ConfigurationError) as refused:
        ByteSocket(title="Odd", events=[Mark])
    place, _, text = str(refused.value).partition(": ")
    assert place == f"{__file__}:{line}"
    assert text.endswith("Use text: Literal['x'], or a StrEnum.")


def test_nobody_can_allow_what_cannot_work() -> None:
    class Mark(ClientEvent):
        mark: Literal[b"x"] = Field(json_schema_extra={"x-allow": ["bytes-constant"]})

    with pytest.raises(ConfigurationError, match="constant of bytes"):
        ByteSocket(title="Odd", events=[Mark])


# ---- the names that the server reads and writes

NAMES_ONLY: Any = {"validate_by_alias": False, "validate_by_name": True}
"""Settings that Pydantic has since 2.11; before, both sides go by the alias."""
GENERATED: Any = {**NAMES_ONLY, "alias_generator": str.upper}


class Plain(BaseModel):
    own: int = Field(alias="Other")


class Named(BaseModel):
    model_config = NAMES_ONLY

    own: int = Field(alias="Other")


class Path(BaseModel):
    model_config = NAMES_ONLY

    own: int = Field(validation_alias=AliasPath("list", 0), serialization_alias="Other")


class Choice(BaseModel):
    own: int = Field(
        validation_alias=AliasChoices("Other", AliasPath("list", 0)), serialization_alias="Third"
    )


class Generated(BaseModel):
    model_config = {
        "alias_generator": AliasGenerator(validation_alias=str.upper, serialization_alias=str.title)
    }

    own: int


class GeneratedNamed(BaseModel):
    model_config = GENERATED

    own: int


class Written(BaseModel):
    model_config = ConfigDict(serialize_by_alias=False)

    own: int = Field(alias="Other")


class Keys(TypedDict):
    own: Annotated[int, Field(alias="Other")]


class NamedKeys(TypedDict):
    __pydantic_config__ = NAMES_ONLY  # type: ignore[misc]

    own: Annotated[int, Field(alias="Other")]


@plain_dataclass
class PlainRecord:
    own: Annotated[int, Field(alias="Other")]


@dataclass
class Record:
    own: int = Field(alias="Other")


@dataclass(config=NAMES_ONLY)
class NamedRecord:
    own: int = Field(alias="Other")


NAMED = [
    *(Plain, Named, Path, Choice, Generated, GeneratedNamed, Written),
    *(Keys, NamedKeys, PlainRecord, Record, NamedRecord),
]
SPELLINGS = ["own", "Other", "OWN", "Own", "Third", "list"]


@pytest.mark.parametrize("holder", [{}, NAMES_ONLY])
@pytest.mark.parametrize("annotation", NAMED)
def test_the_contract_has_the_names_that_the_server_reads_and_writes(
    annotation: Any, holder: Any
) -> None:
    outer = create_model("Outer", __config__=holder, inner=(annotation, ...))
    document = build(ContractSource("t", events=(EventEntry("e", "both", outer),))).document
    types, name = document["types"], annotation.__name__
    payload = PayloadType(outer)
    read: list[str] = []
    written: dict[str, Any] = {}
    for spelling in SPELLINGS:
        try:
            value = payload.validate({"inner": {spelling: 1}}, "json")
        except ValidationError:
            continue
        read.append(spelling)
        written = payload.plain(value)["inner"]
    (taken,) = types.get(f"{name}Input", types[name])["properties"]
    assert taken in read
    assert list(types[name]["properties"]) == list(written)
    others = types.get(f"{name}Input", types[name]).get("x-aliases", {}).get(taken, [])
    assert {taken, *others} == set(read)
