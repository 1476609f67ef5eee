"""Presence in one process: entries by user, the linger, changes, hooks, and who is told of them."""

from collections.abc import Callable
from typing import Any

import pytest
from anyio import create_task_group, fail_after
from anyio.lowlevel import checkpoint
from pydantic import BaseModel, Field, RootModel, ValidationError

from bytesocket_app import (
    ByteSocket,
    ConfigurationError,
    Limits,
    Router,
    Settings,
    Socket,
    Timeouts,
)
from bytesocket_app.declarations.rooms import Room
from bytesocket_app.delivery.presence import CHUNK
from bytesocket_app.testing import TestClient, virtual_clock
from bytesocket_app.types import CodecName
from tests.support.asgi import Call, socket_scope

pytestmark = pytest.mark.anyio

BOTH = pytest.mark.parametrize("codec", ["json", "binary"])
ASK = {"type": 9, "room": "doc:7", "presence": True}
GRANTED = {"type": 10, "room": "doc:7"}


class Seen(BaseModel):
    name: str
    typing: bool = False
    mood: str = Field(default="", alias="feels")


class Told:
    """What the hooks of a document were called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, int, list[Seen]]] = []

    @property
    def steps(self) -> list[tuple[str, str]]:
        return [(what, key) for what, key, *_ in self.calls]


def keyed(**more: Any) -> ByteSocket:
    app = ByteSocket(title="Documents", **more)

    @app.auth(key=str)
    async def known(credentials: str) -> str:
        return credentials

    return app


def documents(**more: Any) -> tuple[ByteSocket, Room, Told]:
    """Documents whose members see each other's names."""
    app, told = keyed(**more), Told()
    doc = app.room("doc:{doc_id}")

    @doc.presence(clients=["typing", "mood"])
    async def seen(socket: Socket[str], doc_id: int) -> Seen:
        if socket.user == "nobody":
            raise ValueError(doc_id)
        return Seen(name=socket.user)

    @doc.presence.entered
    async def entered(user_key: str, entries: list[Seen], doc_id: int) -> None:
        told.calls.append(("entered", user_key, doc_id, entries))

    @doc.presence.exited
    async def exited(user_key: str, entries: list[Seen], doc_id: int) -> None:
        told.calls.append(("exited", user_key, doc_id, entries))

    @doc.presence.updated
    async def updated(user_key: str, entries: list[Seen], doc_id: int) -> None:
        told.calls.append(("updated", user_key, doc_id, entries))

    return app, doc, told


def entry(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "typing": False, "feels": "", **more}


def news(**data: Any) -> dict[str, Any]:
    return {"type": 36, "room": "doc:7", "data": data}


async def until(holds: Callable[[], bool]) -> None:
    """Let others go on until something holds."""
    with fail_after(30):
        while not holds():
            await checkpoint()


async def watching(client: TestClient) -> dict[str, Any]:
    """Join the document and ask who is there; returns that."""
    await client.send(ASK)
    assert await client.receive_message() == GRANTED
    first: dict[str, Any] = await client.receive_message()
    return first


async def nothing_more(client: TestClient) -> None:
    """Check that nothing came before the answer to a request."""
    await client.send({"type": 12, "room": "other"})
    assert await client.receive_message() == {"type": 13, "room": "other"}


def users(doc: Room, app: ByteSocket) -> list[str]:
    """The users of the document, without a wait."""
    room = app.presence.find(doc.name(doc_id=7))
    return [] if room is None else sorted(map(str, room.state.users()))


@BOTH
async def test_who_asks_is_told_who_is_there_and_then_who_comes_changes_and_goes(
    codec: CodecName,
) -> None:
    app, _, _ = documents()
    with virtual_clock(app) as clock:
        async with TestClient(app, "ann", codec=codec) as ann:
            assert await watching(ann) == news(users=[["ann", [entry("ann")]]])
            clock.advance(1)
            async with TestClient(app, "bob") as bob:
                await bob.join("doc:7")
                assert await ann.receive_message() == news(enter=[["bob", [entry("bob")]]])
                clock.advance(1)
                await bob.send({"type": 36, "room": "doc:7", "data": {"typing": True}})
                typing = [["bob", [entry("bob", typing=True)]]]
                assert await ann.receive_message() == news(change=typing)
            clock.advance(3)
            assert await ann.receive_message() == news(exit=["bob"])


