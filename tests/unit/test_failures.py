"""One boundary for failures: whatever raises whatever, one function decides what follows."""

import asyncio  # noqa: TID251 - to raise what asyncio raises, and to cancel its tasks
import logging
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FunctionType
from typing import Annotated, Any, Literal, TypeAlias

import anyio
import pytest
from anyio.lowlevel import checkpoint
from pydantic import BaseModel, field_serializer, field_validator
from starlette.exceptions import HTTPException

from bytesocket_app import (
    AuthError,
    ByteSocket,
    CallNext,
    ClientEvent,
    Depends,
    ErrorContext,
    Message,
    Policies,
    Refusal,
    Settings,
    Socket,
    Timeouts,
)
from bytesocket_app.declarations.rooms import Room
from bytesocket_app.errors import Disconnected, EncodeError, Phase
from bytesocket_app.lifecycle.failures import Failures, leaf, must_pass
from bytesocket_app.testing import RequestError, TestClient, virtual_clock
from tests.support.server_process import DEADLINE, RudePeer, ServerProcess, serving
from tests.support.talk import Say, logged, until, wait

SHORT = 0.02
"""A deadline that the event loop's own clock counts, where the virtual one does not reach."""

HERE = Path(__file__).name


class Foreign(BaseException):
    """Somebody's own, and no `Exception`."""


class Ask(ClientEvent, name="ask"):
    """What a bystander says, whose echo must always work."""

    text: str


class Checked(ClientEvent, name="checked"):
    """An event with a validator of the application's own."""

    text: str

    @field_validator("text")
    @classmethod
    def _check(cls, text: str) -> str:
        if text == "fail":
            FAULT.now()
        return text


class Receipt(BaseModel):
    """A reply with a serializer of the application's own."""

    text: str

    @field_serializer("text")
    def _write(self, text: str) -> str:
        FAULT.now()
        return text


# ── kinds: what user code does ────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Kind:
    """One thing that user code does.

    Attributes:
        name: For the test's id.
        make: What it raises; None if it does something else.
        verdict: What the requirement calls it.
        seen: The type that the error hooks hear of.
    """

    name: str
    make: Callable[[], BaseException] | None
    verdict: Literal["refusal", "crash", "cancels", "hangs"]
    seen: type[BaseException]


KINDS = (
    Kind("refusal", lambda: Refusal("no", code="forbidden"), "refusal", Refusal),
    Kind("http", lambda: HTTPException(404, "none such"), "refusal", HTTPException),
    Kind("refusal-group", lambda: grouped(Refusal("no", code="forbidden")), "refusal", Refusal),
    Kind("value", lambda: ValueError("x"), "crash", ValueError),
    Kind("value-group", lambda: grouped(ValueError("x")), "crash", ValueError),
    Kind("http-500", lambda: HTTPException(500, "x"), "crash", HTTPException),
    Kind("recursion", lambda: RecursionError("x"), "crash", RecursionError),
    Kind("stray", asyncio.CancelledError, "crash", asyncio.CancelledError),
    Kind("foreign", lambda: Foreign("x"), "crash", Foreign),
    Kind("exit", lambda: SystemExit(3), "crash", SystemExit),
    Kind("cancels-itself", None, "cancels", asyncio.CancelledError),
    Kind("hangs", None, "hangs", TimeoutError),
)


def grouped(error: Exception) -> BaseException:
    """What a task group makes of the one task that failed."""
    return ExceptionGroup("one failed", [error])


class Fault:
    """What user code does once, when it is armed."""

    def __init__(self) -> None:
        self.kind: Kind | None = None
        self.begun = False

    def arm(self, kind: Kind) -> None:
        self.kind, self.begun = kind, False

    def now(self) -> None:
        """Do it where nothing can be awaited."""
        kind, self.kind = self.kind, None
        if kind is not None and kind.make is not None:
            self.begun = True
            raise kind.make()

    async def here(self) -> None:
        """Do it where something can be awaited."""
        kind = self.kind
        self.now()
        if kind is not None and kind.verdict == "cancels":
            self.begun = True
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await checkpoint()
        elif kind is not None:
            self.begun = True
            await anyio.sleep_forever()


FAULT = Fault()


# ── places: where user code runs ──────────────────────────────────────────────────────────────────


class Talk(ByteSocket):
    """An application with two rooms."""

    lobby: Room
    hall: Room


Build: TypeAlias = Callable[["Talk"], object]
Provoke: TypeAlias = Callable[["Stage"], Awaitable[object]]


