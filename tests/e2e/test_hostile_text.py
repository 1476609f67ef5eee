"""Text of users never changes the structure of what is generated.

A contract with hostile text and its twin with harmless text become programs that differ in names
and strings alone, and hold the hostile text letter by letter.
"""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bytesocket_app import ByteSocket
from bytesocket_app.errors import ConfigurationError
from bytesocket_cli.codegen.python import python
from bytesocket_cli.codegen.python_classes import NameCollision
from bytesocket_cli.codegen.typescript import javascript, typescript
from tests.support.contracts import (
    STRING,
    Document,
    event,
    minimal,
    model,
    ref,
    room,
    room_event,
    sealed,
)
from tests.support.conversation import Conversation
from tests.support.outlines import differences, python_outline, strings

FRAGMENTS = [
    *(
        "*/",
        "/*",
        "//",
        "/**",
        '"',
        "'",
        "`",
        "${x}",
        "\\",
        '"""',
        "'''",
        "#",
        "{{ x }}",
        "{% x %}",
    ),
    *("\n", "\r\n", "\r", "\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x00", "\x1b[31m"),
    *(
        "@ts-expect-error",
        "// @ts-ignore",
        "@deprecated",
        "@ts-nocheck",
        "# type: ignore",
        "# noqa",
    ),
    *(
        "__proto__",
        "constructor",
        "toString",
        "hasOwnProperty",
        "prototype",
        "class",
        "def",
        "None",
    ),
    *("\u202e", "\u200f", "\u200b", "\ufeff", "\U0001f600", "ünï", "</script>", ";", "}", ")", "="),
    *(" ", "a", "7", "import os", "export default", "=>"),
]
HOSTILE = st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=5).map("".join)
COUNT = 6


def document(texts: list[str], doc: str) -> Document:
    """A contract that has these texts wherever text may be, and one text as documentation."""
    one, two, three, four, five, six = texts
    fields = {text: {**STRING, "description": doc} for text in texts}
    types: dict[str, Any] = {
        "Payload": model(fields, doc, plain={**STRING, "default": one}),
        "Choice": {"enum": [one, two], "x-enum-names": ["ONE", "TWO"], "type": "string"},
        "Tagged": model({three: {"const": four, "type": "string"}}, doc),
        "Map": {"type": "object", "propertyNames": {"enum": [five, six]}},
    }
    more: dict[str, Any] = {"doc": doc, "reply": ref("Choice"), "refusals": [one]}
    return sealed(
        {
            **minimal(),
            "title": "Hostile",
            "version": doc,
            "path": one,
            "events": [
                event(one, "both", ref("Payload"), **more),
                event(two, "client", ref("Tagged"), volatile=True, **more),
                event(three, "server", ref("Map"), doc=doc),
                event(four, "both", STRING, doc=doc),
            ],
            "rooms": [
                room("room", client_events=[room_event(two, STRING, [one])]),
                room("r:" + six),
            ],
            "refusals": {one: {"doc": doc, "data": ref("Tagged")}},
            "types": types,
        }
    )


@pytest.fixture(scope="module")
def outline(node_packages: Path) -> Generator[Conversation]:
    with Conversation("outline.mjs") as talk:
        yield talk


@settings(
    max_examples=15,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # a smaller example says no more, and takes long
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(texts=st.lists(HOSTILE, min_size=COUNT, max_size=COUNT, unique=True), doc=HOSTILE)
def test_hostile_text_changes_no_structure(
    outline: Conversation, texts: list[str], doc: str
) -> None:
    texts = [text.replace("{", "(").replace("}", ")") + "-" for text in texts]
    harmless = document([f"t-{n}-" for n in range(COUNT)], "Doc.")
    hostile = document(texts, f"{doc}x{doc}")
    for mine, theirs in zip(_typescript(hostile), _typescript(harmless), strict=True):
        first, second = outline.ask(mine), outline.ask(theirs)
        assert not [text for kind, text in first if kind == "error"]
        assert differences(first, second, renamed=False) == []
        assert set(texts[:2]) <= strings(first)
    first, second = python_outline(_python(hostile)), python_outline(python(harmless))
    assert differences(first, second, renamed=True) == []
    assert set(texts[:5]) <= strings(first)


def _python(document: Document) -> str:
    """Write the Python client, with names of classes where those of the events are one."""
    try:
        return python(document)
    except NameCollision:
        events = [{**each, "class_name": f"Event{n}"} for n, each in enumerate(document["events"])]
        return python({**document, "events": events})


def _typescript(document: Document) -> list[str]:
    return [typescript(document), *javascript(document)]


@pytest.mark.parametrize("name", [*FRAGMENTS, " ", "\ud7ff", "a" * 300])
def test_any_text_that_is_not_empty_is_an_events_name(outline: Conversation, name: str) -> None:
    made = sealed({**minimal(), "events": [event(name, "both", STRING)]})
    found = outline.ask(typescript(made))
    assert not [text for kind, text in found if kind == "error"]
    assert name in {text for _, text in found}
    assert name in strings(python_outline(python(made)))


@pytest.mark.parametrize("write", [typescript, javascript])
def test_a_number_beside_its_text_is_refused_at_generation(write: Any) -> None:
    made = sealed({**minimal(), "events": [event("7", "both", STRING), event(7, "both", STRING)]})
    with pytest.raises(ConfigurationError, match='an event 7 and an event "7"'):
        write(made)


def test_a_number_beside_its_text_is_refused_in_an_application() -> None:
    app = ByteSocket(title="Both")
    app.declare("7", int)
    with pytest.raises(ConfigurationError, match="7"):
        app.declare(7, int)
