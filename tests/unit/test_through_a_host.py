"""`TestClient(api)`: through the whole application around a socket, as a server would go."""

import base64
import hmac
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import anyio
import pytest
from fastapi import APIRouter, Depends, FastAPI, WebSocketException
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.routing import Mount
from starlette.websockets import WebSocket

from bytesocket_app import (
    AuthError,
    ByteSocket,
    ConfigurationError,
    Handshake,
    Limits,
    Settings,
    Socket,
    UndeclaredEvent,
)
from bytesocket_app.errors import Disconnected
from bytesocket_app.testing import NothingCame, RequestError, TestClient, hosted, virtual_clock
from bytesocket_app.transports.asgi import ASGIApp, Message, Receive, Scope, Send
from bytesocket_app.transports.lifespan import LifespanError
from tests.support.talk import Said, Say, Wave, talk, until, wait

pytestmark = pytest.mark.anyio

SECRET = b"secret"


def signed(session: dict[str, str]) -> str:
    """A session in a cookie, signed as Starlette's `SessionMiddleware` does."""
    data = base64.urlsafe_b64encode(json.dumps(session).encode())
    return f"{data.decode()}.{hmac.new(SECRET, data, 'sha256').hexdigest()}"


class Sessions:
    """Middleware of the host that reads the session's cookie."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Put the session into the scope, if its signature is right."""
        if scope["type"] == "websocket":
            data, _, mac = HTTPConnection(scope).cookies.get("session", "").partition(".")
            good = hmac.new(SECRET, data.encode(), "sha256").hexdigest()
            is_known = bool(data) and mac == good
            scope["session"] = json.loads(base64.urlsafe_b64decode(data)) if is_known else {}
        await self.app(scope, receive, send)


async def database() -> str:
    return "the real one"


def guarded() -> tuple[FastAPI, ByteSocket]:
    """A FastAPI application with sessions, a lifespan and a socket."""
    chat = talk()

    @chat.auth
    async def who(connection: HTTPConnection) -> str:
        if "user" not in connection.session:
            raise AuthError("Log in first.")
        return str(connection.session["user"])

    @chat.on(Say)
    async def say(socket: Socket[str], event: Say, found: Annotated[str, Depends(database)]) -> str:
        pool = socket.handshake.native["state"]["pool"]
        return f"{socket.user} {event.text} {found} {pool}"

    @asynccontextmanager
    async def lifespan(_api: FastAPI) -> AsyncGenerator[dict[str, str]]:
        yield {"pool": "a pool"}

    api = FastAPI(lifespan=lifespan)
    chat.attach(api)
    api.add_middleware(Sessions)
    return api, chat


@pytest.mark.parametrize("codec", ["json", "binary"])
async def test_middleware_sessions_and_the_hosts_lifespan_are_in_the_way(codec: Any) -> None:
    api, _ = guarded()
    cookies = {"session": signed({"user": "ann"})}
    async with TestClient(api, path="/ws", codec=codec, cookies=cookies) as client:
        assert await client.request(Say(text="hi"), str) == "ann hi the real one a pool"


@pytest.mark.parametrize("cookies", [{}, {"session": signed({"user": "ann"})[:-1]}])
async def test_a_refused_handshake_has_its_status_and_text(cookies: dict[str, str]) -> None:
    api, chat = guarded()
    with pytest.raises(RequestError, match=r"Log in first\.") as caught:
        await TestClient(api, cookies=cookies).__aenter__()
    assert caught.value.code == "401"
    assert not chat.housekeeping.connections


async def test_dependency_overrides_of_the_host_count_and_the_sockets_own_before_them() -> None:
    api, chat = guarded()
    cookies = {"session": signed({"user": "ann"})}
    async with TestClient(api, cookies=cookies) as client:
        api.dependency_overrides[database] = lambda: "the host's"
        assert await client.request(Say(text="hi"), str) == "ann hi the host's a pool"
        chat.dependency_overrides[database] = lambda: "our own"
        assert await client.request(Say(text="hi"), str) == "ann hi our own a pool"
        api.dependency_overrides = {}
        chat.dependency_overrides = {}
        assert await client.request(Say(text="hi"), str) == "ann hi the real one a pool"