@dataclass(frozen=True)
class Place:
    """One place where user code runs.

    Attributes:
        build: Puts the code there; its name is the place's.
        provoke: What a client does so that it runs; returns or raises what the client learns.
        phase: What the error hooks hear; None where nobody is told, as they heard already.
        asks: What the client's own request depends on: the code ("answer"), nothing ("nothing"),
            its credentials ("auth"), its HTTP upgrade ("upgrade", "handshake").
        event: The event, where one is at work.
        before: What was heard before, and is in the log, as the place is reached by a failure.
        waits: False where nothing can be awaited, so that it can neither hang nor cancel.
        deadline: Whose deadline it has: the sweep's, the loop's own, or none.
        settings: What else is set.
        late: What the client learns of a passed deadline, and what the hooks hear.
        source: True if the log names the function.
    """

    build: Build
    provoke: Provoke
    phase: Phase | None = Phase.HANDLER
    asks: Literal["answer", "nothing", "auth", "upgrade", "handshake"] = "answer"
    event: str | None = "say"
    before: tuple[tuple[Phase, type[BaseException]], ...] = ()
    waits: bool = True
    deadline: Literal["swept", "loop", "none"] = "none"
    timeouts: Timeouts = field(default_factory=lambda: Timeouts(close=5))
    policies: Policies = field(default_factory=Policies)
    late: tuple[object, Phase | None] = ("timeout", None)
    source: bool = False
    starts: object = "ok"

    @property
    def name(self) -> str:
        assert isinstance(self.build, FunctionType)
        return self.build.__name__.replace("_", "-")

    @property
    def is_handshake(self) -> bool:
        """True if there is no connection yet."""
        return self.asks in {"upgrade", "handshake"}


@dataclass
class Stage:
    """A client that provokes the failure, and how it is let in."""

    app: ByteSocket
    place: Place
    kind: Kind
    client: TestClient
    answer: object = None
    is_in: bool = False
    done: anyio.Event = field(default_factory=anyio.Event)
    release: anyio.Event = field(default_factory=anyio.Event)

    def learned(self, answer: object) -> None:
        """Note what the client learned; the first counts."""
        if not self.done.is_set():
            self.answer = answer
            self.done.set()

    def arm(self) -> None:
        FAULT.arm(self.kind)


def global_handler(app: Talk) -> None:
    @app.on(Say)
    async def say() -> None:
        await FAULT.here()


def global_handler_in_a_thread(app: Talk) -> None:
    @app.on(Say)
    def say() -> None:
        FAULT.now()


def concurrent_handler(app: Talk) -> None:
    @app.on(Say, concurrent=True)
    async def say() -> None:
        await FAULT.here()


def room_handler(app: Talk) -> None:
    @app.lobby.on(Say)
    async def say() -> None:
        await FAULT.here()


def concurrent_room_handler(app: Talk) -> None:
    @app.lobby.on(Say, concurrent=True)
    async def say() -> None:
        await FAULT.here()


def rooms_handler(app: Talk) -> None:
    for room in (app.lobby, app.hall):

        async def say() -> None:
            await FAULT.here()

        room.on(Say)(say)


def handler_under_middleware(app: Talk) -> None:
    global_handler(app)

    @app.middleware
    async def passes(socket: Socket[Any], message: Message, call_next: CallNext) -> None:
        await call_next(message)


def guard(app: Talk) -> None:
    @app.lobby.guard
    async def check() -> None:
        await FAULT.here()


def on_join(app: Talk) -> None:
    @app.lobby.on_join
    async def joined() -> None:
        await FAULT.here()


def on_leave(app: Talk) -> None:
    @app.lobby.on_leave
    async def left() -> None:
        await FAULT.here()


def middleware(app: Talk) -> None:
    @app.on(Say)
    async def say() -> None:
        """Never reached."""

    @app.middleware
    async def step(socket: Socket[Any], message: Message, call_next: CallNext) -> None:
        if message.event == "say":
            await FAULT.here()
        await call_next(message)


def middleware_after_the_handler(app: Talk) -> None:
    @app.on(Say)
    async def say() -> str:
        return "not sent"

    @app.middleware
    async def step(socket: Socket[Any], message: Message, call_next: CallNext) -> None:
        await call_next(message)
        if message.event == "say":
            await FAULT.here()


def upgrade_hook(app: Talk) -> None:
    app.lifecycle.upgrade(the_fault())


def open_hook(app: Talk) -> None:
    app.lifecycle.open(the_fault())


def auth_success_hook(app: Talk) -> None:
    app.lifecycle.auth_success(the_fault())


def auth_error_hook(app: Talk) -> None:
    app.lifecycle.auth_error(the_fault())


def message_hook(app: Talk) -> None:
    @app.on(Say)
    async def say() -> None:
        """All is well."""

    app.lifecycle.message(the_fault())


def close_hook(app: Talk) -> None:
    app.lifecycle.close(the_fault())


def error_hook(app: Talk) -> None:
    @app.on(Say)
    async def say() -> None:
        raise LookupError("the first failure")

    app.lifecycle.error(the_fault())


def auth_by_message(app: Talk) -> None:
    async def auth(credentials: str) -> str:
        await FAULT.here()
        return credentials

    app.auth(key=str)(auth)


def auth_by_handshake(app: Talk) -> None:
    async def auth() -> str:
        await FAULT.here()
        return "me"

    app.auth(key=str)(auth)


def key_function(app: Talk) -> None:
    async def auth(credentials: str) -> str:
        return credentials

    def key(user: str) -> str:
        FAULT.now()
        return user

    app.auth(key=key)(auth)


def dependency(app: Talk) -> None:
    @app.on(Say)
    async def say(made: Annotated[None, Depends(the_fault())]) -> None:
        """Never called."""


