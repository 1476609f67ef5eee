"""Delivery to the other processes: what is published here reaches members there, and back.

A publication goes to the channel of its room, of its user, or of everybody. A process hears a
room's channel while it has members of it, and a while longer, as members come and go.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, Protocol, cast

import anyio

from bytesocket_app.cluster import Node, Receiver
from bytesocket_app.cluster.channels import EVERYBODY, NODES, room_channel, user_channel
from bytesocket_app.delivery.presence_link import KINDS as PRESENCE
from bytesocket_app.delivery.presence_link import PresenceLink
from bytesocket_app.delivery.publication import Publication, PublicationTarget
from bytesocket_app.errors import EncodeError
from bytesocket_app.rooms import BROADCAST_ROOM
from bytesocket_app.types import Outcome, UserKey
from bytesocket_app.wire import CODECS

PUBLICATION: Final = 16
"""Kind of a message: `[kind, target, receivers, bulk, exclude, form, slot, JSON, MessagePack]`."""

RAW: Final = "raw"
"""Form of a message that goes to all members as it is; else a codec, or None for each one's own."""

LINGER: Final = 2.0
"""Seconds for which a channel is heard after its last member left."""

PATIENCE: Final = 1.0
"""Seconds to wait for a broker's confirmation before a join is answered without it."""

BULKS: Final = 1024
"""Messages for several rooms that are remembered, as they come once for each of their rooms."""

_TARGETS: Final = tuple(PublicationTarget)
_WORST_FIRST: Final[tuple[Outcome, ...]] = ("dropped", "queued")


class Local(Protocol):
    """Delivery in this process."""

    def deliver_here(self, publication: Publication, /) -> Outcome:
        """Deliver a publication to its receivers in this process."""
        ...


class Elsewhere:
    """Way to the members in other processes; the observer of first and last members.

    Args:
        make_node: Makes this process' node, given who is told of what other nodes publish.
        local: Delivery in this process.
        one_copy: True to give a member of several rooms of a bulk message one copy.

    Attributes:
        node: This process among the others.
        presence: The presence of rooms in other processes; None for none.
    """

    def __init__(
        self, make_node: Callable[[Receiver], Node], local: Local, *, one_copy: bool
    ) -> None:
        self.node = node = make_node(self)
        self.presence: PresenceLink | None = None
        self._local = local
        self._one_copy = one_copy
        self._bulk = 0
        self._bulks: OrderedDict[tuple[bytes, int], None] = OrderedDict()
        self._pending: dict[str, Awaitable[None]] = {}
        self._leaving: dict[str, float] = {}
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
        target, bulk = publication.target, None
        if target is PublicationTarget.ROOMS and self._one_copy:
            self._bulk = bulk = self._bulk + 1
        form, slot, text, binary = _forms(publication)
        body = [
            PUBLICATION,
            _TARGETS.index(target),
            _receivers(publication),
            bulk,
            publication.exclude,
            form,
            slot,
            text,
            binary,
        ]
        outcomes = [
            self.node.publish(channel, body, volatile=slot is not None)
            for channel in _channels(publication)
        ]
        for outcome in _WORST_FIRST:
            if outcome in outcomes:
                return outcome
        return "sent"

    def arrived(self, node: bytes, channel: str, body: list[Any]) -> bool:  # noqa: ARG002
        """Deliver what another process published; returns False if it cannot be understood."""
        if body[0] in PRESENCE and self.presence is not None:
            return self.presence.arrived(node, body)
        publication = _read(body)
        if publication is None:
            return False
        if not self._is_copy(node, body[3]):
            self._local.deliver_here(publication)
        return True

    def gone(self, node: bytes) -> None:
        """Take note that a node is gone; of what is here only presence keeps something of it."""
        if self.presence is not None:
            self.presence.gone(node)

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

    def first_of_user(self, key: UserKey, /) -> None:
        """Hear a user's channel."""
        self._hear(user_channel(key))

    def last_of_user(self, key: UserKey, /) -> None:
        """Hear a user's channel no more, after a while."""
        self._leaving[user_channel(key)] = anyio.current_time() + LINGER

    async def settled(self, rooms: Iterable[str], /) -> None:
        """Wait until what is published to rooms anywhere reaches their members here."""
        for room in rooms:
            channel = room_channel(room)
            pending = self._pending.get(channel)
            if pending is not None:
                with anyio.move_on_after(PATIENCE):
                    await pending
                self._pending.pop(channel, None)

    def sweep(self, now: float) -> None:
        """Hear no more the channels whose last member left a while ago."""
        if self.presence is not None:
            self.presence.sweep(now)
        gone = [channel for channel, at in self._leaving.items() if at <= now]
        for channel in gone:
            del self._leaving[channel]
            self._pending.pop(channel, None)
        if gone:
            self.node.unsubscribe(gone)

    def _hear(self, channel: str) -> None:
        if self._leaving.pop(channel, None) is None:
            self._pending[channel] = self.node.subscribe([channel])


def _channels(publication: Publication) -> Sequence[str]:
    """Return the channels that a publication goes to."""
    if publication.target is PublicationTarget.EVERYBODY:
        return (EVERYBODY,)
    if publication.target is PublicationTarget.USER and publication.user is not None:
        return (user_channel(publication.user),)
    if publication.target is PublicationTarget.SOCKETS:
        return (NODES,)
    return [room_channel(room) for room in publication.rooms]


def _receivers(publication: Publication) -> list[Any]:
    """Return what names the receivers, beside the target."""
    if publication.target is PublicationTarget.USER:
        return [publication.user]
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
        ):
            return _made(_TARGETS[number], body)
        case _:
            return None


def _made(target: PublicationTarget, body: list[Any]) -> Publication | None:
    receivers, form, slot = cast("list[object]", body[2]), body[5], body[6]
    is_for_user = target is PublicationTarget.USER
    names = [each for each in receivers if isinstance(each, str)]
    if not is_for_user and len(names) != len(receivers):
        return None
    if form not in (None, RAW, *CODECS):
        return None
    publication = Publication.arrived(target, body[7], body[8], slot=slot, is_raw=form == RAW)
    publication.exclude = body[4]
    publication.codec = None if form == RAW else form
    if is_for_user:
        if len(receivers) != 1 or not isinstance(receivers[0], str | int):
            return None
        publication.user = receivers[0]
    elif target is PublicationTarget.SOCKETS:
        publication.sockets = names
    elif target is not PublicationTarget.EVERYBODY:
        if not names:
            return None
        publication.rooms = names
    return publication


def _is_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _are_bytes(value: object) -> bool:
    return value is None or isinstance(value, bytes)
