"""A request gets one answer, whatever its middleware and its handlers do; others get none."""

from collections.abc import Callable
from typing import Any

import anyio
import pytest
from pydantic import field_validator

from bytesocket_app import (
    ByteSocket,
    CallNext,
    ErrorContext,
    Event,
    Message,
    Phase,
    Refusal,
    Router,
    Settings,
    Socket,
    Timeouts,
)
from bytesocket_app.socket import SendingSide
from bytesocket_app.telemetry import Count, Operation
from bytesocket_app.testing import TestClient
from bytesocket_app.wire.frame import Frame
from tests.support.listening import Noted
from tests.support.talk import Say, Wave, talk, until

pytestmark = pytest.mark.anyio

DEADLINE = 0.1
"""Seconds for steps and handlers in these tests."""

SWEPT = 0.7
"""Seconds after which the check of deadlines has found whatever is late."""


async def passing(socket: Socket, message: Message, call_next: CallNext) -> None:
    await call_next(message)


async def stopping(socket: Socket, message: Message, call_next: CallNext) -> None:
    """Pass nothing on."""


async def acknowledging(event: Say) -> None:
    """Return nothing."""


async def replying(event: Say) -> str:
    return event.text


async def refusing(event: Say) -> None:
    raise Refusal("No.", code="no")


def brief() -> ByteSocket:
    return talk(Settings(timeouts=Timeouts(middleware=DEADLINE, handler=DEADLINE)))


def outcome(message: Any) -> object:
    """What an answer says: the data of a reply, or the code and phase of a refusal."""
    if message["type"] == 32:
        return message["data"]
    return message["data"]["error"]["code"], message["data"]["phase"]


async def answers(
    client: TestClient, message: dict[str, Any], within: float = 0
) -> list[tuple[int, object]]:
    """What a client is told of a message, and of nothing that comes `within` so many seconds.

    A second event, without handler, marks the end of what belongs to the first.
    """
    await client.send(message)
    await anyio.sleep(within)
    return [(came["type"], outcome(came)) for came in await rest(client)]


async def rest(client: TestClient) -> list[Any]:
    """All that a client was sent up to now."""
    await client.send({"event": "end", "id": "end"})
    came = list[Any]()
    while not came or came[-1].get("id") != "end":
        came.append(await client.receive_message())
    return came[:-1]


SAY = {"event": "say", "data": {"text": "x"}}
ASKED = pytest.mark.parametrize("asks", [True, False], ids=["request", "no id"])


def asked(message: dict[str, Any], asks: bool) -> dict[str, Any]:
    return {**message, "id": 1} if asks else message


# Middleware that stops a message.


def stopped_by_the_application(app: ByteSocket) -> None:
    app.on(Say)(replying)
    app.room("lobby").relay(Wave)
    app.middleware(stopping)


def stopped_by_a_router(app: ByteSocket) -> None:
    router = Router()
    router.on(Say)(replying)
    router.room("lobby").relay(Wave)
    router.middleware(stopping)
    app.include(router)


def stopped_by_a_router_under_the_application(app: ByteSocket) -> None:
    app.middleware(passing)
    stopped_by_a_router(app)


MESSAGES: dict[str, dict[str, Any]] = {
    "event": SAY,
    "room": {"event": "wave", "data": {}, "room": "lobby"},
    "bulk": {"event": "wave", "data": {}, "rooms": ["lobby"]},
}


@ASKED
@pytest.mark.parametrize("kind", MESSAGES)
@pytest.mark.parametrize(
    "build",
    [
        stopped_by_the_application,
        stopped_by_a_router,
        stopped_by_a_router_under_the_application,
    ],
)
async def test_a_stopped_message_is_refused_only_if_it_asks(
    build: Callable[[ByteSocket], None], kind: str, asks: bool
) -> None:
    app = talk()
    build(app)
    async with TestClient(app) as client:
        await client.join("lobby")
        told = await answers(client, asked(MESSAGES[kind], asks))
    assert told == ([(33, ("refused", "middleware"))] if asks else [])