def dependency_clean_up(app: Talk) -> None:
    async def resource() -> AsyncGenerator[None]:
        yield
        await FAULT.here()

    @app.on(Say)
    async def say(made: Annotated[None, Depends(resource)]) -> None:
        """Nothing to do."""


def dependency_clean_up_in_a_thread(app: Talk) -> None:
    def resource() -> Generator[None]:
        yield
        FAULT.now()

    @app.on(Say)
    async def say(made: Annotated[None, Depends(resource)]) -> None:
        """Nothing to do."""


def validator(app: Talk) -> None:
    @app.on(Checked)
    async def checked() -> None:
        """Nothing to do."""


def room_validator(app: Talk) -> None:
    @app.lobby.on(Checked)
    async def checked() -> None:
        """Nothing to do."""


def rooms_validator(app: Talk) -> None:
    for room in (app.lobby, app.hall):

        async def checked() -> None:
            """Nothing to do."""

        room.on(Checked)(checked)


def reply_serializer(app: Talk) -> None:
    @app.on(Say)
    async def say(event: Say) -> Receipt:
        return Receipt(text=event.text)


def middleware_error_action(app: Talk) -> None:
    @app.middleware
    async def fails(socket: Socket[Any], message: Message, call_next: CallNext) -> None:
        if message.event == "say":
            raise LookupError("the first failure")
        await call_next(message)


async def _action(_error: Exception, _socket: Any) -> None:
    await FAULT.here()


def the_fault() -> Callable[[], Awaitable[None]]:
    """A hook that does it."""

    async def hook() -> None:
        await FAULT.here()

    return hook


async def requests(stage: Stage) -> None:
    stage.arm()
    await stage.client.request(Say(text="fail"))


async def requests_a_check(stage: Stage, **place: object) -> None:
    """Send what the validator fails of, which would fail in the client already."""
    stage.arm()
    await stage.client.send({"event": "checked", "data": {"text": "fail"}, "id": "c", **place})
    answer = await stage.client.receive_message()
    assert answer["id"] == "c"
    if answer["type"] == 33:
        raise RequestError(answer["data"]["error"]["code"])


async def requests_into_the_room(stage: Stage) -> None:
    await stage.client.join("lobby")
    stage.arm()
    await stage.client.request(Say(text="fail"), room="lobby")


async def requests_a_check_in_the_room(stage: Stage) -> None:
    await stage.client.join("lobby")
    await requests_a_check(stage, room="lobby")


async def requests_into_rooms(stage: Stage, event: str = "say") -> None:
    for room in ("lobby", "hall"):
        await stage.client.join(room)
    stage.arm()
    message = {"event": event, "data": {"text": "fail"}, "rooms": ["lobby", "hall"], "id": "bulk"}
    await stage.client.send(message)
    answer = await stage.client.receive_message()
    assert answer["id"] == "bulk"
    if answer["type"] == 33:
        raise RequestError(answer["data"]["error"]["code"])


async def requests_a_check_in_rooms(stage: Stage) -> None:
    await requests_into_rooms(stage, "checked")


async def joins(stage: Stage) -> None:
    stage.arm()
    await stage.client.join("lobby")


async def leaves(stage: Stage) -> None:
    await stage.client.join("lobby")
    stage.arm()
    await stage.client.leave("lobby")


async def connects(stage: Stage) -> None:
    """Nothing: entering the client did it."""


async def disconnects(stage: Stage) -> None:
    stage.arm()
    await stage.client.close(1000)
    await until(lambda: FAULT.begun)


TOLD = ((Phase.HANDLER, LookupError),)
MIDDLEWARE_TOLD = ((Phase.MIDDLEWARE, LookupError),)
REFUSED = ((Phase.AUTH, AuthError),)

SWEPT: Any = {"deadline": "swept"}
LOOP: Any = {"deadline": "loop"}
FAST = Timeouts(handler=SHORT, close=5)

