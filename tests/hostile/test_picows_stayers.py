"""Peers that stay after their connection is over, or hold what they once sent (picows)."""

import json
import socket
from collections.abc import Generator

import pytest

from tests.support.hostile import Attacker, Target, bystanders, target
from tests.support.raw_peer import CLOSE, TEXT, frame

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served() -> Generator[Target]:
    """An application with deadlines of a second."""
    with target("picows", "tests.support.picows_apps:short") as served:
        yield served


def deafen(served: Target, times: int = 2) -> list[Attacker]:
    """Fill the way to three peers that read nothing; the second time closes them with 1013."""
    peers = [Attacker(served.port, receive_buffer=4096) for _ in range(3)]
    for peer in peers:
        peer.upgrade()
    with served.upgraded() as other:
        for identity in range(1, times + 1):
            other.say(event="shout", data={}, id=identity)
            while other.hear().get("id") != identity:
                pass
    return peers


@pytest.mark.parametrize("says", ["nothing", "that it left"])
def test_a_peer_that_never_reads_is_dropped(served: Target, says: str) -> None:
    files = served.report()["files"]
    peers = deafen(served)
    with bystanders(served):
        for peer in peers:
            if says != "nothing":
                peer.half_close()
        # Two bystanders stay, and what the dropped held is gone although they are still there.
        served.wait_for_report(sockets=3, connections=3, files=files + 2)
        for peer in peers:
            peer.close()
    assert served.tracebacks() == []


def test_a_peer_that_does_not_answer_the_close_frame_is_dropped(served: Target) -> None:
    files = served.report()["files"]
    with bystanders(served):
        peers = [served.upgraded() for _ in range(3)]
        for peer in peers:
            peer.send(frame(TEXT, b"no JSON"))
            assert peer.closed() == 1008
        served.wait_for_report(sockets=3, connections=3, files=files + 2)
        for peer in peers:
            assert peer.gone()
            peer.close()
    assert served.tracebacks() == []


@pytest.mark.parametrize(
    "last",
    [b"", frame(CLOSE), frame(0x3), frame(TEXT, b"{}")],
    ids=["nothing", "close", "violation", "no-message"],
)
def test_a_peer_that_closes_its_half_and_reads_on_is_closed(served: Target, last: bytes) -> None:
    files = served.report()["files"]
    with bystanders(served), served.upgraded() as peer:
        peer.send(last)
        peer.half_close()
        served.wait_for_report(sockets=3, connections=3, files=files + 2)
        assert peer.gone()
    assert served.tracebacks() == []


def test_a_frozen_peer_is_dropped() -> None:
    with target("picows", "tests.support.picows_apps:frozen") as served:
        files = served.report()["files"]
        peers = [served.upgraded() for _ in range(3)]  # which answer no ping
        served.wait_for_report(sockets=1, connections=1, files=files)
        for peer in peers:
            assert peer.gone()
            peer.close()
        assert served.errors() == []


def test_a_frozen_peer_with_its_way_full_is_dropped() -> None:
    with target("picows", "tests.support.picows_apps:frozen") as served:
        files = served.report()["files"]
        peers = deafen(served, 1)
        served.wait_for_report(sockets=1, connections=1, files=files)
        for peer in peers:
            peer.close()
        assert served.errors() == []


def test_a_long_message_leaves_no_long_buffer_behind() -> None:
    with target("picows", "tests.support.picows_apps:plain") as served:
        peers: list[Attacker] = []
        before = served.report()["kilobytes"]
        for _ in range(100):
            peer = served.upgraded()
            peers.append(peer)
            text = json.dumps({"event": "echo", "data": {"text": "x" * 1_000_000}, "id": 1})
            peer.send(frame(TEXT, text.encode()))
            assert peer.hear()["data"] == "x" * 1_000_000
            # Goes through the parser that took the place of the one with the large buffer.
            assert peer.request("echo", {"text": "again"}, 2) == "again"
        # Buffers of twice the message would be 200 MiB by themselves.
        assert served.report()["kilobytes"] - before < 60 * 1024
        for peer in peers:
            peer.close()
        served.wait_for_report(sockets=1, connections=1)
        assert served.errors() == []


def test_a_long_message_in_pieces_survives_the_change_of_its_parser() -> None:
    with target("picows", "tests.support.picows_apps:plain") as served, served.upgraded() as peer:
        peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sizes = (70_000, 10, 65_536, 65_537, 500_000, 126, 100_000)
        sent = b"".join(
            frame(TEXT, json.dumps({"event": "echo", "data": {"text": "x" * n}, "id": n}).encode())
            for n in sizes
        )
        for start in range(0, len(sent), 60_000):
            peer.send(sent[start : start + 60_000])
        assert [len(peer.hear()["data"]) for _ in sizes] == list(sizes)
        assert served.errors() == []
