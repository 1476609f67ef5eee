"""The threats that peers were bitten by, each by its number: what a stranger gets, and others keep.

Not here: 14, the end of a token, and 22, the bus, which do not exist yet; 26 is a unit test. And
granian is under attack in test_corpus.py.
"""

import os
from collections.abc import Generator
from contextlib import ExitStack
from typing import Any

import msgpack
import pytest

from tests.support import corpus
from tests.support.corpus import allowed, status
from tests.support.hostile import Attacker, Target, bystanders, cheap, request, target
from tests.support.hostile_app import RUNNERS
from tests.support.raw_peer import BINARY, CONTINUATION, TEXT, frame
from tests.support.rfc6455 import CASES
from tests.support.threat_app import SECRET
from tests.support.transcripts import echo, echo_binary, send, transcript

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=RUNNERS, name="server")
def each_server(request: pytest.FixtureRequest) -> str:
    """The name of each server."""
    return str(request.param)


@pytest.fixture(scope="module")
def open_to_all(server: str) -> Generator[Target]:
    """The application without authentication."""
    with target(server, "tests.support.threat_app:plain") as served:
        yield served
        _no_traceback(served)


@pytest.fixture(scope="module")
def closed_shop(server: str) -> Generator[Target]:
    """The application with authentication by message."""
    with target(server, "tests.support.threat_app:login") as served:
        yield served
        _no_traceback(served)


EXPECTED = ("RuntimeError",)
"""What may be in a traceback: the handler that is to fail."""


def _no_traceback(served: Target) -> None:
    """Fail for an exception in the log that is not expected."""
    lines = served.log().splitlines()
    starts = [index for index, line in enumerate(lines) if line.startswith("Traceback")]
    for start in starts:
        whole = "\n".join(lines[start : start + 60])
        assert any(one in whole for one in EXPECTED), whole


def _end(peer: Attacker) -> Any:
    """The last that a peer hears."""
    return transcript(peer, hangs_up=False)[-1]


def _join(peer: Attacker, room: str) -> int:
    """Ask to join a room; returns the type of the answer."""
    peer.say(type=9, room=room)
    answer: dict[str, Any] = peer.hear()
    return int(answer["type"])


def test_1_a_malformed_frame_ends_its_own_connection(open_to_all: Target) -> None:
    pid = open_to_all.pid
    failing = [case for case in CASES if case.hears[-1] in (1002, 1007)]
    with bystanders(open_to_all), ExitStack() as stack:
        peers = [stack.enter_context(open_to_all.upgraded()) for _ in failing]
        for peer, case in zip(peers, failing, strict=True):
            send(peer, case.cut())
        for peer in peers:
            assert _end(peer) in (1002, 1006, 1007)
    assert open_to_all.pid == pid
    assert open_to_all.is_alive
    open_to_all.wait_for_report(sockets=1, connections=1)


@pytest.mark.parametrize("kind", ["json", "msgpack"])
def test_1_a_malformed_message_ends_its_own_connection(open_to_all: Target, kind: str) -> None:
    opcode = TEXT if kind == "json" else BINARY
    with bystanders(open_to_all):
        for entry in corpus.of(kind):
            with open_to_all.upgraded() as peer:
                send(peer, [frame(opcode, entry.data()), frame(TEXT, echo("after", 9999))])
                expected = entry.expect[-1]
                heard = transcript(peer, goodbye_after=len(entry.expect), hangs_up=False)
                wanted = "reply after" if expected == "open" else int(expected.split()[0])
                assert wanted in heard, (entry.name, heard)
    open_to_all.wait_for_report(sockets=1, connections=1)


def test_2_a_bad_request_is_refused(open_to_all: Target, server: str) -> None:
    with bystanders(open_to_all):
        for entry in corpus.of("http"):
            wanted = allowed(entry.but.get(server, entry.expect))
            assert status(open_to_all, entry) in wanted, entry.name
    open_to_all.wait_for_report(sockets=1, connections=1)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("size", [2**20 + 1, 3 * 2**20])
