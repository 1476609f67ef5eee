"""Event classes carry name, direction and marks, and reserve no attribute of the user's."""

from typing import Any

import pytest

from bytesocket_app import ClientEvent, ConfigurationError, Event, ServerEvent
from bytesocket_app.events import EventModel


class Rename(ClientEvent, name="user:rename"):
    name: str
    volatile: bool
    abstract: int


class ChatPosted(ServerEvent):
    text: str


class Reaction(Event, name=7):
    emoji: str


class Dragged(ServerEvent, abstract=True, volatile=True):
    x: float


class Moved(Dragged):
    pass


class Turned(ServerEvent, volatile="wheel"):
    wheel: int


class Placed(Dragged, volatile=False):
    pass


def test_a_name_is_given_or_made_from_the_class() -> None:
    assert Rename.__event_name__ == "user:rename"
    assert ChatPosted.__event_name__ == "chat_posted"
    assert Reaction.__event_name__ == 7


def test_a_field_may_be_called_like_a_class_argument() -> None:
    event = Rename(name="Ann", volatile=True, abstract=3)
    assert (event.name, event.volatile, event.abstract) == ("Ann", True, 3)
    assert event.model_dump() == {"name": "Ann", "volatile": True, "abstract": 3}


def test_the_base_says_the_direction() -> None:
    assert Rename.__event_direction__ == "client"
    assert ChatPosted.__event_direction__ == "server"
    assert Reaction.__event_direction__ == "both"


def test_a_class_of_both_bases_goes_both_ways() -> None:
    class Both(ClientEvent, ServerEvent):
        pass

    assert Both.__event_direction__ == "both"


def test_a_derived_event_keeps_direction_and_marks_but_not_the_name() -> None:
    class Retitle(Rename):
        pass

    assert Retitle.__event_name__ == "retitle"
    assert Retitle.__event_direction__ == "client"
    assert Moved.__event_volatile__
    assert not Placed.__event_volatile__
    assert not ChatPosted.__event_volatile__


def test_a_volatile_event_may_say_which_field_tells_things_apart() -> None:
    assert (Turned.__event_volatile__, Turned.__event_subject__) == (True, "wheel")
    assert (Moved.__event_volatile__, Moved.__event_subject__) == (True, None)


def test_a_field_that_is_not_there_is_refused_at_the_class() -> None:
    with pytest.raises(ConfigurationError, match=r"Spun \(.*no field 'wheels'.*fields: 'wheel'"):
        type("Spun", (Turned,), {"__module__": __name__}, volatile="wheels")


def test_a_base_is_no_event_and_what_derives_from_it_is() -> None:
    assert Dragged.__event_abstract__
    assert not Moved.__event_abstract__
    assert ClientEvent.__event_abstract__


@pytest.mark.parametrize("name", ["", True, float("nan"), 2**60])
def test_a_bad_name_is_refused_at_the_class(name: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be an event's name \(.*Bad\)"):
        type("Bad", (ClientEvent,), {"__module__": __name__}, name=name)


def test_an_event_without_direction_is_refused_at_the_class() -> None:
    with pytest.raises(ConfigurationError, match=r"Bare \(.*does not say who sends it: derive"):
        type("Bare", (EventModel,), {"__module__": __name__})


def test_a_base_may_leave_the_direction_open() -> None:
    class Stamped(EventModel, abstract=True):
        at: int

    class Posted(Stamped, ServerEvent):
        pass

    assert Posted.__event_direction__ == "server"
    assert Posted(at=1).at == 1


def test_pydantics_own_class_arguments_pass() -> None:
    class Ice(ServerEvent, name="frozen", title="Ice"):
        x: int

    assert Ice.model_config.get("title") == "Ice"
