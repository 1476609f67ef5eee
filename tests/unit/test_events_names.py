"""An event's name is a non-empty string or a number that both languages can tell apart."""

from enum import IntEnum, StrEnum
from math import inf, nan
from typing import Any

import pytest

from bytesocket_app.errors import ConfigurationError, where
from bytesocket_app.events.names import checked_name, snake_case


class Text(StrEnum):
    POST = "chat:post"


class Number(IntEnum):
    POST = 7


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Post", "post"),
        ("ChatPosted", "chat_posted"),
        ("HTTPReply", "http_reply"),
        ("ReplyHTTP", "reply_http"),
        ("V2Post", "v2_post"),
        ("already_snake", "already_snake"),
        ("Größe", "größe"),
    ],
)
def test_a_class_name_becomes_snake_case(text: str, name: str) -> None:
    assert snake_case(text) == name


@pytest.mark.parametrize("name", ["chat:post", " ", "7", 7, 0, -1, 1.5, 2**53 - 1])
def test_text_and_numbers_are_names_as_they_are(name: Any) -> None:
    assert checked_name(name) == name
    assert type(checked_name(name)) is type(name)


def test_a_whole_float_is_the_same_name_as_its_integer() -> None:
    assert type(checked_name(7.0)) is int
    assert str(checked_name(-0.0)) == "0"


def test_members_of_an_enum_become_what_goes_over_the_wire() -> None:
    assert type(checked_name(Text.POST)) is str
    assert checked_name(Text.POST) == "chat:post"
    assert type(checked_name(Number.POST)) is int


@pytest.mark.parametrize(
    "name", ["", True, False, None, nan, inf, -inf, 2**53, 1e300, b"post", ("a",), "\ud800"]
)
def test_anything_else_is_refused_where_it_stands(name: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        checked_name(name)
    assert f"{name!r} cannot be an event's name ({__file__}:" in str(caught.value)
    assert "use a non-empty string, or a number" in str(caught.value)


def test_the_class_that_has_the_name_is_where_it_stands() -> None:
    with pytest.raises(ConfigurationError) as caught:
        checked_name("", Text)
    assert where(Text) in str(caught.value)
