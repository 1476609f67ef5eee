"""Room handle, which keeps the room joined over reconnections until it is left."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar, Self, TypeAlias, TypeVar, overload

import anyio.lowlevel

from bytesocket_app.client.callback_queue import Callback
from bytesocket_app.client.listeners import EventClasses, Listening, event_class
from bytesocket_app.client.listening_side import ListeningSide
from bytesocket_app.client.outgoing import Outcome, Outgoing, sent_name
from bytesocket_app.client.presence import Presence, PresenceChange
from bytesocket_app.client.room_names import PARAMETER, call_of
from bytesocket_app.client.rooms import Batch, RoomWish
from bytesocket_app.client.signal import Ready
from bytesocket_app.client.streams import EventStream
from bytesocket_app.errors import ConfigurationError, Disconnected, RequestError
from bytesocket_app.events import PayloadType, ServerEvent
from bytesocket_app.rooms import ParameterType, Untyped, parameter_texts
from bytesocket_app.rooms.pattern import SEPARATOR
from bytesocket_app.types import EventName

Replies: TypeAlias = Mapping[EventName, PayloadType]
"""The type of each request's reply, by the name of its event."""

Parameters: TypeAlias = Mapping[str, Any]
"""The type of each of a room's parameters, by its name."""

S = TypeVar("S", bound=ServerEvent)
T = TypeVar("T")
LeftHook = TypeVar("LeftHook", bound=Callable[[RequestError], object])


def filled_name(
    pattern: str,
    parameters: Mapping[str, object],
    types: Parameters = MappingProxyType({}),
) -> str:
    """Fill in a room pattern's parameters: `doc:{doc_id}` and 7 make `doc:7`.

    Raises:
        ConfigurationError: A parameter is missing, or is not in the pattern.
        TypeError: A value is not of its parameter's type.
        ValueError: A value is a text, and not the one that the server takes; or its text is empty,
            or holds a `:` and so would name another room.
    """
    wanted = set(PARAMETER.findall(pattern))
    if wanted != set(parameters):
        raise ConfigurationError(
            f"room {pattern!r} takes {sorted(wanted) or 'no parameters'}, "
            f"not {sorted(parameters) or 'none'}: {call_of(pattern)}"
        )
    known = {name: _type(annotation) for name, annotation in types.items()}
    texts = parameter_texts(pattern, parameters, known)
    for name, text in texts.items():
        if not text or SEPARATOR in text:
            raise ValueError(
                f"Room {pattern!r}: {name} cannot be {text!r}: a parameter is one or more "
                f"characters without {SEPARATOR!r}."
            )
    return PARAMETER.sub(lambda found: texts[found[1]], pattern)


def _type(annotation: Any) -> Untyped:
    try:
        return ParameterType(annotation)
    except ValueError:  # a server of before allowed it
        return Untyped()


