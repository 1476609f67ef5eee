"""Which class an event gets."""

from typing import Any

from bytesocket_cli.codegen.python_classes import ClassNames
from bytesocket_cli.codegen.python_events import EventClasses
from bytesocket_cli.codegen.python_places import Marks, SendingPlace
from bytesocket_cli.codegen.python_types import AnnotationWriter
from tests.support.contracts import STRING, event, model, ref

TYPES: dict[str, Any] = {"Post": model({"x": STRING}), "Words": STRING}
NAMES = {name: name for name in TYPES}
WRITER = AnnotationWriter(TYPES, NAMES)


def classes(*events: dict[str, Any]) -> EventClasses:
    return EventClasses(events, TYPES, ClassNames())


def marks(*events: dict[str, Any]) -> Marks:
    return Marks([SendingPlace.of("_Here", "here", events)], WRITER, is_hearing=True)


def declared(*events: dict[str, Any]) -> list[str]:
    made = classes(*events).all
    return ["\n".join(one.derived(WRITER, TYPES, marks(*events))) for one in made]


def test_a_payload_of_one_event_is_the_event() -> None:
    post = event("post", "client", ref("Post"), volatile=True)
    events = classes(post)
    made = events.of_type("Post")
    assert made is not None
    assert made is events.sent["post"]
    bases = made.bases(marks(post), TYPES)
    assert bases == '_bs.ClientEvent, _Here[None], name="post", volatile=True'
    assert events.of_type("Words") is None


def test_a_shared_payload_is_derived_from() -> None:
    shared = [
        event("taken", "client", ref("Post"), doc="One.", reply=STRING),
        event("post", "server", ref("Post")),
    ]
    assert declared(*shared) == [
        'class Taken(_bs.ClientEvent, Post, _Here[str], name="taken"):\n    """One."""',
        'class PostEvent(_bs.ServerEvent, Post, _Arriving, name="post"):\n    pass',
    ]


def test_a_payload_without_fields_is_wrapped() -> None:
    raw = {**STRING, "format": "binary", "x-bytes": "hex"}
    kind = "_bs.HexBytes | list[_t.Any]"
    events = [
        event("say", "both", STRING),
        event("words", "server", ref("Words"), doc="Some."),
        event(7, "client", {"anyOf": [raw, {"type": "array"}]}),
    ]
    assert [text.splitlines() for text in declared(*events)] == [
        [
            'class Say(_bs.Event, _p.RootModel[str], _Arriving, _Here[None], name="say"):',
            "    pass",
        ],
        [
            'class WordsEvent(_bs.ServerEvent, _p.RootModel[Words], _Arriving, name="words"):',
            '    """Some."""',
        ],
        [
            f"class Event7(_bs.ClientEvent, _p.RootModel[{kind}], _Here[None], name=7):",
            '    model_config = _p.ConfigDict(ser_json_bytes="hex")',
        ],
    ]


def test_directions_that_differ_get_a_class_each() -> None:
    both = {**event("say", "both", STRING), "input": ref("Words")}
    events = classes(both)
    assert events.sent["say"].identifier == "SayInput"
    assert events.arriving["say"].identifier == "Say"
    assert (events.sent["say"].direction, events.arriving["say"].direction) == ("client", "server")