PLACES = (
    Place(global_handler, requests, **SWEPT, late=("timeout", Phase.HANDLER), source=True),
    Place(global_handler_in_a_thread, requests, waits=False, source=True),
    Place(
        concurrent_handler,
        requests,
        **LOOP,
        timeouts=FAST,
        late=("timeout", Phase.HANDLER),
        source=True,
    ),
    Place(
        room_handler,
        requests_into_the_room,
        Phase.ROOM_MESSAGE,
        **SWEPT,
        late=("timeout", Phase.ROOM_MESSAGE),
        source=True,
    ),
    Place(
        concurrent_room_handler,
        requests_into_the_room,
        Phase.ROOM_MESSAGE,
        **LOOP,
        timeouts=FAST,
        late=("timeout", Phase.ROOM_MESSAGE),
        source=True,
    ),
    Place(
        rooms_handler,
        requests_into_rooms,
        Phase.ROOMS_MESSAGE,
        **SWEPT,
        late=("timeout", Phase.ROOMS_MESSAGE),
        source=True,
    ),
    Place(
        handler_under_middleware,
        requests,
        **SWEPT,
        late=("timeout", Phase.HANDLER),
        source=True,
    ),
    Place(guard, joins, Phase.JOIN_ROOM, event=None, **SWEPT, late=("timeout", Phase.JOIN_ROOM)),
    Place(
        on_join,
        joins,
        Phase.JOIN_ROOM,
        "nothing",
        event=None,
        **SWEPT,
        late=("ok", Phase.JOIN_ROOM),
        source=True,
    ),
    Place(
        on_leave,
        leaves,
        Phase.LEAVE_ROOM,
        "nothing",
        event=None,
        **SWEPT,
        late=("ok", Phase.LEAVE_ROOM),
        source=True,
    ),
    Place(
        middleware, requests, Phase.MIDDLEWARE, **SWEPT, late=("timeout", Phase.MIDDLEWARE_TIMEOUT)
    ),
    Place(
        middleware_after_the_handler,
        requests,
        Phase.MIDDLEWARE,
        **SWEPT,
        late=("timeout", Phase.MIDDLEWARE_TIMEOUT),
    ),
    Place(
        upgrade_hook,
        connects,
        Phase.UPGRADE,
        "upgrade",
        event=None,
        **LOOP,
        timeouts=FAST,
        late=("503", Phase.UPGRADE),
        source=True,
    ),
    Place(
        open_hook,
        connects,
        Phase.OPEN,
        "nothing",
        event=None,
        **LOOP,
        timeouts=FAST,
        late=("ok", Phase.OPEN),
        source=True,
    ),
    Place(
        auth_success_hook,
        connects,
        Phase.AUTH_SUCCESS,
        "nothing",
        event=None,
        **LOOP,
        timeouts=FAST,
        late=("ok", Phase.AUTH_SUCCESS),
        source=True,
    ),
    Place(
        auth_error_hook,
        connects,
        Phase.AUTH_ERROR,
        "nothing",
        event=None,
        before=REFUSED,
        **LOOP,
        timeouts=FAST,
        late=("unauthorized", Phase.AUTH_ERROR),
        source=True,
        starts="unauthorized",
    ),
    Place(
        message_hook,
        requests,
        Phase.MESSAGE,
        "nothing",
        event=None,
        **LOOP,
        timeouts=FAST,
        late=("ok", Phase.MESSAGE),
        source=True,
    ),
    Place(
        close_hook,
        disconnects,
        Phase.CLOSE,
        "nothing",
        event=None,
        **LOOP,
        timeouts=Timeouts(close=SHORT),
        late=("ok", None),
        source=True,
    ),
    Place(
        error_hook,
        requests,
        None,
        "nothing",
        event=None,
        before=TOLD,
        **LOOP,
        timeouts=FAST,
        late=("internal", None),
        source=True,
        starts="internal",
    ),
    Place(
        auth_by_message, connects, Phase.AUTH, "auth", event=None, **SWEPT, late=("closed", None)
    ),
    Place(
        auth_by_handshake,
        connects,
        Phase.AUTH,
        "handshake",
        event=None,
        **LOOP,
        timeouts=Timeouts(auth=SHORT),
        late=("503", None),
    ),
    Place(key_function, connects, Phase.AUTH, "auth", event=None, waits=False),
    Place(dependency, requests, **SWEPT, late=("timeout", Phase.HANDLER), source=True),
    Place(
        dependency_clean_up,
        requests,
        **LOOP,
        timeouts=Timeouts(close=SHORT),
        late=("ok", None),
        source=True,
    ),
    Place(dependency_clean_up_in_a_thread, requests, waits=False, source=True),
    Place(validator, requests_a_check, Phase.FINAL_CALLBACK, event="checked", waits=False),
    Place(
        room_validator,
        requests_a_check_in_the_room,
        Phase.FINAL_CALLBACK,
        event="checked",
        waits=False,
    ),
    Place(
        rooms_validator,
        requests_a_check_in_rooms,
        Phase.FINAL_CALLBACK,
        event="checked",
        waits=False,
    ),
    Place(reply_serializer, requests, waits=False, source=True),
    Place(
        middleware_error_action,
        requests,
        None,
        "nothing",
        event=None,
        before=MIDDLEWARE_TOLD,
        policies=Policies(middleware_error=_action),
        **SWEPT,
        late=("internal", Phase.MIDDLEWARE_TIMEOUT),
        source=True,
        starts="internal",
    ),
)

CELLS = [
    pytest.param(backend, place, kind, id=f"{place.name}-{kind.name}-{backend}")
    for place in PLACES
    for kind in KINDS
    for backend in ("asyncio", "trio")
    if (backend == "asyncio" or kind.verdict != "cancels")  # on trio no task cancels itself
    and (place.waits or kind.make is not None)
    and not (kind.verdict == "hangs" and place.deadline == "none")
]


# ── what has to follow ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Outcome:
    """What is seen of one failure.

    Attributes:
        answer: The code that the client learns, "ok", or "closed".
        heard: What the error hooks heard, as phase and type.
        errors: Lines at ERROR.
        refusals: Lines at DEBUG that tell of a refusal.
        closed: The close code; None while the connection is open.
    """

    answer: object
    heard: tuple[tuple[Phase, type[BaseException]], ...]
    errors: int
    refusals: int
    closed: int | None


