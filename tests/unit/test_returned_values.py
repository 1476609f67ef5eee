"""What a function returns is what it declares: nothing that it returns is lost without a word."""

import inspect
from collections.abc import Callable
from typing import Any, Never, NoReturn, cast

import pytest
from pydantic import BaseModel

from bytesocket_app import (
    AuthError,
    ByteSocket,
    CallNext,
    ConfigurationError,
    ErrorContext,
    Handshake,
    Message,
    Refusal,
    Router,
    ServerEvent,
    Socket,
    UndeclaredAnswer,
)
from bytesocket_app.events import BothPayload, ServerPayload
from bytesocket_app.testing import RequestError, TestClient
from tests.support.talk import Said, Say, Wave, logged, talk

pytestmark = pytest.mark.anyio


class Receipt(BaseModel):
    """A reply with a field that must be there."""

    number: int
    by_name: dict[str, int] = {}


def place(function: Callable[..., Any]) -> str:
    """`file:line` of a function of this module."""
    return f"{__file__}:{inspect.unwrap(function).__code__.co_firstlineno}"


def without_annotation(function: Callable[..., Any]) -> Callable[..., Any]:
    """Take the return annotation off, which type checkers want and users leave out."""
    del function.__annotations__["return"]
    return function


@without_annotation
async def bare(event: Say) -> Any:
    return "seven"


async def says_none(event: Say) -> None:
    return "seven"  # type: ignore[return-value]


@without_annotation
def in_a_thread(event: Say) -> Any:
    return "seven"


async def only_refuses(event: Say) -> NoReturn:
    return "seven"  # type: ignore[misc]


HANDLERS = (bare, says_none, in_a_thread, only_refuses)


def serving(place: str, handler: Callable[..., Any], *, strict: bool, **options: Any) -> ByteSocket:
    """An application with a handler in one of the places where handlers are."""
    app, router = talk(strict=strict), Router()
    match place:
        case "global":
            app.on(Say, **options)(handler)
        case "room":
            app.room("lobby").on(Say, **options)(handler)
        case "router":
            router.on(Say, **options)(handler)
            app.include(router)
        case _:
            app.on(Say, concurrent=True, **options)(handler)

    async def onward(socket: Socket, message: Message, call_next: CallNext) -> Any:
        return await call_next(message)

    if place == "router":
        router.middleware(onward)
    return app


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("where", ["global", "room", "router", "concurrent"])
async def test_a_value_without_an_annotation_is_logged_once_and_answers_null(
    handler: Callable[..., Any], where: str, caplog: pytest.LogCaptureFixture
) -> None:
    room = "lobby" if where == "room" else None
    async with TestClient(serving(where, handler, strict=False)) as client:
        if room:
            await client.join(room)
        for _ in range(3):
            assert await client.request(Say(text="x"), room=room) is None
        await client.emit(Say(text="nobody asks"), room=room)
        await client.request(Say(text="x"), room=room)
    (line,) = logged(caplog)
    assert line.startswith(f"{place(handler)}: the handler of 'say' returned str, which nobody")
    assert "Annotate `-> str`" in line
    assert "seven" not in line


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("where", ["global", "room", "router", "concurrent"])
async def test_under_strict_such_a_message_fails(
    handler: Callable[..., Any], where: str, caplog: pytest.LogCaptureFixture
) -> None:
    room, heard = "lobby" if where == "room" else None, list[ErrorContext]()
    app = serving(where, handler, strict=True)

    @app.lifecycle.error
    async def failed(context: ErrorContext) -> None:
        heard.append(context)

    async with TestClient(app) as client:
        if room:
            await client.join(room)
        for _ in range(2):
            with pytest.raises(RequestError) as caught:
                await client.request(Say(text="x"), room=room)
            assert caught.value.code == "internal"
    assert [type(each.error) for each in heard] == [UndeclaredAnswer] * 2
    assert len(logged(caplog)) == 2
    assert place(handler) in logged(caplog)[0]


async def test_without_a_request_the_value_is_lost_too_and_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with TestClient(serving("global", bare, strict=False)) as client:
        await client.emit(Say(text="x"))
    assert len(logged(caplog)) == 1


