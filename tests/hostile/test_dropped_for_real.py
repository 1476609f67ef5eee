"""A connection that the application drops is gone from the server too."""

from collections.abc import Callable, Generator
from contextlib import ExitStack, suppress

import pytest

from bytesocket_app.transports.writer import SPARE
from tests.support.hostile import DEADLINE, Attacker, Target, bystanders, target
from tests.support.hostile_app import OURS
from tests.support.raw_peer import TEXT, frame

pytestmark = pytest.mark.slow

PEERS = 12
LARGE = "x" * 200_000
SMALL = frame(TEXT, b'{"event":"echo","data":{"text":"x"}}')


@pytest.fixture(scope="module", params=OURS)
def served(request: pytest.FixtureRequest) -> Generator[Target]:
    """The application with short deadlines on each server that can be told to drop."""
    with target(request.param, "tests.support.hostile_quick:narrow") as served:
        yield served


def deaf(port: int) -> Attacker:
    """A peer with a small receive window, which it never empties."""
    peer = Attacker(port, receive_buffer=4096)
    peer.upgrade()
    return peer


def asks_for_more_than_it_reads(peer: Attacker) -> None:
    """Ask for megabytes, until the server does not read on."""
    for identity in range(30):
        peer.say(event="echo", data={"text": LARGE}, id=identity)


def floods_after_its_close(peer: Attacker) -> None:
    """Fill all queues of a server that has said its last word."""
    peer.say(event="leave", data={})
    for _ in range(30):
        peer.send(SMALL * 1000)


def never_answers_the_close(peer: Attacker) -> None:
    """Be closed, and say nothing."""
    peer.say(event="leave", data={})


@pytest.mark.parametrize(
    "attack", [asks_for_more_than_it_reads, floods_after_its_close, never_answers_the_close]
)
def test_a_peer_that_never_reads_leaves_with_its_descriptor(
    served: Target, attack: Callable[[Attacker], None]
) -> None:
    with bystanders(served):
        before = served.report()
        with ExitStack() as stack:
            for _ in range(PEERS):
                peer = stack.enter_context(deaf(served.port))
                # The server need not read on.
                peer.socket.settimeout(0.5)
                with suppress(OSError):
                    attack(peer)
            served.wait_for_report(
                sockets=before["sockets"],
                connections=before["connections"],
                files=before["files"],
                tasks=before["tasks"] + SPARE,
            )
    assert not served.tracebacks()


@pytest.mark.parametrize("kind", OURS)
def test_a_peer_that_stopped_is_gone_once_its_close_is_not_answered(kind: str) -> None:
    with target(kind, "tests.support.hostile_quick:lonely") as served:
        before = served.report()
        with ExitStack() as stack:
            peers = [stack.enter_context(served.upgraded()) for _ in range(PEERS)]
            served.wait_for_report(connections=before["connections"], files=before["files"])
            assert [peer.closed() for peer in peers] == [1001] * PEERS
        assert not served.tracebacks()


@pytest.mark.parametrize("kind", [*OURS, "picows"])
def test_pings_of_a_peer_that_never_reads_are_not_answered_into_memory(kind: str) -> None:
    pings = (b"\x89\xfd" + bytes(4) + b"p" * 125) * 500
    with target(kind) as served, bystanders(served):
        before = served.report()["kilobytes"]
        with deaf(served.port) as peer, suppress(OSError):
            peer.socket.settimeout(0.5)  # the server need not read on
            for _ in range(500):
                peer.send(pings)
            peer.socket.settimeout(DEADLINE)
        grown = served.report()["kilobytes"] - before
        assert grown < 8 * 1024  # of 32 MiB
