"""The client's own manners; what it does on a network is tested end to end."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from bytesocket_app.client import (
    Client,
    ClientContract,
    ClientEvent,
    Disconnected,
    DynamicClient,
    Room,
    ServerEvent,
)
from bytesocket_app.errors import ConfigurationError

pytestmark = pytest.mark.anyio

NOWHERE = "ws://127.0.0.1:1/"


class Post(ClientEvent, name="post"):
    pass


class Posted(ServerEvent, name="posted"):
    pass


class Declared(Client):
    contract = ClientContract(title="Declared", path="/ws", codec="binary")
    _rooms = {"lobby": Room}  # noqa: RUF012

    def enter(self, pattern: str) -> Room:
        room: Room = self._join(pattern, {})
        return room

    async def ask(self, event: Any) -> object:
        return await self._request(event, None)


def test_a_bad_address_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="ws://"):
        Client("example.org")


def test_only_declared_rooms_are_offered() -> None:
    client = Declared(NOWHERE)
    assert client.enter("lobby").name == "lobby"
    with pytest.raises(ConfigurationError, match=r"'nowhere' is no room .* Declared are: 'lobby'"):
        client.enter("nowhere")


async def test_a_client_that_is_not_entered_sends_and_waits_for_nothing() -> None:
    client = DynamicClient(NOWHERE)
    room = client.join("lobby")
    events = client.events(Posted)
    with anyio.fail_after(30):
        for call in (
            lambda: client.emit(Post()),
            lambda: client.request(Post(), str),
            lambda: client.ready,
            lambda: room.emit(Post()),
            lambda: room.request(Post(), str),
            lambda: room.ready,
            lambda: anext(events),
            lambda: anext(room.events(Posted)),
        ):
            with pytest.raises(
                RuntimeError, match=r"not running: use it inside `async with DynamicClient\("
            ):
                await call()
        async with client:
            assert await client.emit(Post()) == "queued"
        assert await client.emit(Post()) == "dropped"
        assert [event async for event in events] == []


@pytest.mark.parametrize("wrong", ["chat:post", {"text": "hi"}, None, "x" * 1000])
async def test_what_is_no_event_is_not_sent(wrong: Any) -> None:
    client = DynamicClient(NOWHERE)
    async with client:
        room = client.join("lobby")
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: client.emit(wrong),
            lambda: client.request(wrong, str),
            lambda: room.emit(wrong),
            lambda: room.request(wrong, str),
        ]
        for call in calls:
            with pytest.raises(
                TypeError,
                match=r"^pass an event, as in Post\(.{,80}; a DynamicClient has request_raw\(",
            ):
                await call()
    with pytest.raises(TypeError, match="pass an event"):
        await Declared(NOWHERE).ask(wrong)


async def test_a_client_sends_no_event_of_the_server_and_hears_none_of_its_own() -> None:
    async with DynamicClient(NOWHERE) as client:
        for side in (client, client.join("lobby")):
            verbs: Any = side
            for send in (verbs.emit, verbs.request):
                with pytest.raises(ConfigurationError, match=r"Posted \(.*the server sends"):
                    await send(Posted())
                with pytest.raises(TypeError, match=r"Post\(\.\.\.\), not the class itself"):
                    await send(Post)
            for hear in (verbs.on, verbs.events):
                with pytest.raises(ConfigurationError, match=r"Post \(.*never arrives here"):
                    hear(Post)
                with pytest.raises(TypeError, match="dict is no event"):
                    hear(dict)


async def test_a_client_lives_once() -> None:
    client = Client(NOWHERE)
    assert client.state == "closed"
    with anyio.fail_after(30):
        async with client:
            pass
        with pytest.raises(RuntimeError, match="lives once"):
            await client.__aenter__()
        with pytest.raises(Disconnected):
            await client.ready


async def test_leaving_without_entering_is_nothing() -> None:
    assert await Client(NOWHERE).__aexit__(None, None, None) is None