def test_3_an_oversized_message_is_too_big(open_to_all: Target, opcode: int, size: int) -> None:
    data = frame(opcode, b"0" * size)
    parts = [frame(opcode, b"0" * 2**16, fin=False)]
    parts += [frame(CONTINUATION, b"0" * 2**16, fin=False)] * (size // 2**16)
    with bystanders(open_to_all), cheap(open_to_all):
        for _ in range(3):
            with open_to_all.upgraded() as peer:
                send(peer, [data])
                assert _end(peer) == 1009
            with open_to_all.upgraded() as peer:
                send(peer, parts)
                assert _end(peer) == 1009


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_3_before_login_16_kib_are_the_most(closed_shop: Target, opcode: int) -> None:
    with bystanders(closed_shop, token="right"), closed_shop.upgraded() as peer:
        send(peer, [frame(opcode, b"0" * (16 * 1024 + 1))])
        assert _end(peer) == 1009


@pytest.mark.parametrize("size", [0, 1])
def test_4_tiny_and_empty_fragments_cost_little(
    open_to_all: Target, server: str, size: int
) -> None:
    many = frame(CONTINUATION, b" " * size, fin=False) * 1000
    with bystanders(open_to_all), cheap(open_to_all), ExitStack() as stack:
        peers = [stack.enter_context(open_to_all.upgraded()) for _ in range(3)]
        for peer in peers:
            send(peer, [frame(TEXT, b" ", fin=False), *[many] * 20])
        for peer in peers:
            send(peer, [frame(CONTINUATION, b"x")])
            assert _end(peer) == (1009 if server == "picows" else 1008)


def test_5_nobody_inflates_a_compression_bomb(open_to_all: Target) -> None:
    with bystanders(open_to_all), cheap(open_to_all), open_to_all.connect() as peer:
        peer.send(request(Sec_WebSocket_Extensions="permessage-deflate; client_max_window_bits"))
        code, head = peer.answer()
        assert code == 101
        assert b"deflate" not in head.lower()
        send(peer, [frame(TEXT, os.urandom(100_000), rsv=4)])
        assert _end(peer) in (1002, 1006)


@pytest.mark.parametrize(
    ("opcode", "payload"),
    [
        (TEXT, b"[" * 2**19),
        (TEXT, b'{"a":' * 2**17),
        (TEXT, b"[" * 65 + b"]" * 65),
        (BINARY, b"\x91" * 2**19 + b"\xc0"),
        (BINARY, b"\x81\xa1a" * 2**17 + b"\xc0"),
        (BINARY, b"\x91" * 65 + b"\xc0"),
    ],
    ids=["lists", "maps", "65 lists", "packed lists", "packed maps", "65 packed lists"],
)
def test_6_deep_nesting_is_not_followed(open_to_all: Target, opcode: int, payload: bytes) -> None:
    with bystanders(open_to_all), cheap(open_to_all), open_to_all.upgraded() as peer:
        send(peer, [frame(opcode, payload)])
        assert _end(peer) == 1008


def test_7_lengths_that_lie_reserve_nothing(open_to_all: Target) -> None:
    lies = [one for one in corpus.of("msgpack") if "-of-4-" in one.name or "lie" in one.name]
    assert len(lies) >= 5
    with bystanders(open_to_all), cheap(open_to_all):
        for entry in lies:
            for filler in (b"", b"\xc0" * 2**16):
                with open_to_all.upgraded() as peer:
                    send(peer, [frame(BINARY, entry.data() + filler)])
                    assert _end(peer) == 1008, entry.name


def test_8_extensions_make_no_objects(open_to_all: Target) -> None:
    with bystanders(open_to_all):
        for code in (0x65, 0x70, 0x72, 0x73, 0x78, 1, 127, 128):
            with open_to_all.upgraded() as peer:
                inside = b"\xd4" + bytes([code]) + b"\x00"
                send(peer, [frame(BINARY, b"\x81\xa1a" + inside)])
                assert _end(peer) == 1008, code
        with open_to_all.upgraded() as member, open_to_all.upgraded() as peer:
            assert (_join(member, "blobs"), _join(peer, "blobs")) == (10, 10)
            plain_values: dict[int, object] = {0x42: 0, 0x74: []}  # an integer, and numbers
            for code, plain in plain_values.items():
                message = msgpack.packb({"room": "blobs", "event": "blob", "data": {"value": 7}})
                inside = b"\xd4" + bytes([code]) + b"\x00"
                peer.send(frame(BINARY, message.replace(b"\x07", inside)))
                assert member.hear()["data"] == {"value": plain}


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 2**64 - 1, -(2**63), "\x00", {"\x00": [b"\x00"]}],
    ids=repr,
)
def test_9_what_cannot_be_passed_on_hurts_nobody(open_to_all: Target, value: object) -> None:
    message = {"room": "blobs", "event": "blob", "data": {"value": value}, "id": 1}
    with (
        bystanders(open_to_all),
        open_to_all.upgraded() as member,
        open_to_all.upgraded() as peer,
        open_to_all.upgraded(Sec_WebSocket_Protocol="bytesocket.binary") as reader,
    ):
        assert _join(member, "blobs") == 10
        assert _join(peer, "blobs") == 10
        reader.say(type=9, room="blobs")
        reader.receive()
        peer.send(frame(BINARY, msgpack.packb(message)))
        answer = peer.hear()
        assert answer["type"] in (32, 33)
        if answer["type"] == 32:
            assert member.hear()["event"] == "blob"
            assert msgpack.unpackb(reader.receive()[1])["event"] == "blob"
        peer.say(room="blobs", event="blob", data={"value": "next"})
        assert member.hear()["data"] == {"value": "next"}
        assert peer.request("echo", {"text": "still"}) == "still"


