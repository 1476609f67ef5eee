"""Enums, flags, literals, and dictionaries keyed by them."""

from enum import IntEnum, IntFlag, StrEnum
from typing import Literal

from bytesocket_app import ByteSocket, Event


class Color(StrEnum):
    """What a light may show."""

    RED = "red"
    GREEN = "green"


class Priority(IntEnum):
    low = 1
    high = 2


class Rights(IntFlag):
    READ = 1
    WRITE = 2


class Choice(Event):
    color: Color
    priority: Priority = Priority.low
    rights: Rights = Rights.READ
    mode: Literal["on", "off", 0] | None = None
    lights: dict[Color, bool] = {}


app = ByteSocket(title="Choices", events=[Choice])
