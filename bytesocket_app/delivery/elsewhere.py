"""Delivery to the other processes: what is published here reaches members there, and back.

A publication goes to the channel of its room, of its user, or of everybody. A process hears a
room's channel while it has members of it, and a while longer, as members come and go.
"""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, Protocol, TypeAlias, cast

import anyio
from anyio.abc import TaskGroup

from bytesocket_app.cluster import Node, NodeListener
from bytesocket_app.cluster.channels import (
    EVERYBODY,
    NODES,
    key_of_text,
    key_text,
    room_channel,
    user_channel,
)
from bytesocket_app.cluster.node import Kind
from bytesocket_app.delivery.asking import Asking, Members
from bytesocket_app.delivery.commands import Close, Command, CommandTarget, read_command
from bytesocket_app.delivery.obeying import Begun, CommandRunner
from bytesocket_app.delivery.publication import Publication, PublicationTarget
from bytesocket_app.errors import DecodeError, EncodeError
from bytesocket_app.rooms import BROADCAST_ROOM
from bytesocket_app.types import Outcome, UserKey
from bytesocket_app.wire import CODECS

logger = logging.getLogger("bytesocket")

PUBLICATION: Final = Kind.PUBLICATION
"""Kind of a message: `[kind, target, receivers, bulk, exclude, form, slot, JSON, MessagePack]`."""

Taker: TypeAlias = Callable[[bytes, str, list[Any]], bool]
"""Takes messages of one kind, given the node, the channel and the message; returns False for one
that cannot be understood, or that is on the wrong channel."""

RAW: Final = "raw"
"""Form of a message that goes to all members as it is; else a codec, or None for each one's own."""

LINGER: Final = 2.0
"""Seconds for which a channel is heard after its last member left."""

PATIENCE: Final = 1.0
"""Seconds to wait for a broker's confirmation before a join is answered without it."""

BULKS: Final = 1024
"""Messages for several rooms that are remembered, as they come once for each of their rooms."""

_SLOT: Final = 6
"""Place of the slot in a message."""

_TARGETS: Final = tuple(PublicationTarget)
_WORST_FIRST: Final[tuple[Outcome, ...]] = ("dropped", "queued")


class Local(Protocol):
    """Delivery in this process."""

    @property
    def commands(self) -> CommandRunner:
        """The runner of commands in this process."""
        ...

    def deliver_here(self, publication: Publication, /) -> Outcome:
        """Deliver a publication to its receivers in this process."""
        ...

    def members_here(self, room: str, /) -> Members:
        """Return the members of a room in this process."""
        ...

    def is_room(self, room: str, /) -> bool:
        """Return True for a name that server code may use."""
        ...


