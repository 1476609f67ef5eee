"""The data of a refusal are what its class says, wherever it is raised, in either codec."""

from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, NamedTuple

import pytest
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from bytesocket_app import (
    AuthError,
    ByteSocket,
    CallNext,
    Depends,
    ErrorContext,
    Handshake,
    Message,
    Refusal,
    Router,
    Socket,
    UndeclaredAnswer,
)
from bytesocket_app.contract import ContractSource, EventEntry, build
from bytesocket_app.events import PayloadType
from bytesocket_app.lifecycle import Promises
from bytesocket_app.testing import RequestError, TestClient
from bytesocket_app.types import CodecName
from bytesocket_app.wire import decode
from tests.nasty import MODULES
from tests.nasty.case import Case
from tests.nasty.probing import Prober
from tests.support.talk import Say, error, logged, talk

pytestmark = pytest.mark.anyio

CODECS = pytest.mark.parametrize("codec", ["json", "binary"])


class Limit(BaseModel):
    """Data with what each codec writes in its own way."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    minimum: int
    day: date = date(2026, 1, 2)
    raw: bytes = b"\xff\x00"


class TooLow(Refusal, code="too_low"):
    """The number is too low."""

    data: Limit


class Late(AuthError, code="late"):
    """The credentials are too old."""

    data: Limit


WRITTEN = {
    "json": {"minimum": 3, "day": "2026-01-02", "raw": "_wA="},
    "binary": {"minimum": 3, "day": "2026-01-02", "raw": b"\xff\x00"},
}
GOOD: list[Any] = [Limit(minimum=3), {"minimum": 3}, {"minimum": "3", "day": "2026-01-02"}]
BAD: list[Any] = [{"minimum": "lots"}, {}, None, "lots", 3, [Limit(minimum=3)]]


# ---- each place where a refusal is answered


Refuse = Callable[[], None]
Build = Callable[[ByteSocket, Refuse], None]


def in_handler(app: ByteSocket, refuse: Refuse) -> None:
    @app.on(Say, raises=(TooLow,))
    async def say(event: Say) -> None:
        refuse()


def in_thread(app: ByteSocket, refuse: Refuse) -> None:
    @app.on(Say, raises=(TooLow,))
    def say(event: Say) -> None:
        refuse()


def in_concurrent(app: ByteSocket, refuse: Refuse) -> None:
    @app.on(Say, concurrent=True, raises=(TooLow,))
    async def say(event: Say) -> None:
        refuse()


def in_dependency(app: ByteSocket, refuse: Refuse) -> None:
    @app.on(Say, raises=(TooLow,))
    async def say(event: Say, needed: Annotated[None, Depends(refuse)]) -> None: ...


def in_middleware(app: ByteSocket, refuse: Refuse) -> None:
    @app.middleware
    async def step(socket: Socket, message: Message, call_next: CallNext) -> None:
        refuse()


def under_middleware(app: ByteSocket, refuse: Refuse) -> None:
    in_handler(app, refuse)

    @app.middleware
    async def step(socket: Socket, message: Message, call_next: CallNext) -> Any:
        return await call_next(message)


def in_router(app: ByteSocket, refuse: Refuse) -> None:
    router = Router()

    @router.middleware
    async def step(socket: Socket, message: Message, call_next: CallNext) -> None:
        refuse()

    @router.on(Say)
    async def say(event: Say) -> None: ...

    app.include(router)


def in_room(app: ByteSocket, refuse: Refuse) -> None:
    @app.room("lobby").on(Say, raises=(TooLow,))
    async def say(event: Say) -> None:
        refuse()


def in_guard(app: ByteSocket, refuse: Refuse) -> None:
    @app.room("lobby").guard(raises=(TooLow,))
    async def guard() -> None:
        refuse()


def in_auth(app: ByteSocket, refuse: Refuse) -> None:
    @app.auth
    async def authenticate(credentials: str) -> None:
        refuse()


async def request(client: TestClient) -> None:
    await client.request(Say(text="x"))


async def request_in_room(client: TestClient) -> None:
    await client.join("lobby")
    await client.request(Say(text="x"), room="lobby")


async def request_in_rooms(client: TestClient) -> None:
    await client.join("lobby")
    await client.send({"rooms": ["lobby"], "event": "say", "data": {"text": "x"}, "id": 1})
    await refused(client)


async def join(client: TestClient) -> None:
    await client.join("lobby")


async def join_several(client: TestClient) -> None:
    await client.send({"type": 15, "rooms": ["lobby"]})
    await refused(client)


async def refused(client: TestClient) -> None:
    """Raise the next answer's error as a request does."""
    told = error(await client.receive_message())
    raise RequestError(told["code"], told["message"], told.get("data"))


