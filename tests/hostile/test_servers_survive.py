"""Whatever a server library raises for one connection ends that connection, and no other."""

import random
from collections.abc import Generator
from contextlib import suppress

import pytest

from tests.support.hostile import Target, bystanders, request, target
from tests.support.hostile_app import OURS, SERVERS
from tests.support.raw_peer import BINARY, CLOSE, TEXT, frame

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=SERVERS)
def served(request: pytest.FixtureRequest) -> Generator[Target]:
    """The application on each server."""
    with target(request.param) as served:
        yield served


@pytest.fixture(scope="module", params=OURS)
def ours(request: pytest.FixtureRequest) -> Generator[Target]:
    """The application on each ASGI server that our runners set up."""
    with target(request.param) as served:
        yield served


def test_a_byte_after_the_upgrade_request(served: Target) -> None:
    with bystanders(served), served.connect() as peer:
        peer.send(request() + b"z")
        peer.answer()


def test_a_byte_after_the_upgrade_request_is_answered_with_400(ours: Target) -> None:
    with bystanders(ours):
        for tail in (b"z", b"\x81", bytes(60_000), request()):
            with ours.connect() as peer:
                peer.send(request() + tail)
                assert peer.answer()[0] == 400
                assert peer.gone()
    assert not ours.tracebacks()


@pytest.mark.parametrize(
    "name", ["Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Connection", "Host", "Origin"]
)
def test_a_header_that_is_no_ascii(served: Target, name: str) -> None:
    with bystanders(served), served.connect() as peer:
        peer.send(request(**{name: "caf\xe9, Upgrade"}))
        peer.answer()


def test_frames_behind_a_close(ours: Target) -> None:
    with bystanders(ours):
        for tail in (frame(TEXT, b"{}"), b"z" * 1000, frame(CLOSE, b"\x03\xe8"), frame(9, b"x")):
            with ours.upgraded() as peer:
                peer.send(frame(CLOSE, b"\x03\xe8") + tail)
                assert peer.gone()
    assert not ours.tracebacks()


def mutations(seed: int, count: int) -> Generator[bytes]:
    """Openings of a connection with bytes changed, cut out, doubled or put in."""
    chance = random.Random(seed)
    message = frame(TEXT, b'{"event":"echo","data":{"text":"x"},"id":1}')
    wholes = [
        request(),
        request() + message,
        b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n" * 3,
        b"POST /ws HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(30),
    ]
    for _ in range(count):
        data = bytearray(chance.choice(wholes))
        for _ in range(chance.randint(1, 4)):
            at, size = chance.randrange(len(data)), chance.randint(1, 8)
            if chance.random() < 0.5:
                data[at : at + size] = chance.randbytes(chance.randint(0, 8))
            else:
                data[at:at] = data[at : at + size * 10]
        yield bytes(data)


def test_mutated_requests(ours: Target) -> None:
    with bystanders(ours):
        for data in mutations(seed=15, count=400):
            with ours.connect() as peer, suppress(OSError):
                peer.send(data)
                peer.socket.settimeout(0.02)
                peer.socket.recv(65536)
    assert not ours.tracebacks()


def test_mutated_frames(ours: Target) -> None:
    chance = random.Random(15)
    with bystanders(ours):
        for _ in range(400):
            with ours.upgraded() as peer, suppress(OSError):
                data = bytearray(frame(chance.choice((TEXT, BINARY, CLOSE, 9)), b'{"id":1}'))
                for _ in range(chance.randint(1, 3)):
                    data[chance.randrange(min(len(data), 6))] = chance.randrange(256)
                peer.send(bytes(data) * chance.randint(1, 3))
                peer.socket.settimeout(0.02)
                peer.socket.recv(65536)
    assert not ours.tracebacks()