class Elsewhere:
    """Way to the members in other processes; the observer of first and last members.

    Args:
        make_node: Makes this process' node, given who is told of what other nodes publish.
        local: Delivery in this process.

    Attributes:
        node: This process among the others.
        asking: Questions about rooms.
        rates: Rates that are counted with the other processes.
        takers: Who takes which kind of message.
        lost: Functions called with a node that is gone.
        tasks: Where hooks run that other processes cause; None before there is a link.
    """

    def __init__(self, make_node: Callable[[NodeListener], Node], local: Local) -> None:
        self.node = node = make_node(self)
        self.rates = node.rates
        self._local = local
        self._bulk = 0
        self._bulks: OrderedDict[tuple[bytes, int], None] = OrderedDict()
        self._pending: dict[str, Awaitable[None]] = {}
        self._users: set[str] = set()
        self._leaving: dict[str, float] = {}
        self.tasks: TaskGroup | None = None
        self.lost: list[Callable[[bytes], None]] = []
        self.asking = Asking(node, local.members_here)
        self.takers: dict[int, Taker] = {
            PUBLICATION: self._deliver,
            Kind.COMMAND: self._obey,
            Kind.ASKED: self.asking.asked,
            Kind.ANSWER: self.asking.answered,
        }
        _ = node.subscribe([EVERYBODY])

    def hear(self, rooms: Iterable[str], users: Iterable[UserKey]) -> None:
        """Hear the channels of rooms and users that have sockets already."""
        for room in rooms:
            self.first_in_room(room)
        for key in users:
            self.first_of_user(key)

    def send(self, publication: Publication) -> Outcome:
        """Send a publication to the other processes; never waits.

        Returns:
            "sent"; "queued" while there is no broker; "dropped" if it is volatile then, or if too
            much waits; of several rooms, the worst of these.
        """
        bulk = None
        if publication.target is PublicationTarget.ROOMS:
            self._bulk = bulk = self._bulk + 1
        body = message_of(publication, bulk)
        is_volatile = body[_SLOT] is not None
        outcomes = [
            self.node.publish(channel, body, volatile=is_volatile)
            for channel in channels_of(publication)
        ]
        for outcome in _WORST_FIRST:
            if outcome in outcomes:
                return outcome
        return "sent"

    def command(self, command: Command) -> Outcome:
        """Send a command to the other processes; never waits, and returns as `send` does."""
        return self.node.publish(_command_channel(command), command.body())

    def arrived(self, node: bytes, channel: str, body: list[Any]) -> bool:
        """Take what another process sent; returns False if it cannot be understood."""
        take = self.takers.get(body[0])
        return take is not None and take(node, channel, body)

    def _deliver(self, node: bytes, channel: str, body: list[Any]) -> bool:
        publication = _read(body)
        if publication is None or channel not in channels_of(publication):
            return False
        if self._is_copy(node, body[3]):
            return True
        try:
            self._local.deliver_here(publication)
        except (DecodeError, EncodeError, ValueError):  # it is no message, or for no room
            return False
        return True

    def _obey(self, node: bytes, channel: str, body: list[Any]) -> bool:  # noqa: ARG002
        command = read_command(body)
        if command is None or channel != _command_channel(command):
            return False
        action = command.action
        if not isinstance(action, Close) and not self._local.is_room(action.room):
            return False
        begun = self._local.commands.begin(command)
        if begun.sockets and self.tasks is not None:
            self.tasks.start_soon(self._finish, begun)
        return True

    async def _finish(self, begun: Begun) -> None:
        try:
            await self._local.commands.finish(begun)
        except Exception:  # it is not this process' own code that could be told
            logger.exception("hooks of the room %r failed", begun.room)

    def gone(self, node: bytes) -> None:
        """Take note that a node is gone."""
        for tell in self.lost:
            tell(node)

    def _is_copy(self, node: bytes, bulk: int | None) -> bool:
        """Return True for a message for several rooms that came by another of them."""
        if bulk is None:
            return False
        if (node, bulk) in self._bulks:
            return True
        self._bulks[node, bulk] = None
        if len(self._bulks) > BULKS:
            self._bulks.popitem(last=False)
        return False

    # What memberships tell.

    def first_in_room(self, room: str, /) -> None:
        """Hear a room's channel."""
        if room != BROADCAST_ROOM:  # heard always
            self._hear(room_channel(room))

    def last_in_room(self, room: str, /) -> None:
        """Hear a room's channel no more, after a while."""
        if room != BROADCAST_ROOM:
            self._leaving[room_channel(room)] = anyio.current_time() + LINGER

    async def expected(self, key: UserKey, /) -> None:
        """Hear a user's channel, and wait until what is published to them reaches this process.

        If no socket of theirs is listed, it is heard for a while only.
        """
        channel = user_channel(key)
        if channel not in self._leaving and channel not in self._users:
            self._hear(channel)
        if channel not in self._users:
            self._leaving[channel] = anyio.current_time() + LINGER
        await self._confirmed(channel)

    def first_of_user(self, key: UserKey, /) -> None:
        """Hear a user's channel."""
        channel = user_channel(key)
        self._users.add(channel)
        self._hear(channel)

    def last_of_user(self, key: UserKey, /) -> None:
        """Hear a user's channel no more, after a while."""
        channel = user_channel(key)
        self._users.discard(channel)
        self._leaving[channel] = anyio.current_time() + LINGER

    async def settled(self, rooms: Iterable[str], /) -> None:
        """Wait until what is published to rooms anywhere reaches their members here."""
        for room in rooms:
            await self._confirmed(room_channel(room))

    async def _confirmed(self, channel: str) -> None:
        pending = self._pending.get(channel)
        if pending is None:
            return
        with anyio.move_on_after(PATIENCE):
            await pending
        if self._pending.get(channel) is pending:
            del self._pending[channel]

    def sweep(self, now: float) -> None:
        """Hear no more the channels whose last member left a while ago."""
        gone = [channel for channel, at in self._leaving.items() if at <= now]
        for channel in gone:
            del self._leaving[channel]
            self._pending.pop(channel, None)
        if gone:
            self.node.unsubscribe(gone)

    def _hear(self, channel: str) -> None:
        if self._leaving.pop(channel, None) is None:
            self._pending[channel] = self.node.subscribe([channel])


