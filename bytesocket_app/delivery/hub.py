"""Live sockets and fan-out: an event is encoded once per codec, and written once per member."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from enum import Enum
from functools import partial
from itertools import chain
from typing import Any, Final, Protocol

from bytesocket_app.delivery.users import UserIndex
from bytesocket_app.events import Catalogue, EventSpec, ServerEvent, ServerPayload
from bytesocket_app.events.catalogue import RoomKey, Writer
from bytesocket_app.rooms import RoomIndex
from bytesocket_app.socket import DeliveryGroup, Socket, raw_frame, several
from bytesocket_app.transports import Transport
from bytesocket_app.types import CodecName
from bytesocket_app.wire import CODECS
from bytesocket_app.wire.frame import Frame

BROADCAST_ROOM: Final = "__bytesocket_broadcast__"
"""The room that every authenticated socket is in; clients cannot name it (protocol.md Q17)."""

Members = Mapping[Socket[Any], Transport]
"""The members of one delivery group, with their transports."""


class _Absent(Enum):
    ABSENT = "no data"


ABSENT: Final = _Absent.ABSENT
"""In place of a payload: the message has no `data`, and neither has what is relayed."""


class RoomWatch(Protocol):
    """Who is told when a socket joined or left a room."""

    async def joined(self, socket: Socket[Any], room: str, /) -> None:
        """Run a room's join hooks."""
        ...

    async def left(self, socket: Socket[Any], room: str, /) -> None:
        """Run a room's leave hooks."""
        ...


def encode_event(
    spec: EventSpec,
    payload: Any,
    room: str | list[str] | None,
    sender: Socket[Any] | None,
    codec: CodecName,
) -> Frame:
    """Encode one event for all who use a codec.

    Args:
        spec: The event.
        payload: A valid payload of it; in rooms also ABSENT.
        room: The room that receivers see, or the rooms of a bulk message; None for no room.
        sender: Whose event it is, as far as that is known: whoever is excluded.
        codec: The one that they use.

    Raises:
        EncodeError: The payload has no form in this codec.
    """
    if room is None:
        text = spec.writer(codec)(payload)
    else:
        key: RoomKey = "room" if isinstance(room, str) else "rooms"
        if payload is ABSENT:
            text = CODECS[codec].encode({key: room, "event": spec.name})
        else:
            text = spec.room_writer(codec, key)(room, payload)
    slot = _slot(spec, payload, room, sender) if spec.volatile else None
    return Frame(text, codec == "binary", slot)


def _slot(
    spec: EventSpec, payload: Any, room: str | list[str] | None, sender: Socket[Any] | None
) -> Hashable:
    """What makes two volatile events one thing, of which a slow reader needs the newest."""
    place = tuple(room) if isinstance(room, list) else room
    return spec.name, place, None if sender is None else sender.id, spec.subject_of(payload)


