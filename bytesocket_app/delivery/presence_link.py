"""Presence over processes: each that has members of a room knows the users of all of them.

A process numbers the changes of its own users and publishes them on a channel of the room. Where
the broker gives everybody the messages of a channel in one order, a process takes its own changes
from there too: so all see the same user enter and exit, and of the processes that did it one is
first. A change that does not follow the last one, and a process that is new, are asked for all that
there is; a digest finds what was missed unnoticed.
"""

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, Final, cast

import anyio
from anyio import Event, move_on_after
from pydantic import ValidationError

from bytesocket_app.cluster import NodeState
from bytesocket_app.cluster.channels import (
    NODES,
    key_of_text,
    key_text,
    node_channel,
    presence_channel,
)
from bytesocket_app.declarations.presence import RoomPresence
from bytesocket_app.delivery.elsewhere import Elsewhere
from bytesocket_app.delivery.presence import PresenceKeeper, PresentRoom
from bytesocket_app.delivery.presence_state import Entries, merged
from bytesocket_app.types import UserKey

logger = logging.getLogger("bytesocket")

CHANGED: Final = 32
"""Kind of a message: `[kind, room, since, version, key, entries or None]`."""

ASKED: Final = 33
"""Kind: `[kind, room]`, answered with `WHOLE`, also by who has nobody there."""

WHOLE: Final = 34
"""Kind: `[kind, room, version, [[key, entries], ...], True if first, True if last]`."""

DIGEST: Final = 35
"""Kind: `[kind, room, version]`."""

BURIED: Final = 36
"""Kind: `[kind, room, node]`, as that node is gone."""

KINDS: Final = frozenset({CHANGED, ASKED, WHOLE, DIGEST, BURIED})

PATIENCE: Final = 1.0
"""Seconds to wait for the others, and for one's own changes to come back."""

ASKING: Final = 0.5
"""Seconds to wait for the users of a room that has none here."""

KEPT: Final = 30.0
"""Seconds for which users of other processes stay while this one has lost the broker."""

DIGESTS: Final = 30.0
"""Seconds between two digests of a room."""

HELD: Final = 256
"""Changes of one process that wait for what came before them."""

CHUNK_BYTES: Final = 64 * 1024
"""Bytes of entries in one message."""


class _HeardNode:
    """Knowledge of one other process in one room.

    Attributes:
        version: The number of its last change; 0 for none.
        held: Its changes that do not follow that one.
        asked_at: When it was asked for the whole.
        parts: What came of an answer that has more parts; None while there is none.
    """

    __slots__ = ("asked_at", "held", "parts", "version")

    def __init__(self) -> None:
        self.version = 0
        self.held: list[list[Any]] = []
        self.asked_at = -PATIENCE
        self.parts: dict[UserKey, Entries] | None = None


class _Link:
    """Work under way for one room.

    Attributes:
        room: The room.
        version: The number of our last change; 0 for none.
        pending: Our changes that have not come back: number, key, entries, and when they went.
        waiting: Our changes that wait until the others were asked; None afterwards.
        heard: The other processes.
        expected: The processes whose answer is waited for.
        left: Users who left here lately, and when, where the broker gives no order: the last ones
            in two processes may cross, and none would be the last.
        digest_at: When the others are told our number.
    """

    __slots__ = (
        "confirmed",
        "digest_at",
        "expected",
        "heard",
        "left",
        "pending",
        "progress",
        "room",
        "version",
        "waiting",
    )

    def __init__(self, room: PresentRoom, confirmed: Awaitable[None], digest_at: float) -> None:
        self.room = room
        self.confirmed = confirmed
        self.version = 0
        self.pending: deque[tuple[int, UserKey, Entries | None, float]] = deque()
        self.waiting: list[tuple[UserKey, Entries | None]] | None = []
        self.heard: dict[bytes, _HeardNode] = {}
        self.expected: set[bytes] = set()
        self.left: dict[UserKey, float] = {}
        self.progress = Event()
        self.digest_at = digest_at

    def moved(self) -> None:
        """Wake those who wait for a change of this link."""
        self.progress.set()
        self.progress = Event()


