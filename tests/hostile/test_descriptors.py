"""A process that has run out of file descriptors serves those whom it has, and recovers."""

import resource

import pytest

from tests.support.hostile import DEADLINE, bystanders, request, target
from tests.support.hostile_app import OURS

pytestmark = pytest.mark.slow

PEERS = 200
"""Peers that knock; three times as many as there are descriptors for."""
MOST = 60


@pytest.mark.parametrize("kind", [*OURS, "picows"])
def test_peers_beyond_the_descriptors_fill_no_log_and_delay_no_end(kind: str) -> None:
    with target(kind) as served:
        resource.prlimit(served.pid, resource.RLIMIT_NOFILE, (MOST, MOST))
        with bystanders(served), served.upgraded() as neighbour:
            before = served.report()
            peers = [served.connect() for _ in range(PEERS)]
            for peer in peers:
                peer.send(request())
            for _ in range(100):
                assert neighbour.request("echo", {"text": "x"}) == "x"
            for peer in peers:
                peer.reset()
            served.wait_for_report(sockets=before["sockets"], files=before["files"] + 1)
        # A few a second; asyncio by itself has a traceback for each connection that it queues.
        assert len(served.tracebacks()) < PEERS
        peers = [served.connect() for _ in range(PEERS)]
        served.process.terminate()
        assert served.process.wait(DEADLINE) == 0
        for peer in peers:
            peer.close()
