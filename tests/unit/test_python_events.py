"""Which class an event gets."""

from typing import Any

from bytesocket_cli.codegen.python_events import EventClasses
from bytesocket_cli.codegen.python_types import AnnotationWriter
from tests.support.contracts import STRING, event, model, ref

TYPES: dict[str, Any] = {"Post": model({"x": STRING}), "Words": STRING}
NAMES = {name: name for name in TYPES}


def classes(*events: dict[str, Any]) -> EventClasses:
    return EventClasses(events, TYPES, NAMES, reserved={"Taken"})


def declared(events: EventClasses, **config: str) -> list[str]:
    writer = AnnotationWriter(TYPES, NAMES)
    return ["\n".join(one.derived(writer, TYPES, config)) for one in events.all]


def test_a_payload_of_one_event_is_the_event() -> None:
    events = classes(event("post", "client", ref("Post"), volatile=True))
    made = events.of_type("Post")
    assert made is not None
    assert made is events.sent["post"]
    assert made.bases == '_bs.ClientEvent, name="post", volatile=True'
    assert events.of_type("Words") is None


def test_a_shared_payload_is_derived_from() -> None:
    events = classes(
        event("taken", "client", ref("Post"), doc="One."), event("post", "server", ref("Post"))
    )
    assert declared(events) == [
        'class TakenEvent(_bs.ClientEvent, Post, name="taken"):\n    """One."""',
        'class PostEvent(_bs.ServerEvent, Post, name="post"):\n    pass',
    ]


def test_a_payload_without_fields_is_wrapped() -> None:
    events = classes(
        event("say", "both", STRING),
        event("words", "server", ref("Words"), doc="Some."),
        event(7, "client", STRING),
    )
    config = '    model_config = _p.ConfigDict(ser_json_bytes="hex")'
    assert [text.splitlines() for text in declared(events, ser_json_bytes='"hex"')] == [
        ['class Say(_bs.Event, _p.RootModel[str], name="say"):', config],
        [
            'class WordsEvent(_bs.ServerEvent, _p.RootModel[Words], name="words"):',
            '    """Some."""',
            "",
            config,
        ],
        ["class Event7(_bs.ClientEvent, _p.RootModel[str], name=7):", config],
    ]


def test_directions_that_differ_get_a_class_each() -> None:
    both = {**event("say", "both", STRING), "input": ref("Words")}
    events = classes(both)
    assert events.sent["say"].identifier == "SayInput"
    assert events.arriving["say"].identifier == "Say"
    assert (events.sent["say"].direction, events.arriving["say"].direction) == ("client", "server")
