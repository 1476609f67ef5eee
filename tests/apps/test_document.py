"""The document that several people edit at once, in memory."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from bytesocket_app.testing import RequestError, TestClient
from tests.apps.document.app import app
from tests.apps.document.documents import DIARY, PLAN, Document, documents
from tests.apps.document.editing import doc
from tests.apps.document.events import (
    Edit,
    Edited,
    Look,
    Move,
    Moved,
    Saved,
    Snapshot,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def fresh_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every test the plan as it was."""
    shared = documents[PLAN].shared_with
    monkeypatch.setitem(documents, PLAN, Document(shared, text="Plan"))


@asynccontextmanager
async def opened(name: str, doc_id: UUID = PLAN) -> AsyncGenerator[TestClient]:
    """Somebody who has a document open."""
    credentials = {"name": name, "secret": name[0].lower()}
    async with TestClient(app, credentials) as tab:
        await tab.join(doc.name(doc_id=doc_id))
        yield tab


ROOM = f"doc:{PLAN}"
INSERT = Edit(version=0, start=0, end=0, text="The ")


async def test_an_edit_is_saved_and_shown_to_the_others() -> None:
    async with opened("Ann") as ann, opened("Bob") as bob:
        assert await ann.request(INSERT, Saved, room=ROOM) == Saved(version=1)
        expected = Edited(version=1, author="Ann", start=0, end=0, text="The ")
        assert await bob.receive(Edited, room=ROOM) == expected
        snapshot = Snapshot(version=1, text="The Plan", people=["Ann", "Bob"])
        assert await bob.request(Look(), Snapshot, room=ROOM) == snapshot


async def test_a_cursor_is_shown_to_the_others_and_not_to_its_owner() -> None:
    async with opened("Ann") as ann, opened("Bob") as bob:
        await ann.emit(Move(position=3), room=ROOM)
        await bob.emit(Move(position=4), room=ROOM)
        assert await bob.receive(Moved, room=ROOM) == Moved(person="Ann", position=3)
        assert await ann.receive(Moved, room=ROOM) == Moved(person="Bob", position=4)


async def test_a_person_arrives_with_the_first_tab_and_departs_with_the_last() -> None:
    events: list[str] = []
    async with opened("Ann") as ann:
        async with opened("Bob") as first, opened("Bob") as second:
            await first.close()
            await second.emit(Move(position=1), room=ROOM)
            while "doc:moved" not in events:
                events.append((await ann.receive_message())["event"])
        while "doc:departed" not in events:
            events.append((await ann.receive_message())["event"])
    assert events == ["doc:arrived", "doc:moved", "doc:departed"]


@pytest.mark.parametrize(
    ("name", "doc_id", "code"),
    [
        ("Bob", str(DIARY), "not_shared"),
        ("Ann", "b9a3c2f0-6d5e-4c47-9a51-0f6f3d2e8c11", "no_such_document"),
        ("Ann", "plan", "invalid"),
    ],
)
async def test_a_document_that_is_not_yours_stays_closed(name: str, doc_id: str, code: str) -> None:
    async with opened(name) as tab:
        with pytest.raises(RequestError) as refused:
            await tab.join(f"doc:{doc_id}")
        assert refused.value.code == code


async def test_a_reader_may_not_write() -> None:
    async with opened("Eve") as eve:
        with pytest.raises(RequestError) as refused:
            await eve.request(INSERT, room=ROOM)
        assert refused.value.code == "read_only"


async def test_whoever_was_slower_learns_of_the_newer_version() -> None:
    async with opened("Ann") as ann, opened("Bob") as bob:
        await ann.request(INSERT, room=ROOM)
        with pytest.raises(RequestError) as refused:
            await bob.request(INSERT, room=ROOM)
        assert (refused.value.code, refused.value.data) == ("out_of_date", {"version": 1})


async def test_nobody_without_the_secret_gets_in() -> None:
    with pytest.raises(RequestError, match="wrong secret"):
        async with TestClient(app, {"name": "Ann", "secret": "b"}):
            pass


def test_what_can_be_refused_and_lost_is_in_the_contract() -> None:
    document = app.contract().document
    (room,) = document["rooms"]
    assert room["params"]["doc_id"]["format"] == "uuid"
    assert room["refusals"] == ["no_such_document", "not_shared"]
    assert {event["name"] for event in document["events"] if event["volatile"]} == {
        "doc:move",
        "doc:moved",
    }
