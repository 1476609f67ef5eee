"""Rooms that nobody declared: a warning with file, line and near miss; an error under strict."""

import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bytesocket_app import ByteSocket, Policies, ServerEvent, Settings, Socket
from bytesocket_app.client import RequestError
from bytesocket_app.errors import ConfigurationError, UndeclaredRoom
from bytesocket_app.testing import TestClient


class Moved(ServerEvent, name="moved"):
    x: int = 1


Verb = Callable[[ByteSocket, Socket[Any], str], Awaitable[object]]


VERBS: dict[str, Verb] = {
    "app.rooms.emit": lambda app, _, room: app.rooms.emit(room, Moved()),
    "app.rooms.at.emit": lambda app, _, room: app.rooms.at(room).emit(Moved()),
    "app.rooms.at.join": lambda app, socket, room: app.rooms.at(room).join(socket),
    "app.rooms.bulk.emit": lambda app, _, room: app.rooms.bulk.emit([room], Moved()),
    "app.rooms.publish_raw": lambda app, _, room: app.rooms.publish_raw(room, "x"),
    "socket.rooms.join": lambda _, socket, room: socket.rooms.join(room),
    "socket.rooms.emit": lambda _, socket, room: socket.rooms.emit(room, Moved()),
    "socket.rooms.publish_raw": lambda _, socket, room: socket.rooms.publish_raw(room, "x"),
    "socket.rooms.bulk.join": lambda _, socket, room: socket.rooms.bulk.join([room]),
    "socket.rooms.bulk.emit": lambda _, socket, room: socket.rooms.bulk.emit([room], Moved()),
}
every_verb = pytest.mark.parametrize("verb", VERBS)


def made(*, strict: bool = False, policies: Policies | None = None) -> ByteSocket:
    settings = Settings(policies=policies or Policies())
    app = ByteSocket(title="Docs", events=[Moved], strict=strict, settings=settings)
    app.room("doc:{doc_id}")
    app.room("lobby")
    app.room("staff", join="server")
    return app


@pytest.mark.anyio
@every_verb
async def test_a_verb_of_server_code_warns_of_an_undeclared_room(verb: str) -> None:
    app = made()
    async with TestClient(app):
        (socket,) = app.sockets()
        said = r"no room 'dok:…'\. Did you mean 'doc:\{doc_id\}'\?"
        with pytest.warns(FutureWarning, match=said) as seen:
            await VERBS[verb](app, socket, "dok:1")
    assert [one.filename for one in seen] == [__file__]


@pytest.mark.anyio
@every_verb
async def test_under_strict_it_is_an_error(verb: str) -> None:
    app = made(strict=True)
    async with TestClient(app):
        (socket,) = app.sockets()
        with pytest.raises(
            UndeclaredRoom, match=r"test_undeclared_rooms\.py:\d+: .*'doc:\{doc_id\}'"
        ):
            await VERBS[verb](app, socket, "dok:1")
        await VERBS[verb](app, socket, "doc:1")
        await VERBS[verb](app, socket, "staff")
    assert issubclass(UndeclaredRoom, ConfigurationError)


@pytest.mark.anyio
@every_verb
async def test_open_applications_use_any_room(verb: str) -> None:
    app = made(strict=True, policies=Policies(undeclared="open"))
    async with TestClient(app):
        (socket,) = app.sockets()
        await VERBS[verb](app, socket, "dok:1")


@pytest.mark.anyio
async def test_each_place_is_told_of_once() -> None:
    app = made()
    async with TestClient(app):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            for _ in range(3):
                await app.rooms.emit("dok:1", Moved())
    assert len(seen) == 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("asked", "meant"), [("loby", "lobby"), ("dok:1", "doc:1"), ("staf", None), ("zzz", None)]
)
async def test_a_peer_that_joins_a_misspelt_room_is_told_a_near_miss(
    asked: str, meant: str | None
) -> None:
    async with TestClient(made()) as client:
        with pytest.raises(RequestError, match=f"There is no room '{asked}' to join") as caught:
            await client.join(asked)
    assert ("Did you mean" in caught.value.message) is (meant is not None)
    assert meant is None or f"'{meant}'" in caught.value.message


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("asked", "meant"), [("lott:1", "lot:1"), ("lott:x", None), ("zzz:x", None)]
)
async def test_a_near_miss_is_a_room_that_there_can_be(asked: str, meant: str | None) -> None:
    app = ByteSocket(title="Lots")
    lot = app.room("lot:{number}")

    @lot.guard
    async def anybody(number: int) -> None: ...

    async with TestClient(app) as client:
        with pytest.raises(RequestError) as caught:
            await client.join(asked)
    said = f" Did you mean '{meant}'?" if meant else ""
    assert caught.value.message == f"There is no room '{asked}' to join.{said}"
