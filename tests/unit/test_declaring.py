"""`app.on`: by class, by handle, by name."""

from typing import Any

import pytest
from anyio.lowlevel import checkpoint

from bytesocket_app import ByteSocket, ConfigurationError, Socket
from bytesocket_app.testing import RequestError, TestClient
from tests.support.talk import Said, Say, talk

pytestmark = pytest.mark.anyio


async def test_a_bare_name_is_declared_by_its_handlers_annotation() -> None:
    app = ByteSocket(title="T")

    @app.on("add")
    async def add(numbers: list[int]) -> int:
        return sum(numbers)

    async with TestClient(app) as client:
        await client.send({"event": "add", "data": [1, 2], "id": 1})
        assert (await client.receive_message())["data"] == 3
        await client.send({"event": "add", "data": ["x"], "id": 1})
        assert (await client.receive_message())["data"]["error"]["code"] == "validation"


async def test_a_bare_name_without_a_payload_takes_anything() -> None:
    app = ByteSocket(title="T")
    seen: list[Any] = []

    @app.on("ping me")
    async def ping(socket: Socket) -> None:
        seen.append(socket.id)

    @app.on(7)
    async def seven(data) -> None:  # type: ignore[no-untyped-def]
        seen.append(data)

    async with TestClient(app) as client:
        await client.send({"event": "ping me", "data": {"x": 1}, "id": 1})
        await client.send({"event": 7, "data": [None], "id": 1})
        assert (await client.receive_message())["type"] == 32
        assert (await client.receive_message())["type"] == 32
    assert seen[1:] == [[None]]


async def test_a_name_that_is_declared_is_that_event() -> None:
    app = talk()

    @app.on("say")
    async def say(event: Say) -> str:
        return event.text

    async with TestClient(app) as client:
        assert await client.request(Say(text="x")) == "x"


async def test_a_handle_is_handled_by_its_payload() -> None:
    app = talk()
    score = app.declare("score", int, direction="client")

    @app.on(score)
    async def note(points: int) -> int:
        return points * 2

    async with TestClient(app) as client:
        assert await client.request(score(21), int) == 42


async def test_a_keyword_only_parameter_is_served_too() -> None:
    app = talk()

    @app.on(Say)
    async def say(socket: Socket, *, event: Say, app: ByteSocket) -> bool:
        await checkpoint()
        return socket.app is app and event.text == "x"

    async with TestClient(app) as client:
        assert await client.request(Say(text="x")) is True


def test_what_the_server_sends_has_no_handler() -> None:
    with pytest.raises(ConfigurationError, match="'said' cannot have a handler"):

        @talk().on(Said)  # type: ignore[arg-type]
        async def said() -> None:
            """Never called."""


@pytest.mark.parametrize("name", ["", True, float("nan")])
def test_a_name_must_be_one(name: Any) -> None:
    with pytest.raises(ConfigurationError):

        @talk().on(name)
        async def handle() -> None:
            """Never called."""


async def test_no_event_is_handled_before_it_is_declared() -> None:
    async with TestClient(talk()) as client:
        with pytest.raises(RequestError, match="is not handled by this server") as caught:
            await client.request(Say(text="x"))
    assert "Did you mean" not in caught.value.message


async def test_an_event_declared_with_none_is_asked_for_as_none() -> None:
    app = ByteSocket(title="T")
    hello = app.declare("hello", None, direction="client")
    lobby = app.room("lobby")
    heard: list[object] = []

    @app.on(hello)
    async def greet(socket: Socket, event: None) -> str:
        heard.append(event)
        return "hello"

    @lobby.on(hello)
    async def greet_all(event: None) -> None:
        heard.append(event)

    async with TestClient(app) as client:
        await client.send({"event": "hello", "data": None, "id": 1})
        assert (await client.receive_message())["data"] == "hello"
    assert heard == [None]

    with pytest.raises(ConfigurationError, match=r"the event \(event: None\)"):

        @app.on(hello)
        async def wrong(event: int) -> None:
            raise NotImplementedError
