"""ClientRoom names, and handles."""

from enum import Enum
from uuid import UUID

import anyio
import pytest

from bytesocket_app.client.listening_side import ListeningSide
from bytesocket_app.client.outgoing import Outgoing
from bytesocket_app.client.room import ClientRoom, filled_name
from bytesocket_app.client.settings import ClientSettings
from bytesocket_app.errors import ConfigurationError, Disconnected, RequestError
from bytesocket_app.events import ClientEvent
from bytesocket_app.wire import JSON

pytestmark = pytest.mark.anyio


class Colour(Enum):
    RED = "red"


class Post(ClientEvent, name="post"):
    pass


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (7, "r:7"),
        ("a b", "r:a b"),
        (UUID(int=1), f"r:{UUID(int=1)}"),
        (Colour.RED, "r:red"),
        (True, "r:true"),
        (False, "r:false"),
    ],
)
def test_parameters_are_written_as_json_says_them(value: object, name: str) -> None:
    assert filled_name("r:{x}", {"x": value}) == name


@pytest.mark.parametrize("value", ["", "a:cursors", ":"])
def test_a_parameter_that_would_name_another_room_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"Room 'doc:\{doc_id\}': doc_id cannot be "):
        filled_name("doc:{doc_id}", {"doc_id": value})


@pytest.mark.parametrize(
    ("pattern", "parameters"), [("r:{x}", {}), ("r", {"x": 1}), ("{a}:{b}", {"a": 1, "c": 1})]
)
def test_parameters_must_fit_the_pattern(pattern: str, parameters: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="takes"):
        filled_name(pattern, parameters)


def joined_link() -> tuple[Outgoing, ListeningSide]:
    return Outgoing(JSON, ClientSettings()), ListeningSide(10)


async def until_ready(room: ClientRoom) -> None:
    await room.ready


async def test_ready_follows_the_servers_answers() -> None:
    outgoing, listening = joined_link()
    room = ClientRoom("r", outgoing, listening)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(until_ready, room)
            await anyio.wait_all_tasks_blocked()
            outgoing.rooms.answered("r", is_join=True, error=None)
        await room.ready
        assert room.is_joined
        outgoing.rooms.closed()
        outgoing.rooms.answered("r", is_join=True, error=RequestError("no"))
        with pytest.raises(RequestError):
            await room.ready


async def test_a_handle_that_left_is_done() -> None:
    outgoing, listening = joined_link()
    room, other = ClientRoom("r", outgoing, listening), ClientRoom("r", outgoing, listening)
    outgoing.rooms.answered("r", is_join=True, error=None)
    await room.leave()
    await room.leave()
    assert not room.is_joined
    assert other.is_joined
    with pytest.raises(Disconnected, match="has left"):
        await room.ready
    await other.leave()


async def test_a_handle_made_while_the_room_is_being_left_waits_to_be_let_in_again() -> None:
    outgoing, listening = joined_link()
    outgoing.rooms.opened(lambda _kind, _room: None)
    room = ClientRoom("r", outgoing, listening)
    outgoing.rooms.answered("r", is_join=True, error=None)
    await room.leave()
    again = ClientRoom("r", outgoing, listening)
    assert not again.is_joined
    outgoing.rooms.answered("r", is_join=False, error=None)
    outgoing.rooms.answered("r", is_join=True, error=RequestError("no"))
    with anyio.fail_after(30), pytest.raises(RequestError):
        await again.ready


async def test_no_room_is_joined_after_the_end() -> None:
    outgoing, listening = joined_link()
    room = ClientRoom("r", outgoing, listening)
    outgoing.end(Disconnected("closed"))
    with pytest.raises(Disconnected, match="closed"):
        await room.ready