async def test_who_does_not_ask_is_told_nothing() -> None:
    app, doc, _ = documents()
    with virtual_clock(app) as clock:
        async with TestClient(app, "ann") as ann, TestClient(app, "bob") as bob:
            await ann.join("doc:7")
            assert (await watching(bob))["data"]["users"][0][0] == "ann"
            clock.advance(5)
            await nothing_more(ann)
            assert users(doc, app) == ["ann", "bob"]


async def test_a_user_enters_with_the_first_and_exits_with_the_last_of_their_sockets() -> None:
    app, doc, told = documents()
    with virtual_clock(app) as clock:
        async with TestClient(app, "bob") as bob:
            await watching(bob)
            async with TestClient(app, "ann") as one:
                await one.join("doc:7")
                clock.advance(1)
                async with TestClient(app, "ann") as two:
                    await two.join("doc:7")
                    clock.advance(1)
                    found = await doc.presence.of(doc_id=7)
                    assert {key: len(each) for key, each in found.items()} == {"bob": 1, "ann": 2}
                await until(lambda: len(app.sockets()) == 2)
                clock.advance(10)
                assert users(doc, app) == ["ann", "bob"]
            await until(lambda: len(app.sockets()) == 1)
            clock.advance(2.9)
            assert users(doc, app) == ["ann", "bob"]
            clock.advance(0.2)
            assert users(doc, app) == ["bob"]
            await until(lambda: ("exited", "ann") in told.steps)
    assert [step for step in told.steps if step[1] == "ann"] == [
        ("entered", "ann"),
        ("updated", "ann"),
        ("updated", "ann"),
        ("exited", "ann"),
    ]
    assert told.calls[-1] == ("exited", "ann", 7, [Seen(name="ann")])


async def test_a_reload_within_the_linger_is_no_exit() -> None:
    app, doc, told = documents()
    with virtual_clock(app) as clock:
        async with TestClient(app, "bob") as bob:
            await watching(bob)
            for _ in range(3):
                async with TestClient(app, "ann") as ann:
                    await ann.join("doc:7")
                await until(lambda: len(app.sockets()) == 1)
                clock.advance(2.5)
                assert users(doc, app) == ["ann", "bob"]
            await until(lambda: ("entered", "ann") in told.steps)
            assert told.steps == [("entered", "bob"), ("entered", "ann")]
            clock.advance(1)
            assert users(doc, app) == ["bob"]


async def test_the_next_life_of_the_application_begins_without_those_who_lingered() -> None:
    app, doc, told = documents()
    for _ in range(2):
        async with (
            TestClient(app, credentials="ann") as ann,
            TestClient(app, credentials="bob") as bob,
        ):
            await ann.join("doc:7")
            await bob.join("doc:7")
            assert sorted(await doc.presence.of(doc_id=7)) == ["ann", "bob"]
            await bob.leave("doc:7")
            assert sorted(await doc.presence.of(doc_id=7)) == ["ann", "bob"]
        assert await doc.presence.of(doc_id=7) == {}
    assert ("exited", "bob") not in told.steps


async def test_who_lingered_is_gone_in_time_though_nothing_runs() -> None:
    app, doc, _told = documents(settings=Settings(timeouts=Timeouts(presence_linger=0.1)))
    ann = Call(app, socket_scope())  # of a server that runs no lifespan
    ann.tell("websocket.connect")
    ann.text('{"type": 4, "data": "ann"}')
    ann.text('{"type": 9, "room": "doc:7"}')
    async with create_task_group() as tasks:
        tasks.start_soon(ann.run)
        with fail_after(30):
            while not await doc.presence.of(doc_id=7):
                await checkpoint()
        ann.tell("websocket.disconnect", code=1000)
    with fail_after(30):
        while await doc.presence.of(doc_id=7):
            await checkpoint()


async def test_a_linger_of_0_is_an_exit_at_once() -> None:
    app, doc, _ = documents(settings=Settings(timeouts=Timeouts(presence_linger=0)))
    async with TestClient(app, "ann") as ann:
        await ann.join("doc:7")
        assert users(doc, app) == ["ann"]
        await ann.leave("doc:7")
        assert users(doc, app) == []
        assert await doc.presence.count(doc_id=7) == 0
    assert list(app.presence) == []