@ASKED
async def test_what_a_step_raises_for_one_of_several_rooms_has_the_phase_of_middleware(
    asks: bool,
) -> None:
    app, router = talk(), Router()
    router.room("lobby").relay(Wave)

    @router.middleware
    async def no(socket: Socket, message: Message, call_next: CallNext) -> None:
        raise Refusal("No.", code="no")

    app.include(router)
    async with TestClient(app) as client:
        await client.join("lobby")
        told = await answers(client, asked(MESSAGES["bulk"], asks))
    assert told == [(33 if asks else 3, ("no", "middleware"))]


# A `call_next` in a task that outlives its step.

Place = Callable[[ByteSocket], ByteSocket | Router]


def of_the_application(app: ByteSocket) -> ByteSocket:
    return app


def of_a_router(app: ByteSocket) -> Router:
    router = Router()
    app.include(router)
    return router


def of_a_router_under_the_application(app: ByteSocket) -> Router:
    app.middleware(passing)
    return of_a_router(app)


PLACES = pytest.mark.parametrize(
    "place", [of_the_application, of_a_router, of_a_router_under_the_application]
)


def lobby_of(owner: ByteSocket | Router, calls: list[str]) -> None:
    """Handle `Say`, and relay `Wave` in a room after its handler."""

    @owner.on(Say)
    async def say(event: Say) -> str:
        await anyio.lowlevel.checkpoint()
        calls.append("say")
        return event.text

    @owner.room("lobby").on(Wave)
    async def wave(event: Wave) -> None:
        await anyio.lowlevel.checkpoint()
        calls.append("wave")


@ASKED
@pytest.mark.parametrize("kind", MESSAGES)
@PLACES
async def test_a_call_next_after_its_step_is_a_mistake_and_handles_nothing(
    place: Place, kind: str, asks: bool
) -> None:
    app, calls, mistakes = brief(), list[str](), list[RuntimeError]()
    told = list[tuple[int, object]]()
    owner = place(app)
    lobby_of(owner, calls)
    async with anyio.create_task_group() as tasks:

        async def later(message: Message, call_next: CallNext) -> None:
            await anyio.sleep(0.02)
            try:
                await call_next(message)
            except RuntimeError as mistake:
                mistakes.append(mistake)

        @owner.middleware
        async def late(socket: Socket, message: Message, call_next: CallNext) -> None:
            if message.event == "end":
                await call_next(message)
            else:
                tasks.start_soon(later, message, call_next)

        async with TestClient(app) as client:
            await client.join("lobby")
            # Longer than the deadline of a step: nothing is armed for it any more.
            within = SWEPT if kind == "event" and asks else DEADLINE
            told += await answers(client, asked(MESSAGES[kind], asks), within)
    assert told == ([(33, ("refused", "middleware"))] if asks else [])
    assert calls == []
    (mistake,) = map(str, mistakes)
    assert "late (" in mistake
    assert "await `call_next` before the step returns" in mistake


@ASKED
@pytest.mark.parametrize("kind", MESSAGES)
@pytest.mark.parametrize("replaces", [True, False])
@PLACES
async def test_a_step_that_returns_before_its_call_next_is_waited_for(
    place: Place, kind: str, asks: bool, replaces: bool
) -> None:
    app, calls, told = brief(), list[str](), list[tuple[int, object]]()
    owner = place(app)
    lobby_of(owner, calls)
    async with anyio.create_task_group() as tasks:

        @owner.middleware
        async def early(socket: Socket, message: Message, call_next: CallNext) -> None:
            if message.event == "end":
                await call_next(message)
                return
            began = anyio.Event()

            async def beside() -> None:
                began.set()
                await call_next(Message(**vars(message)) if replaces else message)

            tasks.start_soon(beside)
            await began.wait()

        async with TestClient(app) as client:
            await client.join("lobby")
            told += await answers(client, asked(MESSAGES[kind], asks))
    assert told == ([(32, "x" if kind == "event" else None)] if asks else [])
    assert calls == ["say" if kind == "event" else "wave"]


