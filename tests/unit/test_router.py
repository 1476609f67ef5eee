"""Handlers and rooms of other modules, and the application that includes them."""

from collections.abc import Callable
from typing import Any

import pytest

from bytesocket_app import (
    ByteSocket,
    ClientEvent,
    ConfigurationError,
    Refusal,
    Router,
    ServerEvent,
    Socket,
)
from bytesocket_app.testing import RequestError, TestClient
from tests.support.talk import Said, Say, Wave, talk, until

pytestmark = pytest.mark.anyio


class Moved(ServerEvent, name="moved"):
    x: int


class Move(ClientEvent, name="move"):
    x: int


@pytest.mark.parametrize("thing", ["x", None, 7])
def test_only_routers_are_included(thing: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"{__name__}.*include takes a Router, not "):
        talk().include(thing)
    with pytest.raises(ConfigurationError, match=f"{__name__}.*include takes a Router, not "):
        Router().include(thing)


def test_an_application_is_no_router() -> None:
    other: Any = talk()
    with pytest.raises(ConfigurationError, match="include takes a Router, not <ByteSocket 'Talk'"):
        talk().include(other)


def test_a_room_has_a_name_or_pattern() -> None:
    wrong: Any = 7
    with pytest.raises(ConfigurationError, match=rf"{__name__}.*7 is no room's .* room\('lobby'\)"):
        talk().room(wrong)


def test_a_rooms_parameters_are_passed_by_name() -> None:
    doc: Any = talk().room("doc:{doc_id}")
    with pytest.raises(TypeError, match=r"takes its parameters by name: at\(doc_id=\.\.\.\)"):
        doc.at(7)


class TestHandlers:
    async def test_the_prefix_touches_strings_and_no_classes_name(self) -> None:
        router = Router(prefix="chat:")

        @router.on("echo")
        async def echo(data: str) -> str:
            return data

        @router.on(7)
        async def seven(data: str) -> int:
            return 7

        @router.on(Say)
        async def say(event: Say) -> str:
            return event.text

        app = talk()
        count = app.declare("count", int, direction="client", reply=int)

        @router.on(count)
        async def counted(data: int) -> int:
            return data + 1

        app.include(router)
        assert [route.event for route in app.event_routes()] == ["chat:echo", 7, "say", "count"]
        assert all("test_router.py:" in route.source for route in app.event_routes())
        async with TestClient(app) as client:
            assert await client.request(Say(text="hi"), str) == "hi"
            assert await client.request(count(1), int) == 2
            await client.send({"event": "chat:echo", "data": "a", "id": "x"})
            assert (await client.receive_message())["data"] == "a"

    async def test_options_go_along(self) -> None:
        class Rude(Refusal, code="rude"): ...

        router = Router()

        @router.on(Say, raises=(Rude,), concurrent=True)
        async def say(event: Say) -> str:
            raise Rude("no")

        app = talk()
        app.include(router)
        assert "rude" in app.contract().document["refusals"]
        async with TestClient(app) as client:
            with pytest.raises(RequestError) as refused:
                await client.request(Say(text="x"))
        assert refused.value.code == "rude"

    async def test_once_and_remove_work_before_and_after(self) -> None:
        router, said = Router(), list[str]()

        def note(name: str) -> Callable[..., Any]:
            async def handle(event: Say) -> None:
                said.append(name)

            return handle

        gone, late, removed = note("gone"), note("late"), note("removed")
        router.on(Say).once(note("once"))
        router.on(Say)(gone)
        router.on(Say).remove(gone)
        app = talk()
        app.include(router)
        router.on(Say)(late)
        router.on(Say)(removed)
        router.on(Say).remove(removed)
        async with TestClient(app) as client:
            await client.emit(Say(text="1"))
            await client.emit(Say(text="2"))
            await until(lambda: len(said) == 3)
        assert said == ["once", "late", "late"]

    def test_a_decorator_without_its_event_fails_at_once(self) -> None:
        async def handle(event: Say) -> None: ...

        for on in (Router().on, Router().room("x").on):
            with pytest.raises(ConfigurationError):
                on(handle)  # type: ignore[arg-type]

    def test_a_signature_that_cannot_be_served_fails_with_its_place(self) -> None:
        router = Router()

        @router.on(Say)
        async def handle(event: Say, weather: int) -> None: ...

        with pytest.raises(ConfigurationError, match=r"test_router.py:\d+"):
            talk().include(router)