async def test_of_changes_within_a_tenth_of_a_second_the_latest_is_told() -> None:
    app, _, told = documents()
    with virtual_clock(app) as clock:
        async with TestClient(app, "ann") as ann, TestClient(app, "bob", codec="json") as bob:
            await watching(ann)
            clock.advance(1)
            await bob.join("doc:7")
            await ann.receive_message()
            clock.advance(1)
            for number in range(50):
                feels = {"feels": str(number)}
                await bob.send({"type": 36, "room": "doc:7", "data": feels})
            await bob.leave("no such room")  # all before were read
            assert await ann.receive_message() == news(change=[["bob", [entry("bob", feels="0")]]])
            clock.advance(0.11)
            assert await ann.receive_message() == news(change=[["bob", [entry("bob", feels="49")]]])
            clock.advance(10)
            await until(lambda: len(told.steps) == 4)
    assert told.steps[2:] == [("updated", "bob")] * 2


async def test_who_comes_and_goes_between_two_tellings_is_not_told_of() -> None:
    app, _, told = documents(settings=Settings(timeouts=Timeouts(presence_linger=0)))
    with virtual_clock(app) as clock:
        async with TestClient(app, "ann") as ann, TestClient(app, "bob") as bob:
            await watching(ann)
            clock.advance(1)
            await bob.join("doc:7")
            await ann.receive_message()
            for _ in range(3):
                await bob.leave("doc:7")
                await bob.join("doc:7")
            await bob.leave("doc:7")
            clock.advance(1)
            assert await ann.receive_message() == news(exit=["bob"])
            await until(lambda: len(told.steps) == 9)
    assert told.steps[1:9] == [("entered", "bob"), ("exited", "bob")] * 4


async def test_server_code_changes_an_entry() -> None:
    app, doc, _ = documents()
    with virtual_clock(app) as clock:
        async with TestClient(app, "ann") as ann:
            await watching(ann)
            clock.advance(1)
            (socket,) = app.sockets()
            await doc.presence.update(socket, {"name": "Ann", "mood": "well"})
            changed = [["ann", [entry("Ann", feels="well")]]]
            assert await ann.receive_message() == news(change=changed)
            clock.advance(1)
            await doc.presence.update(socket, {"typing": True}, doc_id=7)
            changed = [["ann", [entry("Ann", feels="well", typing=True)]]]
            assert await ann.receive_message() == news(change=changed)
            await doc.presence.update(socket, {"typing": False}, doc_id=8)  # it is not there
            with pytest.raises(TypeError, match=r"no field 'nmae'. Did you mean 'name'"):
                await doc.presence.update(socket, {"nmae": "x"})
            with pytest.raises(ValidationError, match="typing"):
                await doc.presence.update(socket, {"typing": "perhaps"})
            assert await doc.presence.of(doc_id=7) == {
                "ann": [Seen(name="Ann", typing=True, feels="well")]
            }


@BOTH
@pytest.mark.parametrize(
    ("room", "data", "code"),
    [
        ("doc:8", {"typing": True}, "not_a_member"),
        ("cellar", {"typing": True}, "not_a_member"),
        ("doc:7", {"name": "Bob"}, "forbidden"),
        ("doc:7", {"mood": "the name on the wire is another"}, "forbidden"),
        ("doc:7", {"typing": "perhaps"}, "validation"),
        ("doc:7", ["typing"], "invalid"),
        ("doc:7", None, "invalid"),
    ],
)
async def test_a_clients_wrong_change_is_refused(
    codec: CodecName, room: str, data: object, code: str
) -> None:
    app, doc, _ = documents()
    async with TestClient(app, "ann", codec=codec) as ann:
        await ann.join("doc:7")
        await ann.send({"type": 36, "room": room, "data": data})
        refused = await ann.receive_message()
        assert refused["type"] == 3
        assert refused["data"]["error"]["code"] == code
        assert refused["data"]["phase"] == "room message"
        assert await doc.presence.of(doc_id=7) == {"ann": [Seen(name="ann")]}


