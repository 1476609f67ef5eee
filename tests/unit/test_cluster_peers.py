"""Other nodes that end, stand still, and come back."""

import json

import pytest

from bytesocket_app.cluster.channels import room_channel
from bytesocket_app.cluster.envelope import Envelope
from bytesocket_app.cluster.node import Kind
from bytesocket_app.cluster.peers import MOST, OtherNodes
from bytesocket_app.engines import MemoryBroker, MemoryEngine
from tests.support.hearing import hearing

NODE = bytes(range(8))


def message(count: int) -> Envelope:
    """A message of a node that says all on one channel."""
    return Envelope(NODE, count, count, None, [Kind.PUBLICATION])


def test_what_a_silent_node_sends_again_when_it_is_back_is_known() -> None:
    nodes = OtherNodes()
    peer = nodes.heard(NODE, 0.0)
    assert peer is not None
    assert peer.missing_before("r.a", message(1)) == 0
    nodes.remove(peer, is_silent=True)
    assert len(nodes) == 0
    back = nodes.heard(NODE, 20.0)
    assert back is not None
    assert len(nodes) == 1
    assert back.missing_before("r.a", message(1)) is None
    assert back.missing_before("r.a", message(4)) == 2


def test_a_channel_that_is_left_meanwhile_is_forgotten_of_a_silent_node_too() -> None:
    nodes = OtherNodes()
    peer = nodes.heard(NODE, 0.0)
    assert peer is not None
    assert peer.missing_before("r.a", message(1)) == 0
    nodes.remove(peer, is_silent=True)
    nodes.forget(["r.a"])
    assert nodes.heard(NODE, 1.0) is peer
    assert peer.missing_before("r.a", message(1)) == 0


def test_a_node_that_has_ended_is_forgotten() -> None:
    nodes = OtherNodes()
    peer = nodes.heard(NODE, 0.0)
    assert peer is not None
    nodes.remove(peer)
    assert nodes.heard(NODE, 0.0) is not peer


def test_silent_nodes_are_remembered_up_to_a_bound() -> None:
    nodes = OtherNodes()
    for number in range(MOST + 1):
        peer = nodes.heard(number.to_bytes(8), 0.0)
        assert peer is not None
        nodes.remove(peer, is_silent=True)
    assert len(nodes._silent) == MOST  # pyright: ignore[reportPrivateUsage]


@pytest.mark.anyio
async def test_what_a_node_said_before_it_ended_is_passed_on_though_it_was_held() -> None:
    broker = MemoryBroker()
    async with hearing(lambda: MemoryEngine(broker), "Held") as (hearer, other):
        (peer,) = hearer.node.peers
        peer.held = []  # as while it is asked for what this node has missed
        text = json.dumps({"room": "lobby", "event": "n", "data": {"number": 7}}).encode()
        body = [Kind.PUBLICATION, 0, ["lobby"], None, None, None, None, text, None]
        assert other.node.publish(room_channel("lobby"), body) == "sent"
        await other.node.leave()
        await hearer.until(lambda: not len(hearer.node.peers))
        assert hearer.numbers == [7]
