"""Handlers at work: called in order or beside the others, and answered for."""

import logging
from functools import partial
from typing import Any, Final

from anyio import move_on_after

from bytesocket_app.declarations.handlers import Handler, ResolvedHandlers
from bytesocket_app.delivery.hub import Hub
from bytesocket_app.dispatch.answers import INTERNAL, TIMEOUT, acknowledge, refuse, reply
from bytesocket_app.dispatch.incoming import Incoming
from bytesocket_app.dispatch.step import Step
from bytesocket_app.errors import Phase, Refusal
from bytesocket_app.events import ServerEvent
from bytesocket_app.events.declared import is_payload
from bytesocket_app.socket import Socket
from bytesocket_app.transports.http_errors import http_refusal

_HANDLER: Final = Phase.HANDLER

logger = logging.getLogger("bytesocket")


class HandlerRunner:
    """ResolvedHandlers the handlers of one message and sends what they return.

    Args:
        hub: Where events for a room go.
        timeout: Seconds that one call may take; 0 for as long as it likes.
    """

    def __init__(self, hub: Hub, timeout: float) -> None:
        self._hub = hub
        self._timeout = timeout

    async def run(
        self, step: Step, message: Incoming, calls: ResolvedHandlers, values: tuple[Any, ...]
    ) -> bool:
        """Call the handlers of a message; True if it is to be relayed as it was sent.

        A request gets one answer: the reply of the one handler that has any, else a word that all
        are done. Handlers that run beside the others have their say only where there is no other.

        Raises:
            Refusal: What the first handler that failed refuses with, in a room; the others ran
                too. For a global event that is the answer, and is sent.
        """
        socket = step.socket
        refused: Refusal | None = None
        relay = False
        for handler in calls.sequential:
            step.phase, step.seconds, step.since = _HANDLER, self._timeout, None
            bound = handler.bound
            try:
                if bound.asks_first_two:  # as nearly every handler does
                    function = bound.function
                    result = await function(values[0], values[1])
                else:
                    result = await bound.invoke(*values)
                if message.room is not None or handler.reply is not None:
                    relay = self._conclude(socket, message, handler, result) or relay
            except Exception as exc:  # noqa: BLE001 - ends, logged, in `_refusal`
                refused = refused or self._refusal(socket, message, handler, exc)
        step.seconds = 0
        if calls.concurrent:
            self._start_concurrent(step, message, calls, values)
        if refused is not None:
            if message.room is not None:
                raise refused
            refuse(socket, message, _HANDLER, refused)
        elif message.id is not None and calls.sequential and not calls.replies:
            acknowledge(socket, message)
        return relay

    def _start_concurrent(
        self, step: Step, message: Incoming, calls: ResolvedHandlers, values: tuple[Any, ...]
    ) -> None:
        alone = None if calls.sequential else calls.concurrent[-1]
        for handler in calls.concurrent:
            work = partial(
                self._run_concurrent, step, message, handler, values, alone=handler is alone
            )
            step.spawn(work)

    async def _run_concurrent(
        self,
        step: Step,
        message: Incoming,
        handler: Handler,
        values: tuple[Any, ...],
        *,
        alone: bool,
    ) -> None:
        socket = step.socket
        with move_on_after(self._timeout or None) as scope:
            try:
                result = await handler.bound.invoke(*values)
                relay = self._conclude(socket, message, handler, result)
            except Exception as exc:  # noqa: BLE001 - ends, logged, in `_refusal`
                refusal = self._refusal(socket, message, handler, exc)
                refuse(socket, message, Phase.HANDLER, refusal)
            else:
                if alone and relay and message.room is not None:
                    self._hub.relay((message.room,), handler.spec, values[1], exclude=socket)
                if alone and handler.reply is None:
                    acknowledge(socket, message)
        if scope.cancelled_caught:
            self.timed_out(socket, message)

    def _refusal(
        self, socket: Socket[Any], message: Incoming, handler: Handler, error: Exception
    ) -> Refusal:
        """What the peer is told of what a handler raised.

        This is one of the two boundaries where an application's exceptions end.
        """
        if isinstance(error, Refusal):
            return error
        refusal = http_refusal(error)
        if refusal is None:
            source = handler.bound.source
            logger.error(
                "handler %s of %r failed, %s", source, message.event, socket, exc_info=error
            )
            refusal = Refusal(INTERNAL.message, code=INTERNAL.code)
        refusal.__cause__ = error
        return refusal

    def _conclude(
        self, socket: Socket[Any], message: Incoming, handler: Handler, result: Any
    ) -> bool:
        """See to what a handler returned; True to relay the message."""
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

    def timed_out(self, socket: Socket[Any], message: Incoming) -> None:
        """Answer for a handler that took too long."""
        logger.error("handler of %r took too long, %s", message.event, socket)
        refuse(socket, message, Phase.HANDLER, TIMEOUT)