def expected(place: Place, kind: Kind) -> Outcome:
    """What the requirement says of a kind of failure at a place."""
    answer: object
    told: tuple[tuple[Phase, type[BaseException]], ...]
    first_crashed = sum(not issubclass(error, Refusal) for _, error in place.before)
    first_refused = len(place.before) - first_crashed
    closed = _closed(place, kind)
    if kind.verdict == "cancels":
        answer = "ok" if place.build is close_hook else "closed"
        answer = "unauthorized" if place.build is auth_error_hook else answer
        if place.build is middleware_error_action:
            answer = "internal"  # that was sent before
        return Outcome(answer, place.before, first_crashed, first_refused, closed)
    if kind.verdict == "hangs":
        answer, phase = place.late
        told = () if phase is None else ((phase, TimeoutError),)
        errors = first_crashed + (place.asks not in {"auth", "handshake"})
        return Outcome(answer, (*place.before, *told), errors, first_refused, closed)
    # To a handshake every HTTP status is an answer, and no crash: test_http_errors.py says so.
    crashes = kind.verdict == "crash" and not (
        place.asks == "handshake" and kind.name == "http-500"
    )
    seen, phase = kind.seen, place.phase
    answer = _code(place, kind)
    if place.build is reply_serializer:  # Pydantic wraps what any serializer raises
        crashes, answer, seen = True, "internal", EncodeError
    elif place.phase is Phase.FINAL_CALLBACK and kind.name == "value":
        return Outcome("validation", ((Phase.VALIDATION, ANY_VALUE),), 0, 0, None)
    told = () if phase is None else ((phase, seen),)
    return Outcome(
        answer,
        (*place.before, *told),
        first_crashed + crashes,
        first_refused + (not crashes),
        closed,
    )


ANY_VALUE = ValueError
"""Pydantic's ValidationError is one."""


def _code(place: Place, kind: Kind) -> object:
    """The code of a refusal or a crash."""
    refusal = {"http": "not_found"}.get(kind.name, "forbidden")
    if place.asks == "nothing":
        return place.starts
    if place.asks in {"answer", "auth"}:
        return refusal if kind.verdict == "refusal" else "internal"
    if kind.name.startswith("http"):
        return {"http": "404", "http-500": "500"}[kind.name]
    return "403" if kind.verdict == "refusal" or place.asks == "upgrade" else "500"


def _closed(place: Place, kind: Kind) -> int | None:
    """The close code that follows."""
    if place.build is close_hook:
        return 1000
    if place.build is auth_error_hook:
        return 4003
    if place.is_handshake:
        return None
    if kind.verdict == "cancels":
        return 1006
    if place.asks == "auth":
        return 1013 if kind.verdict == "hangs" else 4003
    return None


# ── the table ─────────────────────────────────────────────────────────────────────────────────────


def build(
    place: Place,
    heard: list[tuple[Phase, BaseException]],
    sockets: list[str],
    settings: Settings | None = None,
) -> Talk:
    """An application with the code at its place, a user's key, an echo, and ears."""
    settings = settings or Settings(timeouts=place.timeouts, policies=place.policies)
    app = Talk(title="Failures", events=[Say, Ask, Checked], settings=settings)

    @app.lifecycle.error
    async def hear(context: ErrorContext) -> None:
        heard.append((context.phase, context.error))

    @app.on(Ask)
    async def ask(event: Ask) -> str:
        return event.text

    @app.lifecycle.auth_success
    async def welcome(socket: Socket[Any]) -> None:
        sockets.append(socket.id)

    app.lobby, app.hall = app.room("lobby"), app.room("hall")
    for room in (app.lobby, app.hall):
        room.on(Ask)(ask)
    place.build(app)
    if place.asks not in {"auth", "handshake"}:

        async def auth(credentials: str) -> str:
            if credentials == "wrong":
                raise AuthError("wrong")
            return credentials

        app.auth(key=str)(auth)
    return app


def at_the_door(place: Place) -> bool:
    """True if it happens while the client connects."""
    return place.provoke is connects


async def knock(stage: Stage) -> None:
    """Connect, provoke the failure, note what the client learns, and stay until released."""
    if at_the_door(stage.place):
        stage.arm()
    try:
        async with stage.client:
            stage.is_in = True
            stage.learned(await learn(stage))
            await stage.release.wait()
    except RequestError as refused:
        stage.learned(refused.code)
    except Disconnected:
        stage.learned("closed")


async def learn(stage: Stage) -> object:
    """Provoke the failure and return what the client learns."""
    try:
        await stage.place.provoke(stage)
        await until(lambda: FAULT.begun)
        await anyio.wait_all_tasks_blocked()
    except RequestError as refused:
        return refused.code
    except Disconnected:
        return "closed"
    hidden = stage.place.build in {open_hook, auth_success_hook}
    return "closed" if hidden and stage.client.closed else "ok"


async def knock_apart(stage: Stage) -> None:
    """Do the same in a task that may be cancelled: that of an upgrade is the adaptor's."""
    knocking = asyncio.ensure_future(knock(stage))
    with suppress(asyncio.CancelledError):
        await knocking
    stage.learned("closed")


