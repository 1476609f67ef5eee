"""Dependencies where an application asks for them: every kind of function, in memory."""

from collections.abc import AsyncGenerator, Generator
from contextvars import ContextVar
from typing import Annotated, Any

import fastapi
import pytest
from anyio import Event as Signal
from anyio import sleep_forever
from anyio.lowlevel import checkpoint
from starlette.requests import HTTPConnection

from bytesocket_app import (
    AuthError,
    ByteSocket,
    ConfigurationError,
    Depends,
    ErrorContext,
    Handshake,
    Refusal,
    Settings,
    Socket,
    Timeouts,
)
from bytesocket_app.errors import Phase, RequestError
from bytesocket_app.lifecycle import HookKind, Lifecycle
from bytesocket_app.testing import TestClient, virtual_clock
from tests.support.talk import Said, Say, Wave, talk, until, wait

pytestmark = pytest.mark.anyio

LOG: list[str] = []


@pytest.fixture(autouse=True)
def _empty_log() -> None:
    LOG.clear()


async def opened(socket: Socket) -> AsyncGenerator[str]:
    """Something that is to be closed, of the socket that asks."""
    LOG.append("open")
    try:
        yield socket.url
    finally:
        LOG.append("close")


def named(connection: HTTPConnection) -> str:
    """Who is there, as an HTTP route would find out."""
    return connection.headers.get("x-user", "nobody")


def number(doc_id: int, room: str) -> str:
    """Something of the room that the function serves."""
    return f"{room}={doc_id + 0}"


Opened = Annotated[str, Depends(opened)]
Named = Annotated[str, fastapi.Depends(named)]
Number = Annotated[str, Depends(number)]


