"""A message that is too large ends in 1009, however it comes, and not in a reset that hides it."""

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.support.hostile import DEADLINE, target
from tests.support.hostile_app import RUNNERS

pytestmark = pytest.mark.slow

LIMIT = 1024 * 1024
"""Bytes of `Limits.message_bytes`, its default."""
ROUNDS = 5
"""Connections of each kind: which segment the server reads last differs from one to the next."""


def ending(port: int, parts: list[str]) -> int | None:
    """Send a message in so many frames; return the code of the close that is heard, if any."""
    address = f"ws://127.0.0.1:{port}/ws"
    with connect(address, proxy=None, open_timeout=DEADLINE) as peer:
        try:
            peer.send(parts if len(parts) > 1 else parts[0])
            peer.recv(DEADLINE)
        except ConnectionClosed as closed:
            return None if closed.rcvd is None else closed.rcvd.code
    raise AssertionError


@pytest.mark.parametrize("server", RUNNERS)
@pytest.mark.parametrize("fragments", [1, 4, 33])
def test_the_sender_of_too_large_a_message_hears_1009(server: str, fragments: int) -> None:
    with target(server, "tests.support.threat_app:plain") as victim:
        for number in range(ROUNDS):
            size = LIMIT + LIMIT // 4 + number
            parts = ["x" * (size // fragments + 1)] * fragments
            assert ending(victim.port, parts) == 1009  # None: a reset overtook it
        assert victim.tracebacks() == []