def test_9_half_a_character_is_passed_on_as_none(open_to_all: Target) -> None:
    with open_to_all.upgraded() as member, open_to_all.upgraded() as peer:
        assert (_join(member, "pub"), _join(peer, "pub")) == (10, 10)
        text = b'{"room":"pub","event":"note","data":{"text":"\\ud800"}}'
        peer.send(frame(TEXT, text))
        assert member.hear()["data"] == {"text": "\ufffd"}


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://127.0.0.1.evil.example",
        "http://127.0.0.1@evil.example",
        "http://evil.example/127.0.0.1",
        "null",
        "file://",
        "http://[::1",
    ],
)
def test_10_pages_of_other_sites_are_refused(open_to_all: Target, origin: str) -> None:
    with bystanders(open_to_all), open_to_all.connect() as peer:
        peer.send(request(Origin=origin, Cookie="session=ann"))
        assert peer.answer()[0] == 403


def test_11_who_never_authenticates_is_let_go(server: str) -> None:
    with target(server, "tests.support.threat_app:late") as served, ExitStack() as stack:
        before = served.report(token="right")
        peers = [stack.enter_context(served.upgraded()) for _ in range(50)]
        busy = served.upgraded()
        stack.enter_context(busy)
        tasks = _census(served)
        assert tasks <= (len(peers) + 2) * 3 + 10
        while True:  # pings do not put it off
            try:
                busy.send(frame(BINARY))
                if busy.receive()[0] == 8:
                    break
            except ConnectionError:
                break
        for peer in peers:
            assert _end(peer) == 1013
            peer.close()
        busy.close()
        connections = before["connections"]
        after = served.wait_for_report({"token": "right"}, connections=connections)
        assert after["sockets"] == 1
        _no_traceback(served)


def _census(served: Target) -> int:
    with served.upgraded() as peer:
        peer.say(type=4, data="right")
        assert peer.hear()["type"] == 5
        found: int = peer.request("census", {})
        return found


@pytest.mark.parametrize("message", [echo(), b'{"type":9,"room":"pub"}', b"[]", b"{}"])
def test_12_before_login_there_is_no_work(closed_shop: Target, message: bytes) -> None:
    with bystanders(closed_shop, token="right"), closed_shop.upgraded() as peer:
        send(peer, [frame(TEXT, message) * 3])
        assert transcript(peer, hangs_up=False) == [1008]
    with closed_shop.upgraded() as peer:
        send(peer, [frame(BINARY, echo_binary()) * 3])
        assert transcript(peer, hangs_up=False) == [1008]


