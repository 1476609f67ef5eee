"""Requests on picows that are large, late or never come, over TLS too: limits and deadlines."""

import gc
import ssl
import tracemalloc
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import anyio
import pytest
import trustme
from starlette.applications import Starlette

from bytesocket_app import ByteSocket, Limits, Settings, Timeouts
from bytesocket_app.transports.picows.head import MAX_HEAD, BadRequest, Bounds, Head
from tests.support.raw_peer import PONG, TEXT, RawPeer, Served, frame, on_picows
from tests.support.talk import DEADLINE, Say, logged, talk, until

pytestmark = pytest.mark.anyio

SAY = b'{"event":"say","data":{"text":"hi"},"id":1}'


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


def echo(settings: Settings | None = None, path: str = "/ws") -> ByteSocket:
    app = talk(settings, serialization="json", path=path)

    @app.on(Say)
    async def say(event: Say) -> str:
        return event.text

    return app


async def is_served(served: Served, path: str = "/ws") -> None:
    """Check that others are."""
    async with served.connect(path) as peer:
        await peer.send(frame(TEXT, SAY))
        assert (await peer.receive())[0] == TEXT


async def refused(peer: RawPeer) -> tuple[int, bytes]:
    answer = await peer.answer()
    await peer.ended()
    return answer


def limited(headers: int, header_bytes: int, path: str = "/ws") -> ByteSocket:
    return echo(Settings(limits=Limits(headers=headers, header_bytes=header_bytes)), path)


def many(count: int) -> dict[str, str]:
    """So many headers beside the six of a request."""
    return {f"X-{index}": "x" for index in range(count - 5)}


async def test_headers_over_their_number_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    async with on_picows(limited(20, 0)) as served:
        async with served.connect(**many(20)):
            pass
        async with served.visit() as peer:
            await peer.ask(**many(21))
            assert await refused(peer) == (431, b"A request has at most 20 headers here.\n")
        await is_served(served)
    assert logged(caplog) == []


async def test_headers_over_their_bytes_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    async with on_picows(limited(0, 2000)) as served:
        async with served.connect(X="x" * 1500):
            pass
        async with served.visit() as peer:
            await peer.ask(X="x" * 2000)
            assert await refused(peer) == (431, b"A request's head has at most 2000 bytes here.\n")
        await is_served(served)
    assert logged(caplog) == []


async def test_a_refusal_reaches_a_peer_that_is_still_sending() -> None:
    async with on_picows(limited(0, 2000)) as served, served.visit() as peer:
        await peer.send(b"GET /ws HTTP/1.1\r\nX: ")
        for _ in range(50):
            await peer.send(b"x" * 20_000)
        assert (await peer.answer())[0] == 431


async def test_each_application_has_its_own_limits() -> None:
    narrow, wide = limited(10, 1000), limited(200, 200_000, "/wide")
    async with on_picows(narrow, wide) as served:
        for path, status in {"/ws": 431, "/wide": 101, "/elsewhere": 404}.items():
            async with served.visit() as peer:
                await peer.ask(path, **many(150))
                assert (await peer.answer())[0] == status
        async with served.visit() as peer:
            await peer.ask("/wide", X="x" * 100_000)
            assert (await peer.answer())[0] == 101
        async with served.visit() as peer:
            await peer.ask("/wide", X="x" * 200_000)
            assert (await peer.answer())[0] == 431


def test_without_a_limit_there_is_one() -> None:
    head = Head(Bounds())
    assert head.feed(b"GET / HTTP/1.1\r\nHost: here\r\nX: " + b"x" * (MAX_HEAD - 100)) is None
    with pytest.raises(BadRequest, match=str(MAX_HEAD)):
        head.feed(b"x" * 100)


@pytest.mark.parametrize(
    ("bounds", "widest"),
    [
        ([], Bounds(0, 0)),
        ([Bounds(10, 20)], Bounds(10, 20)),
        ([Bounds(10, 20), Bounds(20, 10)], Bounds(20, 20)),
        ([Bounds(10, 20), Bounds(0, 10)], Bounds(MAX_HEAD, 20)),
        ([Bounds(10, 20), Bounds(MAX_HEAD + 1, 0)], Bounds(MAX_HEAD + 1, 0)),
    ],
)
def test_the_widest_bounds(bounds: list[Bounds], widest: Bounds) -> None:
    assert Bounds.widest(bounds) == widest