async def pass_deadline(place: Place, kind: Kind, clock: Any) -> None:
    """Let time pass once the code hangs."""
    if kind.verdict == "hangs" and place.deadline == "swept":
        await until(lambda: FAULT.begun)
        clock.advance(31)


async def further_answers(client: TestClient) -> list[Any]:
    """What else the asker got: there is one answer to a request."""
    if client.closed is not None:
        return []
    await client.send({"event": "ask", "data": {"text": ""}, "id": "last"})
    found: list[Any] = []
    while (message := await client.receive_message()).get("id") != "last":
        found.append(message)
    return found


async def bystander_is_served(client: TestClient) -> None:
    assert await client.request(Ask(text="still here"), str) == "still here"


@pytest.mark.anyio
@pytest.mark.parametrize(("anyio_backend", "place", "kind"), CELLS)
async def test_a_failure_ends_in_the_boundary(  # one story
    place: Place, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "bytesocket")
    heard, sockets = list[tuple[Phase, BaseException]](), list[str]()
    app = build(place, heard, sockets)
    wrong = place.build is auth_error_hook
    credentials = None if place.asks == "handshake" else "wrong" if wrong else "me"
    FAULT.kind, FAULT.begun = None, False
    left = listed = 0
    closed: int | None = None
    with virtual_clock(app) as clock:
        other = "other" if credentials else None
        async with TestClient(app, other) as bystander:
            sockets.clear()
            client = TestClient(app, credentials)
            stage = Stage(app, place, kind, client)

            apart = kind.verdict == "cancels" and place.is_handshake
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(knock_apart if apart else knock, stage)
                await pass_deadline(place, kind, clock)
                await wait(stage.done)
                await until(lambda: settled(place, kind, caplog))
                FAULT.kind = None
                await bystander_is_served(bystander)
                if stage.is_in:
                    assert await further_answers(client) == []
                closed = None if client.closed is None else client.closed[0]
                stage.release.set()
            left = len(app.housekeeping.connections)
            listed = len(app.sockets())
    errors = [r for r in caplog.records if r.levelno >= logging.ERROR]
    refusals = [r for r in caplog.records if r.levelno == logging.DEBUG and refused_line(r)]
    seen = Outcome(
        stage.answer,
        tuple((phase, type(error)) for phase, error in heard),
        len(errors),
        len(refusals),
        closed,
    )
    wanted = expected(place, kind)
    assert same(seen, wanted), (seen, wanted, caplog.text)
    assert (left, listed) == (1, 1), "the connection is still listed"
    if kind.verdict == "hangs":
        lines = [line for line in logged(caplog, logging.WARNING) if f"{HERE}:" in line]
        assert [line for line in lines if "took too long" in line or "cut off" in line], caplog.text
    if kind.verdict in {"crash", "hangs"} and errors:
        assert_tells_where(place, kind, errors[-1], sockets)


def settled(place: Place, kind: Kind, caplog: pytest.LogCaptureFixture) -> bool:
    """True once a hook that nobody waits for is done."""
    if place.build is close_hook and kind.verdict == "hangs":
        return any(r.levelno >= logging.ERROR for r in caplog.records)
    return True


def refused_line(record: logging.LogRecord) -> bool:
    return " refused (" in record.getMessage()


def same(seen: Outcome, wanted: Outcome) -> bool:
    """Compare; a subclass of the type that is expected will do."""
    pairs = zip(seen.heard, wanted.heard, strict=False)
    return (
        (seen.answer, seen.errors, seen.refusals, seen.closed)
        == (wanted.answer, wanted.errors, wanted.refusals, wanted.closed)
        and len(seen.heard) == len(wanted.heard)
        and all(a[0] is b[0] and issubclass(a[1], b[1]) for a, b in pairs)
    )


def assert_tells_where(
    place: Place, kind: Kind, record: logging.LogRecord, sockets: list[str]
) -> None:
    """The line names the socket, the user, the event and the place, as far as there are any."""
    text = record.getMessage()
    if kind.verdict == "crash":
        assert record.exc_info, text
        if place.source:
            assert re.search(rf"{re.escape(HERE)}:\d+|<function _action", text), text
    if place.event is not None and place.late[0] != "ok":
        assert repr(place.event) in text, text
    if sockets and place.phase is not None and place.late[0] != "ok":
        assert sockets[-1] in text, text
        if place.asks != "auth":
            assert "of user 'me'" in text, text


# ── the boundary alone, and the settings that make it speak as the origin does ────────────────────


async def _nobody(_socket: Any, _context: ErrorContext) -> None:
    raise AssertionError("nobody is told of what passes")


PASSES = [KeyboardInterrupt(), GeneratorExit(), BaseExceptionGroup("", [KeyboardInterrupt()])]


