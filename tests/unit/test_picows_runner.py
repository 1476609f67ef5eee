"""picows as a server: the lifespan it runs, and an end that no peer can delay."""

import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated, Any

import anyio
import pytest
from fastapi import Depends, FastAPI
from starlette.requests import HTTPConnection

from bytesocket_app import ByteSocket, Socket
from bytesocket_app.serving.runners import picows
from bytesocket_app.serving.runners.hosting import Hosting
from bytesocket_app.transports.asgi import ASGIApp
from tests.support.raw_peer import CLOSE, TEXT, Place, RawPeer, frame
from tests.support.talk import DEADLINE, Said, Say, logged, talk, until

pytestmark = pytest.mark.anyio

SAY = b'{"event":"say","data":{"text":"hi"},"id":1}'


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@asynccontextmanager
async def run(
    app: ByteSocket, asgi: ASGIApp | None = None, *, grace: float = 5.0
) -> AsyncGenerator[Place]:
    """Run it for the block, and see it end within the grace."""
    stop, started, ended = anyio.Event(), anyio.Event(), anyio.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        hosting = Hosting(
            listener=listener, drain=app.drain, grace=grace, served=[app], started=started.set
        )

        async def serve() -> None:
            await picows.serve(asgi or app, hosting, stop)
            ended.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve)
            with anyio.fail_after(DEADLINE):
                await started.wait()
            yield Place(listener.getsockname()[1])
            stop.set()
            with anyio.fail_after(grace + DEADLINE):
                await ended.wait()


async def test_the_end_closes_all_and_waits_for_their_answers() -> None:
    app = talk(serialization="json")
    ends: list[tuple[int, str]] = []

    @app.lifecycle.close
    async def closed(code: int, reason: str) -> None:
        ends.append((code, reason))

    async with run(app) as place, place.connect() as one, place.connect() as other:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(app.drain, DEADLINE)
            for peer in (one, other):
                assert await peer.closed() == (1012, "server restart")
                await peer.send(frame(CLOSE, b"\x03\xf4"))
                await peer.ended()
        assert ends == [(1012, "server restart")] * 2


async def gone(peer: RawPeer) -> None:
    """Read what is left, to the end."""
    try:
        with anyio.fail_after(DEADLINE):
            while True:
                await peer.stream.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError):
        return


async def test_no_peer_can_delay_the_end(caplog: pytest.LogCaptureFixture) -> None:
    app = talk(serialization="json")

    @app.auth
    async def known(socket: Socket) -> str:
        if socket.query:
            await anyio.sleep_forever()
        return "Ada"

    @app.on(Say)
    async def say(socket: Socket) -> None:
        await anyio.sleep_forever()

    async with AsyncExitStack() as open_still:  # longer than the server runs
        enter = open_still.enter_async_context
        async with run(app, grace=0.6) as place:
            silent, deciding = await enter(place.visit()), await enter(place.visit())
            await silent.send(b"GET /ws HTTP/1.1\r\n")
            await deciding.ask("/ws?wait")
            rude, stalled = await enter(place.connect()), await enter(place.connect())
            await rude.send(frame(TEXT, SAY))
            await until(lambda: len(app.sockets()) == 2)
            for _ in range(40):
                await app.broadcast(Said(text="x" * 20_000))
            breaching = await enter(place.connect())
            await breaching.send(frame(TEXT, rsv=1))
            assert (await breaching.closed())[0] == 1002
        for peer in (silent, deciding, rude, stalled, breaching):
            await gone(peer)
    assert logged(caplog) == []
    assert app.sockets() == []


async def test_dependencies_see_the_application_around_and_its_state() -> None:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[dict[str, Any]]:
        yield {"pool": "a pool"}

    api = FastAPI(lifespan=lifespan)
    api.state.name = "Ada"
    app = talk(serialization="json")
    app.attach(api)

    async def who(connection: HTTPConnection) -> str:
        text = f"{connection.app.state.name} with {connection.state.pool}"
        connection.state.pool = "what others do not see"
        return text

    @app.on(Say)
    async def say(found: Annotated[str, Depends(who)]) -> str:
        return found

    async with run(app, api) as place, place.connect() as peer:
        for _ in range(2):
            await peer.send(frame(TEXT, SAY))
            assert b'"Ada with a pool"' in (await peer.receive())[1]
