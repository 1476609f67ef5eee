"""Room names, and handles."""

from enum import Enum
from uuid import UUID

import anyio
import pytest

from bytesocket_app.client.hearing import Hearing
from bytesocket_app.client.link import Link
from bytesocket_app.client.room import Room, declared_reply, room_name
from bytesocket_app.client.settings import ClientSettings
from bytesocket_app.errors import ConfigurationError, Disconnected, RequestError
from bytesocket_app.events import ClientEvent, PayloadType
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
    assert room_name("r:{x}", {"x": value}) == name


@pytest.mark.parametrize(
    ("pattern", "parameters"), [("r:{x}", {}), ("r", {"x": 1}), ("{a}:{b}", {"a": 1, "c": 1})]
)
def test_parameters_must_fit_the_pattern(pattern: str, parameters: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="takes"):
        room_name(pattern, parameters)


def test_only_declared_replies_can_be_requested() -> None:
    reply = PayloadType(str)
    assert declared_reply({"post": reply}, Post()) is reply
    with pytest.raises(ConfigurationError, match="no reply"):
        declared_reply({}, Post())


def joined_link() -> tuple[Link, Hearing]:
    return Link(JSON, ClientSettings()), Hearing(10)


async def until_ready(room: Room) -> None:
    await room.ready


async def test_ready_follows_the_servers_answers() -> None:
    link, hearing = joined_link()
    room = Room("r", link, hearing)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(until_ready, room)
            await anyio.wait_all_tasks_blocked()
            link.rooms.answered("r", is_join=True, error=None)
        await room.ready
        assert room.is_joined
        link.rooms.closed()
        link.rooms.answered("r", is_join=True, error=RequestError("no"))
        with pytest.raises(RequestError):
            await room.ready


async def test_a_handle_that_left_is_done() -> None:
    link, hearing = joined_link()
    room, other = Room("r", link, hearing), Room("r", link, hearing)
    link.rooms.answered("r", is_join=True, error=None)
    await room.leave()
    await room.leave()
    assert not room.is_joined
    assert other.is_joined
    with pytest.raises(Disconnected, match="has left"):
        await room.ready
    await other.leave()


async def test_a_handle_made_while_the_room_is_being_left_waits_to_be_let_in_again() -> None:
    link, hearing = joined_link()
    link.rooms.opened(lambda _kind, _room: None)
    room = Room("r", link, hearing)
    link.rooms.answered("r", is_join=True, error=None)
    await room.leave()
    again = Room("r", link, hearing)
    assert not again.is_joined
    link.rooms.answered("r", is_join=False, error=None)
    link.rooms.answered("r", is_join=True, error=RequestError("no"))
    with anyio.fail_after(30), pytest.raises(RequestError):
        await again.ready


async def test_no_room_is_joined_after_the_end() -> None:
    link, hearing = joined_link()
    room = Room("r", link, hearing)
    link.end(Disconnected("closed"))
    with pytest.raises(Disconnected, match="closed"):
        await room.ready
