"""Event messages on their last leg: validation, handlers, relays and replies."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from anyio import move_on_after
from pydantic import ValidationError

from bytesocket_app.dispatch.answers import INTERNAL, TIMEOUT, refuse, validation_details
from bytesocket_app.dispatch.handlers import Handler, HandlerTable
from bytesocket_app.dispatch.peer import Peer
from bytesocket_app.dispatch.rooms import DeclaredRooms, Room
from bytesocket_app.errors import ErrorContext, Phase, Refusal
from bytesocket_app.events import Catalogue, EventSpec, Payload, PayloadType, ServerEvent
from bytesocket_app.hub import ABSENT, BROADCAST_ROOM, Hub
from bytesocket_app.lifecycle import Lifecycle
from bytesocket_app.middleware import Message
from bytesocket_app.settings import Settings
from bytesocket_app.socket import Socket
from bytesocket_app.wire import CODECS
from bytesocket_app.wire.frame import Frame
from bytesocket_app.wire.lifecycle import LifecycleType

logger = logging.getLogger("bytesocket")

_ANYTHING = PayloadType(Any)
_INVALID = object()


class EventRouter:
    """Takes event messages to their handlers and answers for them."""

    def __init__(
        self,
        hub: Hub,
        catalogue: Catalogue,
        handlers: HandlerTable,
        rooms: DeclaredRooms,
        lifecycle: Lifecycle,
        app: Any,
    ) -> None:
        self._hub = hub
        self._catalogue = catalogue
        self._handlers = handlers
        self._rooms = rooms
        self._lifecycle = lifecycle
        self._app = app
        settings: Settings = app.settings
        self._handler_timeout = settings.timeouts.handler
        self._open = settings.policies.undeclared == "open"
        self._membership = settings.policies.membership
        self._limits = settings.limits
        self._policies = settings.policies

    async def route(self, peer: Peer, message: Message) -> None:
        """Carry a message that passed the middleware to where it belongs."""
        if message.event is None:
            return
        peer.message = message
        try:
            if message.rooms is not None:
                await self._into_rooms(peer, message, message.rooms)
            elif message.room is not None:
                await self._into_room(peer, message, message.room)
            else:
                await self._global(peer, message)
        except Refusal as refusal:
            refuse(peer.socket, message, Phase.HANDLER, refusal)

    async def _global(self, peer: Peer, message: Message) -> None:
        name = message.event
        handlers = self._handlers.take(name) if name is not None else ()
        if not handlers:
            if not self._open:
                raise self._unknown(message)
            return
        value = await self._validated(peer.socket, handlers[0].spec, message)
        if value is not _INVALID:
            await self._run(peer, message, handlers, (peer.socket, value, None, self._app))

    async def _into_room(self, peer: Peer, message: Message, name: str) -> None:
        relay = await self._enter(peer, message, name)
        if relay is not None:
            self._hub.relay((name,), *relay, exclude=peer.socket)

    async def _into_rooms(self, peer: Peer, message: Message, names: Sequence[str]) -> None:
        """Ask every room on its own, then relay one message to those that agreed."""
        limit = self._limits.rooms_per_message
        if limit and len(names) > limit:
            raise Refusal(
                f"{len(names)} rooms in one message; {limit} are allowed.", code="too_many_rooms"
            )
        agreed: list[str] = []
        relay = refused = None
        for name in names if self._policies.bulk_copies == "each" else dict.fromkeys(names):
            # Without the id: a message for several rooms is acknowledged once, for all of them.
            single = replace(message, room=name, rooms=None, id=None)
            try:
                found = await self._enter(peer, single, name)
            except Refusal as refusal:
                refused = refusal
                continue
            if found is not None:
                relay = found
                agreed.append(name)
        if relay is not None:
            head = {"rooms": list(names)}
            self._hub.relay(agreed, *relay, exclude=peer.socket, head=head)
        if refused is not None:
            raise refused
        self._acknowledge(peer.socket, message)

    async def _enter(self, peer: Peer, message: Message, name: str) -> tuple[EventSpec, Any] | None:
        """Take a message into one room; returns what its other members are to get.

        Raises:
            Refusal: It may not be sent there.
        """
        socket = peer.socket
        self._check_publish(socket, name)
        found = self._rooms.find(name)
        spec = found[0].event(message.event) if found and message.event is not None else None
        if found is None or spec is None:
            if not self._open:
                raise self._unknown(message, found)
            return self._undeclared(message)
        room, texts = found
        value = await self._validated(socket, spec, message)
        if value is _INVALID:
            return None
        handlers = room.handlers.take(spec.name)
        payload = ABSENT if value is None and not message.has_data else value
        if not handlers:
            self._acknowledge(socket, message)
            return spec, payload
        values = (socket, value, name, self._app, *room.parse(texts))
        return (spec, payload) if await self._run(peer, message, handlers, values) else None

    async def _validated(self, socket: Socket[Any], spec: EventSpec, message: Message) -> Any:
        data = message.data
        if data is None and spec.payload.may_be_absent:
            data = {}
        try:
            return spec.payload.validate(data, message.codec)
        except ValidationError as exc:
            refusal = Refusal("The payload is not valid.", code="validation")
            details = validation_details(exc)
            refuse(socket, message, Phase.VALIDATION, refusal, details=details)
            context = ErrorContext(Phase.VALIDATION, exc, event=message.event)
            await self._lifecycle.report(socket, context)
            return _INVALID

    async def _run(
        self, peer: Peer, message: Message, handlers: Sequence[Handler], values: tuple[Any, ...]
    ) -> bool:
        """Call the handlers of a message; True if it is to be relayed as it was sent."""
        outcomes: list[bool | None] = []
        for handler in handlers:
            if handler.concurrent:
                peer.spawn(partial(self._run_beside, peer.socket, message, handler, values))
            else:
                peer.start(Phase.HANDLER, self._handler_timeout)
                outcomes.append(await self._call(peer.socket, message, handler, values))
        peer.done()
        return True in outcomes and None not in outcomes

    async def _run_beside(
        self, socket: Socket[Any], message: Message, handler: Handler, values: tuple[Any, ...]
    ) -> None:
        with move_on_after(self._handler_timeout or None) as scope:
            if await self._call(socket, message, handler, values) and message.room is not None:
                self._hub.relay((message.room,), handler.spec, values[1], exclude=socket)
        if scope.cancelled_caught:
            self.timed_out(socket, message)

    async def _call(
        self, socket: Socket[Any], message: Message, handler: Handler, values: tuple[Any, ...]
    ) -> bool | None:
        """Call one handler and see to its result: True to relay the message, None if it failed.

        This is one of the two boundaries where an application's exceptions end.
        """
        try:
            result = await handler.bound.invoke(*values)
            return self._conclude(socket, message, handler, result)
        except Refusal as refusal:
            refuse(socket, message, Phase.HANDLER, refusal)
        except Exception:
            source = handler.bound.source
            logger.exception("handler %s of %r failed, %s", source, message.event, socket)
            refuse(socket, message, Phase.HANDLER, INTERNAL)
        return None

    def _conclude(
        self, socket: Socket[Any], message: Message, handler: Handler, result: Any
    ) -> bool:
        relay = False
        if message.room is not None:
            if isinstance(result, ServerEvent | Payload):
                outgoing: Any = result  # the catalogue refuses what cannot be emitted
                self._hub.publish((message.room,), outgoing, exclude=socket)
                result = None
            elif result is None:
                relay = handler.spec.from_server
        if handler.reply is None:
            self._acknowledge(socket, message)
        elif message.id is not None:
            reply = handler.reply
            if not isinstance(reply.annotation, type) or not isinstance(result, reply.annotation):
                result = reply.adapter.validate_python(result)
            self._reply(socket, message, reply.dump(result, socket.codec))
        return relay

    def _acknowledge(self, socket: Socket[Any], message: Message) -> None:
        if message.id is not None:
            self._reply(socket, message, CODECS[socket.codec].encode(None))

    def _reply(self, socket: Socket[Any], message: Message, data: bytes) -> None:
        codec = CODECS[socket.codec]
        head = {"type": LifecycleType.REPLY.value, "id": message.id}
        prefix, suffix = codec.envelope(head, "data")
        socket.deliver(Frame(prefix + data + suffix, is_binary=codec.is_binary))

    def timed_out(self, socket: Socket[Any], message: Message) -> None:
        """Answer for a handler that took too long."""
        logger.error("handler of %r took too long, %s", message.event, socket)
        refuse(socket, message, Phase.HANDLER, TIMEOUT)

    def _check_publish(self, socket: Socket[Any], room: str) -> None:
        if room == BROADCAST_ROOM and self._policies.broadcast_room == "reserved":
            raise Refusal(f"There is no room {room!r}.", code="unknown_room")
        if self._membership and not self._hub.index.has(socket, room):
            raise Refusal(f"Join {room[:64]!r} before sending into it.", code="not_a_member")

    @staticmethod
    def _undeclared(message: Message) -> tuple[EventSpec, Any]:
        """What to relay of an event that no contract knows (`Policies.undeclared`)."""
        spec = EventSpec("" if message.event is None else message.event, "both", Any)
        spec.payload = _ANYTHING
        return spec, message.data if message.has_data else ABSENT

    def _unknown(self, message: Message, found: tuple[Room, Any] | None = None) -> Refusal:
        if message.room is not None and found is None:
            return Refusal(f"There is no room {message.room[:64]!r}.", code="unknown_room")
        name = message.event if isinstance(message.event, int | float) else str(message.event)[:64]
        place = f" in room {found[0].pattern.text!r}" if found else ""
        return Refusal(
            f"Event {name!r} is not one that clients may send{place}.{self._catalogue.near(name)}",
            code="unknown_event",
        )
