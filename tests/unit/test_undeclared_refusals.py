"""A refusal that `raises=` does not name is told of once for each place, and fails under strict."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import pytest
from pydantic import field_validator

from bytesocket_app import (
    AuthError,
    ByteSocket,
    CallNext,
    ClientEvent,
    Depends,
    ErrorContext,
    Message,
    Refusal,
    Router,
    Socket,
    UndeclaredAnswer,
)
from bytesocket_app.testing import RequestError, TestClient
from tests.support.talk import Say, error, logged, talk

pytestmark = pytest.mark.anyio

Refuse = Callable[[], None]
Raises = tuple[type[Refusal], ...]


class Muted(Refusal, code="muted"):
    """Somebody is muted."""


class Louder(Muted):
    """It has the code of its base."""


class Banned(Muted, code="banned"):
    """It has a code of its own."""


def muted() -> None:
    raise Muted("Quiet!")


def by_call() -> None:
    raise Refusal("Quiet!", code="muted")


def by_base() -> None:
    raise Banned("Go!")


def by_group() -> None:
    raise ExceptionGroup("one failed", [ExceptionGroup("one failed", [caught()])])


def caught() -> Exception:
    with pytest.raises(Muted) as refused:
        muted()
    return refused.value


def in_handler(app: ByteSocket, refuse: Refuse, raises: Raises) -> None:
    @app.on(Say, raises=raises)
    async def say(event: Say) -> None:
        refuse()


def in_concurrent(app: ByteSocket, refuse: Refuse, raises: Raises) -> None:
    @app.on(Say, concurrent=True, raises=raises)
    async def say(event: Say) -> None:
        refuse()


def in_thread(app: ByteSocket, refuse: Refuse, raises: Raises) -> None:
    @app.on(Say, raises=raises)
    def say(event: Say) -> None:
        refuse()


def in_dependency(app: ByteSocket, refuse: Refuse, raises: Raises) -> None:
    @app.on(Say, raises=raises)
    async def say(event: Say, needed: Annotated[None, Depends(refuse)]) -> None: ...


def in_router(app: ByteSocket, refuse: Refuse, raises: Raises) -> None:
    router = Router()
    in_handler(router, refuse, raises)  # type: ignore[arg-type]
    app.include(router)


def in_room(app: ByteSocket, refuse: Refuse, raises: Raises) -> None:
    @app.room("lobby").on(Say, raises=raises)
    async def say(event: Say) -> None:
        refuse()


def in_guard(app: ByteSocket, refuse: Refuse, raises: Raises) -> None:
    async def guard() -> None:
        refuse()

    lobby = app.room("lobby")
    (lobby.guard(raises=raises) if raises else lobby.guard)(guard)


async def request(client: TestClient) -> None:
    await client.request(Say(text="x"))


async def request_in_room(client: TestClient) -> None:
    await client.join("lobby")
    await client.request(Say(text="x"), room="lobby")


async def request_in_rooms(client: TestClient) -> None:
    await client.join("lobby")
    await client.send({"rooms": ["lobby"], "event": "say", "data": {"text": "x"}, "id": 1})
    told = error(await client.receive_message())
    raise RequestError(told["code"], told["message"])


async def join(client: TestClient) -> None:
    await client.join("lobby")


PLACES: dict[str, tuple[Callable[..., None], Callable[[TestClient], Awaitable[None]]]] = {
    "handler": (in_handler, request),
    "concurrent handler": (in_concurrent, request),
    "handler in a thread": (in_thread, request),
    "dependency": (in_dependency, request),
    "handler of a router": (in_router, request),
    "handler in a room": (in_room, request_in_room),
    "handler in rooms": (in_room, request_in_rooms),
    "guard": (in_guard, join),
}
EVERYWHERE = pytest.mark.parametrize("place", PLACES)


def line_of(refuse: Refuse) -> str:
    """`file:line` of the raise, which is the function's first."""
    function = muted if refuse is by_group else refuse
    return f"{__file__}:{function.__code__.co_firstlineno + 1}"


async def codes(place: str, app: ByteSocket) -> list[str]:
    """The codes that the peer gets, the first for an error twice."""
    found = list[str]()
    async with TestClient(app) as client:
        for _ in range(2):
            with pytest.raises(RequestError) as refused:
                await PLACES[place][1](client)
            found.append(refused.value.code)
    return found


@EVERYWHERE
@pytest.mark.parametrize("refuse", [muted, by_call, by_base, by_group])
async def test_what_is_not_named_is_logged_once_and_answered(
    place: str, refuse: Refuse, caplog: pytest.LogCaptureFixture
) -> None:
    app = talk()
    PLACES[place][0](app, refuse, (Muted,) if refuse is by_base else ())
    code = "banned" if refuse is by_base else "muted"
    assert await codes(place, app) == [code, code]
    (line,) = logged(caplog)
    assert line.startswith(f"{line_of(refuse)}: ")
    assert f"refuses with the code {code!r}, which its `raises=` does not name" in line
    assert f"raises=({'Banned' if refuse is by_base else 'Muted'},)" in line
    assert ("make it a class" in line) is (refuse is by_call)


@EVERYWHERE
@pytest.mark.parametrize("refuse", [muted, by_call, by_base, by_group])
async def test_what_is_not_named_fails_under_strict(
    place: str, refuse: Refuse, caplog: pytest.LogCaptureFixture
) -> None:
    app, heard = talk(strict=True), list[ErrorContext]()
    PLACES[place][0](app, refuse, ())

    @app.lifecycle.error
    async def failed(context: ErrorContext) -> None:
        heard.append(context)

    assert await codes(place, app) == ["internal", "internal"]
    assert len(logged(caplog)) == 2
    assert line_of(refuse) in logged(caplog)[0]
    assert [type(each.error) for each in heard] == [UndeclaredAnswer] * 2


