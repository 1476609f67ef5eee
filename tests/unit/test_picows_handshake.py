"""What picows' connections are before they are WebSockets: HTTP, decisions, and deadlines."""

import base64
import socket
from collections.abc import AsyncGenerator

import anyio
import pytest

from bytesocket_app import AuthError, ByteSocket, Handshake, Limits, Settings, Socket
from bytesocket_app.transports import Acceptance
from tests.support.raw_peer import TEXT, RawPeer, Served, frame, on_picows
from tests.support.talk import DEADLINE, Say, logged, talk, until

pytestmark = pytest.mark.anyio

SAY = b'{"event":"say","data":{"text":"hi"},"id":1}'
KEY = base64.b64encode(b"0123456789abcdef").decode()


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


def echo() -> ByteSocket:
    app = talk(serialization="json")

    @app.on(Say)
    async def say(event: Say) -> str:
        return event.text

    return app


MISSING = "Not found. This server has a WebSocket at /ws, the probes /health and /ready.\n"


@pytest.fixture
async def served() -> AsyncGenerator[Served]:
    async with on_picows(echo()) as served:
        yield served


async def answered(peer: RawPeer) -> tuple[int, str]:
    """The answer, after which the connection is closed."""
    status, body = await peer.answer()
    await peer.ended()
    return status, body.decode()


@pytest.mark.parametrize(
    ("request_line", "expected"),
    [
        ("GET /health HTTP/1.1", (200, "ok\n")),
        ("GET /health HTTP/1.0", (200, "ok\n")),
        ("GET /ready?verbose=1 HTTP/1.1", (200, "ok\n")),
        ("GET / HTTP/1.1", (404, MISSING)),
        ("POST /elsewhere HTTP/1.1", (404, MISSING)),
    ],
)
async def test_a_plain_request_is_answered(
    request_line: str, expected: tuple[int, str], served: Served
) -> None:
    async with served.visit() as peer:
        await peer.send(f"{request_line}\r\nHost: here\r\n\r\n".encode())
        assert await answered(peer) == expected


async def test_a_plain_get_of_the_sockets_path_says_what_to_do(served: Served) -> None:
    async with served.visit() as peer:
        await peer.send(b"GET /ws HTTP/1.1\r\nHost: here:80\r\n\r\n")
        status, body = await answered(peer)
        assert status == 426
        assert "ws://here:80/ws" in body


async def test_a_request_for_the_head_alone_has_no_body(served: Served) -> None:
    async with served.visit() as peer:
        await peer.send(b"HEAD /health HTTP/1.1\r\nHost: here\r\n\r\n")
        head = await peer.stream.receive()
        assert head.startswith(b"HTTP/1.1 200 ")
        assert head.endswith(b"\r\n\r\n")
        await peer.ended()


@pytest.mark.parametrize(
    ("changed", "status", "word"),
    [
        ({"Connection": "close"}, 400, "Connection"),
        ({"Sec_WebSocket_Version": "8"}, 426, "13"),
        ({"Sec_WebSocket_Version": ""}, 426, "13"),
        ({"Sec_WebSocket_Key": ""}, 400, "Key"),
        ({"Sec_WebSocket_Key": "c2hvcnQ="}, 400, "Key"),
        ({"Sec_WebSocket_Key": "no base64!"}, 400, "Key"),
        ({"Sec_WebSocket_Key": "\u00e4" * 24}, 400, "Key"),
        ({"Origin": "http://evil.example"}, 403, "origin"),
        ({"Upgrade": "h2c"}, 426, "WebSocket"),
    ],
)
async def test_an_upgrade_that_is_none_is_refused(
    changed: dict[str, str], status: int, word: str, served: Served
) -> None:
    async with served.visit() as peer:
        await peer.ask(**changed)
        found, body = await answered(peer)
        assert found == status
        assert word in body


async def test_an_upgrade_elsewhere_is_404(served: Served) -> None:
    async with served.visit() as peer:
        await peer.ask("/elsewhere")
        assert await answered(peer) == (404, "No socket here; try /ws.\n")


async def test_what_firefox_sends_is_an_upgrade(served: Served) -> None:
    async with served.connect(Connection="keep-alive, Upgrade", Upgrade="WebSocket") as peer:
        await peer.say(SAY.decode())
        assert (await peer.receive())[0] == TEXT


async def test_the_answer_to_the_key_is_the_one_of_the_specification(served: Served) -> None:
    async with served.visit() as peer:
        # RFC 6455 section 1.3
        await peer.ask(Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==")
        head = await peer.stream.receive()
        assert b"sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=" in head.lower()


async def test_a_subprotocol_is_chosen(served: Served) -> None:
    async with served.visit() as peer:
        await peer.ask(Sec_WebSocket_Protocol="other, bytesocket.json")
        assert b"sec-websocket-protocol: bytesocket.json" in (await peer.stream.receive()).lower()


async def test_the_handshake_says_all_that_the_request_did() -> None:
    app = echo()
    seen: list[Handshake] = []

    @app.lifecycle.upgrade
    async def upgrade(handshake: Handshake) -> None:
        seen.append(handshake)

    async with on_picows(app) as served, served.connect("/%77s?a=%20b&c", Cookie="x=1"):
        (handshake,) = seen
        assert (handshake.path, handshake.query, handshake.scheme) == ("/ws", "a=%20b&c", "ws")
        assert handshake.cookies == {"x": "1"}
        assert handshake.client is not None
        assert handshake.client[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(20), 400),
        (b"GET /ws\r\n\r\n", 400),
        (b"GET /ws HTTP/1.1\r\nHost here\r\n\r\n", 400),
        (b"GET /ws HTTP/1.1\r\n\r\n", 400),
        (b"GET /ws HTTP/1.1\r\nHost: here\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"x" * 20_000, 431),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 4000, 431),
    ],
)
async def test_what_is_no_request_or_too_long_is_refused(
    sent: bytes, status: int, served: Served
) -> None:
    async with served.visit() as peer:
        await peer.send(sent)
        assert (await answered(peer))[0] == status


