"""A handle declares somebody else's type, and makes checked payloads of it."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, ValidationError

from bytesocket_app.errors import ConfigurationError
from bytesocket_app.events import (
    BothHandle,
    ClientHandle,
    ClientPayload,
    ServerHandle,
    ServerPayload,
    declare,
)
from bytesocket_app.events.declared import is_handle, is_payload


class Item(BaseModel):
    sku: str


@dataclass
class Point:
    x: int


class NoValidator:
    pass


def test_each_direction_has_its_handle() -> None:
    assert isinstance(declare("a", int, direction="client"), ClientHandle)
    assert isinstance(declare("a", int, direction="server"), ServerHandle)
    assert isinstance(declare("a", int), BothHandle)
    assert declare("a", int).direction == "both"


def test_calling_a_handle_makes_a_payload_of_its_direction() -> None:
    assert isinstance(declare("a", int, direction="client")(1), ClientPayload)
    assert isinstance(declare("a", int, direction="server")(1), ServerPayload)
    both = declare("a", int)(1)
    assert isinstance(both, ClientPayload)
    assert isinstance(both, ServerPayload)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, 7),
        (None, None),
        (int | str, "a"),
        (list[Item], [Item(sku="a")]),
        (Point, Point(1)),
        (UUID, UUID(int=1)),
        (Annotated[int, Field(gt=0)], 1),
        (Any, {"a": 1}),
    ],
)
def test_any_type_that_pydantic_knows_can_be_a_payload(annotation: Any, value: Any) -> None:
    payload = declare("stock:item", annotation)(value)
    assert payload.value == value
    assert payload.handle.name == "stock:item"


def test_a_wrong_payload_is_refused_where_it_is_made() -> None:
    with pytest.raises(ValidationError):
        declare("a", Annotated[int, Field(gt=0)])(0)
    for direction in ("client", "server"):
        way: Any = direction
        with pytest.raises(ValidationError):
            declare("a", int, direction=way)("x")


def test_a_handle_knows_its_reply_and_its_place() -> None:
    handle = declare("a", int, direction="client", reply=Item)
    assert handle.reply is Item
    assert handle.source.startswith(f"{__file__}:")
    assert repr(handle) == "<event 'a' of <class 'int'>>"
    assert repr(handle(3)) == "<event 'a': 3>"


def test_handles_and_payloads_are_told_from_anything_else() -> None:
    handle = declare("a", int)
    assert is_handle(handle)
    assert is_payload(handle(1))
    assert not is_handle(handle(1))
    assert not is_payload(handle)


def refused(*args: Any, **kwargs: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        declare(*args, **kwargs)
    assert f"({__file__}:" in str(caught.value)
    return str(caught.value)


def test_a_payload_without_validator_is_refused() -> None:
    message = refused("a", NoValidator)
    assert "The payload of event 'a'" in message
    assert "NoValidator" in message
    assert "\n" not in message


def test_a_reply_without_validator_is_refused() -> None:
    assert "The reply of event 'a'" in refused("a", int, reply=NoValidator)


def test_a_direction_is_one_of_three() -> None:
    assert "use 'client', 'server' or 'both'" in refused("a", int, direction="up")


@pytest.mark.parametrize("name", ["", True, float("nan"), None])
def test_a_handles_name_is_checked(name: Any) -> None:
    assert "cannot be an event's name" in refused(name, int)
