"""A peer that never reads does not keep a process from its end."""

from contextlib import ExitStack, suppress

import pytest

from tests.support.hostile import DEADLINE, Attacker, request, target
from tests.support.hostile_app import OURS

pytestmark = pytest.mark.slow

LARGE = "x" * 200_000


@pytest.mark.parametrize("kind", [*OURS, "picows"])
def test_peers_that_never_read_do_not_outlive_the_grace(kind: str) -> None:
    with target(kind, "tests.support.hostile_quick:patient") as served, ExitStack() as stack:
        for _ in range(5):
            peer = stack.enter_context(Attacker(served.port, receive_buffer=4096))
            peer.send(request())
            assert peer.answer()[0] == 101
            peer.socket.settimeout(0.5)  # the server need not read on
            with suppress(OSError):
                for identity in range(30):
                    peer.say(event="echo", data={"text": LARGE}, id=identity)
        served.process.terminate()
        assert served.process.wait(DEADLINE) == 0
