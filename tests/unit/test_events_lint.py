# pyright: reportIncompatibleVariableOverride=false, reportUnnecessaryTypeIgnoreComment=false
"""What does not arrive as it was sent is said where the event is declared; the rest is not."""

import inspect
import math
import warnings
from collections.abc import Callable
from datetime import datetime
from enum import Enum, IntFlag
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar
from uuid import UUID

import pytest
from pydantic import (
    Base64Bytes,
    Base64Str,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    Json,
    PlainSerializer,
    Secret,
    SecretBytes,
    SecretStr,
    Strict,
    WithJsonSchema,
    WrapSerializer,
    computed_field,
    field_serializer,
    model_serializer,
)
from pydantic.dataclasses import dataclass
from typing_extensions import TypeAliasType, TypedDict

from bytesocket_app import (
    ByteSocket,
    ClientEvent,
    ConfigurationError,
    Event,
    Router,
    ServerEvent,
    Socket,
)
from bytesocket_app.errors import ContractWarning, EncodeError
from bytesocket_app.events import PayloadType
from bytesocket_app.wire import decode

T = TypeVar("T")
BASE64 = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")
Tree = TypeAliasType("Tree", "dict[str, Tree] | bytes")


class Raw(BaseModel):
    raw: bytes


class Encoded(BaseModel):
    model_config = BASE64

    raw: bytes
    many: dict[str, list[bytes]] = {}


class HalfEncoded(BaseModel):
    model_config = ConfigDict(ser_json_bytes="base64")

    raw: bytes


class Loose(BaseModel):
    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, SecretStr]


class NanAllowed(BaseModel):
    model_config = ConfigDict(allow_inf_nan=True)

    number: float


class NanInWords(BaseModel):
    model_config = ConfigDict(allow_inf_nan=True, ser_json_inf_nan="strings")

    number: float = math.nan


class NanAsConstant(BaseModel):
    model_config = ConfigDict(ser_json_inf_nan="constants")

    number: float


class NanByDefault(BaseModel):
    number: float = math.inf


class Silent(BaseModel):
    number: int

    @field_serializer("number")
    def text(self, value: int):  # type: ignore[no-untyped-def]
        return str(value)


class Outspoken(BaseModel):
    number: int

    @field_serializer("number")
    def text(self, value: int) -> str:
        return str(value)


class SilentModel(BaseModel):
    number: int

    @model_serializer
    def text(self):  # type: ignore[no-untyped-def]
        return str(self.number)


class Computed(BaseModel):
    @computed_field  # type: ignore[prop-decorator]
    @property
    def token(self) -> SecretStr:
        return SecretStr("x")


class LeftOut(BaseModel):
    token: SecretStr = Field(exclude=True)


class Members(BaseModel):
    text: str = Field("", alias="toString")
    other: str = Field("", alias="valueOf")
    constructor: str
    mine: str = Field("", validation_alias="mine")


class Big(Enum):
    HUGE = 2**60


class Bits(IntFlag):
    LOW = 1
    HIGH = 2**60


@dataclass
class Data:
    raw: bytes


class Keys(TypedDict):
    secret: SecretStr


class Pair(NamedTuple):
    raw: bytes


class Page(BaseModel, Generic[T]):
    items: list[T]


class ReadFirst(BaseModel):
    model_config = BASE64

    raw: Annotated[bytes, BeforeValidator(lambda value: value)]
    when: Annotated[datetime, Strict()]


