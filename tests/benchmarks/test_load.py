"""The load generator's figures are worth something: it drives real servers, and counts right."""

import json
import socket
import sys
from collections.abc import Generator
from contextlib import ExitStack

import pytest
from websockets.extensions import Extension
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from tests.benchmarks.compare import crowd, idle_memory, measure
from tests.benchmarks.crowd import Crowd, Greeting
from tests.benchmarks.frames import masked
from tests.benchmarks.growth import KINDS, asking
from tests.benchmarks.peer import LoadError, Peer
from tests.benchmarks.process import ServerTree, launched
from tests.benchmarks.servers import HERE, JSON, SERVERS, Server, ours
from tests.benchmarks.workloads import Span, answer_each, conversation, echo, fan_out

BRIEFLY = Span(seconds=0, messages=200)
BROKEN = Server("broken", JSON, lambda _: (sys.executable, "-c", "raise SystemExit('no way')"))
TRIED = [
    name
    for name in ("node-ws", "picows-binary", "uvicorn", "asgi-uvicorn", "python-socketio")
    if not SERVERS[name].missing
]


@pytest.fixture(scope="module")
def trees() -> Generator[dict[str, ServerTree]]:
    """Each server, running."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(launched(SERVERS[name].command, cwd=HERE)) for name in TRIED
        }


@pytest.fixture
def tree(trees: dict[str, ServerTree]) -> ServerTree:
    """One of our own."""
    return trees["uvicorn"]


@pytest.mark.parametrize("name", TRIED)
def test_each_server_does_all_of_the_work(name: str, trees: dict[str, ServerTree]) -> None:
    server, tree = SERVERS[name], trees[name]
    with crowd(server, tree.port, 5) as peers:
        assert echo(peers, 3, BRIEFLY, tree).messages >= 200
    with crowd(server, tree.port, 11, chatting=True) as peers:
        assert fan_out(peers, BRIEFLY, tree).messages >= 200
    with crowd(server, tree.port, 6, chatting=True) as peers:
        assert conversation(peers, BRIEFLY, tree).messages >= 200
    with crowd(server, tree.port, 70) as peers:
        assert answer_each(peers) > 0


@pytest.mark.slow
def test_a_large_application_answers_all_of_its_kinds() -> None:
    sizes = {kind.size: 60 for kind in KINDS if kind.size is not None}
    large = launched(
        ours("uvicorn", "growth_app.py"), cwd=HERE, environment={"GROWTH": json.dumps(sizes)}
    )
    with large as tree:
        for kind in KINDS:
            with asking(kind, 60, tree) as peers:
                assert echo(peers, 1, BRIEFLY, tree).messages >= 200


def test_work_costs_processor_time(tree: ServerTree) -> None:
    server = SERVERS["uvicorn"]
    before = tree.cpu_seconds()
    with crowd(server, tree.port, 5) as peers:
        sample = echo(peers, 8, Span(0, 5000), tree)
    assert 0 < sample.cpu_seconds <= tree.cpu_seconds() - before
    assert sample.microseconds == pytest.approx(sample.cpu_seconds * 1e6 / sample.messages)


def test_idle_connections_take_memory(tree: ServerTree) -> None:
    assert idle_memory(SERVERS["uvicorn"], tree, 500) > 0


def test_a_refused_connection_is_named(tree: ServerTree) -> None:
    nowhere = Crowd(tree.port, 1, greet=lambda _: Greeting("/nowhere"), frames=lambda _: ())
    with pytest.raises(LoadError, match=r"refused the connection: HTTP/1.1 404"), nowhere:
        pass


def test_a_closed_connection_is_named(tree: ServerTree) -> None:
    both = masked('{"room": "lobby", "rooms": ["lobby"], "event": "chat"}')
    rude = Crowd(tree.port, 1, greet=lambda _: JSON.greeting, frames=lambda _: (both,))
    with rude as peers, pytest.raises(LoadError, match="closed the connection: 1008"):
        echo(peers, 1, BRIEFLY, tree)


@pytest.mark.slow
def test_a_server_that_does_not_start_is_quoted() -> None:
    starting = launched(BROKEN.command, cwd=HERE)
    with pytest.raises(LoadError, match=r"did not start(.|\n)*no way"), starting:
        pass


@pytest.mark.slow
def test_a_comparison_names_the_server_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SERVERS, "broken", BROKEN)
    with pytest.raises(LoadError, match=r"^broken: the server did not start"):
        measure(["node-ws", "broken"], BRIEFLY)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_frames_are_what_a_server_reads(size: int) -> None:
    protocol = ServerProtocol(state=OPEN, max_size=None)
    protocol.receive_data(masked(b"x" * size))
    (frame,) = protocol.events_received()
    assert isinstance(frame, Frame)
    assert (frame.opcode, frame.data) == (Opcode.BINARY, b"x" * size)


@pytest.mark.parametrize("step", [1, 3, 1000, 100_000])
def test_messages_are_counted_however_they_are_cut(step: int) -> None:
    none: list[Extension] = []
    sent = b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + b"".join(
        Frame(opcode, data, fin).serialize(mask=False, extensions=none)
        for opcode, data, fin in (
            (Opcode.TEXT, b"small", True),
            (Opcode.BINARY, b"x" * 300, True),
            (Opcode.PING, b"are you there", True),
            (Opcode.TEXT, b"first half", False),
            (Opcode.CONT, b"second half", True),
            (Opcode.BINARY, b"x" * 70_000, True),
        )
    )
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    peer = Peer(ours, [masked("never sent")])
    buffer = bytearray(1 << 16)
    found = 0
    with theirs:
        for start in range(0, len(sent), step):
            theirs.sendall(sent[start : start + step])
            # Once more than the longest of these steps takes: nothing there is no message.
            found += peer.read(buffer) + peer.read(buffer)
        assert theirs.recv(100) == masked(b"are you there", 0xA)
    peer.close()
    assert found == 4
