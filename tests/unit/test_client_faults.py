"""What went wrong in clients that were used as people use them; each against a real server."""

import asyncio  # noqa: TID251 - its stray cancellations are under test
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Generator
from typing import Any, NoReturn

import anyio
import anyio.lowlevel
import pytest
from pydantic import field_validator

from bytesocket_app import ByteSocket, Settings, Timeouts
from bytesocket_app.client import (
    AuthError,
    ClientSettings,
    DynamicClient,
    ErrorContext,
    RequestError,
    ServerEvent,
)
from bytesocket_app.errors import ConfigurationError
from bytesocket_app.event_loop import is_group
from tests.support.beside import Beside, beside
from tests.support.conditions import DEADLINE, until
from tests.support.scripted_server import Script, ScriptedServer
from tests.support.talk import Said, Say, Wave, logged, talk

pytestmark = pytest.mark.anyio

FAST = ClientSettings(backoff_base=0.02, backoff_cap=0.05, close_timeout=2, request_timeout=30)


class Strict(ServerEvent, name="said"):
    """Its validator is broken."""

    text: str

    @field_validator("text")
    @classmethod
    def broken(cls, value: str) -> str:
        if value == "cancel":
            raise asyncio.CancelledError
        raise KeyError(value)


class Sayings:
    """What a server heard."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.app: ByteSocket = talk(
            Settings(timeouts=Timeouts(auth=0)), serialization="json", path="/ws"
        )
        self.app.room("lobby").relay(Wave)

        @self.app.on(Say)
        async def say(event: Say) -> str:
            self.texts.append(event.text)
            return event.text.upper()

    async def tell(self, *texts: str) -> None:
        for text in texts:
            await self.app.broadcast(Said(text=text))


@pytest.fixture
def sayings() -> Sayings:
    return Sayings()


@pytest.fixture
def server(sayings: Sayings) -> Generator[Beside]:
    with beside(sayings.app) as served:
        yield served


def client(server: Beside, **more: Any) -> DynamicClient:
    return DynamicClient(f"{server.url}/ws", settings=more.pop("settings", FAST), **more)


def upper(data: Any) -> Any:
    return data["text"].upper()


async def awaits_a_cancelled_future() -> NoReturn:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    await future
    raise AssertionError


async def awaits_a_cancelled_task() -> NoReturn:
    task = asyncio.create_task(asyncio.sleep(60))
    task.cancel()
    await task
    raise AssertionError


async def cancels_itself() -> NoReturn:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(60)
    raise AssertionError


async def raises_it() -> NoReturn:
    raise asyncio.CancelledError


async def raises_it_in_a_group() -> NoReturn:
    raise BaseExceptionGroup("several", [asyncio.CancelledError(), ValueError("beside it")])


async def lets_out_a_cancellation_of_another_scope() -> NoReturn:
    kept: list[BaseException] = []
    with anyio.CancelScope() as scope:
        scope.cancel()
        try:
            await anyio.lowlevel.checkpoint()
        except BaseException as error:
            kept.append(error)
            raise
    raise kept[0]


ANYWHERE = [raises_it, raises_it_in_a_group, lets_out_a_cancellation_of_another_scope]
ON_ASYNCIO = [*ANYWHERE, awaits_a_cancelled_future, awaits_a_cancelled_task, cancels_itself]
STRAYS = [
    *[pytest.param("asyncio", stray, id=f"asyncio-{stray.__name__}") for stray in ON_ASYNCIO],
    *[pytest.param("trio", stray, id=f"trio-{stray.__name__}") for stray in ANYWHERE],
]
Stray = Callable[[], Awaitable[NoReturn]]


@pytest.mark.parametrize(("anyio_backend", "stray"), STRAYS)
async def test_a_stray_cancellation_in_a_listener_is_an_error_of_the_listener(
    server: Beside, sayings: Sayings, stray: Stray, caplog: pytest.LogCaptureFixture
) -> None:
    errors, heard = list[ErrorContext](), list[str]()

    async def bad(event: Said) -> None:
        await stray()

    def good(event: Said) -> None:
        heard.append(event.text)

    with anyio.fail_after(DEADLINE):
        async with client(server) as chat:
            chat.on_error(errors.append)
            chat.on(Said, bad)
            chat.on(Said, good)
            await chat.ready
            await server.do(lambda: sayings.tell("a", "b"))
            await until(lambda: len(heard) == 2)
            assert await chat.request(Say(text="x"), str) == "X"
    assert heard == ["a", "b"]
    assert [context.phase.value for context in errors] == ["handler", "handler"]
    assert len(logged(caplog, logging.ERROR)) == 2
    assert all("test_client_faults.py" in line for line in logged(caplog, logging.ERROR))


@pytest.mark.parametrize(("anyio_backend", "stray"), STRAYS)
async def test_a_stray_cancellation_in_a_hook_is_an_error_of_the_hook(
    server: Beside, stray: Stray, caplog: pytest.LogCaptureFixture
) -> None:
    async def bad(_: object) -> None:
        await stray()

    with anyio.fail_after(DEADLINE):
        async with client(server) as chat:
            chat.on_state(bad)
            chat.on_error(bad)
            await chat.ready
            assert await chat.request(Say(text="x"), str) == "X"
    assert logged(caplog, logging.ERROR)


@pytest.mark.parametrize("argument", ["auth", "headers"])
@pytest.mark.parametrize(("anyio_backend", "stray"), STRAYS)
async def test_a_stray_cancellation_in_auth_or_headers_is_reported_and_tried_again(
    server: Beside, stray: Stray, argument: str
) -> None:
    attempts, errors = list[int](), list[ErrorContext]()

    async def give() -> Any:
        attempts.append(1)
        if len(attempts) == 1:
            await stray()
        return {}

    more: dict[str, Any] = {argument: give}
    with anyio.fail_after(DEADLINE):
        async with client(server, **more) as chat:
            chat.on_error(errors.append)
            await chat.ready
            assert await chat.request(Say(text="x"), str) == "X"
    assert len(attempts) == 2
    assert [context.phase.value for context in errors] == ["auth"]
    assert argument in str(errors[0].error)
    assert "cancelled" in str(errors[0].error)


async def test_a_cancellation_that_was_asked_for_still_ends_the_body(server: Beside) -> None:
    begun = anyio.Event()

    async def slow(event: Said) -> None:
        begun.set()
        await anyio.sleep_forever()

    sayings, chat = list[str](), client(server)
    with anyio.fail_after(DEADLINE):
        with anyio.CancelScope() as scope:
            async with chat:
                chat.on(Said, slow)
                await chat.ready
                scope.cancel()
                await anyio.lowlevel.checkpoint()
                sayings.append("never")
        assert scope.cancelled_caught
    assert sayings == []
    assert chat.state == "closed"


@pytest.mark.parametrize("text", ["cancel", "crash"])
async def test_a_validator_that_fails_is_reported_and_reading_goes_on(
    server: Beside, sayings: Sayings, text: str
) -> None:
    errors = list[ErrorContext]()

    def hear(event: Strict) -> None:
        raise AssertionError(event)

    with anyio.fail_after(DEADLINE):
        async with client(server) as chat:
            chat.on_error(errors.append)
            chat.on(Strict, hear)
            await chat.ready
            await server.do(lambda: sayings.tell(text))
            await until(lambda: errors)
            assert await chat.request(Say(text="x"), str) == "X"
    assert [(context.phase.value, context.event) for context in errors] == [("validation", "said")]


# Full buffers


async def test_a_request_in_a_listener_is_answered_while_the_buffer_is_full(
    server: Beside, sayings: Sayings
) -> None:
    answers, texts = list[str](), [f"{number}" for number in range(500)]

    async def ask(event: Said) -> None:
        answers.append(await chat.request(Say(text=event.text), str))

    settings = ClientSettings(event_buffer=2, request_timeout=30, close_timeout=2)
    with anyio.fail_after(2 * DEADLINE):
        async with client(server, settings=settings) as chat:
            chat.on(Said, ask)
            await chat.ready
            await server.do(lambda: sayings.tell(*texts))
            await until(lambda: len(answers) == len(texts))
    assert answers == texts


async def test_a_full_buffer_lets_pongs_and_answers_pass() -> None:
    heard, texts = list[str](), [f"{number}" for number in range(300)]
    go_on = anyio.Event()

    async def wait(event: Said) -> None:
        await go_on.wait()
        heard.append(event.text)

    settings = ClientSettings(
        event_buffer=2, ping_interval=0.2, pong_timeout=3, request_timeout=30, close_timeout=2
    )
    script = Script(replies={"say": upper})
    with ScriptedServer(script) as scripted, anyio.fail_after(2 * DEADLINE):
        async with DynamicClient(scripted.url, settings=settings) as chat:
            chat.on(Said, wait)
            assert await chat.request(Say(text="x"), str) == "X"
            for text in texts:
                scripted.send({"event": "said", "data": {"text": text}})
            await chat.join("lobby").ready
            # That takes longer than the server has for an answer to each of them.
            await until(lambda: scripted.log()[-1].count("ping") >= 20)
            assert await chat.request(Say(text="y"), str) == "Y"
            go_on.set()
            await until(lambda: len(heard) == len(texts))
        assert len(scripted.peers) == 1
    assert heard == texts


async def test_what_does_not_fit_is_dropped_with_a_word(
    server: Beside, sayings: Sayings, caplog: pytest.LogCaptureFixture
) -> None:
    heard, errors = list[str](), list[ErrorContext]()
    texts = [f"{number}" for number in range(300)]
    go_on = anyio.Event()

    async def wait(event: Said) -> None:
        await go_on.wait()
        heard.append(event.text)

    settings = ClientSettings(event_bytes=50_000, request_timeout=30, close_timeout=2)
    with anyio.fail_after(DEADLINE):
        async with client(server, settings=settings) as chat:
            chat.on(Said, wait)
            chat.on_error(errors.append)
            await chat.ready
            await server.do(lambda: sayings.tell(*texts))
            # Its answer comes after all of them.
            assert await chat.request(Say(text="x"), str) == "X"
            go_on.set()
            await until(lambda: errors)
    error: Any = errors[0].error
    assert isinstance(error, RequestError)
    assert error.code == "dropped"
    assert error.data == {"said": len(texts) - len(heard)}
    assert 10 < len(heard) < 50
    assert heard == texts[: len(heard)]
    assert "said" in str(error)
    assert sum("dropped" in line for line in logged(caplog, logging.WARNING)) == 2


async def test_a_slow_listener_slows_its_server_down_and_loses_nothing(
    server: Beside, sayings: Sayings
) -> None:
    """Nobody awaits an answer, so reading pauses: nothing is dropped, however much there is."""
    counted, errors = Counter[str](), list[ErrorContext]()

    async def slow(event: Said) -> None:
        await anyio.sleep(0.001)
        counted["heard"] += 1

    settings = ClientSettings(event_buffer=5, event_bytes=2 * 5 * 11_100, close_timeout=2)
    with anyio.fail_after(2 * DEADLINE):
        async with client(server, settings=settings) as chat:
            chat.on(Said, slow)
            chat.on_error(errors.append)
            await chat.ready

            async def stream() -> None:
                for socket in sayings.app.sockets():
                    for _ in range(1000):
                        await socket.emit(Said(text="x" * 10_000))

            await server.do(stream)
            await until(lambda: counted["heard"] == 1000)
    assert errors == []


# Leaving


async def test_leaving_sends_what_is_queued_and_connects_for_it(
    server: Beside, sayings: Sayings
) -> None:
    with anyio.fail_after(DEADLINE):
        async with client(server) as chat:
            assert await chat.emit(Say(text="at once")) == "queued"
        await until(lambda: sayings.texts)
    assert sayings.texts == ["at once"]


async def test_closing_sends_what_is_queued_too(server: Beside, sayings: Sayings) -> None:
    with anyio.fail_after(DEADLINE):
        async with client(server) as chat:
            await chat.emit(Say(text="at once"))
            await chat.close()
        await until(lambda: sayings.texts)
    assert sayings.texts == ["at once"]


async def fail_in_the_body(chat: DynamicClient) -> None:
    async with chat:
        await chat.emit(Say(text="at once"))
        raise LookupError("mine")


async def test_an_exception_of_the_body_passes_as_it_is_and_what_was_queued_is_sent(
    server: Beside, sayings: Sayings
) -> None:
    with anyio.fail_after(DEADLINE):
        with pytest.raises(LookupError, match="mine"):
            await fail_in_the_body(client(server))
        await until(lambda: sayings.texts)
    assert sayings.texts == ["at once"]


async def test_what_cannot_be_sent_before_the_end_is_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    errors = list[ErrorContext]()
    settings = ClientSettings(drain_timeout=0.05, close_timeout=2, backoff_base=0.01)
    with anyio.fail_after(DEADLINE):
        async with DynamicClient("ws://127.0.0.1:1/ws", settings=settings) as chat:
            chat.on_error(errors.append)
            await chat.emit(Say(text="a"))
            await chat.emit(Say(text="b"))
            await chat.emit(Wave())
    dropped: Any = [each.error for each in errors if isinstance(each.error, RequestError)]
    assert [(each.code, each.data) for each in dropped] == [("dropped", {"say": 2, "wave": 1})]
    (line,) = [line for line in logged(caplog, logging.WARNING) if "dropped" in line]
    assert "'say' (2), 'wave' (1)" in line


async def test_a_client_that_is_refused_reports_what_was_queued() -> None:
    def deny() -> Any:
        raise AuthError("logged out")

    errors = list[ErrorContext]()
    with anyio.fail_after(DEADLINE):
        async with DynamicClient("ws://127.0.0.1:1/ws", auth=deny, settings=FAST) as chat:
            chat.on_error(errors.append)
            await chat.emit(Say(text="a"))
            with pytest.raises(AuthError, match="logged out"):
                await chat.ready
    assert [getattr(each.error, "code", "") for each in errors] == ["unauthorized", "dropped"]


# Tasks


async def test_two_clients_may_be_closed_in_the_order_in_which_they_were_opened(
    server: Beside,
) -> None:
    with anyio.fail_after(DEADLINE):
        first, second = client(server), client(server)
        await first.__aenter__()
        await second.__aenter__()
        await first.ready
        await first.__aexit__(None, None, None)
        assert await second.request(Say(text="x"), str) == "X"
        await second.__aexit__(None, None, None)
    assert (first.state, second.state) == ("closed", "closed")


async def test_a_client_may_be_left_by_another_task_than_the_one_that_entered_it(
    server: Beside,
) -> None:
    chat = client(server)

    async def open_it() -> None:
        await chat.__aenter__()
        await chat.ready

    async def close_it() -> None:
        await chat.__aexit__(None, None, None)

    with anyio.fail_after(DEADLINE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(open_it)
        assert await chat.request(Say(text="x"), str) == "X"
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(close_it)
    assert chat.state == "closed"


async def test_a_timeout_around_the_entering_is_not_one_of_the_client(server: Beside) -> None:
    chat = client(server)
    with anyio.fail_after(DEADLINE):
        with anyio.move_on_after(DEADLINE) as scope:
            await chat.__aenter__()
            await chat.ready
        scope.cancel()
        assert await chat.request(Say(text="x"), str) == "X"
        await chat.__aexit__(None, None, None)


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_a_listener_may_end_the_program(
    server: Beside, sayings: Sayings, loop: str, kind: type[BaseException]
) -> None:
    async def end(event: Said) -> None:
        raise kind(event.text)

    async def main() -> None:
        async with client(server) as chat:
            chat.on(Said, end)
            await chat.ready
            await server.do(lambda: sayings.tell("over"))
            with anyio.fail_after(DEADLINE):
                await anyio.sleep_forever()

    with pytest.raises(BaseException) as ended:  # noqa: PT011 - of either kind, in groups or not
        anyio.run(main, backend=loop)
    assert any(type(each) is kind for each in unpacked(ended.value))


def unpacked(error: BaseException) -> list[BaseException]:
    if is_group(error):
        return [each for inner in error.exceptions for each in unpacked(inner)]
    return [error]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_loop_that_shuts_down_ends_a_client_that_nobody_left(
    server: Beside,
) -> None:
    chat = client(server)

    async def forget() -> None:
        await chat.__aenter__()
        await chat.ready

    await anyio.to_thread.run_sync(lambda: asyncio.run(forget()))
    assert chat.state == "closed"
    assert chat.ended is not None


async def test_an_iterator_made_after_the_end_ends_at_once(server: Beside) -> None:
    with anyio.fail_after(DEADLINE):
        async with client(server) as chat:
            room = chat.join("lobby")
            await room.ready
            await room.leave()
            assert [event async for event in room.events(Said)] == []
        assert [event async for event in chat.events(Said)] == []


# Settings


@pytest.mark.parametrize("value", [-1, float("nan"), "5", True, None])
@pytest.mark.parametrize(
    "name",
    [
        "connect_timeout",
        "auth_timeout",
        "request_timeout",
        "close_timeout",
        "drain_timeout",
        "ping_interval",
        "pong_timeout",
        "backoff_base",
        "backoff_cap",
        "stable_after",
        "queue_limit",
        "request_limit",
        "event_buffer",
        "event_bytes",
        "message_bytes",
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"{name}={value!r}"):
        ClientSettings(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("event_buffer", 0),
        ("message_bytes", 0),
        ("backoff_base", 0),
        ("backoff_cap", float("inf")),
        ("ping_interval", 1e-6),
        ("queue_limit", 1.5),
    ],
)
def test_a_setting_that_would_hang_or_spin_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=name):
        ClientSettings(**{name: value})


async def test_0_and_infinity_wait_for_ever(server: Beside) -> None:
    for number in (0, float("inf")):
        settings = ClientSettings(
            connect_timeout=number,
            auth_timeout=number,
            request_timeout=number,
            ping_interval=number,
            pong_timeout=number,
        )
        with anyio.fail_after(DEADLINE):
            async with client(server, settings=settings, auth={"a": 1}) as chat:
                assert await chat.request(Say(text="x"), str) == "X"


@pytest.mark.parametrize("timeout", [-1, float("nan")])
async def test_a_timeout_of_a_request_that_cannot_be_meant_is_refused(
    server: Beside, timeout: float
) -> None:
    with anyio.fail_after(DEADLINE):
        async with client(server) as chat:
            with pytest.raises(ConfigurationError, match="timeout="):
                await chat.request(Say(text="x"), str, timeout=timeout)
