"""Fan-out: encoded once per codec, one copy per member, nobody that closed or is excluded."""

from types import SimpleNamespace
from typing import Any

import pytest
from typing_extensions import override

from bytesocket_app import Handshake, Limits, ServerEvent, Settings, Socket, UndeclaredEvent
from bytesocket_app.delivery.hub import ABSENT, BROADCAST_ROOM, Hub, ServerRooms, encode_event
from bytesocket_app.errors import EncodeError
from bytesocket_app.events import Catalogue, EventSpec
from bytesocket_app.events.catalogue import RoomKey, RoomWriter
from bytesocket_app.transports.memory import MemoryTransport
from bytesocket_app.types import CodecName
from bytesocket_app.wire import decode

pytestmark = pytest.mark.anyio


class Posted(ServerEvent):
    text: str


class Place(ServerEvent, volatile="who"):
    who: int
    x: int


class Blob(ServerEvent, volatile=True):
    raw: bytes


class Watch:
    """Notes who joined and left."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    async def joined(self, socket: Socket, room: str, /) -> None:
        self.seen.append(("joined", room))

    async def left(self, socket: Socket, room: str, /) -> None:
        self.seen.append(("left", room))


class House:
    """A hub with sockets whose outboxes can be read."""

    def __init__(self, *, one_copy: bool = True, limit: int = 0) -> None:
        self.watch = Watch()
        self.hub = Hub(Catalogue([Posted, Blob]), self.watch, one_copy=one_copy)
        self.rooms = ServerRooms(self.hub)
        settings = Settings(limits=Limits(outbox_bytes=limit))
        self._app = SimpleNamespace(settings=settings)
        self._wires: dict[Socket, MemoryTransport] = {}

    async def socket(
        self,
        *rooms: str,
        codec: CodecName = "json",
        kind: type[MemoryTransport] = MemoryTransport,
    ) -> Socket:
        wire = kind()
        socket: Socket = Socket(Handshake("/ws"), wire, self.hub, app=self._app, codec=codec)
        self._wires[socket] = wire
        self.hub.add(socket)
        self.hub.register_authenticated(socket)
        for room in rooms:
            await self.hub.join(socket, room)
        return socket

    def got(self, socket: Socket) -> list[Any]:
        outbox = self._wires[socket].outbox
        frames = [outbox.popleft() for _ in range(len(outbox))]
        return [decode(f.payload, f.is_binary) for f in frames]


def message(text: str, **head: Any) -> dict[str, Any]:
    return {**head, "event": "posted", "data": {"text": text}}


async def test_a_room_event_reaches_all_members_in_their_codecs() -> None:
    house = House()
    ann, bob, eve = (
        await house.socket("a"),
        await house.socket("a", codec="binary"),
        await house.socket(),
    )
    await house.rooms.emit("a", Posted(text="hi"))
    assert house.got(ann) == house.got(bob) == [message("hi", room="a")]
    assert house.got(eve) == []


async def test_one_codec_for_all_when_asked() -> None:
    house = House()
    ann = await house.socket("a", codec="binary")
    await house.rooms.emit("a", Posted(text="hi"), codec="json")
    await ann.rooms.join("a")
    assert house.got(ann) == [message("hi", room="a")]


async def test_a_broadcast_reaches_everybody_but_the_excluded() -> None:
    house = House()
    ann, bob = await house.socket(), await house.socket()
    await ann.broadcast(Posted(text="hi"))
    assert (house.got(ann), house.got(bob)) == ([], [message("hi")])
    house.hub.broadcast(Posted(text="all"))
    assert house.got(ann) == house.got(bob) == [message("all")]


async def test_an_event_for_several_rooms_gives_a_member_of_two_one_copy() -> None:
    house = House()
    both, one = await house.socket("a", "b"), await house.socket("b")
    await house.rooms.bulk.emit(["a", "b", "a"], Posted(text="hi"))
    assert house.got(both) == house.got(one) == [message("hi", rooms=["a", "b"])]


async def test_the_origins_way_gives_a_copy_for_every_room_named() -> None:
    house = House(one_copy=False)
    both = await house.socket("a", "b")
    await house.rooms.bulk.emit(["a", "b", "a"], Posted(text="hi"))
    assert house.got(both) == [message("hi", rooms=["a", "b", "a"])] * 3


async def test_several_rooms_of_one_are_still_several() -> None:
    house = House()
    ann = await house.socket("a")
    await house.rooms.bulk.emit(["a"], Posted(text="hi"))
    assert house.got(ann) == [message("hi", rooms=["a"])]


async def test_no_rooms_are_nobody() -> None:
    house = House()
    ann = await house.socket("a")
    await house.rooms.bulk.emit([], Posted(text="hi"))
    assert house.got(ann) == []
    with pytest.raises(TypeError, match="is one text"):
        await house.rooms.bulk.emit("a", Posted(text="hi"))


async def test_ready_frames_go_out_as_they_are() -> None:
    house = House()
    ann, bob = await house.socket("a"), await house.socket("a")
    await ann.rooms.publish_raw("a", "[1]")
    await house.rooms.publish_raw("a", b"\x01")
    assert (house.got(ann), house.got(bob)) == ([1], [[1], 1])


async def test_what_is_not_declared_reaches_nobody() -> None:
    class Unknown(ServerEvent):
        pass

    house = House()
    ann = await house.socket("a")
    for emit in (ann.emit, ann.broadcast):
        with pytest.raises(UndeclaredEvent):
            await emit(Unknown())
    with pytest.raises(UndeclaredEvent):
        await house.rooms.emit("a", Unknown())
    assert house.got(ann) == []


async def test_what_one_codec_cannot_write_reaches_nobody_half_way() -> None:
    house = House()
    ann, bob = await house.socket("a", codec="binary"), await house.socket("a")
    with pytest.raises(EncodeError, match="as json"):
        await house.rooms.emit("a", Blob(raw=b"\xff"))
    assert house.got(ann) == house.got(bob) == []
    await house.rooms.emit("a", Blob(raw=b"\xff"), codec="binary")
    assert house.got(bob) == [{"room": "a", "event": "blob", "data": {"raw": b"\xff"}}]


class Counting(EventSpec):
    """Counts how often it is written."""

    def __init__(self) -> None:
        super().__init__("posted", "server", dict[str, str])
        self.written: list[CodecName] = []

    @override
    def room_writer(self, codec: CodecName, key: RoomKey) -> RoomWriter:
        write = super().room_writer(codec, key)

        def counting(room: str | list[str], payload: Any) -> bytes:
            self.written.append(codec)
            return write(room, payload)

        return counting

    @override
    def __repr__(self) -> str:
        return "<counting>"


async def test_an_event_is_encoded_once_per_codec_however_many_get_it() -> None:
    house, spec = House(), Counting()
    for codec in ("json", "binary", "json", "json"):
        name: Any = codec
        await house.socket("a", codec=name)
    house.hub.relay(["a"], spec, {"text": "hi"})
    assert sorted(spec.written) == ["binary", "json"]


async def test_a_relay_without_data_has_none() -> None:
    house = House()
    ann = await house.socket("a")
    house.hub.relay(["a"], EventSpec("ping", "both", None), ABSENT)
    assert house.got(ann) == [{"room": "a", "event": "ping"}]


def test_what_may_be_lost_is_marked() -> None:
    spec = Catalogue([Blob]).by_name["blob"]
    assert encode_event(spec, Blob(raw=b""), "a", None, "json").slot is not None
    spec = Catalogue([Posted]).by_name["posted"]
    assert encode_event(spec, Posted(text="x"), "a", None, "json").slot is None


async def test_what_a_slow_reader_needs_the_newest_of_is_an_event_of_a_room_and_a_sender() -> None:
    house = House()
    ann, bob = await house.socket("a"), await house.socket("b")
    spec = Catalogue([Blob]).by_name["blob"]

    def slot(raw: bytes, sender: Socket | None, room: str | list[str] | None) -> object:
        return encode_event(spec, Blob(raw=raw), room, sender, "binary").slot

    assert slot(b"1", ann, "a") == slot(b"2", ann, "a")
    slots = {
        slot(b"", None, None),
        slot(b"", ann, "a"),
        slot(b"", bob, "a"),
        slot(b"", ann, "b"),
        slot(b"", ann, ["a", "b"]),
    }
    assert len(slots) == 5


def test_one_senders_news_of_several_things_are_told_apart_by_the_field_it_names() -> None:
    spec = Catalogue([Place]).by_name["place"]

    def slot(who: int, x: int) -> object:
        return encode_event(spec, Place(who=who, x=x), None, None, "json").slot

    assert slot(1, 1) == slot(1, 2)
    assert slot(1, 1) != slot(2, 1)


async def test_a_slow_member_that_is_closed_meanwhile_does_not_stop_the_others() -> None:
    house = House(limit=1000)
    slow, fast = await house.socket("a"), await house.socket("a")
    await slow.send_raw('"' + "x" * 980 + '"')
    await house.rooms.emit("a", Posted(text="hi"))
    assert slow.is_closed
    assert house.got(fast) == [message("hi", room="a")]
    assert list(house.hub.index.members("a")) == [fast]


async def test_all_are_written_to_before_the_first_slow_member_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = House(limit=1000)
    slow, friend = await house.socket("a"), await house.socket("a")
    await slow.send_raw('"' + "x" * 980 + '"')
    release = house.hub.release

    def both_leave(socket: Socket) -> None:
        release(socket)
        friend.shut(4000, "with my friend")

    monkeypatch.setattr(house.hub, "release", both_leave)
    await house.rooms.emit("a", Posted(text="hi"))
    assert house.got(friend) == [message("hi", room="a")]
    assert (slow.close_sent, friend.close_sent) == ((1013, "slow reader"), (4000, "with my friend"))
    assert house.hub.index.count("a") == 0


class Other(MemoryTransport):
    """Another kind of transport, whose sockets are in lanes of their own."""


async def test_members_on_several_kinds_of_transport_and_codecs_get_one_copy_each() -> None:
    house = House()
    ways: list[tuple[type[MemoryTransport], CodecName]] = [
        (kind, codec) for kind in (MemoryTransport, Other) for codec in ("json", "binary")
    ]
    members = [await house.socket("a", "b", codec=codec, kind=kind) for kind, codec in ways]
    sender = members[0]
    await sender.rooms.emit("a", Posted(text="one"))
    await sender.rooms.bulk.emit(["a", "b"], Posted(text="two"))
    await sender.broadcast(Posted(text="three"))
    house.hub.emit_to_sockets(members, Posted(text="four"))
    assert house.got(sender) == [message("four")]
    heard = [
        message("one", room="a"),
        message("two", rooms=["a", "b"]),
        message("three"),
        message("four"),
    ]
    assert [house.got(member) for member in members[1:]] == [heard] * 3


async def test_a_lane_of_which_only_the_sender_is_costs_no_encoding() -> None:
    house, spec = House(), Counting()
    sender, _ = await house.socket("a", codec="binary"), await house.socket("a")
    house.hub.relay(["a"], spec, {"text": "hi"}, exclude=sender)
    assert spec.written == ["json"]


async def test_joining_twice_runs_the_hooks_once() -> None:
    house = House()
    ann = await house.socket("a", "a")
    await house.hub.leave(ann, "a")
    await house.hub.leave(ann, "a")
    assert house.watch.seen == [("joined", "a"), ("left", "a")]


async def test_the_room_of_all_is_hidden_and_has_no_hooks() -> None:
    house = House()
    ann = await house.socket()
    await house.hub.leave(ann, BROADCAST_ROOM)
    await house.hub.join(ann, BROADCAST_ROOM)
    assert house.watch.seen == []
    assert house.hub.rooms_of(ann) == []


async def test_a_closed_socket_joins_no_room() -> None:
    house = House()
    ann = await house.socket("a")
    await ann.close()
    await house.hub.join(ann, "b")
    assert house.hub.index.count("b") == 0
    assert house.watch.seen == [("joined", "a")]


async def test_after_the_end_a_socket_still_knows_its_rooms_until_it_is_forgotten() -> None:
    house = House()
    ann = await house.socket("a", "b")
    await ann.close()
    assert house.hub.index.rooms(ann) == []
    assert ann.rooms.list() == ["a", "b"]
    await house.hub.remove(ann)
    assert house.watch.seen[2:] == [("left", "a"), ("left", "b")]
    assert ann.rooms.list() == ["a", "b"]
    assert house.hub.sockets == {}
    house.hub.forget(ann)
    assert ann.rooms.list() == []


async def test_a_socket_that_was_lost_leaves_its_rooms_when_removed() -> None:
    house = House()
    ann = await house.socket("a")
    await house.hub.remove(ann)
    await house.hub.remove(ann)
    assert len(house.hub.index) == 0


async def test_a_single_event_is_encoded_for_one_socket() -> None:
    house = House()
    frame = house.hub.encode(Posted(text="hi"), "json")
    assert decode(frame.payload, frame.is_binary) == message("hi")
