"""Middleware sees what became of a message, and the answer waits for it; routers have their own."""

import logging
from contextlib import suppress
from dataclasses import replace
from typing import Any

import anyio
import pytest

from bytesocket_app import (
    ByteSocket,
    CallNext,
    ClientEvent,
    ConfigurationError,
    ErrorContext,
    Message,
    Refusal,
    Router,
    Settings,
    Socket,
    Timeouts,
)
from bytesocket_app.testing import RequestError, TestClient
from tests.support.talk import Said, Say, Wave, logged, talk, until

pytestmark = pytest.mark.anyio


class Muted(Refusal, code="muted"): ...


def echoing(app: ByteSocket) -> ByteSocket:
    @app.on(Say, raises=(Muted,))
    async def say(event: Say) -> str:
        if event.text == "mute":
            raise Muted("Not now.")
        if event.text == "crash":
            raise ValueError("ours")
        if event.text == "hang":
            await anyio.sleep_forever()
        return event.text.upper()

    return app


async def refused(client: TestClient, text: str) -> str:
    with pytest.raises(RequestError) as caught:
        await client.request(Say(text=text), str)
    return caught.value.code


async def test_a_step_sees_the_reply_and_its_own_result_is_ignored() -> None:
    app, seen = echoing(talk()), list[Any]()

    @app.middleware
    async def look(socket: Socket, message: Message, call_next: CallNext) -> str:
        seen.append(await call_next(message))
        return "ignored"

    async with TestClient(app) as client:
        assert await client.request(Say(text="hi"), str) == "HI"
        await client.emit(Say(text="without id"))
        await until(lambda: len(seen) == 2)
    assert seen == ["HI", "WITHOUT ID"]


async def test_every_step_sees_the_reply_whatever_inner_steps_return() -> None:
    app, seen = echoing(talk()), list[Any]()

    @app.middleware
    async def outer(socket: Socket, message: Message, call_next: CallNext) -> None:
        seen.append(("outer", await call_next(message)))

    @app.middleware
    async def inner(socket: Socket, message: Message, call_next: CallNext) -> str:
        seen.append(("inner", await call_next(message)))
        return "nothing that counts"

    async with TestClient(app) as client:
        assert await client.request(Say(text="hi"), str) == "HI"
    assert seen == [("inner", "HI"), ("outer", "HI")]


async def test_the_reply_leaves_after_the_outermost_step() -> None:
    app, log = echoing(talk()), list[str]()
    gate = anyio.Event()

    @app.middleware
    async def transaction(socket: Socket, message: Message, call_next: CallNext) -> None:
        await call_next(message)
        await gate.wait()
        log.append("committed")

    async with TestClient(app) as client, anyio.create_task_group() as tasks:

        async def ask() -> None:
            log.append(await client.request(Say(text="hi"), str))

        tasks.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        assert log == []
        gate.set()
    assert log == ["committed", "HI"]


async def test_a_commit_that_fails_is_the_answer() -> None:
    app = echoing(talk())

    @app.middleware
    async def transaction(socket: Socket, message: Message, call_next: CallNext) -> None:
        await call_next(message)
        raise Muted("The commit failed.")

    async with TestClient(app) as client:
        assert await refused(client, "hi") == "muted"


@pytest.mark.parametrize(("text", "kind"), [("mute", Muted), ("crash", ValueError)])
async def test_a_step_sees_what_the_handler_raised(text: str, kind: type[Exception]) -> None:
    app, seen = echoing(talk()), list[Exception]()

    @app.middleware
    async def look(socket: Socket, message: Message, call_next: CallNext) -> None:
        try:
            await call_next(message)
        except Exception as exc:
            seen.append(exc)
            raise

    async with TestClient(app) as client:
        assert await refused(client, text) == {"mute": "muted", "crash": "internal"}[text]
    assert [type(each) for each in seen] == [kind]


