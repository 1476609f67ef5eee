"""`@app.lifespan`: once around the application's life, by whomever it is run."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from anyio import create_task_group, move_on_after
from fastapi import FastAPI

from bytesocket_app import ByteSocket, ConfigurationError, Handshake
from bytesocket_app.errors import RequestError
from bytesocket_app.testing import TestClient
from bytesocket_app.transports.asgi import Receive, Scope, Send
from bytesocket_app.transports.lifespan import LifespanError, reason, run_lifespan
from tests.support.starlette_client import StarletteClient
from tests.support.talk import Said, logged, talk, until, wait

pytestmark = pytest.mark.anyio


class Told:
    """An application that writes down what its lifespan does."""

    def __init__(self, **more: Any) -> None:
        self.log: list[str] = []
        self.fails = ""
        self.gate: anyio.Event | None = None
        self.app = talk(**more)
        self.app.lifespan(self.around)

    async def around(self, app: ByteSocket) -> AsyncGenerator[None]:
        assert app is self.app
        self.log.append("start")
        if self.gate is not None:
            await self.gate.wait()
        if self.fails == "start":
            raise LookupError("no database")
        yield
        self.log.append("end")
        if self.fails == "end":
            raise LookupError("no goodbye")


class TestWhoRunsIt:
    async def test_a_servers_lifespan(self) -> None:
        told = Told()
        async with run_lifespan(told.app, {}, timeout=5):
            assert told.log == ["start"]
        assert told.log == ["start", "end"]

    async def test_running(self) -> None:
        told = Told()
        async with told.app.running():
            assert told.log == ["start"]
        assert told.log == ["start", "end"]

    async def test_the_first_client_in_and_the_last_out(self) -> None:
        told = Told()
        for _ in range(2):
            async with TestClient(told.app):
                assert told.log == ["start"]
                async with TestClient(told.app):
                    assert told.log == ["start"]
                assert told.log == ["start"]
            assert told.log == ["start", "end"]
            told.log.clear()

    async def test_the_last_out_need_not_be_the_first_in(self) -> None:
        told = Told()
        inside = [anyio.Event(), anyio.Event()]
        leave = [anyio.Event(), anyio.Event()]
        gone: list[int] = []

        async def use(number: int) -> None:
            async with TestClient(told.app):
                inside[number].set()
                await wait(leave[number])
            gone.append(number)

        async with create_task_group() as tasks:
            for number in range(2):
                tasks.start_soon(use, number)
                await wait(inside[number])
            leave[0].set()
            await until(lambda: gone)
            assert told.log == ["start"]
            leave[1].set()
        assert gone == [0, 1]
        assert told.log == ["start", "end"]

    async def test_a_client_inside_a_lifespan_does_not_run_it_again(self) -> None:
        told = Told()
        async with told.app.running(), TestClient(told.app) as client:
            await told.app.broadcast(Said(text="x"))
            assert await client.receive(Said) == Said(text="x")
            assert told.log == ["start"]
        assert told.log == ["start", "end"]

    async def test_who_comes_while_it_starts_waits_for_it(self) -> None:
        told = Told()
        told.gate = anyio.Event()
        inside: list[int] = []

        async def use(number: int) -> None:
            async with TestClient(told.app):
                inside.append(number)

        async with create_task_group() as tasks:
            for number in range(3):
                tasks.start_soon(use, number)
            await until(lambda: told.log)
            assert inside == []
            told.gate.set()
        assert sorted(inside) == [0, 1, 2]
        assert told.log == ["start", "end"]

    async def test_an_application_that_is_decorated_already_and_one_without_any(self) -> None:
        app, log = talk(), list[object]()

        @app.lifespan
        @asynccontextmanager
        async def around(app: ByteSocket) -> AsyncGenerator[None]:
            log.append(app)
            yield

        async with TestClient(app):
            assert log == [app]
        async with talk().running():
            pass

    async def test_task_groups_live_in_it(self) -> None:
        app = talk()

        @app.lifespan
        async def around(app: ByteSocket) -> AsyncGenerator[None]:
            async def tick() -> None:
                while True:
                    await app.broadcast(Said(text="tick"))
                    await anyio.lowlevel.checkpoint()

            async with create_task_group() as tasks:
                tasks.start_soon(tick)
                yield
                tasks.cancel_scope.cancel()

        async with TestClient(app) as client:
            assert await client.receive(Said) == Said(text="tick")


class TestFailure:
    async def test_at_the_start_it_is_the_lifespans_failure(self) -> None:
        told = Told()
        told.fails = "start"
        with pytest.raises(LifespanError) as failed:
            async with run_lifespan(told.app, {}, timeout=5):
                raise AssertionError
        assert reason(str(failed.value)).endswith("LookupError: no database")
        assert "test_lifespan_hook.py:" in reason(str(failed.value))

    async def test_a_test_client_says_it_and_the_next_one_tries_again(self) -> None:
        told = Told()
        told.fails = "start"
        with pytest.raises(LookupError, match="no database"):
            await TestClient(told.app).__aenter__()
        told.fails = ""
        async with TestClient(told.app):
            assert told.log == ["start", "start"]
        assert told.log[-1] == "end"

    async def test_at_the_end_it_comes_out_and_the_next_starts_anew(self) -> None:
        told = Told()
        told.fails = "end"
        with pytest.raises(LookupError, match="no goodbye"):
            async with told.app.running():
                pass
        told.fails = ""
        async with told.app.running():
            assert told.log == ["start", "end", "start"]

    async def test_a_client_that_is_refused_leaves_it(self) -> None:
        told = Told()

        @told.app.lifecycle.upgrade
        async def refuse(handshake: Handshake) -> None:
            raise LookupError("no")

        with pytest.raises(RequestError):
            await TestClient(told.app).__aenter__()
        assert told.log == ["start", "end"]

    async def test_who_is_cancelled_is_counted_out(self) -> None:
        told = Told()
        with move_on_after(0):
            async with told.app.running():
                await anyio.sleep_forever()
        assert told.log in (["start", "end"], [])
        told.log.clear()
        async with told.app.running():
            assert told.log == ["start"]

    async def test_what_the_block_raises_is_not_the_lifespans_matter(self) -> None:
        told = Told()
        with pytest.raises(KeyError):
            async with told.app.life.running():
                raise KeyError
        assert told.log == ["start", "end"]


class TestHttpSide:
    async def test_both_lives_are_run_ours_outermost(self) -> None:
        async def side(scope: Scope, receive: Receive, send: Send) -> None:
            for step in ("startup", "shutdown"):
                await receive()
                told.log.append(f"http {step}")
                await send({"type": f"lifespan.{step}.complete"})

        told = Told(http=side)
        async with run_lifespan(told.app, {}, timeout=5):
            pass
        assert told.log == ["start", "http startup", "http shutdown", "end"]


class TestDeclaration:
    def test_there_is_one(self) -> None:
        told = Told()
        with pytest.raises(ConfigurationError, match=r"test_lifespan_hook.py:\d+: .*already, at"):
            told.app.lifespan(told.around)

    def test_it_is_an_async_def_with_a_yield(self) -> None:
        async def no_yield(app: ByteSocket) -> None: ...

        def no_async(app: ByteSocket) -> Any:
            yield

        for wrong in (no_yield, no_async, None):
            with pytest.raises(ConfigurationError, match="no `async def` with a `yield`"):
                talk().lifespan(wrong)  # type: ignore[type-var]

    async def test_it_may_take_nothing(self) -> None:
        app, entered = talk(), list[str]()

        @app.lifespan
        async def nothing() -> AsyncGenerator[None]:
            entered.append("in")
            yield
            entered.append("out")

        async with app.running():
            assert entered == ["in"]
        assert entered == ["in", "out"]


class TestNobodyRunsIt:
    """A mount, and a server without lifespans, run none: the first connection says so, once."""

    async def test_a_mount_says_at_the_first_connection_what_to_write(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        told, host = Told(), FastAPI()
        host.mount("/chat", told.app)
        client = StarletteClient(host)
        for _ in range(3):
            with client.websocket_connect("/chat/ws"):
                pass
        assert told.log == []
        (line,) = logged(caplog, logging.WARNING)
        assert line.startswith(f"the lifespan {__file__}:")
        assert "of 'Talk' did not run: a mount, as at '/chat', runs none" in line
        assert "`app.attach(host, '/chat/ws')`" in line
        assert "`async with app.running():`" in line

    async def test_what_to_write_is_without_the_prefix_of_a_proxy(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        told, host = Told(), FastAPI()
        host.mount("/chat", told.app)
        with StarletteClient(host, root_path="/api").websocket_connect("/chat/ws"):
            pass
        (line,) = logged(caplog, logging.WARNING)
        assert "a mount, as at '/chat', runs none" in line
        assert "`app.attach(host, '/chat/ws')`" in line

    async def test_a_mount_says_so_of_a_timer_alone(self, caplog: pytest.LogCaptureFixture) -> None:
        app, host = ByteSocket(title="Talk"), FastAPI()

        @app.every(60)
        async def tick() -> None:
            """Never runs here."""

        host.mount("/chat", app)
        with StarletteClient(host).websocket_connect("/chat/ws"):
            pass
        (line,) = logged(caplog, logging.WARNING)
        assert "tick" in line or f"{__file__}:" in line
        assert "did not run: a mount, as at '/chat', runs none" in line

    async def test_a_mount_at_the_sockets_own_path_is_told_that_path(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        told, host = Told(), FastAPI()
        host.mount("/ws", told.app)
        with StarletteClient(host).websocket_connect("/ws/"):
            pass
        (line,) = logged(caplog, logging.WARNING)
        assert "`app.attach(host, '/ws')`" in line

    async def test_both_remedies_mend_it(self, caplog: pytest.LogCaptureFixture) -> None:
        attached, running = Told(), Told()

        @asynccontextmanager
        async def life(_host: FastAPI) -> AsyncGenerator[None]:
            async with running.app.running():
                yield

        host = FastAPI(lifespan=life)
        host.mount("/chat", running.app)
        attached.app.attach(host, "/live/ws")
        with StarletteClient(host) as client:
            for path in ("/chat/ws", "/live/ws"):
                with client.websocket_connect(path):
                    pass
        assert attached.log == running.log == ["start", "end"]
        assert logged(caplog, logging.WARNING) == []

    async def test_without_a_mount_it_is_the_server(self, caplog: pytest.LogCaptureFixture) -> None:
        told = Told()
        with StarletteClient(told.app).websocket_connect("/ws"):
            pass
        (line,) = logged(caplog, logging.WARNING)
        assert "the server runs no lifespans" in line

    async def test_an_application_that_declares_none_misses_none(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        host = FastAPI()
        host.mount("/chat", talk())
        with StarletteClient(host).websocket_connect("/chat/ws"):
            pass
        assert logged(caplog, logging.WARNING) == []