# One event in several routers.


@ASKED
@pytest.mark.parametrize("around", [True, False], ids=["app step", "no app step"])
@pytest.mark.parametrize(
    ("handlers", "told"),
    [
        ((acknowledging, refusing), ("no", "handler")),
        ((refusing, acknowledging), ("no", "handler")),
        ((refusing, replying), ("no", "handler")),
        ((replying, refusing), ("no", "handler")),
        ((replying, acknowledging), "x"),
        ((acknowledging, replying), "x"),
    ],
)
@pytest.mark.parametrize(
    "steps", [(passing, passing), (passing, None), (None, passing), (None,) * 2]
)
async def test_an_event_in_two_routers_has_one_answer(
    steps: tuple[Any, Any], handlers: tuple[Any, Any], told: object, around: bool, asks: bool
) -> None:
    app = talk()
    for step, handler in zip(steps, handlers, strict=True):
        router = Router()
        if step is not None:
            router.middleware(step)
        router.on(Say)(handler)
        app.include(router)
    if around:
        app.middleware(passing)
    async with TestClient(app) as client:
        heard = await answers(client, asked(SAY, asks))
    if asks:
        assert heard == [(32 if told == "x" else 33, told)]
    else:
        assert heard == ([] if told == "x" else [(3, told)])


@pytest.mark.parametrize("around", [True, False], ids=["app step", "no app step"])
async def test_a_router_sees_its_own_handlers_failures_and_replies_alone(around: bool) -> None:
    app, seen = talk(), list[object]()
    for handler in (refusing, replying, acknowledging):
        router = Router()

        @router.middleware
        async def look(socket: Socket, message: Message, call_next: CallNext) -> None:
            try:
                seen.append(await call_next(message))
            except Refusal as refusal:
                seen.append(refusal.code)
                raise

        router.on(Say)(handler)
        app.include(router)
    if around:
        app.middleware(passing)
    async with TestClient(app) as client:
        assert await answers(client, asked(SAY, asks=True)) == [(33, ("no", "handler"))]
    assert seen == ["no", "x", None]


async def test_a_late_step_of_one_of_several_routers_is_answered_once() -> None:
    app, calls = brief(), list[str]()
    for name in ("first", "second"):
        router = Router()

        @router.middleware
        async def hang(
            socket: Socket, message: Message, call_next: CallNext, name: str = name
        ) -> None:
            calls.append(name)
            await call_next(message)
            await anyio.sleep_forever()

        router.on(Say)(acknowledging if name == "first" else replying)
        app.include(router)
    async with TestClient(app) as client:
        told = await answers(client, asked(SAY, asks=True), SWEPT)
    assert told == [(33, ("timeout", "middlewareTimeout"))]
    assert calls == ["first"]


# Concurrent handlers beside others.


@pytest.mark.parametrize("around", [True, False], ids=["app step", "no app step"])
@pytest.mark.parametrize("routers", [True, False], ids=["routers", "no routers"])
@pytest.mark.parametrize(
    ("handlers", "told"),
    [
        (((acknowledging, False), (refusing, True)), None),
        (((refusing, False), (replying, True)), ("no", "handler")),
        (((acknowledging, False), (replying, True)), "x"),
        (((replying, True), (acknowledging, True)), "x"),
        (((acknowledging, True), (replying, True)), "x"),
    ],
)
async def test_handlers_of_which_some_are_concurrent_answer_once(
    handlers: tuple[tuple[Any, bool], ...], told: object, routers: bool, around: bool
) -> None:
    app = talk()
    for handler, concurrent in handlers:
        owner: ByteSocket | Router = app
        if routers:
            owner = Router()
            owner.middleware(passing)
        owner.on(Say, concurrent=concurrent)(handler)
        if isinstance(owner, Router):
            app.include(owner)
    if around:
        app.middleware(passing)
    async with TestClient(app) as client:
        await client.send(asked(SAY, asks=True))
        heard = [await client.receive_message()]
        await anyio.wait_all_tasks_blocked()
        heard += await rest(client)
    assert [outcome(each) for each in heard if each.get("id") == 1] == [told]


