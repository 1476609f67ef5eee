"""Handlers at work: called in order or beside the others, and answered for."""

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

from anyio import move_on_after

from bytesocket_app.dispatch.answers import INTERNAL, TIMEOUT, acknowledge, refuse, reply
from bytesocket_app.dispatch.handlers import Handler
from bytesocket_app.dispatch.http_errors import http_refusal
from bytesocket_app.dispatch.peer import Peer
from bytesocket_app.errors import Phase, Refusal
from bytesocket_app.events import ServerEvent
from bytesocket_app.events.declared import is_payload
from bytesocket_app.hub import Hub
from bytesocket_app.middleware import Message
from bytesocket_app.socket import Socket

logger = logging.getLogger("bytesocket")


class HandlerCalls:
    """Calls the handlers of one message and sends what they return.

    Args:
        hub: Where events for a room go.
        timeout: Seconds that one call may take; 0 for as long as it likes.
    """

    def __init__(self, hub: Hub, timeout: float) -> None:
        self._hub = hub
        self._timeout = timeout

    async def run(
        self, peer: Peer, message: Message, handlers: Sequence[Handler], values: tuple[Any, ...]
    ) -> bool:
        """Call the handlers of a message; True if it is to be relayed as it was sent.

        A request gets one answer: the reply of the one handler that has any, else a word that all
        are done. Handlers that run beside the others have their say only where there is no other.

        Raises:
            Refusal: What the first handler that failed refuses with; the others ran too.
        """
        in_order = [handler for handler in handlers if not handler.concurrent]
        replies = any(handler.reply is not None for handler in handlers)
        refused: Refusal | None = None
        relay = False
        for handler in in_order:
            peer.start(Phase.HANDLER, self._timeout)
            try:
                relay = await self._call(peer.socket, message, handler, values) or relay
            except Refusal as refusal:
                refused = refused or refusal
        peer.done()
        for handler in handlers:
            if handler.concurrent:
                alone = not in_order and handler is handlers[-1]
                work = partial(self._run_beside, peer, message, handler, values, alone=alone)
                peer.spawn(work)
        if refused is not None:
            raise refused
        if in_order and not replies:
            acknowledge(peer.socket, message)
        return relay

    async def _run_beside(
        self,
        peer: Peer,
        message: Message,
        handler: Handler,
        values: tuple[Any, ...],
        *,
        alone: bool,
    ) -> None:
        socket = peer.socket
        with move_on_after(self._timeout or None) as scope:
            try:
                relay = await self._call(socket, message, handler, values)
            except Refusal as refusal:
                refuse(socket, message, Phase.HANDLER, refusal)
            else:
                if alone and relay and message.room is not None:
                    self._hub.relay((message.room,), handler.spec, values[1], exclude=socket)
                if alone and handler.reply is None:
                    acknowledge(socket, message)
        if scope.cancelled_caught:
            self.timed_out(socket, message)

    async def _call(
        self, socket: Socket[Any], message: Message, handler: Handler, values: tuple[Any, ...]
    ) -> bool:
        """Call one handler and see to its result; True to relay the message.

        This is one of the two boundaries where an application's exceptions end.

        Raises:
            Refusal: The handler's own, or that something went wrong.
        """
        try:
            result = await handler.bound.invoke(*values)
            return self._conclude(socket, message, handler, result)
        except Refusal:
            raise
        except Exception as exc:
            refusal = http_refusal(exc)
            if refusal is not None:
                raise refusal from exc
            source = handler.bound.source
            logger.exception("handler %s of %r failed, %s", source, message.event, socket)
            raise Refusal(INTERNAL.message, code=INTERNAL.code) from exc

    def _conclude(
        self, socket: Socket[Any], message: Message, handler: Handler, result: Any
    ) -> bool:
        relay = False
        if message.room is not None:
            if isinstance(result, ServerEvent) or is_payload(result):
                outgoing: Any = result  # the catalogue refuses what cannot be emitted
                self._hub.publish((message.room,), outgoing, exclude=socket)
                result = None
            elif result is None:
                relay = handler.spec.from_server
        if handler.reply is not None and message.id is not None:
            data = handler.reply.adapter.validate_python(result)
            reply(socket, message, handler.reply.dump(data, socket.codec))
        return relay

    def timed_out(self, socket: Socket[Any], message: Message) -> None:
        """Answer for a handler that took too long."""
        logger.error("handler of %r took too long, %s", message.event, socket)
        refuse(socket, message, Phase.HANDLER, TIMEOUT)
