"""Hub: delivery of publications to sockets, each encoded once for each codec."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Final, Protocol, TypeAlias

from bytesocket_app.cluster.rates import SharedRates
from bytesocket_app.delivery.asking import Asking, RoomCount, RoomSockets, SocketPlace
from bytesocket_app.delivery.asking import Members as RoomMembers
from bytesocket_app.delivery.commands import Command, CommandTarget, Join, Leave
from bytesocket_app.delivery.memberships import Memberships
from bytesocket_app.delivery.obeying import CommandRunner
from bytesocket_app.delivery.publication import Publication, PublicationTarget
from bytesocket_app.errors import EncodeError, Refusal
from bytesocket_app.events import Catalogue, EventSpec, ServerEvent, ServerPayload
from bytesocket_app.events.catalogue import Writer
from bytesocket_app.events.payload import SerializerError
from bytesocket_app.rooms import BROADCAST_ROOM, room_name
from bytesocket_app.socket import PLAIN, DeliveryGroup, Removal, Socket, raw_frame
from bytesocket_app.telemetry import Operation, Telemetry
from bytesocket_app.transports import Transport
from bytesocket_app.types import CodecName, Outcome, UserKey
from bytesocket_app.wire import CODECS
from bytesocket_app.wire.frame import Frame

logger = logging.getLogger("bytesocket")

Members: TypeAlias = Mapping[Socket[Any], Transport]
"""Members of a delivery group, with their transports."""

Groups: TypeAlias = Iterable[tuple[DeliveryGroup, Members]]

# The members as globals: looking one up in its Enum costs a dozen times as much.
_ROOM: Final = PublicationTarget.ROOM
_ROOMS: Final = PublicationTarget.ROOMS
_EVERYBODY: Final = PublicationTarget.EVERYBODY


class Unspeakable(Refusal, code="validation"):
    """Refusal of a payload that a member's codec has no word for: bytes, in JSON."""

    def __init__(self) -> None:
        super().__init__("The payload cannot be sent to all members.")


class Remote(Protocol):
    """Delivery to the other processes."""

    def send(self, publication: Publication, /) -> Outcome:
        """Send a publication to the other processes; never waits."""
        ...

    def command(self, command: Command, /) -> Outcome:
        """Send a command to the other processes; never waits."""
        ...

    @property
    def asking(self) -> Asking:
        """Questions to the other processes."""
        ...

    @property
    def rates(self) -> SharedRates:
        """Rates that are counted with the other processes."""
        ...


