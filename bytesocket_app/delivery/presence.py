"""Presence: who is in the rooms that declare it, told to members who asked, and to hooks.

Each socket in such a room has an entry, and each user the entries of their sockets. What concerns
the sockets of this process is decided here; who is where in all of them is the room's state, which
a link to the other processes keeps equal everywhere (`delivery.presence_link`).
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import Any, Final, Protocol

import anyio
from anyio import Event, move_on_after
from anyio.abc import TaskGroup
from pydantic import BaseModel

from bytesocket_app.declarations.presence import PresenceHook, RoomPresence
from bytesocket_app.declarations.rooms import DeclaredRooms, Room
from bytesocket_app.delivery.memberships import Memberships
from bytesocket_app.delivery.presence_state import HERE, Entries, Move, PresenceState
from bytesocket_app.delivery.turns import Call
from bytesocket_app.errors import Phase, Refusal, near
from bytesocket_app.event_loop import ends_everything
from bytesocket_app.lifecycle import Failures
from bytesocket_app.logs import text_of
from bytesocket_app.socket import SendingSide, Socket
from bytesocket_app.types import CodecName, UserKey
from bytesocket_app.wire import CODECS
from bytesocket_app.wire.frame import Frame
from bytesocket_app.wire.shapes import presence as presence_message

logger = logging.getLogger("bytesocket")

PAUSE: Final = 0.1
"""Seconds between two changes of one entry, and between two diffs to a room's members."""

COUNT_PAUSE: Final = 1.0
"""Seconds between two counts to a room's members."""

SAFE: Final = 2**53 - 1
"""Largest integer that JavaScript has exactly."""

CHUNK: Final = 256
"""Users in one message to a member."""

_HOOKS: Final[Mapping[Move, PresenceHook]] = {
    "enter": PresenceHook.ENTERED,
    "change": PresenceHook.UPDATED,
    "exit": PresenceHook.EXITED,
}


class PresenceRemote(Protocol):
    """The way to the other processes that have members of rooms with presence."""

    def first(self, room: "PresentRoom", /) -> None:
        """Take note that a room has presence here from now on."""
        ...

    def last(self, room: "PresentRoom", /) -> None:
        """Take note that a room has none here any more."""
        ...

    def change(self, room: "PresentRoom", key: UserKey, entries: Entries | None, /) -> None:
        """Set the entries that a user has here, in all processes in one order."""
        ...

    def is_idle(self, room: "PresentRoom", /) -> bool:
        """Return True if no change of this process is under way."""
        ...

    async def settled(self, room: "PresentRoom", /) -> None:
        """Wait a short while until the changes of this process are in the state."""
        ...

    async def ask(self, room: str, presence: RoomPresence, /) -> dict[UserKey, Entries]:
        """Ask the other processes for the users of a room that has none here."""
        ...


class _Mine:
    """Entry of one socket.

    Attributes:
        value: The entry; None where a room only counts.
        next_at: When it may change again.
        waiting: What it will be then; None for no change.
    """

    __slots__ = ("next_at", "value", "waiting")

    def __init__(self, value: BaseModel | None) -> None:
        self.value = value
        self.next_at = -inf
        self.waiting: BaseModel | None = None


class _User:
    """One user's sockets here.

    Attributes:
        sockets: The entries, by the sockets' ids.
        last: The entry of the socket that left last, while none is left.
        leaving_at: When the user will have left; None while there is a socket.
    """

    __slots__ = ("last", "leaving_at", "sockets")

    def __init__(self) -> None:
        self.sockets: dict[str, _Mine] = {}
        self.last: Entries = []
        self.leaving_at: float | None = None

    @property
    def entries(self) -> Entries:
        """The entries for others to see."""
        if self.leaving_at is not None:
            return self.last
        return [mine.value for mine in self.sockets.values() if mine.value is not None]