def told(*arguments: Any, declare: Callable[..., object] | None = None) -> list[str]:
    """What is said when an event is declared: the codes."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if declare is None:
            ByteSocket(title="Lint").declare(*arguments[:-1], direction=arguments[-1])
        else:
            declare()
    assert all(one.category is ContractWarning for one in caught)
    return [str(one.message).rpartition("['")[2].removesuffix("']}.") for one in caught]


@pytest.mark.parametrize(
    ("annotation", "from_client", "from_server"),
    [
        (SecretStr, [], ["secret-sent"]),
        (list[SecretBytes | None], [], ["secret-sent"]),
        (Secret[int], [], ["secret-sent"]),
        (Loose, [], ["secret-sent"]),
        (Keys, [], ["secret-sent"]),
        (Computed, [], ["secret-sent"]),
        (bytes, ["bytes-as-text"], ["bytes-as-text"]),
        (dict[str, tuple[bytes, ...]], ["bytes-as-text"], ["bytes-as-text"]),
        (Raw, ["bytes-as-text"], ["bytes-as-text"]),
        (Page[Raw], ["bytes-as-text"], ["bytes-as-text"]),
        (Data, ["bytes-as-text"], ["bytes-as-text"]),
        (Pair, ["bytes-as-text"], ["bytes-as-text"]),
        (Tree, ["bytes-as-text"], ["bytes-as-text"]),
        (HalfEncoded, ["bytes-as-text"], []),
        (Json[bytes], [], ["bytes-as-text"]),
        (bytes | str, ["bytes-or-text"], ["bytes-or-text"]),
        (bytes | UUID, ["bytes-or-text"], ["bytes-or-text"]),
        (datetime | bytes | None, ["bytes-or-text"], ["bytes-or-text"]),
        (Path | bytes, ["bytes-or-text"], ["bytes-or-text"]),
        (bytes | Literal["none"], ["bytes-or-text"], ["bytes-or-text"]),
        (bytes | int | None, ["bytes-as-text"], ["bytes-as-text"]),
        (Annotated[float, Field(allow_inf_nan=True)], ["nan"], ["nan"]),
        (NanAllowed, ["nan"], ["nan"]),
        (NanAsConstant, ["nan"], ["nan"]),
        (NanByDefault, ["nan"], ["nan"]),
        (Annotated[int, Field(le=2**63)], ["big-integer"], ["big-integer"]),
        (Annotated[int, Field(gt=-(2**60))], ["big-integer"], ["big-integer"]),
        (Literal[1, 0x20000000000001], ["big-integer"], ["big-integer"]),
        (Big, ["big-integer"], ["big-integer"]),
        (Bits, ["big-integer"], ["big-integer"]),
        (Silent, [], ["unknown-output"]),
        (SilentModel, [], ["unknown-output"]),
        (Annotated[int, PlainSerializer(lambda value: value)], [], ["unknown-output"]),
        (Annotated[int, WrapSerializer(lambda value, _: value)], [], ["unknown-output"]),
        (Members, ["object-member", "object-member"], []),
        (ReadFirst, ["codec-dependent"], []),
    ],
)
def test_a_doubtful_type_is_told_for_the_direction_it_goes_wrong_in(
    annotation: Any, from_client: list[str], from_server: list[str]
) -> None:
    assert told("event", annotation, "client") == from_client
    assert told("event", annotation, "server") == from_server


class Ordinary(BaseModel):
    text: str = Field(max_length=2**60)
    number: int = 3
    bounded: Annotated[int, Field(ge=-(2**53), le=2**53)] = 0
    real: float = 1.5
    sized: Annotated[float, Field(ge=0, le=2.0**70)] = 0
    finite: FiniteFloat = 0
    either: int | str | datetime | None = None
    inner: "Ordinary | None" = None
    anything: Any = None
    strict: Annotated[datetime | None, Strict()] = None


@pytest.mark.parametrize(
    "annotation",
    [
        Ordinary,
        Encoded,
        list[Base64Bytes | Base64Str],
        LeftOut,
        NanInWords,
        Outspoken,
        int,
        float,
        None,
        Literal["a", 1],
        Annotated[int, PlainSerializer(str)],
        Annotated[
            int,
            Field(le=2**63),
            PlainSerializer(str, return_type=str),
            BeforeValidator(int, json_schema_input_type=str),
        ],
        Annotated[Any, WithJsonSchema({"type": "string"})],
    ],
)
def test_an_ordinary_type_is_not(annotation: Any) -> None:
    assert told("event", annotation, "both") == []


# ---- that it is so


def sent(annotation: Any, value: Any, codec: Literal["json", "binary"]) -> Any:
    """What arrives when both sides have the type."""
    payload = PayloadType(annotation)
    written = payload.dump(value, codec)
    return payload.validate(decode(written, codec == "binary"), codec)


def test_a_secret_does_not_arrive() -> None:
    assert sent(SecretStr, SecretStr("word"), "json").get_secret_value() == "**********"
    assert sent(SecretStr, SecretStr("word"), "binary").get_secret_value() == "**********"


def test_bytes_that_are_no_text_cannot_be_sent_as_json() -> None:
    assert sent(bytes, b"\xff", "binary") == b"\xff"
    with pytest.raises(EncodeError):
        sent(bytes, b"\xff", "json")
    assert sent(Encoded, Encoded(raw=b"\xff"), "json") == Encoded(raw=b"\xff")


def test_bytes_turn_into_text_beside_text_or_text_into_bytes() -> None:
    for value in (b"abc", "abc"):
        assert sent(str | bytes, value, "binary") == sent(bytes | str, value, "binary") == value
        assert sent(str | bytes, value, "json") == "abc"
        assert sent(bytes | str, value, "json") == b"abc"


def test_not_a_number_turns_into_nothing() -> None:
    assert PayloadType(NanAllowed).dump(NanAllowed(number=math.nan), "json") == b'{"number":null}'
    assert math.isnan(sent(NanInWords, NanInWords(), "json").number)


def test_what_a_validator_sees_first_is_read_otherwise_on_the_other_codec() -> None:
    payload = PayloadType(ReadFirst)
    moment = "2026-01-01T00:00:00Z"
    assert payload.validate({"raw": "YQ==", "when": moment}, "json")
    with pytest.raises(ValueError, match="valid datetime"):
        payload.validate({"raw": b"a", "when": moment}, "binary")


# ---- where, and how often


class Base(Event, abstract=True):
    kind: int = 0
    raw: bytes = b""


class One(Base):
    pass


class Two(Base):
    nested: Raw | None = None


def line_of(text: str) -> int:
    """The line of this file that has a text, the first after the heading above."""
    lines = inspect.getsource(inspect.getmodule(line_of)).splitlines()  # type: ignore[arg-type]
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_it_names_model_field_remedy_and_the_fields_line() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ByteSocket(title="Lint", events=[One])
    (only,) = caught
    assert str(only.message) == (
        "event 'one': Base.raw holds bytes, which JSON would carry as UTF-8 text: any others "
        "cannot be sent. Use a model with ConfigDict(ser_json_bytes='base64', "
        "val_json_bytes='base64'), or allow it with "
        "json_schema_extra={'x-allow': ['bytes-as-text']}."
    )
    assert (only.filename, only.lineno) == (__file__, line_of('raw: bytes = b""'))


def test_what_stands_in_no_class_is_where_it_was_declared() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ByteSocket(title="Lint").declare("blob", bytes, direction="client")
    (only,) = caught
    assert str(only.message).startswith("event 'blob': it holds bytes")
    assert (only.filename, only.lineno) == (__file__, line_of('.declare("blob", bytes'))


def test_a_field_is_told_once_however_many_have_it() -> None:
    def declare() -> None:
        app = ByteSocket(title="Lint", events=[One, Two])
        app.declare("list", list[One])
        app.declare("raw", Raw)

    assert told(declare=declare) == ["bytes-as-text", "bytes-as-text"]


def test_python_shows_it_once_as_other_warnings() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            ByteSocket(title="Lint", events=[Two])
    assert len(caught) == 2


def test_replies_and_credentials_are_looked_at_too() -> None:
    class Ask(ClientEvent):
        pass

    def declare() -> None:
        app = ByteSocket(title="Lint", events=[Ask])
        app.declare("get", int, direction="client", reply=Keys)
        room = app.room("room")

        @app.auth
        async def authenticate(socket: Socket, credentials: Annotated[bytes, "raw"]) -> str:
            return f"{socket}{credentials!r}"

        @app.on("bare")
        async def bare(data: bytes) -> Annotated[float, Field(allow_inf_nan=True)]:
            return float(data)

        @room.on(Ask)
        async def ask(event: Ask) -> Annotated[int, Field(le=2**60)]:
            return 1

    assert told(declare=declare) == [
        "secret-sent",
        "bytes-as-text",
        "bytes-as-text",
        "nan",
        "big-integer",
    ]


def test_a_router_tells_it_when_it_is_included() -> None:
    class Ask(ClientEvent):
        raw: bytes

    router = Router()

    @router.on(Ask)
    async def ask(event: Ask) -> None:
        """Nothing."""

    assert told(declare=lambda: ByteSocket(title="Lint").include(router)) == ["bytes-as-text"]


def test_what_is_not_complete_is_looked_at_when_it_is() -> None:
    class Early(ServerEvent):
        later: "Later"  # type: ignore[name-defined]  # noqa: F821

    made: list[ByteSocket] = []
    assert told(declare=lambda: made.append(ByteSocket(title="Lint", events=[Early]))) == []
    Early.model_rebuild(_types_namespace={"Later": SecretStr})
    assert told(declare=made[0].contract) == ["secret-sent"]
    assert told(declare=made[0].contract) == []


def test_what_has_no_schema_is_left_to_who_needs_one() -> None:
    class Opaque:
        pass

    app = ByteSocket(title="Lint")

    @app.on("opaque")
    async def opaque(data: Opaque) -> None:
        """Nothing."""

    with pytest.raises(ConfigurationError, match="Opaque"):
        app.contract()


# ---- allowed, and forbidden


class Allowed(Event):
    model_config = ConfigDict(json_schema_extra={"x-allow": ["bytes-as-text", "nan"]})

    raw: bytes
    many: tuple[bytes, ...] = ()
    number: float = math.nan
    secret: SecretStr = SecretStr("")
    inner: Raw | None = None


def test_an_author_may_allow_it_for_a_field() -> None:
    allowed = Field(json_schema_extra={"x-allow": ["bytes-as-text"]})

    class Mine(Event):
        raw: Annotated[bytes, allowed]
        more: list[Annotated[bytes, allowed]]
        least: bytes = Field(b"", json_schema_extra={"x-allow": ["bytes-as-text", "nan"]})
        wrong: bytes = Field(b"", json_schema_extra={"x-allow": ["nan"]})
        by_hand: bytes = Field(b"", json_schema_extra=lambda schema: None)

    app: list[ByteSocket] = []
    declare = lambda: app.append(ByteSocket(title="Lint", events=[Mine]))  # noqa: E731
    assert told(declare=declare) == ["bytes-as-text", "bytes-as-text"]
    assert told("bare", Annotated[bytes, allowed], "both") == []
    assert "x-allow" not in app[0].contract().to_json()


def test_an_author_may_allow_it_for_a_models_own_fields() -> None:
    declare = lambda: ByteSocket(title="Lint", events=[Allowed])  # noqa: E731
    assert told(declare=declare) == ["bytes-as-text", "secret-sent"]

    class Read(ReadFirst):
        model_config = ConfigDict(json_schema_extra={"x-allow": ["codec-dependent"]})

    assert told("read", Read, "client") == []


def test_strict_makes_all_of_them_errors() -> None:
    with pytest.raises(ConfigurationError) as caught:
        ByteSocket(title="Lint", events=[Allowed], strict=True)
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"{__file__}:{line_of('raw: bytes')}: event 'allowed': Raw.raw holds")
    assert f"{line_of('secret: SecretStr = SecretStr')}: event 'allowed': Allowed.secret" in second


def test_strict_has_nothing_to_say_of_ordinary_types() -> None:
    app = ByteSocket(title="Lint", strict=True)
    app.declare("ordinary", Ordinary)
    app.declare("encoded", Encoded)