async def test_changes_count_for_the_rate_of_the_whole_socket() -> None:
    app, _, _ = documents(settings=Settings(limits=Limits(messages_per_second=1)))
    with virtual_clock(app):
        async with TestClient(app, "ann", codec="json") as ann:
            await ann.join("doc:7")
            for _ in range(3):
                await ann.send({"type": 36, "room": "doc:7", "data": {"typing": True}})
            assert (await ann.receive_message())["data"]["error"]["code"] == "rate_limited"


async def test_a_request_for_several_rooms_asks_for_all_that_tell_it() -> None:
    app, _, _ = documents()
    app.room("cellar")
    async with TestClient(app, "ann", codec="json") as ann:
        rooms = ["doc:7", "cellar", "doc:8"]
        await ann.send({"type": 15, "rooms": rooms, "presence": True})
        assert await ann.receive_message() == {"type": 16, "rooms": rooms}
        told = [(await ann.receive_message())["room"] for _ in range(2)]
        assert told == ["doc:7", "doc:8"]
        assert (await watching(ann)) == news(users=[["ann", [entry("ann")]]])  # asked again


async def test_who_left_the_room_is_told_nothing_more() -> None:
    app, _, _ = documents()
    with virtual_clock(app) as clock:
        async with TestClient(app, "ann") as ann, TestClient(app, "bob") as bob:
            await watching(ann)
            await ann.leave("doc:7")
            clock.advance(1)
            await bob.join("doc:7")
            clock.advance(1)
            await nothing_more(ann)


async def test_many_users_come_in_several_messages() -> None:
    app, _, _ = documents()
    async with TestClient(app, "ann", codec="json") as ann:
        await ann.join("doc:7")
        room = app.presence.find("doc:7")
        assert room is not None
        for number in range(CHUNK * 2):
            app.presence.apply(room, f"user {number}", [Seen(name=str(number))])
        first = await watching(ann)
        assert len(first["data"]["users"]) == CHUNK
        more = [await ann.receive_message() for _ in range(2)]
        assert [len(each["data"]["enter"]) for each in more] == [CHUNK, 1]


async def test_a_room_that_counts_tells_the_number_once_a_second() -> None:
    app = keyed()
    stage = app.room("doc:{doc_id}", presence="count")
    with virtual_clock(app) as clock:
        async with TestClient(app, "ann", codec="json") as ann:
            assert await watching(ann) == news(count=1)
            clock.advance(2)
            async with TestClient(app, "bob") as bob, TestClient(app, "cy") as cy:
                await bob.join("doc:7")
                assert await ann.receive_message() == news(count=2)
                await cy.join("doc:7")
                async with TestClient(app, "cy") as again:
                    await again.join("doc:7")
                assert await stage.presence.of(doc_id="7") == {"ann": [], "bob": [], "cy": []}
                assert await stage.presence.count(doc_id="7") == 3
                clock.advance(1.1)
                assert await ann.receive_message() == news(count=3)


async def test_a_function_that_fails_leaves_the_socket_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app, doc, told = documents()
    async with TestClient(app, "nobody") as client:
        await client.join("doc:7")
        assert await doc.presence.of(doc_id=7) == {}
    assert "presence" in caplog.text
    assert told.steps == []


async def test_a_failing_hook_does_not_end_the_others(caplog: pytest.LogCaptureFixture) -> None:
    app, doc, told = documents()

    @doc.presence.entered
    async def fails(user_key: str) -> None:
        raise ValueError(user_key)

    async with TestClient(app, "ann") as ann:
        await ann.join("doc:7")
        await until(lambda: told.steps == [("entered", "ann")])
        await ann.join("doc:8")
        await until(lambda: told.steps == [("entered", "ann")] * 2)
        await until(lambda: "test_presence.py" in caplog.text)


async def test_a_hook_can_be_taken_back() -> None:
    app, doc, told = documents()
    doc.presence.entered.remove()
    async with TestClient(app, "ann") as ann:
        await ann.join("doc:7")
        await doc.presence.update(app.sockets()[0], {"typing": True})
        await until(lambda: told.steps == [("updated", "ann")])


