"""Fan-out: encoded once per codec, one copy per member, nobody that closed or is excluded."""

from collections.abc import Iterable
from functools import partial
from sys import maxsize
from types import SimpleNamespace
from typing import Any, cast

import pytest
from typing_extensions import override

from bytesocket_app import Handshake, ServerEvent, Socket, UndeclaredEvent
from bytesocket_app.declarations.room_hooks import EveryRoom
from bytesocket_app.delivery.emitting import ServerRooms
from bytesocket_app.delivery.hub import Hub
from bytesocket_app.delivery.memberships import Memberships
from bytesocket_app.delivery.publication import ABSENT, Publication, PublicationTarget
from bytesocket_app.delivery.turns import Call
from bytesocket_app.errors import EncodeError
from bytesocket_app.events import Catalogue, EventSpec
from bytesocket_app.events.catalogue import RoomKey, RoomWriter
from bytesocket_app.rooms import BROADCAST_ROOM
from bytesocket_app.socket import AuthState, SendingSide, new_id, raw_frame
from bytesocket_app.telemetry import Telemetry
from bytesocket_app.transports.memory import MemoryTransport
from bytesocket_app.types import CodecName, UserKey
from bytesocket_app.wire import decode
from tests.support.turns import a_turn

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

    def joined(self, socket: Socket, room: str, /) -> list[Call]:
        return [partial(self._note, "joined", room)]

    def left(self, socket: Socket, room: str, /) -> list[Call]:
        return [partial(self._note, "left", room)]

    async def _note(self, what: str, room: str) -> None:
        self.seen.append((what, room))


class House:
    """A hub with sockets whose outboxes can be read."""

    def __init__(self, *, one_copy: bool = True, limit: int = 0) -> None:
        self.watch = Watch()
        self.memberships = Memberships(self.watch)
        self.telemetry = Telemetry()
        catalogue = Catalogue([Posted, Blob])
        self.hub = Hub(catalogue, self.memberships, one_copy=one_copy, telemetry=self.telemetry)
        self.rooms = ServerRooms(self.hub, EveryRoom())
        self._limit = limit or maxsize
        self._app = SimpleNamespace()
        self._wires: dict[Socket, MemoryTransport] = {}

    async def socket(
        self,
        *rooms: str,
        codec: CodecName = "json",
        kind: type[MemoryTransport] = MemoryTransport,
    ) -> Socket:
        wire = kind()
        sending = SendingSide(
            new_id(),
            wire,
            codec=codec,
            limit=self._limit,
            drop_oldest=False,
            telemetry=self.telemetry,
        )
        socket: Socket = Socket(Handshake("/ws"), sending, self.hub, app=cast("Any", self._app))
        self._wires[socket] = wire
        self.memberships.add(socket, sending)
        self.memberships.authenticated(socket)
        for room in rooms:
            await self.hub.join(socket, room)
        return socket

    def side(self, socket: Socket) -> SendingSide:
        side = self.memberships.side(socket)
        assert side is not None
        return side

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
    house.hub.relay(["a"], spec, {"text": "hi"}, exclude="")
    assert sorted(spec.written) == ["binary", "json"]


async def test_a_relay_without_data_has_none() -> None:
    house = House()
    ann = await house.socket("a")
    house.hub.relay(["a"], EventSpec("ping", "both", None), ABSENT, exclude="")
    assert house.got(ann) == [{"room": "a", "event": "ping"}]


def test_what_may_be_lost_is_marked() -> None:
    spec = Catalogue([Blob]).by_name["blob"]
    assert (
        Publication(PublicationTarget.ROOM, spec, Blob(raw=b""), ("a",)).frame("json").slot
        is not None
    )
    spec = Catalogue([Posted]).by_name["posted"]
    assert (
        Publication(PublicationTarget.ROOM, spec, Posted(text="x"), ("a",)).frame("json").slot
        is None
    )


def test_what_a_slow_reader_needs_the_newest_of_is_an_event_of_a_room_and_a_sender() -> None:
    spec = Catalogue([Blob]).by_name["blob"]

    def slot(raw: bytes, sender: str | None, *rooms: str) -> object:
        target = (PublicationTarget.EVERYBODY, PublicationTarget.ROOM, PublicationTarget.ROOMS)[
            len(rooms)
        ]
        return Publication(target, spec, Blob(raw=raw), rooms, sender).frame("binary").slot

    assert slot(b"1", "ann", "a") == slot(b"2", "ann", "a")
    slots = {
        slot(b"", None),
        slot(b"", "ann", "a"),
        slot(b"", "bob", "a"),
        slot(b"", "ann", "b"),
        slot(b"", "ann", "a", "b"),
    }
    assert len(slots) == 5