class Hub:
    """All live sockets of one application, and the rooms they are in.

    Attributes:
        sockets: Every open socket by its id, authenticated or not.
        index: Who is in which room.
        users: The sockets of each user, where users have keys.
    """

    def __init__(self, catalogue: Catalogue, watch: RoomWatch, *, one_copy: bool) -> None:
        self.sockets: dict[str, Socket[Any]] = {}
        self.index: RoomIndex[Socket[Any], DeliveryGroup, Transport] = RoomIndex(
            Socket[Any].listing
        )
        self.users = UserIndex()
        self._catalogue = catalogue
        self._watch = watch
        self._one_copy = one_copy
        self._held: dict[Socket[Any], list[str]] = {}
        # How each class of events is written, once it was: emitting is the hot path.
        self._writers: dict[CodecName, dict[type, Writer]] = {codec: {} for codec in CODECS}

    def encode(self, event: ServerEvent | ServerPayload[Any], codec: CodecName) -> Frame:
        """Encode one event for one codec; raises UndeclaredEvent."""
        write = self._writers[codec].get(type(event))
        if write is not None:
            return Frame(write(event), codec == "binary")
        spec, payload = self._catalogue.outgoing(event)
        if payload is event and not spec.volatile:
            self._writers[codec][type(event)] = spec.writer(codec)
        return encode_event(spec, payload, None, None, codec)

    def publish(
        self,
        rooms: Iterable[str],
        event: ServerEvent | ServerPayload[Any],
        *,
        exclude: Socket[Any] | None = None,
        codec: CodecName | None = None,
        bulk: bool = False,
    ) -> None:
        """Emit an event to the members of rooms.

        Args:
            rooms: Their names; several only with `bulk`.
            event: What to emit; raises UndeclaredEvent.
            exclude: A member that gets nothing.
            codec: For everybody, instead of each socket's own.
            bulk: Whether members see the message as one for several rooms, and get one copy.
        """
        spec, payload = self._catalogue.outgoing(event)
        names = list(dict.fromkeys(rooms)) if self._one_copy else list(rooms)
        shown = names if bulk else None
        self.relay(names, spec, payload, exclude=exclude, codec=codec, shown=shown)

    def relay(
        self,
        rooms: Sequence[str],
        spec: EventSpec,
        payload: Any,
        *,
        exclude: Socket[Any] | None = None,
        codec: CodecName | None = None,
        shown: list[str] | None = None,
    ) -> None:
        """Emit the payload of a known event.

        Args:
            rooms: The rooms whose members get it.
            spec: The event.
            payload: A valid payload of it, or ABSENT.
            exclude: A member that gets nothing.
            codec: For everybody, instead of each socket's own.
            shown: The `rooms` that members see; without them, they see the one room.
        """
        if not rooms:
            return
        frame = partial(encode_event, spec, payload, rooms[0] if shown is None else shown, exclude)
        groups = self.index.groups
        reached: Iterable[tuple[DeliveryGroup, Members]]
        if len(rooms) == 1:
            reached = groups(rooms[0]).items()
        else:
            parts = chain.from_iterable(groups(room).items() for room in rooms)
            reached = _united(parts).items() if self._one_copy else parts
        _spread(reached, frame, exclude, codec)

    def broadcast(
        self,
        event: ServerEvent | ServerPayload[Any],
        *,
        exclude: Socket[Any] | None = None,
        codec: CodecName | None = None,
    ) -> None:
        """Emit an event to every authenticated socket."""
        spec, payload = self._catalogue.outgoing(event)
        frame = partial(encode_event, spec, payload, None, exclude)
        _spread(self.index.groups(BROADCAST_ROOM).items(), frame, exclude, codec)

    def emit_to_sockets(
        self,
        sockets: Iterable[Socket[Any]],
        event: ServerEvent | ServerPayload[Any],
        *,
        codec: CodecName | None = None,
    ) -> None:
        """Emit an event to some sockets, as one that is for no room."""
        spec, payload = self._catalogue.outgoing(event)
        reached: dict[DeliveryGroup, dict[Socket[Any], Transport]] = {}
        for socket in sockets:
            group, transport = socket.listing()
            reached.setdefault(group, {})[socket] = transport
        _spread(reached.items(), partial(encode_event, spec, payload, None, None), None, codec)

    def publish_raw(
        self, room: str, payload: str | bytes, *, exclude: Socket[Any] | None = None
    ) -> None:
        """Send a ready frame to the members of a room."""
        frame = raw_frame(payload)
        _spread(self.index.groups(room).items(), lambda _: frame, exclude)

    async def join(self, socket: Socket[Any], room: str) -> None:
        """Put an open socket into a room and run the room's join hooks, if it was not there."""
        # It may have closed while a guard or a hook was deciding; nobody would take it out again.
        if socket.is_closed:
            return
        if self.index.join(socket, room) and room != BROADCAST_ROOM:
            await self._watch.joined(socket, room)

    async def leave(self, socket: Socket[Any], room: str) -> None:
        """Take a socket out of a room and run the room's leave hooks, if it was there."""
        if self.index.leave(socket, room) and room != BROADCAST_ROOM:
            await self._watch.left(socket, room)

    def rooms_of(self, socket: Socket[Any]) -> list[str]:
        """The rooms of a socket; once it closed, those it held at that moment."""
        held = self._held.get(socket)
        rooms = self.index.rooms(socket) if held is None else held
        return [room for room in rooms if room != BROADCAST_ROOM]

    def add(self, socket: Socket[Any]) -> None:
        """List a new socket, which has its way out now; it is in no room yet."""
        self.sockets[socket.id] = socket

    def register_authenticated(self, socket: Socket[Any]) -> None:
        """Put an authenticated socket where broadcasts, and what is for its user, reach it."""
        if not socket.is_closed:
            self.index.join(socket, BROADCAST_ROOM)
            self.users.add(socket)

    def release(self, socket: Socket[Any]) -> None:
        """Take a closed socket out of all rooms, remembering them for its close hooks."""
        if socket not in self._held:
            self._held[socket] = self.index.leave_all(socket)
            self.users.discard(socket)

    async def remove(self, socket: Socket[Any]) -> None:
        """Forget a socket whose connection is over, and run its rooms' leave hooks."""
        self.release(socket)
        self.sockets.pop(socket.id, None)
        for room in self.rooms_of(socket):
            await self._watch.left(socket, room)

    def forget(self, socket: Socket[Any]) -> None:
        """Drop the last note about a socket, after its close hooks have read it."""
        self._held.pop(socket, None)


