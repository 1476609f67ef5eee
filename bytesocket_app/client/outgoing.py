"""Outgoing messages: sent now, kept for the next connection, or dropped.

`Outgoing` outlives the connections. It holds the queue, the requests and the rooms, and writes
while a connection is open. When one opens, it joins the rooms first and then sends the queue.
"""

import math
from typing import Any, Literal, TypeAlias

import anyio
import anyio.lowlevel
from pydantic import ValidationError

from bytesocket_app.client.connection import WebSocketConnection
from bytesocket_app.client.messages import event_frame, lifecycle_frame
from bytesocket_app.client.queue import OfflineQueue
from bytesocket_app.client.requests import PendingRequest, Requests
from bytesocket_app.client.rooms import Membership, Rooms
from bytesocket_app.client.settings import ClientSettings
from bytesocket_app.errors import Disconnected, RequestError
from bytesocket_app.events import EventModel, PayloadType, name_of
from bytesocket_app.wire import Codec, MessageType

Outcome: TypeAlias = Literal["sent", "queued", "dropped"]
"""Outcome of sending an event: sent, queued for the next connection, or dropped."""


class Outgoing:
    """The outgoing side of one client.

    Args:
        codec: Codec of all messages.
        settings: The limits.
    """

    def __init__(self, codec: Codec, settings: ClientSettings) -> None:
        self.codec = codec
        self.settings = settings
        self.requests = Requests(settings.request_limit)
        self.rooms = Rooms()
        self.over: Exception | None = None
        """Reason why the client will not connect again; None while it may."""
        self.not_running: str | None = None
        """Error message for calls before the client runs; None from its start on."""
        self._queue: OfflineQueue[bytes] = OfflineQueue(settings.queue_limit)
        self._queued_requests: set[int | str] = set()
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
        self._queued_requests.clear()
        for payload in self._queue.take():
            connection.send(payload, is_binary=self.codec.is_binary)

    def closed(self, reason: str) -> None:
        """Stop using the connection: requests that were sent end with `Disconnected`."""
        self._connection = None
        self.requests.disconnect(reason, keep=frozenset(self._queued_requests))
        self.rooms.closed()

    def end(self, error: Exception) -> None:
        """Give up for good: empty the queue and end every request with `Disconnected`."""
        self.over = error
        self._queued_requests.clear()
        self._queue.take()
        self.closed(str(error))

    def check_running(self) -> None:
        """Raise RuntimeError before the client runs, when a wait would have no end."""
        if self.not_running is not None:
            raise RuntimeError(self.not_running)

    def _ask(self, kind: MessageType, room: str) -> None:
        if self._connection is not None:
            self._connection.send(
                lifecycle_frame(self.codec, kind, room=room), is_binary=self.codec.is_binary
            )

    def join(self, room: str) -> Membership:
        """Add a handle of a room; see `Rooms.join`."""
        return self.rooms.join(room)

    async def emit(self, event: EventModel, room: str | None = None) -> Outcome:
        """Send an event, or queue it for the next connection; waits while the network is behind.

        A volatile event is dropped where others are queued or waited for. If the wait for the
        network is cancelled, the event is sent all the same.

        Raises:
            EncodeError: The payload holds a value that cannot be sent.
            RuntimeError: The client does not run yet.
            TypeError: The argument is no event.
        """
        frame = event_frame(self.codec, name_of(event), event, room=room)
        connection = self.connection
        if connection is not None and event.__event_volatile__ and await connection.is_behind():
            return "dropped"
        if connection is not None:
            connection.send(frame, is_binary=self.codec.is_binary)
            await connection.drained()
            return "sent"
        self.check_running()
        await anyio.lowlevel.checkpoint()
        if self.over is not None or event.__event_volatile__:
            return "dropped"
        return "queued" if self._queue.put(frame) else "dropped"

    async def request(
        self,
        event: EventModel,
        reply: PayloadType,
        *,
        room: str | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Send an event and wait for its answer.

        Without a connection the request waits in the queue, within the same deadline. If cancelled,
        a queued request is taken back; one that was sent may still be carried out.

        Raises:
            RequestError: The server refused, its reply is not valid ("invalid_reply"), or too many
                requests are pending ("too_many_requests").
            RequestTimeout: No answer came in time; a request that was still queued is taken back.
            Disconnected: The connection ended before the answer, the client is closed, or the queue
                for the next connection is full.
            EncodeError: The payload holds a value that cannot be sent.
            RuntimeError: The client does not run yet.
            TypeError: The argument is no event.
        """
        self.check_running()
        if self.over is not None:
            raise Disconnected(str(self.over))
        seconds = self.settings.request_timeout if timeout is None else timeout
        pending = self.requests.open(anyio.current_time(), seconds if seconds > 0 else math.inf)
        try:
            frame = event_frame(self.codec, name_of(event), event, room=room, request=pending.id)
            self._send_request(frame, pending)
            return self._valid(await pending.outcome(), reply)
        finally:
            self.requests.forget(pending)
            if pending.id in self._queued_requests:
                self._queued_requests.discard(pending.id)
                self._queue.forget(pending.id)

    def _send_request(self, frame: bytes, pending: PendingRequest) -> None:
        connection = self.connection
        if connection is not None:
            connection.send(frame, is_binary=self.codec.is_binary)
        elif self._queue.put(frame, request=pending.id):
            self._queued_requests.add(pending.id)
        else:
            raise Disconnected("there is no connection, and the queue for the next one is full")

    def _valid(self, value: Any, reply: PayloadType) -> Any:
        try:
            return reply.validate(value, self.codec.name)
        except ValidationError as error:
            raise RequestError("invalid_reply", f"the reply does not fit: {error}") from error
