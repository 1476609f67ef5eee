"""Attacks that some server did not hold once, each on a server of its own."""

from collections.abc import Generator
from contextlib import ExitStack

import msgpack
import pytest

from tests.support.hostile import Target, bystanders, cheap, request, target
from tests.support.hostile_app import RUNNERS, SERVERS
from tests.support.raw_peer import BINARY, TEXT, frame
from tests.support.transcripts import send, transcript

pytestmark = pytest.mark.slow


@pytest.fixture(params=SERVERS, name="server")
def each_server(request: pytest.FixtureRequest) -> str:
    """The name of each server."""
    return str(request.param)


@pytest.fixture
def served(server: str) -> Generator[Target]:
    """A server for one attack: it may not survive."""
    with target(server, "tests.support.threat_app:plain") as served, bystanders(served):
        yield served


@pytest.mark.parametrize("glued", [b"z", frame(TEXT, b"x", rsv=7)], ids=["byte", "violation"])
def test_5_bytes_behind_the_request_leave_no_ghost(served: Target, glued: bytes) -> None:
    for _ in range(100):
        with served.connect() as peer:
            send(peer, [request() + glued])
            peer.answer()
    found = served.wait_for_report(sockets=3, connections=3)  # the asking one, and bystanders
    assert found["sockets"] == 3
    assert served.tracebacks() == []


def test_1_text_that_is_no_utf8_is_no_error_of_the_server(served: Target) -> None:
    with served.upgraded() as peer:
        send(peer, [frame(TEXT, b"\xff")])
        transcript(peer, hangs_up=False)
    assert served.tracebacks() == []


def test_2_a_refused_request_is_no_error_of_the_server(served: Target) -> None:
    for target_ in ("/ws%0d%0aX:y", "//ws", "/a/../ws"):
        with served.connect() as peer:
            peer.send(request(target_))
            assert 400 <= peer.answer()[0] < 500
    assert served.tracebacks() == []


@pytest.mark.parametrize("size", [2**20 + 1, 4 * 2**20])
def test_3_after_an_oversized_message_the_server_hangs_up(served: Target, size: int) -> None:
    with served.upgraded() as peer:
        send(peer, [frame(BINARY, bytes(size))])
        assert transcript(peer)[-1] in (1009, 1006)


def test_4_a_validation_bomb_costs_little(served: Target) -> None:
    bombs = [
        b'{"event":"items","id":1,"data":{"items":[' + b"{}," * 349_000 + b"{}]}}",
        b'{"event":"numbers","id":1,"data":{"numbers":[' + b'"",' * 349_000 + b'""]}}',
    ]
    for bomb in bombs:
        with cheap(served), served.upgraded() as peer:
            send(peer, [frame(TEXT, bomb)])
            heard = transcript(peer, goodbye_after=1, hangs_up=False)
            assert heard[0] in ("error validation", 1008)


def test_6_messages_that_wait_are_bounded_in_bytes(served: Target) -> None:
    big = frame(TEXT, b'{"event":"wait","data":{"filler":"' + b"x" * 2**19 + b'"}}')
    with cheap(served), ExitStack() as stack:
        peers = [stack.enter_context(served.upgraded()) for _ in range(2)]
        for peer in peers:
            peer.socket.settimeout(1)  # the server stops reading
            send(peer, [big] * 30)


def test_7_concurrent_handlers_are_bounded(served: Target) -> None:
    with cheap(served), served.upgraded() as peer:
        peer.socket.settimeout(1)  # the server stops reading
        send(peer, [frame(TEXT, b'{"event":"beside","data":{}}') * 1000] * 20)
        with served.upgraded() as asking:
            assert asking.request("census", {}) <= 32 + 6 * 3 + 10


def test_9_bytes_into_a_room_of_json_readers_are_refused(served: Target) -> None:
    message = {"room": "blobs", "event": "blob", "data": {"value": b"\xff\xfe"}, "id": 1}
    with served.upgraded() as member, served.upgraded() as peer:
        for each in (member, peer):
            each.say(type=9, room="blobs")
            assert each.hear()["type"] == 10
        peer.send(frame(BINARY, msgpack.packb(message)))
        assert peer.hear()["type"] == 33
        peer.say(room="blobs", event="blob", data={"value": "next"})
        assert member.hear()["data"] == {"value": "next"}
    assert served.tracebacks() == []


def test_11_a_long_head_is_refused(served: Target) -> None:
    for head in (b"X: " + b"y" * 65536 + b"\r\n", b"X: y\r\n" * 3000):
        with cheap(served), ExitStack() as stack:
            peers = [stack.enter_context(served.connect()) for _ in range(20)]
            for peer in peers:
                send(peer, [request()[:-2] + head + b"\r\n"])
            assert {peer.answer()[0] for peer in peers} <= {400, 431}


@pytest.mark.parametrize("server", RUNNERS, indirect=True)
@pytest.mark.parametrize("beginning", [b"", b"G", request()[:-1]], ids=["nothing", "G", "most"])
def test_25_a_slow_head_is_dropped(server: str, beginning: bytes) -> None:
    with target(server, "tests.support.threat_app:hasty") as served, ExitStack() as stack:
        before = served.report()
        peers = [stack.enter_context(served.connect()) for _ in range(20)]
        for peer in peers:
            send(peer, [beginning])
        for peer in peers:
            assert peer.gone()
        served.wait_for_report(files=before["files"], connections=1)


@pytest.mark.parametrize("server", RUNNERS, indirect=True)
def test_25_connections_are_counted(server: str) -> None:
    with target(server, "tests.support.threat_app:few") as served, ExitStack() as stack:
        peers = [stack.enter_context(served.upgraded()) for _ in range(3)]
        with served.connect() as peer:
            peer.send(request())
            code, head = peer.answer()
            assert code == 503
            assert b"retry-after" in head.lower()
        assert peers[0].request("echo", {"text": "still"}) == "still"


@pytest.mark.parametrize("server", RUNNERS, indirect=True)
def test_21_a_frozen_peer_keeps_no_descriptor(server: str) -> None:
    with target(server, "tests.support.threat_app:hasty") as served, ExitStack() as stack:
        before = served.report()
        for _ in range(20):
            stack.enter_context(served.upgraded())
        served.wait_for_report(sockets=1, files=before["files"])


def test_13_no_token_is_in_the_log(server: str) -> None:
    token = "T0K3N-of-ann"
    with target(server, "tests.support.threat_app:login") as served:
        with served.upgraded(f"/ws?token={token}", Authorization=f"Bearer {token}") as peer:
            peer.say(type=4, data=token)
            assert peer.hear()["type"] == 6
        with served.upgraded(Cookie=f"session={token}") as peer:
            peer.say(type=4, data={"token": token})
            assert peer.hear()["type"] == 6
        with served.connect() as peer:
            peer.send(request(f"/elsewhere?token={token}"))
            peer.answer()
        with served.upgraded() as peer:
            send(peer, [frame(TEXT, f'{{"type":4,"data":"{token}'.encode())])
            transcript(peer, hangs_up=False)
        served.report(token="right")
        assert token not in served.log()