class ClientRoom:
    """A handle of one room. Handles are counted: the room is left when the last handle leaves.

    Generated clients derive from this class and give its methods their types.

    Args:
        name: The room's name, with parameters filled in.
        outgoing: The outgoing side of the client.
        listening: The incoming side, which delivers the room's events to this handle.
        pattern: Pattern of the name, if it has one.
        batch: The rooms that it is joined together with; None for a join of its own.
    """

    _arriving: ClassVar[EventClasses] = {}
    _replies: ClassVar[Replies] = {}
    _parameters: ClassVar[Parameters] = {}
    _presence: ClassVar[type[Presence[Any]] | None] = None

    def __init__(
        self,
        name: str,
        outgoing: Outgoing,
        listening: ListeningSide,
        pattern: str | None = None,
        batch: Batch | None = None,
    ) -> None:
        self.name = name
        self._batch = batch
        self._outgoing = outgoing
        self._listening = listening
        self._listeners = listening.enter_room(name)
        if batch is None:
            wanted = self.wanted(name, outgoing, listening, pattern)
            self._membership = outgoing.join(name, wanted.pattern, wanted.presence)
        else:
            self._membership = batch.rooms[name]
        self._membership.left.append(self._removed)
        self._left_hooks: list[Callback] = []
        self._presence_callbacks: list[Callable[[PresenceChange], object]] = []
        self._has_left = False
        self._removal: RequestError | None = None

    @classmethod
    def named(cls, pattern: str, parameters: Mapping[str, object]) -> str:
        """Return the name of one of the rooms that this class is for; raises as `filled_name`."""
        return filled_name(pattern, parameters, cls._parameters)

    @classmethod
    def wanted(
        cls, name: str, outgoing: Outgoing, listening: ListeningSide, pattern: str | None = None
    ) -> RoomWish:
        """Return what a handle of this class wants of a room; the arguments are those of one."""
        presence = None
        if cls._presence is not None:
            send = partial(outgoing.change_entry, name)
            presence = cls._presence(send, listening.callbacks.post)
        return RoomWish(pattern or name, presence)

    @property
    def has_left(self) -> bool:
        """True if this handle has ended: it gets no further events."""
        return self._has_left

    @property
    def is_joined(self) -> bool:
        """True if the server has let this client in, on the current connection."""
        room = self._membership
        return not self._has_left and room.is_joined and not room.is_leaving

    @property
    def ready(self) -> Awaitable[None]:
        """Awaitable that waits until the room is joined.

        Raises:
            RequestError: The server refused; the join is tried again after a reconnection. Or
                server code took the client out of the room, and the handle has ended.
            Disconnected: The handle has left the room, or the client will not connect again.
            RuntimeError: The client does not run yet.
        """
        return Ready(self._wait)

    async def _wait(self) -> None:
        self._outgoing.check_running()
        while not self.is_joined:
            if self._removal is not None:
                raise self._removal
            if self._has_left:
                raise Disconnected(f"this handle has left room {self.name!r}")
            if self._outgoing.over is not None:
                raise self._outgoing.over
            error = self._refusal()
            if error is not None:
                raise error
            await self._membership.changed.wait()

    def _refusal(self) -> RequestError | None:
        """Return why the server keeps the client out, unless that is being asked."""
        room, batch = self._membership, self._batch
        if room.error is not None or batch is None or room.is_asked:
            return room.error
        return batch.error

    def on_left(self, callback: LeftHook) -> LeftHook:
        """Call a function when server code takes the client out of the room. Returns the function.

        It gets a `RequestError` with the `code` and `message` of the server. The handle has ended
        then: it hears nothing more, is not joined again after a reconnection, and `emit` returns
        "dropped". A new join makes a new handle.
        """
        self._left_hooks.append(callback)
        return callback

    def _removed(self, error: RequestError) -> None:
        self._has_left = True
        self._removal = error
        self._listening.leave_room(self.name, self._listeners)
        for hook in self._left_hooks:
            self._listening.callbacks.post(hook, error)

    async def leave(self) -> None:
        """Give up this handle and end its listeners, which hear nothing more, not even what waits.

        Further calls have no effect. Does not wait for the server's answer.
        """
        if self._has_left:
            return
        self._has_left = True
        self._membership.left.remove(self._removed)
        self._listeners.forget_calls()
        self._listening.leave_room(self.name, self._listeners)
        if self._membership.presence is not None:
            for callback in self._presence_callbacks:
                self._membership.presence.forget(callback)
        self._outgoing.rooms.leave(self.name, self._batch)
        self._membership.changed.notify()

    async def __aenter__(self) -> Self:
        await self.ready
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    def _on(self, event: Any, callback: Callable[[Any], object] | None = None) -> Any:
        return self._listeners.on(event_class(event, self._arriving), callback)

    @overload
    def once(self, event: type[S], /) -> Listening[S]: ...
    @overload
    def once(self, event: type[S], callback: Callable[[S], T], /) -> Callable[[S], T]: ...
    @overload
    def once(self, event: EventName, /) -> Listening[Any]: ...
    @overload
    def once(self, event: EventName, callback: Callable[[Any], T], /) -> Callable[[Any], T]: ...
    def once(self, event: Any, callback: Callable[[Any], object] | None = None, /) -> Any:
        """Call a function with the next event of this class in this room, and then no more.

        `off` takes it back. Added twice, it is called twice. Returns the function.
        """
        return self._listeners.once(event_class(event, self._arriving), callback)

    def _off(self, event: Any, callback: Callable[[Any], object]) -> None:
        self._listeners.remove(event_class(event, self._arriving), callback)

    def _events(self, event: Any) -> EventStream[Any]:
        model = event_class(event, self._arriving)
        limit, check = self._outgoing.settings.event_buffer, self._outgoing.check_running
        return self._listeners.stream(model, limit, check)

    def _people(self) -> Any:
        """Return who is in the room."""
        return self._membership.presence

    def _on_presence(self, callback: Callable[[PresenceChange], object]) -> None:
        if self._membership.presence is not None and not self._has_left:
            self._membership.presence.listen(callback)
            self._presence_callbacks.append(callback)

    async def _emit(self, event: Any) -> Outcome:
        if self._removal is not None:
            await anyio.lowlevel.checkpoint()
            return "dropped"
        return await self._outgoing.emit(event, self.name)

    async def _request(
        self, event: Any, timeout: float | None, reply: PayloadType | None = None
    ) -> Any:
        if self._removal is not None:
            raise self._removal
        expected = reply or self._replies.get(sent_name(event))
        return await self._outgoing.request(event, expected, room=self.name, timeout=timeout)

    async def _emit_raw(self, event: EventName, data: Any) -> Outcome:
        if self._removal is not None:
            await anyio.lowlevel.checkpoint()
            return "dropped"
        return await self._outgoing.emit_raw(event, data, self.name)

    async def _request_raw(
        self, event: EventName, data: Any, reply: PayloadType, timeout: float | None
    ) -> Any:
        if self._removal is not None:
            raise self._removal
        return await self._outgoing.request_raw(event, data, reply, room=self.name, timeout=timeout)
