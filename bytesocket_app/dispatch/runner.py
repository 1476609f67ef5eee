"""Running of handlers, one after another or concurrently, and of their answers."""

from functools import partial
from typing import Any, Final

from anyio import CancelScope, move_on_after
from pydantic import ValidationError

from bytesocket_app.declarations.handlers import Handler, ResolvedHandlers
from bytesocket_app.dispatch.answers import TIMEOUT, acknowledge, refuse, reply
from bytesocket_app.dispatch.incoming import Incoming
from bytesocket_app.dispatch.returned import undeclared_event, unread_reply, wrong_reply
from bytesocket_app.dispatch.runtime import Runtime
from bytesocket_app.dispatch.step import Step
from bytesocket_app.errors import Phase, Refusal
from bytesocket_app.events import ServerEvent
from bytesocket_app.events.declared import is_payload
from bytesocket_app.telemetry import Count, Operation, Telemetry

_HANDLER: Final = Phase.HANDLER


class _Cut(Refusal, code="cancelled"):
    """The connection ended before a handler with `cancel_on_close`, or while it ran.

    Middleware gets it, as it gets other failures; nobody else hears of it.
    """

    def __init__(self) -> None:
        super().__init__("The connection ended.")


class HandlerTimeout(Refusal, code=TIMEOUT.code):
    """Refusal of a message whose handler took too long, raised for its middleware."""

    def __init__(self) -> None:
        super().__init__(TIMEOUT.message)


class HandlerRunner:
    """Runner of the handlers of a message, which sends their replies.

    Args:
        runtime: The parts of the application.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._hub = runtime.hub
        self._failures = runtime.lifecycle.failures
        self._promises = runtime.lifecycle.failures.promises
        self._telemetry = runtime.telemetry
        self._timeout = runtime.settings.timeouts.handler
        self._is_chain = runtime.settings.policies.room_handlers == "chain"

    async def run(  # noqa: C901, PLR0912, PLR0915 - the hot path: a call less for each message
        self, step: Step, message: Incoming, handlers: ResolvedHandlers, values: tuple[Any, ...]
    ) -> bool:
        """Call the handlers of a message; returns True if the message has to be relayed.

        A request gets one answer: the reply of the handler that has one, or null when all are done.
        A concurrent handler's reply is sent only if no sequential handler has one.

        Raises:
            Refusal: The refusal of the first failed handler, in a room, after the others ran. For
                an event without a room it is sent as the answer instead.
        """
        refused: Refusal | None = None
        answered: tuple[bytes, Any] | None = None
        relay, replies = False, handlers.replies
        asked = message.id is not None or message.answer is not None
        for handler in handlers.sequential:
            bound = handler.bound
            if bound.is_removed:  # by one of those before
                replies = replies and handler.reply is None
                continue
            step.phase, step.seconds, step.since = _HANDLER, self._timeout, None
            step.source = bound.source
            try:
                if handler.cancel_on_close or (message.answer is not None and self._timeout):
                    result = await self._bounded(step, message, handler, values)
                elif bound.asks_first_two:  # the usual case
                    function = bound.function
                    result = await function(values[0], values[1])
                else:
                    result = await bound.invoke(*values)
                if message.room is not None:
                    result, again = self._into_room(step, message.room, handler, result)
                    relay = relay or again
                if asked and handler.reply is not None:
                    answered = _reply_of(step, message, handler, result)
                elif result is not None and handler.reply is None:
                    unread_reply(self._promises, handler, result)
            except _Cut as cut:
                refused = refused or cut
            except BaseException as exc:  # noqa: BLE001 - ends in the boundary
                refusal = await self._failed(step, message, handler, exc)
                refused = refused or refusal
                if self._is_chain and message.room is not None:
                    break
        step.seconds = 0
        if handlers.concurrent and any(each.bound.is_removed for each in handlers.concurrent):
            handlers = handlers.without_removed()
            replies = handlers.replies
        if handlers.concurrent and not (self._is_chain and refused and message.room is not None):
            owner = _owner(message, handlers, refused)
            self._start_concurrent(step, message, handlers, values, owner)
        if refused is not None and message.room is not None:
            raise refused
        if refused is not None:
            refuse(step, message, _HANDLER, refused)
        elif answered is not None:
            reply(step, message, *answered)
        elif message.id is None or replies:
            pass  # a concurrent one answers, or nobody asks
        elif handlers.sequential or not handlers.concurrent:
            acknowledge(step, message)
        return relay

    async def timed_out(self, step: Step, message: Incoming) -> None:
        """Answer a message whose handler took too long."""
        step.outcome = TIMEOUT.code
        self._telemetry.count(Count.LATE, socket=step.sending.socket_id, phase=_HANDLER.value)
        await self._failures.late(
            phase_of(message),
            f"handler {step.source} of {message.event!r}",
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

        With middleware a sweep that finds the handler late cancels only this scope, so that the
        steps get a timeout as an exception and can continue. With `cancel_on_close` the loss of the
        connection cancels it.
        """
        sending, bound = step.sending, handler.bound
        if handler.cancel_on_close and sending.is_closed:
            self._telemetry.count(Count.DROPPED, socket=sending.socket_id, reason="closed")
            raise _Cut
        with step.new_scope() as scope:
            if message.answer is not None:
                step.bounds = scope
            if handler.cancel_on_close:
                step.cancels = scope
            try:
                if bound.asks_first_two:
                    function = bound.function
                    return await function(values[0], values[1])
                return await bound.invoke(*values)
            finally:
                if message.answer is not None:
                    step.seconds = 0
                step.bounds = step.cancels = None
        if handler.cancel_on_close and sending.is_closed:
            raise _Cut
        raise HandlerTimeout

    def _start_concurrent(
        self,
        step: Step,
        message: Incoming,
        handlers: ResolvedHandlers,
        values: tuple[Any, ...],
        owner: Handler | None,
    ) -> None:
        alone = None if handlers.sequential else handlers.concurrent[-1]
        if alone is not None:
            step.outcome = "deferred"
        for handler in handlers.concurrent:
            own = message.apart()
            if handler is not owner:
                own.id = None
            elif message.answer is not None:
                message.answer.owner = own
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
        """Run a concurrent handler, as a telemetry operation of its own."""
        telemetry = self._telemetry
        if telemetry.listener is None:
            await self._call_concurrent(step, message, handler, values, alone=alone)
            return
        token = telemetry.began(Operation.MESSAGE, {**observed(step, message), "concurrent": True})
        step.outcome = "cancelled"
        try:
            await self._call_concurrent(step, message, handler, values, alone=alone)
        finally:
            ended(telemetry, token, step.outcome)

    async def _call_concurrent(
        self,
        step: Step,
        message: Incoming,
        handler: Handler,
        values: tuple[Any, ...],
        *,
        alone: bool,
    ) -> None:
        sending, step.source = step.sending, handler.bound.source
        is_done = False
        if handler.bound.is_removed:  # while it waited for its turn
            acknowledge(step, message)
            step.outcome = "ok"
            return
        with CancelScope() as closing, move_on_after(self._timeout or None) as scope:
            if handler.cancel_on_close:
                step.cancels = closing
                if sending.is_closed:
                    closing.cancel()
            try:
                result = await handler.bound.invoke(*values)
                self._conclude(step, message, handler, result, values, alone=alone)
                step.outcome, is_done = "ok", True
            except BaseException as exc:  # noqa: BLE001 - ends in the boundary
                refusal = await self._failed(step, message, handler, exc)
                refuse(step, message, _HANDLER, refusal)
        if scope.cancelled_caught:
            await self.timed_out(step, message)
        elif is_done and sending.is_crowded:  # the answer has gone: no deadline of the handler's
            await sending.drained()

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
        """Process the result of a concurrent handler."""
        if message.room is not None:
            result, relay = self._into_room(step, message.room, handler, result)
            if alone and relay:
                own = step.sending.socket_id
                self._hub.relay((message.room,), handler.spec, values[1], exclude=own)
        if handler.reply is not None:
            if message.id is not None:
                reply(step, message, *_reply_of(step, message, handler, result))
            return
        if result is not None:
            unread_reply(self._promises, handler, result)
        if alone:
            acknowledge(step, message)

    async def _failed(
        self, step: Step, message: Incoming, handler: Handler, error: BaseException
    ) -> Refusal:
        """Handle an exception of a handler; returns the refusal for the peer."""
        step.seconds = 0  # the error hooks have a deadline of their own
        phase, what = phase_of(message), f"handler {handler.bound.source} of {message.event!r}"
        socket, event = step.socket, message.event
        if isinstance(error, HandlerTimeout):
            self._telemetry.count(Count.LATE, socket=step.sending.socket_id, phase=_HANDLER.value)
            await self._failures.late(phase, what, self._late_error(), socket=socket, event=event)
            return error
        return await self._failures.end(
            error, phase, what, socket=socket, event=event, raises=handler.raises
        )

    def _into_room(self, step: Step, room: str, handler: Handler, result: Any) -> tuple[Any, bool]:
        """Process the result of a room's handler.

        Returns:
            (result, relay): the value of the reply; and True to relay the message.
        """
        if isinstance(result, ServerEvent) or is_payload(result):
            of_handle = handler.emits_handles and is_payload(result)
            if type(result) not in handler.emits and not of_handle:
                undeclared_event(self._promises, handler, result)
            outgoing: Any = result  # the catalogue refuses what cannot be emitted
            self._hub.publish((room,), outgoing, exclude=step.sending.socket_id)
            return None, False
        return result, result is None and handler.spec.from_server