async def test_a_routers_room_has_presence_once_it_is_included() -> None:
    app, router = keyed(), Router(prefix="team:")
    doc = router.room("doc:{doc_id}")

    @doc.presence
    def seen(socket: Socket[str]) -> Seen:
        return Seen(name=socket.user)

    with pytest.raises(ConfigurationError, match="its router is not included yet"):
        await doc.presence.of(doc_id="7")
    app.include(router)
    async with TestClient(app, "ann") as ann:
        await ann.join("team:doc:7")
        assert await doc.presence.of(doc_id="7") == {"ann": [Seen(name="ann")]}


async def test_presence_needs_to_know_what_identifies_a_user() -> None:
    app = ByteSocket(title="Documents")
    doc = app.room("doc:{doc_id}")

    @doc.presence
    def seen(socket: Socket) -> Seen:
        return Seen(name=socket.id)

    with pytest.raises(ConfigurationError, match=r"test_presence.py:\d+: presence of room"):
        async with TestClient(app):
            pass


async def test_hooks_without_what_members_see_are_refused() -> None:
    app = keyed()
    doc = app.room("doc:{doc_id}")

    @doc.presence.entered
    async def entered(user_key: str) -> None:
        raise AssertionError(user_key)

    with pytest.raises(ConfigurationError, match="has no presence: say what members see"):
        async with TestClient(app, "ann"):
            pass
    with pytest.raises(ConfigurationError, match="has no presence: decorate"):
        await doc.presence.of(doc_id="7")


def test_what_cannot_be_an_entry_is_refused() -> None:
    app = keyed()
    doc, counted = app.room("doc:{doc_id}"), app.room("stage", presence="count")

    def bare(socket: Socket) -> None:
        raise AssertionError(socket)

    def text(socket: Socket) -> str:
        raise AssertionError(socket)

    def seen(socket: Socket) -> Seen:
        raise AssertionError(socket)

    def root(socket: Socket) -> RootModel[str]:
        raise AssertionError(socket)

    for function in (bare, text):
        with pytest.raises(ConfigurationError, match="is a Pydantic model, and the function"):
            doc.presence(function)
    with pytest.raises(ConfigurationError, match=r"RootModel\[str\] has no fields"):
        doc.presence(root)
    with pytest.raises(ConfigurationError, match=r"no field 'typin'. Did you mean 'typing'"):
        doc.presence(clients=["typin"])(seen)
    with pytest.raises(ConfigurationError, match="only counts its users"):
        counted.presence(seen)
    doc.presence(seen)
    with pytest.raises(ConfigurationError, match=r"declared already, at .*test_presence.py"):
        doc.presence(seen)
    wrong: Any = "list"
    with pytest.raises(ConfigurationError, match="presence='list' of room 'hall' cannot be"):
        app.room("hall", presence=wrong)


async def test_an_application_without_presence_takes_type_36_for_an_event() -> None:
    app = keyed()
    app.room("doc:{doc_id}")
    assert app.memberships.presence is None
    async with TestClient(app, "ann", codec="json") as ann:
        await ann.send(ASK)
        assert await ann.receive_message() == GRANTED
        await ann.send({"type": 36, "room": "doc:7", "data": {}})
        await nothing_more(ann)


def test_the_contract_says_what_members_see_of_each_other() -> None:
    app, _, _ = documents()
    app.room("stage", presence="count")
    app.room("hall", presence="count", join="server")
    rooms = {room["pattern"]: room.get("presence") for room in app.contract().document["rooms"]}
    assert rooms == {
        "doc:{doc_id}": {"entry": {"$ref": "#/types/Seen"}, "clients": ["feels", "typing"]},
        "stage": {"counts": True},
        "hall": None,  # clients cannot ask
    }
    bare = keyed()
    bare.room("doc:{doc_id}")
    assert app.contract().fingerprint != bare.contract().fingerprint


async def test_an_entry_with_values_beside_its_fields_can_be_changed() -> None:
    class Loose(BaseModel, extra="allow"):
        name: str

    app = keyed()
    doc = app.room("doc")

    @doc.presence
    def seen(socket: Socket[str]) -> Loose:
        return Loose.model_validate({"name": socket.user, "more": 7})

    async with TestClient(app, "ann") as ann:
        await ann.join("doc")
        await doc.presence.update(app.sockets()[0], {"name": "Ann"})
        (entries,) = (await doc.presence.of()).values()
        assert [one.model_dump() for one in entries] == [{"name": "Ann", "more": 7}]