@pytest.mark.parametrize("pace", [1, 3, 1000])
def test_a_request_in_pieces_is_the_same(pace: int) -> None:
    sent = b"GET /%77s?a=b HTTP/1.1\r\nHost: here\r\nCookie: a=b\r\nCookie: c=d\r\n\r\nrest"
    head = Head(Bounds())
    pieces = [sent[start : start + pace] for start in range(0, len(sent), pace)]
    found = None
    while found is None:
        found = head.feed(pieces.pop(0))
    assert (found.method, found.path, found.query) == ("GET", "/ws", "a=b")
    assert found.headers == {"host": "here", "cookie": "a=b; c=d"}
    assert (found.size, found.count) == (len(sent) - 4, 3)
    assert head.rest + b"".join(pieces) == b"rest"


async def test_nothing_of_a_request_is_kept_but_its_headers() -> None:
    app = echo()
    async with on_picows(app) as served, AsyncExitStack() as peers:
        sizes: list[int] = []
        for length in (0, 0, 15_000):  # the first is for what is made once
            gc.collect()
            tracemalloc.start()
            value = "x" * length  # the clients of the test hold it together
            for _ in range(50):
                await peers.enter_async_context(served.connect(X=value))
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0] // 50)
            tracemalloc.stop()
        left = [type(each).__name__ for each in gc.get_objects()]
        assert "HandshakeProtocol" not in left
        assert "Head" not in left
        # 15,000 bytes are kept once; twice would be more than 30,000.
        assert sizes[2] - sizes[1] < 22_000, sizes


# Deadlines.


def patient(seconds: float, path: str = "/ws") -> ByteSocket:
    return echo(Settings(timeouts=Timeouts(handshake=seconds)), path)


async def test_the_deadline_of_a_request_is_a_setting() -> None:
    async with on_picows(patient(3)) as served, served.visit() as peer:
        await is_served(served)
        served.advance(2.9)
        await is_served(served)
        served.advance(0.2)
        assert (await refused(peer))[0] == 408


async def test_one_byte_a_second_is_too_slow() -> None:
    async with on_picows(patient(10)) as served, served.visit() as peer:
        for byte in b"GET /ws HTT":
            await peer.send(bytes([byte]))
            await is_served(served)
            served.advance(1)
        assert (await refused(peer))[0] == 408


@pytest.mark.parametrize(("other", "is_over"), [(2, True), (5, False), (0, False)])
async def test_the_longest_deadline_counts_before_the_path_is_known(
    other: float, is_over: bool
) -> None:
    async with on_picows(patient(3), patient(other, "/other")) as served, served.visit() as peer:
        await is_served(served)
        served.advance(4)
        if not is_over:
            await peer.ask()
        assert (await peer.answer())[0] == (408 if is_over else 101)


# TLS.


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA, tmp_path: Path) -> ssl.SSLContext:
    issued = authority.issue_cert("localhost")
    issued.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "both.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    return context


class Shaking:
    """The client's side of TLS, for bytes that it is given."""

    def __init__(self, authority: trustme.CA) -> None:
        trusted = authority.cert_pem.bytes().decode()
        context = ssl.create_default_context(cadata=trusted)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname="localhost")

    def hello(self) -> bytes:
        """Begin the handshake."""
        with pytest.raises(ssl.SSLWantReadError):
            self._tls.do_handshake()
        return self._out.read()

    async def shake(self, peer: RawPeer) -> None:
        """Do the handshake."""
        await peer.send(self.hello())
        await self._until(peer, self._tls.do_handshake)
        await peer.send(self._out.read())

    async def send(self, peer: RawPeer, data: bytes) -> None:
        """Send bytes."""
        self._tls.write(data)
        await peer.send(self._out.read())

    async def receive(self, peer: RawPeer) -> bytes:
        """Receive some bytes."""
        found: list[bytes] = []
        await self._until(peer, lambda: found.append(self._tls.read(2**16)))
        return found[0]

    async def _until(self, peer: RawPeer, step: Callable[[], object]) -> None:
        with anyio.fail_after(DEADLINE):
            while True:
                try:
                    step()
                except ssl.SSLWantReadError:
                    self._in.write(await peer.stream.receive())
                else:
                    return


