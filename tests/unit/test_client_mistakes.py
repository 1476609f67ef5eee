"""Mistakes with a Python client: what is said names the mistake and the remedy."""

from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import BaseModel

from bytesocket_app import ByteSocket, ClientEvent, ServerEvent
from bytesocket_app.client import (
    AuthError,
    ClientSettings,
    ConnectError,
    Disconnected,
    DynamicClient,
    DynamicRoom,
    ErrorContext,
    RequestError,
)
from bytesocket_app.errors import ConfigurationError
from bytesocket_cli.codegen.python import python
from tests.support.beside import Beside, beside
from tests.support.conditions import until
from tests.support.generated import load
from tests.support.scripted_server import Script, ScriptedServer

pytestmark = pytest.mark.anyio

ONCE = ClientSettings(max_attempts=1, backoff_base=0.01, backoff_cap=0.01, request_timeout=30)


class Post(ClientEvent, name="chat:post"):
    text: str


class Posted(ServerEvent, name="chat:posted"):
    text: str


class Credentials(BaseModel):
    name: str
    age: int


def chat() -> ByteSocket:
    """An application with three kinds of rooms."""
    app = ByteSocket(title="Chat", path="/chat", events=[Post, Posted])
    for pattern in ("lobby", "doc:{doc_id}", "team:{team}:{day}"):
        app.room(pattern)

    @app.on(Post)
    async def post(event: Post) -> int:
        return len(event.text)

    return app


def one_room() -> ByteSocket:
    app = ByteSocket(title="One", path="/one")
    doc = app.room("doc:{doc_id}")

    @doc.on(Post)
    async def post(event: Post, doc_id: int) -> None: ...

    return app


def made(app: ByteSocket, folder: Path) -> Any:
    document = dict(app.contract().document)
    return load(python(document), f"mistaken_{app.title.lower()}", folder)


def members() -> ByteSocket:
    app = ByteSocket(title="Members")

    @app.auth
    async def check(given: Credentials) -> str:
        return given.name

    return app


@pytest.fixture
def server() -> Generator[Beside]:
    with beside(chat()) as server:
        yield server


@pytest.fixture
def closed() -> Generator[Beside]:
    """A server for those who say who they are."""
    with beside(members()) as server:
        yield server


@pytest.fixture
def elsewhere() -> Generator[Beside]:
    with beside(ByteSocket(title="Elsewhere", path="/elsewhere")) as server:
        yield server


@pytest.fixture
def nowhere() -> Generator[str]:
    """The address of an HTTP server that has no pages and no sockets."""
    script = Script(status=404)
    with ScriptedServer(script) as server:
        yield server.url


@pytest.fixture(params=["picows", "hypercorn", "uvicorn"])
def each(request: pytest.FixtureRequest) -> Generator[Beside]:
    with beside(chat(), request.param) as server:
        yield server


def test_a_room_that_is_joined_by_its_name_is_told_how(tmp_path: Path) -> None:
    client = made(chat(), tmp_path).ChatClient("ws://127.0.0.1:1")
    for name, remedy in (
        (
            "doc:7",
            r"""the rooms 'doc:\{doc_id\}': join it by join\("doc:\{doc_id\}", doc_id='7'\)\.""",
        ),
        ("team:a:b", r"""join it by join\("team:\{team\}:\{day\}", team='a', day='b'\)\."""),
        ("loby", r"'loby' is no room a client can join\. Did you mean 'lobby'\? Declared are"),
        ("doc:{docid}", r"Did you mean 'doc:\{doc_id\}'\?"),
        (
            "nowhere at all",
            r"no room a client can join\. Declared are: 'doc:\{doc_id\}', 'lobby', ",
        ),
    ):
        with pytest.raises(ConfigurationError, match=remedy):
            client.join(name)
    missing = r"""takes \['doc_id'\], not none: join\("doc:\{doc_id\}", doc_id=\.\.\.\)"""
    with pytest.raises(ConfigurationError, match=missing):
        client.join("doc:{doc_id}")
    for call in (DynamicRoom.of, DynamicClient("ws://127.0.0.1:1").join):
        with pytest.raises(ConfigurationError, match=missing):
            call("doc:{doc_id}")


def test_a_room_that_is_joined_with_others_by_its_text_is_told_its_class(tmp_path: Path) -> None:
    client = made(chat(), tmp_path).ChatClient("ws://127.0.0.1:1")
    for given, remedy in (
        ("lobby", r"what a room's class makes, LobbyRoom\.of\(\), not 'lobby'"),
        ("doc:{doc_id}", r"DocRoom\.of\(doc_id=\.\.\.\), not"),
        ("team:a:b", r"TeamRoom\.of\(team=\.\.\., day=\.\.\.\), not 'team:a:b'"),
        ("loby", r"DocRoom\.of\(doc_id=\.\.\.\) or LobbyRoom\.of\(\) or "),
        (7, r"not 7"),
    ):
        with pytest.raises(TypeError, match=remedy):
            client.join_all(given)


