"""Functions that are removed before their turn are not called, wherever they are registered."""

from typing import Any

import pytest
from anyio.lowlevel import checkpoint

from bytesocket_app import AuthError, ByteSocket, Hook, Limits, Policies, Refusal, Router, Settings
from bytesocket_app.errors import RequestError
from bytesocket_app.testing import TestClient
from tests.support.talk import Say, Wave, talk, until

pytestmark = pytest.mark.anyio


def every_place(app: ByteSocket) -> dict[str, Hook]:
    lobby, life = app.room("lobby"), app.lifecycle
    return {
        "event": app.on(Say),
        "room event": lobby.on(Wave),
        "guard": lobby.guard,
        "leave guard": lobby.leave_guard,
        "guard of all rooms": app.rooms.guard,
        "leave guard of all rooms": app.rooms.leave_guard,
        "join": lobby.on_join,
        "leave": lobby.on_leave,
        "upgrade": life.upgrade,
        "auth_success": life.auth_success,
        "auth_error": life.auth_error,
        "open": life.open,
        "close": life.close,
        "message": life.message,
        "error": life.error,
    }


def guarded() -> ByteSocket:
    app = talk()

    @app.auth
    async def authenticate(credentials: str) -> str:
        if credentials != "ann":
            raise AuthError("Not you.")
        return credentials

    return app


async def use(app: ByteSocket) -> None:
    """Two connections that have every place call its functions, one of them refused."""
    async with TestClient(app, credentials="ann") as client:
        await client.send({"event": "say", "data": {"text": "x"}})
        await client.join("lobby")
        await client.send({"room": "lobby", "event": "wave", "data": {}})
        await client.leave("lobby")
    with pytest.raises(RequestError):
        async with TestClient(app, credentials="stranger"):
            pass


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize("place", list(every_place(talk())))
async def test_one_that_an_earlier_one_removed_is_not_called(place: str, once: bool) -> None:
    app, calls = guarded(), list[str]()
    hook = every_place(app)[place]

    @hook
    async def first() -> None:
        calls.append("first")
        hook.remove(gone)
        hook(late)

    async def gone() -> None:
        calls.append("gone")

    async def late() -> None:
        calls.append("late")

    (hook.once if once else hook)(gone)
    await use(app)
    await use(app)
    again = (len(calls) - 1) // 2
    assert again
    assert calls == ["first", *["first", "late"] * again]


@pytest.mark.parametrize("place", list(every_place(talk())))
async def test_one_that_removes_itself_is_called_once_and_the_others_go_on(place: str) -> None:
    app, calls = guarded(), list[str]()
    hook = every_place(app)[place]

    @hook
    async def first() -> None:
        calls.append("first")
        hook.remove(first)

    @hook
    async def second() -> None:
        calls.append("second")

    await use(app)
    await use(app)
    assert calls[0] == "first"
    assert calls[1:] == ["second"] * (len(calls) - 1)
    assert len(calls) > 2


async def test_one_that_is_removed_and_added_again_waits_for_the_next_message() -> None:
    app, calls = talk(), list[str]()
    hook = app.on(Say)

    @hook
    async def first() -> None:
        hook.remove(second)
        hook(second)

    async def second() -> None:
        calls.append("second")

    hook(second)
    async with TestClient(app) as client:
        assert await client.request(Say(text="x")) is None
        assert calls == []
        hook.remove(first)
        assert await client.request(Say(text="y")) is None
    assert calls == ["second"]


async def test_removing_all_ends_the_dispatch() -> None:
    app, calls = talk(), list[str]()
    hook = app.on(Say)

    @hook
    async def first() -> None:
        hook.remove()

    @hook
    async def second() -> None:
        calls.append("second")

    @hook.once
    async def third() -> None:
        calls.append("third")

    async with TestClient(app) as client:
        assert await client.request(Say(text="x")) is None
        with pytest.raises(RequestError, match="not handled"):
            await client.request(Say(text="x"))
    assert calls == []