REQUEST = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)


async def open_over_tls(served: Served, authority: trustme.CA, peer: RawPeer) -> Shaking:
    client = Shaking(authority)
    await client.shake(peer)
    await client.send(peer, REQUEST)
    assert (await client.receive(peer)).startswith(b"HTTP/1.1 101")
    return client


async def hung_up_on(peer: RawPeer) -> None:
    """Wait for the end of the connection, before which an alert may come."""
    with anyio.fail_after(DEADLINE), suppress(anyio.EndOfStream, anyio.BrokenResourceError):
        while True:
            await peer.stream.receive()


async def echoes(client: Shaking, peer: RawPeer) -> None:
    await client.send(peer, frame(TEXT, SAY))
    assert b'"hi"' in await client.receive(peer)


@pytest.mark.parametrize("part", [0, 1, 100])
async def test_a_tls_handshake_that_does_not_come_in_time_is_given_up(
    part: int,
    tls: ssl.SSLContext,
    authority: trustme.CA,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with (
        on_picows(patient(10), tls=tls) as served,
        served.visit() as other,
        served.visit() as peer,
    ):
        client = await open_over_tls(served, authority, other)
        await peer.send(Shaking(authority).hello()[:part])
        await echoes(client, other)
        served.advance(9)
        await echoes(client, other)
        served.advance(1.1)
        await peer.ended()
        await echoes(client, other)
    assert logged(caplog) == []


async def test_the_deadline_of_a_request_counts_from_the_accept(
    tls: ssl.SSLContext, authority: trustme.CA
) -> None:
    async with (
        on_picows(patient(10), tls=tls) as served,
        served.visit() as peer,
        served.visit() as other,
    ):
        client = await open_over_tls(served, authority, other)
        served.advance(8)
        late = Shaking(authority)
        await late.shake(peer)
        await late.send(peer, REQUEST[:20])
        await echoes(client, other)
        served.advance(2.1)
        assert (await late.receive(peer)).startswith(b"HTTP/1.1 408")


async def test_a_tls_handshake_ends_with_the_server(
    tls: ssl.SSLContext, authority: trustme.CA, caplog: pytest.LogCaptureFixture
) -> None:
    async with on_picows(patient(0), tls=tls) as served:
        silent = await anyio.connect_tcp("127.0.0.1", served.port)
        half = await anyio.connect_tcp("127.0.0.1", served.port)
        await half.send(Shaking(authority).hello()[:50])
        async with served.visit() as other:
            await open_over_tls(served, authority, other)
    for stream in (silent, half):
        async with stream:
            await RawPeer(stream).ended()
    assert logged(caplog) == []


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\x17\x03\x03\x00\x20" + bytes(32)]
)
async def test_garbage_in_tls_ends_its_own_connection_only(
    garbage: bytes,
    tls: ssl.SSLContext,
    authority: trustme.CA,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = patient(10)
    async with on_picows(app, tls=tls) as served, served.visit() as other:
        client = await open_over_tls(served, authority, other)
        for is_open in (False, True):
            async with served.visit() as peer:
                if is_open:
                    await open_over_tls(served, authority, peer)
                await peer.send(garbage)
                await hung_up_on(peer)
        await until(lambda: len(app.sockets()) == 1)
        await echoes(client, other)
    assert logged(caplog) == []


async def test_a_ping_over_tls_is_answered(tls: ssl.SSLContext, authority: trustme.CA) -> None:
    async with on_picows(patient(10), tls=tls) as served, served.visit() as peer:
        client = await open_over_tls(served, authority, peer)
        await client.send(peer, frame(0x9, b"?"))
        assert await client.receive(peer) == bytes([0x80 | PONG, 1]) + b"?"


async def test_an_application_attached_at_two_paths_is_served_at_both() -> None:
    app, host = echo(), Starlette()
    app.attach(host, "/old")
    app.attach(host, "/new")
    assert (app.path, app.paths) == ("/new", ("/old", "/new"))
    async with on_picows(app) as served:
        for path in app.paths:
            await is_served(served, path)
        async with served.visit() as peer:
            await peer.ask("/ws")
            assert (await refused(peer))[0] == 404