@EVERYWHERE
@pytest.mark.parametrize("refuse", [muted, by_call, by_group])
async def test_what_is_named_is_answered_without_a_word(
    place: str, refuse: Refuse, caplog: pytest.LogCaptureFixture
) -> None:
    app = talk(strict=True)
    PLACES[place][0](app, refuse, (Banned, Louder))
    assert await codes(place, app) == ["muted", "muted"]
    assert logged(caplog) == []


@EVERYWHERE
@pytest.mark.parametrize(
    "make",
    [
        lambda: Refusal("No."),
        lambda: Refusal("No.", code="not_found"),
        lambda: Refusal("No.", code="invalid"),
        lambda: AuthError("Log in."),
    ],
)
async def test_general_codes_need_no_declaration(
    place: str, make: Callable[[], Refusal], caplog: pytest.LogCaptureFixture
) -> None:
    def refuse() -> None:
        raise make()

    app = talk(strict=True)
    PLACES[place][0](app, refuse, ())
    assert await codes(place, app) == [make().code] * 2
    assert logged(caplog) == []


async def test_each_place_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    app = talk()

    @app.on(Say)
    async def say(event: Say) -> None:
        if event.text == "ban":
            raise Banned("Go!")
        raise Muted("Quiet!")

    async with TestClient(app) as client:
        for text in ("ban", "mute", "mute", "ban"):
            with pytest.raises(RequestError):
                await client.request(Say(text=text))
    assert [line.partition("code ")[2].partition(",")[0] for line in logged(caplog)] == [
        "'banned'",
        "'muted'",
    ]


async def test_where_nothing_can_be_declared_nothing_is_missing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Middleware and authentication have no `raises=`: what they refuse with is nobody's word."""
    app = talk(strict=True)

    @app.auth
    async def authenticate(credentials: str) -> None:
        if credentials != "me":
            raise AuthError("Not you.", code="stranger")

    @app.middleware
    async def step(socket: Socket, message: Message, call_next: CallNext) -> Any:
        raise Muted("Quiet!")

    async with TestClient(app, "me") as client:
        with pytest.raises(RequestError, match="muted"):
            await client.request(Say(text="x"))
    with pytest.raises(RequestError, match="stranger"):
        async with TestClient(app, "you"):
            pass
    assert logged(caplog) == []


class Checked(ClientEvent, name="checked"):
    """Its validator refuses."""

    text: str

    @field_validator("text")
    @classmethod
    def _check(cls, text: str) -> str:
        raise Muted("Quiet!")


@pytest.mark.parametrize("room", [None, "lobby"])
@pytest.mark.parametrize("raises", [(), (Muted,)])
async def test_a_validator_refuses_for_the_handlers_of_its_event(
    room: str | None, raises: Raises, caplog: pytest.LogCaptureFixture
) -> None:
    app = talk(strict=True)

    @app.on(Checked, raises=raises)
    @app.room("lobby").on(Checked, raises=raises)
    async def checked(event: Checked) -> None: ...

    async with TestClient(app) as client:
        await client.join("lobby")
        message = {"event": "checked", "data": {"text": "x"}, "id": 1}
        await client.send(message if room is None else {**message, "room": room})
        told = error(await client.receive_message())
    assert told["code"] == ("muted" if raises else "internal")
    assert len(logged(caplog)) == (0 if raises else 1)


@pytest.mark.parametrize("place", ["handler", "guard"])
async def test_a_refusal_that_is_none_is_a_crash(
    place: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Unmade(Refusal, code="unmade"):
        def __init__(self) -> None:
            """Leave out what the base does."""

    def refuse() -> None:
        raise Unmade

    app = talk()
    PLACES[place][0](app, refuse, (Unmade,))
    assert await codes(place, app) == ["internal", "internal"]
    assert "Unmade has no code or message: its `__init__` has to call" in logged(caplog)[0]


@pytest.mark.parametrize("code", ["too low", "validation", ""])
@pytest.mark.parametrize("strict", [False, True])
async def test_a_code_that_is_none_is_a_crash_where_it_is_raised(
    code: str, strict: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app = talk(strict=strict)

    @app.on(Say)
    async def say(event: Say) -> None:
        raise Refusal("No.", code=code)

    async with TestClient(app) as client:
        with pytest.raises(RequestError, match="internal"):
            await client.request(Say(text="x"))
    assert f"code={code!r} for Refusal ({__file__}:" in caplog.text
    assert len(logged(caplog)) == 1


async def test_lines_of_many_places_in_one_second_are_all_written(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = talk()
    sources = [
        compile("\n" * n + "def refuse(): raise Muted('no')", "app.py", "exec") for n in range(20)
    ]
    refusals = list[Any]()
    for source in sources:
        scope: dict[str, Any] = {"Muted": Muted, "__name__": "application"}
        exec(source, scope)
        refusals.append(scope["refuse"])

    @app.on(Say)
    async def say(event: Say) -> None:
        refusals[int(event.text)]()

    async with TestClient(app) as client:
        for n in range(20):
            with pytest.raises(RequestError):
                await client.request(Say(text=str(n)))
    assert [line.partition(": ")[0] for line in logged(caplog)] == [
        f"app.py:{n + 1}" for n in range(20)
    ]
