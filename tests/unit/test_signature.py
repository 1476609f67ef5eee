"""Parameters are resolved at registration; what cannot be served is refused there."""

import sys
import threading
from collections.abc import Awaitable, Callable
from functools import partial, wraps
from types import ModuleType
from typing import Annotated, Any, Generic, TypeVar

import pytest
from typing_extensions import TypeAliasType

from bytesocket_app.arguments import is_async
from bytesocket_app.errors import ConfigurationError
from bytesocket_app.signature import (
    EMPTY,
    Offer,
    anything,
    bind,
    by_name,
    by_type,
    nothing,
    read_signature,
    type_text,
)

pytestmark = pytest.mark.anyio

T = TypeVar("T")


class Base:
    pass


class Holder(Base, Generic[T]):
    pass


class Event:
    pass


Alias = TypeAliasType("Alias", Holder[int])
OFFERS = (
    Offer("the holder (Holder)", by_type(Holder, "holder")),
    Offer("the event (event: Event)", lambda name, a: a is Event or name == "event"),
    Offer("the room's name (room: str)", by_name("room", str)),
    Offer("", nothing),
)
VALUES = ("H", "E", "R", "N")


def in_a_module(body: str) -> Any:
    """A function of a module of its own, as a user would have it."""
    module = ModuleType("users_module")
    sys.modules["users_module"] = module
    exec(body, vars(module))
    del sys.modules["users_module"]
    return vars(module)["function"]


async def called(function: Callable[..., Any]) -> Any:
    return await bind(function, OFFERS, role="a handler").invoke(*VALUES)


async def test_parameters_are_found_by_annotation_whatever_their_names() -> None:
    async def function(that: Event, this: Holder[int]) -> Any:
        return this, that

    assert await called(function) == ("H", "E")


async def test_parameters_without_annotation_are_found_by_name() -> None:
    function = in_a_module(
        "async def function(holder, event, room):\n    return holder, event, room"
    )
    assert await called(function) == ("H", "E", "R")


def takes_alias(x: Alias) -> str:
    return str(x)


def takes_optional(x: Holder[int] | None) -> str:
    return str(x)


def takes_annotated(x: Annotated[Holder[int], "note"]) -> str:
    return str(x)


def takes_class(x: Any) -> str:
    return str(x)


takes_class.__annotations__["x"] = Holder  # bare, as those write it who use no checker


def takes_base(x: Base) -> str:
    return str(x)


@pytest.mark.parametrize(
    "function", [takes_alias, takes_optional, takes_annotated, takes_class, takes_base]
)
async def test_a_class_is_found_under_every_way_of_writing_it(function: Callable[..., Any]) -> None:
    assert await called(function) == "H"


async def test_only_what_is_asked_for_is_passed() -> None:
    async def no_one() -> str:
        return "called"

    async def second(event: Event) -> str:
        return str(event)

    async def first_two(holder: Holder[int], event: Event) -> str:
        return f"{holder}{event}"

    async def third(room: str) -> str:
        return room

    assert [await called(f) for f in (no_one, second, first_two, third)] == [
        "called",
        "E",
        "HE",
        "R",
    ]


def test_a_function_that_asks_for_all_is_called_as_it_is() -> None:
    async def function(holder: Holder[int], event: Event) -> None:
        raise NotImplementedError

    bound = bind(function, OFFERS[:2], role="a handler")
    assert bound.invoke is bound.function is function


async def test_keyword_only_parameters_are_passed_by_name() -> None:
    async def function(event: Event, *, room: str, holder: Holder[int]) -> Any:
        return event, room, holder

    assert await called(function) == ("E", "R", "H")


async def test_a_parameter_with_a_default_that_nothing_serves_keeps_it() -> None:
    async def function(event: Event, retries: int = 3) -> Any:
        return event, retries

    assert await called(function) == ("E", 3)


async def test_a_partial_is_read_by_its_functions_annotations() -> None:
    async def function(extra: int, that: Event, *, more: int) -> Any:
        return extra, that, more

    assert await called(partial(partial(function, 1), more=2)) == (1, "E", 2)


async def test_a_callable_object_is_read_by_its_method() -> None:
    class Handler:
        async def __call__(self, that: Event) -> str:
            return str(that)

        async def method(self, that: Event) -> str:
            return str(that)

    assert await called(Handler()) == "E"
    assert await called(Handler().method) == "E"