def test_one_senders_news_of_several_things_are_told_apart_by_the_field_it_names() -> None:
    spec = Catalogue([Place]).by_name["place"]

    def slot(who: int, x: int) -> object:
        return (
            Publication(PublicationTarget.EVERYBODY, spec, Place(who=who, x=x)).frame("json").slot
        )

    assert slot(1, 1) == slot(1, 2)
    assert slot(1, 1) != slot(2, 1)


def test_a_publication_is_encoded_once_for_each_codec() -> None:
    spec = Catalogue([Posted]).by_name["posted"]
    publication = Publication(PublicationTarget.EVERYBODY, spec, Posted(text="hi"))
    assert publication.frame("json") is publication.frame("json")
    assert publication.frame("binary") is not publication.frame("json")
    assert publication.event == "posted"


LARGE = '"' + "x" * 100_000 + '"'
"""A frame with which the network is behind."""


async def test_a_slow_member_that_is_closed_does_not_stop_the_others() -> None:
    house = House(limit=80_000)
    slow, fast = await house.socket("a"), await house.socket("a")
    house.side(slow).push(raw_frame(LARGE))
    await a_turn()
    await house.rooms.emit("a", Posted(text="hi"))
    assert slow.is_closed
    assert house.got(fast) == [message("hi", room="a")]
    assert list(house.memberships.index.members("a")) == [fast]


async def test_all_are_written_to_before_the_first_slow_member_is_closed() -> None:
    house = House(limit=80_000)
    slow, friend = await house.socket("a"), await house.socket("a")
    house.side(slow).push(raw_frame(LARGE))
    await a_turn()
    side = house.side(slow)
    release = side.released

    def both_leave() -> None:
        release()
        house.side(friend).shut(4000, "with my friend")

    side.released = both_leave
    await house.rooms.emit("a", Posted(text="hi"))
    assert house.got(friend) == [message("hi", room="a")]
    assert side.close_sent == (1013, "slow reader")
    assert house.side(friend).close_sent == (4000, "with my friend")
    assert house.memberships.index.count("a") == 0


async def test_a_burst_closes_nobody_before_the_network_had_its_turn() -> None:
    house = House(limit=80_000)
    ann = await house.socket("a")
    for _ in range(1000):
        assert await house.rooms.emit("a", Posted(text="x" * 1000)) == "sent"
    assert not ann.is_closed
    await a_turn()
    await house.rooms.emit("a", Posted(text="one too many"))
    assert ann.is_closed


class Other(MemoryTransport):
    """Another kind of transport, whose sockets are in delivery groups of their own."""


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
    house.hub.emit_to_sockets([each.id for each in members], Posted(text="four"))
    assert house.got(sender) == [message("four")]
    heard = [
        message("one", room="a"),
        message("two", rooms=["a", "b"]),
        message("three"),
        message("four"),
    ]
    assert [house.got(member) for member in members[1:]] == [heard] * 3


async def test_a_group_of_which_only_the_sender_is_costs_no_encoding() -> None:
    house, spec = House(), Counting()
    sender, _ = await house.socket("a", codec="binary"), await house.socket("a")
    house.hub.relay(["a"], spec, {"text": "hi"}, exclude=sender.id)
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
    assert house.memberships.index.count("b") == 0
    assert house.watch.seen == [("joined", "a")]


async def test_after_the_end_a_socket_still_knows_its_rooms_until_it_is_forgotten() -> None:
    house = House()
    ann = await house.socket("a", "b")
    await ann.close()
    assert house.memberships.index.rooms(ann) == []
    assert ann.rooms.list() == ["a", "b"]
    await house.memberships.finish(ann)
    assert house.watch.seen[2:] == [("left", "a"), ("left", "b")]
    assert ann.rooms.list() == ["a", "b"]
    assert house.memberships.sockets == {}
    house.memberships.forget(ann)
    assert ann.rooms.list() == []