PLACES: dict[str, tuple[Build, Callable[[TestClient], Awaitable[None]]]] = {
    "handler": (in_handler, request),
    "handler in a thread": (in_thread, request),
    "concurrent handler": (in_concurrent, request),
    "dependency": (in_dependency, request),
    "middleware": (in_middleware, request),
    "handler under middleware": (under_middleware, request),
    "middleware of a router": (in_router, request),
    "handler in a room": (in_room, request_in_room),
    "handler in rooms": (in_room, request_in_rooms),
    "guard": (in_guard, join),
    "guard of several": (in_guard, join_several),
    "authentication": (in_auth, request),
}
EVERYWHERE = pytest.mark.parametrize("place", PLACES)


async def answered(
    place: str, refuse: Refuse, codec: Any, *, strict: bool = False
) -> tuple[RequestError, list[ErrorContext]]:
    """What the peer gets, and what the error hooks hear."""
    (build_app, provoke), heard = PLACES[place], list[ErrorContext]()
    app = talk(strict=strict)
    build_app(app, refuse)

    @app.lifecycle.error
    async def failed(context: ErrorContext) -> None:
        heard.append(context)

    credentials = "me" if place == "authentication" else None
    with pytest.raises(RequestError) as caught:
        async with TestClient(app, credentials, codec=codec) as client:
            await provoke(client)
    return caught.value, heard


@CODECS
@EVERYWHERE
@pytest.mark.parametrize("data", GOOD)
async def test_data_are_validated_and_written_by_their_type(
    place: str, data: Any, codec: CodecName, caplog: pytest.LogCaptureFixture
) -> None:
    kind = Late if place == "authentication" else TooLow
    raised = kind("No.", data=data)

    def refuse() -> None:
        raise raised

    got, heard = await answered(place, refuse, codec, strict=True)
    assert (got.code, got.message, got.data) == (raised.code, "No.", WRITTEN[codec])
    assert logged(caplog) == []
    assert [each.error for each in heard] == [raised]
    assert raised.data is data


@CODECS
@EVERYWHERE
@pytest.mark.parametrize("data", BAD)
async def test_wrong_or_missing_data_are_a_crash_that_names_its_place(
    place: str, data: Any, codec: CodecName, caplog: pytest.LogCaptureFixture
) -> None:
    kind = Late if place == "authentication" else TooLow

    def refuse() -> None:
        raise kind("No.", data=data)

    got, heard = await answered(place, refuse, codec)
    assert (got.code, got.data) == ("internal", None)
    (line,) = logged(caplog)
    raised_at = f"{__file__}:{refuse.__code__.co_firstlineno + 1}"
    assert f"{raised_at}: {kind.__name__} (code {kind.__refusal_code__!r}) carries data" in line
    assert f"expected Limit, got {type(data).__name__ if data is not None else 'None'}" in line
    assert "lots" not in line
    assert [type(each.error) for each in heard] == [UndeclaredAnswer]


@CODECS
async def test_data_that_are_not_given_are_missing(codec: CodecName) -> None:
    def refuse() -> None:
        raise TooLow("No.")

    got, _ = await answered("handler", refuse, codec)
    assert got.code == "internal"


