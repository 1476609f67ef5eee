"""The shape tests are exact: a bool is no number, and an empty list is a list of strings."""

from math import inf, nan
from typing import Any

import pytest

from bytesocket_app.wire.message_type import MessageType
from bytesocket_app.wire.shapes import (
    is_event,
    is_object,
    is_request_id,
    is_room,
    is_rooms,
    lifecycle_type,
)


@pytest.mark.parametrize("value", ["", "chat:post", 0, 7, -1, 1.5])
def test_text_and_numbers_name_events(value: Any) -> None:
    assert is_event(value)


@pytest.mark.parametrize("value", [True, False, None, [], {}, b"post", 2**64, nan, inf])
def test_nothing_else_names_an_event(value: Any) -> None:
    assert not is_event(value)


def test_any_text_names_a_room() -> None:
    assert is_room("lobby")
    assert is_room("")
    assert not any(map(is_room, (None, 5, b"lobby", ["lobby"])))


def test_a_list_of_nothing_but_text_names_rooms() -> None:
    assert is_rooms([])
    assert is_rooms(["a", ""])
    assert not any(map(is_rooms, (["a", 1], ("a",), "a", None, {"a": 1})))


def test_text_and_whole_numbers_ask_for_a_reply() -> None:
    assert all(map(is_request_id, ("", "1", 0, -5, 2**64 - 1, -(2**63))))
    assert not any(map(is_request_id, (True, 1.5, None, [], b"1")))


def test_an_id_that_no_codec_could_send_back_asks_for_none() -> None:
    assert not is_request_id(2**64)
    assert not is_request_id(-(2**63) - 1)


def test_only_an_object_is_a_message() -> None:
    assert is_object({})
    assert not any(map(is_object, ([], None, 5, "x", b"")))


@pytest.mark.parametrize("value", [1, 4, 9, 24, 9.0])
def test_the_protocols_numbers_are_types(value: Any) -> None:
    assert lifecycle_type({"type": value}) == value


@pytest.mark.parametrize("value", [0, 25, 32, 33, -1, 9.5, True, "9", None, nan, inf, [9]])
def test_other_values_are_no_types(value: Any) -> None:
    assert lifecycle_type({"type": value}) is None
    assert lifecycle_type({}) is None


def test_our_extensions_begin_above_what_is_left_to_the_origin() -> None:
    names = {kind.name: int(kind) for kind in MessageType}
    assert (names["REPLY"], names["REPLY_ERROR"], names["MESSAGE"]) == (32, 33, 24)
    assert not {kind.value for kind in MessageType} & set(range(25, 32))
