"""Outgoing messages: sent now, kept for their turn or for the next connection, or dropped.

`Outgoing` outlives the connections. It holds the queue, the requests and the rooms, and writes
while a connection is open. When one opens, it joins the rooms first and then sends the queue.

A message that its event's rate does not allow yet waits in the same queue, and all that come after
it wait behind it, whichever event they are: what one client sends arrives in order.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Literal, TypeAlias, cast

import anyio
import anyio.lowlevel
from pydantic import ValidationError

from bytesocket_app.client.connection import WebSocketConnection
from bytesocket_app.client.messages import event_frame, lifecycle_frame
from bytesocket_app.client.pacing import AnyPace, Pace, Pacing, SeveralPaces
from bytesocket_app.client.payload import plain
from bytesocket_app.client.presence import Presence
from bytesocket_app.client.queue import OfflineQueue, Queued
from bytesocket_app.client.refusals import RefusalReader, Refusals, too_often
from bytesocket_app.client.requests import PendingRequest, Requests
from bytesocket_app.client.rooms import Batch, Membership, Rooms, RoomWish
from bytesocket_app.client.settings import ClientSettings, EventRate
from bytesocket_app.client.signal import Signal
from bytesocket_app.errors import ConfigurationError, DecodeError, Disconnected, RequestError, where
from bytesocket_app.events import EventModel, PayloadType, name_of
from bytesocket_app.types import EventName, RequestId
from bytesocket_app.wire import Codec, MessageType, decode
from bytesocket_app.wire.message_type import JOINS

Outcome: TypeAlias = Literal["sent", "queued", "dropped"]
"""Outcome of sending an event: sent, queued until its rate allows it or for the next connection,
or dropped."""

Place: TypeAlias = str | Sequence[str] | None
"""Room that an event is for, or several; None for none."""


_RAW: Final = "request_raw(name, data) and emit_raw(name, data)"


class Outgoing:
    """The outgoing side of one client.

    Args:
        codec: Codec of all messages.
        settings: The limits.
        rates: Rates that the server declared.
        refusals: Classes of the refusals that the server declared.

    Raises:
        ConfigurationError: A refusal's class has no code of its own, or its data cannot be read.
    """

    def __init__(
        self,
        codec: Codec,
        settings: ClientSettings,
        rates: Iterable[EventRate] = (),
        refusals: Refusals = (),
    ) -> None:
        self.codec = codec
        self.refusals = RefusalReader(refusals, codec.name)
        """Reader of all refusals that the server answers with."""
        self.settings = settings
        self.pacing = Pacing(rates) or None
        """Paces of events; None if nothing has one."""
        self.requests = Requests(settings.request_limit)
        self.rooms = Rooms()
        self.over: Exception | None = None
        """Reason why the client will not connect again; None while it may."""
        self.not_running: str | None = None
        """Error message for calls before the client runs; None from its start on."""
        self._queue: OfflineQueue[bytes] = OfflineQueue(settings.queue_limit)
        self._queued_requests: set[int | str] = set()
        self._requeued = Signal()
        self._less = Signal()
        self._connection: WebSocketConnection | None = None

    @property
    def connection(self) -> WebSocketConnection | None:
        """The open, authenticated connection; None without one."""
        connection = self._connection
        return connection if connection is not None and connection.is_open else None

    def opened(self, connection: WebSocketConnection) -> None:
        """Start using a connection: join the rooms, then send the queue."""
        self._connection = connection
        self.rooms.opened(self._ask)
        if self.pacing is not None:
            self.pacing.opened()
        self._send_queued()
        self._requeued.notify()

    def closed(self, reason: str, error: Exception | None = None) -> None:
        """Stop using the connection: requests that were sent end; see `Requests.disconnect`."""
        self._connection = None
        self.requests.disconnect(reason, error, keep=frozenset(self._queued_requests))
        self.rooms.closed()

    async def keep_pace(self) -> None:
        """Send queued messages when their rates allow it, until cancelled."""
        while True:
            with anyio.move_on_after(self._send_queued()):
                await self._requeued.wait()

    def _send_queued(self) -> float:
        """Send queued messages, up to the first that has to wait; returns its seconds to wait."""
        connection = self.connection
        self._less.notify()
        while connection is not None and (item := self._queue.first) is not None:
            wait = 0.0 if item.pace is None else _take(item.pace)
            if wait:
                return wait
            self._queue.drop_first()
            if item.request is not None:
                self._queued_requests.discard(item.request)
            is_binary = self.codec.is_binary if item.is_binary is None else item.is_binary
            connection.send(item.payload, is_binary=is_binary)
        return math.inf

    def refused(self, context: Any) -> None:
        """Take note of a refusal: an event that came too often is not sent before it may be."""
        found = None if self.pacing is None else too_often(context)
        if found is not None:
            pace = self._pace(found.event, found.room)
            if pace is not None:
                pace.empty(anyio.current_time(), found.seconds)

    def _pace(self, event: EventName, room: str | None) -> Pace | None:
        if self.pacing is None:
            return None
        return self.pacing.of(event, None if room is None else self.rooms.pattern(room))

    def _pace_in(self, event: EventName, place: Place) -> AnyPace | None:
        if place is None or isinstance(place, str):
            return self._pace(event, place)
        if self.pacing is None:
            return None
        paces = [self._pace(event, room) for room in dict.fromkeys(place)]
        return SeveralPaces(filter(None, paces)) if any(paces) else None

    def end(self, error: Exception) -> Counter[EventName]:
        """Give up for good: empty the queue, and end every request with the error.

        Returns:
            The events that were still queued: how many of each name.
        """
        self.over = error
        self._queued_requests.clear()
        left = Counter(_name_of(item.payload) for item in self._waiting_events())
        self._queue.take()
        self.closed(str(error), error)
        self._less.notify()
        return left

    def removed(self, room: str, error: RequestError) -> Counter[EventName]:
        """End the handles of a room that server code took the client out of, and what waits for it.

        Requests that were not sent fail with the error.

        Returns:
            The events that were still queued: how many of each name.
        """
        left = Counter[EventName]()
        if not self.rooms.removed(room, error):
            return left
        for item in self._queue.take_room(room):
            if item.request is None:
                left[_name_of(item.payload)] += 1
            else:
                self._queued_requests.discard(item.request)
                self.requests.refuse(item.request, error)
        self._less.notify()
        self._requeued.notify()
        return left

    def _waiting_events(self) -> list[Queued[bytes]]:
        """Return what is queued and nobody waits for."""
        return [item for item in self._queue if item.request is None]

    @property
    def is_awaiting(self) -> bool:
        """True while an answer of the server is awaited, to a request, a join or a leave."""
        return len(self.requests) > len(self._queued_requests) or self.rooms.is_asking

    async def flushed(self, seconds: float) -> None:
        """Wait until all events are written, but no longer than this; not if there is no hope."""
        with anyio.move_on_after(seconds):
            while self.over is None and self._waiting_events():
                await self._less.wait()
            if self.connection is not None:
                await self.connection.flushed()

    def check_running(self) -> None:
        """Raise RuntimeError before the client runs, when a wait would have no end."""
        if self.not_running is not None:
            raise RuntimeError(self.not_running)

    def _ask(self, kind: MessageType, room: str | tuple[str, ...]) -> None:
        if self._connection is not None:
            names = (room,) if isinstance(room, str) else room
            members: dict[str, Any] = (
                {"room": room} if isinstance(room, str) else {"rooms": list(room)}
            )
            if kind in JOINS and any(self.rooms.presence(name) is not None for name in names):
                members["presence"] = True
            self._connection.send(
                lifecycle_frame(self.codec, kind, **members), is_binary=self.codec.is_binary
            )

    def join(
        self, room: str, pattern: str | None = None, presence: Presence[Any] | None = None
    ) -> Membership:
        """Add a handle of a room; see `Rooms.join`."""
        return self.rooms.join(room, RoomWish(pattern or room, presence))

    def change_entry(self, room: str, changes: dict[str, Any]) -> Outcome:
        """Send changes of the client's own entry in a room.

        They are dropped without a connection, and once the room is left.

        Raises:
            EncodeError: A value cannot be sent.
        """
        connection = self.connection
        frame = lifecycle_frame(
            self.codec, MessageType.PRESENCE, room=room, data=plain(changes, self.codec)
        )
        if connection is None or not self.rooms.has_handles(room):
            return "dropped"
        connection.send(frame, is_binary=self.codec.is_binary)
        return "sent"

    def join_all(self, wanted: Mapping[str, RoomWish]) -> Batch:
        """Add a handle of several rooms; see `Rooms.join_all`."""
        return self.rooms.join_all(wanted)

    async def emit(self, event: EventModel, room: Place = None) -> Outcome:
        """Send an event, or queue it; waits while the network is behind.

        It is queued without a connection, until its rate allows it, and behind others that are
        queued. A volatile event is dropped where others are queued or waited for. If the wait for
        the network is cancelled, the event is sent all the same.

        Raises:
            ConfigurationError: Only the server sends the event.
            EncodeError: The payload holds a value that cannot be sent.
            RuntimeError: The client does not run yet.
            TypeError: The argument is no event.
        """
        frame = event_frame(self.codec, sent_name(event), event, **_where(room))
        connection = self.connection
        if connection is not None and event.__event_volatile__ and await connection.is_behind():
            return "dropped"
        pace = None if self.pacing is None else self._pace_in(event.__event_name__, room)
        if connection is not None and (
            self.pacing is None or self._is_due(pace, is_losable=event.__event_volatile__)
        ):
            connection.send(frame, is_binary=self.codec.is_binary)
            await connection.drained()
            return "sent"
        return await self._later(frame, pace, room, is_losable=event.__event_volatile__)

    async def emit_raw(self, event: EventName, data: Any, room: Place = None) -> Outcome:
        """Send an event by its name, as `emit` does; its rate is kept to as well.

        Raises:
            EncodeError: The data hold a value that cannot be sent.
            RuntimeError: The client does not run yet.
        """
        frame = event_frame(self.codec, event, data, **_where(room))
        pace = self._pace_in(event, room)
        return await self._send(frame, pace, room, is_binary=self.codec.is_binary)

    async def send_raw(self, frame: bytes | str) -> Outcome:
        """Send a frame as it is, or queue it; waits while the network is behind.

        Raises:
            RuntimeError: The client does not run yet.
            TypeError: The frame is neither bytes nor text.
        """
        if isinstance(frame, str):
            return await self._send(frame.encode(), None, None, is_binary=False)
        return await self._send(bytes(memoryview(frame)), None, None, is_binary=True)

    async def _send(
        self, frame: bytes, pace: AnyPace | None, place: Place, *, is_binary: bool
    ) -> Outcome:
        connection = self.connection
        if connection is None or not self._is_due(pace):
            return await self._later(frame, pace, place, is_binary=is_binary)
        connection.send(frame, is_binary=is_binary)
        await connection.drained()
        return "sent"

    async def _later(
        self,
        frame: bytes,
        pace: AnyPace | None,
        place: Place,
        *,
        is_losable: bool = False,
        is_binary: bool | None = None,
    ) -> Outcome:
        """Queue what cannot be sent now, or drop it."""
        self.check_running()
        await anyio.lowlevel.checkpoint()
        if self.over is not None or is_losable:
            return "dropped"
        return "queued" if self._keep(frame, pace, place, is_binary=is_binary) else "dropped"

    def _is_due(self, pace: AnyPace | None, *, is_losable: bool = False) -> bool:
        """Return True if a message may be sent now, which takes a token."""
        return not len(self._queue) and (pace is None or not _take(pace, is_losable=is_losable))

    def _keep(
        self,
        frame: bytes,
        pace: AnyPace | None,
        place: Place,
        request: RequestId | None = None,
        *,
        is_binary: bool | None = None,
    ) -> bool:
        """Queue a message; returns False if the queue is full."""
        room = place if isinstance(place, str) else None
        is_kept = self._queue.put(frame, request=request, pace=pace, is_binary=is_binary, room=room)
        self._requeued.notify()
        return is_kept

    async def request(
        self,
        event: EventModel,
        reply: PayloadType | None,
        *,
        room: Place = None,
        timeout: float | None = None,
    ) -> Any:
        """Send an event and wait for its answer.

        Without a type of the reply, what the server answers is no reply, and None is returned.

        Without a connection, and until its rate allows it, the request waits in the queue, within
        the same deadline. If cancelled, a queued request is taken back; one that was sent may still
        be carried out.

        Raises:
            RequestError: The server refused, its reply is not valid ("invalid_reply"), or too many
                requests are pending, or messages waiting for their turn ("too_many_requests").
            RequestTimeout: No answer came in time; a request that was still queued is taken back.
            Disconnected: The connection ended before the answer, the client is closed, or the queue
                for the next connection is full.
            AuthError: The server refused this client for good, as `ended` says.
            ConfigurationError: Only the server sends the event, or the timeout is no time.
            EncodeError: The payload holds a value that cannot be sent.
            RuntimeError: The client does not run yet.
            TypeError: The argument is no event.
        """
        return await self.request_raw(sent_name(event), event, reply, room=room, timeout=timeout)

    async def request_raw(
        self,
        event: EventName,
        data: Any,
        reply: PayloadType | None,
        *,
        room: Place = None,
        timeout: float | None = None,
    ) -> Any:
        """Send an event by its name and wait for its answer; see `request`."""
        self.check_running()
        if self.over is not None:
            raise self.over
        seconds = self.settings.request_timeout if timeout is None else timeout
        if not seconds >= 0:
            raise ConfigurationError(f"timeout={timeout!r}: pass seconds, or 0 to wait for ever")
        pending = self.requests.open(anyio.current_time(), seconds if seconds > 0 else math.inf)
        try:
            frame = event_frame(self.codec, event, data, **_where(room), request=pending.id)
            pace = self._pace_in(event, room)
            self._send_request(frame, pending, pace, room)
            return self._valid(await pending.outcome(), reply)
        finally:
            self.requests.forget(pending)
            if pending.id in self._queued_requests:
                self._queued_requests.discard(pending.id)
                self._queue.forget(pending.id)
                self._requeued.notify()

    def _send_request(
        self, frame: bytes, pending: PendingRequest, pace: AnyPace | None, place: Place
    ) -> None:
        connection = self.connection
        if connection is not None and self._is_due(pace):
            connection.send(frame, is_binary=self.codec.is_binary)
        elif self._keep(frame, pace, place, pending.id):
            self._queued_requests.add(pending.id)
        elif connection is None:
            raise Disconnected("there is no connection, and the queue for the next one is full")
        else:
            raise RequestError(
                "too_many_requests",
                f"the queue of messages that wait for their turn is full ({len(self._queue)})",
            )

    def _valid(self, value: Any, reply: PayloadType | None) -> Any:
        if reply is None:
            return None
        try:
            return reply.validate(value, self.codec.name)
        except ValidationError as error:
            raise RequestError("invalid_reply", f"the reply does not fit: {error}") from error


def sent_name(event: EventModel) -> EventName:
    """Return the name of an event that a client is to send.

    Raises:
        ConfigurationError: Only the server sends it.
        TypeError: The argument is no event, but for example a name, a dict, or an event's class.
    """
    try:
        name = name_of(event)
    except TypeError as error:
        raise TypeError(f"{error}; a DynamicClient has {_RAW} for events without a class") from None
    if isinstance(event, type):
        raise TypeError(f"pass an event, as in {event.__name__}(...), not the class itself")
    if event.__event_direction__ == "server":
        kind = type(event)
        raise ConfigurationError(
            f"{kind.__name__} ({where(kind)}) is an event that the server sends, so a client "
            "cannot: derive it from ClientEvent, or from Event for both directions."
        )
    return name


def _where(place: Place) -> dict[str, Any]:
    """Return the arguments of `event_frame` for a place."""
    if place is None:
        return {}
    return {"room": place} if isinstance(place, str) else {"rooms": place}


def _name_of(frame: bytes) -> EventName:
    """Return the name of an event in a frame that was to be sent."""
    for is_binary in (False, True):
        with suppress(DecodeError):
            message = decode(frame, is_binary)
            if isinstance(message, dict):
                name: EventName = cast("dict[str, Any]", message).get("event", "a raw message")
                return name
    return "a raw message"


def _take(pace: AnyPace, *, is_losable: bool = False) -> float:
    """Take a token of now; returns the seconds to wait if there is none."""
    now = anyio.current_time()
    wait = pace.wait(now, is_losable=is_losable)
    if not wait:
        pace.sent(now)
    return wait
