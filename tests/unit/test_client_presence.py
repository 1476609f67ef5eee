"""Generated Python clients show who is in a room, and change their own entry."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from anyio import Event, create_task_group, fail_after, sleep
from pydantic import BaseModel

from bytesocket_app import ByteSocket, Settings, Socket, Timeouts
from bytesocket_app.client import ClientSettings, ErrorContext, PresenceChange
from bytesocket_app.serving.runners.listening import listen
from bytesocket_app.types import CodecName, UserKey
from bytesocket_cli.codegen.python import python
from tests.support.generated import load

pytestmark = pytest.mark.anyio

FAST = ClientSettings(backoff_base=0.02, backoff_cap=0.05, close_timeout=1)


class Fellow(BaseModel):
    name: str
    typing: bool = False


def desk() -> ByteSocket:
    app = ByteSocket(title="Desk", settings=Settings(timeouts=Timeouts(presence_linger=0.2)))

    @app.auth(key=str)
    async def known(credentials: str) -> str:
        return credentials

    doc = app.room("doc:{doc_id}")

    @doc.presence(clients=["typing"])
    def fellow(socket: Socket[str], doc_id: int) -> Fellow:
        return Fellow(name=f"{socket.user} at {doc_id}")

    app.room("stage", presence="count")
    app.room("cellar")
    return app


@asynccontextmanager
async def served(app: ByteSocket) -> AsyncGenerator[str]:
    """Serve an application on a free port; gives its address."""
    stop = Event()
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        async with create_task_group() as tasks:
            tasks.start_soon(run, app, listener, stop)
            yield f"ws://127.0.0.1:{port}/ws"
            stop.set()


async def run(app: ByteSocket, listener: Any, stop: Event) -> None:
    await app.serve(listener=listener, stop=stop, grace=1)


async def wait(holds: Callable[[], bool]) -> None:
    with fail_after(30):
        while not holds():  # noqa: ASYNC110 - what a server brings about tells no event
            await sleep(0.005)


@pytest.fixture
def module(tmp_path: Path) -> ModuleType:
    return load(python(desk().contract().document), "presence_client", tmp_path)


def shown(presence: Any) -> dict[UserKey, list[tuple[str, bool]]]:
    return {key: [(one.name, one.typing) for one in each] for key, each in presence.items()}


@pytest.mark.parametrize("codec", ["json", "binary"])
async def test_a_generated_client_sees_who_comes_changes_and_goes(
    module: ModuleType, codec: CodecName
) -> None:
    app, told = desk(), list[PresenceChange]()
    async with served(app) as url:
        client = module.DeskClient(url, auth="ann", codec=codec, settings=FAST)
        async with client as ann:
            room = ann.join("doc:{doc_id}", doc_id=7)
            room.on_presence(told.append)
            await wait(lambda: shown(room.presence) == {"ann": [("ann at 7", False)]})
            async with module.DeskClient(url, auth="bob", codec=codec, settings=FAST) as bob:
                there = bob.join("doc:{doc_id}", doc_id=7)
                await there.ready
                await wait(lambda: list(room.presence) == list(there.presence) == ["ann", "bob"])
                assert await there.presence.update(typing=True) == "sent"
                changed = [("bob at 7", True)]
                await wait(lambda: shown(room.presence).get("bob") == changed)
                assert isinstance(room.presence["bob"][0], module.Fellow)
                assert (len(room.presence), room.presence.count) == (2, 2)
            await wait(lambda: list(room.presence) == ["ann"])
            await wait(lambda: len(told) == 4)
    assert told == [
        PresenceChange(("ann",), (), ()),
        PresenceChange(("bob",), (), ()),
        PresenceChange((), ("bob",), ()),
        PresenceChange((), (), ("bob",)),
    ]


async def test_after_a_reconnection_the_map_is_right_again(module: ModuleType) -> None:
    app, told = desk(), list[PresenceChange]()
    async with (
        served(app) as url,
        module.DeskClient(url, auth="ann", settings=FAST) as ann,
        module.DeskClient(url, auth="bob", settings=FAST) as bob,
    ):
        room = ann.join("doc:{doc_id}", doc_id=7)
        other = bob.join("doc:{doc_id}", doc_id=7)
        await wait(lambda: set(room.presence) == {"ann", "bob"})
        room.on_presence(told.append)
        (socket,) = (one for one in app.sockets() if one.user == "ann")
        await socket.close(4000, "again")
        await other.leave()
        await wait(lambda: set(room.presence) == {"ann"} and room.is_joined)
        assert told == [PresenceChange((), (), ("bob",))]


async def test_a_room_that_counts_has_a_count_and_nobody(module: ModuleType) -> None:
    app, told = desk(), list[PresenceChange]()
    async with served(app) as url, module.DeskClient(url, auth="ann", settings=FAST) as ann:
        stage = ann.join("stage")
        stage.on_presence(told.append)
        await wait(lambda: stage.presence.count == 1)
        assert dict(stage.presence) == {}
        await wait(lambda: told == [PresenceChange((), (), ())])


async def test_a_handle_that_left_hears_no_more(module: ModuleType) -> None:
    app, told, kept = desk(), list[PresenceChange](), list[PresenceChange]()
    async with (
        served(app) as url,
        module.DeskClient(url, auth="ann", settings=FAST) as ann,
        module.DeskClient(url, auth="bob", settings=FAST) as bob,
    ):
        one, two = ann.join("doc:{doc_id}", doc_id=7), ann.join("doc:{doc_id}", doc_id=7)
        await wait(lambda: list(two.presence) == ["ann"])
        assert one.presence is two.presence
        one.on_presence(told.append)
        two.on_presence(kept.append)
        await one.leave()
        await bob.join("doc:{doc_id}", doc_id=7).ready
        await wait(lambda: len(kept) == 1)
        assert told == []


async def test_a_refused_change_reaches_the_error_hooks(module: ModuleType) -> None:
    app, errors = desk(), list[ErrorContext]()
    async with served(app) as url, module.DeskClient(url, auth="ann", settings=FAST) as ann:
        ann.on_error(errors.append)
        room = ann.join("doc:{doc_id}", doc_id=7)
        await room.ready
        await room.presence.update(typing="perhaps")
        await wait(lambda: len(errors) == 1)
    assert "The entry is not valid" in str(errors[0].error)


def test_a_client_of_a_room_without_presence_has_none(module: ModuleType) -> None:
    assert not hasattr(module.CellarRoom, "presence")
