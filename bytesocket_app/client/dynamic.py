"""A client for event classes written by hand: for a server without a contract."""

from collections.abc import Callable
from typing import Any, TypeVar, overload

from bytesocket_app.client.client import Client
from bytesocket_app.client.listeners import Listening
from bytesocket_app.client.outgoing import Outcome
from bytesocket_app.client.room import ClientRoom
from bytesocket_app.client.streams import EventStream
from bytesocket_app.events import ClientEvent, PayloadType, ServerEvent

S = TypeVar("S", bound=ServerEvent)
R = TypeVar("R")
T = TypeVar("T")


class DynamicRoom(ClientRoom):
    """A room handle that takes any event class."""

    @overload
    def on(self, event: type[S], /) -> Listening[S]: ...
    @overload
    def on(self, event: type[S], callback: Callable[[S], T], /) -> Callable[[S], T]: ...
    def on(self, event: type[S], callback: Callable[[S], object] | None = None, /) -> Any:
        """Have a function called with every event of this class in this room."""
        return self._on(event, callback)

    def off(self, event: type[S], callback: Callable[[S], object]) -> None:
        """Call a function no more."""
        self._off(event, callback)

    def events(self, event: type[S]) -> EventStream[S]:
        """Iterate over this room's events of this class."""
        return self._events(event)

    async def emit(self, event: ClientEvent) -> Outcome:
        """Send an event into the room."""
        return await self._emit(event)

    async def request(
        self, event: ClientEvent, reply: type[R], *, timeout: float | None = None
    ) -> R:
        """Send an event into the room and wait for its reply; see `DynamicClient.request`."""
        answer: R = await self._request(event, timeout, PayloadType(reply))
        return answer


class DynamicClient(Client):
    """A client that takes any event class.

    `class Echo(ClientEvent, name="echo"): text: str` and `await client.emit(Echo(text="hi"))`.
    """

    @overload
    def on(self, event: type[S], /) -> Listening[S]: ...
    @overload
    def on(self, event: type[S], callback: Callable[[S], T], /) -> Callable[[S], T]: ...
    def on(self, event: type[S], callback: Callable[[S], object] | None = None, /) -> Any:
        """Have a function called with every event of this class, in rooms or not."""
        return self._on(event, callback)

    def off(self, event: type[S], callback: Callable[[S], object]) -> None:
        """Call a function no more."""
        self._off(event, callback)

    def events(self, event: type[S]) -> EventStream[S]:
        """Iterate over the events of this class, in rooms or not."""
        return self._events(event)

    async def emit(self, event: ClientEvent) -> Outcome:
        """Send an event."""
        return await self._emit(event)

    async def request(
        self, event: ClientEvent, reply: type[R], *, timeout: float | None = None
    ) -> R:
        """Send an event and wait for its reply, validated as `reply`.

        Raises:
            RequestError: The server refused, or its reply is not valid ("invalid_reply").
            RequestTimeout: No answer in time, as from a server that knows no replies.
            Disconnected: The connection ended before the answer, or there will be none.
        """
        answer: R = await self._request(event, timeout, PayloadType(reply))
        return answer

    def join(self, room: str, /, **parameters: object) -> DynamicRoom:
        """Join a room by its name, or by a pattern such as `doc:{doc_id}` and its parameters."""
        handle: DynamicRoom = self._join(room, parameters, DynamicRoom)
        return handle