async def test_overrides_of_the_host_reach_the_lifespan_hooks_and_a_mounted_socket() -> None:
    seen = list[str]()
    chat = talk()

    @chat.lifespan
    async def lifespan(found: Annotated[str, Depends(database)]) -> AsyncGenerator[None]:
        seen.append(f"lifespan {found}")
        yield

    @chat.lifecycle.upgrade
    async def upgrade(handshake: Handshake, found: Annotated[str, Depends(database)]) -> None:
        seen.append(f"upgrade {handshake.path} {found}")

    @chat.lifecycle.close
    async def close(found: Annotated[str, Depends(database)]) -> None:
        seen.append(f"close {found}")

    @chat.every(60, immediately=True)
    async def tick(found: Annotated[str, Depends(database)]) -> None:
        seen.append(f"every {found}")

    api = FastAPI()
    chat.attach(api)
    mounting = FastAPI()
    mounting.mount("/chat", chat)
    for host in (api, mounting):
        host.dependency_overrides[database] = lambda: "fake"
        async with TestClient(host):
            await until(lambda: "every fake" in seen)
    handled = ["upgrade /ws fake", "close fake"]
    seen.remove("every fake")
    assert seen == ["lifespan fake", *handled, *handled]
    async with TestClient(chat):
        await until(lambda: "every the real one" in seen)
    assert "lifespan the real one" in seen


async def test_overrides_of_a_host_end_with_its_lifespan_in_whatever_order_users_leave() -> None:
    seen, chat, api = list[str](), talk(), FastAPI()
    entered, leave = anyio.Event(), anyio.Event()

    @chat.every(1)
    async def tick(found: Annotated[str, Depends(database)]) -> None:
        seen.append(found)

    async def through_the_host() -> None:
        async with TestClient(api):
            entered.set()
            await leave.wait()

    chat.attach(api)
    api.dependency_overrides[database] = lambda: "fake"
    with virtual_clock(chat) as clock:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(through_the_host)
            await wait(entered)
            async with chat.running():
                await clock.elapse(1)
                leave.set()
                await until(lambda: chat.life.host is None)
                await clock.elapse(1)
        async with chat.running():
            await clock.elapse(1)
    assert seen == ["fake", "the real one", "the real one"]


async def test_headers_query_and_the_peer_reach_the_application_through_the_host() -> None:
    api, chat = FastAPI(), talk()
    chat.attach(api)
    headers = {"X-Name": "grüß", "Cookie": "a=1"}
    async with TestClient(api, path="/ws?a=1", query="b=2", headers=headers, cookies={"b": "2"}):
        handshake = chat.sockets()[0].handshake
    assert handshake.query == "a=1&b=2"
    assert handshake.headers["x-name"] == "grüß"
    assert handshake.cookies == {"a": "1", "b": "2"}
    assert handshake.client == ("testclient", 0)


async def test_several_clients_share_one_lifespan_of_the_host_even_in_other_tasks() -> None:
    life = list[str]()

    @asynccontextmanager
    async def lifespan(_api: Starlette) -> AsyncGenerator[None]:
        life.append("up")
        yield
        life.append("down")

    api, chat = Starlette(lifespan=lifespan), talk()
    chat.attach(api)
    chat.room("lobby").relay(Wave)
    inside, over = anyio.Event(), anyio.Event()

    async def ann() -> None:
        async with TestClient(api) as client:
            await client.join("lobby")
            inside.set()
            assert (await client.receive(Wave, room="lobby")).hand == "right"
        over.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ann)
        await inside.wait()
        async with TestClient(api) as bob:
            await bob.join("lobby")
            await bob.emit(Wave(hand="right"), room="lobby")
            await bob.request(Wave(hand="left"), room="lobby")
    assert over.is_set()
    assert life == ["up", "down"]