class PresenceLink:
    """Way to the other processes that have members of rooms with presence.

    Args:
        elsewhere: Way to the other processes.
        presence: The rooms' presence in this process.
        is_ordered: True if all processes get the messages of a channel in one order.
        clock: Returns the time in seconds.
    """

    def __init__(
        self,
        elsewhere: Elsewhere,
        presence: PresenceKeeper,
        *,
        is_ordered: bool,
        clock: Callable[[], float] = anyio.current_time,
    ) -> None:
        self._elsewhere = elsewhere
        self._node = elsewhere.node
        self._presence = presence
        self._is_ordered = is_ordered
        self._clock = clock
        self._links: dict[str, _Link] = {}
        self._questions: dict[str, list[_PeopleQuestion]] = {}
        self._count = 0
        self._dead: dict[bytes, float] = {}
        self._new: deque[_Link] = deque()
        self._wake = Event()
        self._connections = 0
        self._is_cut_off = False

    def attach(self) -> None:
        """Take the rooms that have presence here already."""
        self._node.returned = self._returned
        self._elsewhere.takers.update(dict.fromkeys(KINDS, self.arrived))
        self._elsewhere.lost.append(self.gone)
        self._presence.rename(self._node.id)
        self._presence.remote = self
        for room in self._presence:
            self.first(room)

    def detach(self) -> None:
        """Let the rooms be those of this process alone."""
        self._presence.remote = None
        for link in self._links.values():
            self._apply_all(link)
            self._forget_others(link)
        self._links.clear()

    async def run(self) -> None:
        """Ask the others about rooms that are new here, until cancelled."""
        async with anyio.create_task_group() as tasks:
            while True:
                self._wake = Event()
                while self._new:
                    tasks.start_soon(self._begun, self._new.popleft())
                await self._wake.wait()

    # What presence asks for.

    def first(self, room: PresentRoom) -> None:
        """Hear of a room from now on, and ask who is there."""
        confirmed = self._node.subscribe([presence_channel(room.name)])
        link = _Link(room, confirmed, self._clock() + DIGESTS)
        self._links[room.name] = link
        self._new.append(link)
        self._wake.set()

    def last(self, room: PresentRoom) -> None:
        """Hear of a room no more."""
        if self._links.pop(room.name, None) is not None:
            self._node.unsubscribe([presence_channel(room.name)])

    def change(self, room: PresentRoom, key: UserKey, entries: Entries | None) -> None:
        """Set the entries that a user has here, in all processes."""
        link = self._links.get(room.name)
        if link is None:
            self._presence.apply(room, key, entries)
        elif link.waiting is not None:
            link.waiting.append((key, entries))
        else:
            self._publish(link, key, entries)

    def is_idle(self, room: PresentRoom) -> bool:
        """Return True if no change of this process is under way."""
        link = self._links.get(room.name)
        return link is None or not (link.pending or link.waiting or link.left)

    async def settled(self, room: PresentRoom) -> None:
        """Wait a short while until the changes of this process are in the state."""
        link = self._links.get(room.name)
        with move_on_after(2 * PATIENCE):
            while link is not None and (link.waiting is not None or link.pending):
                await link.progress.wait()
                link = self._links.get(room.name)

    async def ask(self, room: str, presence: RoomPresence) -> dict[UserKey, Entries]:
        """Ask the other processes for the users of a room that has none here."""
        question = _PeopleQuestion(presence, {peer.node for peer in self._node.peers})
        if not question.expected or self._node.state is NodeState.DOWN:
            return {}
        asked = self._questions.setdefault(room, [])
        asked.append(question)
        self._node.tell_all([ASKED, room])
        try:
            with move_on_after(ASKING):
                await question.answered.wait()
        finally:
            asked.remove(question)
            if not asked:
                self._questions.pop(room, None)
        return merged(question.found[node] for node in sorted(question.found))

    # What the node tells.

    def arrived(self, node: bytes, channel: str, body: list[Any]) -> bool:
        """Take a message of another process; returns False for one that is none."""
        kind, room = body[0], body[1] if len(body) > 1 else None
        if not isinstance(room, str) or channel not in self._channels(kind, room):
            return False
        self._dead.pop(node, None)
        match body[2:]:
            case [] if kind == ASKED:
                self._answer(node, room)
            case [int(version), list(), bool(), bool()] if kind == WHOLE:
                self._take_part(node, room, version, body)
            case _:
                return self._take_news(self._links.get(room), node, body)
        return True

    def _take_news(self, link: _Link | None, node: bytes, body: list[Any]) -> bool:
        """Take what only those need who have members of the room; returns False for no message."""
        kind = body[0]
        match body[2:]:
            case [int(since), int(version), str(text), list() | None] if kind == CHANGED:
                if key_of_text(text) is None:
                    return False
                if link is not None:
                    self._take_change(link, node, since, version, body)
            case [int(version)] if kind == DIGEST:
                if link is not None and version > self._of(link, node).version:
                    self._ask_one(link, node)
            case [bytes(dead)] if kind == BURIED:
                if link is not None and dead == self._node.id:
                    self._answer(None, link.room.name)  # we are back
                elif link is not None:
                    self._bury(link, dead, tells_hooks=False)
            case _:
                return False
        return True

    def _channels(self, kind: int, room: str) -> tuple[str, ...]:
        """Return the channels that carry a kind of message about a room."""
        own = node_channel(self._node.id)
        if kind == ASKED:
            return NODES, own
        everybody = presence_channel(room)
        return (everybody, own) if kind == WHOLE else (everybody,)

    def gone(self, node: bytes) -> None:
        """Take note that a node is gone: its users stay for a while, as they may come back."""
        self._dead[node] = self._clock() + self._presence.linger
        for link in self._links.values():
            link.expected.discard(node)
            link.moved()

    def sweep(self, now: float) -> None:
        """Do what is due: to be called twice a second or so."""
        if self._node.state is NodeState.DOWN:
            self._go_without(now)
        elif (
            self._node.state is NodeState.UP
            and self._node.counters.connections != self._connections
        ):
            self._connections = self._node.counters.connections
            self._come_back()
        self._apply_late(now)
        for node, at in tuple(self._dead.items()):
            if at <= now and self._node.state is not NodeState.DOWN:
                del self._dead[node]
                self._publish_burial(node)
        for link in self._links.values():
            if link.digest_at <= now:
                link.digest_at = now + DIGESTS
                if link.version and self._node.state is NodeState.UP:
                    self._send(link, [DIGEST, link.room.name, link.version])

    # Our own changes.

    def _publish(self, link: _Link, key: UserKey, entries: Entries | None) -> None:
        room = link.room
        since, self._count = link.version, self._count + 1
        link.version = self._count
        written = _written(room.presence, entries)
        body = [CHANGED, room.name, since, self._count, key_text(key), written]
        if self._send(link, body) and self._is_ordered:
            link.pending.append((self._count, key, entries, self._clock()))
        else:
            if entries is None and not self._is_ordered:
                link.left[key] = self._clock()
            self._presence.apply(room, key, entries)

    def _send(self, link: _Link, body: list[Any]) -> bool:
        """Publish to all who have members of a room; returns False if it cannot be now."""
        return self._node.publish(presence_channel(link.room.name), body, volatile=True) == "sent"

    def _returned(self, body: list[Any]) -> None:
        """Take an own message that came back, in the order of all."""
        match body:
            case [int(kind), str(room), int(), int(version), _, _] if kind == CHANGED:
                link = self._links.get(room)
                if link is not None:
                    self._apply_to(link, version)
            case [int(kind), str(room), bytes(dead)] if kind == BURIED and self._is_ordered:
                link = self._links.get(room)
                if link is not None and dead != self._node.id:  # we are here
                    self._bury(link, dead, tells_hooks=True)
            case _:
                pass  # it was for others

    def _apply_to(self, link: _Link, version: int) -> None:
        """Put our changes up to a number into the state."""
        while link.pending and link.pending[0][0] <= version:
            _, key, entries, _ = link.pending.popleft()
            self._presence.apply(link.room, key, entries)
        link.moved()
        self._presence.changed(link.room)

    def _apply_all(self, link: _Link) -> None:
        """Put all our changes into the state, whatever the others do."""
        waiting, link.waiting = link.waiting or (), None
        self._apply_to(link, self._count)
        for key, entries in waiting:
            self._publish(link, key, entries)
        link.moved()

    def _apply_late(self, now: float) -> None:
        """Put those of our changes into the state that should be back by now."""
        for link in tuple(self._links.values()):
            if link.left:
                link.left = {key: at for key, at in link.left.items() if now - at < PATIENCE}
                self._presence.changed(link.room)
            if link.pending and now - link.pending[0][3] > PATIENCE:
                self._apply_to(link, self._count)

    async def _begun(self, link: _Link) -> None:
        """Begin with a room; whatever fails, the others are kept."""
        try:
            await self._begin(link)
        except Exception:
            logger.exception("presence of room %s is not told to other processes", link.room.name)

    async def _begin(self, link: _Link) -> None:
        """Ask who is in a room that is new here, then tell of our own."""
        with move_on_after(PATIENCE):
            await link.confirmed
        if self._node.state is not NodeState.DOWN:
            link.expected = {peer.node for peer in self._node.peers} - self._dead.keys()
            self._node.tell_all([ASKED, link.room.name])
            with move_on_after(PATIENCE):
                while link.expected:
                    await link.progress.wait()
        if self._links.get(link.room.name) is link and link.waiting is not None:
            waiting, link.waiting = link.waiting, None
            for key, entries in waiting:
                self._publish(link, key, entries)
            link.moved()
            self._presence.changed(link.room)

    # The changes of others.

    def _of(self, link: _Link, node: bytes) -> _HeardNode:
        return link.heard.setdefault(node, _HeardNode())

    def _take_change(
        self, link: _Link, node: bytes, since: int, version: int, body: list[Any]
    ) -> None:
        heard = self._of(link, node)
        if version <= heard.version:
            return
        if since not in (0, heard.version):
            if len(heard.held) < HELD:
                heard.held.append(body)
            self._ask_one(link, node)
            return
        if since != heard.version:
            link.room.state.replace(node, {})  # it had left the room
        heard.version = version
        key, data = cast("UserKey", key_of_text(body[4])), body[5]
        entries = None if data is None else _read(link.room.presence, data)
        before = link.room.state.entries(key)
        step = link.room.state.apply(node, key, entries)
        if step == "exit" and link.left.pop(key, None) is not None:
            self._presence.hooks_after(link.room, key, before)
        self._presence.changed(link.room)

    def _ask_one(self, link: _Link, node: bytes) -> None:
        heard, now = self._of(link, node), self._clock()
        if now - heard.asked_at >= PATIENCE:
            heard.asked_at = now
            self._node.tell(node, [ASKED, link.room.name])

    def _take_part(self, node: bytes, room: str, version: int, body: list[Any]) -> None:
        """Take a part of what a process has in a room."""
        link = self._links.get(room)
        if link is not None:
            heard = self._of(link, node)
            heard.parts = self._joined(heard.parts, link.room.presence, body)
            if body[5]:
                users, heard.parts = heard.parts, None
                self._take_whole(link, node, version, users)
        for question in self._questions.get(room, ()):
            parts = self._joined(question.found.get(node), question.presence, body)
            question.found[node] = parts
            if body[5]:
                question.has_answered(node)

    def _joined(
        self, known: dict[UserKey, Entries] | None, presence: RoomPresence, body: list[Any]
    ) -> dict[UserKey, Entries]:
        found = {} if body[4] or known is None else known
        for pair in body[3]:
            match pair:
                case [str(text), list()] if (key := key_of_text(text)) is not None:
                    found[key] = _read(presence, cast("list[object]", pair[1]))
                case _:
                    pass
        return found

    def _take_whole(
        self, link: _Link, node: bytes, version: int, users: dict[UserKey, Entries]
    ) -> None:
        heard = self._of(link, node)
        link.expected.discard(node)
        if version >= heard.version:
            heard.version = version
            link.room.state.replace(node, users)
            held, heard.held = heard.held, []
            for body in held:
                self._take_change(link, node, body[2], body[3], body)
            self._presence.changed(link.room)
        link.moved()

    def _answer(self, node: bytes | None, room: str) -> None:
        """Tell a process, or all that have members of a room, who is there."""
        link = self._links.get(room)
        version, users = self._count, dict[UserKey, Entries]()
        if link is not None:
            if link.version:
                version = link.version
            users = dict(link.room.state.part(self._node.id))
            for _, key, entries, _ in link.pending:
                if entries is None:
                    users.pop(key, None)
                else:
                    users[key] = entries
        parts = [] if link is None else list(_parts(link.room.presence, users))
        parts = parts or [[]]
        for index, part in enumerate(parts):
            body = [WHOLE, room, version, part, index == 0, index == len(parts) - 1]
            if node is not None:
                self._node.tell(node, body)
            elif link is not None:
                self._send(link, body)

    # Losses.

    def _go_without(self, now: float) -> None:
        """Go on alone: what we change is so at once, and others stay for a while."""
        for link in tuple(self._links.values()):
            if link.pending or link.waiting:
                self._apply_all(link)
        since = self._node.down_since
        if since is not None and now - since > KEPT and not self._is_cut_off:
            self._is_cut_off = True
            for link in tuple(self._links.values()):
                self._forget_others(link)

    def _come_back(self) -> None:
        """Tell the others what we have, and ask what they have."""
        self._is_cut_off = False
        for link in tuple(self._links.values()):
            self._node.tell_all([ASKED, link.room.name])
            self._answer(None, link.room.name)

    def _forget_others(self, link: _Link) -> None:
        for node in link.room.state.nodes:
            if node != self._node.id:
                link.room.state.replace(node, {})
        link.heard.clear()
        self._presence.changed(link.room)

    def _publish_burial(self, dead: bytes) -> None:
        for link in tuple(self._links.values()):
            nodes = link.room.state.nodes
            if dead not in nodes:
                link.heard.pop(dead, None)
                continue
            is_sent = self._send(link, [BURIED, link.room.name, dead])
            if not is_sent or not self._is_ordered:
                is_first = self._node.id <= min({self._node.id, *nodes} - {dead})
                self._bury(link, dead, tells_hooks=is_first)

    def _bury(self, link: _Link, dead: bytes, *, tells_hooks: bool) -> None:
        """Take the users of a process that is gone out of a room."""
        room = link.room
        for key in room.state.part(dead):
            before = room.state.entries(key)
            if room.state.apply(dead, key, None) == "exit" and tells_hooks:
                self._presence.hooks_after(room, key, before)
        link.heard.pop(dead, None)
        self._presence.changed(room)