def message_of(publication: Publication, bulk: int | None) -> list[Any]:
    """Return the message that takes a publication to other processes.

    Args:
        publication: The publication.
        bulk: A number of its own of a message for several rooms, of which a member gets one copy.

    Raises:
        EncodeError: No codec can encode the payload.
    """
    form, slot, text, binary = _forms(publication)
    return [
        PUBLICATION,
        _TARGETS.index(publication.target),
        _receivers(publication),
        bulk,
        publication.exclude,
        form,
        slot,
        text,
        binary,
    ]


def channels_of(publication: Publication) -> Sequence[str]:
    """Return the channels that a publication goes to."""
    if publication.target is PublicationTarget.EVERYBODY:
        return (EVERYBODY,)
    if publication.target is PublicationTarget.USER and publication.user is not None:
        return (user_channel(publication.user),)
    if publication.target is PublicationTarget.SOCKETS:
        return (NODES,)
    return [_of_room(room) for room in publication.rooms]


def _of_room(room: str) -> str:
    return EVERYBODY if room == BROADCAST_ROOM else room_channel(room)


def _command_channel(command: Command) -> str:
    """Return the channel that a command goes to."""
    if command.target is CommandTarget.USER:
        return user_channel(command.receiver)
    if command.target is CommandTarget.ROOM:
        return _of_room(str(command.receiver))
    return NODES


def _receivers(publication: Publication) -> list[Any]:
    """Return what names the receivers, beside the target."""
    if publication.target is PublicationTarget.USER and publication.user is not None:
        return [key_text(publication.user)]
    return list(publication.sockets or publication.rooms)


def _forms(
    publication: Publication,
) -> tuple[str | None, str | None, bytes | None, bytes | None]:
    """Return how a publication is to be written, its slot, and its encoded forms.

    What travels is mostly JSON alone, which each process makes MessagePack of for its members. The
    two differ where JSON says null, which may be NaN, and where bytes may be.
    """
    codec = publication.codec
    if publication.spec is None:
        frame = publication.frame("json")
        text, binary = (None, frame.payload) if frame.is_binary else (frame.payload, None)
        return RAW, None, text, binary
    if codec is not None:
        frame = publication.frame(codec)
        text, binary = (None, frame.payload) if frame.is_binary else (frame.payload, None)
    else:
        try:
            frame = publication.frame("json")
        except EncodeError:  # as bytes that are no text; members who want JSON get nothing
            frame = publication.frame("binary")
            return None, _slot(frame.slot), None, frame.payload
        text, binary = frame.payload, None
        if publication.spec.payload.may_hold_bytes or b"null" in text:
            binary = publication.frame("binary").payload
    return codec, _slot(frame.slot), text, binary


def _slot(slot: object) -> str | None:
    return None if slot is None else repr(slot)


def _read(body: list[Any]) -> Publication | None:
    """Return the publication of a message; None if it is none."""
    match body:
        case [kind, int(number), list(), int() | None, exclude, form, slot, text, binary] if (
            kind == PUBLICATION
            and 0 <= number < len(_TARGETS)
            and all(map(_is_text, (exclude, form, slot)))
            and all(map(_are_bytes, (text, binary)))
            and (text is not None or binary is not None)
            and (text is None or _is_utf8(text))
        ):
            return _made(_TARGETS[number], body)
        case _:
            return None


def _made(target: PublicationTarget, body: list[Any]) -> Publication | None:
    receivers, form, slot = cast("list[object]", body[2]), body[5], body[6]
    names = [each for each in receivers if isinstance(each, str)]
    if len(names) != len(receivers):
        return None
    if form not in (None, RAW, *CODECS):
        return None
    publication = Publication.arrived(target, body[7], body[8], slot=slot, is_raw=form == RAW)
    publication.exclude = body[4]
    publication.codec = None if form == RAW else form
    if target is PublicationTarget.USER:
        publication.user = key_of_text(names[0]) if len(names) == 1 else None
        if publication.user is None:
            return None
    elif target is PublicationTarget.SOCKETS:
        publication.sockets = names
    elif target is not PublicationTarget.EVERYBODY:
        if not names or (target is PublicationTarget.ROOM and len(names) > 1):
            return None
        publication.rooms = names
    return publication


def _is_utf8(text: bytes) -> bool:
    """Return True for what a text frame may hold."""
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _are_bytes(value: object) -> bool:
    return value is None or isinstance(value, bytes)