@pytest.mark.parametrize("concurrent", [False, True])
@pytest.mark.parametrize("with_middleware", [False, True])
async def test_a_request_is_answered_though_who_replies_was_removed(
    concurrent: bool, with_middleware: bool
) -> None:
    app, calls = talk(), list[str]()

    if with_middleware:

        @app.middleware
        async def step(_socket: Any, message: Any, call_next: Any) -> Any:
            return await call_next(message)

    @app.on(Say)
    async def first(event: Say) -> None:
        if event.text == "go":
            replies.remove(answer)

    replies = app.on(Say, concurrent=concurrent)

    @replies
    async def answer(event: Say) -> str:
        calls.append(event.text)
        return event.text

    async with TestClient(app) as client:
        assert await client.request(Say(text="stay"), str) == "stay"
        assert await client.request(Say(text="go")) is None
        assert await client.request(Say(text="gone")) is None
    assert calls == ["stay"]


async def test_a_concurrent_one_that_waits_for_its_turn_can_be_removed() -> None:
    app, calls = talk(Settings(limits=Limits(concurrent=1))), list[str]()
    hook = app.on(Say, concurrent=True)

    @hook
    async def first() -> None:
        await checkpoint()
        hook.remove(second)

    @hook
    async def second(event: Say) -> str:
        calls.append("second")
        return event.text

    async with TestClient(app) as client:
        assert await client.request(Say(text="a")) is None
        assert await client.request(Say(text="b")) is None
    assert calls == []


async def test_under_a_router_one_that_its_middleware_removed_is_not_called() -> None:
    app, router, calls = talk(), Router(), list[str]()
    hook = router.on(Say)

    @hook
    async def handler() -> None:
        calls.append("handler")

    @router.middleware
    async def step(_socket: Any, message: Any, call_next: Any) -> Any:
        hook.remove(handler)
        return await call_next(message)

    app.include(router)
    async with TestClient(app) as client:
        assert await client.request(Say(text="x")) is None
    assert calls == []


class TestRoomsAsAChain:
    @pytest.mark.parametrize("crash", [False, True])
    @pytest.mark.parametrize(
        ("settings", "called"),
        [
            (Settings(), ["first", "second", "beside"]),
            (Settings.drop_in(), ["first"]),
            (Settings(policies=Policies(room_handlers="chain")), ["first"]),
        ],
    )
    async def test_the_later_ones_run_after_a_refusal_unless_it_is_a_chain(
        self, settings: Settings, called: list[str], crash: bool
    ) -> None:
        app, calls = talk(settings), list[str]()
        lobby = app.room("lobby")

        @lobby.on(Wave)
        async def first() -> None:
            calls.append("first")
            raise ValueError if crash else Refusal("Not here.", code="forbidden")

        @lobby.on(Wave)
        async def second() -> None:
            calls.append("second")

        @lobby.on(Wave, concurrent=True)
        async def beside() -> None:
            calls.append("beside")

        @app.on(Say)
        async def say() -> None: ...

        async with TestClient(app) as ann, TestClient(app) as bob:
            for client in (ann, bob):
                await client.join("lobby")
            with pytest.raises(RequestError) as refused:
                await ann.request(Wave(), room="lobby")
            assert refused.value.code == ("internal" if crash else "forbidden")
            await until(lambda: len(calls) == len(called))
            assert await bob.request(Say(text="next")) is None
        assert "wave" not in str(bob.log)
        assert calls == called

    async def test_outside_rooms_all_run(self) -> None:
        app, calls = talk(Settings.drop_in()), list[str]()

        @app.on(Say)
        async def first() -> None:
            raise Refusal("Not here.", code="forbidden")

        @app.on(Say)
        async def second() -> None:
            calls.append("second")

        async with TestClient(app) as client:
            with pytest.raises(RequestError):
                await client.request(Say(text="x"))
        assert calls == ["second"]

    async def test_each_of_several_rooms_is_a_chain_of_its_own(self) -> None:
        app, calls = talk(Settings.drop_in()), list[str]()
        room = app.room("r:{name}")

        @room.on(Wave)
        async def first(name: str) -> None:
            if name == "a":
                raise Refusal("Not here.", code="forbidden")

        @room.on(Wave)
        async def second(name: str) -> None:
            calls.append(name)

        async with TestClient(app) as client:
            await client.send({"rooms": ["r:a", "r:b"], "event": "wave", "data": {}})
        assert calls == ["b"]
