"""The door: which handshakes are taken, and how all of them are shown out."""

from typing import Any

import anyio
import pytest
from anyio import Event as Signal
from anyio import create_task_group

from bytesocket_app import (
    AuthError,
    ByteSocket,
    ErrorContext,
    Handshake,
    Limits,
    Refusal,
    Settings,
    Socket,
)
from bytesocket_app import Timeouts as Seconds
from bytesocket_app.errors import Disconnected
from bytesocket_app.telemetry import Count
from bytesocket_app.testing import RequestError, TestClient
from bytesocket_app.transports import Acceptance, Rejection
from tests.support.listening import Noted
from tests.support.talk import Said, logged, talk, until, wait

pytestmark = pytest.mark.anyio


async def admit(app: ByteSocket, **headers: str) -> Acceptance | Rejection:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await app.endpoint.admit(Handshake("/ws", headers=named))


async def status(app: ByteSocket, **headers: str) -> int:
    decision = await admit(app, **headers)
    return decision.status if isinstance(decision, Rejection) else 101


class TestOrigins:
    @pytest.mark.parametrize(
        ("origin", "host", "expected"),
        [
            ("", "example.org", 101),
            ("http://example.org", "example.org", 101),
            ("https://Example.org", "example.ORG:443", 101),
            ("http://example.org:8000", "example.org:8000", 101),
            ("http://example.org:8001", "example.org:8000", 403),
            ("http://evil.example", "example.org", 403),
            ("null", "example.org", 403),
            ("http://[", "example.org", 403),
            ("http://example.org:99999", "example.org", 403),
        ],
    )
    async def test_the_same_host_is_the_default(
        self, origin: str, host: str, expected: int
    ) -> None:
        assert await status(talk(), origin=origin, host=host) == expected

    async def test_a_list_widens_it(self) -> None:
        app = talk(origins=["https://Friend.example"])
        assert await status(app, origin="https://friend.example", host="x") == 101
        assert await status(app, origin="http://x", host="x") == 101
        assert await status(app, origin="https://other.example", host="x") == 403

    async def test_a_star_opens_it(self) -> None:
        assert await status(talk(origins=["*"]), origin="http://evil.example", host="x") == 101

    async def test_under_drop_in_only_a_list_refuses(self) -> None:
        open_to_all = talk(Settings.drop_in())
        listed = talk(Settings.drop_in(), origins=["https://friend.example"])
        assert await status(open_to_all, origin="http://evil.example", host="x") == 101
        assert await status(listed, origin="http://evil.example", host="x") == 403
        assert await status(listed, origin="https://friend.example", host="x") == 101


class TestCodecs:
    @pytest.mark.parametrize(
        ("offered", "answer", "codec"),
        [
            ((), None, "binary"),
            (("chat", "bytesocket.json"), "bytesocket.json", "json"),
            (("bytesocket.binary", "bytesocket.json"), "bytesocket.binary", "binary"),
            (("chat", "soap"), "chat", "binary"),
        ],
    )
    async def test_a_subprotocol_asks_for_one(
        self, offered: tuple[str, ...], answer: str | None, codec: str
    ) -> None:
        decision = await talk().endpoint.admit(Handshake("/ws", subprotocols=offered))
        assert isinstance(decision, Acceptance)
        assert decision.subprotocol == answer
        assert decision.context[0].codec == codec

    async def test_without_one_the_application_decides(self) -> None:
        decision = await admit(talk(serialization="json"))
        assert isinstance(decision, Acceptance)
        assert decision.context[0].codec == "json"


class TestHeads:
    @pytest.mark.parametrize(
        ("count", "size", "answer"),
        [(100, 16384, 101), (101, 1, 431), (1, 16385, 431), (0, 0, 101)],
    )
    async def test_the_limits_hold_whatever_the_server_takes(
        self, count: int, size: int, answer: int
    ) -> None:
        app = talk()
        app.telemetry.listener = noted = Noted()
        decision = await app.endpoint.admit(Handshake("/ws", header_count=count, header_bytes=size))
        assert getattr(decision, "status", 101) == answer
        assert len(noted.amounts(Count.REFUSED)) == (answer == 431)

    async def test_without_limits_any_head_is_taken(self) -> None:
        app = talk(Settings(limits=Limits(headers=0, header_bytes=0)))
        huge = Handshake("/ws", header_count=10**6, header_bytes=10**9)
        assert isinstance(await app.endpoint.admit(huge), Acceptance)

    @pytest.mark.parametrize("offer", ["a b", "caf\xe9", "a/b", 'q"', "", "a\n"])
    async def test_a_subprotocol_that_is_no_token_is_refused_as_it_cannot_be_echoed(
        self, offer: str
    ) -> None:
        decision = await talk().endpoint.admit(Handshake("/ws", subprotocols=("chat", offer)))
        assert isinstance(decision, Rejection)
        assert decision.status == 400


