"""Bytes in one packet with the upgrade request, from a peer that leaves at any moment (picows)."""

import random
import struct
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.support.hostile import Attacker, Target, bystanders, request, target, until
from tests.support.raw_peer import BINARY, CLOSE, CONTINUATION, PING, TEXT, frame

pytestmark = pytest.mark.slow

ECHO = frame(TEXT, b'{"event":"echo","data":{"text":"a"}}')

GLUED = (
    b"",
    b"z",
    frame(0x3, b"x"),
    frame(TEXT, b"hello", masked=False),
    frame(TEXT, b"x", rsv=4),
    frame(CONTINUATION, b"x"),
    frame(PING, fin=False),
    frame(PING, bytes(126)),
    frame(TEXT, b"\xff\xfe"),
    frame(TEXT, b"no JSON"),
    frame(TEXT, b"hello")[:4],
    bytes([0x80 | BINARY, 0xFF]) + struct.pack("!Q", 2**40) + b"abcd",
    bytes([0x80 | BINARY, 0xFF]) + struct.pack("!Q", 2**63) + b"abcd",
    frame(CLOSE, (1005).to_bytes(2)),
    frame(CLOSE, b"\x03"),
    frame(CLOSE, (1000).to_bytes(2) + b"\xff"),
    frame(CLOSE, (1000).to_bytes(2)),
    frame(CLOSE),
    frame(CLOSE) + frame(0x3, b""),
    ECHO + frame(0x3, b""),
    ECHO * 3 + frame(TEXT, b"x", rsv=1),
    ECHO * 50,
    frame(TEXT, b"x", fin=False) + frame(TEXT, b"y"),
)


@pytest.fixture(scope="module", params=["plain", "by_handshake"])
def served(request: pytest.FixtureRequest) -> Generator[Target]:
    """An application without authentication, and one that decides for a while."""
    with target("picows", f"tests.support.picows_apps:{request.param}") as served:
        yield served


def held(served: Target) -> dict[str, int]:
    """Ask what is held of connections."""
    with served.upgraded() as peer:
        found: dict[str, int] = peer.request("held", {})
        return found


def attack(port: int, seed: int) -> None:
    """Connect with bytes after the request, and leave in some way at some time."""
    chosen = random.Random(seed)
    peer = Attacker(port)
    try:
        peer.send(request() + chosen.choice(GLUED))
        time.sleep(chosen.choice((0, 0, chosen.random() / 30)))
        match chosen.randrange(4):
            case 0:
                peer.reset()
            case 1:
                peer.half_close()
            case 2:
                peer.socket.recv(10)
            case _:
                pass
    except OSError:
        pass  # the server was quicker
    finally:
        peer.close()


def test_a_violation_with_the_request_leaves_nothing(served: Target) -> None:
    before = held(served)
    files = served.report()["files"]
    with bystanders(served), ThreadPoolExecutor(16) as attackers:
        list(attackers.map(partial(attack, served.port), range(2000)))
    served.wait_for_report(sockets=1, connections=1, files=files)
    assert until(lambda: held(served), lambda found: found == before)
    assert served.errors() == []
