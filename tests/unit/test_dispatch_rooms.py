"""Declared rooms: what they take, whom they hold, and how server code reaches them."""

# pyright: reportPrivateUsage=false
# What must not leak or be encoded twice is looked at from inside.

from uuid import UUID, uuid4

import pytest

from bytesocket_app import ConfigurationError, Socket, UndeclaredEvent
from bytesocket_app.testing import TestClient
from tests.support.talk import Said, Say, Wave, logged, talk

pytestmark = pytest.mark.anyio


async def test_an_emit_reaches_all_members_but_the_excluded_one() -> None:
    app = talk()
    doc = app.room("doc:{number}")
    async with TestClient(app) as a, TestClient(app) as b, TestClient(app) as c:
        for client in (a, b):
            await client.join("doc:7")
        await c.join("doc:8")
        first, second = doc.sockets(number=7)
        assert isinstance(first, Socket)
        assert (doc.count(number=7), doc.count(number=8), doc.count(number=9)) == (2, 1, 0)
        await doc.emit(Said(text="others"), number=7, exclude=first)
        await doc.emit(Said(text="all"), number=7)
        assert (await a.receive(Said, room="doc:7")).text == "all"
        assert (await b.receive(Said)).text == "others"
        assert (await b.receive(Said)).text == "all"
        await doc.emit(Said(text="eight"), number=8)
        assert (await c.receive(Said)).text == "eight"
        assert second in app.sockets()


async def test_a_codec_can_be_chosen_for_one_emit() -> None:
    app = talk()
    lobby = app.room("lobby")
    async with TestClient(app, codec="json") as client:
        await client.join("lobby")
        await lobby.emit(Said(text="x"), codec="binary")
        frame = await client._transport.take()
        assert frame is not None
        assert frame.is_binary


async def test_emits_are_checked() -> None:
    app = talk()
    doc = app.room("doc:{number}")
    with pytest.raises(TypeError):
        await doc.emit(Said(text="x"))
    with pytest.raises(TypeError):
        await doc.emit(Said(text="x"), number=1, other=2)
    with pytest.raises(ValueError, match="number"):
        await doc.emit(Said(text="x"), number="a:b")
    with pytest.raises(UndeclaredEvent, match="clients send it"):
        await doc.emit(Say(text="x"), number=1)  # type: ignore[arg-type]


async def test_parameters_come_as_annotated() -> None:
    app = talk()
    doc = app.room("doc:{doc_id}:{tab}")
    seen: list[object] = []

    @doc.on_join
    async def joined(doc_id: UUID, tab: str, room: str) -> None:
        seen.append((doc_id, tab, room))

    identity = uuid4()
    async with TestClient(app) as client:
        await client.join(f"doc:{identity}:notes")
    assert seen == [(identity, "notes", f"doc:{identity}:notes")]


async def test_a_join_by_server_code_with_an_impossible_name_is_an_error() -> None:
    app = talk()

    @app.room("doc:{number}").on_join
    async def joined(number: int) -> None:
        """Never called."""

    async with TestClient(app):
        with pytest.raises(ValueError, match="number cannot be 'x'"):
            await app.sockets()[0].rooms.join("doc:x")
        assert app.sockets()[0].rooms.list() == []


async def test_hooks_of_a_room_that_got_its_type_later_are_not_called_with_another(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = talk()
    doc = app.room("doc:{number}")
    async with TestClient(app):
        socket = app.sockets()[0]
        await socket.rooms.join("doc:x")

        @doc.on_leave
        async def left(number: int) -> None:
            """Never called."""

        await socket.rooms.leave("doc:x")
    assert "number cannot be 'x'" in caplog.text
    assert len(logged(caplog)) == 1


async def test_a_join_of_an_undeclared_room_by_server_code_has_no_hooks() -> None:
    app = talk()
    async with TestClient(app):
        socket = app.sockets()[0]
        with pytest.warns(FutureWarning, match="There is no room 'adhoc'"):
            await socket.rooms.join("adhoc")
        assert socket.rooms.list() == ["adhoc"]


def test_one_parameter_has_one_type() -> None:
    doc = talk().room("doc:{number}")

    @doc.guard
    async def guard(number: int) -> None:
        """Any number."""

    @doc.on_join
    async def same(number: int) -> None:
        """The same type is fine."""

    @doc.on_join
    async def bare(number) -> None:  # type: ignore[no-untyped-def]
        """None at all is fine too."""

    with pytest.raises(ConfigurationError, match=r"number of room .* is str here and int"):

        @doc.on_leave
        async def other(number: str) -> None:
            """Another type is not."""


def test_a_type_learned_later_counts() -> None:
    doc = talk().room("doc:{number}")
    assert doc.parse({"number": "7"}) == ("7",)

    @doc.guard
    async def guard(number: int) -> None:
        """Any number."""

    assert doc.parse({"number": "7"}) == (7,)


def test_only_events_that_clients_send_can_come_in() -> None:
    lobby = talk().room("lobby")
    with pytest.raises(ConfigurationError, match="the server sends it"):
        lobby.on(Said)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="cannot be relayed"):
        lobby.relay(Say)  # type: ignore[arg-type]


def test_a_relay_of_a_handle() -> None:
    app = talk()
    lobby = app.room("lobby")
    dot = app.declare("dot", tuple[int, int])
    lobby.relay(dot, Wave)
    assert list(lobby.relayed) == ["dot", "wave"]
    found = lobby.event("dot")
    assert found is not None
    assert found.name == "dot"
    assert lobby.event("say") is None


def test_a_room_is_declared_once_and_patterns_do_not_overlap() -> None:
    app = talk()
    lobby = app.room("lobby")
    doc = app.room("doc:{a}")
    with pytest.raises(ConfigurationError, match="declared twice"):
        app.room("lobby")
    with pytest.raises(ConfigurationError, match="can mean the same name"):
        app.room("doc:{b}")
    exact = app.room("doc:home")
    other = app.room("user:{a}")
    declared = app._declared
    assert list(declared.all()) == [lobby, exact, doc, other]
    assert declared.find("doc:home") == (exact, {})
    assert declared.find("doc:1") == (doc, {"a": "1"})
    assert declared.find("user:2") == (other, {"a": "2"})
    assert declared.find("nothing") is None
