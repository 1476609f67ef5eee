"""An application that gives every payload back: what round-trip tests of clients talk to."""

import datetime as dt
import ipaddress
from decimal import Decimal
from enum import IntEnum, IntFlag
from typing import Annotated, Any, Literal, NamedTuple, NotRequired
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, Json, JsonValue
from typing_extensions import TypedDict

from bytesocket_app import ByteSocket, Event, Refusal, Socket


class Priority(IntEnum):
    low = 1
    high = 2


class Access(IntFlag):
    read = 1
    write = 2


class Point(NamedTuple):
    x: int
    y: str = "y"


class Options(TypedDict):
    a: int
    b: NotRequired[str]


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int


BASE64 = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")


class Photo(BaseModel):
    model_config = BASE64

    kind: Literal["photo"] = "photo"
    data: bytes


class Node(BaseModel):
    children: "list[Node]" = []


class Everything(Event, name="everything"):
    model_config = BASE64

    priority: Priority = Priority.low
    access: Access = Access.read
    point: Point
    options: Options
    pets: list[Annotated[Cat | Photo, Field(discriminator="kind")]]
    node: Node | None = None
    unique: frozenset[int] = frozenset()
    by_number: dict[int, str] = Field(default_factory=dict[int, str])
    by_member: dict[Priority, bytes] = Field(default_factory=dict[Priority, bytes])
    by_id: dict[UUID, bytes] = Field(default_factory=dict[UUID, bytes])
    when: dt.datetime
    price: Decimal
    address: ipaddress.IPv4Address | None = None
    parsed: Json[list[int]] = Field(default_factory=list[int])
    anything: JsonValue = None
    pair: tuple[int, bytes] = (0, b"")
    literal: Literal[1, "a", True] | None = 1
    aliased: Annotated[float, Field(alias="the-alias")] = 1.0


class TooLate(Refusal, code="too_late"):
    """It is over."""


app = ByteSocket(title="Round trip", events=[Everything])


@app.on(Everything, raises=(TooLate,))
async def everything(socket: Socket[Any], event: Everything) -> Everything:
    if event.priority is Priority.high:
        raise TooLate("Come back tomorrow", data={"hours": 24})
    return event


# The tests send bytes that are text: JSON carries them.
Raw = Annotated[bytes, Field(json_schema_extra={"x-allow": ["bytes-as-text"]})]


@app.on("raw")
async def raw(socket: Socket[Any], data: Raw) -> Raw:
    return data[::-1]


room = app.room("room:{number}")


@room.on(Everything)
async def in_room(socket: Socket[Any], event: Everything, number: int) -> Priority:
    return Priority.high
