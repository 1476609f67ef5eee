"""Client for hand-written event classes, to use with a server that has no contract."""

from collections.abc import Callable
from typing import Any, TypeVar, overload

from typing_extensions import override

from bytesocket_app.client.client import Client
from bytesocket_app.client.group import Into, RoomGroup, RoomName
from bytesocket_app.client.listeners import Listening
from bytesocket_app.client.outgoing import Outcome
from bytesocket_app.client.room import ClientRoom
from bytesocket_app.client.streams import EventStream
from bytesocket_app.events import ClientEvent, PayloadType, ServerEvent
from bytesocket_app.types import EventName

S = TypeVar("S", bound=ServerEvent)
R = TypeVar("R")
T = TypeVar("T")


class DynamicRoom(ClientRoom):
    """A room handle that accepts any event class."""

    @staticmethod
    def of(room: str, /, **parameters: object) -> "RoomName[DynamicRoom]":
        """Name a room for `join_all`, by its name or by a pattern and its parameters.

        Raises:
            ConfigurationError: The parameters are not those of the pattern.
            TypeError: A value is of a type that no parameter has.
        """
        return RoomName(DynamicRoom, room, parameters)

    @overload
    def on(self, event: type[S], /) -> Listening[S]: ...
    @overload
    def on(self, event: type[S], callback: Callable[[S], T], /) -> Callable[[S], T]: ...
    def on(self, event: type[S], callback: Callable[[S], object] | None = None, /) -> Any:
        """Call a function with every event of this class in this room. Returns the function."""
        return self._on(event, callback)

    def off(self, event: type[S], callback: Callable[[S], object]) -> None:
        """Remove a function; one that was never added is ignored."""
        self._off(event, callback)

    def events(self, event: type[S]) -> EventStream[S]:
        """Return an iterator over this room's events of this class, from now on."""
        return self._events(event)

    async def emit(self, event: ClientEvent) -> Outcome:
        """Send an event into the room; see `DynamicClient.emit`."""
        return await self._emit(event)

    @overload
    async def request(
        self, event: ClientEvent, reply: type[R], *, timeout: float | None = None
    ) -> R: ...
    @overload
    async def request(
        self, event: ClientEvent, reply: None = None, *, timeout: float | None = None
    ) -> None: ...
    async def request(
        self, event: ClientEvent, reply: Any = None, *, timeout: float | None = None
    ) -> Any:
        """Send an event into the room and wait for its reply; see `DynamicClient.request`."""
        expected = None if reply is None else PayloadType(reply)
        return await self._request(event, timeout, expected)

    async def emit_raw(self, event: EventName, data: Any) -> Outcome:
        """Send an event into the room without a class; see `DynamicClient.emit_raw`."""
        return await self._emit_raw(event, data)

    async def request_raw(
        self, event: EventName, data: Any, reply: Any = Any, *, timeout: float | None = None
    ) -> Any:
        """Send an event into the room without a class; see `DynamicClient.request_raw`."""
        return await self._request_raw(event, data, PayloadType(reply), timeout)


class DynamicGroup(RoomGroup[DynamicRoom]):
    """Handles of several rooms, which accept any event class; see `RoomGroup`."""

    @override
    async def emit(self, event: ClientEvent | Into[DynamicRoom], /) -> Outcome:
        """Send one message for all of the rooms, or queue it; see `RoomGroup.emit`."""
        return await self._emit(event)

    @override
    async def request(
        self, event: ClientEvent | Into[DynamicRoom], /, *, timeout: float | None = None
    ) -> None:
        """Send one message for all of the rooms, and wait for its answer; see `RoomGroup`."""
        await self._request(event, timeout)

    async def emit_raw(self, event: EventName, data: Any) -> Outcome:
        """Send one message for all of the rooms, without a class; see `emit_raw` of the client."""
        names = self.names
        if self._outgoing is None or not names:
            return "dropped"
        return await self._outgoing.emit_raw(event, data, names)


