"""The public doors: what they export, handles of rooms, outcomes, old names, and `app.state`."""

import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

import pytest

import bytesocket_app
import bytesocket_app.client
import bytesocket_app.testing
import bytesocket_app.transports
from bytesocket_app import (
    Application,
    ByteSocket,
    ConfigurationError,
    Outcome,
    Room,
    RoomHandle,
    RoomView,
    Router,
    Socket,
    User,
    UserView,
)
from bytesocket_app.testing import TestClient
from tests.support.talk import Said, Say, talk, until

pytestmark = pytest.mark.anyio

DOORS = (
    bytesocket_app,
    bytesocket_app.client,
    bytesocket_app.testing,
    bytesocket_app.transports,
)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_everything_that_a_door_names_is_there_and_says_what_it_is(door: Any) -> None:
    for name in door.__all__:
        value = getattr(door, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), name


async def everybody_is_ann(socket: Socket) -> str:
    return "ann"


def test_what_public_calls_return_is_at_the_root() -> None:
    app = talk()
    app.auth(key=str)(everybody_is_ann)
    room = app.room("doc:{doc_id}")
    assert type(room) is Room
    assert type(room.at(doc_id=7)) is type(app.rooms.at("doc:7")) is RoomHandle
    assert type(app.user("ann")) is User
    assert type(app.socket("an id")) is bytesocket_app.RemoteSocket
    assert type(app.contract()) is bytesocket_app.Contract
    handle = app.declare("bare", int, direction="server")
    assert type(handle) is bytesocket_app.ServerHandle
    assert isinstance(room.guard, bytesocket_app.GuardHook)
    assert app.telemetry.__class__ is bytesocket_app.Telemetry


async def test_a_rooms_handle_is_one_room() -> None:
    app, log = talk(), list[str]()
    doc = app.room("doc:{doc_id}")

    @doc.on_join
    async def joined(doc_id: int) -> None:
        log.append(f"joined {doc_id}")

    @doc.on_leave
    async def left(doc_id: int) -> None:
        log.append(f"left {doc_id}")

    seven = doc.at(doc_id=7)
    assert (seven.name, repr(seven)) == ("doc:7", "<room 'doc:7'>")
    async with TestClient(app) as ann, TestClient(app) as bob:
        await until(lambda: len(app.sockets()) == 2)
        first, second = app.sockets()
        for socket in (first, second):
            await seven.join(socket)
        assert (seven.count(), seven.sockets()) == (2, [first, second])
        assert await seven.emit(Said(text="hi"), exclude=first) == "sent"
        assert (await bob.receive(Said, room="doc:7")).text == "hi"
        await seven.leave(second)
        await app.rooms.at("doc:7").emit(Said(text="you"))
        assert (await ann.receive(Said)).text == "you"
        assert app.rooms.at("doc:7").sockets() == doc.sockets(doc_id=7) == [first]
        assert log == ["joined 7", "joined 7", "left 7"]


def test_a_handle_needs_the_rooms_parameters() -> None:
    doc = talk().room("doc:{doc_id}:{page}")
    with pytest.raises(TypeError, match=r"takes doc_id, page; given: none\.$"):
        doc.at()
    with pytest.raises(TypeError, match="Did you mean 'doc_id' instead of 'docid'"):
        doc.at(docid=7, page=1)
    with pytest.raises(TypeError, match="'exclude' is no parameter of a room: pass it to the verb"):
        doc.at(doc_id=7, page=1, exclude=None)
    with pytest.raises(TypeError, match=r"given: doc_id, page=None\.$"):
        doc.at(doc_id=7, page=None)
    with pytest.raises(TypeError, match="'self' is no parameter of a room"):
        doc.at(doc_id=7, page=1, self=1)
    with pytest.raises(ValueError, match="cannot be filled"):
        doc.at(doc_id="a:b", page=1)


async def test_a_handle_of_a_router_follows_its_inclusion() -> None:
    outer, inner = Router("o:"), Router("i:")
    handle = inner.room("doc:{doc_id}").at(doc_id=7)
    with pytest.raises(ConfigurationError, match=r"public_api.py:\d+: count of room .*app.include"):
        handle.count()
    outer.include(inner)
    app = talk()
    app.include(outer)
    assert (handle.name, handle.count()) == ("o:i:doc:7", 0)