class Hub:
    """Fan-out of one application: it makes publications and delivers them.

    Emits to rooms, to everybody and to users never wait. The slow-reader policy applies to each
    slow receiver (`SendingSide.overflow`), without effect on the others.

    Args:
        catalogue: The declared events.
        memberships: The open sockets and their rooms.
        one_copy: True to give a member of several rooms of a bulk message one copy.
        telemetry: The port that deliveries are reported to.
        check_room: Called with each empty room that server code emits to or joins; may raise.
        check_name: Called with each empty room; raises ValueError for a name that is not the one
            that the declared room has.

    Attributes:
        commands: The runner of commands in this process.
        elsewhere: Delivery to the other processes; None if there are none.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        memberships: Memberships,
        *,
        one_copy: bool,
        telemetry: Telemetry,
        check_room: Callable[[str], object] = room_name,
        check_name: Callable[[str], object] = room_name,
    ) -> None:
        self._check_room = check_room
        self._check_name = check_name
        self._catalogue = catalogue
        self._memberships = memberships
        self._one_copy = one_copy
        self._telemetry = telemetry
        self.commands = CommandRunner(memberships)
        self.elsewhere: Remote | None = None
        # Cache of the writer for each class of events, as emitting is the hot path.
        self._writers: dict[CodecName, dict[type, Writer]] = {codec: {} for codec in CODECS}

    def encode(self, event: ServerEvent | ServerPayload[Any], codec: CodecName) -> Frame:
        """Encode one event for one codec; raises UndeclaredEvent."""
        write = self._writers[codec].get(type(event))
        if write is not None:
            return Frame(write(event), codec == "binary")
        spec, payload = self._catalogue.outgoing(event)
        if payload is event and not spec.volatile:
            self._writers[codec][type(event)] = spec.writer(codec)
        return Publication(PublicationTarget.SOCKETS, spec, payload).frame(codec)

    def publish(
        self,
        rooms: Iterable[str],
        event: ServerEvent | ServerPayload[Any],
        *,
        exclude: str | None = None,
        codec: CodecName | None = None,
        bulk: bool = False,
    ) -> Outcome:
        """Emit an event to the members of rooms.

        Args:
            rooms: The names of the rooms; several only with `bulk`.
            event: The event; raises UndeclaredEvent.
            exclude: The id of a socket to leave out.
            codec: The codec for all, instead of each socket's own.
            bulk: True to send a message for several rooms, with their names in `rooms`.

        Raises:
            ValueError: A name is not the one that the declared room has.
        """
        spec, payload = self._catalogue.outgoing(event)
        target, names = _ROOM, tuple(map(room_name, rooms))
        groups = self._memberships.index.groups
        for name in names:
            if not groups(name):  # who is in a room was asked for it before
                self._check_room(name)
        if bulk:
            target = _ROOMS
            if self._one_copy:
                names = tuple(dict.fromkeys(names))
        return self.deliver(Publication(target, spec, payload, names, exclude, codec))

    def relay(
        self,
        rooms: Sequence[str],
        spec: EventSpec,
        payload: Any,
        *,
        exclude: str,
        shown: Sequence[str] | None = None,
    ) -> Outcome:
        """Relay an event that a client sent into one room or several.

        Args:
            rooms: The rooms whose members get it.
            spec: The event.
            payload: The validated payload, or ABSENT.
            exclude: The id of the sender.
            shown: The `rooms` in a bulk message; None for a message into one room.

        Raises:
            Unspeakable: The codec of a member cannot express what the client sent.
            SerializerError: A serializer of the application's own failed.
        """
        target = _ROOM if shown is None else _ROOMS
        publication = Publication(target, spec, payload, rooms, exclude)
        publication.shown = shown
        try:
            return self.deliver(publication)
        except SerializerError:
            raise
        except EncodeError as error:
            logger.warning("event %r is not relayed: no word in a member's codec", spec.name)
            raise Unspeakable from error

    def broadcast(
        self,
        event: ServerEvent | ServerPayload[Any],
        *,
        exclude: str | None = None,
        codec: CodecName | None = None,
    ) -> Outcome:
        """Emit an event to every authenticated socket."""
        spec, payload = self._catalogue.outgoing(event)
        return self.deliver(Publication(_EVERYBODY, spec, payload, (), exclude, codec))

    def emit_to_user(
        self,
        key: UserKey,
        event: ServerEvent | ServerPayload[Any],
        *,
        codec: CodecName | None = None,
    ) -> Outcome:
        """Emit an event without a room to all sockets of a user."""
        spec, payload = self._catalogue.outgoing(event)
        publication = Publication(PublicationTarget.USER, spec, payload, (), None, codec)
        publication.user = key
        return self.deliver(publication)

    def emit_to_sockets(
        self,
        sockets: Iterable[str],
        event: ServerEvent | ServerPayload[Any],
        *,
        codec: CodecName | None = None,
    ) -> Outcome:
        """Emit an event without a room to sockets by their ids."""
        spec, payload = self._catalogue.outgoing(event)
        publication = Publication(PublicationTarget.SOCKETS, spec, payload, (), None, codec)
        publication.sockets = tuple(sockets)
        if all(map(self._memberships.sockets.__contains__, publication.sockets)):
            return self.deliver_here(publication)
        return self.deliver(publication)

    def publish_raw(
        self, room: str, payload: str | bytes, *, exclude: str | None = None
    ) -> Outcome:
        """Send an encoded message to the members of a room; raises ValueError as `publish`."""
        name = room_name(room)
        if not self._memberships.index.groups(name):
            self._check_room(name)
        return self.deliver(Publication.ready(name, raw_frame(payload), exclude))

    def deliver(self, publication: Publication) -> Outcome:
        """Deliver a publication to its receivers in all processes.

        It is encoded before the first write, so that an event that one of the needed codecs cannot
        encode reaches nobody.

        Returns:
            "sent"; with an engine what it says of the other processes: the members here have it.

        Raises:
            EncodeError: A codec cannot encode the payload.
        """
        outcome = self.deliver_here(publication)
        return outcome if self.elsewhere is None else self.elsewhere.send(publication)

    def deliver_here(self, publication: Publication) -> Outcome:
        """Deliver a publication to its receivers in this process; raises EncodeError."""
        groups = self._receivers(publication)
        if self._telemetry.listener is not None:
            return self._observe(publication, tuple(groups))
        self._write(publication, groups)
        return "sent"

    def members(self, room: str) -> list[Socket[Any]]:
        """Return the members of a room in this process; raises ValueError as `publish`."""
        found = list(self._memberships.index.members(room))
        if not found:
            self._check_name(room)
        return found

    def count(self, room: str) -> int:
        """Return the number of members in this process; raises ValueError as `publish`."""
        found = self._memberships.index.count(room)
        if not found:
            self._check_name(room)
        return found

    async def join(self, socket: Socket[Any], room: str) -> None:
        """Put an open socket into a room, and run the room's join hooks if it was not there.

        Raises:
            ValueError: The name is not the one that the declared room has.
        """
        _check(socket)
        await self._memberships.join(socket, self._joinable(room))

    async def leave(self, socket: Socket[Any], room: str, removal: Removal = PLAIN) -> None:
        """Take a socket out of a room, tell its client, and run the leave hooks if it was there."""
        _check(socket)
        await self._remove((socket,), room_name(room), removal)

    async def clear(self, room: str, removal: Removal) -> Outcome:
        """Do the same with all members in all processes; raises ValueError as `publish`."""
        return await self.take_out(CommandTarget.ROOM, room, room, removal)

    async def put_in(self, target: CommandTarget, receiver: UserKey, room: str) -> Outcome:
        """Put sockets anywhere into a room, and run the join hooks of those that are here.

        Raises:
            ValueError: The name is not the one that the declared room has.
        """
        return await self.command(Command(target, receiver, Join(self._joinable(room))))

    async def take_out(
        self, target: CommandTarget, receiver: UserKey, room: str, removal: Removal
    ) -> Outcome:
        """Take sockets anywhere out of a room, tell their clients, and run the leave hooks here.

        Raises:
            ValueError: The name is not the one that the declared room has.
        """
        return await self.command(Command(target, receiver, Leave(self._known(room), removal)))

    async def command(self, command: Command) -> Outcome:
        """Carry out a command in all processes; waits for hooks of rooms in this one.

        Returns:
            "sent"; with an engine what it says of the other processes.
        """
        begun = self.commands.begin(command)
        outcome: Outcome = "sent"
        is_only_here = command.target is CommandTarget.SOCKET and begun.receivers
        if self.elsewhere is not None and not is_only_here:
            outcome = self.elsewhere.command(command)
        await self.commands.finish(begun)
        return outcome

    async def count_everywhere(self, room: str) -> RoomCount:
        """Count the members of a room in all processes."""
        if self.elsewhere is not None:
            return await self.elsewhere.asking.count(room)
        return RoomCount(self._memberships.index.count(room), ())

    async def members_everywhere(self, room: str) -> RoomSockets:
        """Name the members of a room in all processes."""
        if self.elsewhere is not None:
            return await self.elsewhere.asking.sockets(room)
        here = (SocketPlace(name, key, "") for name, key in self.members_here(room))
        return RoomSockets(tuple(here), ())

    def members_here(self, room: str) -> RoomMembers:
        """Return ids and users' keys of the members of a room in this process."""
        return [(each.id, each.user_key) for each in self._memberships.index.members(room)]

    def is_room(self, room: str) -> bool:
        """Return True for the name of a room that is declared, or that none forbids."""
        try:
            self._check_name(room)
        except ValueError:
            return False
        return True

    def _joinable(self, room: str) -> str:
        """Return the name of a room that server code has sockets join."""
        name = room_name(room)
        self._check_room(name)
        self._check_name(name)
        return name

    def _known(self, room: str) -> str:
        """Return the name of a room; one that nobody is in is checked."""
        name = room_name(room)
        if not self._memberships.index.groups(name):
            self._check_room(name)
            self._check_name(name)
        return name

    async def _remove(self, sockets: Iterable[Socket[Any]], room: str, removal: Removal) -> None:
        left = self.commands.take_out(sockets, room, removal)
        await self._memberships.all_told(left, room)

    def rooms_of(self, socket: Socket[Any], *, include_broadcast: bool = False) -> list[str]:
        """Return the rooms of a socket; after it closed, those at that moment."""
        return self._memberships.rooms_of(socket, include_broadcast=include_broadcast)

    def _receivers(self, publication: Publication) -> Groups:
        groups, target = self._memberships.index.groups, publication.target
        if target is _ROOM:
            found = groups(publication.rooms[0])
            if not found:
                self._check_name(publication.rooms[0])
            return found.items()
        if target is _EVERYBODY:
            return groups(BROADCAST_ROOM).items()
        if target is _ROOMS:
            rooms = publication.rooms
            for room in rooms:
                if not groups(room):
                    self._check_name(room)
            if self._one_copy:
                return _united(chain.from_iterable(groups(room).items() for room in rooms)).items()
            return chain.from_iterable(groups(room).items() for room in rooms)
        return self._single(publication).items()

    def _single(self, publication: Publication) -> dict[DeliveryGroup, Members]:
        """Group the receivers of a publication that is not for rooms."""
        memberships = self._memberships
        if publication.target is PublicationTarget.USER and publication.user is not None:
            sockets: Iterable[Socket[Any]] = memberships.users.of(publication.user)
        else:
            open_now = memberships.sockets
            sockets = (open_now[each] for each in publication.sockets if each in open_now)
        found: dict[DeliveryGroup, dict[Socket[Any], Transport]] = {}
        for socket in sockets:
            side = memberships.side(socket)
            if side is not None:
                found.setdefault(side.group(), {})[socket] = side.transport
        return dict(found)

    def _write(self, publication: Publication, groups: Groups) -> None:
        exclude, forced = publication.exclude, publication.codec
        skipped = None if exclude is None else self._memberships.sockets.get(exclude)
        reached: list[tuple[type[Transport], Members, Frame]] = []
        for group, members in tuple(groups):  # a copy, as a serializer may remove a member
            if len(members) > 1 or skipped not in members:
                frame = publication.frame(forced or group.codec)
                reached.append((group.kind, members, frame))
        slow: list[tuple[Members, set[Transport]]] = []
        for kind, members, frame in reached:
            skip = None if skipped is None else members.get(skipped)
            behind = kind.write_many(members.values(), frame, skip=skip)
            if behind:
                slow.append((members, set(behind)))
        for members, transports in slow:
            self._look_after(members, transports)

    def _look_after(self, members: Members, behind: set[Transport]) -> None:
        """Apply the slow-reader policy to members with slow networks."""
        sides = [
            side
            for member, transport in members.items()
            if transport in behind and (side := self._memberships.side(member)) is not None
        ]
        for side in sides:  # in a loop of its own, as a socket that is closed leaves the room
            side.overflow()

    def _observe(
        self, publication: Publication, groups: Sequence[tuple[DeliveryGroup, Members]]
    ) -> Outcome:
        event = publication.event
        values = {
            "target": publication.target.value,
            "event": event,
            "rooms": tuple(publication.rooms),
            "exclude": publication.exclude,
            "receivers": sum(len(members) for _, members in groups),
        }
        telemetry, outcome = self._telemetry, "failed"
        token = telemetry.began(Operation.DELIVERY, values)
        try:
            self._write(publication, groups)
            outcome = "sent"
        finally:
            telemetry.ended(token, outcome)
        return "sent"


def _united(parts: Groups) -> dict[DeliveryGroup, dict[Socket[Any], Transport]]:
    """Merge groups, so that each member is there once."""
    united: dict[DeliveryGroup, dict[Socket[Any], Transport]] = {}
    for group, members in parts:
        united.setdefault(group, {}).update(members)
    return united


def _check(socket: object) -> None:
    if not isinstance(socket, Socket):
        raise TypeError(
            f"{socket!r} is no socket: pass the one that a handler gets, or one of `app.sockets()`."
        )
