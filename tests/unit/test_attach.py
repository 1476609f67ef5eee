"""A socket inside an application of FastAPI or Starlette that exists already."""

import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.staticfiles import StaticFiles
from sniffio import current_async_library
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from bytesocket_app import ByteSocket, ConfigurationError, Handshake, Socket
from bytesocket_app.serving.runners import hypercorn
from bytesocket_app.serving.runners.hosting import Hosting
from bytesocket_app.testing import TestClient
from bytesocket_app.testing.conformance import Ended, NetworkSite
from bytesocket_app.transports.asgi import ASGIApp
from bytesocket_app.transports.lifespan import LifespanError, run_lifespan
from tests.support.asgi import Call, socket_scope
from tests.support.talk import DEADLINE, Said, Say, talk, until, wait

pytestmark = pytest.mark.anyio

HOSTS = pytest.mark.parametrize("make", [FastAPI, Starlette])


def speaking(**more: Any) -> ByteSocket:
    """An application that says what it is told, louder."""
    app = talk(serialization="json", **more)

    @app.on(Say)
    async def say(event: Say) -> Said:
        return Said(text=event.text.upper())

    return app


def get(path: str, method: str = "GET", **more: Any) -> dict[str, Any]:
    """An HTTP request's scope."""
    headers = [(b"host", b"example.org")]
    scope = {"type": "http", "path": path, "method": method, "headers": headers}
    return {**scope, "query_string": b"", "http_version": "1.1", "scheme": "http", **more}


async def answer(app: ASGIApp, scope: dict[str, Any]) -> tuple[int, str]:
    call = Call(app, scope)
    call.tell("http.request", body=b"", more_body=False)
    await call.run()
    return call.sent[0]["status"], call.sent[1]["body"].decode()


async def opened(app: ASGIApp, scope: Any) -> Call:
    """A request answered by the socket, and closed again."""
    call = Call(app, scope)
    call.tell("websocket.connect")
    call.text('{"event":"say","data":{"text":"a"},"id":1}')
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call.run)
        await until(lambda: call.returned or "send" in call.kinds())
        call.tell("websocket.disconnect", code=1000)
    return call


class TestRoute:
    @HOSTS
    async def test_the_exact_path_is_the_socket(self, make: Any) -> None:
        host, app = make(), speaking()
        app.attach(host)
        call = await opened(host, socket_scope("/ws"))
        assert call.kinds()[0] == "accept"
        assert '"A"' in call.sent[1]["text"]
        for path in ("/ws/", "/w", "/ws/x"):
            call = await opened(host, socket_scope(path))
            assert "accept" not in call.kinds()

    @HOSTS
    async def test_a_plain_request_is_told_to_upgrade(self, make: Any) -> None:
        host = make()
        speaking().attach(host)
        for method in ("GET", "POST"):
            status, body = await answer(host, get("/ws", method))
            assert status == 426
            assert "ws://example.org/ws" in body

    async def test_the_hosts_own_routes_stay(self, tmp_path: Path) -> None:
        (tmp_path / "page.txt").write_text("a page")
        host = FastAPI()

        @host.get("/state")
        async def state() -> str:
            return "fine"

        host.mount("/", StaticFiles(directory=tmp_path))
        speaking().attach(host)
        assert await answer(host, get("/state")) == (200, '"fine"')
        assert (await opened(host, socket_scope("/ws"))).kinds()[0] == "accept"
        assert (await answer(host, get("/ws")))[0] == 426
        assert "/ws" not in host.openapi()["paths"]

    async def test_a_page_of_the_host_at_the_same_path_stays(self) -> None:
        async def page(request: Request) -> PlainTextResponse:
            return PlainTextResponse("a page")

        host = Starlette(routes=[Route("/", page)])
        speaking().attach(host, path="/")
        assert await answer(host, get("/")) == (200, "a page")
        assert (await opened(host, socket_scope("/"))).kinds()[0] == "accept"

    async def test_routers_that_come_later_change_nothing(self) -> None:
        host, router = FastAPI(), APIRouter()

        @router.get("/late")
        async def late() -> str:
            return "late"

        speaking().attach(host)
        host.include_router(router, prefix="/api")
        assert await answer(host, get("/api/late")) == (200, '"late"')
        assert (await opened(host, socket_scope("/ws"))).kinds()[0] == "accept"

    async def test_a_host_that_is_mounted_itself(self) -> None:
        inner = FastAPI()
        speaking().attach(inner)
        outer = Starlette(routes=[Mount("/v1", inner)])
        assert (await opened(outer, socket_scope("/v1/ws"))).kinds()[0] == "accept"
        assert (await answer(outer, get("/v1/ws")))[0] == 426

    async def test_the_path_is_the_applications_from_then_on(self) -> None:
        host, app = FastAPI(), speaking()
        seen = list[str]()

        @app.lifecycle.open
        async def note(socket: Socket) -> None:
            seen.append(socket.url)

        app.attach(host, path="/chat")
        assert app.path == app.contract().document["path"] == "/chat"
        await opened(host, socket_scope("/chat"))
        await opened(app, socket_scope("/chat"))
        assert seen == ["/chat", "/chat"]
        async with TestClient(app):
            assert seen[2:] == ["/chat"]

    async def test_several_applications_and_several_paths(self) -> None:
        host, one, two = FastAPI(), speaking(), talk()
        one.attach(host, "/one")
        two.attach(host, "/two")
        one.attach(host, "/also-one")
        assert len((await opened(host, socket_scope("/one"))).sent) == 2
        assert len((await opened(host, socket_scope("/also-one"))).sent) == 2
        assert (
            '"code":"unknown_event"' in (await opened(host, socket_scope("/two"))).sent[1]["text"]
        )