@pytest.mark.parametrize("first", ["the handler", "the step"])
@pytest.mark.parametrize("by_router", [True, False])
async def test_a_step_that_fails_beside_a_concurrent_handler_answers_or_the_handler_does(
    first: str, by_router: bool
) -> None:
    app, router = talk(), Router()
    go, failed, done = anyio.Event(), anyio.Event(), anyio.Event()
    owner = router if by_router else app

    @owner.middleware
    async def fail(socket: Socket, message: Message, call_next: CallNext) -> None:
        await call_next(message)
        if first == "the handler":
            go.set()
            await done.wait()
        raise Refusal("No.", code="no")

    @owner.on(Say, concurrent=True)
    async def say(event: Say) -> str:
        await go.wait()
        return event.text

    @app.lifecycle.error
    async def error() -> None:
        failed.set()

    if by_router:
        app.include(router)
    async with TestClient(app) as client:
        await client.send(asked(SAY, asks=True))
        if first == "the step":
            await failed.wait()
            go.set()
        heard = [await client.receive_message()]
        done.set()
        await failed.wait()
        await anyio.wait_all_tasks_blocked()
        heard += await rest(client)
    told = "x" if first == "the handler" else ("no", "middleware")
    assert [outcome(each) for each in heard if each.get("id") == 1] == [told]


async def test_a_late_step_beside_another_routers_concurrent_handler_is_the_one_answer() -> None:
    app, first, second, go = brief(), Router(), Router(), anyio.Event()
    first.middleware(passing)
    answered = anyio.Event()

    @first.on(Say, concurrent=True)
    async def say(event: Say) -> str:
        with anyio.CancelScope(shield=True):  # so that its own deadline is not what answers
            await go.wait()
        answered.set()
        return event.text

    @second.middleware
    async def hang(socket: Socket, message: Message, call_next: CallNext) -> None:
        await anyio.sleep_forever()

    second.on(Say)(acknowledging)
    app.include(first)
    app.include(second)
    async with TestClient(app) as client:
        await client.send(asked(SAY, asks=True))
        heard = [await client.receive_message()]
        go.set()
        await answered.wait()
        await anyio.wait_all_tasks_blocked()
        heard += await rest(client)
    assert [outcome(each) for each in heard if each.get("id") == 1] == [
        ("timeout", "middlewareTimeout")
    ]


# A client that reads slowly.