@CODECS
@pytest.mark.parametrize("by_message", [False, True])
async def test_a_handshake_is_not_refused_by_a_broken_refusal(
    by_message: bool, codec: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """It has no place for data, and still fails as others do."""
    app = talk()

    @app.auth
    async def authenticate(handshake: Handshake) -> None:
        raise Late("No.", data={"minimum": "3" if by_message else "lots"})

    with pytest.raises(RequestError) as caught:
        async with TestClient(app, codec=codec):
            pass
    assert caught.value.code == ("403" if by_message else "500")
    assert len(logged(caplog)) == (0 if by_message else 1)


async def test_an_upgrade_hook_fails_by_a_broken_refusal(caplog: pytest.LogCaptureFixture) -> None:
    app = talk()

    @app.lifecycle.upgrade
    async def upgrade(handshake: Handshake) -> None:
        raise TooLow("Only for us.", data={"minimum": "lots"})

    with pytest.raises(RequestError, match=r"403: The upgrade was refused\."):
        async with TestClient(app):
            pass
    assert "expected Limit, got dict (minimum: int_parsing)" in logged(caplog)[0]


# ---- what a class may say of its data


class Row(NamedTuple):
    """A dataclass of a kind."""

    x: int
    raw: bytes = b"\x01"


class Reasons(TypedDict):
    """A typed dict."""

    reasons: list[str]


class Plain(Refusal, code="plain"): ...


class Number(Refusal, code="number"):
    data: int


class Positive(Refusal, code="positive"):
    data: Annotated[int, Field(ge=1)]


class Maybe(Refusal, code="maybe"):
    data: Limit | None


class Default(Refusal, code="default"):
    data: int = 7


class DefaultNone(Refusal, code="default_none"):
    data: int | None = None


Constant: Any = type(
    "Constant", (Refusal,), {"__annotations__": {"data": ClassVar[int]}, "data": 5}, code="constant"
)


class Nothing(Refusal, code="nothing"):
    data: None


class Bytes(Refusal, code="bytes"):
    data: bytes


class Listed(Refusal, code="listed"):
    data: list[Row]


class Typed(Refusal, code="typed"):
    data: Reasons


class Money(Refusal, code="money"):
    data: Decimal


class Anything(Refusal, code="anything"):
    data: Any


class Child(Number, code="child"):
    """The annotation is the base's."""


class Own(Refusal, code="own"):
    """Makes its data itself, after the base has."""

    data: Limit

    def __init__(self, minimum: Limit) -> None:
        super().__init__("Too low.")
        self.data = minimum


ABSENT: Final = "absent"
SAID: list[tuple[Callable[[], Refusal], Any]] = [
    (Plain, ABSENT),
    (lambda: Plain(data={"any": [1]}), {"any": [1]}),
    (lambda: Number(data=3), 3),
    (lambda: Number(data="3"), 3),
    (lambda: Number(data=False), 0),
    (lambda: Positive(data=1), 1),
    (lambda: Maybe(data=None), None),
    (Maybe, None),
    (Default, 7),
    (lambda: Default(data=8), 8),
    (DefaultNone, None),
    (Constant, 5),
    (Nothing, None),
    (lambda: Bytes(data=b"abc"), {"json": "abc", "binary": b"abc"}),
    (lambda: Listed(data=[Row(1)]), {"json": [[1, "\x01"]], "binary": [[1, b"\x01"]]}),
    (lambda: Typed(data={"reasons": ["a"]}), {"reasons": ["a"]}),
    (lambda: Money(data=Decimal("1.50")), "1.50"),
    (lambda: Anything(data=[date(2026, 1, 2)]), ["2026-01-02"]),
    (Anything, None),
    (lambda: Child(data=4), 4),
    (lambda: Own(Limit(minimum=3)), WRITTEN),
]


def raising(make: Callable[[], Refusal]) -> ByteSocket:
    """An application whose handler refuses so."""
    app = talk()

    @app.on(Say)
    async def say(event: Say) -> None:
        raise make()

    return app


@CODECS
@pytest.mark.parametrize(("make", "data"), SAID)
async def test_any_type_may_be_the_type_of_data(
    make: Callable[[], Refusal], data: Any, codec: CodecName
) -> None:
    async with TestClient(raising(make), codec=codec) as client:
        await client.send({"event": "say", "data": {"text": "x"}, "id": 1})
        told = error(await client.receive_message())
    assert told.get("data", ABSENT) == (data[codec] if codec in repr(data) else data)


@CODECS
@pytest.mark.parametrize(
    "make",
    [
        Number,
        lambda: Number(data=None),
        lambda: Number(data="three"),
        lambda: Positive(data=0),
        lambda: Maybe(data={}),
        lambda: Default(data=None),
        lambda: Nothing(data=0),
        lambda: Typed(data={}),
        lambda: Child(data=b"x"),
    ],
)
async def test_what_does_not_fit_is_a_crash(make: Callable[[], Refusal], codec: CodecName) -> None:
    async with TestClient(raising(make), codec=codec) as client:
        with pytest.raises(RequestError, match="internal"):
            await client.request(Say(text="x"))


async def test_bytes_that_json_cannot_hold_are_a_crash_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = raising(lambda: Bytes(data=b"\xff"))
    async with TestClient(app, codec="binary") as client:
        with pytest.raises(RequestError) as caught:
            await client.request(Say(text="x"))
        assert caught.value.data == b"\xff"
    caplog.clear()
    async with TestClient(app, codec="json") as client:
        with pytest.raises(RequestError, match="internal"):
            await client.request(Say(text="x"))
    assert "(code 'bytes') carries data that cannot be written as json" in logged(caplog)[0]


@pytest.mark.parametrize("codec", ["json", "binary"])
async def test_a_refusal_of_a_declared_code_has_the_declared_data(codec: CodecName) -> None:
    """Whatever its class is: clients know the code, and what comes with it."""
    app, made = talk(), list[Refusal]()

    class Other(TooLow):
        data: Any

    @app.on(Say, raises=(TooLow,))
    async def say(event: Say) -> None:
        raise made[-1]

    @app.room("lobby").guard(raises=(TooLow,))
    async def guard() -> None:
        raise made[-1]

    async with TestClient(app, codec=codec) as client:
        for kind in (Refusal, Other):
            for data, code in (({"minimum": 3}, "too_low"), ({"minimum": "lots"}, "internal")):
                made.append(kind(code="too_low", data=data))
                with pytest.raises(RequestError) as of_request:
                    await client.request(Say(text="x"))
                with pytest.raises(RequestError) as of_join:
                    await client.join("lobby")
                assert of_request.value.code == of_join.value.code == code
                expected = WRITTEN[codec] if code == "too_low" else None
                assert of_request.value.data == of_join.value.data == expected


async def test_middleware_gets_the_refusal_as_it_was_raised() -> None:
    app, caught = talk(), list[BaseException]()

    @app.middleware
    async def step(socket: Socket, message: Message, call_next: CallNext) -> Any:
        try:
            return await call_next(message)
        except Exception as exc:
            caught.append(exc)
            raise

    @app.on(Say, raises=(TooLow,))
    async def say(event: Say) -> None:
        raise TooLow(data={"minimum": event.text})

    async with TestClient(app) as client:
        for text in ("3", "lots"):
            with pytest.raises(RequestError):
                await client.request(Say(text=text))
    assert [type(each) for each in caught] == [TooLow, UndeclaredAnswer]
    assert getattr(caught[0], "data", None) == {"minimum": "3"}


# ---- the contract says what is written


CASES = {f"{theme}/{name}": case for theme in MODULES for name, case in MODULES[theme].items()}


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        (name, codec)
        for name, case in CASES.items()
        for codec in ("json", "binary")
        if case.json or codec == "binary"
    ],
)
def test_data_of_any_payloads_type_are_written_as_that_payload(name: str, codec: CodecName) -> None:
    case: Case = CASES[name]
    typed, promises = PayloadType(case.payload), Promises(strict=True)
    kind: Any = type("Odd", (Refusal,), {"__annotations__": {"data": case.payload}}, code="odd")
    for value, _ in Prober(case).sent():
        written = promises.kept(kind(data=value), "it", (kind,), codec)
        payload = decode(typed.dump(value, codec), is_binary=codec == "binary")
        assert repr(written) == repr(payload)


@pytest.mark.parametrize("name", CASES)
def test_the_contract_describes_data_as_what_the_server_sends(name: str) -> None:
    case: Case = CASES[name]
    kind: Any = type("Odd", (Refusal,), {"__annotations__": {"data": case.payload}}, code="odd")
    entries = (EventEntry(name, "server", case.payload, raises=(kind,)),)
    document = build(ContractSource("t", events=entries)).document
    assert document["refusals"]["odd"]["data"] == document["events"][0]["output"]


def test_the_contract_has_the_whole_annotation() -> None:
    entries = (EventEntry("e", "client", int, raises=(Positive, Constant, Maybe, Plain)),)
    refusals = build(ContractSource("t", events=entries)).document["refusals"]
    assert refusals["positive"]["data"] == {"minimum": 1, "type": "integer"}
    assert refusals["constant"]["data"] == {"type": "integer"}
    assert refusals["plain"]["data"] is None
