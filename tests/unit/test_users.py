"""One user on several sockets: who is reached, who is not, and what is left behind."""

from collections.abc import Callable
from typing import Any

import pytest

from bytesocket_app import AuthError, ByteSocket, ConfigurationError, Socket, UndeclaredEvent
from bytesocket_app.events import PayloadType
from bytesocket_app.testing import RequestError, TestClient
from bytesocket_app.types import CodecName
from tests.support.asgi import Call, socket_scope
from tests.support.talk import Said, Say, logged, talk, until

pytestmark = pytest.mark.anyio


def itself(user: Any) -> Any:
    return user


def nothing(_: Any) -> Any:
    return None


def true(_: Any) -> Any:
    return True


def missing(user: Any) -> Any:
    return user.id


def by_message(key: Callable[[Any], Any] = itself) -> ByteSocket:
    """An application whose credentials are the user."""
    app = talk()

    @app.auth(key=key)
    async def authenticate(socket: Socket, credentials: Any) -> Any:
        if credentials == "nobody":
            raise AuthError("no")
        return credentials

    return app


def by_handshake(key: Callable[[Any], Any] = itself) -> ByteSocket:
    """An application where a header is the user."""
    app = talk()

    @app.auth(key=key)
    async def authenticate(socket: Socket) -> str:
        return socket.headers["user"]

    return app


class TestEmit:
    async def test_every_socket_of_the_user_and_nobody_elses(self) -> None:
        app = by_message()
        async with (
            TestClient(app, "ann") as one,
            TestClient(app, "ann", codec="binary") as two,
            TestClient(app, "bob") as other,
        ):
            await app.user("ann").emit(Said(text="psst"))
            await app.broadcast(Said(text="all"))
            plain = {"event": "said", "data": {"text": "psst"}}
            assert await one.receive_message() == await two.receive_message() == plain
            assert (await other.receive(Said)).text == "all"

    async def test_the_handshake_tells_users_apart_as_well(self) -> None:
        app = by_handshake()
        async with (
            TestClient(app, headers={"user": "ann"}) as ann,
            TestClient(app, headers={"user": "bob"}) as bob,
        ):
            await app.user("bob").emit(Said(text="for bob"))
            await app.user("ann").emit(Said(text="for ann"))
            assert (await ann.receive(Said)).text == "for ann"
            assert (await bob.receive(Said)).text == "for bob"

    async def test_a_number_and_its_digits_are_two_users(self) -> None:
        app = by_message()
        async with TestClient(app, 1) as number, TestClient(app, "1") as text:
            await app.user(1).emit(Said(text="number"))
            await app.user("1").emit(Said(text="text"))
            assert (await number.receive(Said)).text == "number"
            assert (await text.receive(Said)).text == "text"

    async def test_it_is_encoded_once_per_codec(self, monkeypatch: pytest.MonkeyPatch) -> None:
        app = by_message()
        codecs: list[str] = []
        writer = PayloadType.writer

        def counted(self: PayloadType, codec: CodecName, *around: bytes) -> Any:
            write = writer(self, codec, *around)

            def counting(value: object) -> bytes:
                codecs.append(codec)
                return write(value)

            return counting

        monkeypatch.setattr(PayloadType, "writer", counted)
        async with (
            TestClient(app, "ann") as one,
            TestClient(app, "ann") as two,
            TestClient(app, "ann", codec="binary"),
        ):
            await app.user("ann").emit(Said(text="x"))
            assert sorted(codecs) == ["binary", "json"]
            codecs.clear()
            await app.user("ann").emit(Said(text="x"), codec="json")
            assert codecs == ["json"]
            assert await one.receive(Said) == await two.receive(Said)

    async def test_nobody_there_is_no_error(self) -> None:
        app = by_message()
        await app.user("ann").emit(Said(text="x"))
        await app.user("ann").close()
        with pytest.raises(UndeclaredEvent):
            await app.user("ann").emit(Say(text="x"))  # type: ignore[arg-type]


