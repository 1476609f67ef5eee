"""What validators and serializers make of a type."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Json,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    field_serializer,
    model_serializer,
)

from tests.nasty.case import Case, Row

F = TypeVar("F", bound=Callable[..., Any])


def undeclared(function: F) -> F:
    """Take the return annotation away, which type checkers would demand."""
    del function.__annotations__["return"]
    return function


def _split(value: object) -> object:
    return value.split(",") if isinstance(value, str) else value


class Written(BaseModel):
    opaque: int
    told: Annotated[int, PlainSerializer(lambda value: f"{value}!", return_type=str)] = 1

    @field_serializer("opaque")
    @undeclared
    def write(self, value: int) -> str:
        return str(value)


class Whole(BaseModel):
    x: int

    @model_serializer
    def write(self) -> str:
        return f"x={self.x}"


class Checked(BaseModel):
    words: Annotated[list[str], BeforeValidator(_split, json_schema_input_type=str)]
    plain: Annotated[
        int, PlainValidator(lambda value: int(str(value)), json_schema_input_type=int | str)
    ] = 1
    described: Annotated[Any, WithJsonSchema({"type": "string"})] = "x"


class Parsed(BaseModel):
    numbers: Json[list[int]]
    any: Json[Any] = None


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    n: int
    pair: tuple[int, float] = (1, 1.5)
    unique: set[str] = set()
    on: bool = False


CASES: dict[str, Case] = {
    "written": Case(
        rows=(Row.SERIALIZER,),
        payload=Written,
        good=[{"opaque": 1, "told": 2}],
        bad=[{"opaque": None}, {"told": 1}],
        unlike=[{"opaque": "1"}],
        echo=False,
    ),
    "whole": Case(
        rows=(Row.SERIALIZER,), payload=Whole, good=[{"x": 1}], bad=["x=1", {}], echo=False
    ),
    "checked": Case(
        rows=(Row.VALIDATOR,),
        payload=Checked,
        good=[{"words": "a,b", "plain": "5", "described": "x"}],
        bad=[{"words": 1}, {"words": None}, {}],
        echo=False,
        draws=False,
    ),
    "parsed": Case(
        rows=(Row.JSON_TEXT,),
        payload=Parsed,
        good=[{"numbers": "[1, 2]", "any": "null"}],
        bad=[{"numbers": None}, {"numbers": 5}],
        echo=False,
    ),
    "strict": Case(
        rows=(Row.STRICT,),
        payload=Strict,
        good=[{"n": 1, "pair": [1, 2.5], "unique": ["a"], "on": True}],
        bad=[{"n": "1"}, {"n": 1, "on": 1}, {"n": 1, "pair": ["1", 1]}, {"n": None}],
    ),
}