class DynamicClient(Client):
    """A client that accepts any event class.

    `class Echo(ClientEvent, name="echo"): text: str` and `await client.emit(Echo(text="hi"))`.

    It knows nothing of the server's rates, unless a derived class sets a `contract` that has them,
    and joins rooms by their patterns. Refusals are raised as the classes that `refusals` gives.
    """

    @overload
    def on(self, event: type[S], /) -> Listening[S]: ...
    @overload
    def on(self, event: type[S], callback: Callable[[S], T], /) -> Callable[[S], T]: ...
    def on(self, event: type[S], callback: Callable[[S], object] | None = None, /) -> Any:
        """Call a function with every event of this class, in rooms or not. Returns the function."""
        return self._on(event, callback)

    def off(self, event: type[S], callback: Callable[[S], object]) -> None:
        """Remove a function; one that was never added is ignored."""
        self._off(event, callback)

    def events(self, event: type[S]) -> EventStream[S]:
        """Return an iterator over the events of this class, in rooms or not, from now on."""
        return self._events(event)

    async def emit(self, event: ClientEvent) -> Outcome:
        """Send an event, or queue it for the next connection; returns which of the two.

        What a rate of `contract` does not allow yet is queued as well, and what comes after it
        waits behind it; a volatile event is dropped instead.

        Waits while the network is behind. If that wait is cancelled, the event is sent all the
        same.

        Raises:
            EncodeError: The payload holds a value that cannot be sent.
        """
        return await self._emit(event)

    @overload
    async def request(
        self, event: ClientEvent, reply: type[R], *, timeout: float | None = None
    ) -> R: ...
    @overload
    async def request(
        self, event: ClientEvent, reply: None = None, *, timeout: float | None = None
    ) -> None: ...
    async def request(
        self, event: ClientEvent, reply: Any = None, *, timeout: float | None = None
    ) -> Any:
        """Send an event and wait for its reply, validated as `reply`.

        Without `reply`, this waits until the server has handled the event, and returns None.

        If cancelled, a request that is still queued is taken back; one that was sent may still be
        carried out.

        Raises:
            RequestError: The server refused, its reply is not valid ("invalid_reply"), or too many
                requests are pending, or messages waiting for their turn ("too_many_requests").
            RequestTimeout: No answer came in time; some servers do not send replies at all.
            Disconnected: The connection ended before the answer, the client is closed, or the queue
                for the next connection is full.
            EncodeError: The payload holds a value that cannot be sent.
        """
        expected = None if reply is None else PayloadType(reply)
        return await self._request(event, timeout, expected)

    async def emit_raw(self, event: EventName, data: Any) -> Outcome:
        """Send an event without a class, as `emit` does: its name and any JSON value.

        Raises:
            EncodeError: The data hold a value that cannot be sent.
        """
        return await self._outgoing.emit_raw(event, data)

    async def request_raw(
        self, event: EventName, data: Any, reply: Any = Any, *, timeout: float | None = None
    ) -> Any:
        """Send an event without a class and wait for its reply, as `request` does.

        Args:
            event: The event's name.
            data: Any JSON value; bytes are raw with the binary codec.
            reply: Type that the reply is validated as; by default, it is returned as it came.
            timeout: Seconds to wait; the setting's by default.

        Raises:
            RequestError, RequestTimeout, Disconnected, EncodeError: As in `request`.
        """
        return await self._outgoing.request_raw(event, data, PayloadType(reply), timeout=timeout)

    def set_auth(self, auth: Any, /) -> None:
        """Use other credentials, or another function that makes them, from the next connection on.

        The connection that is open stays: `reconnect()` makes one with the new credentials now.
        None sends none.
        """
        self._set_auth(auth)

    def join(self, room: str, /, **parameters: object) -> DynamicRoom:
        """Join a room by its name, or by a pattern such as `doc:{doc_id}` and its parameters.

        Returns at once; `await room.ready` waits until the room is joined.

        Raises:
            ConfigurationError: The parameters are not those of the pattern.
            TypeError: A value is of a type that no parameter has.
        """
        handle: DynamicRoom = self._join(room, parameters, DynamicRoom)
        return handle

    def join_all(self, *rooms: str | RoomName[DynamicRoom]) -> DynamicGroup:
        """Join several rooms by one message: all of them, or none.

        `group = client.join_all("lobby", DynamicRoom.of("doc:{doc_id}", doc_id=7))` returns at
        once; `await group.ready` waits until all are joined. See `RoomGroup`.

        Raises:
            ConfigurationError: A text is a pattern with parameters.
        """
        names = [DynamicRoom.of(room) if isinstance(room, str) else room for room in rooms]
        return DynamicGroup(*self._join_all(names))