class TestRooms:
    async def test_everything_that_a_room_has(self) -> None:
        router, log = Router(prefix="team:"), list[object]()
        doc = router.room("doc:{doc_id}")

        @doc.guard
        async def guard(socket: Socket, doc_id: int) -> None:
            if doc_id == 13:
                raise Refusal("no", code="unlucky")

        @doc.on_join
        async def joined(socket: Socket, doc_id: int) -> None:
            log.append(("joined", doc_id))

        @doc.on_leave
        async def left(socket: Socket, doc_id: int) -> None:
            log.append(("left", doc_id))

        @doc.on(Move)
        async def move(event: Move, doc_id: int) -> Moved:
            return Moved(x=event.x + doc_id)

        doc.relay(Wave)
        app = ByteSocket(title="T", events=[Move, Moved, Wave, Said])
        app.include(router)
        async with TestClient(app) as one, TestClient(app) as two:
            with pytest.raises(RequestError) as refused:
                await one.join("team:doc:13")
            assert refused.value.code == "unlucky"
            await one.join("team:doc:7")
            await two.join("team:doc:7")
            await one.emit(Move(x=1), room="team:doc:7")
            assert await two.receive(Moved, room="team:doc:7") == Moved(x=8)
            await two.emit(Wave(), room="team:doc:7")
            assert await one.receive(Wave) == Wave()
            assert doc.count(doc_id=7) == len(doc.sockets(doc_id=7)) == 2
            await doc.emit(Said(text="x"), exclude=doc.sockets(doc_id=7)[0], doc_id=7)
            assert await two.receive(Said) == Said(text="x")
        assert log[:2] == [("joined", 7), ("joined", 7)]
        assert log[2:] == [("left", 7), ("left", 7)]
        (room,) = app.contract().document["rooms"]
        assert room["pattern"] == "team:doc:{doc_id}"
        assert room["params"] == {"doc_id": {"type": "integer"}}

    async def test_a_room_for_the_server_alone(self) -> None:
        router = Router()
        feed = router.room("feed", join="server")
        app = talk()
        app.include(router)
        late = router.room("late")
        async with TestClient(app) as client:
            with pytest.raises(RequestError):
                await client.join("feed")
            assert (feed.count(), feed.joined_by, late.count()) == (0, "server", 0)
            await client.join("late")
            assert late.count() == 1

    async def test_a_handle_without_its_application_says_what_is_missing(self) -> None:
        room = Router(prefix="a:").room("lobby")
        told = r"test_router.py:\d+: {} of room 'a:lobby' \(.*test_router.py:\d+\).*app.include"
        with pytest.raises(ConfigurationError, match=told.format("emit")):
            await room.emit(Said(text="x"))
        with pytest.raises(ConfigurationError, match=told.format("sockets")):
            room.sockets()
        with pytest.raises(ConfigurationError, match=told.format("count")):
            room.count()

    def test_a_conflict_names_both_places(self) -> None:
        app, router = talk(), Router()
        app.room("doc:{doc_id}")
        router.room("doc:{name}")
        with pytest.raises(ConfigurationError, match=r"(?s)test_router.py:\d+.*test_router.py:\d+"):
            app.include(router)

    def test_a_bad_pattern_fails_at_once(self) -> None:
        with pytest.raises(ConfigurationError, match="a brace stands alone"):
            Router().room("doc:{")


class TestInclusion:
    def test_twice_is_an_error_that_names_all_places(self) -> None:
        app, router = talk(), Router()
        app.include(router)
        for again in (app, talk()):
            with pytest.raises(ConfigurationError) as refused:
                again.include(router)
            assert str(refused.value).count("test_router.py:") == 3
            assert "is included already" in str(refused.value)

    def test_an_inclusion_that_failed_fails_again_with_the_same_error(self) -> None:
        app, outer, router = talk(), Router(), Router()

        @router.on(Say)
        async def bad(event: Say, weather: int) -> None: ...

        @router.on("good")
        async def good(data: str) -> None: ...

        outer.include(router)
        errors = list[ConfigurationError]()
        for again in (app, app, talk()):
            with pytest.raises(ConfigurationError, match="weather") as refused:
                again.include(outer)
            errors.append(refused.value)
        with pytest.raises(ConfigurationError, match="weather") as refused:
            talk().include(router)
        errors.append(refused.value)
        assert all(error is errors[0] for error in errors)
        router.on("late")(good)
        router.room("late")
        assert app.event_routes() == []

    def test_a_room_that_fails_in_an_inclusion_fails_again(self) -> None:
        app, router = talk(), Router(prefix="a:")
        app.room("a:{name}")
        router.room("lobby")
        doc = router.room("{number}")
        doc.relay(Wave)
        told = set[str]()
        for _ in range(2):
            with pytest.raises(ConfigurationError) as refused:
                app.include(router)
            told.add(str(refused.value))
        assert len(told) == 1
        assert "included already" not in told.pop()

    def test_two_routers_in_one_application(self) -> None:
        app = talk()
        for prefix in ("a:", "b:"):
            router = Router(prefix)
            router.room("lobby")

            @router.on("echo")
            async def echo(data: str) -> str:
                return data

            app.include(router)
        assert [route.event for route in app.event_routes()] == ["a:echo", "b:echo"]

    def test_a_prefix_is_a_string(self) -> None:
        with pytest.raises(ConfigurationError, match=r"test_router.py:\d+: prefix=7"):
            Router(7)  # type: ignore[arg-type]