async def test_a_request_that_does_not_come_in_time_is_given_up(served: Served) -> None:
    async with served.visit() as slow, served.visit() as silent, served.connect() as other:
        await slow.send(b"GET /ws HTTP/1.1\r\nHost:")
        served.advance(9)
        await other.say(SAY.decode())
        await other.receive()
        served.advance(1.1)
        for peer in (slow, silent):
            assert (await answered(peer))[0] == 408
        await other.say(SAY.decode())
        assert (await other.receive())[0] == TEXT


def test_readiness_ends_with_the_drain_and_health_does_not() -> None:
    async def play() -> None:
        app = echo()
        async with on_picows(app) as served, served.connect() as peer:
            app.endpoint.draining = True
            for path, status in {"/ready": 503, "/health": 200}.items():
                async with served.visit() as probe:
                    await probe.send(f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
                    assert (await answered(probe))[0] == status
            async with served.visit() as late:
                await late.ask()
                assert (await answered(late))[0] == 503
            await app.drain(0.1)
            assert await peer.closed() == (1012, "server restart")

    anyio.run(play)


async def test_an_upgrade_waits_for_its_decision() -> None:
    app = echo()
    decide, asked = anyio.Event(), anyio.Event()

    @app.auth
    async def known(socket: Socket) -> str:
        asked.set()
        await decide.wait()
        if "no" in socket.query:
            raise AuthError("You are not known.")
        return "Ada"

    async with on_picows(app) as served, served.visit() as peer, served.visit() as other:
        await peer.ask()
        await other.ask("/ws?no")
        await peer.send(frame(TEXT, SAY))
        with anyio.fail_after(DEADLINE):
            await asked.wait()
        decide.set()
        assert (await peer.answer())[0] == 101
        assert (await peer.receive())[0] == TEXT
        assert await answered(other) == (401, "You are not known.\n")


async def test_a_client_that_leaves_meanwhile_ends_the_decision(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = echo()
    states: list[str] = []

    @app.auth
    async def known(socket: Socket) -> str:
        states.append("asked")
        try:
            await anyio.sleep_forever()
            raise AssertionError
        finally:
            states.append("ended")

    async with on_picows(app) as served:
        async with served.visit() as peer:
            await peer.ask()
            await until(lambda: states == ["asked"])
        await until(lambda: states == ["asked", "ended"])
        assert app.sockets() == []
    assert logged(caplog) == []


async def test_what_a_client_sends_before_its_answer_is_bounded() -> None:
    app = echo()
    asked = anyio.Event()

    @app.auth
    async def known(socket: Socket) -> str:
        asked.set()
        await anyio.sleep_forever()
        raise AssertionError

    async with on_picows(app) as served, served.visit() as peer:
        await peer.ask()
        with anyio.fail_after(DEADLINE):
            await asked.wait()
        raw = peer.stream.extra(anyio.abc.SocketAttribute.raw_socket)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        with anyio.move_on_after(1) as scope:
            # More than the kernel holds for both ends: somebody has to read for this to end.
            await peer.send(bytes(64 * 2**20))
        assert scope.cancelled_caught


async def test_a_pause_that_what_came_with_the_request_asks_for_is_kept() -> None:
    app = talk(Settings(limits=Limits(inbox=2)), serialization="json")

    @app.on(Say)
    async def say() -> None:
        await anyio.sleep_forever()

    head = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    request = f"GET /ws HTTP/1.1\r\nHost: here\r\n{head}Sec-WebSocket-Key: {KEY}\r\n\r\n"
    async with on_picows(app) as served, served.visit() as peer:
        await peer.send(request.encode() + frame(TEXT, SAY) * 4)
        assert (await peer.answer())[0] == 101
        raw = peer.stream.extra(anyio.abc.SocketAttribute.raw_socket)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        large = frame(TEXT, b"x" * 100_000)
        with anyio.move_on_after(1) as scope:
            for _ in range(600):
                await peer.send(large)
        assert scope.cancelled_caught


async def test_a_failing_decision_costs_its_own_connection_only() -> None:
    app = echo()

    @app.auth
    async def known(socket: Socket) -> str:
        raise RuntimeError("the database is gone")

    async with on_picows(app) as served:
        for _ in range(2):
            async with served.visit() as peer:
                await peer.ask()
                assert await answered(peer) == (500, "Authentication failed.\n")


async def test_a_defect_of_ours_is_logged_and_costs_its_own_connection_only(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = echo()

    async def broken(_: Handshake) -> Acceptance:
        raise RuntimeError("a defect")

    async with on_picows(app) as served, served.connect() as other:
        with monkeypatch.context() as patched:
            patched.setattr(app.endpoint, "admit", broken)
            async with served.visit() as peer:
                await peer.ask()
                await peer.ended()
        await other.send(frame(TEXT, SAY))
        assert (await other.receive())[0] == TEXT
    assert logged(caplog) == ["serving a connection failed"]
