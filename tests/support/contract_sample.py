# ruff: noqa: PYI061, RUF012, UP007, UP035, UP045 - spelled in all the ways that users know
# pyright: reportDeprecated=false, reportIncompatibleVariableOverride=false
# pyright: reportUnnecessaryTypeIgnoreComment=false
"""A contract of what differs between versions of Pydantic and of Python, if anything does.

Run as a script or a module, it prints it: the bytes must be the same everywhere. "reversed" as an
argument declares the events the other way round.
"""

import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, IntFlag, StrEnum
from fractions import Fraction
from ipaddress import IPv4Address, IPv4Network, IPv6Interface
from pathlib import Path
from re import Pattern
from typing import Annotated, Any, Generic, Literal, NamedTuple, Optional, TypeVar, Union
from uuid import UUID

from annotated_types import Gt, Len, MultipleOf
from pydantic import (
    AliasChoices,
    AliasPath,
    AnyUrl,
    AwareDatetime,
    Base64Bytes,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Discriminator,
    Field,
    FiniteFloat,
    FutureDate,
    HttpUrl,
    Json,
    JsonValue,
    NaiveDatetime,
    PastDatetime,
    PlainSerializer,
    PostgresDsn,
    RootModel,
    SecretBytes,
    SecretStr,
    StringConstraints,
    Tag,
    WithJsonSchema,
    computed_field,
    conint,
    field_serializer,
    field_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic.json_schema import SkipJsonSchema
from typing_extensions import NotRequired, TypeAliasType, TypedDict, deprecated

from bytesocket_app import AuthError, ByteSocket, ClientEvent, Event, Refusal, Socket
from bytesocket_app.events import EventModel

T = TypeVar("T")
K = TypeVar("K")
_THEN = datetime(2026, 1, 2, 3, 4, 5, 678, UTC)


class Color(StrEnum):
    """Colours."""

    RED = "red"
    GREEN = "green"


class Level(IntEnum):
    HIGH = 2
    LOW = 1


class Mixed(Enum):
    NOTHING = None
    TEXT = "x"
    PAIR = (1, 2)


class Rights(IntFlag):
    READ = 1
    WRITE = 2


class Cat(BaseModel):
    """A cat.

    With claws.
    """

    kind: Literal["cat"] = "cat"
    lives: Annotated[int, Field(ge=0, le=9, description="How many\nare left.")] = 9


class Dog(BaseModel):
    kind: Literal["dog", "wolf"]
    friends: "list[Dog | Cat]" = []


class Shape(BaseModel):
    form: Color
    area: float = 0


class Other(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    form: Literal["other"] = Field("other", alias="Form")


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]
Thing = Annotated[
    Annotated[Cat, Tag("cat")] | Annotated[Shape, Tag("shape")],
    Discriminator(lambda value: "cat" if isinstance(value, Cat) else "shape"),
]
Tree = TypeAliasType("Tree", "dict[str, Tree] | int | None")
Pair = TypeAliasType("Pair", tuple[T, T], type_params=(T,))


class Page(BaseModel, Generic[T]):
    """One page of many."""

    items: list[T]
    more: "Page[T] | None" = None


class Both(BaseModel, Generic[K, T]):
    left: K
    right: T | None = None


class Sizes(TypedDict, total=False):
    """Sizes."""

    width: int
    height: Annotated[int, Gt(0)]


class More(Sizes):
    depth: NotRequired[float]
    name: str


class Point(NamedTuple):
    x: int
    y: "int" = 0


@dataclass
class Plain:
    """Plain data."""

    number: int
    texts: list[str] = field(default_factory=list[str])


@pydantic_dataclass(config=ConfigDict(extra="forbid"))
class Careful:
    number: Annotated[int, MultipleOf(3)]
    numbers: list[int] | None = None


class Names(RootModel[dict[Color, list[str]]]):
    """Names by colour."""


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow", str_max_length=10)

    __pydantic_extra__: dict[str, int]
    when: datetime
    pair: tuple[int, str]


class Camel(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        title="Not its name",
        json_schema_extra={"examples": [{"firstName": "Ada"}], "x-name": "CamelCase"},
        use_attribute_docstrings=True,
    )

    first_name: str
    """Given, not taken."""
    last_name: Annotated[str, Field(title="Surname", examples=["L"], deprecated=True)] = ""


class Bytes(BaseModel):
    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    raw: Annotated[bytes, Len(1, 9)]
    default: bytes = b"\xff\x00"
    text: Base64Bytes | None = None


@dataclass
class Shared:
    """Closed where it is used."""

    number: int = 1


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", ser_json_timedelta="float", str_min_length=1)

    plain: Shared
    spans: list[timedelta] = [timedelta(1.5)]
    cats: list[Cat] = [Cat(lives=3)]
    other: Other = Other.model_validate({})


@deprecated("Use Cat.", category=None)
class Old(BaseModel):
    pass


class Young(Old):
    a: int = 1


Documented = RootModel[Annotated[list[int], Field(description="Numbers.")]]


class Odd(BaseModel):
    model_config = ConfigDict(ser_json_timedelta="float", ser_json_inf_nan="strings")

    took: timedelta = timedelta(seconds=1.5)
    number: float = float("inf")
    finite: FiniteFloat = -0.0
    huge: int = 2**70
    limits: Annotated[Decimal, Field(max_digits=5, decimal_places=2, ge=Decimal("0.5"))]
    chosen: int = Field(validation_alias=AliasChoices("chosen", AliasPath("in", 0)))
    split: str = Field("", validation_alias="splitIn", serialization_alias="splitOut")
    hidden: int | SkipJsonSchema[None] = None
    left_out: int = Field(0, exclude=True)
    serialized: Annotated[int, PlainSerializer(str, return_type=str)] = 1
    unknown: Annotated[Any, PlainSerializer(lambda value: value)] = None
    before: Annotated[int, BeforeValidator(int, json_schema_input_type=str | int)] = 1
    described: Annotated[object, WithJsonSchema({"type": "integer", "minimum": 1})] = 1
    parsed: Json[list[int]] = Field(default="[1]", validate_default=True)
    anything: JsonValue = None

    @computed_field
    def total(self) -> int:
        """All of it."""
        return 1

    @computed_field(alias="Second", title="no", deprecated=False)  # type: ignore[prop-decorator]
    @property
    def second(self) -> list[Cat]:
        return []

    @field_serializer("huge", when_used="json")
    def text(self, value: int) -> str:
        return str(value)

    @field_validator("finite", mode="wrap")
    @classmethod
    def same(cls, value: Any, handler: Any) -> Any:
        return handler(value)


class Yes(BaseModel):
    is_on: Literal[True]


class No(BaseModel):
    is_on: Literal[False] = False


class Everything(Event, name="everything"):
    """Holds what there is."""

    pet: Pet
    nested: Annotated[Union[Pet, Annotated[Shape, Tag("red")]], Field(discriminator=None)] = Cat()
    thing: Thing | None = None
    tree: Tree = None
    pair: Pair[int] = (1, 2)
    page: Page[Cat | None]
    pages: list[Page[Union[int, str]]] = []
    both: Both[Color, Optional[Cat]] | Both[str, dict[str, int]]
    sizes: More
    point: Point = Point(1)
    plain: Plain
    careful: Careful
    names: Names = Names({})
    strict: Strict
    closed: Closed
    old: Old = Old()
    young: Young = Young()
    documented: Documented = Documented([1])
    maybe: dict[str, Any] = {}
    flags: Annotated[Yes | No, Field(discriminator="is_on")]
    camel: Camel
    odd: Odd
    color: Color = Color.RED
    level: Level = Level.LOW
    mixed: Mixed = Mixed.TEXT
    rights: Rights = Rights.READ | Rights.WRITE
    one_of: Literal[Color.RED, 3, None, True] = 3
    when: AwareDatetime = _THEN
    local: NaiveDatetime | None = None
    past: PastDatetime | None = None
    day: date = date(2026, 1, 2)
    future: FutureDate | None = None
    hour: time = time(1, 2)
    took: timedelta = timedelta(days=1, seconds=2, microseconds=3)
    price: Decimal = Decimal("1.50")
    part: Fraction = Fraction(1, 3)
    complex_: complex = 1 + 2j
    who: UUID = UUID(int=7)
    where: IPv4Address | IPv6Interface | IPv4Network | None = None
    url: AnyUrl | HttpUrl | None = None
    dsn: PostgresDsn | None = None
    path: Path = Path("a/b")
    pattern: Pattern[str] | None = None
    size: ByteSize = ByteSize(1024)
    secret: SecretStr | None = None
    secret_bytes: SecretBytes = SecretBytes(b"x")
    short: Annotated[str, StringConstraints(strip_whitespace=True, pattern="^a+$")] = "a"
    few: conint(ge=1, lt=5) = 1  # type: ignore[valid-type]
    some: Annotated[list[int], Len(1, 3)] = [1]
    texts: set[str] = {"c", "a", "b"}
    frozen: frozenset[Level] = frozenset({Level.LOW, Level.HIGH})
    queue: deque[int] = deque([1], maxlen=3)
    rest: tuple[int, ...] = ()
    sequence: Sequence[int] = ()
    mapping: Mapping[UUID, int] = {}
    ordered: OrderedDict[int, str] = OrderedDict()
    counter: Counter[str] = Counter("ab")
    default: defaultdict[str, list[int]] = Field(default_factory=lambda: defaultdict(list[int]))
    by_color: dict[Color, int] = {Color.RED: 1}
    by_choice: dict[Literal["b", "a"], date] = {}
    by_pattern: dict[Annotated[str, StringConstraints(pattern="^x-")], int] = {}
    later: int = Field(default_factory=lambda: 1)
    anything: Any = Field(None, json_schema_extra={"x-note": [1, {"b": 1, "a": 2}]})


class Files(Event, name="files"):
    files: list[Bytes]
    raw: bytes = b"abc"


class Ask(ClientEvent, name="ask", volatile=True):
    """
    Ask for something, with an indentation of its own.
    """

    number: int = 1


class Full(Refusal, code="full"):
    data: Both[int, str]


class Credentials(TypedDict):
    token: SecretStr


def application(*, is_reversed: bool = False) -> ByteSocket:
    """Declare it all."""
    events: tuple[type[EventModel], ...] = (Files, Everything, Ask)
    app = ByteSocket(title="Sample", version="2", events=events[::-1] if is_reversed else events)
    app.declare("scalar", Union[int, str, None], direction="server")
    app.declare(7, list[Pet])
    app.declare("alias", Tree, direction="client", reply=dict[int, Page[Dog]])

    @app.auth
    async def authenticate(socket: Socket, credentials: Credentials) -> str:
        raise AuthError(repr(credentials))

    @app.on(Ask, raises=(Full,))
    async def ask(event: Ask) -> Annotated[Both[int, Page[Point]], Field(description="Said.")]:
        raise Full(repr(event))

    room = app.room("room:{number}:{who}")

    @room.guard
    async def may(socket: Socket, number: Level, who: UUID) -> None:
        raise Full(f"{socket} {number} {who}")

    room.relay(Everything, Files)
    return app


if __name__ == "__main__":
    made = application(is_reversed="reversed" in sys.argv)
    sys.stdout.write(made.contract().to_json())
