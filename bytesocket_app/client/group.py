"""Several rooms at once: joined by one message, and sent to by one message."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, Self, TypeVar, overload

from typing_extensions import override

from bytesocket_app.client.listeners import Listener, Listening, event_class
from bytesocket_app.client.outgoing import Outcome, Outgoing
from bytesocket_app.client.room import ClientRoom
from bytesocket_app.client.signal import Ready
from bytesocket_app.client.streams import EventStream
from bytesocket_app.errors import ConfigurationError, Disconnected
from bytesocket_app.events import ServerEvent

RoomType = TypeVar("RoomType", bound=ClientRoom)
Named_co = TypeVar("Named_co", bound=ClientRoom, covariant=True)
R_co = TypeVar("R_co", covariant=True)
One = TypeVar("One")
Two = TypeVar("Two")
Three = TypeVar("Three")
Four = TypeVar("Four")
Into_contra = TypeVar("Into_contra", contravariant=True)
S = TypeVar("S", bound=ServerEvent)
T = TypeVar("T")
E = TypeVar("E")


class Into(Generic[Into_contra]):
    """Mark of events by the rooms that a client may send them into: `Into["DocRoom | LobbyRoom"]`.

    A group of rooms takes the events that may go into each of them.
    """


@dataclass(frozen=True, slots=True)
class RoomName(Generic[Named_co]):
    """Name of a room that is not joined yet: `DocRoom.of(doc_id=7)`.

    Attributes:
        kind: Class of the room's handles.
        pattern: Pattern of the name, `doc:{doc_id}`.
        parameters: Values of the pattern's parameters.
        name: The name, `doc:7`.

    Raises:
        ConfigurationError: The parameters are not those of the pattern.
        TypeError: A value is not of its parameter's type.
        ValueError: A value is a text, and not the one that the server takes.
    """

    kind: type[Named_co]
    pattern: str
    parameters: Mapping[str, object] = field(default_factory=dict[str, object])
    name: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.kind.named(self.pattern, self.parameters))


class RoomGroup(Generic[R_co]):
    """Handles of several rooms: `RoomGroup(lobby, doc)`, or what `join_all` returns.

    `join_all` joins its rooms by one message: all of them, or none, and again after a reconnection.
    A room that another handle is in, or asks for, is left out of that message: no refusal of the
    others takes the client out of it. The handles are those of `join`: `lobby, doc = group`. One
    that leaves, or that the server ends, is out of the group; the others stay.

    An event that the server sends to several of the rooms at once is heard once here.

    Args:
        rooms: The handles, all of one client.

    Raises:
        ConfigurationError: The handles are of several clients.
    """

    # Checkers take several rooms of different classes for their common base.
    @overload
    def __init__(self: "RoomGroup[One | Two]", one: One, two: Two, /) -> None: ...
    @overload
    def __init__(
        self: "RoomGroup[One | Two | Three]", one: One, two: Two, three: Three, /
    ) -> None: ...
    @overload
    def __init__(
        self: "RoomGroup[One | Two | Three | Four]", one: One, two: Two, three: Three, four: Four, /
    ) -> None: ...
    @overload
    def __init__(self, *rooms: R_co) -> None: ...
    def __init__(self, *rooms: Any) -> None:
        self._handles: tuple[Any, ...] = rooms
        sides: set[Outgoing] = {room._outgoing for room in self._handles}  # noqa: SLF001
        self._outgoing = next(iter(sides), None)
        if len(sides) > 1:
            raise ConfigurationError(
                "a group's rooms are of one client: one connection sends its messages"
            )

    def __iter__(self) -> Iterator[R_co]:
        """Iterate over the handles, in the order in which they were named."""
        return iter(self._handles)

    def __len__(self) -> int:
        return len(self._handles)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the rooms whose handles have not ended, each once."""
        return tuple(dict.fromkeys(room.name for room in self._live()))

    def _live(self) -> list[Any]:
        return [room for room in self._handles if not room.has_left]

    @property
    def is_joined(self) -> bool:
        """True if the server has let this client into all of the rooms."""
        return all(room.is_joined for room in self._handles)

    @property
    def ready(self) -> Awaitable[None]:
        """Awaitable that waits until all of the rooms are joined.

        Raises:
            RequestError: The server refused; the join is tried again after a reconnection.
            Disconnected: A handle has left its room, or the client will not connect again.
            RuntimeError: The client does not run yet.
        """
        return Ready(self._wait)

    async def _wait(self) -> None:
        while not self.is_joined:  # a connection that is lost meanwhile takes out of all rooms
            for room in self._handles:
                await room.ready

    async def emit(self, event: Into[R_co], /) -> Outcome:
        """Send one message for all of the rooms, or queue it; see `emit` of a room.

        The server asks each room on its own, and tells `on_error` of the first that refuses. A
        member of several of them gets it once.

        Returns:
            "dropped" if all handles have ended, too.

        Raises:
            ConfigurationError: Only the server sends the event.
            EncodeError: The payload holds a value that cannot be sent.
            RuntimeError: The client does not run yet.
            TypeError: The argument is no event.
        """
        return await self._emit(event)

    async def request(self, event: Into[R_co], /, *, timeout: float | None = None) -> None:
        """Send one message for all of the rooms, and wait until the server has handled it.

        There is one answer for all of them, which holds no reply.

        Raises:
            RequestError: A room refused: the first refusal. The others may have taken the event.
            RequestTimeout: No answer came in time.
            Disconnected: The connection ended before the answer, or all handles have left.
            EncodeError: The payload holds a value that cannot be sent.
        """
        await self._request(event, timeout)

    async def _emit(self, event: Any) -> Outcome:
        names = self.names
        if self._outgoing is None or not names:
            return "dropped"
        return await self._outgoing.emit(event, names)

    async def _request(self, event: Any, timeout: float | None) -> None:
        names = self.names
        if self._outgoing is None or not names:
            await self.ready  # raises why the first handle has ended
            raise Disconnected("this group has no rooms to send into")
        await self._outgoing.request(event, None, room=names, timeout=timeout)

    @overload
    def on(self, event: type[S], /) -> Listening[S]: ...
    @overload
    def on(self, event: type[S], callback: Callable[[S], T], /) -> Callable[[S], T]: ...
    def on(self, event: type[S], callback: Callable[[S], object] | None = None, /) -> Any:
        """Call a function with every event of this class in these rooms. Returns the function."""
        return self._hear(event, callback, is_once=False)

    @overload
    def once(self, event: type[S], /) -> Listening[S]: ...
    @overload
    def once(self, event: type[S], callback: Callable[[S], T], /) -> Callable[[S], T]: ...
    def once(self, event: type[S], callback: Callable[[S], object] | None = None, /) -> Any:
        """Call a function with the first event of this class in any of these rooms."""
        return self._hear(event, callback, is_once=True)

    def _hear(self, event: Any, callback: Callable[[Any], object] | None, *, is_once: bool) -> Any:
        if callback is None:
            return partial(self._hear, event, is_once=is_once)
        listener = Listener(callback, is_once=is_once, owner=self)
        for room in self._live():
            room._listeners.put(event_class(event, room._arriving), listener)  # noqa: SLF001
        return callback

    def off(self, event: type[S], callback: Callable[[S], object]) -> None:
        """Remove a function that was added here; one that was never added is ignored."""
        for room in self._live():
            room._listeners.remove(event_class(event, room._arriving), callback, self)  # noqa: SLF001

    def events(self, event: type[S]) -> EventStream[S]:
        """Return an iterator over these rooms' events of this class, from now on.

        It ends when the last handle has left, or with the client.
        """
        live = self._live()
        stream = _GroupStream[S](self._outgoing, len(live))
        for room in live:
            room._listeners.attach(event_class(event, room._arriving), stream)  # noqa: SLF001
        return stream

    async def leave(self) -> None:
        """Give up all of the handles and end their listeners. Further calls have no effect.

        Does not wait for the server's answer.
        """
        for room in self._handles:
            await room.leave()

    async def __aenter__(self) -> Self:
        await self.ready
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()


class _GroupStream(EventStream[E]):
    """An iterator that ends when the last of its rooms does."""

    def __init__(self, outgoing: Outgoing | None, rooms: int) -> None:
        if outgoing is None:
            super().__init__(1)
        else:
            super().__init__(outgoing.settings.event_buffer, outgoing.check_running)
        self._rooms = rooms
        if not rooms:
            super().end()

    @override
    def end(self) -> None:
        """Note that one of the rooms has ended."""
        self._rooms -= 1
        if self._rooms <= 0:
            super().end()

    @override
    async def aclose(self) -> None:
        """End the iteration at once and drop the events that wait. Never waits."""
        self._rooms = 0
        await super().aclose()