class TestHandlers:
    async def test_a_handler_replies_with_what_it_got(self) -> None:
        app = talk()

        @app.on(Say)
        async def say(event: Say, url: Opened, name: Named) -> str:
            LOG.append("handler")
            return f"{name} at {url}: {event.text}"

        assert app.event_routes()[0].source.startswith(__file__)
        async with TestClient(app, headers={"x-user": "ann"}) as client:
            assert await client.request(Say(text="hi"), str) == "ann at /ws: hi"
            assert LOG == ["open", "handler", "close"]
            app.dependency_overrides[named] = lambda: "bob"
            assert await client.request(Say(text="hi"), str) == "bob at /ws: hi"

    async def test_an_event_declared_by_its_handlers_annotation(self) -> None:
        app = talk()

        def text(data: str) -> str:
            return data.upper()

        @app.on("shout")
        async def shout(loud: Annotated[str, Depends(text)], data: str) -> str:
            return f"{data} {loud}"

        async with TestClient(app) as client:
            await client.send({"event": "shout", "data": "hey", "id": 1})
            assert (await client.receive_message())["data"] == "hey HEY"

    async def test_a_room_handler_and_its_dependencies_share_the_parameters(self) -> None:
        app = talk()
        doc = app.room("doc:{doc_id}")

        @doc.guard
        async def guard(number: Number, name: Named) -> None:
            if name != "ann":
                raise Refusal("Not yours.", code="not_yours")
            LOG.append(f"guard {number}")

        @doc.on_join
        def joined(number: Number) -> None:
            LOG.append(f"joined {number}")

        @doc.on_leave
        async def left(number: Number, url: Opened) -> None:
            LOG.append(f"left {number}")

        @doc.on(Wave)
        async def wave(event: Wave, number: Number) -> Said:
            return Said(text=f"{number} {event.hand}")

        async with TestClient(app, headers={"x-user": "ann"}) as client:
            await client.join("doc:7")
            async with TestClient(app, headers={"x-user": "ann"}) as other:
                await other.join("doc:7")
                await client.send({"event": "wave", "data": {}, "room": "doc:7"})
                assert (await other.receive(Said)).text == "doc:7=7 left"
            async with TestClient(app) as stranger:
                with pytest.raises(RequestError, match="Not yours"):
                    await stranger.join("doc:7")
            with pytest.raises(RequestError, match="doc_id"):
                await client.join("doc:x")
        await until(lambda: LOG.count("close") == 2)
        assert LOG[:2] == ["guard doc:7=7", "joined doc:7=7"]
        assert LOG[-3:] == ["open", "left doc:7=7", "close"]

    async def test_a_parameter_has_one_type_in_dependencies_too(self) -> None:
        doc = talk().room("doc:{doc_id}")

        async def joined(doc_id: str, number: Number) -> None: ...

        with pytest.raises(ConfigurationError, match="Use one type"):
            doc.on_join(joined)

    @pytest.mark.parametrize("concurrent", [False, True])
    async def test_a_context_variable_is_the_handlers_and_goes_with_the_clean_up(
        self, concurrent: bool
    ) -> None:
        app, current = talk(), ContextVar[str]("current", default="nobody")

        async def bound(name: Named) -> AsyncGenerator[None]:
            token = current.set(name)
            yield
            await checkpoint()
            current.reset(token)

        @app.on(Say, concurrent=concurrent)
        def say(event: Say, _: Annotated[None, Depends(bound)]) -> str:
            return current.get()

        @app.on(Wave)
        async def wave(event: Wave) -> str:
            return current.get()

        async with TestClient(app, headers={"x-user": "ann"}) as client:
            for _ in range(2):
                assert await client.request(Say(text=""), str) == "ann"
                assert await client.request(Wave(), str) == "nobody"

    @pytest.mark.parametrize("concurrent", [False, True])
    async def test_set_up_and_clean_up_in_threads_share_one_context(self, concurrent: bool) -> None:
        app, current = talk(), ContextVar[str]("current", default="nobody")

        def bound(name: Named) -> Generator[str]:
            token = current.set(name)
            try:
                yield name
            finally:
                LOG.append(current.get())
                current.reset(token)
                LOG.append(current.get())

        @app.on(Say, concurrent=concurrent)
        async def say(event: Say, name: Annotated[str, Depends(bound)]) -> str:
            if event.text == "no":
                raise Refusal("Not that.", code="forbidden")
            return f"{name}, {current.get()}"

        async with TestClient(app, headers={"x-user": "ann"}) as client:
            for _ in range(2):
                assert await client.request(Say(text=""), str) == "ann, nobody"
            with pytest.raises(RequestError, match="Not that"):
                await client.request(Say(text="no"), str)
        assert LOG == ["ann", "nobody"] * 3

    async def test_a_context_variable_lives_as_long_as_its_connection(self) -> None:
        app, current = talk(), ContextVar[str]("current", default="nobody")

        async def keeps(event: Say) -> str:
            before = current.get()
            current.set(event.text)
            return before

        def in_a_thread(event: Wave) -> str:
            before = current.get()
            current.set(event.hand)
            return before

        app.on(Say)(keeps)
        app.on(Wave)(in_a_thread)
        async with TestClient(app) as ann, TestClient(app) as bob:
            assert await ann.request(Say(text="one"), str) == "nobody"
            assert await ann.request(Say(text="two"), str) == "one"
            assert await ann.request(Wave(), str) == "two"
            assert await ann.request(Wave(), str) == "two"
            assert await bob.request(Say(text="x"), str) == "nobody"

    async def test_a_context_variable_of_a_concurrent_call_ends_with_it(self) -> None:
        app, current = talk(), ContextVar[str]("current", default="nobody")

        @app.on(Say, concurrent=True)
        async def say(event: Say) -> str:
            before = current.get()
            current.set(event.text)
            return before

        async with TestClient(app) as client:
            for _ in range(2):
                assert await client.request(Say(text="one"), str) == "nobody"

    async def test_one_in_a_thread_sees_what_an_async_one_set_before_it(self) -> None:
        app, current = talk(), ContextVar[str]("current", default="nobody")

        async def outer() -> AsyncGenerator[None]:
            token = current.set("outer")
            yield
            current.reset(token)

        def inner(_: Annotated[None, Depends(outer)]) -> Generator[str]:
            token = current.set(f"{current.get()}, inner")
            yield current.get()
            current.reset(token)
            LOG.append(current.get())

        @app.on(Say)
        async def say(event: Say, found: Annotated[str, Depends(inner)]) -> str:
            return f"{found}; {current.get()}"

        async with TestClient(app) as client:
            assert await client.request(Say(text=""), str) == "outer, inner; outer"
        assert LOG == ["outer"]

    @pytest.mark.parametrize("concurrent", [False, True])
    async def test_a_deadline_runs_the_clean_up(self, concurrent: bool) -> None:
        app = talk(Settings(timeouts=Timeouts(handler=0.5 if concurrent else 30)))
        started = Signal()

        async def slow() -> AsyncGenerator[None]:
            try:
                yield
            except BaseException as exc:
                LOG.append(type(exc).__name__)
                raise

        @app.on(Say, concurrent=concurrent)
        async def say(event: Say, url: Opened, x: Annotated[None, Depends(slow)]) -> None:
            started.set()
            await sleep_forever()

        with virtual_clock(app) as clock:
            async with TestClient(app) as client:
                await client.send({"event": "say", "data": {"text": "x"}, "id": 1})
                await wait(started)
                if not concurrent:
                    clock.advance(31)
                answer = await client.receive_message()
                assert answer["data"]["error"]["code"] == "timeout"
                assert LOG[0] == "open"
                assert LOG[1] in {"Cancelled", "CancelledError"}
                assert LOG[2] == "close"

    async def test_a_connection_that_is_dropped_runs_the_clean_up(self) -> None:
        app = talk()
        started = Signal()

        @app.on(Say)
        async def say(url: Opened) -> None:
            started.set()
            await sleep_forever()

        async with TestClient(app) as client:
            await client.emit(Say(text="x"))
            await wait(started)
            await app.drain(0)
        await until(lambda: LOG == ["open", "close"])