class TestClose:
    async def test_every_socket_of_the_user_and_nobody_elses(self) -> None:
        app = by_message()
        async with (
            TestClient(app, "ann") as one,
            TestClient(app, "ann") as two,
            TestClient(app, "bob") as other,
        ):
            await app.user("ann").close(4001, "banned")
            assert await one.wait_closed() == await two.wait_closed() == (4001, "banned")
            assert other.closed is None

    async def test_a_code_that_cannot_be_sent_is_refused_even_if_nobody_is_there(self) -> None:
        with pytest.raises(ValueError, match="1005"):
            await by_message().user("ann").close(1005)

    @pytest.mark.parametrize("codec", ["json", "binary"])
    async def test_a_final_close_reaches_every_socket_of_the_user(self, codec: CodecName) -> None:
        app = by_message()
        async with TestClient(app, "ann", codec=codec) as one, TestClient(app, "ann") as two:
            await app.user("ann").close(final=True)
            for client in (one, two):
                assert await client.wait_closed() == (4400, "closed for good")
        async with TestClient(app, "ann", codec=codec) as one:
            await app.user("ann").close(4410, "banned", final=True)
            assert await one.wait_closed() == (4410, "banned")

    async def test_a_code_that_is_not_final_closes_nothing_even_if_nobody_is_there(self) -> None:
        app = by_message()
        with pytest.raises(ValueError, match="4001 is not final"):
            await app.user("ann").close(4001, final=True)
        async with TestClient(app, "ann") as one:
            with pytest.raises(ValueError, match="1000 is not final"):
                await app.user("ann").close(1000, final=True)
            assert one.closed is None


class TestIndex:
    async def test_a_user_without_sockets_leaves_nothing_behind(self) -> None:
        app = by_message()
        handle = app.user("ann")
        async with TestClient(app, "ann") as one:
            async with TestClient(app, "ann"):
                assert len(app.memberships.users) == 1
                assert len(app.memberships.users.of("ann")) == 2
            assert len(app.memberships.users.of("ann")) == 1
            await handle.emit(Said(text="still one"))
            assert (await one.receive(Said)).text == "still one"
            (socket,) = app.memberships.users.of("ann")
            assert app.memberships.users.discard(socket, "ann")
            assert not app.memberships.users.discard(socket, "ann")
        assert len(app.memberships.users) == 0

    async def test_who_is_refused_was_never_there(self) -> None:
        app = by_message()
        with pytest.raises(RequestError):
            await TestClient(app, "nobody").__aenter__()
        async with TestClient(app):
            assert len(app.memberships.users) == 0

    async def test_a_socket_that_closed_in_the_meantime_is_not_listed(self) -> None:
        app = by_message()
        async with TestClient(app, "ann"):
            (socket,) = app.sockets()
            await socket.close()
            app.memberships.authenticated(socket)
            assert len(app.memberships.users) == 0
            assert app.hub.rooms_of(socket) == []

    async def test_without_a_key_nothing_is_listed(self) -> None:
        app = talk()

        @app.auth
        async def authenticate(socket: Socket, credentials: str) -> str:
            return credentials

        async with TestClient(app, "ann"):
            assert len(app.memberships.users) == 0
            assert app.sockets()[0].user_key is None


class TestBadKeys:
    @pytest.mark.parametrize("auth", [False, True])
    def test_without_a_key_function_there_are_no_users(self, auth: bool) -> None:
        app = talk()
        if auth:

            @app.auth
            async def authenticate(socket: Socket) -> str:
                return "ann"

        with pytest.raises(ConfigurationError, match=r"test_users.py:\d+: .*@app.auth\(key=lambda"):
            app.user("ann")

    @pytest.mark.parametrize("key", [None, 1.5, True, ["ann"]])
    def test_a_key_that_no_user_has(self, key: Any) -> None:
        with pytest.raises(TypeError, match="a string or an integer"):
            by_message().user(key)

    @pytest.mark.parametrize("key", [nothing, true, missing])
    async def test_a_user_without_a_good_key_is_refused_as_internal(
        self, key: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = by_message(key)
        with pytest.raises(RequestError) as refused:
            await TestClient(app, "ann").__aenter__()
        assert refused.value.code == "internal"
        assert "ann" not in refused.value.message
        assert logged(caplog)
        assert caplog.records[-1].exc_info is not None

    async def test_at_the_handshake_as_well(self, caplog: pytest.LogCaptureFixture) -> None:
        call = Call(
            by_handshake(nothing),
            socket_scope(headers=[(b"host", b"example.org"), (b"user", b"ann")]),
        )
        call.tell("websocket.connect")
        await call.run()
        assert call.sent[0]["status"] == 500
        assert "authentication failed" in logged(caplog)[0]
        assert "a user's key is a string or an integer" in caplog.text
        await until(lambda: call.returned)