def _owner(
    message: Incoming, handlers: ResolvedHandlers, refused: Refusal | None
) -> Handler | None:
    """Return the concurrent handler whose result is the answer to a request; None if none is."""
    answer = message.answer
    if refused is not None or (answer is not None and answer.owner is not None):
        return None
    if handlers.replies:
        return next((each for each in handlers.concurrent if each.reply is not None), None)
    return None if handlers.sequential else handlers.concurrent[-1]


def _reply_of(step: Step, message: Incoming, handler: Handler, result: Any) -> tuple[bytes, Any]:
    """Validate a reply; returns its encoding, empty without a request, and its value."""
    assert handler.reply is not None  # noqa: S101 - asked by the callers
    try:
        value = handler.reply.adapter.validate_python(result)
    except ValidationError as exc:
        raise wrong_reply(handler, handler.reply, result, exc) from exc
    data = b"" if message.id is None else handler.reply.dump(value, step.sending.codec)
    return data, value


def phase_of(message: Incoming) -> Phase:
    """Return the phase of a failure in a message's handlers, for the error hooks."""
    if message.rooms is not None:  # for all of them, or the part of it for one room
        return Phase.ROOMS_MESSAGE
    return _HANDLER if message.room is None else Phase.ROOM_MESSAGE


def ended(telemetry: Telemetry, token: Any, outcome: str) -> None:
    """End the operation of a message, and count it if its answer is a refusal."""
    telemetry.ended(token, outcome)
    if outcome not in {"ok", "deferred", "cancelled"}:
        telemetry.count(Count.REFUSED, code=outcome)


def observed(step: Step, message: Incoming) -> dict[str, Any]:
    """Return the telemetry values of an event message."""
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