class TestAuth:
    async def test_the_handshake_decides_with_dependencies(self) -> None:
        app = talk()

        @app.auth
        async def authenticate(name: Named, url: Opened) -> str:
            if name == "nobody":
                raise AuthError("Log in first.")
            return name

        @app.on(Say)
        async def say(socket: Socket[str]) -> str:
            return socket.user

        assert app.contract().document["auth"] == {"via": "handshake"}
        async with TestClient(app, headers={"x-user": "ann"}) as client:
            assert await client.request(Say(text=""), str) == "ann"
        assert LOG == ["open", "close"]

    async def test_credentials_are_those_of_the_function(self) -> None:
        app = talk()

        def checked(credentials: str, app: ByteSocket) -> str:
            return f"{credentials} of {app.title}"

        @app.auth
        async def authenticate(credentials: str, who: Annotated[str, Depends(checked)]) -> str:
            return who

        @app.on(Say)
        async def say(socket: Socket[str]) -> str:
            return socket.user

        async with TestClient(app, credentials="token") as client:
            assert await client.request(Say(text=""), str) == "token of Talk"


class TestHooks:
    async def test_every_hook_may_have_them(self) -> None:
        app = talk()

        @app.lifecycle.upgrade
        async def upgrade(name: Named) -> None:
            LOG.append(f"upgrade {name}")

        @app.lifecycle.open
        def open_(name: Named, url: Opened) -> None:
            LOG.append(f"hook {name}")

        @app.lifecycle.close
        async def close(name: Named, code: int) -> None:
            LOG.append(f"closed {code}")

        app.dependency_overrides[named] = lambda: "bob"
        async with TestClient(app):
            pass
        await until(lambda: LOG[-1].startswith("closed"))
        assert LOG == ["upgrade bob", "open", "hook bob", "close", "closed 1000"]

    @pytest.mark.parametrize("what", ["handshake", "app"])
    async def test_an_error_of_no_connection_has_none_to_show(
        self, what: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        lifecycle = Lifecycle()

        def shake(handshake: Handshake) -> None:
            raise AssertionError  # pragma: no cover - never called

        def application(app: ByteSocket) -> None:
            raise AssertionError  # pragma: no cover - never called

        target: Any = shake if what == "handshake" else application

        @lifecycle.error
        async def error(context: ErrorContext, x: Annotated[None, Depends(target)]) -> None:
            raise AssertionError  # pragma: no cover - never called

        await lifecycle.report(None, ErrorContext(Phase.OPEN, ValueError()))
        assert "belongs to no connection" in caplog.text

    async def test_without_a_socket_the_rest_works(self) -> None:
        lifecycle = Lifecycle()

        def phase(context: ErrorContext) -> Generator[str]:
            yield context.phase.name
            LOG.append("cleaned")

        @lifecycle.error
        async def error(name: Annotated[str, Depends(phase)]) -> None:
            LOG.append(name)

        await lifecycle.run(HookKind.ERROR, None, None, ErrorContext(Phase.OPEN, ValueError()))
        assert LOG == ["OPEN", "cleaned"]
