"""Who hears an event, validated once for each class."""

import gc
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import RootModel

from bytesocket_app.client.listeners import Delivery, Listener, Listeners
from bytesocket_app.client.messages import ABSENT, EventArrived
from bytesocket_app.events import ServerEvent

pytestmark = pytest.mark.anyio


class Posted(ServerEvent, name="posted"):
    text: str = ""


class Other(ServerEvent, name="posted"):
    text: str = "other"


class Number(ServerEvent, RootModel[int | None], name="number"):
    pass


class Heard:
    def __init__(self) -> None:
        self.posts: list[tuple[Callable[[Any], object], object]] = []
        self.calls: list[Callable[[], object]] = []
        self.errors: list[BaseException] = []

    def delivery(self, name: str, data: Any = ABSENT) -> Delivery:
        return Delivery(EventArrived(name, data), "json", self.post, self.errors.append)

    def post(self, callback: Callable[[Any], object], argument: object) -> None:
        assert isinstance(callback, Listener)
        self.posts.append((callback.callback, argument))
        self.calls.append(lambda: callback(argument))


def test_a_callback_added_twice_is_called_once_and_can_go() -> None:
    listeners, heard = Listeners(), Heard()
    assert listeners.on(Posted, print) is print
    assert listeners.on(Posted, None)(print) is print
    heard.delivery("posted", {"text": "a"}).to(listeners)
    assert heard.posts == [(print, Posted(text="a"))]
    listeners.remove(Posted, print)
    listeners.remove(Posted, print)
    heard.delivery("posted", {"text": "a"}).to(listeners)
    assert len(heard.posts) == 1


def test_one_event_is_validated_once_for_each_class() -> None:
    first, second, heard = Listeners(), Listeners(), Heard()
    first.add(Posted, print)
    second.add(Posted, repr)
    second.add(Other, str)
    delivery = heard.delivery("posted", {"text": "a"})
    delivery.to(first)
    delivery.to(second)
    assert [type(argument) for _, argument in heard.posts] == [Posted, Posted, Other]
    assert heard.posts[0][1] is heard.posts[1][1]


def test_a_payload_that_does_not_validate_is_told_once() -> None:
    listeners, heard = Listeners(), Heard()
    listeners.add(Posted, print)
    delivery = heard.delivery("posted", {"text": 5})
    delivery.to(listeners)
    delivery.to(listeners)
    assert heard.posts == []
    assert [type(error).__name__ for error in heard.errors] == ["ValidationError"]


def test_no_data_is_an_empty_object_or_null() -> None:
    listeners, heard = Listeners(), Heard()
    listeners.add(Posted, print)
    listeners.add(Number, print)
    heard.delivery("posted").to(listeners)
    heard.delivery("number").to(listeners)
    heard.delivery("unknown").to(listeners)
    assert [argument for _, argument in heard.posts] == [Posted(), Number(None)]


async def test_iterators_get_events_until_the_listeners_end() -> None:
    listeners, heard = Listeners(), Heard()
    stream = listeners.stream(Posted, limit=1)
    for text in "ab":
        heard.delivery("posted", {"text": text}).to(listeners)
    assert "too slow" in str(heard.errors[0])
    listeners.end()
    assert [event.text async for event in stream] == ["b"]


def test_an_iterator_that_was_left_takes_its_place_with_it() -> None:
    listeners, heard = Listeners(), Heard()
    stream = listeners.stream(Posted, limit=1)
    del stream
    gc.collect()
    heard.delivery("posted", {"text": 5}).to(listeners)
    assert heard.errors == []
