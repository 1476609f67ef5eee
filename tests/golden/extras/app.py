"""Extra keys, dictionaries of all kinds, and what is anything."""

from dataclasses import dataclass
from typing import Any, NamedTuple, NotRequired
from uuid import UUID

from pydantic import ConfigDict
from typing_extensions import TypedDict

from bytesocket_app import ByteSocket, Event


class Point(NamedTuple):
    x: int
    y: int = 0


class Options(TypedDict):
    verbose: NotRequired[bool]


@dataclass
class Address:
    street: str
    number: int = 1


class Open(Event):
    model_config = ConfigDict(extra="allow")

    by_id: dict[UUID, Point] = {}
    by_number: dict[int, str] = {}
    unique: set[str] = set()
    options: Options = {}
    address: Address | None = None
    anything: Any = None


app = ByteSocket(title="Extras", events=[Open])
