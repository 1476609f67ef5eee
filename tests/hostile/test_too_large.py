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


@pytest.mark.parametrize("server", RUNNERS)
@pytest.mark.parametrize("fragments", [1, 4, 33])
def test_the_sender_of_too_large_a_message_hears_1009(server: str, fragments: int) -> None:
    with target(server, "tests.support.threat_app:plain") as victim:
        for number in range(ROUNDS):
            size = LIMIT + LIMIT // 4 + number
            part = "x" * (size // fragments + 1)
            with (
                connect(
                    f"ws://127.0.0.1:{victim.port}/ws", proxy=None, open_timeout=DEADLINE
                ) as peer,
                pytest.raises(ConnectionClosed) as closed,
            ):
                peer.send([part] * fragments if fragments > 1 else part)
                peer.recv(DEADLINE)
            assert closed.value.rcvd is not None, "a reset overtook the close"
            assert closed.value.rcvd.code == 1009
        assert victim.tracebacks() == []