async def test_only_an_authenticated_socket_enters_a_room_whoever_asks() -> None:
    house = House()
    ann = await house.socket()
    house.side(ann).auth_state = AuthState.PENDING
    assert house.memberships.enter(ann, ["a", BROADCAST_ROOM]) == []
    await house.hub.join(ann, "a")
    house.side(ann).lose(1006, "")
    await house.hub.join(ann, "a")
    await house.memberships.finish(ann)
    assert not house.memberships.has(ann, "a")
    assert house.memberships.index.count("a") == 0
    assert house.watch.seen == []


async def test_a_leave_hook_waits_for_the_join_hook_of_the_same_membership() -> None:
    house = House()
    ann = await house.socket()
    house.memberships.enter(ann, ["a", "b"])  # as a request whose first hook is at work
    await house.hub.leave(ann, "b")
    await house.hub.join(ann, "b")
    await house.memberships.told(ann, ["a", "b"])
    assert house.watch.seen == [("joined", "b"), ("left", "b"), ("joined", "b"), ("joined", "a")]


async def test_hooks_that_nobody_ran_run_at_the_end_in_the_order_of_their_room() -> None:
    house = House()
    ann = await house.socket("a")
    house.memberships.exit(ann, ["a"])
    house.memberships.enter(ann, ["a", "b"])
    await ann.close()
    await house.memberships.finish(ann)
    of_a = [what for what, room in house.watch.seen if room == "a"]
    assert of_a == ["joined", "left", "joined", "left"]
    assert house.watch.seen[-2:] == [("joined", "b"), ("left", "b")]
    house.memberships.forget(ann)
    await house.memberships.told(ann, ["a", "b"])
    assert len(house.watch.seen) == 6


async def test_after_a_loss_leaving_ends_what_counts_and_no_hook_runs_before_the_end() -> None:
    house = House()
    ann = await house.socket("a", "b")
    house.side(ann).lose(1006, "")
    await house.hub.leave(ann, "a")
    await house.hub.join(ann, "c")
    assert [house.memberships.has(ann, room) for room in "abc"] == [False, True, True]
    await house.hub.leave(ann, "c")
    assert not house.memberships.has(ann, "c")
    assert ann.rooms.list() == ["a", "b"]
    assert len(house.watch.seen) == 2
    await house.memberships.finish(ann)
    assert house.watch.seen[2:] == [("left", "a"), ("left", "b")]


async def test_a_socket_that_was_lost_leaves_its_rooms_at_once_and_its_hooks_run_later() -> None:
    house = House()
    ann = await house.socket("a")
    house.side(ann).lose(1006, "")
    assert len(house.memberships.index) == 0
    assert house.memberships.has(ann, "a")
    assert house.watch.seen == [("joined", "a")]
    await house.memberships.finish(ann)
    assert house.watch.seen == [("joined", "a"), ("left", "a")]


class Occupied:
    """Notes which rooms and users begin and cease to have sockets."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, object]] = []

    def first_in_room(self, room: str, /) -> None:
        self.seen.append(("first", room))

    def last_in_room(self, room: str, /) -> None:
        self.seen.append(("last", room))

    def first_of_user(self, key: UserKey, /) -> None:
        self.seen.append(("first", key))

    def last_of_user(self, key: UserKey, /) -> None:
        self.seen.append(("last", key))

    async def settled(self, rooms: Iterable[str], /) -> None:
        """Nothing is waited for."""

    async def expected(self, key: UserKey, /) -> None:
        """Nothing is waited for."""


async def test_the_first_and_the_last_member_of_a_room_are_told_however_they_come_and_go() -> None:
    house = House()
    house.memberships.occupancy = told = Occupied()
    ann = await house.socket("a")
    bob = await house.socket("a", "b")
    await house.hub.leave(ann, "a")
    house.memberships.exit(bob, ["a"])
    await bob.close()
    house.side(ann).lose(1006, "")
    assert told.seen == [
        ("first", BROADCAST_ROOM),
        ("first", "a"),
        ("first", "b"),
        ("last", "a"),
        ("last", "b"),
        ("last", BROADCAST_ROOM),
    ]


async def test_a_single_event_is_encoded_for_one_socket() -> None:
    house = House()
    frame = house.hub.encode(Posted(text="hi"), "json")
    assert decode(frame.payload, frame.is_binary) == message("hi")