class TestUpgradeHooks:
    async def test_a_hook_that_raises_refuses_and_is_reported_once(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = talk()
        seen: list[Any] = []

        @app.lifecycle.upgrade
        async def first(handshake: Handshake) -> None:
            seen.append(handshake.path)
            raise LookupError("first")

        @app.lifecycle.upgrade
        async def second() -> None:
            seen.append("second")
            raise LookupError("second")

        @app.lifecycle.error
        async def report(socket: Socket | None, context: ErrorContext) -> None:
            seen.append((socket, str(context.phase), str(context.error)))

        assert await status(app) == 403
        assert seen == ["/ws", "second", (None, "onUpgrade", "first")]
        assert len(logged(caplog)) == 2

    async def test_a_hook_that_returns_lets_it_pass(self) -> None:
        app = talk()

        @app.lifecycle.upgrade
        async def look() -> None:
            """Nothing to say."""

        assert await status(app) == 101


class Doorman:
    """Authentication from the handshake."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.app = talk(settings)
        self.seen: list[Any] = []
        self.app.auth(self.decide)
        self.app.lifecycle.auth_error(self.error)
        self.app.lifecycle.auth_success(self.success)
        self.app.lifecycle.open(self.open)

    async def decide(self, socket: Socket) -> str:
        # A socket that is not accepted yet can be written to; nothing comes of it.
        await socket.emit(Said(text="too early"))
        match socket.authorization:
            case "none":
                raise AuthError("No token.")
            case "banned":
                raise Refusal("Not you.", code="banned")
            case "crash":
                raise RuntimeError("secret")
            case "slow":
                await anyio.sleep_forever()
            case _:
                pass
        return socket.authorization

    async def error(self, context: ErrorContext) -> None:
        self.seen.append((type(context.error).__name__, context.code))

    async def success(self) -> None:
        self.seen.append("success")

    async def open(self) -> None:
        self.seen.append("open")


class TestHandshakeAuthentication:
    async def test_the_user_is_known_at_once_and_no_5_is_sent(self) -> None:
        doorman = Doorman()
        async with TestClient(doorman.app, headers={"Authorization": "Ada"}) as client:
            socket = doorman.app.sockets()[0]
            assert (socket.user, socket.is_authenticated) == ("Ada", True)
            await socket.emit(Said(text="hi"))
            assert (await client.receive_message())["event"] == "said"
        assert doorman.seen == ["success", "open"]

    @pytest.mark.parametrize(
        ("token", "expected", "hooks"),
        [
            ("none", Rejection(401, "No token."), [("AuthError", 4003)]),
            ("banned", Rejection(403, "Not you."), [("Refusal", 4003)]),
            ("crash", Rejection(500, "Authentication failed."), [("RuntimeError", 4003)]),
        ],
    )
    async def test_refused_before_accept(
        self, token: str, expected: Rejection, hooks: list[Any]
    ) -> None:
        doorman = Doorman()
        assert await admit(doorman.app, authorization=token) == expected
        assert doorman.seen == hooks
        assert not doorman.app.sockets()

    async def test_too_slow_is_503(self) -> None:
        doorman = Doorman(Settings(timeouts=Seconds(auth=0.01)))
        assert await status(doorman.app, authorization="slow") == 503

    async def test_the_test_client_raises_the_status(self) -> None:
        with pytest.raises(RequestError, match="No token") as caught:
            async with TestClient(Doorman().app, headers={"authorization": "none"}):
                raise AssertionError("never entered")
        assert caught.value.code == "401"


class TestDrain:
    async def test_all_are_closed_with_1012_and_none_is_taken(self) -> None:
        app = talk()
        closed: list[tuple[int, str]] = []

        @app.lifecycle.close
        async def note(code: int, reason: str) -> None:
            closed.append((code, reason))

        async with TestClient(app) as one, TestClient(app) as two:
            await app.drain(5)
            assert not app.housekeeping.connections
            assert await one.wait_closed() == await two.wait_closed() == (1012, "server restart")
            assert await status(app) == 503
        assert closed == [(1012, "server restart")] * 2

    async def test_aclose_says_1001(self) -> None:
        app = talk()
        async with TestClient(app) as client:
            await app.aclose()
            assert await client.wait_closed() == (1001, "server destroy")
            with pytest.raises(RequestError, match="restarting"):
                await TestClient(app).__aenter__()

    async def test_a_handler_that_hangs_is_cut_after_the_grace(self) -> None:
        app = talk()
        begun, ended = Signal(), Signal()

        @app.on("hang")
        async def hang() -> None:
            begun.set()
            try:
                await anyio.sleep_forever()
            finally:
                ended.set()

        async with TestClient(app) as client:
            await client.send({"event": "hang"})
            await wait(begun)
            await app.drain(0.01)
            await wait(ended)
            await until(lambda: not app.housekeeping.connections)

    async def test_a_connection_that_was_being_admitted_is_closed_too(self) -> None:
        app = talk()
        gate, waiting, opened = Signal(), Signal(), list[str]()

        @app.lifecycle.upgrade
        async def decide() -> None:
            waiting.set()
            await gate.wait()

        @app.lifecycle.open
        async def note() -> None:
            opened.append("open")

        async def connect() -> None:
            async with TestClient(app) as client:
                with pytest.raises(Disconnected, match="1012"):
                    await client.receive_message()

        async with create_task_group() as tasks:
            tasks.start_soon(connect)
            await wait(waiting)
            await app.drain(5)
            gate.set()
        assert not opened
        assert not app.housekeeping.connections
        assert len(app.memberships.index) == 0

    async def test_two_drains_at_once_both_end(self) -> None:
        app = talk()
        async with TestClient(app), create_task_group() as tasks:
            tasks.start_soon(app.drain, 30)
            tasks.start_soon(app.aclose)
