"""The client's own manners; what it does on a network is tested end to end."""

import anyio
import pytest

from bytesocket_app.client import Client, ClientContract, ClientEvent, Disconnected, Room
from bytesocket_app.errors import ConfigurationError

pytestmark = pytest.mark.anyio

NOWHERE = "ws://127.0.0.1:1/"


class Post(ClientEvent, name="post"):
    pass


class Declared(Client):
    contract = ClientContract(title="Declared", path="/ws", codec="binary")
    _rooms = {"lobby": Room}  # noqa: RUF012

    def enter(self, pattern: str) -> Room:
        room: Room = self._join(pattern, {})
        return room

    async def ask(self) -> object:
        return await self._request(Post(), None)


def test_a_bad_address_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="ws://"):
        Client("example.org")


async def test_only_declared_rooms_and_replies_are_offered() -> None:
    client = Declared(NOWHERE)
    assert client.enter("lobby").name == "lobby"
    with pytest.raises(ConfigurationError, match=r"'nowhere' is no room .* Declared are: 'lobby'"):
        client.enter("nowhere")
    with pytest.raises(ConfigurationError, match="no reply"):
        await client.ask()


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