@pytest.mark.anyio
class TestBoundary:
    @pytest.mark.parametrize("error", PASSES, ids=repr)
    async def test_what_ends_more_than_a_connection_passes(
        self, error: BaseException, caplog: pytest.LogCaptureFixture
    ) -> None:
        with pytest.raises(type(leaf(error))):
            await Failures(_nobody).end(error, Phase.HANDLER, "it")
        assert not caplog.records

    async def test_a_cancellation_that_somebody_asked_for_passes(self) -> None:
        passed: list[bool] = []
        with anyio.move_on_after(0):
            try:
                await anyio.sleep_forever()
            except BaseException as error:
                passed.append(must_pass(error))
                passed.append(must_pass(BaseExceptionGroup("", [error, ValueError()])))
                raise
        assert passed == [True, True]

    async def test_nested_groups_of_one_are_their_leaf_and_groups_of_two_are_not(self) -> None:
        error = ValueError()
        assert leaf(grouped(ExceptionGroup("", [error]))) is error
        two = ExceptionGroup("", [error, Refusal("no")])
        assert leaf(two) is two


def as_origin(heard: list[Phase], acted: list[BaseException]) -> Settings:
    """The origin's behaviour, and what is called for failed middleware."""

    def act(error: Exception, socket: Any) -> None:
        acted.append(error)

    settings = Settings.drop_in()
    return replace(settings, policies=replace(settings.policies, middleware_error=act))


UNHEARD = {
    global_handler,
    global_handler_in_a_thread,
    concurrent_handler,
    handler_under_middleware,
    dependency_clean_up_in_a_thread,
    dependency,
    dependency_clean_up,
    guard,
    on_join,
    on_leave,
    auth_by_message,
    auth_by_handshake,
    key_function,
    reply_serializer,
}
"""Of these the origin tells nobody (protocol.md section 7)."""


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [KINDS[0], KINDS[3]], ids=lambda kind: kind.name)
@pytest.mark.parametrize(
    "place", [place for place in PLACES if not place.before], ids=lambda place: place.name
)
async def test_as_the_origin_some_phases_are_unheard(place: Place, kind: Kind) -> None:
    heard, acted = list[tuple[Phase, BaseException]](), list[BaseException]()
    origin = replace(place, timeouts=Timeouts(), policies=Policies())
    app = build(origin, heard, [], as_origin([], acted))
    FAULT.kind, FAULT.begun = None, False
    credentials = None if place.asks == "handshake" else "me"
    stage = Stage(app, place, kind, TestClient(app, credentials))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(knock, stage)
        await wait(stage.done)
        stage.release.set()
    FAULT.kind = None
    assert bool(heard) != (place.build in UNHEARD)
    assert len(acted) == (place.phase is Phase.MIDDLEWARE)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("kind", "acts"), [(KINDS[0], 0), (KINDS[1], 0), (KINDS[2], 0), (KINDS[3], 1)]
)
async def test_elsewhere_a_refusal_in_middleware_is_no_failure(kind: Kind, acts: int) -> None:
    acted: list[BaseException] = []

    def act(error: Exception, socket: Any) -> None:
        acted.append(error)

    settings = Settings(policies=Policies(middleware_error=act))
    app = build(next(each for each in PLACES if each.build is middleware), [], [], settings)
    async with TestClient(app, "me") as client:
        FAULT.arm(kind)
        with pytest.raises(RequestError):
            await client.request(Say(text="x"))
        await bystander_is_served(client)
    assert len(acted) == acts


# ── servers of their own ──────────────────────────────────────────────────────────────────────────

SERVED = """\
import asyncio
import itertools
from bytesocket_app import ByteSocket, ClientEvent, Socket
from bytesocket_app.logs import restraint

restraint.clock = itertools.count(0, 2).__next__  # no line is left out


class Foreign(BaseException):
    pass


async def cancel():
    asyncio.current_task().cancel()
    await asyncio.sleep(0)


async def fail(kind):
    if kind == "cancel":
        await cancel()
    errors = {"stray": asyncio.CancelledError, "foreign": Foreign, "exit": SystemExit}
    if kind in errors:
        raise errors[kind]("on purpose")
    if kind == "interrupt":
        raise KeyboardInterrupt


class Say(ClientEvent, name="say"):
    text: str


class Beside(ClientEvent, name="beside"):
    text: str


app = ByteSocket(title="Failures", events=[Say, Beside], serialization="json")


@app.auth
async def auth(credentials: str) -> str:
    await fail(credentials.removeprefix("auth-"))
    return credentials


@app.lifecycle.open
async def opened(socket: Socket[str]) -> None:
    await fail(socket.user.removeprefix("hook-"))


@app.on(Say)
async def say(event: Say) -> str:
    await fail(event.text)
    return event.text


@app.on(Beside, concurrent=True)
async def beside(event: Beside) -> str:
    await fail(event.text)
    return event.text
"""

SERVERS = ("picows", "uvicorn", "hypercorn")
WORST = ("stray", "foreign", "exit")
LINES = {
    "say": "of 'say' failed",
    "beside": "of 'beside' failed",
    "hook": "hook ",
    "auth": "authentication failed",
}