async def test_a_host_that_cannot_start_raises_what_its_lifespan_raised() -> None:
    @asynccontextmanager
    async def lifespan(_api: FastAPI) -> AsyncGenerator[None]:
        if _api.title:
            raise LookupError("no database")
        yield

    api = FastAPI(lifespan=lifespan)
    talk().attach(api)
    with pytest.raises(LookupError, match="no database"):
        await TestClient(api).__aenter__()

    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no such thing"})

    with pytest.raises(LifespanError, match="no such thing"):
        await TestClient(fails, path="/ws").__aenter__()


class Raising:
    """Middleware that does not let connections through."""

    def __init__(self, app: ASGIApp, error: Callable[[], Exception]) -> None:
        self.app = app
        self._error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raise for each WebSocket."""
        if scope["type"] == "websocket":
            raise self._error()
        await self.app(scope, receive, send)


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (lambda: HTTPException(429, "Too many."), RequestError, "429: .*Too many"),
        (lambda: WebSocketException(1008, "Not you."), RequestError, "403: Not you"),
        (lambda: LookupError("a fault"), LookupError, "a fault"),
    ],
)
async def test_what_the_hosts_middleware_raises_is_what_a_test_sees(
    error: Any, kind: type[Exception], text: str
) -> None:
    api = FastAPI()
    api.mount("/chat", Raising(talk(), error))
    with pytest.raises(kind, match=text):
        await TestClient(api).__aenter__()


async def test_a_host_that_raises_after_it_accepted_ends_the_connection_and_the_test() -> None:
    async def host(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await receive()
            raise LookupError("late")

    async def meet() -> None:
        async with TestClient(host, path="/ws") as client:
            await client.send({"any": 1})
            assert await client.wait_closed() == (1006, "")
            with pytest.raises(Disconnected):
                await client.receive_message()

    with pytest.raises(LookupError, match="late"):
        await meet()


async def test_a_host_that_never_answers_and_one_that_returns_are_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await anyio.sleep_forever()

    async def gone(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()

    with pytest.raises(RequestError, match="ended without an answer"):
        await TestClient(gone, path="/ws").__aenter__()
    monkeypatch.setattr(hosted, "PATIENCE", 0.05)
    with pytest.raises(NothingCame, match=r"did not answer the handshake within 0\.05 s"):
        await TestClient(silent, path="/ws").__aenter__()


async def test_a_host_that_shows_none_of_its_parts_is_used_by_its_path() -> None:
    chat = talk()

    @chat.on(Say)
    async def say(socket: Socket, event: Say) -> None:
        await socket.emit(Said(text=event.text))

    async def opaque(scope: Scope, receive: Receive, send: Send) -> None:
        await chat(scope, receive, send)

    with pytest.raises(ConfigurationError, match="TestClient finds no ByteSocket in the function"):
        TestClient(opaque)
    async with TestClient(opaque, path="/ws") as client:
        await client.emit(Say(text="hi"))
        assert (await client.receive(Said)).text == "hi"
        with pytest.raises(ConfigurationError, match="the host shows no ByteSocket"):
            _ = client.app


async def test_a_close_from_either_side_has_its_code_and_reason() -> None:
    api, chat = FastAPI(), talk()
    chat.attach(api)
    ends = list[tuple[int, str]]()

    @chat.lifecycle.close
    async def closed(code: int, reason: str) -> None:
        ends.append((code, reason))

    async with TestClient(api) as client:
        await client.close(4001, "mine")
    async with TestClient(api) as client:
        await chat.sockets()[0].close(4321, "yours")
        assert await client.wait_closed() == (4321, "yours")
    assert ends == [(4001, "mine"), (4321, "yours")]


@pytest.mark.parametrize("reads", [True, False])
async def test_who_reads_nothing_is_a_slow_reader_as_behind_a_network(reads: bool) -> None:
    api, chat = FastAPI(), talk(Settings(limits=Limits(outbox_bytes=100_000)))
    chat.attach(api)
    async with TestClient(api) as client:
        for _ in range(12):
            await chat.broadcast(Said(text="x" * 40_000))
            if reads:
                assert len((await client.receive(Said)).text) == 40_000
            await anyio.wait_all_tasks_blocked()
        if reads:
            assert client.closed is None
        else:
            assert (await client.wait_closed())[0] == 1013


async def a_socket_of_the_hosts_own(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_json({"event": "own"})
    await websocket.close(4000, "done")


async def test_a_socket_of_the_hosts_own_is_not_mistaken_for_one_of_ours() -> None:
    api, chat = FastAPI(), talk()
    api.add_api_websocket_route("/own", a_socket_of_the_hosts_own)
    chat.attach(api)
    async with TestClient(api) as client:
        assert client.app is chat
        with pytest.raises(UndeclaredEvent):
            await client.receive(type("Other", (Said,), {}, name="other"))


def several() -> FastAPI:
    api, versions = FastAPI(), FastAPI()
    ByteSocket(title="Attached").attach(api)
    ByteSocket(title="Nested").attach(versions, path="/nested")
    api.mount("/v1", versions)
    api.mount("/shop", ByteSocket(title="Mounted", path="/socket"))
    api.mount("/at/here", ByteSocket(title="At its own path", path="/here"))
    api.mount("/of/{tenant}", ByteSocket(title="Tenants"))
    return api


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/ws", "Attached"),
        ("/v1/nested", "Nested"),
        ("/shop/socket", "Mounted"),
        ("/at/here/", "At its own path"),
        ("/of/acme/ws", "Tenants"),
    ],
)
async def test_the_path_says_which_socket_of_the_host(path: str, title: str) -> None:
    async with TestClient(several(), path=path) as client:
        assert client.app.title == title
        await client.leave("nowhere")


@pytest.mark.parametrize(
    ("host", "path", "message"),
    [
        (several, None, r"TestClient\(api, path='/of/\{tenant\}/ws'\)|needs to know the path"),
        (several, "/wss", r"has no ByteSocket at path='/wss'\. Did you mean '/ws'\? It has: "),
        (FastAPI, None, r"finds no ByteSocket in the FastAPI: attach it first, `chat\.attach"),
        (lambda: 3, None, r"takes a ByteSocket, or an ASGI application with one, not 3"),
        (lambda: ByteSocket, None, "takes a ByteSocket, or an ASGI application"),
    ],
)
def test_what_a_host_lacks_is_said(host: Any, path: str | None, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        TestClient(host(), path=path)
    assert f"{__file__}:" in str(caught.value)


async def test_sockets_behind_a_mount_with_middleware_are_found() -> None:
    chat = talk()
    host = Starlette(routes=[Mount("/chat", Sessions(chat))])
    async with TestClient(Sessions(host)) as client:
        assert client.app is chat


async def test_a_socket_in_an_included_router_is_found() -> None:
    chat, api, router = talk(), FastAPI(), APIRouter()
    router.mount("/chat", chat)
    api.include_router(router, prefix="/api")
    async with TestClient(api) as client:
        assert client.app is chat


def test_a_host_that_holds_itself_is_looked_into_once() -> None:
    loop, chat = Starlette(), talk()
    loop.mount("/again", loop)
    loop.mount("/chat", chat)
    assert TestClient(loop).app is chat


async def test_a_host_that_says_nonsense_is_told() -> None:
    async def nonsense(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send(message)

    message: Message = {"type": "websocket.send", "text": "early"}
    with pytest.raises(RuntimeError, match=r"sent 'websocket\.send' as the answer"):
        await TestClient(nonsense, path="/ws").__aenter__()