def test_the_only_room_of_a_client_says_how_it_is_joined_too(tmp_path: Path) -> None:
    client = made(one_room(), tmp_path).OneClient("ws://127.0.0.1:1")
    assert client.join("doc:{doc_id}", doc_id=7).name == "doc:7"
    mistakes: list[tuple[Callable[[], object], str]] = [
        (lambda: client.join("doc:7"), r'join it by join\("doc:\{doc_id\}", doc_id=7\)\.'),
        (lambda: client.join("doc:{doc_id}"), r"takes \['doc_id'\], not none"),
        (lambda: client.join("doc:{doc_id}", docid=7), r"takes \['doc_id'\], not \['docid'\]"),
        (lambda: client.join("dok:7"), r"no room a client can join"),
    ]
    for call, remedy in mistakes:
        with pytest.raises(ConfigurationError, match=remedy):
            call()


def test_a_misspelt_event_is_told_what_is_meant(tmp_path: Path) -> None:
    client = made(chat(), tmp_path).ChatClient("ws://127.0.0.1:1")
    for hear in (client.on, client.once):
        with pytest.raises(ConfigurationError, match=r"Did you mean 'chat:posted'\? There are:"):
            hear("chat:postd", print)
        with pytest.raises(ConfigurationError, match="never arrives here"):
            hear(made(chat(), tmp_path).Post, print)


@pytest.mark.parametrize("name", ["loby", "dok:7"])
async def test_the_server_hints_at_a_misspelt_room(server: Beside, name: str) -> None:
    meant = {"loby": "lobby", "dok:7": "doc:7"}[name]
    text = rf"unknown_room: There is no room '{name}' to join\. Did you mean '{meant}'\?"
    with anyio.fail_after(30):
        async with DynamicClient(f"{server.url}/chat", settings=ONCE) as client:
            with pytest.raises(RequestError, match=text):
                await client.join(name).ready
            with pytest.raises(RequestError, match=text):
                await client.join_all("lobby", name).ready


async def test_an_invalid_payload_is_told_with_its_field(server: Beside) -> None:
    with anyio.fail_after(30):
        async with DynamicClient(f"{server.url}/chat", settings=ONCE) as client:
            with pytest.raises(RequestError) as refused:
                await client.request_raw("chat:post", {"txt": "x"})
    assert str(refused.value) == "validation: The payload is not valid. text: Field required"


async def test_a_wrong_path_is_told_without_its_query_and_where_the_socket_is(
    each: Beside, tmp_path: Path
) -> None:
    module = made(chat(), tmp_path)
    errors: list[ErrorContext] = []
    with anyio.fail_after(30):
        for client in (
            DynamicClient(f"{each.url}/nope?token=secret", settings=ONCE),
            module.ChatClient(f"{each.url}/nope?token=secret", settings=ONCE),
        ):
            async with client:
                client.on_error(errors.append)
                with pytest.raises(Disconnected, match=r"at /nope of 127\.0\.0\.1") as ended:
                    await client.ready
            assert "/chat" in str(ended.value)
            assert "secret" not in str(ended.value)
    assert [type(error.error) for error in errors] == [ConnectError, ConnectError]
    assert not [error for error in errors if "?" in str(error.error)]


async def test_a_wrong_path_of_another_server_is_told_by_the_contract(
    elsewhere: Beside, nowhere: str, tmp_path: Path
) -> None:
    module = made(chat(), tmp_path)
    with anyio.fail_after(30):
        async with module.ChatClient(f"{nowhere}/wrong", settings=ONCE) as client:
            with pytest.raises(Disconnected, match=r"404.*; the contract's socket is at /chat"):
                await client.ready
        async with module.ChatClient(elsewhere.url, settings=ONCE) as client:
            with pytest.raises(Disconnected, match=r"at /chat of .* try /elsewhere") as ended:
                await client.ready
            assert "the contract's" not in str(ended.value)


@pytest.mark.parametrize(
    ("credentials", "problem"),
    [
        ({"name": "ann"}, "age: Field required"),
        ({"name": 5, "age": "x"}, "name: Input should be a valid string; age: Input should be"),
        ("ann", "credentials: Input should be"),
        (None, "credentials: Input should be"),
    ],
)
async def test_credentials_of_the_wrong_shape_are_told_with_their_fields(
    closed: Beside, credentials: Any, problem: str
) -> None:
    with anyio.fail_after(30):
        client = DynamicClient(f"{closed.url}/ws", auth=lambda: credentials, settings=ONCE)
        async with client:
            with pytest.raises(AuthError, match=f"The credentials cannot be read: {problem}"):
                await client.ready
            await until(lambda: isinstance(client.ended, AuthError))


async def test_a_client_that_was_not_entered_says_so(tmp_path: Path, server: Beside) -> None:
    client = made(chat(), tmp_path).ChatClient(server.url)
    group = client.join_all()
    await group.ready
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: client.emit(Post(text="x")),
        lambda: client.request(Post(text="x")),
        lambda: client.send_raw("x"),
        lambda: client.ready,
        lambda: client.join("lobby").ready,
    ]
    for call in calls:
        with pytest.raises(RuntimeError, match=r"use it inside `async with ChatClient\(\.\.\.\)"):
            await call()