class PresentRoom:
    """One room with presence that has, or had lately, members here.

    Attributes:
        name: Its name.
        presence: Its declaration.
        parameters: The values of its pattern's parameters.
        state: Its users, in all processes.
        here: Its users in this process.
        watchers: The members who asked to be told.
        calls: Calls of hooks that have not begun.
        is_calling: True while one runs.
        told_at: When the members were told last.
        is_due: True if a time to tell them is set.
    """

    __slots__ = (
        "calls",
        "here",
        "is_calling",
        "is_due",
        "name",
        "parameters",
        "presence",
        "state",
        "told_at",
        "watchers",
    )

    def __init__(self, name: str, presence: RoomPresence, parameters: tuple[Any, ...]) -> None:
        self.name = name
        self.presence = presence
        self.parameters = parameters
        self.state = PresenceState()
        self.here: dict[UserKey, _User] = {}
        self.watchers: dict[Socket[Any], SendingSide] = {}
        self.calls: deque[Call] = deque()
        self.is_calling = self.is_due = False
        self.told_at = -inf


class PresenceKeeper:
    """Presence of an application's rooms in this process.

    Args:
        rooms: The declared rooms.
        memberships: The sockets and their rooms; they tell of joins and leaves once a room has
            presence.
        failures: The boundary for exceptions of the application's functions.
        app: The application, for functions that ask for it.
        clock: Returns the time in seconds.
        linger: Seconds for which a user stays after their last socket left.
        timeout: Seconds that one function may take; 0 for no limit.

    Attributes:
        remote: The way to the other processes; None if there are none.
        node: The name of this process among them.
        linger: As given.
        is_declared: True if a room has presence.
    """

    def __init__(
        self,
        rooms: DeclaredRooms,
        memberships: Memberships,
        failures: Failures,
        app: Any,
        clock: Callable[[], float],
        *,
        linger: float,
        timeout: float,
    ) -> None:
        self.remote: PresenceRemote | None = None
        self.node = HERE
        self.is_declared = False
        self._declared = rooms
        self._memberships = memberships
        self._failures = failures
        self._app = app
        self._clock = clock
        self.linger = linger
        self._timeout = timeout
        self._rooms: dict[str, PresentRoom] = {}
        self._ready: deque[PresentRoom] = deque()
        self._later: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = count()
        self._wake: Event | None = None

    def __iter__(self) -> Iterator[PresentRoom]:
        """Iterate over a copy of the rooms that have presence here."""
        return iter(tuple(self._rooms.values()))

    def find(self, name: str) -> PresentRoom | None:
        """Return a room that has presence here; None for others."""
        return self._rooms.get(name)

    def metrics(self) -> dict[str, int | float]:
        """Return the numbers of rooms and users by name; nothing where no room has presence.

        The users are those with sockets in this process, or who left lately, once for each room.
        """
        if not self.is_declared:
            return {}
        users = sum(len(room.here) for room in self._rooms.values())
        return {"presence_rooms": len(self._rooms), "presence_users": users}

    # What declarations ask for.

    def declared(self) -> None:
        """Hear of joins and leaves from now on."""
        self.is_declared = True
        self._memberships.presence = self

    async def of(self, room: str, presence: RoomPresence) -> dict[UserKey, Entries]:
        """Return the users of a room in all processes, with their entries."""
        self.sweep(self._clock())  # nobody else does while there is no lifespan and no connection
        found = self._rooms.get(room)
        if found is None:
            return {} if self.remote is None else await self.remote.ask(room, presence)
        if self.remote is not None:
            await self.remote.settled(found)
        return found.state.users()

    def rooms_of(self, socket: Socket[Any], presence: RoomPresence) -> list[str]:
        """Return the rooms of a declaration that a socket is in."""
        rooms = (self._rooms.get(name) for name in self._memberships.rooms_of(socket))
        return [one.name for one in rooms if one is not None and one.presence is presence]

    def update(
        self, socket: Socket[Any], room: str, presence: RoomPresence, changes: Mapping[str, Any]
    ) -> None:
        """Change the entry of a socket, if it has one; raises TypeError and ValidationError."""
        model = _model(presence)
        for name in changes:
            if model is None or name not in model.model_fields:
                fields = {} if model is None else model.model_fields
                raise TypeError(
                    f"An entry of room {presence.title} has no field {name!r}.{near(name, fields)}"
                )
        found = self._mine(room, socket)
        if found is None:
            return
        present, mine, value = found
        given = {_written_name(type(value), name): one for name, one in changes.items()}
        same = {_written_name(type(value), name): one for name, one in value if name not in changes}
        self._change(present, socket, mine, type(value).model_validate({**same, **given}))

    # What clients ask for.

    def watch(self, socket: Socket[Any], side: SendingSide, rooms: Iterable[str]) -> None:
        """Tell a member who is in rooms, and from now on who comes, changes and goes.

        Rooms without presence, or that the socket is not in, are passed over.
        """
        for name in rooms:
            if not self._memberships.index.has(socket, name):
                continue
            room = self._room(name)
            if room is None:
                continue
            self._tell(room)  # what the others are still to be told is in the whole already
            room.watchers[socket] = side
            codec = side.codec
            for data in self._whole(room, codec):
                if side.can_send:
                    side.write_unawaited(_frame(codec, room.name, data))

    def change_by_client(
        self, socket: Socket[Any], room: str, changes: object, codec: CodecName
    ) -> None:
        """Change a client's own entry.

        Raises:
            Refusal: The client is not in the room, it has no entry there, or may not change that.
            ValidationError: A value does not fit its field.
        """
        found = self._mine(room, socket)
        if found is None:
            raise Refusal("There is no entry to change in that room.", code="not_a_member")
        present, mine, value = found
        entry = present.presence.entry
        allowed = set(present.presence.wire_names)
        if not isinstance(changes, dict) or entry is None:
            raise Refusal("A change is an object.", code="invalid")
        given: dict[str, Any] = changes  # pyright: ignore[reportUnknownVariableType]
        if not allowed.issuperset(given):
            raise Refusal("A client may not change that.", code="forbidden")
        same = present.presence.written(value, codec)
        self._change(present, socket, mine, entry.validate({**same, **given}, codec))

    # What memberships tell.

    def joined(self, socket: Socket[Any], room: str) -> Iterable[Call]:
        """Return the call that makes the entry of a socket that joined."""
        key = socket.user_key
        found = None if key is None else self._found(room)
        if key is None or found is None:
            return ()
        declared, parameters = found
        return (partial(self._enter, declared.presence, room, parameters, socket, key),)

    def left(self, socket: Socket[Any], rooms: Iterable[str]) -> None:
        """Take the entries of a socket that left rooms."""
        key = socket.user_key
        for name in rooms:
            room = self._rooms.get(name)
            if room is None:
                continue
            room.watchers.pop(socket, None)
            user = None if key is None else room.here.get(key)
            if key is not None and user is not None and socket.id in user.sockets:
                self._leave(room, key, user, socket.id)
            self._forget(room)

    # The work of time.

    async def run(self) -> None:
        """Do what is due, and call hooks, those of one room in turn; until cancelled."""
        try:
            async with anyio.create_task_group() as tasks:
                while True:
                    wake = self._wake = Event()
                    self.sweep(self._clock())
                    self._start_hooks(tasks)
                    wait = max(self._later[0][0] - self._clock(), 0.001) if self._later else None
                    with move_on_after(wait):
                        await wake.wait()
        finally:
            self._wake = None

    def sweep(self, now: float) -> None:
        """Do what is due."""
        while self._later and self._later[0][0] <= now:
            due = heappop(self._later)[2]
            try:
                due()
            except Exception:  # what is kept for the other rooms outlives it
                logger.exception("presence could not be told")

    def end(self) -> None:
        """Forget the users who have left and linger, and calls of hooks, as the application ends.

        The next life of the application, of another test say, does not begin with them. While
        there is a link nothing happens: the other processes tell of these exits when it ends.
        """
        for room in () if self.remote is not None else self:
            room.calls.clear()
            left = [key for key, user in room.here.items() if user.leaving_at is not None]
            for key in left:
                del room.here[key]
                room.state.apply(self.node, key, None)
            self._forget(room)

    # What the link tells.

    def changed(self, room: PresentRoom, own: tuple[UserKey, Move, Entries] | None = None) -> None:
        """Tell hooks of a change of this process that is in the state now, and members of all."""
        if own is not None:
            key, step, entries = own
            self._tell_hooks(room, key, step, entries)
        if room.state.has_news and not room.is_due:
            at = room.told_at + (COUNT_PAUSE if room.presence.counts_only else PAUSE)
            if not room.told_at < self._clock() < at:
                self._tell(room)
            else:
                room.is_due = True
                self._at(at, partial(self._tell, room))
        self._forget(room)

    def apply(self, room: PresentRoom, key: UserKey, entries: Entries | None) -> None:
        """Put a change of this process into the state."""
        before = room.state.entries(key)
        step = room.state.apply(self.node, key, entries)
        if step is None:
            self._forget(room)
        else:
            seen = before if step == "exit" else room.state.entries(key)
            self.changed(room, (key, step, seen))

    def hooks_after(self, room: PresentRoom, key: UserKey, entries: Entries) -> None:
        """Tell hooks that a user left with a process that is gone."""
        self._tell_hooks(room, key, "exit", entries)

    def rename(self, node: bytes) -> None:
        """Take the name that this process has among others from now on."""
        if node == self.node:
            return
        for room in self._rooms.values():
            room.state.replace(self.node, {})
            room.state.replace(node, {key: user.entries for key, user in room.here.items()})
        self.node = node

    def _found(self, name: str) -> tuple[Room, tuple[Any, ...]] | None:
        """Return a declared room with presence, and the values of its parameters."""
        found = self._declared.find(name)
        if found is None or not found[0].presence.is_declared:
            return None
        try:
            return found[0], found[0].parse(found[1])
        except Refusal as refusal:
            pattern, text = found[0].pattern.text, text_of(refusal)
            logger.error("presence of room %r is not kept%s", pattern, text)  # noqa: TRY400
            return None

    def _room(self, name: str) -> PresentRoom | None:
        """Return a room with presence, which begins here with the first call."""
        room = self._rooms.get(name)
        if room is None:
            found = self._found(name)
            if found is None:
                return None
            room = self._rooms[name] = PresentRoom(name, found[0].presence, found[1])
            if self.remote is not None:
                self.remote.first(room)
        return room

    def _forget(self, room: PresentRoom) -> None:
        """Forget a room that has nobody here."""
        if room.here or room.watchers or self._rooms.get(room.name) is not room:
            return
        if self.remote is not None:
            if not self.remote.is_idle(room):
                return
            self.remote.last(room)
        del self._rooms[room.name]

    async def _enter(
        self,
        presence: RoomPresence,
        name: str,
        parameters: tuple[Any, ...],
        socket: Socket[Any],
        key: UserKey,
    ) -> None:
        value: BaseModel | None = None
        if not presence.counts_only:
            value = await self._made(presence, name, parameters, socket)
            if value is None:
                return
        if not self._memberships.index.has(socket, name):
            return  # it left meanwhile
        room = self._room(name)
        if room is None:
            return
        user = room.here.setdefault(key, _User())
        user.leaving_at = None
        user.sockets[socket.id] = _Mine(value)
        self._publish(room, key)
        if self.remote is not None:
            await self.remote.settled(room)

    async def _made(
        self,
        presence: RoomPresence,
        name: str,
        parameters: tuple[Any, ...],
        socket: Socket[Any],
    ) -> BaseModel | None:
        """Call the function that makes a socket's entry; returns None if there is none."""
        function, entry = presence.function, presence.entry
        if function is None or entry is None:
            return None
        what = f"presence {function.source} of room {presence.title}"
        try:
            with move_on_after(self._timeout or None) as scope:
                value = await function.invoke(socket, None, name, self._app, *parameters)
                if value is None:
                    return None
                if not isinstance(value, entry.annotation):
                    raise TypeError(f"{what} returned {type(value).__name__}")  # noqa: TRY301
                for codec in CODECS:
                    entry.dump(value, codec)
                made: BaseModel = value
                return made
        except BaseException as exc:  # noqa: BLE001 - ends in the boundary
            await self._failures.end(exc, Phase.JOIN_ROOM, what, socket=socket)
            return None
        if scope.cancelled_caught:
            late = TimeoutError(f"{what} took longer than {self._timeout:g} s")
            await self._failures.late(Phase.JOIN_ROOM, what, late, socket=socket)
        return None

    def _leave(self, room: PresentRoom, key: UserKey, user: _User, socket: str) -> None:
        mine = user.sockets.pop(socket)
        if user.sockets:
            self._publish(room, key)
            return
        user.last = [] if mine.value is None else [mine.value]
        user.leaving_at = at = self._clock() + self.linger
        if self.linger:
            self._at(at, partial(self._gone, room, key))
        else:
            self._gone(room, key)

    def _gone(self, room: PresentRoom, key: UserKey) -> None:
        """Let a user exit, unless they are back."""
        user = room.here.get(key)
        if user is None or user.leaving_at is None or user.leaving_at > self._clock():
            return
        del room.here[key]
        self._publish(room, key)
        self._forget(room)

    def _publish(self, room: PresentRoom, key: UserKey) -> None:
        user = room.here.get(key)
        entries = None if user is None else user.entries
        if self.remote is None:
            self.apply(room, key, entries)
        else:
            self.remote.change(room, key, entries)

    def _mine(self, room: str, socket: Socket[Any]) -> tuple[PresentRoom, _Mine, BaseModel] | None:
        """Return the entry of a socket, or what it will be; None if there is none."""
        present, key = self._rooms.get(room), socket.user_key
        user = None if present is None or key is None else present.here.get(key)
        mine = None if user is None else user.sockets.get(socket.id)
        if present is None or mine is None or mine.value is None:
            return None
        return present, mine, mine.waiting or mine.value

    def _change(
        self, room: PresentRoom, socket: Socket[Any], mine: _Mine, value: BaseModel
    ) -> None:
        """Change an entry now, or when it may change again."""
        entry = room.presence.entry
        if entry is not None:
            for codec in CODECS:
                entry.dump(value, codec)
        is_waiting, mine.waiting = mine.waiting is not None, value
        if mine.next_at <= self._clock():
            self._changes(room, socket, mine)
        elif not is_waiting:
            self._at(mine.next_at, partial(self._changes, room, socket, mine))

    def _changes(self, room: PresentRoom, socket: Socket[Any], mine: _Mine) -> None:
        key = socket.user_key
        user = None if key is None else room.here.get(key)
        if key is None or user is None or user.sockets.get(socket.id) is not mine:
            return  # it left meanwhile
        if mine.waiting is not None:
            mine.value, mine.waiting = mine.waiting, None
            mine.next_at = self._clock() + PAUSE
            self._publish(room, key)

    def _at(self, at: float, call: Callable[[], object]) -> None:
        heappush(self._later, (at, next(self._numbers), call))
        self._alarm()

    def _alarm(self) -> None:
        if self._wake is not None:
            self._wake.set()

    # To members.

    def _tell(self, room: PresentRoom) -> None:
        """Tell the members who asked what changed since they were told last."""
        room.is_due = False
        if not room.state.has_news:
            return
        room.told_at = self._clock()
        steps = room.state.told()
        frames: dict[CodecName, list[Frame]] = {}
        for side in tuple(room.watchers.values()):
            if not side.can_send:
                continue
            codec = side.codec
            if codec not in frames:
                news = self._news(room, steps, codec)
                frames[codec] = [_frame(codec, room.name, data) for data in news]
            for frame in frames[codec]:
                side.write_unawaited(frame)

    def _news(
        self, room: PresentRoom, steps: Mapping[Move, list[UserKey]], codec: CodecName
    ) -> Iterator[dict[str, Any]]:
        if room.presence.counts_only:
            if "enter" in steps or "exit" in steps:
                yield {"count": len(room.state)}
            return
        for step, keys in steps.items():
            for some in _chunks(keys):
                gone = step == "exit"
                yield {step: [*map(_wire_key, some)] if gone else self._written(room, some, codec)}

    def _whole(self, room: PresentRoom, codec: CodecName) -> Iterator[dict[str, Any]]:
        """Yield what a member is told first: all users, or as many as fit, and then the others."""
        if room.presence.counts_only:
            yield {"count": len(room.state)}
            return
        keys = list(room.state.users())
        yield {"users": self._written(room, keys[:CHUNK], codec)}
        for some in _chunks(keys[CHUNK:]):
            yield {"enter": self._written(room, some, codec)}

    def _written(
        self, room: PresentRoom, keys: Iterable[UserKey], codec: CodecName
    ) -> list[list[Any]]:
        write = room.presence.written
        entries = room.state.entries
        return [[_wire_key(key), [write(one, codec) for one in entries(key)]] for key in keys]

    # To hooks.

    def _tell_hooks(self, room: PresentRoom, key: UserKey, step: Move, entries: Entries) -> None:
        hooks = room.presence.hooks(_HOOKS[step])
        room.calls.extend(partial(self._call, room, step, one, key, entries) for one in hooks)
        if hooks:
            self._ready.append(room)
            self._alarm()

    def _start_hooks(self, tasks: TaskGroup) -> None:
        while self._ready:
            room = self._ready.popleft()
            if not room.is_calling:
                room.is_calling = True
                tasks.start_soon(self._call_hooks, room)

    async def _call_hooks(self, room: PresentRoom) -> None:
        try:
            while room.calls:
                await room.calls.popleft()()
        finally:
            room.is_calling = False
            if room.calls:
                self._ready.append(room)

    async def _call(
        self, room: PresentRoom, step: Move, bound: Any, key: UserKey, entries: Entries
    ) -> None:
        what = f"hook {bound.source} of the presence of room {room.presence.title}"
        phase = Phase.LEAVE_ROOM if step == "exit" else Phase.JOIN_ROOM
        try:
            with move_on_after(self._timeout or None) as scope:
                await bound.invoke(key, entries, room.name, self._app, *room.parameters)
        except BaseException as exc:  # noqa: BLE001 - ends in the boundary
            if ends_everything(exc):
                logger.warning("%s was cut off", what)
            await self._failures.end(exc, phase, what)
        else:
            if scope.cancelled_caught:
                error = TimeoutError(f"{what} took longer than {self._timeout:g} s")
                await self._failures.late(phase, what, error, socket=None)


def _wire_key(key: UserKey) -> UserKey:
    """Return a key as clients are told it: a number that JavaScript would round, as a text."""
    return key if isinstance(key, str) or abs(key) <= SAFE else str(key)


def _model(presence: RoomPresence) -> type[BaseModel] | None:
    return None if presence.entry is None else presence.entry.annotation


def _written_name(model: type[BaseModel], name: str) -> str:
    """Return the name by which a model takes a field."""
    field = model.model_fields.get(name)  # none of a value that the model takes beside its fields
    alias = None if field is None else field.validation_alias
    return alias if isinstance(alias, str) else name


def _frame(codec: CodecName, room: str, data: dict[str, Any]) -> Frame:
    payload = CODECS[codec].encode(presence_message(room, data))
    return Frame(payload, is_binary=codec == "binary")


def _chunks(keys: list[UserKey]) -> Iterator[list[UserKey]]:
    return (keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK))