@pytest.mark.parametrize("cancels", [True, False])
async def test_a_concurrent_handlers_deadline_ends_with_its_answer(
    cancels: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, waited = brief(), list[bool]()
    app.on(Say, concurrent=True, cancel_on_close=cancels)(replying)

    async def drained(side: SendingSide) -> None:
        with anyio.CancelScope() as scope:
            await anyio.sleep(3 * DEADLINE)
        side.is_crowded = False
        waited.append(not scope.cancelled_caught)

    deliver = SendingSide.deliver

    def crowded(side: SendingSide, frame: Frame) -> None:
        deliver(side, frame)
        side.is_crowded = True

    async with TestClient(app) as client:
        monkeypatch.setattr(SendingSide, "drained", drained)
        with monkeypatch.context() as slow:
            slow.setattr(SendingSide, "deliver", crowded)
            await client.send(asked(SAY, asks=True))
            assert outcome(await client.receive_message()) == "x"
        await until(lambda: waited)
        told = await answers(client, {"event": "say", "data": {}, "id": 2})
    assert [kind for kind, _ in told] == [33]
    assert all(waited)


# Telemetry.


async def hanging(event: Say) -> None:
    await anyio.sleep_forever()


@ASKED
@pytest.mark.parametrize("concurrent", [True, False], ids=["concurrent", "sequential"])
@pytest.mark.parametrize("around", [True, False], ids=["app step", "no app step"])
@pytest.mark.parametrize(
    ("handler", "code"), [(hanging, "timeout"), (refusing, "no"), (acknowledging, "ok")]
)
async def test_the_outcome_of_a_message_is_that_of_its_answer_and_refusals_are_counted(
    handler: Any, code: str, around: bool, concurrent: bool, asks: bool
) -> None:
    app = brief()
    app.telemetry.listener = noted = Noted()
    app.on(Say, concurrent=concurrent)(handler)
    if around:
        app.middleware(passing)
    async with TestClient(app) as client:
        await client.send(asked(SAY, asks))
        if asks or code != "ok":
            await client.receive_message()
        of = noted.of
        await until(lambda: len(of(Operation.MESSAGE)) == 1 + concurrent)
        await until(lambda: all(out is not None for _, out in of(Operation.MESSAGE)))
        await anyio.lowlevel.checkpoint()
    outcomes = [out for _, out in noted.of(Operation.MESSAGE)]
    assert outcomes == (["deferred", code] if concurrent else [code])
    counted = [values for what, _, values in noted.counts if what is Count.REFUSED]
    assert counted == ([] if code == "ok" else [{"code": code}])


@pytest.mark.parametrize("answered", [True, False])
async def test_the_outcome_of_late_middleware_is_its_answer(answered: bool) -> None:
    app = brief()
    app.telemetry.listener = noted = Noted()

    @app.middleware
    async def hang(socket: Socket, message: Message, call_next: CallNext) -> None:
        if answered:
            raise Refusal("No.", code="no")
        await anyio.sleep_forever()

    @app.lifecycle.error
    async def error(context: ErrorContext) -> None:
        if isinstance(context.error, Refusal):
            await anyio.sleep_forever()

    async with TestClient(app) as client:
        await client.send(asked(SAY, asks=True))
        await client.receive_message()
        await until(lambda: noted.of(Operation.MESSAGE)[0][1] is not None)
    assert [out for _, out in noted.of(Operation.MESSAGE)] == ["no" if answered else "timeout"]
    assert len(noted.amounts(Count.REFUSED)) == 1


async def test_a_message_that_the_servers_end_cancels_is_cancelled() -> None:
    app = talk(Settings(timeouts=Timeouts(handler=0, after_close=DEADLINE)))
    app.telemetry.listener = noted = Noted()
    app.on(Say)(hanging)
    async with TestClient(app) as client:
        await client.send(asked(SAY, asks=True))
        await until(lambda: noted.of(Operation.MESSAGE))
        await client.close()
        await until(lambda: noted.of(Operation.MESSAGE)[0][1] is not None)
    assert [out for _, out in noted.of(Operation.MESSAGE)] == ["cancelled"]
    assert noted.amounts(Count.REFUSED) == []


class Checked(Event, name="checked"):
    """An event whose validator has a refusal or a mistake of its own."""

    text: str

    @field_validator("text")
    @classmethod
    def check(cls, text: str) -> str:
        if text == "refuse":
            raise Refusal("Not this.", code="not_this")
        raise LookupError(text)


@pytest.mark.parametrize("under_middleware", [True, False])
@pytest.mark.parametrize(("text", "code"), [("refuse", "not_this"), ("break", "internal")])
async def test_a_validators_own_failure_in_one_of_several_rooms_is_its_answer(
    under_middleware: bool, text: str, code: str
) -> None:
    app, router, heard = ByteSocket(title="Checked", events=[Checked]), Router(), list[Phase]()
    if under_middleware:
        router.middleware(passing)
    for name in ("a", "b"):
        router.room(name).relay(Checked)
    app.include(router)

    @app.lifecycle.error
    async def note(context: ErrorContext) -> None:
        heard.append(context.phase)

    async with TestClient(app) as client:
        await client.join("a")
        await client.join("b")
        data = {"text": text}
        await client.send({"rooms": ["a", "b"], "event": "checked", "data": data, "id": 1})
        answer = await client.receive_message()
    assert (answer["id"], answer["data"]["error"]["code"]) == (1, code)
    assert set(heard) == {Phase.FINAL_CALLBACK}