async def test_a_crash_that_passes_middleware_is_logged_and_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app, told = echoing(talk()), list[str]()

    @app.middleware
    async def through(socket: Socket, message: Message, call_next: CallNext) -> None:
        await call_next(message)

    @app.lifecycle.error
    async def error(context: ErrorContext) -> None:
        told.append(context.phase.value)

    async with TestClient(app) as client:
        assert await refused(client, "crash") == "internal"
    assert told == ["handler"]
    assert len(logged(caplog, logging.ERROR)) == 1


async def test_a_swallowed_failure_answers_internal() -> None:
    app = echoing(talk())

    @app.middleware
    async def swallow(socket: Socket, message: Message, call_next: CallNext) -> None:
        with suppress(Muted):
            await call_next(message)

    async with TestClient(app) as client:
        assert await refused(client, "mute") == "internal"
        assert await client.request(Say(text="hi"), str) == "HI"


async def test_a_message_that_no_step_passes_on_is_refused_if_it_asks() -> None:
    app = echoing(talk())

    @app.middleware
    async def stop(socket: Socket, message: Message, call_next: CallNext) -> None:
        if message.data["text"] != "pass":
            return
        await call_next(message)

    async with TestClient(app) as client:
        assert await refused(client, "stop") == "refused"
        await client.emit(Say(text="stop"))
        assert await client.request(Say(text="pass"), str) == "PASS"
        assert "'type': 3," not in str(client.log)


async def test_passing_on_twice_is_a_mistake_that_answers_once() -> None:
    app = echoing(talk())

    @app.middleware
    async def twice(socket: Socket, message: Message, call_next: CallNext) -> None:
        await call_next(message)
        await call_next(message)

    async with TestClient(app) as client:
        assert await refused(client, "hi") == "internal"


async def test_a_late_handler_reaches_middleware_as_a_refusal_and_it_can_go_on() -> None:
    app, seen = echoing(talk(Settings(timeouts=Timeouts(handler=0.05)))), list[str]()

    @app.middleware
    async def look(socket: Socket, message: Message, call_next: CallNext) -> None:
        try:
            await call_next(message)
        except Refusal as refusal:
            await anyio.lowlevel.checkpoint()
            seen.append(refusal.code)
            raise

    async with TestClient(app) as client:
        assert await refused(client, "hang") == "timeout"
        assert await client.request(Say(text="hi"), str) == "HI"
    assert seen == ["timeout"]


async def test_concurrent_handlers_and_relays_give_none() -> None:
    app, seen = talk(), list[Any]()
    lobby = app.room("lobby")
    lobby.relay(Wave)

    @app.on(Say, concurrent=True)
    async def say(event: Say) -> str:
        return event.text

    @app.middleware
    async def look(socket: Socket, message: Message, call_next: CallNext) -> None:
        seen.append(await call_next(message))

    async with TestClient(app) as client:
        await client.join("lobby")
        assert await client.request(Say(text="hi"), str) == "hi"
        assert await client.request(Wave(), room="lobby") is None
    assert seen == [None, None]


class Other(ClientEvent, name="other"):
    """An event of another router."""

    text: str = ""


def nested() -> tuple[ByteSocket, list[str]]:
    log = list[str]()

    def noting(name: str) -> Any:
        async def step(socket: Socket, message: Message, call_next: CallNext) -> None:
            log.append(f"{name} in")
            await call_next(message)
            log.append(f"{name} out")

        return step

    app, outer, inner = (
        ByteSocket(title="T", events=[Say, Other, Said, Wave]),
        Router("o:"),
        Router("i:"),
    )
    app.middleware(noting("app"))
    outer.middleware(noting("outer"))

    @inner.on(Say)
    async def say(event: Say) -> str:
        return f"said {event.text}"

    outer.include(inner)
    app.include(outer)
    inner.middleware(noting("inner"))  # after the inclusion
    room = inner.room("room:{number}")
    room.relay(Wave)

    @app.on(Other)
    async def other(event: Other) -> None:
        """Do nothing."""

    @inner.on("bare")
    async def bare(data: int) -> int:
        return data + 1

    return app, log


