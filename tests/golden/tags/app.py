"""Unions told apart by tags, with defaults and in each other."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from bytesocket_app import ByteSocket, Event


class Circle(BaseModel):
    kind: Literal["circle"] = "circle"
    radius: float


class Square(BaseModel):
    kind: Literal["polygon"] = "polygon"
    corners: Literal[4] = 4
    side: float


class Triangle(BaseModel):
    kind: Literal["polygon"] = "polygon"
    corners: Literal[3] = 3
    sides: tuple[float, float, float]


Polygon = Annotated[Square | Triangle, Field(discriminator="corners")]
Shape = Annotated[Circle | Polygon, Field(discriminator="kind")]


class Draw(Event):
    shape: Shape
    below: list[Shape] = []


app = ByteSocket(title="Shapes", events=[Draw])
