"""A socket sends when it can, closes once, and keeps to the slow-reader policy."""

import logging
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from typing_extensions import override

from bytesocket_app import Handshake, Limits, Policies, ServerEvent, Settings, Socket
from bytesocket_app.socket import AuthState, raw_frame, several
from bytesocket_app.transports.memory import MemoryTransport
from bytesocket_app.transports.null import NullTransport
from bytesocket_app.types import CodecName
from bytesocket_app.wire.frame import Frame

pytestmark = pytest.mark.anyio


class Posted(ServerEvent):
    text: str = ""


class Loom:
    """Notes what a socket asks of those around it."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def encode(self, event: Any, codec: CodecName, /) -> Frame:
        return Frame(f"{event.text} {codec}".encode(), is_binary=codec == "binary")

    def publish(
        self,
        rooms: Iterable[str],
        event: Any,
        *,
        exclude: Socket | None = None,
        codec: CodecName | None = None,
        bulk: bool = False,
    ) -> None:
        self.calls.append(("publish", list(rooms), event, exclude, codec, bulk))

    def broadcast(
        self, event: Any, *, exclude: Socket | None = None, codec: CodecName | None = None
    ) -> None:
        self.calls.append(("broadcast", event, exclude, codec))

    def publish_raw(
        self, room: str, payload: str | bytes, *, exclude: Socket | None = None
    ) -> None:
        self.calls.append(("publish_raw", room, payload, exclude))

    async def join(self, socket: Socket, room: str, /) -> None:
        self.calls.append(("join", room))
        if room == "trap":
            await socket.close()

    async def leave(self, socket: Socket, room: str, /) -> None:
        self.calls.append(("leave", room))

    def rooms_of(self, socket: Socket, /) -> list[str]:
        return ["lobby"]

    def release(self, socket: Socket, /) -> None:
        self.calls.append(("release",))


class Wire(MemoryTransport):
    """A transport that tells what it was given."""

    def texts(self) -> list[bytes]:
        return [self.outbox.popleft().payload for _ in range(len(self.outbox))]

    @override
    def close(self, code: int, reason: str) -> None:
        self.ended = [*getattr(self, "ended", []), (code, reason)]


HEADERS = {
    "host": "example.org",
    "user-agent": "test",
    "authorization": "Bearer t",
    "x-forwarded-for": "10.0.0.1",
    "cookie": "a=1; b=2",
}


def make(settings: Settings | None = None, **handshake: Any) -> tuple[Socket, Wire, Loom]:
    wire, loom = Wire(), Loom()
    app = SimpleNamespace(settings=settings or Settings())
    request = Handshake("/ws", **handshake)
    return Socket(request, wire, loom, app=app, codec="json"), wire, loom


def test_a_socket_shows_its_request() -> None:
    socket, _, _ = make(query="a=1", headers=HEADERS, client=("127.0.0.1", 5))
    assert (socket.url, socket.query, socket.client) == ("/ws", "a=1", ("127.0.0.1", 5))
    assert socket.headers is HEADERS
    assert socket.cookies == {"a": "1", "b": "2"}
    assert (socket.host, socket.user_agent) == ("example.org", "test")
    assert (socket.authorization, socket.x_forwarded_for) == ("Bearer t", "10.0.0.1")


def test_headers_that_did_not_come_are_empty_text() -> None:
    socket, _, _ = make()
    assert socket.host == socket.user_agent == socket.authorization == socket.x_forwarded_for == ""
    assert socket.client is None


def test_every_socket_has_an_id_and_a_state_of_its_own() -> None:
    one, other = make()[0], make()[0]
    assert one.id != other.id
    assert len(one.id) == 36
    assert one.state == {}
    assert one.state is not other.state
    assert one.user is None
    assert repr(one) == f"<socket {one.id} of None>"


@pytest.mark.parametrize("state", list(AuthState))
def test_a_socket_can_send_when_open_and_authenticated(state: AuthState) -> None:
    socket, _, _ = make()
    socket.auth_state = state
    assert socket.is_authenticated == (state in (AuthState.NONE, AuthState.SUCCESS))
    assert socket.can_send == socket.is_authenticated
    socket.is_closed = True
    assert not socket.can_send


async def test_emit_uses_the_sockets_codec_unless_told() -> None:
    socket, wire, _ = make()
    await socket.emit(Posted(text="a"))
    await socket.emit(Posted(text="b"), codec="binary")
    assert wire.texts() == [b"a json", b"b binary"]


async def test_before_authentication_only_ready_frames_go_out() -> None:
    socket, wire, loom = make()
    socket.auth_state = AuthState.IDLE
    await socket.emit(Posted())
    await socket.broadcast(Posted())
    await socket.rooms.emit("a", Posted())
    await socket.rooms.bulk.emit(["a"], Posted())
    await socket.rooms.publish_raw("a", "x")
    await socket.rooms.join("a")
    await socket.rooms.leave("a")
    assert (wire.texts(), loom.calls) == ([], [])
    await socket.send_raw("raw")
    assert wire.texts() == [b"raw"]


async def test_a_closed_socket_sends_nothing() -> None:
    socket, wire, _ = make()
    await socket.close()
    await socket.emit(Posted())
    await socket.send_raw("raw")
    assert wire.texts() == []


async def test_closing_is_done_once_by_the_first_call() -> None:
    socket, wire, loom = make()
    await socket.close(4001, "first")
    await socket.close(4002, "second")
    assert wire.ended == [(4001, "first")]
    assert socket.close_sent == (4001, "first")
    assert socket.is_closed
    assert loom.calls == [("release",)]


async def test_a_close_without_arguments_is_normal() -> None:
    socket, _, _ = make()
    await socket.close()
    assert socket.close_sent == (1000, "normal")


async def test_a_long_close_reason_is_cut() -> None:
    socket, _, _ = make()
    await socket.close(4000, "ü" * 100)
    assert socket.close_sent == (4000, "ü" * 61)


@pytest.mark.parametrize("code", [1005, 1006, 999, 5000])
async def test_a_code_that_cannot_be_sent_closes_nothing(code: int) -> None:
    socket, _, _ = make()
    with pytest.raises(ValueError, match="cannot be sent as a close code"):
        await socket.close(code)
    assert not socket.is_closed


async def test_others_are_reached_without_the_socket_itself() -> None:
    socket, _, loom = make()
    event = Posted()
    await socket.broadcast(event, codec="json")
    await socket.rooms.emit("a", event)
    await socket.rooms.bulk.emit(["a", "b"], event)
    await socket.rooms.publish_raw("a", b"x")
    assert loom.calls == [
        ("broadcast", event, socket, "json"),
        ("publish", ["a"], event, socket, None, False),
        ("publish", ["a", "b"], event, socket, None, True),
        ("publish_raw", "a", b"x", socket),
    ]


async def test_membership_is_asked_for_room_by_room() -> None:
    socket, _, loom = make()
    await socket.rooms.join("a")
    await socket.rooms.bulk.join(["b", "c"])
    await socket.rooms.bulk.leave(["b"])
    await socket.rooms.leave("a")
    assert loom.calls == [
        ("join", "a"),
        ("join", "b"),
        ("join", "c"),
        ("leave", "b"),
        ("leave", "a"),
    ]
    assert socket.rooms.list() == ["lobby"]


async def test_a_socket_closed_by_a_join_joins_no_further() -> None:
    socket, _, loom = make()
    await socket.rooms.bulk.join(["trap", "b"])
    assert ("join", "b") not in loom.calls


async def test_one_name_is_no_list_of_rooms() -> None:
    socket, _, _ = make()
    for call in (socket.rooms.bulk.join, socket.rooms.bulk.leave):
        with pytest.raises(TypeError, match=r"rooms='lobby' is one text: pass a list, \['lobby'\]"):
            await call("lobby")
    with pytest.raises(TypeError, match="is one text"):
        await socket.rooms.bulk.emit("lobby", Posted())
    assert several(["a"]) == ["a"]


def test_ready_frames_are_text_or_binary() -> None:
    assert (raw_frame("ü").payload, raw_frame("ü").is_binary) == ("ü".encode(), False)
    assert (raw_frame(b"\xff").payload, raw_frame(b"\xff").is_binary) == (b"\xff", True)
    assert raw_frame("\ud800").payload == b"?"


def limited(policy: Any) -> Settings:
    return Settings(limits=Limits(outbox_bytes=1000), policies=Policies(slow_reader=policy))


async def test_a_slow_reader_is_closed_and_told_to_come_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    socket, wire, _ = make(limited("close"))
    await socket.send_raw("x" * 600)
    assert not socket.is_closed
    with caplog.at_level(logging.WARNING, "bytesocket"):
        await socket.send_raw("y" * 600)
    assert wire.ended == [(1013, "slow reader")]
    assert socket.dropped == 2
    assert wire.texts() == []
    assert f"more than 1000 bytes wait for <socket {socket.id}" in caplog.text


async def test_a_slow_reader_may_lose_the_oldest_instead(caplog: pytest.LogCaptureFixture) -> None:
    socket, wire, _ = make(limited("drop_oldest"))
    with caplog.at_level(logging.WARNING, "bytesocket"):
        for text in ("a" * 600, "b" * 600, "c" * 600):
            await socket.send_raw(text)
    assert not socket.is_closed
    assert wire.texts() == [b"c" * 600]
    assert socket.dropped == 2
    assert caplog.text.count("bytes wait") == 1


async def test_what_may_be_lost_goes_before_a_slow_reader_is_closed() -> None:
    socket, wire, _ = make(limited("close"))
    for number in range(20):
        socket.write(Frame(f"{number}".encode() * 100, is_binary=False, slot="cursor"))
    await socket.send_raw("x" * 900)
    assert not socket.is_closed
    assert wire.texts() == [b"x" * 900]
    assert socket.dropped
    await socket.send_raw("y" * 1900)
    assert wire.ended == [(1013, "slow reader")]


async def test_without_a_limit_everything_waits() -> None:
    socket, wire, _ = make(Settings(limits=Limits(outbox_bytes=0)))
    await socket.send_raw("x" * 10_000)
    assert len(wire.texts()) == 1


async def test_a_socket_gets_its_way_out_when_it_is_accepted() -> None:
    loom, wire = Loom(), Wire()
    app = SimpleNamespace(settings=Settings())
    socket: Socket = Socket(Handshake("/ws"), NullTransport(), loom, app=app, codec="binary")
    await socket.send_raw("lost")
    socket.connect(wire)
    await socket.send_raw("found")
    assert wire.texts() == [b"found"]
