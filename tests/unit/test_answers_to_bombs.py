"""What a peer hears of a large or hostile payload: few problems, of few characters."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import InitErrorDetails

from bytesocket_app import (
    ByteSocket,
    CallNext,
    ErrorContext,
    Event,
    Message,
    Socket,
)
from bytesocket_app.dispatch.answers import validation_details
from bytesocket_app.testing import TestClient


class Line(BaseModel):
    number: int


class Order(Event, name="order"):
    model_config = ConfigDict(extra="forbid")
    items: list[Line] = Field(default=[])


def problem(loc: tuple[str | int, ...], **context: Any) -> ValidationError:
    given: InitErrorDetails = {"type": "extra_forbidden", "loc": loc, "input": 1}
    if context:
        given = {"type": "union_tag_invalid", "loc": loc, "input": 1, "ctx": context}
    return ValidationError.from_exception_data("", [given])


def test_a_long_name_in_a_location_is_cut() -> None:
    (detail,) = validation_details(problem(("k" * 1_000_000, 7, *["deep"] * 200)))
    assert detail["loc"][0] == "k" * 127 + "…"
    assert detail["loc"][1:3] == [7, "deep"]
    assert len(detail["loc"]) == 64


def test_a_text_that_repeats_the_input_is_cut() -> None:
    error = problem((), discriminator="kind", tag="t" * 1_000_000, expected_tags="a")
    (detail,) = validation_details(error)
    assert len(detail["msg"]) == 256
    assert detail["type"] == "union_tag_invalid"


def test_very_many_problems_are_one() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(list[int]).validate_python([""] * 5000)
    assert validation_details(caught.value) == [
        {"loc": [], "msg": "5000 problems, too many to list", "type": "too_many"}
    ]


ROUTES = ("plain", "room", "rooms", "middleware", "changed by middleware")


@pytest.mark.anyio
@pytest.mark.parametrize("route", ROUTES)
async def test_a_large_payload_stops_at_its_first_bad_item_on_every_way(route: str) -> None:
    app = ByteSocket(title="T", events=[Order])

    @app.on(Order)
    async def order(socket: Socket) -> None:
        """Take an order."""

    app.room("shop").relay(Order)

    async def step(_: Socket, message: Message, call_next: CallNext) -> object:
        return await call_next(replace(message) if route != "middleware" else message)

    if "middleware" in route:
        app.middleware(step)
    places: dict[str, dict[str, Any]] = {"room": {"room": "shop"}, "rooms": {"rooms": ["shop"]}}
    place = places.get(route, {})
    async with TestClient(app) as client:
        if place:
            await client.join("shop")
        for count, told in ((20, 16), (2000, 1)):
            data: dict[str, Any] = {"items": [{}] * count}
            await client.send({"event": "order", "data": data, "id": count, **place})
            answer = await client.receive_message()
            assert answer["id"] == count
            assert len(answer["data"]["details"]) == told
            assert answer["data"]["details"][0]["loc"] == ["items", 0, "number"]


@pytest.mark.anyio
async def test_large_credentials_stop_at_their_first_bad_item() -> None:
    app = ByteSocket(title="T")
    seen: list[str] = []

    @app.auth
    async def login(_: Socket, credentials: list[int]) -> str:
        return str(credentials)

    @app.lifecycle.auth_error
    async def failed(_: Socket, context: ErrorContext) -> None:
        seen.append(str(context.error))

    async with TestClient(app) as client:
        await client.send({"type": 4, "data": [""] * 3000})
        await client.wait_closed()
    (text,) = seen
    assert text.startswith("The credentials cannot be read: 0: ")
    assert text.count(";") == 0
