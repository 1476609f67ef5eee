"""Handlers at work: called one after another or concurrently, and answered for."""

from enum import Enum
from functools import partial
from typing import Any, Final

from anyio import CancelScope, move_on_after

from bytesocket_app.declarations.handlers import Handler, ResolvedHandlers
from bytesocket_app.dispatch.answers import TIMEOUT, acknowledge, refuse, reply
from bytesocket_app.dispatch.incoming import Incoming
from bytesocket_app.dispatch.runtime import Runtime
from bytesocket_app.dispatch.step import Step
from bytesocket_app.errors import Phase, Refusal
from bytesocket_app.events import ServerEvent
from bytesocket_app.events.declared import is_payload
from bytesocket_app.telemetry import Count, Operation

_HANDLER: Final = Phase.HANDLER


class _Cut(Enum):
    CUT = "cancelled with its connection"


_CUT: Final = _Cut.CUT
"""In place of the result of a handler that was cancelled when its connection was over."""


class _Late(Refusal, code=TIMEOUT.code):
    """A handler took too long, and its middleware is to see that."""

    def __init__(self) -> None:
        super().__init__(TIMEOUT.message)


class HandlerRunner:
    """Calls the handlers of one message and sends what they return.

    Args:
        runtime: The parts of the application.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._hub = runtime.hub
        self._failures = runtime.lifecycle.failures
        self._telemetry = runtime.telemetry
        self._timeout = runtime.settings.timeouts.handler

    async def run(  # noqa: C901, PLR0912 - the hot path: a call less for each message
        self, step: Step, message: Incoming, handlers: ResolvedHandlers, values: tuple[Any, ...]
    ) -> bool:
        """Call the handlers of a message; True if it is to be relayed as it was sent.

        A request gets one answer: the reply of the one handler that has any, else a word that all
        are done. A concurrent handler's reply is sent only if no sequential handler has one.

        Raises:
            Refusal: The refusal of the first handler that failed, in a room; the others ran too.
                For a global event that is the answer, and is sent.
        """
        refused: Refusal | None = None
        answered: tuple[bytes, Any] | None = None
        relay = False
        asked = message.id is not None or message.answer is not None
        for handler in handlers.sequential:
            step.phase, step.seconds, step.since = _HANDLER, self._timeout, None
            bound = handler.bound
            try:
                if message.answer is not None or handler.cancel_on_close:
                    result = await self._bounded(step, message, handler, values)
                elif bound.asks_first_two:  # as nearly every handler does
                    function = bound.function
                    result = await function(values[0], values[1])
                else:
                    result = await bound.invoke(*values)
                if message.room is not None:
                    result, again = self._into_room(step, message.room, handler, result)
                    relay = relay or again
                if asked and handler.reply is not None and result is not _CUT:
                    answered = _reply_of(step, message, handler, result)
            except BaseException as exc:  # noqa: BLE001 - ends in the boundary
                refusal = await self._failed(step, message, handler, exc)
                refused = refused or refusal
        step.seconds = 0
        if handlers.concurrent:
            self._start_concurrent(step, message, handlers, values)
        if refused is not None and message.room is not None:
            raise refused
        if refused is not None:
            refuse(step, message, _HANDLER, refused)
        elif answered is not None:
            reply(step, message, *answered)
        elif message.id is not None and handlers.sequential and not handlers.replies:
            acknowledge(step, message)
        return relay

    async def timed_out(self, step: Step, message: Incoming) -> None:
        """Answer for a handler that took too long."""
        step.outcome = TIMEOUT.code
        self._telemetry.count(Count.LATE, socket=step.sending.socket_id, phase=_HANDLER.value)
        await self._failures.late(
            phase_of(message),
            f"handler of {message.event!r}",
            self._late_error(),
            socket=step.socket,
            event=message.event,
            answer=lambda: refuse(step, message, _HANDLER, TIMEOUT),
        )

    def _late_error(self) -> TimeoutError:
        return TimeoutError(f"Handler timeout after {self._timeout:g} s")

    async def _bounded(
        self, step: Step, message: Incoming, handler: Handler, values: tuple[Any, ...]
    ) -> Any:
        """Call a handler in a cancel scope of its own.

        Under middleware its deadline is the scope's, so that the steps around it see a timeout as
        an exception and can go on; with `cancel_on_close` the loss of the connection cancels it.
        """
        sending, seconds = step.sending, 0.0
        if message.answer is not None:
            step.seconds, seconds = 0, self._timeout
        if handler.cancel_on_close and sending.is_closed:
            self._telemetry.count(Count.DROPPED, socket=sending.socket_id, reason="closed")
            return _CUT
        with move_on_after(seconds or None) as scope:
            step.cancels = scope if handler.cancel_on_close else None
            try:
                return await handler.bound.invoke(*values)
            finally:
                step.cancels = None
        if handler.cancel_on_close and sending.is_closed:
            return _CUT
        raise _Late

    def _start_concurrent(
        self, step: Step, message: Incoming, handlers: ResolvedHandlers, values: tuple[Any, ...]
    ) -> None:
        alone = None if handlers.sequential else handlers.concurrent[-1]
        if alone is not None:
            step.outcome = "deferred"
            if message.answer is not None:
                message.answer.is_deferred = True
        own = message.apart()
        for handler in handlers.concurrent:
            beside = step.fork()
            work = partial(
                self._run_concurrent, beside, own, handler, values, alone=handler is alone
            )
            step.spawn(beside, work)

    async def _run_concurrent(
        self,
        step: Step,
        message: Incoming,
        handler: Handler,
        values: tuple[Any, ...],
        *,
        alone: bool,
    ) -> None:
        """Run a concurrent handler to its end, as an operation of its own."""
        telemetry = self._telemetry
        if telemetry.listener is None:
            await self._call_concurrent(step, message, handler, values, alone=alone)
            return
        token = telemetry.began(Operation.MESSAGE, {**observed(step, message), "concurrent": True})
        step.outcome = "cancelled"
        try:
            await self._call_concurrent(step, message, handler, values, alone=alone)
        finally:
            telemetry.ended(token, step.outcome)

    async def _call_concurrent(
        self,
        step: Step,
        message: Incoming,
        handler: Handler,
        values: tuple[Any, ...],
        *,
        alone: bool,
    ) -> None:
        sending = step.sending
        with CancelScope() as closing, move_on_after(self._timeout or None) as scope:
            if handler.cancel_on_close:
                step.cancels = closing
                if sending.is_closed:
                    closing.cancel()
            try:
                result = await handler.bound.invoke(*values)
                self._conclude(step, message, handler, result, values, alone=alone)
                step.outcome = "ok"
                if sending.is_crowded:
                    await sending.drained()
            except BaseException as exc:  # noqa: BLE001 - ends in the boundary
                refusal = await self._failed(step, message, handler, exc)
                refuse(step, message, _HANDLER, refusal)
        if scope.cancelled_caught:
            await self.timed_out(step, message)

    def _conclude(
        self,
        step: Step,
        message: Incoming,
        handler: Handler,
        result: Any,
        values: tuple[Any, ...],
        *,
        alone: bool,
    ) -> None:
        """See to what a concurrent handler returned."""
        if message.room is not None:
            result, relay = self._into_room(step, message.room, handler, result)
            if alone and relay:
                own = step.sending.socket_id
                self._hub.relay((message.room,), handler.spec, values[1], exclude=own)
        if handler.reply is not None:
            if message.id is not None:
                reply(step, message, *_reply_of(step, message, handler, result))
        elif alone:
            acknowledge(step, message)

    async def _failed(
        self, step: Step, message: Incoming, handler: Handler, error: BaseException
    ) -> Refusal:
        """End what a handler raised in the boundary; returns what the peer is told."""
        phase, what = phase_of(message), f"handler {handler.bound.source} of {message.event!r}"
        socket, event = step.socket, message.event
        if isinstance(error, _Late):
            self._telemetry.count(Count.LATE, socket=step.sending.socket_id, phase=_HANDLER.value)
            await self._failures.late(phase, what, self._late_error(), socket=socket, event=event)
            return error
        return await self._failures.end(error, phase, what, socket=socket, event=event)

    def _into_room(self, step: Step, room: str, handler: Handler, result: Any) -> tuple[Any, bool]:
        """See to what a room's handler returned.

        Returns:
            (result, relay): what is left of it as a reply; and True to relay the message.
        """
        if isinstance(result, ServerEvent) or is_payload(result):
            outgoing: Any = result  # the catalogue refuses what cannot be emitted
            self._hub.publish((room,), outgoing, exclude=step.sending.socket_id)
            return None, False
        return result, result is None and handler.spec.from_server


def _reply_of(step: Step, message: Incoming, handler: Handler, result: Any) -> tuple[bytes, Any]:
    """Validate a reply; returns it encoded, if somebody asked for it, and its value."""
    assert handler.reply is not None  # noqa: S101 - asked by the callers
    value = handler.reply.adapter.validate_python(result)
    data = b"" if message.id is None else handler.reply.dump(value, step.sending.codec)
    return data, value


def phase_of(message: Incoming) -> Phase:
    """Return the phase under which the error hooks hear of a message's handlers."""
    if message.room is not None:
        return Phase.ROOM_MESSAGE if message.rooms is None else Phase.ROOMS_MESSAGE
    return _HANDLER


def observed(step: Step, message: Incoming) -> dict[str, Any]:
    """Return the values of an event message for telemetry."""
    sending = step.sending
    return {
        "socket": sending.socket_id,
        "user": sending.user_key,
        "kind": "event",
        "event": message.event,
        "room": message.room,
        "rooms": message.rooms,
        "request": message.id is not None,
        "concurrent": False,
    }
