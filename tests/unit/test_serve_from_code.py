"""`await app.serve(...)` on each server, under each loop runner."""

import asyncio  # noqa: TID251 - it is a runner under test
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any

import anyio
import pytest
import trio
from websockets.sync.client import connect

from bytesocket_app import ByteSocket, ConfigurationError
from bytesocket_app.serving.runners.listening import listen
from tests.support.talk import Say, talk

pytestmark = pytest.mark.slow

DEADLINE = 30.0


def asked(port: int) -> str:
    with connect(f"ws://127.0.0.1:{port}/ws", open_timeout=DEADLINE) as client:
        client.send('{"event": "say", "data": {"text": "hi"}, "id": 1}')
        answer = client.recv(timeout=DEADLINE)
        assert isinstance(answer, str)
        return answer


def application() -> ByteSocket:
    app = talk(serialization="json")

    @app.on(Say)
    async def say(event: Say) -> str:
        return event.text

    return app


async def serve_and_ask(transport: Any) -> str:
    stop, answers = anyio.Event(), list[str]()
    with listen("127.0.0.1", 0) as listener:
        port: int = listener.getsockname()[1]
        with anyio.fail_after(DEADLINE):
            async with anyio.create_task_group() as tasks:

                async def ask() -> None:
                    answers.append(await anyio.to_thread.run_sync(asked, port))
                    stop.set()

                tasks.start_soon(ask)
                await application().serve(
                    transport=transport, listener=listener, grace=2, stop=stop
                )
    return answers[0]


def under_uvloop(main: Callable[[str], Awaitable[str]], transport: str) -> str:
    return anyio.run(main, transport, backend_options={"use_uvloop": True})


def under_asyncio(main: Callable[[str], Coroutine[Any, Any, str]], transport: str) -> str:
    return asyncio.run(main(transport))


RUNNERS: dict[str, Callable[..., str]] = {
    "asyncio.run": under_asyncio,
    "anyio.run": anyio.run,
    "uvloop": under_uvloop,
    "trio.run": trio.run,
}


@pytest.mark.parametrize(
    ("runner", "transport"),
    [
        (runner, transport)
        for runner in RUNNERS
        for transport in ("hypercorn", "uvicorn", "picows")
        if runner != "trio.run" or transport == "hypercorn"
    ],
)
def test_an_application_serves_itself(runner: str, transport: str) -> None:
    answer = RUNNERS[runner](serve_and_ask, transport)
    assert answer == '{"type":32,"id":1,"data":"hi"}'


async def cancelled_while_open(transport: Any) -> list[str]:
    app, log = application(), list[str]()

    @app.lifespan
    async def life(app: ByteSocket) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            log.append("ended")

    with listen("127.0.0.1", 0) as listener:
        port: int = listener.getsockname()[1]
        with anyio.fail_after(DEADLINE):
            async with anyio.create_task_group() as tasks:

                async def hold() -> None:
                    with await anyio.to_thread.run_sync(connect, f"ws://127.0.0.1:{port}/ws"):
                        while not app.sockets():
                            await anyio.lowlevel.checkpoint()
                        tasks.cancel_scope.cancel()

                tasks.start_soon(hold)
                await app.serve(transport=transport, listener=listener)
    return log


def test_a_cancelled_server_ends_at_once_and_its_lifespan_with_it() -> None:
    assert anyio.run(cancelled_while_open, "picows") == ["ended"]


def test_what_cannot_serve_is_refused() -> None:
    async def serve(**options: Any) -> None:
        await application().serve(**options)

    with pytest.raises(ConfigurationError, match="transport='nginx' is none of 'hypercorn'"):
        asyncio.run(serve(transport="nginx"))
    wrong: Any = "hypercron"
    with pytest.raises(
        ConfigurationError, match=rf"^{__file__}:\d+: .* 'picows'\. Did you mean 'hypercorn'\?"
    ):
        asyncio.run(application().serve(transport=wrong))
    for option, words in (
        ({"certificate": "cert.pem"}, "certificate='cert.pem' is none: Certificate"),
        ({"stop": True}, "stop=True is no event"),
        ({"port": "8000"}, "port='8000' is no port"),
        ({"host": 7}, "host=7 is no address"),
        ({"listener": 7}, "listener=7 is no socket"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            asyncio.run(serve(**option))
    with pytest.raises(ConfigurationError, match="runs on asyncio only; on trio use 'hypercorn'"):
        trio.run(lambda: serve(transport="picows"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            ConfigurationError, match=f"port {port} on 127.0.0.1 is already in use.* port="
        ):
            asyncio.run(serve(port=port))
