"""Event messages on their last leg: validation, handlers, relays and replies."""

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

from anyio import move_on_after
from pydantic import ValidationError

from bytesocket_app.dispatch.answers import INTERNAL, TIMEOUT, refuse, validation_details
from bytesocket_app.dispatch.handlers import Handler, HandlerTable
from bytesocket_app.dispatch.peer import Peer
from bytesocket_app.dispatch.rooms import DeclaredRooms, Room
from bytesocket_app.errors import ErrorContext, Phase, Refusal
from bytesocket_app.events import Catalogue, EventSpec, Payload, ServerEvent
from bytesocket_app.hub import BROADCAST_ROOM, Hub
from bytesocket_app.lifecycle import Lifecycle
from bytesocket_app.middleware import Message
from bytesocket_app.settings import Settings
from bytesocket_app.socket import Socket
from bytesocket_app.wire import CODECS
from bytesocket_app.wire.frame import Frame
from bytesocket_app.wire.lifecycle import LifecycleType

logger = logging.getLogger("bytesocket")

_ANYTHING = EventSpec("", "both", Any)
_NOTHING = object()


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
        if value is _NOTHING:
            return
        await self._run(peer, message, handlers, (peer.socket, value, None, self._app))

    async def _into_room(self, peer: Peer, message: Message, name: str) -> None:
        self._check_publish(peer.socket, name)
        found = self._rooms.find(name)
        spec = found[0].event(message.event) if found and message.event is not None else None
        if found is None or spec is None:
            if not self._open:
                raise self._unknown(message, found)
            self._relay_unknown(peer.socket, message, (name,))
            return
        room, texts = found
        value = await self._validated(peer.socket, spec, message)
        if value is _NOTHING:
            return
        handlers = room.handlers.take(spec.name)
        if not handlers:
            self._hub.relay((name,), spec, value, exclude=peer.socket)
            self._acknowledge(peer.socket, message)
            return
        values = (peer.socket, value, name, self._app, *room.parse(texts))
        await self._run(peer, message, handlers, values)

    async def _into_rooms(self, peer: Peer, message: Message, names: Sequence[str]) -> None:
        """One copy for each recipient, after every room has agreed on its own."""
        limit = self._limits.rooms_per_message
        if limit and len(names) > limit:
            raise Refusal(
                f"{len(names)} rooms in one message; {limit} are allowed.", code="too_many_rooms"
            )
        for name in names:
            self._check_publish(peer.socket, name)
        relayed: list[str] = []
        for name in names:
            found = self._rooms.find(name)
            spec = found[0].event(message.event) if found and message.event is not None else None
            if spec is None or found is None:
                if not self._open:
                    raise self._unknown(message, found)
                relayed.append(name)
            elif found[0].handlers.of(spec.name):
                await self._into_room(peer, _for_room(message, name), name)
            else:
                relayed.append(name)
        if not relayed or await self._relay_rooms(peer, message, relayed):
            self._acknowledge(peer.socket, message)

    async def _relay_rooms(self, peer: Peer, message: Message, names: Sequence[str]) -> bool:
        spec = self._catalogue.by_name.get(message.event) if message.event is not None else None
        if spec is None or self._open:
            self._relay_unknown(peer.socket, message, names)
            return True
        value = await self._validated(peer.socket, spec, message)
        if value is _NOTHING:
            return False
        self._hub.relay(names, spec, value, exclude=peer.socket, bulk=True)
        return True

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
            return _NOTHING

    async def _run(
        self, peer: Peer, message: Message, handlers: Sequence[Handler], values: tuple[Any, ...]
    ) -> None:
        for handler in handlers:
            if handler.concurrent:
                peer.spawn(partial(self._run_beside, peer.socket, message, handler, values))
            else:
                peer.start(Phase.HANDLER, self._handler_timeout)
                await self._call(peer.socket, message, handler, values)
        peer.done()

    async def _run_beside(
        self, socket: Socket[Any], message: Message, handler: Handler, values: tuple[Any, ...]
    ) -> None:
        with move_on_after(self._handler_timeout or None) as scope:
            await self._call(socket, message, handler, values)
        if scope.cancelled_caught:
            self.timed_out(socket, message)

    async def _call(
        self, socket: Socket[Any], message: Message, handler: Handler, values: tuple[Any, ...]
    ) -> None:
        """Call one handler and see to its result.

        This is one of the two boundaries where an application's exceptions end.
        """
        try:
            result = await handler.bound.invoke(*values)
            self._conclude(socket, message, handler, values, result)
        except Refusal as refusal:
            refuse(socket, message, Phase.HANDLER, refusal)
        except Exception:
            source = handler.bound.source
            logger.exception("handler %s of %r failed, %s", source, message.event, socket)
            refuse(socket, message, Phase.HANDLER, INTERNAL)

    def _conclude(
        self,
        socket: Socket[Any],
        message: Message,
        handler: Handler,
        values: tuple[Any, ...],
        result: Any,
    ) -> None:
        if message.room is not None:
            if isinstance(result, ServerEvent | Payload):
                self._hub.publish((message.room,), result, exclude=socket)  # type: ignore[arg-type]  # the catalogue refuses what cannot be emitted
                result = None
            elif result is None and handler.spec.from_server:
                self._hub.relay((message.room,), handler.spec, values[1], exclude=socket)
        if handler.reply is None:
            self._acknowledge(socket, message)
        elif message.id is not None:
            reply = handler.reply
            if not isinstance(reply.annotation, type) or not isinstance(result, reply.annotation):
                result = reply.adapter.validate_python(result)
            self._reply(socket, message, reply.dump(result, socket.codec))

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

    def _relay_unknown(self, socket: Socket[Any], message: Message, names: Sequence[str]) -> None:
        if message.event is None:
            return
        spec = EventSpec(message.event, "both", Any)
        spec.payload = _ANYTHING.payload
        bulk = message.rooms is not None
        self._hub.relay(names, spec, message.data, exclude=socket, bulk=bulk)

    def _unknown(self, message: Message, found: tuple[Room, Any] | None = None) -> Refusal:
        if message.room is not None and found is None:
            return Refusal(f"There is no room {message.room[:64]!r}.", code="unknown_room")
        name = message.event if isinstance(message.event, int | float) else str(message.event)[:64]
        place = f" in room {found[0].pattern.text!r}" if found else ""
        return Refusal(
            f"Event {name!r} is not one that clients may send{place}.{self._catalogue.near(name)}",
            code="unknown_event",
        )


def _for_room(message: Message, name: str) -> Message:
    # Without the id: a message for several rooms is acknowledged once, for all of them.
    return Message(message.event, message.data, name, codec=message.codec)
