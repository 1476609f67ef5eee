"""The team chat without servers: how its own tests replace what it depends on."""

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from bytesocket_app.testing import RequestError, TestClient
from tests.apps.team_chat.accounts import current_user, get_session
from tests.apps.team_chat.channels import room
from tests.apps.team_chat.chat import announce, chat
from tests.apps.team_chat.database import Database, Person, Session
from tests.apps.team_chat.events import Announced, Post, Posted, Present, Receipt, Typing, Typist
from tests.apps.team_chat.main import api

pytestmark = pytest.mark.anyio

ANN = Person(1, "ann")


@pytest.fixture
def database(tmp_path: Path) -> Generator[Database]:
    """A database of the test's own, in the place of the application's."""
    database = Database(tmp_path / "chat.db")

    def get_test_session() -> Generator[Session]:
        with database.begin() as session:
            yield session

    replaced: dict[Callable[..., Any], Callable[..., Any]] = {get_session: get_test_session}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chat, "dependency_overrides", replaced)
        yield database


def client(database: Database, name: str) -> TestClient:
    """A client that has logged in."""
    with database.begin() as session:
        person = session.person(name=name)
        assert person is not None
        return TestClient(chat, headers={"cookie": f"session={session.log_in(person)}"})


async def test_members_talk(database: Database) -> None:
    with database.begin() as session:
        channel = session.open_channel("talk")
        for name in ("ann", "bob"):
            person = session.person(name=name)
            assert person is not None
            session.invite(channel, person)
    name = room.name(channel_id=channel.id)
    async with client(database, "ann") as ann, client(database, "bob") as bob:
        await ann.join(name)
        await bob.join(name)
        assert await bob.receive(Present) == Present(names=["ann", "bob"])
        receipt = await ann.request(Post(text="hi"), Receipt, room=name)
        posted = await bob.receive(Posted, room=name)
        assert posted == Posted(id=receipt.message_id, author="ann", text="hi")
        await bob.emit(Typing(), room=name)
        assert await ann.receive(Typist) == Typist(name="bob")
        await announce("lunch", ANN)
        assert await bob.receive(Announced) == Announced(text="ann: lunch")
    with database.begin() as session:
        assert [message.text for message in session.history(channel)] == ["hi"]


async def test_the_dependency_that_refuses_may_be_replaced_too(database: Database) -> None:
    with pytest.raises(RequestError, match="Log in first"):
        async with TestClient(chat):
            raise AssertionError
    chat.dependency_overrides[current_user] = lambda: ANN
    async with TestClient(chat) as ann:
        assert chat.sockets()[0].user == ANN
        with pytest.raises(RequestError) as refused:
            await ann.join("channel:4711")
        assert refused.value.code == "not_found"
        with pytest.raises(RequestError) as refused:
            await ann.join("channel:general")
        assert refused.value.code == "invalid"


def test_the_routes_of_the_host_stay_its_own() -> None:
    paths = set(api.openapi()["paths"])
    assert "/channels/{channel_id}/messages" in paths
    assert "/ws" not in paths