async def test_a_routers_middleware_runs_inside_the_applications_for_what_it_handles() -> None:
    app, log = nested()
    async with TestClient(app) as client:
        await client.request(Say(text="hi"))
        assert log == ["app in", "outer in", "inner in", "inner out", "outer out", "app out"]
        log.clear()
        await client.request(Other())
        assert log == ["app in", "app out"]
        log.clear()
        await client.join("o:i:room:7")
        await client.request(Wave(), room="o:i:room:7")
        assert log == ["app in", "outer in", "inner in", "inner out", "outer out", "app out"]
        log.clear()
        await client.send({"rooms": ["o:i:room:7"], "event": "wave", "data": {}, "id": 1})
        await client.receive_message()
        assert log == ["app in", "outer in", "inner in", "inner out", "outer out", "app out"]


async def test_prefixes_of_nested_routers_add_up() -> None:
    app, _ = nested()
    async with TestClient(app) as client:
        await client.send({"event": "o:i:bare", "data": 1, "id": 5})
        assert await client.receive_message() == {"type": 32, "id": 5, "data": 2}


async def test_a_routers_middleware_alone_holds_the_reply_and_may_refuse_or_change() -> None:
    app, router = talk(), Router()
    echoing_router(router)

    @router.middleware
    async def change(socket: Socket, message: Message, call_next: CallNext) -> None:
        if message.data["text"] == "no":
            raise Muted("No.")
        if message.data["text"] == "stop":
            return
        reply = await call_next(replace(message, data={"text": message.data["text"] + "!"}))
        assert reply == message.data["text"].upper() + "!"

    app.include(router)
    async with TestClient(app) as client:
        assert await client.request(Say(text="hi"), str) == "HI!"
        assert await refused(client, "no") == "muted"
        assert await refused(client, "stop") == "refused"


def echoing_router(router: Router) -> None:
    @router.on(Say)
    async def say(event: Say) -> str:
        return event.text.upper()


@pytest.mark.parametrize("outer_swallows", [True, False])
async def test_what_a_routers_middleware_swallows_or_stops_is_the_applications_to_see(
    outer_swallows: bool,
) -> None:
    app, router, seen = talk(), Router(), list[str]()
    echoing_router(router)

    @app.middleware
    async def outer(socket: Socket, message: Message, call_next: CallNext) -> None:
        try:
            await call_next(message)
        except Refusal as refusal:
            seen.append(refusal.code)
            if not outer_swallows:
                raise

    @router.middleware
    async def stop(socket: Socket, message: Message, call_next: CallNext) -> None:
        if message.data["text"] == "no":
            raise Muted("No.")

    app.include(router)
    async with TestClient(app) as client:
        assert await refused(client, "no") == ("internal" if outer_swallows else "muted")
        assert await refused(client, "stop") == ("internal" if outer_swallows else "refused")
    assert seen == ["muted", "refused"]


async def test_a_refusing_router_keeps_its_room_out_of_a_message_for_several() -> None:
    app, router = talk(), Router()
    app.room("open").relay(Wave)
    router.room("shut").relay(Wave)

    @router.middleware
    async def refuse(socket: Socket, message: Message, call_next: CallNext) -> None:
        raise Muted("No.")

    app.include(router)
    async with TestClient(app) as ann, TestClient(app) as bob:
        for client in (ann, bob):
            await client.join("open")
            await client.join("shut")
        await ann.send({"rooms": ["open", "shut"], "event": "wave", "data": {}, "id": 1})
        answer = await ann.receive_message()
        assert (answer["type"], answer["data"]["error"]["code"]) == (33, "muted")
        message = await bob.receive_message()
        assert message["rooms"] == ["open"]


def test_a_router_cannot_be_included_in_itself() -> None:
    outer, inner = Router(), Router()
    outer.include(inner)
    for one, other in ((outer, outer), (inner, outer)):
        with pytest.raises(ConfigurationError, match=r"\.py:\d+ cannot be included in itself"):
            one.include(other)


def test_a_router_is_included_once() -> None:
    app, router = talk(), Router()
    app.include(router)
    with pytest.raises(ConfigurationError, match="is included already"):
        Router().include(router)
