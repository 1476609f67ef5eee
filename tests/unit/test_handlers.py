"""Handlers are resolved when they are declared, and what cannot work is said there."""

from typing import Any

import pytest

from bytesocket_app import ConfigurationError, Refusal, ServerEvent
from bytesocket_app.declarations.handlers import (
    Handler,
    HandlerTable,
    build_handler,
    handler_offers,
)
from bytesocket_app.events import EventSpec, ServerPayload
from bytesocket_app.signature import nothing
from tests.support.talk import Said, Say, talk


def test_a_misspelt_parameter_is_told_its_near_miss() -> None:
    app = talk()
    doc = app.room("doc:{docid}")
    socket: Any = eval("lambda sock: 0")
    event: Any = eval("lambda evnt: 0")

    def misspelt(doc_id: int) -> None:
        """Never called."""

    for decorator, function, end in (
        (doc.on_join, misspelt, "Did you mean 'docid'?"),
        (app.on(Say), socket, "Did you mean 'socket'? Annotate it: `sock: Socket`."),
        (app.on(Say), event, "Did you mean 'event'? Annotate it: `evnt: Say`."),
        (app.on(Say), eval("lambda x: 0"), "Annotate it."),
    ):
        with pytest.raises(ConfigurationError) as caught:
            decorator(function)
        assert str(caught.value).endswith(end)


class Other(ServerEvent, name="other"):
    """Another event."""


def build(returns: Any, *, in_room: bool = True) -> Handler:
    """Resolve a handler that returns something of that type."""

    async def function() -> Any:
        return None

    function.__annotations__["return"] = returns
    offers = handler_offers("", nothing, object, None)
    return build_handler(function, EventSpec("e", "client", int), offers, in_room=in_room)


@pytest.mark.parametrize(
    ("returns", "emits", "reply"),
    [
        (None, (), None),
        (int, (), int),
        (int | None, (), int | None),
        (Said, (Said,), None),
        (Said | None, (Said,), None),
        (Said | Other, (Said, Other), None),
        (Said | int, (Said,), int | None),
        (Said | int | str | None, (Said,), int | str | None),
        (ServerPayload[int], (), None),
        (ServerPayload[int] | None, (), None),
    ],
)
def test_a_room_handlers_server_events_are_emitted_and_the_rest_is_its_reply(
    returns: Any, emits: Any, reply: Any
) -> None:
    handler = build(returns)
    assert handler.emits == emits
    assert (handler.reply and handler.reply.annotation) == reply


def test_outside_rooms_a_server_event_is_a_reply() -> None:
    handler = build(Said, in_room=False)
    assert handler.emits == ()
    assert handler.reply is not None
    assert handler.reply.annotation is Said


def test_without_an_annotation_there_is_no_reply() -> None:
    async def function() -> int:
        return 1

    del function.__annotations__["return"]

    offers = handler_offers("", nothing, object, None)
    assert build_handler(function, EventSpec("e", "client", int), offers).reply is None


def test_a_return_type_without_a_serializer_is_refused_with_its_place() -> None:
    class Opaque:
        """Nothing Pydantic knows."""

    with pytest.raises(ConfigurationError, match=r"test_handlers\.py:\d+: the return type Opaque"):
        build(Opaque)


def test_raises_takes_refusals_only() -> None:
    class Muted(Refusal, code="muted"):
        """Fine."""

    app = talk()

    async def say(event: Say) -> None:
        """Nothing."""

    app.on(Say, raises=(Muted,))(say)
    for wrong in (ValueError, Muted("x"), "muted"):
        with pytest.raises(ConfigurationError, match="is no refusal"):
            app.on(Say, raises=(wrong,))(say)  # type: ignore[arg-type]


def test_a_request_has_one_reply() -> None:
    app = talk()

    @app.on(Say)
    async def first() -> int:
        return 1

    app.on(Say)(first)
    with pytest.raises(ConfigurationError, match=r"answered by .*test_handlers.* and by"):

        @app.on(Say)
        async def second() -> int:
            return 2


def called(table: HandlerTable) -> tuple[Handler, ...]:
    calls = table.take("e")
    assert calls is not None
    return calls.sequential


def test_a_table_forgets_what_is_removed_and_what_was_for_once() -> None:
    table, once, twice = HandlerTable(), build(int), build(None)
    table.add(once, once=True)
    table.add(twice)
    assert table.all() == [once, twice]
    assert table.of("e") == (once, twice)
    assert called(table) == (once, twice)
    assert called(table) == (twice,)
    assert table.take("e") is table.take("e")
    table.remove("e", twice.bound.function)
    assert table.take("e") is None
    table.add(twice)
    table.remove("e")
    assert table.all() == []
