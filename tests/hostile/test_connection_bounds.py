"""What a stranger may have one connection hold, and have the server do after he is gone."""

from collections.abc import Callable, Generator
from contextlib import suppress
from threading import Thread

import pytest

from tests.support.hostile import DEADLINE, Attacker, Target, bystanders, request, target, until
from tests.support.hostile_app import SERVERS

pytestmark = pytest.mark.slow

MIB = 1024 * 1024


@pytest.fixture(scope="module", params=SERVERS)
def served(request: pytest.FixtureRequest) -> Generator[Target]:
    """An application whose handlers take for ever, on each server."""
    with target(request.param, "tests.support.hostile_work:work") as served:
        yield served


@pytest.fixture(scope="module", params=SERVERS)
def doors(request: pytest.FixtureRequest) -> Generator[Target]:
    """An application whose upgrade hook takes for ever if asked to, on each server."""
    with target(request.param, "tests.support.hostile_work:doors") as served:
        yield served


def held(served: Target, enough: Callable[[dict[str, int]], bool]) -> dict[str, int]:
    """Ask what is at work until it is as wanted."""
    with served.upgraded() as peer:
        return until(lambda: peer.request("held", {}), enough)


def settle(served: Target) -> None:
    """Have all work end: a server that does not read a peer does not know that it has left."""
    with served.upgraded() as peer:
        assert peer.request("release", {"all": True}) == "ok"
        # Two bystanders, the one that asks, and this one: until then messages may come that the
        # server had read before.
        held(served, lambda found: found["running"] == 0 and found["connections"] <= 4)
        assert peer.request("release", {"all": False}, 2) == "ok"


class Flood:
    """A peer that sends more than is read, beside the test."""

    def __init__(self, peer: Attacker, event: str, text: str, count: int) -> None:
        self._peer = peer
        self._thread = Thread(target=self._send, args=(event, text, count))

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._peer.reset()
        self._thread.join(DEADLINE)

    def _send(self, event: str, text: str, count: int) -> None:
        with suppress(OSError):
            for _ in range(count):
                self._peer.say(event=event, data={"text": text} if text else {})


def test_40_mib_of_messages_do_not_wait_for_a_handler(served: Target) -> None:
    with bystanders(served):
        with Flood(served.upgraded(), "work", "x" * (900 * 1024), 45):
            found = held(served, lambda found: found["paused"] == 1)
            assert found["bytes"] < 3 * MIB
        settle(served)
        held(served, lambda found: found["running"] == 0 and found["connections"] <= 3)


def test_10000_concurrent_messages_make_32_tasks(served: Target) -> None:
    before = held(served, lambda found: found["running"] == 0)
    with bystanders(served):
        with Flood(served.upgraded(), "beside", "", 10_000):
            found = held(served, lambda found: found["paused"] == 1 and found["running"] >= 32)
            assert found["most"] <= 32
            assert found["begun"] - before["begun"] == found["running"] == 32
        settle(served)
        held(served, lambda found: found["running"] == 0 and found["connections"] <= 3)


def test_300_connections_that_go_at_once_leave_no_work(served: Target) -> None:
    before = held(served, lambda found: found["running"] == 0)["begun"]
    with bystanders(served):
        peers = [served.upgraded() for _ in range(300)]
        for peer in peers:
            for _ in range(31):
                peer.say(event="work", data={})
        held(served, lambda found: found["begun"] - before == 300)
        for peer in peers:
            peer.reset()
        found = held(served, lambda found: found["connections"] <= 3)
        assert found["begun"] - before == 300
        assert found["running"] == 0
    log = served.log()
    assert "lost connections are dropped" in log
    assert "Traceback" not in log


def test_an_upgrade_hook_that_hangs_for_a_peer_that_leaves(doors: Target) -> None:
    with bystanders(doors):
        peers = [doors.connect() for _ in range(20)]
        for peer in peers:
            peer.send(request(slow="yes"))
        held(doors, lambda found: found["begun"] == 20)
        for peer in peers[:10]:
            peer.reset()
        held(doors, lambda found: found["running"] == 0)
        for peer in peers[10:]:
            assert peer.answer()[0] in {503, 403}
            peer.close()
    log = doors.log()
    assert "hostile_work.py" in log
    assert "took too long" in log
    assert "Traceback" not in log