async def test_each_handler_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    app = talk()
    for handler in HANDLERS:
        app.on(Say)(handler)
    async with TestClient(app) as client:
        await client.request(Say(text="x"))
    assert sorted(line.partition(": ")[0] for line in logged(caplog)) == sorted(
        map(place, HANDLERS)
    )


async def test_a_declared_reply_is_a_declaration(caplog: pytest.LogCaptureFixture) -> None:
    app = talk(strict=True)
    ask = app.declare("ask", str, direction="client", reply=int)

    @without_annotation
    async def answer(event: str) -> Any:
        return len(event)

    app.on(ask)(answer)
    app.room("lobby").on(ask)(answer)
    async with TestClient(app) as client:
        await client.join("lobby")
        assert await client.request(ask("four"), int) == 4
        assert await client.request(ask("four"), int, room="lobby") == 4
    assert logged(caplog) == []


@pytest.mark.parametrize("annotation", [None, type(None), NoReturn, Never, inspect.Parameter.empty])
async def test_a_handler_that_replies_nothing_can_be_requested(
    annotation: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = talk(strict=True)

    async def handler(event: Say) -> Any:
        if event.text == "no":
            raise Refusal("No.")

    del handler.__annotations__["return"]
    if annotation is not inspect.Parameter.empty:
        handler.__annotations__["return"] = annotation
    app.on(Say)(handler)
    assert app.contract().document["events"][0]["reply"] is None
    async with TestClient(app) as client:
        assert await client.request(Say(text="yes")) is None
        with pytest.raises(RequestError) as caught:
            await client.request(Say(text="no"))
    assert (caught.value.code, logged(caplog)) == ("refused", [])


async def later() -> int:
    return 1


@pytest.mark.parametrize(
    ("make", "remedy"),
    [
        (lambda: Refusal("No."), "Raise it."),
        (lambda: AuthError("Who?"), "Raise it."),
        (lambda: Said(text="x"), "Emit it, as in `await socket.emit(...)`. Annotate `-> Said`"),
        (lambda: Receipt(number=1), "Annotate `-> Receipt`"),
        (lambda: 0, "Annotate `-> int`"),
        (lambda: "", "Annotate `-> str`"),
        (lambda: False, "Annotate `-> bool`"),
    ],
)
async def test_the_line_says_what_to_do(
    make: Callable[[], Any], remedy: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = talk()

    async def handler(event: Say) -> None:
        return cast("None", make())

    app.on(Say)(handler)
    async with TestClient(app) as client:
        await client.request(Say(text="x"))
    (line,) = logged(caplog)
    assert "it declares `-> None`" in line
    assert remedy in line


async def test_a_forgotten_await_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    app, made = talk(), list[Any]()

    async def handler(event: Say) -> None:
        made.append(later())
        return cast("None", made[-1])

    app.on(Say)(handler)
    async with TestClient(app) as client:
        await client.request(Say(text="x"))
    made[0].close()
    assert logged(caplog)[0].endswith("Await it.")


# ---- replies of another type


@pytest.mark.parametrize("codec", ["json", "binary"])
@pytest.mark.parametrize("strict", [False, True])
async def test_a_reply_of_another_type_says_where_and_what(
    codec: Any, strict: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app = talk(strict=strict)

    @app.on(Say)
    async def say(event: Say) -> Receipt:
        return {"number": event.text, "by_name": {"sesame": "open"}}  # type: ignore[return-value]

    async with TestClient(app, codec=codec) as client:
        with pytest.raises(RequestError) as caught:
            await client.request(Say(text="sesame"))
    assert caught.value.code == "internal"
    (line,) = logged(caplog)
    assert f"{place(say)}: the handler of 'say' replies with another type" in line
    assert "expected Receipt, got dict (number: int_parsing, by_name.*: int_parsing)" in line
    assert "sesame" not in line


async def test_no_reply_where_one_is_declared_is_another_type(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = talk()

    @app.on(Say)
    async def say(event: Say) -> int:
        return None  # type: ignore[return-value]

    async with TestClient(app) as client:
        with pytest.raises(RequestError):
            await client.request(Say(text="x"))
    assert "expected int, got None (int_type)" in logged(caplog)[0]


# ---- events that a room's handler returns


@without_annotation
async def bare_event(event: Say) -> Any:
    return Said(text=event.text)


async def none_event(event: Say) -> None:
    return Said(text=event.text)  # type: ignore[return-value]


async def other_event(event: Say) -> Wave:
    return Said(text=event.text)  # type: ignore[return-value]


EMITTERS = (bare_event, none_event, other_event)


@pytest.mark.parametrize("concurrent", [False, True])
@pytest.mark.parametrize("handler", EMITTERS)
async def test_an_event_that_is_not_declared_is_logged_once_and_emitted(
    handler: Callable[..., Any], concurrent: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app = serving("room", handler, strict=False, concurrent=concurrent)
    async with TestClient(app) as ann, TestClient(app) as bob:
        await ann.join("lobby")
        await bob.join("lobby")
        for text in ("one", "two"):
            assert await ann.request(Say(text=text), room="lobby") is None
            assert (await bob.receive(Said)).text == text
    (line,) = logged(caplog)
    assert line.startswith(f"{place(handler)}: the handler of 'say' returned Said for a room's")
    assert line.endswith("Annotate `-> Said`.")


@pytest.mark.parametrize("concurrent", [False, True])
@pytest.mark.parametrize("handler", EMITTERS)
async def test_under_strict_it_is_not_emitted(
    handler: Callable[..., Any], concurrent: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app = serving("room", handler, strict=True, concurrent=concurrent)
    async with TestClient(app) as ann, TestClient(app) as bob:
        await ann.join("lobby")
        await bob.join("lobby")
        with pytest.raises(RequestError) as caught:
            await ann.request(Say(text="x"), room="lobby")
        await app.rooms.emit("lobby", Said(text="next"))
        assert (await bob.receive(Said)).text == "next"
    assert caught.value.code == "internal"
    assert place(handler) in logged(caplog)[0]


@pytest.mark.parametrize("annotation", [Said, Said | None, Said | Wave, Said | int])
async def test_a_declared_event_is_emitted_without_a_word(
    annotation: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(event: Say) -> Any:
        return Said(text=event.text)

    handler.__annotations__["return"] = annotation
    app = serving("room", handler, strict=True)
    assert "said" in app.contract().document["rooms"][0]["server_events"]
    async with TestClient(app) as ann, TestClient(app) as bob:
        await ann.join("lobby")
        await bob.join("lobby")
        assert await ann.request(Say(text="x"), room="lobby") is None
        assert (await bob.receive(Said)).text == "x"
    assert logged(caplog) == []


@pytest.mark.parametrize("of_handle", [ServerPayload[str], BothPayload[str]])
async def test_an_event_of_a_handle_may_stand_beside_a_reply(
    of_handle: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = talk(strict=True)
    told = app.declare("told", str, direction="both" if of_handle == BothPayload[str] else "server")

    async def handler(event: Say) -> Any:
        return told("all") if event.text == "tell" else len(event.text)

    handler.__annotations__["return"] = of_handle | int
    app.room("lobby").on(Say)(handler)
    async with TestClient(app) as ann, TestClient(app) as bob:
        await ann.join("lobby")
        await bob.join("lobby")
        assert await ann.request(Say(text="tell"), room="lobby") is None
        assert await bob.receive(told) == "all"
        assert await ann.request(Say(text="four"), int, room="lobby") == 4
    assert logged(caplog) == []


def test_a_base_of_events_says_nothing_of_what_members_hear() -> None:
    async def handler(event: Say) -> ServerEvent:
        return Said(text="x")

    with pytest.raises(ConfigurationError, match=r"test_returned.*:\d+: `-> ServerEvent` names no"):
        talk().room("lobby").on(Say)(handler)


# ---- guards, hooks, middleware, authentication


NOES: list[Any] = [False, 0, "", [], Refusal("No."), ValueError("no")]


@pytest.mark.parametrize("value", NOES)
async def test_a_guard_that_returns_no_lets_nobody_in(
    value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = talk()

    @app.room("lobby").guard
    async def guard() -> Any:
        return value

    async with TestClient(app) as client:
        with pytest.raises(RequestError) as caught:
            await client.join("lobby")
    assert caught.value.code == "internal"
    assert place(guard) in logged(caplog)[0]
    assert app.rooms.at("lobby").count() == 0


@pytest.mark.parametrize("value", [True, 1, "yes"])
@pytest.mark.parametrize("strict", [False, True])
async def test_another_value_of_a_guard_is_told_of(
    value: Any, strict: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app = talk(strict=strict)

    @app.room("lobby").guard
    async def guard() -> Any:
        return value

    async with TestClient(app) as client:
        for _ in range(2):
            if strict:
                with pytest.raises(RequestError, match="internal"):
                    await client.join("lobby")
            else:
                await client.join("lobby")
                await client.leave("lobby")
    assert len(logged(caplog)) == (2 if strict else 1)
    assert place(guard) in logged(caplog)[0]


@pytest.mark.parametrize("value", NOES)
async def test_an_upgrade_hook_that_returns_no_lets_nobody_in(
    value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = talk()

    @app.lifecycle.upgrade
    async def upgrade(handshake: Handshake) -> Any:
        return value

    with pytest.raises(RequestError, match="403"):
        async with TestClient(app):
            pass
    assert place(upgrade) in logged(caplog)[0]


@pytest.mark.parametrize("value", [False, AuthError("No."), ValueError("no")])
@pytest.mark.parametrize("by_message", [False, True])
async def test_authentication_that_returns_no_lets_nobody_in(
    value: Any, by_message: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app = talk()

    async def by_credentials(credentials: str) -> Any:
        return value

    async def by_handshake(handshake: Handshake) -> Any:
        return value

    app.auth(by_credentials if by_message else by_handshake)
    with pytest.raises(RequestError) as caught:
        async with TestClient(app, "me" if by_message else None):
            pass
    assert caught.value.code == ("internal" if by_message else "500")
    assert place(by_credentials if by_message else by_handshake) in logged(caplog)[0]
    assert not app.sockets()


@pytest.mark.parametrize("value", [None, 0, "", {}, "ann"])
async def test_authentication_may_return_any_user(value: Any) -> None:
    app = talk()

    @app.auth
    async def authenticate(credentials: str) -> Any:
        return value

    async with TestClient(app, "me"):
        assert app.sockets()[0].user == value


@pytest.mark.parametrize("strict", [False, True])
async def test_a_hook_that_returns_a_refusal_is_told_of(
    strict: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app = talk(strict=strict)
    lobby = app.room("lobby")

    @lobby.on_join
    async def joined() -> Any:
        return Refusal("No.")

    @app.lifecycle.open
    async def opened(socket: Socket) -> Any:
        return False

    @app.lifecycle.message
    async def heard(payload: str) -> Any:
        return "what hooks return otherwise is nobody's business"

    async with TestClient(app) as client:
        await client.join("lobby")
        await client.leave("lobby")
        await client.join("lobby")
        assert lobby.count() == 1
    lines = logged(caplog)
    assert [place(opened) in lines[0], place(joined) in lines[1]] == [True, True]
    assert len(lines) == (3 if strict else 2)


def returning(value: Any) -> Any:
    """Make a step that passes the message on, and returns something else than the reply."""

    async def step(socket: Socket, message: Message, call_next: CallNext) -> Any:
        reply = await call_next(message)
        return reply if value == "the reply" else value

    return step


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("in_router", [False, True])
async def test_what_middleware_returns_beside_the_reply_is_told_of(
    strict: bool, depth: int, in_router: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app, router = talk(strict=strict), Router()
    step = returning("other")
    steps = [returning("the reply"), returning(None), returning("the reply")]
    steps[depth] = step
    for each in steps:
        (router if in_router else app).middleware(each)

    @router.on(Say)
    async def say(event: Say) -> str:
        return event.text

    app.include(router)
    async with TestClient(app) as client:
        for _ in range(2):
            if strict:
                with pytest.raises(RequestError, match="internal"):
                    await client.request(Say(text="x"), str)
            else:
                assert await client.request(Say(text="x"), str) == "x"
    lines = logged(caplog)
    assert len(lines) == (2 if strict else 1)
    assert f"{place(step)}: middleware returned str, which nobody reads" in lines[0]


async def test_a_step_that_answers_in_place_of_the_handler_is_told_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = talk()

    @app.middleware
    async def cached(socket: Socket, message: Message, call_next: CallNext) -> Any:
        return {"cached": True}

    async with TestClient(app) as client:
        with pytest.raises(RequestError) as caught:
            await client.request(Say(text="x"))
    assert caught.value.code == "refused"
    assert place(cached) in logged(caplog)[0]