def test_15_rooms_are_closed_to_those_outside(open_to_all: Target) -> None:
    with open_to_all.upgraded() as member, open_to_all.upgraded() as peer:
        assert _join(member, "pub") == 10
        everybody = "__bytesocket_broadcast__"
        for room, code in (("pub", "not_a_member"), (everybody, "unknown_room")):
            for many in (False, True):
                place: dict[str, Any] = {"rooms": [room]} if many else {"room": room}
                peer.say(event="note", data={"text": "in"}, id=1, **place)
                assert peer.hear()["data"]["error"]["code"] == code
        assert _join(peer, everybody) == 11
        peer.say(type=15, rooms=["pub", everybody])
        assert peer.hear()["type"] == 17
        assert _join(peer, "pub") == 10
        peer.say(room="pub", event="note", data={"text": "now"})
        assert member.hear()["data"] == {"text": "now"}


def test_16_no_guard_is_walked_around_with_rooms(open_to_all: Target) -> None:
    with open_to_all.upgraded(x_guest="1") as guest, open_to_all.upgraded() as peer:
        for room in ("vip", "pub"):
            assert _join(guest, room) == 10
        assert _join(peer, "vip") == 11
        peer.say(type=15, rooms=["pub", "vip"])
        assert peer.hear()["type"] == 17
        peer.say(rooms=["pub"], event="note", data={"text": "not in either"}, id=1)
        assert peer.hear()["data"]["error"]["code"] == "not_a_member"
        assert _join(peer, "pub") == 10
        peer.say(rooms=["vip", "pub"], event="note", data={"text": "to both"}, id=2)
        answer = peer.hear()
        assert (answer["type"], answer["data"]["error"]["code"]) == (33, "not_a_member")
        heard = guest.hear()
        assert (heard.get("room"), heard.get("rooms")) == (None, ["pub"])
        peer.say(room="vip", rooms=["pub"], event="note", data={"text": "both keys"})
        assert _end(peer) == 1008


@pytest.mark.parametrize("order", [["moderated", "pub"], ["pub", "moderated"]])
def test_16_no_moderator_is_walked_around_with_rooms(open_to_all: Target, order: list[str]) -> None:
    with open_to_all.upgraded() as member, open_to_all.upgraded() as peer:
        assert _join(member, "moderated") == 10
        for room in order:
            assert _join(peer, room) == 10
        peer.say(rooms=order, event="note", data={"text": "bad"}, id=1)
        assert peer.hear()["data"]["error"]["code"] == "moderated"
        peer.say(rooms=order, event="note", data={"text": "rude"}, id=2)
        assert peer.hear()["type"] == 32
        heard = member.hear()
        assert heard["data"] == {"text": "****"}
        assert "pub" not in heard.get("rooms", ()) or heard["rooms"] == order


def test_17_a_room_named_often_hears_once(open_to_all: Target) -> None:
    with open_to_all.upgraded() as member, open_to_all.upgraded() as peer:
        assert (_join(member, "pub"), _join(peer, "pub")) == (10, 10)
        peer.say(rooms=["pub"] * 4000, event="note", data={"text": "x" * 100}, id=1)
        assert peer.hear()["data"]["error"]["code"] == "too_many_rooms"
        peer.say(rooms=["pub"] * 64, event="note", data={"text": "once"}, id=2)
        assert peer.hear()["type"] == 32
        peer.say(room="pub", event="note", data={"text": "then"})
        heard = [member.hear() for _ in range(2)]
        assert [one["data"]["text"] for one in heard] == ["once", "then"]
        assert set(heard[0]["rooms"]) == {"pub"}