async def test_every_verb_tells_its_outcome() -> None:
    app = talk()
    app.auth(key=str)(everybody_is_ann)
    lobby = app.room("lobby")
    async with TestClient(app) as client:
        await until(app.sockets)
        (socket,) = app.sockets()
        said = Said(text="x")
        outcomes = [
            await socket.emit(said),
            await socket.send_raw("{}"),
            await socket.broadcast(said),
            await socket.rooms.emit("lobby", said),
            await socket.rooms.bulk.emit(["lobby"], said),
            await socket.rooms.publish_raw("lobby", "{}"),
            await app.broadcast(said),
            await app.user("ann").emit(said),
            await app.rooms.emit("lobby", said),
            await app.rooms.bulk.emit(["lobby"], said),
            await app.rooms.publish_raw("lobby", "{}"),
            await lobby.emit(said),
            await lobby.at().emit(said),
        ]
        assert set(outcomes) <= {"sent", "queued"}
        await client.close()
        assert await socket.emit(said) == "dropped"


async def test_what_is_no_rooms_name_enters_no_socket() -> None:
    app = talk()
    app.auth(key=str)(everybody_is_ann)
    doc, said = app.room("doc:{doc_id}"), Said(text="x")
    async with TestClient(app) as client:
        await until(app.sockets)
        (socket,) = app.sockets()
        calls: list[Callable[[Any], Awaitable[object]]] = [
            socket.rooms.join,
            socket.rooms.leave,
            partial(socket.rooms.emit, event=said),
            partial(socket.rooms.publish_raw, payload="{}"),
            partial(app.rooms.emit, event=said),
            partial(app.rooms.publish_raw, payload="{}"),
        ]
        of_several: list[Callable[[Any], Awaitable[object]]] = [
            socket.rooms.bulk.join,
            partial(socket.rooms.bulk.emit, event=said),
        ]
        wrong: Any
        for wrong in (doc, doc.at(doc_id=7), 7, None):
            text = "is no name of a room, which is a text"
            for call in calls:
                with pytest.raises(TypeError, match=text):
                    await call(wrong)
            for call in of_several:
                with pytest.raises(TypeError, match=text):
                    await call([wrong])
            with pytest.raises(TypeError, match=text):
                app.rooms.at(wrong)
        with pytest.raises(TypeError, match="is no socket: pass the one"):
            await doc.at(doc_id=7).join(cast("Any", socket.id))
        assert socket.rooms.list() == []
        await client.close()


async def test_helpers_are_annotated_with_names_at_the_root() -> None:
    app = talk()
    app.auth(key=str)(everybody_is_ann)
    lobby = app.room("lobby")

    def occupied(room: RoomView) -> int:
        return room.count()

    async def tell(user: UserView, application: Application) -> Outcome:
        return await user.emit(Said(text=application.title))

    @app.on(Say)
    async def say(socket: Socket, event: Say, application: Application) -> str:
        here = occupied(socket.app.rooms.at("lobby")), occupied(lobby.at())
        told = await tell(socket.app.user("ann"), application), await tell(app.user("ann"), app)
        return f"{here} {told}"

    async with TestClient(app) as client:
        assert await client.request(Say(text="hi")) == "(0, 0) ('sent', 'sent')"


async def test_old_names_warn_with_the_place_of_the_call() -> None:
    app = talk()
    lobby = app.room("lobby", join="server")
    with pytest.warns(
        DeprecationWarning, match=r"Room\.members\(\) is called Room\.sockets\(\)"
    ) as seen:
        assert lobby.members() == []
    assert seen[0].filename == __file__
    with pytest.warns(DeprecationWarning, match=r"Room\.join is called Room\.joined_by"):
        assert lobby.join == "server"
    with pytest.warns(DeprecationWarning, match=r"ByteSocket\.host is called"):
        assert app.host is app.housekeeping


async def test_an_application_has_a_namespace_that_handlers_reach() -> None:
    class Shop(ByteSocket):
        currency = "EUR"

    app = Shop(title="Shop", events=[Say, Said])
    app.state.prices = {"tea": 3}

    @app.on(Say)
    async def say(socket: Socket, event: Say, app: Shop) -> str:
        assert socket.app.title == "Shop"
        return f"{socket.app.state.prices[event.text]} {app.currency}"

    async with TestClient(app) as client:
        assert await client.request(Say(text="tea"), str) == "3 EUR"