class _PeopleQuestion:
    """Question for the users of a room that has none here.

    Attributes:
        expected: The processes that have not answered.
        found: What each answered.
        answered: Set when all have.
    """

    def __init__(self, presence: RoomPresence, expected: set[bytes]) -> None:
        self.presence = presence
        self.expected = expected
        self.found: dict[bytes, dict[UserKey, Entries]] = {}
        self.answered = Event()

    def has_answered(self, node: bytes) -> None:
        """Take note of the last part of an answer."""
        self.expected.discard(node)
        if not self.expected:
            self.answered.set()


def _written(presence: RoomPresence, entries: Entries | None) -> list[bytes] | None:
    entry = presence.entry
    if entries is None or entry is None:
        return None if entries is None else []
    dump = partial(entry.adapter.dump_json, by_alias=True, round_trip=True)
    return [dump(value) for value in entries]


def _read(presence: RoomPresence, data: Iterable[object]) -> Entries:
    """Return the entries that another process wrote; one of another version may have others."""
    entry, found = presence.entry, list[Any]()
    for each in data if entry is not None else ():
        try:
            if entry is not None and isinstance(each, bytes):
                found.append(entry.adapter.validate_json(each))
        except ValidationError:
            logger.debug("an entry of another process does not fit room %s", presence.title)
    return found


def _parts(
    presence: RoomPresence, users: dict[UserKey, Entries]
) -> Iterable[list[tuple[str, list[bytes]]]]:
    part, size = list[tuple[str, list[bytes]]](), 0
    for key, entries in users.items():
        written = _written(presence, entries) or []
        size += len(str(key)) + sum(map(len, written))
        part.append((key_text(key), written))
        if size >= CHUNK_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part
