"""Events, rooms and lifecycle hooks are added, added once and removed in one shape."""

from typing import Any

import pytest

from bytesocket_app import ByteSocket, ClientEvent, Hook
from bytesocket_app.testing import TestClient

pytestmark = pytest.mark.anyio


class Ping(ClientEvent):
    n: int = 0


def every_place(app: ByteSocket) -> dict[str, Hook]:
    lobby = app.room("lobby")
    return {
        "event": app.on(Ping),
        "bare name": app.on("bare"),
        "room event": lobby.on(Ping),
        "guard": lobby.guard,
        "join": lobby.on_join,
        "leave": lobby.on_leave,
        "open": app.lifecycle.open,
        "close": app.lifecycle.close,
    }


async def use(app: ByteSocket) -> None:
    """One connection that makes every place call its functions."""
    async with TestClient(app) as client:
        await client.join("lobby")
        await client.send({"event": "ping", "data": {}})
        await client.send({"event": "bare"})
        await client.send({"room": "lobby", "event": "ping", "data": {}})
        await client.leave("lobby")


PLACES = ["event", "bare name", "room event", "guard", "join", "leave", "open", "close"]


@pytest.mark.parametrize("place", PLACES)
async def test_once_is_for_the_next_time_only(place: str) -> None:
    app, calls = ByteSocket(title="T"), list[str]()

    async def note() -> None:
        calls.append(place)

    assert every_place(app)[place].once(note) is note
    await use(app)
    await use(app)
    assert calls == [place]


@pytest.mark.parametrize("place", PLACES)
async def test_added_twice_is_called_once_and_removed_not_at_all(place: str) -> None:
    app, calls = ByteSocket(title="T"), list[str]()

    async def note() -> None:
        calls.append(place)

    hook = every_place(app)[place]
    hook(hook(note))
    await use(app)
    assert calls == [place]
    hook.remove(note)
    await use(app)
    assert calls == [place]


async def test_remove_without_a_function_removes_all() -> None:
    app, calls = ByteSocket(title="T"), list[Any]()

    @app.on(Ping)
    async def one() -> None:
        calls.append(1)

    @app.on(Ping)
    async def two() -> None:
        calls.append(2)

    app.on(Ping).remove()
    await use_ping(app)
    assert calls == []


async def use_ping(app: ByteSocket) -> None:
    async with TestClient(app) as client:
        await client.emit(Ping())
        await client.send({"event": "nothing", "id": 1})
        while (await client.receive_message()).get("id") != 1:
            pass
