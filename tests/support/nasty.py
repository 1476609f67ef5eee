"""Models that generators get wrong: names that shadow, defaults, tags, keys, recursion, bytes."""

from builtins import int as integer
from datetime import date as calendar_date
from datetime import datetime, timedelta
from datetime import time as day_time
from decimal import Decimal
from enum import Enum, IntEnum, IntFlag, StrEnum
from typing import Annotated, Any, Generic, NamedTuple, NotRequired, Optional, TypeVar
from typing import Literal as OneOf
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from typing_extensions import TypedDict

from bytesocket_app.contract import ContractSource, build
from bytesocket_app.contract.source import EventEntry, RoomEntry, RoomEventEntry
from bytesocket_app.events import ClientEvent, Event, EventModel

T = TypeVar("T")


class Color(StrEnum):
    RED = "red"
    GREEN = "green"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Mixed(Enum):
    NUMBER = 1
    TEXT = "x"


class Rights(IntFlag):
    READ = 1
    WRITE = 2


class Cat(BaseModel):
    kind: OneOf["cat"] = "cat"
    lives: int = 9


class Dog(BaseModel):
    kind: OneOf["dog", "wolf"] = "dog"
    name: str


class Sizes(TypedDict):
    width: int
    height: NotRequired[int]


class Point(NamedTuple):
    x: int
    y: str = "origin"


class Page(BaseModel, Generic[T]):
    items: list[T]
    next: "Page[T] | None" = None


class Date(BaseModel):
    date: calendar_date
    time: day_time | None = None


class Tree(BaseModel):
    children: list["Tree"] = []
    parent: Optional["Tree"] = None


class Nasty(Event, name="nasty"):
    """Says \"\"\"hello\"\"\" and \\ ends."""

    model_config = ConfigDict(populate_by_name=True, protected_namespaces=())

    type: str
    text: integer = Field(alias="str")
    literal: int = Field(3, alias="Literal")
    many: list[int] = Field(default_factory=lambda: [1], alias="list")
    number: Annotated[int, Field(ge=1)] = Field(5, alias="int")
    keyword: str = Field(alias="class")
    as_json: bool = Field(default=False, alias="json")
    private: int = Field(0, alias="_private")
    odd: str = Field("", alias='a "b"\n-')
    twice: int = Field(1, alias="a.b")
    thrice: int = Field(2, alias="a-b")
    model_x: float = 1.5
    price: Decimal = Decimal("1.5")
    when: datetime
    took: timedelta = timedelta(1)
    who: UUID | None = None
    color: Color = Color.RED
    level: Level = Level.LOW
    mixed: Mixed
    rights: Rights = Rights.READ
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    sizes: Sizes
    point: Point
    page: Page[Cat]
    day: Date = Field(alias="Date")
    tree: Tree | None = None
    by_id: dict[UUID, Cat] = Field(default={})
    by_color: dict[Color, int] = Field(default={})
    by_number: dict[int, list[Dog]] = Field(default={})
    tags: set[str] = Field(default=set())
    points: set[Point] = Field(default=set())
    several: tuple[int, ...] = ()
    pair: tuple[int, str]
    anything: Any = None
    choice: OneOf[1, "a", True] | None = 1
    raw: bytes
    secret: SecretStr = SecretStr("x")
    quoted: str = 'he said """hi""" \\'


class Loose(Event, name="loose"):
    model_config = ConfigDict(extra="allow")

    a: int


class Empty(ClientEvent):
    pass


def _entry(event: type[EventModel], **more: Any) -> EventEntry:
    direction = event.__event_direction__
    name = event.__event_name__
    return EventEntry(name, direction, event, is_global=True, doc=event.__doc__ or "", **more)


def document() -> dict[str, Any]:
    """The contract of all of them."""
    source = ContractSource(
        title='my "nasty" app!',
        events=(
            _entry(Nasty, reply=Page[Dog]),
            _entry(Loose),
            _entry(Empty),
            EventEntry("list:cats", "both", list[Cat], is_global=True, reply=dict[str, Dog]),
            EventEntry(1.5, "client", int | str, is_global=True, reply=Tree),
            EventEntry("none", "server", None),
            EventEntry("a b", "client", Cat, is_global=True),
            EventEntry("a-b", "client", Cat, is_global=True, class_name="ABEvent"),
            EventEntry("tree", "server", Tree, doc="A tree."),
        ),
        rooms=(
            RoomEntry(
                "doc:{id}:{name}",
                {"id": UUID, "name": str},
                client_events=(RoomEventEntry("nasty", reply=int), RoomEventEntry("loose")),
                class_name="DocIdNameRoom",
            ),
            RoomEntry("doc:{id}", {"id": UUID}, class_name="DocIdRoom"),
            RoomEntry("doc", client_events=(RoomEventEntry("a b", reply=bytes),)),
        ),
    )
    return build(source).document