@HOSTS
@pytest.mark.parametrize(
    ("where", "path"),
    [
        ("/chat", "/chat/ws"),
        ("/chat/", "/chat/ws"),
        ("/ws", "/ws/"),
        ("/ws/", "/ws/"),
        ("/", "/ws"),
        ("", "/ws"),
    ],
)
async def test_a_plain_mount_serves_below_it_though_nobody_runs_a_lifespan(
    make: Any, where: str, path: str
) -> None:
    host, app = make(), speaking()
    host.mount(where, app)
    call = await opened(host, socket_scope(path))
    assert call.kinds()[0] == "accept"
    assert '"A"' in call.sent[1]["text"]
    assert (await answer(host, get(path)))[0] == 426
    for other in (f"{path}x", "/other"):
        assert "accept" not in (await opened(host, socket_scope(other))).kinds()


@pytest.mark.parametrize(
    ("where", "tried", "told"),
    [("/chat", "/chat/w", "/chat/ws"), ("/ws", "/ws/w", "/ws/"), ("/", "/w", "/ws")],
)
async def test_a_wrong_path_below_a_mount_is_told_the_right_one(
    where: str, tried: str, told: str
) -> None:
    host = FastAPI()
    host.mount(where, speaking())
    refused = await opened(host, socket_scope(tried))
    assert refused.sent[0]["status"] == 404
    assert refused.sent[1]["body"].decode().strip() == f"No socket here; try {told}."


@pytest.mark.parametrize("prefix", ["/v1", "/v1/api"])
async def test_a_mount_behind_a_proxy_that_takes_its_prefix_off_is_served(prefix: str) -> None:
    host = FastAPI()
    host.mount("/chat", speaking())
    for path in ("/chat/ws", f"{prefix}/chat/ws"):
        call = await opened(host, socket_scope(path, root_path=prefix))
        assert call.kinds()[0] == "accept"
    refused = await opened(host, socket_scope("/chat/x", root_path=prefix))
    assert "accept" not in refused.kinds()
    assert f"try {prefix}/chat/ws." in refused.sent[1]["body"].decode()  # as clients dial it


async def test_applications_of_one_host_share_nothing() -> None:
    host, ours, theirs = FastAPI(), speaking(), speaking()

    async def authenticate(handshake: Handshake) -> str:
        return "ann"

    clients = list[TestClient]()
    async with AsyncExitStack() as stack:
        for app, path in ((ours, "/ours"), (theirs, "/theirs")):
            app.auth(key=str)(authenticate)
            app.room("lobby")
            app.attach(host, path)
            clients.append(await stack.enter_async_context(TestClient(app)))
            await clients[-1].join("lobby")
        await theirs.user("ann").emit(Said(text="of a user"))
        await theirs.rooms.emit("lobby", Said(text="of a room"))
        await theirs.broadcast(Said(text="of all"))
        await ours.broadcast(Said(text="ours"))
        assert [(await clients[1].receive(Said)).text for _ in range(3)] == [
            "of a user",
            "of a room",
            "of all",
        ]
        assert await clients[0].receive(Said) == Said(text="ours")
    assert len(ours.memberships.users) == 0


class Told:
    """A host and an application that write down what their lifespans do."""

    def __init__(self, make: Any) -> None:
        self.log: list[str] = []
        self.fails = False
        self.app = speaking()
        self.app.lifespan(self.ours)
        self.host = make(lifespan=self.theirs)

    @asynccontextmanager
    async def theirs(self, _: Any) -> AsyncGenerator[dict[str, int]]:
        self.log.append("host starts")
        yield {"answer": 42}
        self.log.append("host ends")

    async def ours(self, _: ByteSocket) -> AsyncGenerator[None]:
        if self.fails:
            raise LookupError("no broker")
        self.log.append("we start")
        yield
        self.log.append("we end")