@pytest.fixture(scope="module", params=SERVERS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[ServerProcess]:
    folder = tmp_path_factory.mktemp("served")
    (folder / "app.py").write_text(SERVED)
    with serving(*_command(request.param), cwd=folder) as process:
        process.wait_for("http://")
        yield process


def _command(name: str) -> tuple[str, ...]:
    return ("run", "app.py", "--host", "127.0.0.1", "--port", "0", "--transport", name)


_PEERS: list[RudePeer] = []


@pytest.fixture(autouse=True)
def _close_peers() -> Generator[None]:
    yield
    while _PEERS:
        _PEERS.pop().close()


def enter(server: ServerProcess, credentials: str) -> RudePeer:
    peer = RudePeer(server.port)
    _PEERS.append(peer)
    peer.send({"type": 4, "data": credentials})
    return peer


def welcome(server: ServerProcess, credentials: str = "me") -> RudePeer:
    peer = enter(server, credentials)
    assert b'"type":5' in peer.receive()[1].replace(b" ", b"")
    return peer


def provoke(server: ServerProcess, place: str, kind: str) -> RudePeer:
    """Have the code at a place fail."""
    if place in {"auth", "hook"}:
        return enter(server, f"{place}-{kind}")
    peer = welcome(server)
    peer.send({"event": place, "data": {"text": kind}, "id": 1})
    return peer


def is_served(peer: RudePeer) -> bool:
    begun = time.monotonic()
    echo = peer.request("say", {"text": "still here"})
    return echo == "still here" and time.monotonic() - begun < DEADLINE


@pytest.mark.slow
@pytest.mark.parametrize("place", LINES)
@pytest.mark.parametrize("kind", WORST)
def test_a_server_survives_what_its_code_raises(
    server: ServerProcess, place: str, kind: str
) -> None:
    bystander = welcome(server)
    before = server.output.count(LINES[place])
    peer = provoke(server, place, kind)
    server.wait_for(LINES[place], before + 1)
    if place == "auth":
        assert b"internal" in peer.receive()[1]
        assert peer.close_code() == 4003
    elif place == "hook":
        assert b'"type":5' in peer.receive()[1].replace(b" ", b"")
        assert is_served(peer)
    else:
        assert b"internal" in peer.receive()[1]
        assert is_served(peer)
    assert is_served(bystander)
    assert is_served(welcome(server))
    assert server.process.poll() is None


@pytest.mark.slow
@pytest.mark.parametrize("place", LINES)
def test_code_that_cancels_its_own_task_ends_its_own_connection(
    server: ServerProcess, place: str
) -> None:
    bystander = welcome(server)
    peer = provoke(server, place, "cancel")
    assert is_over(peer)
    assert is_served(bystander)
    assert is_served(welcome(server))
    assert server.process.poll() is None


def is_over(peer: RudePeer) -> bool:
    """Read on until the connection ends, with a close frame or without."""
    try:
        return peer.close_code() >= 1000
    except (AssertionError, ConnectionError):  # it was dropped
        return True


LATE = """\
import asyncio
from bytesocket_app import ByteSocket, ClientEvent, Policies, Settings, Socket, Timeouts

policies = Policies(auth_timeout="refuse")
settings = Settings(timeouts=Timeouts(auth=1.5), policies=policies)
app = ByteSocket(title="Late", settings=settings, serialization="json")


class Listener:
    def began(self, operation, values):
        raise RAISED("on purpose")

    def ended(self, token, outcome):
        raise NotImplementedError

    def counted(self, count, amount, values):
        raise RAISED("on purpose")


RAISED = {"exit": SystemExit, "stray": asyncio.CancelledError, "close": GeneratorExit}.get("KIND")
if RAISED is not None:
    app.telemetry.listener = Listener()


@app.auth
async def auth(credentials: str) -> str:
    return credentials


@app.lifecycle.auth_error
async def refused(socket: Socket) -> None:
    print("the hook runs", flush=True)
    if "KIND" == "cancel":
        asyncio.current_task().cancel()
        await asyncio.sleep(0)
    if "KIND" == "generator exit":
        raise GeneratorExit


@app.on("beside", concurrent=True)
async def beside(socket: Socket) -> str:
    raise GeneratorExit
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["cancel", "generator exit", "exit", "stray", "close"])
@pytest.mark.parametrize("name", SERVERS)
def test_what_runs_beside_a_connection_ends_no_other(name: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(LATE.replace("KIND", kind))
    with serving(*_command(name), cwd=tmp_path) as process:
        process.wait_for("http://")
        silent = RudePeer(process.port)
        _PEERS.append(silent)
        process.wait_for("the hook runs")
        welcome(process).send({"event": "beside", "data": {}})
        enough = welcome(process)
        assert is_over(_PEERS[-2])
        assert not is_over_already(enough)
        assert process.process.poll() is None


def is_over_already(peer: RudePeer) -> bool:
    """Ask for the reply to an event that nobody handles."""
    peer.send({"event": "unknown", "id": 1})
    return b'"id":1' not in peer.receive()[1].replace(b" ", b"")


@pytest.mark.slow
@pytest.mark.parametrize("place", ["say", "auth"])
def test_an_interrupt_ends_its_own_connection_only(place: str, tmp_path: Path) -> None:
    # As on uvicorn and hypercorn, which log whatever an ASGI application raises, and go on.
    (tmp_path / "app.py").write_text(SERVED)
    with serving(*_command("picows"), cwd=tmp_path) as process:
        process.wait_for("http://")
        bystander = welcome(process)
        provoke(process, place, "interrupt").close()
        process.wait_for("serving a connection failed")
        assert is_served(bystander)
        assert process.process.poll() is None