async def test_a_well_made_decorator_is_looked_through() -> None:
    def traced(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        @wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            return "traced", await function(*args, **kwargs)

        return wrapper

    @traced
    async def function(that: Event, room: str) -> Any:
        return that, room

    assert await called(function) == ("traced", ("E", "R"))


async def test_a_plain_function_runs_in_a_worker_thread() -> None:
    def function(that: Event) -> Any:
        return that, threading.get_ident()

    event, thread = await called(function)
    assert event == "E"
    assert thread != threading.get_ident()


async def test_what_a_plain_function_gives_to_await_is_awaited() -> None:
    async def answer(that: Event) -> str:
        return f"{that}!"

    def function(that: Event) -> Awaitable[str]:
        return answer(that)

    assert await called(function) == "E!"


async def test_what_a_plain_function_raises_comes_out() -> None:
    def function() -> None:
        raise LookupError("x")

    with pytest.raises(LookupError):
        await called(function)


def test_annotations_and_the_return_type_are_kept() -> None:
    def function(that: Event, room: str) -> int:
        raise NotImplementedError

    bound = bind(function, OFFERS, role="a handler")
    assert bound.annotations == {1: Event, 2: str}
    assert bound.returns is int
    assert bound.source.startswith(__file__)
    assert bind(lambda: None, OFFERS, role="x").returns is EMPTY


def test_the_last_resort_is_tried_last() -> None:
    def function(room: str, data: int) -> None:
        raise NotImplementedError

    offers = (Offer("anything", anything, last=True), Offer("room", by_name("room")))
    assert bind(function, offers, role="x").annotations == {0: int, 1: str}


def refused(function: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        bind(function, OFFERS, role="a handler of 'post'")
    return str(caught.value)


def test_an_unknown_parameter_is_named_with_what_there_is() -> None:
    def function(sesion: int) -> None:
        raise NotImplementedError

    message = refused(function)
    assert f"({__file__}:{function.__code__.co_firstlineno})" in message
    assert "cannot be a handler of 'post': nothing serves the parameter `sesion: int`." in message
    assert message.endswith(
        "It may ask for the holder (Holder), the event (event: Event), the room's name (room: str)."
    )


def test_an_unknown_parameter_without_annotation_says_so() -> None:
    assert "`x (no annotation)`" in refused(in_a_module("def function(x): ..."))


def test_a_list_of_what_there_is_is_not_what_there_is() -> None:
    def function(holder: list[Holder[int]]) -> None:
        raise NotImplementedError

    assert "nothing serves the parameter `holder: list[" in refused(function)


def test_a_second_parameter_for_one_thing_is_named() -> None:
    def function(a: Event, b: Event) -> None:
        raise NotImplementedError

    assert "`b: Event` is a second parameter for the event (event: Event)" in refused(function)


def test_star_arguments_say_nothing_and_are_refused() -> None:
    def stars(*args: Any) -> None:
        raise NotImplementedError

    def keywords(event: Event, **kwargs: Any) -> None:
        raise NotImplementedError

    assert "nothing says what `*args: Any` asks for" in refused(stars)
    assert "functools.wraps" in refused(keywords)


def test_generators_are_refused() -> None:
    def one() -> Any:
        yield

    async def two() -> Any:
        yield

    assert "is a generator" in refused(one)
    assert "is a generator" in refused(two)


@pytest.mark.parametrize("thing", [5, None, "f", Event, dict])
def test_what_is_no_function_is_refused(thing: Any) -> None:
    assert refused(thing).endswith("it is not a function.")


@pytest.mark.parametrize("annotation", ["Hidden", "missing.Hidden", "typing.Missing", "1 +"])
def test_an_annotation_that_cannot_be_read_hints_at_type_checking(annotation: str) -> None:
    function = in_a_module(
        "import typing\n"
        "if typing.TYPE_CHECKING:\n    from somewhere import Hidden\n"
        f"def function(event: '{annotation}') -> None: ...\n"
    )
    message = refused(function)
    assert "its annotations cannot be read" in message
    assert "not inside `if TYPE_CHECKING:`" in message


def test_functions_are_told_from_coroutine_functions() -> None:
    async def coroutine() -> None:
        raise NotImplementedError

    class Object:
        async def __call__(self) -> None:
            raise NotImplementedError

    assert is_async(coroutine)
    assert is_async(partial(coroutine))
    assert is_async(Object())
    assert not is_async(lambda: None)
    assert not is_async(len)


def test_a_signature_is_its_parameters_and_hints() -> None:
    def function(a: int, *, b: "str") -> bool:
        raise NotImplementedError

    parameters, hints = read_signature(function, "x")
    assert [p.name for p in parameters] == ["a", "b"]
    assert hints == {"a": int, "b": str, "return": bool}


def test_annotations_are_written_as_a_person_would() -> None:
    assert type_text(EMPTY) == ""
    assert type_text(Event) == "Event"
    assert type_text(list[int]) == "list[int]"
    assert type_text(Annotated[int, 5]) == "Annotated[int, 5]"


async def test_what_follows_a_parameter_left_alone_gets_its_own_value() -> None:
    async def function(limit: int = 3, base: Base | None = None) -> object:
        return limit, base

    offer, base = Offer("the base", by_type(Base)), Base()
    assert await bind(function, (offer,), role="x").invoke(base) == (3, base)