class TestLifespan:
    @HOSTS
    async def test_ours_is_inside_the_hosts(self, make: Any) -> None:
        told = Told(make)
        told.app.attach(told.host)
        told.app.attach(told.host, "/again")
        state: dict[str, Any] = {}
        async with run_lifespan(told.host, state, timeout=5):
            assert told.log == ["host starts", "we start"]
            assert state == {"answer": 42}
        assert told.log == ["host starts", "we start", "we end", "host ends"]

    @HOSTS
    async def test_our_failure_is_the_hosts_failure(self, make: Any) -> None:
        told = Told(make)
        told.app.attach(told.host)
        told.fails = True
        with pytest.raises(LifespanError, match="no broker"):
            async with run_lifespan(told.host, {}, timeout=5):
                raise AssertionError

    @HOSTS
    async def test_a_host_without_a_lifespan_gets_ours(self, make: Any) -> None:
        told = Told(make)
        host = make()
        told.app.attach(host)
        async with run_lifespan(host, {}, timeout=5):
            assert told.log == ["we start"]
        assert told.log == ["we start", "we end"]


class TestRefused:
    @HOSTS
    def test_a_path_that_has_a_socket(self, make: Any) -> None:
        host, app = make(), speaking()
        app.attach(host)
        for other in (app, speaking()):
            with pytest.raises(ConfigurationError) as refused:
                other.attach(host, path="/ws")
            assert str(refused.value).count("test_attach.py:") == 2
            assert "has a WebSocket there already" in str(refused.value)
        assert len([r for r in host.routes if getattr(r, "path", "") == "/ws"]) == 2

    def test_a_path_that_has_the_hosts_own_socket(self) -> None:
        async def theirs(websocket: WebSocket) -> None: ...

        host = Starlette(routes=[WebSocketRoute("/ws", theirs)])
        with pytest.raises(ConfigurationError, match=r"theirs\)"):
            speaking().attach(host)

    @pytest.mark.parametrize("path", ["ws", "/ws?a=1", "/{room}/ws"])
    def test_a_path_that_is_none(self, path: str) -> None:
        app = speaking()
        with pytest.raises(ConfigurationError, match=r"test_attach.py:\d+: cannot attach at"):
            app.attach(FastAPI(), path)
        assert app.path == "/ws"

    def test_what_is_no_host(self) -> None:
        for wrong in (APIRouter(), speaking(), FastAPI):
            with pytest.raises(ConfigurationError, match="takes a FastAPI or Starlette"):
                speaking().attach(wrong)

    @pytest.mark.slow
    def test_starlette_is_imported_only_for_this(self) -> None:
        code = "import sys, bytesocket_app; sys.exit('starlette' in sys.modules)"
        root = Path(__file__).parents[2]
        assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


async def serve_until(host: ASGIApp, drain: Any, stop: anyio.Event, ready: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        hosting = Hosting(
            listener=listener,
            drain=drain,
            grace=5.0,
            backend="trio" if current_async_library() == "trio" else "asyncio",
            started=lambda: ready(listener.getsockname()[1]),
        )
        await hypercorn.serve(host, hosting, stop)


@pytest.mark.slow
@HOSTS
async def test_over_a_real_server_and_drained(make: Any) -> None:
    from bytesocket_cli.loading import Loaded

    told = Told(make)
    told.app.attach(told.host)
    loaded = Loaded(told.host, (told.app,), "m:host")
    stop, started, ports = anyio.Event(), anyio.Event(), list[int]()

    def ready(port: int) -> None:
        ports.append(port)
        started.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve_until, told.host, loaded.drain, stop, ready)
        await wait(started)
        assert told.log == ["host starts", "we start"]
        await talk_over(ports[0], stop)
    assert told.log == ["host starts", "we start", "we end", "host ends"]


async def talk_over(port: int, stop: anyio.Event) -> None:
    """Say something, then have the server stop: the socket is told so."""
    site = NetworkSite(f"ws://127.0.0.1:{port}")
    try:
        with anyio.fail_after(DEADLINE):
            async with site.connect(subprotocols=["bytesocket.json"]) as peer:
                await peer.send('{"event":"say","data":{"text":"a"},"id":1}')
                assert '"A"' in str(await peer.receive())
                stop.set()
                assert await peer.receive() == Ended(1012, "server restart")
    finally:
        stop.set()