def _united(
    parts: Iterable[tuple[DeliveryGroup, Members]],
) -> dict[DeliveryGroup, dict[Socket[Any], Transport]]:
    """The members of any of these groups, each once."""
    united: dict[DeliveryGroup, dict[Socket[Any], Transport]] = {}
    for group, members in parts:
        united.setdefault(group, {}).update(members)
    return united


def _spread(
    groups: Iterable[tuple[DeliveryGroup, Members]],
    encoded: Callable[[CodecName], Frame],
    exclude: Socket[Any] | None,
    codec: CodecName | None = None,
) -> None:
    """Write a message to all members but one: in this codec, or else in each one's own."""
    frames: dict[CodecName, Frame] = {}
    reached: list[tuple[type[Transport], Members, Frame]] = []
    for group, members in tuple(groups):  # a serializer may be what takes a member out
        if len(members) > 1 or exclude not in members:
            # All before the first write: an event that has no form in one codec reaches nobody.
            used = codec or group.codec
            frame = frames.get(used)
            if frame is None:
                frame = frames[used] = encoded(used)
            reached.append((group.kind, members, frame))
    slow: list[tuple[Members, set[Transport]]] = []
    for kind, members, frame in reached:
        skip = None if exclude is None else members.get(exclude)
        behind = kind.write_many(members.values(), frame, skip=skip)
        if behind:
            slow.append((members, set(behind)))
    for members, links in slow:
        _look_after(members, links)


def _look_after(members: Members, behind: set[Transport]) -> None:
    """Keep to the slow-reader policy for those members whose network is behind."""
    late = [
        member
        for member, transport in members.items()
        if transport in behind and transport.buffered > member.outbox_limit
    ]
    for member in late:  # apart, as one that is closed leaves the room
        member.overflow()


class ServerRooms:
    """Emit to rooms by name, nobody excluded: `app.rooms`."""

    __slots__ = ("_hub", "bulk")

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.bulk = ServerRoomsBulk(hub)

    async def emit(
        self,
        room: str,
        event: ServerEvent | ServerPayload[Any],
        *,
        codec: CodecName | None = None,
    ) -> None:
        """Emit to all members of a room.

        Raises:
            UndeclaredEvent: The application did not declare the event as its own to send.
        """
        self._hub.publish((room,), event, codec=codec)

    async def publish_raw(self, room: str, payload: str | bytes) -> None:
        """Send a ready frame to all members of a room: text, or bytes as a binary frame."""
        self._hub.publish_raw(room, payload)


class ServerRoomsBulk:
    """The same for several rooms at once: `app.rooms.bulk`."""

    __slots__ = ("_hub",)

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def emit(
        self,
        rooms: Iterable[str],
        event: ServerEvent | ServerPayload[Any],
        *,
        codec: CodecName | None = None,
    ) -> None:
        """Emit to the members of several rooms; a member of two gets one copy.

        Raises:
            UndeclaredEvent: The application did not declare the event as its own to send.
        """
        self._hub.publish(several(rooms), event, codec=codec, bulk=True)