def test_18_rooms_and_their_names_have_a_limit(open_to_all: Target) -> None:
    with bystanders(open_to_all), cheap(open_to_all), open_to_all.upgraded() as peer:
        answers = [_join(peer, f"doc:{number}") for number in range(300)]
        assert answers == [10] * 128 + [11] * 172
        peer.say(type=15, rooms=[f"doc:{number}" for number in range(129)])
        assert peer.hear()["data"]["error"]["code"] == "too_many_rooms"
    with open_to_all.upgraded() as peer:
        for name in ("doc:" + "x" * 253, "doc:a\n", "doc:\x00", "doc:\x7f", "doc:" + "é" * 127):
            peer.say(type=9, room=name)
            assert peer.hear()["data"]["error"]["code"] == "unknown_room", name


def test_19_a_slow_reader_is_let_go(open_to_all: Target) -> None:
    with (
        bystanders(open_to_all),
        cheap(open_to_all),
        open_to_all.upgraded() as slow,
        open_to_all.upgraded() as reader,
        open_to_all.upgraded() as speaker,
    ):
        assert (_join(slow, "crowd"), _join(reader, "crowd")) == (10, 10)
        for number in range(256):  # 32 MiB
            speaker.say(event="shout", data={"kilobytes": 128}, id=number)
            assert speaker.hear()["id"] == number
            assert len(reader.hear()["data"]["text"]) == 128 * 1024
        assert slow.closed() in (1013, 1006)
    open_to_all.wait_for_report(sockets=1)


def test_20_a_flood_makes_no_tasks(open_to_all: Target) -> None:
    flood = frame(TEXT, b'{"event":"echo","data":{"text":"x"}}') * 1000
    with bystanders(open_to_all), cheap(open_to_all), ExitStack() as stack:
        peers = [stack.enter_context(open_to_all.upgraded()) for _ in range(5)]
        for peer in peers:
            send(peer, [flood] * 4)
        with open_to_all.upgraded() as asking:
            assert asking.request("census", {}) <= (len(peers) + 3) * 3 + 10
        for peer in peers:
            assert peer.request("echo", {"text": "behind"}) == "behind"


@pytest.mark.parametrize("kind", ["silent", "never reads"])
def test_21_a_peer_that_is_frozen_is_noticed(server: str, kind: str) -> None:
    with target(server, "tests.support.threat_app:hasty") as served, ExitStack() as stack:
        peers = [stack.enter_context(served.upgraded()) for _ in range(20)]
        if kind == "silent":
            for peer in peers:
                assert peer.closed() in (1001, 1006)  # its pings stay unanswered
        served.wait_for_report(sockets=1)
        _no_traceback(served)


def test_23_nothing_of_a_connection_piles_up(open_to_all: Target) -> None:
    ids = [frame(TEXT, echo("x", number)) for number in range(2000)]
    unknown = [frame(TEXT, b'{"event":"e%d","data":1}' % number) for number in range(2000)]
    leaving = [frame(TEXT, b'{"type":12,"room":"doc:%d"}' % number) for number in range(2000)]
    joining = [frame(TEXT, b'{"type":9,"room":"doc:%d"}' % number) for number in range(2000)]
    with bystanders(open_to_all), cheap(open_to_all), open_to_all.upgraded() as peer:
        for frames in (ids, unknown, joining, leaving):
            for start in range(0, len(frames), 100):
                peer.send(b"".join(frames[start : start + 100]))
                for _ in range(100):
                    peer.receive()


def test_24_exceptions_stay_in_the_log(open_to_all: Target, closed_shop: Target) -> None:
    with bystanders(open_to_all), open_to_all.upgraded() as peer:
        for identity in (None, 1):
            peer.say(event="break", data={}, **({} if identity is None else {"id": identity}))
            _, payload = peer.receive()
            assert b"internal" in payload
            assert SECRET.encode() not in payload
            assert b"RuntimeError" not in payload
    assert "RuntimeError" in open_to_all.log()
    assert SECRET not in open_to_all.log()  # nor is its text, as it might be what a peer sent
    with bystanders(closed_shop, token="right"), closed_shop.upgraded() as peer:
        peer.say(type=4, data="break")
        _, payload = peer.receive()
        assert SECRET.encode() not in payload
        assert b"RuntimeError" not in payload
        assert _end(peer) in (4003, 1013, 1011)
