"""Dispatcher of incoming frames, in the order of protocol.md section 3."""

from collections.abc import Awaitable
from datetime import datetime
from sys import maxsize
from typing import Any, Final

from bytesocket_app.dispatch.answers import TIMEOUT, close_for, refuse_now
from bytesocket_app.dispatch.authentication import Authentication
from bytesocket_app.dispatch.events import EventRouter
from bytesocket_app.dispatch.filters import Filters
from bytesocket_app.dispatch.incoming import Incoming, nothing
from bytesocket_app.dispatch.membership_requests import PHASES, MembershipRequests
from bytesocket_app.dispatch.presence import change_entry
from bytesocket_app.dispatch.rates import Rates
from bytesocket_app.dispatch.rooms import RoomHooks
from bytesocket_app.dispatch.runner import HandlerRunner, ended, observed
from bytesocket_app.dispatch.runtime import Runtime
from bytesocket_app.dispatch.step import Step
from bytesocket_app.errors import DecodeError, ErrorContext, Phase
from bytesocket_app.lifecycle import HookKind
from bytesocket_app.telemetry import Count, Operation
from bytesocket_app.types import CodecName
from bytesocket_app.wire import UNLIMITED, decode, decode_json
from bytesocket_app.wire.message_type import MessageType
from bytesocket_app.wire.portable import kind_of
from bytesocket_app.wire.shapes import is_longer, is_presence, is_room, is_rooms, lifecycle_type

RAW_EXCERPT: Final = 256
"""Characters of a malformed message that the error hooks get (protocol.md Q26)."""

_SMALL: Final = 10**7
"""Integers below this are no long ids, whatever the limit."""

_KINDS: Final = {
    MessageType.JOIN_ROOM: "join",
    MessageType.JOIN_ROOMS: "join",
    MessageType.LEAVE_ROOM: "leave",
    MessageType.LEAVE_ROOMS: "leave",
}


class Dispatcher:
    """Dispatcher of the messages of an application's connections.

    No failure of the application or of a peer goes beyond it: a message is handled, ignored,
    answered with a refusal, or its own connection is closed.

    Args:
        runtime: The parts of the application.
        hooks: The guards and hooks of rooms.

    Attributes:
        authentication: The authentication of connections.
    """

    def __init__(self, runtime: Runtime, hooks: RoomHooks) -> None:
        runner = HandlerRunner(runtime)
        self.authentication = Authentication(runtime)
        self._runner = runner
        self._filters = Filters(runtime)
        self._router = EventRouter(runtime, runner, self._filters)
        self._rates = Rates(runtime)
        self._limiter: Rates | None = None
        self._requests = MembershipRequests(runtime, hooks, self._rates)
        self._presence = runtime.presence
        self._middleware = runtime.middleware
        self._lifecycle = runtime.lifecycle
        self._catalogue = runtime.catalogue
        self._telemetry = runtime.telemetry
        self._timeouts = runtime.settings.timeouts
        self._policies = runtime.settings.policies
        self._depth = runtime.settings.limits.depth or 200
        self._elements = runtime.settings.limits.elements or UNLIMITED
        self._id_bytes = runtime.settings.limits.request_id_bytes or maxsize
        runtime.rates.changed = self._limit
        self._limit()

    def _limit(self) -> None:
        """Begin to look at rates, once there are any: until then a message pays one look."""
        if self._rates.has_any:
            self._limiter = self._rates

    async def announce(self, step: Step, payload: bytes | str, is_binary: bool) -> None:  # noqa: FBT001
        """Run the message hooks for a frame, before it is decoded."""
        socket = step.socket
        await self._lifecycle.run(HookKind.MESSAGE, socket, socket, payload, is_binary)

    def dispatch(  # noqa: C901, PLR0911, PLR0912 - the hot path: a call less for each message
        self,
        step: Step,
        payload: bytes | str,
        is_binary: bool,  # noqa: FBT001
    ) -> Awaitable[None]:
        """Decode and handle one frame; returns an awaitable for the rest of the work.

        Work without waiting is done before it returns, which saves a coroutine for every message.
        """
        if is_binary and not payload:
            return nothing()  # a ping, already answered
        message: Any
        try:
            if is_binary:
                message = decode(
                    payload, is_binary, max_depth=self._depth, max_elements=self._elements
                )
            else:
                message = decode_json(payload, max_depth=self._depth, max_elements=self._elements)
        except DecodeError as exc:
            return self._malformed(step, Phase.DECODE, exc, payload, "decode error")
        codec: CodecName = "binary" if is_binary else "json"
        if kind_of(message) is not dict:
            return self._classify_other(step, message, payload, codec)
        if "type" in message or not step.sending.is_authenticated:
            special = self._special(step, message, codec, len(payload))
            if special is not None:
                return special
        if ("room" in message and "rooms" in message) or (
            # Without a call for the ids of our clients, which are small integers.
            "id" in message and not (type(message["id"]) is int and 0 <= message["id"] < _SMALL)
        ):
            refused = self._refused(message)
            if refused is not None:
                close_for(step, self._telemetry, refused)
                return nothing()
        incoming = Incoming(message, codec, len(payload))
        if self._limiter is not None and not (passes := self._limiter.passes(step, incoming)):
            return nothing() if passes is False else self._pass_everywhere(step, incoming)
        if self._telemetry.listener is not None:
            return self._pass(step, incoming)
        has_steps = self._middleware.steps
        return self._filter(step, incoming) if has_steps else self._router.route(step, incoming)

    async def overran(self, step: Step) -> None:
        """Answer the message of a step that was cancelled because it took too long."""
        message, phase = step.message, step.phase
        step.done()
        step.is_overdue = False
        if phase is Phase.AUTH:
            await self.authentication.late(step.socket, step.sending, is_at_work=True)
        elif phase in PHASES.values():
            await self._requests.overran(step)
        elif message is not None and phase is Phase.HANDLER:
            await self._runner.timed_out(step, message)
        elif message is not None:
            late = Phase.MIDDLEWARE_TIMEOUT
            self._telemetry.count(Count.LATE, socket=step.sending.socket_id, phase=late.value)
            answer = message.answer
            is_answered = answer is None or answer.is_over
            if answer is not None:
                answer.is_over = True
            error = TimeoutError(f"Middleware timeout after {self._timeouts.middleware:g} s")
            await self._lifecycle.failures.late(
                late,
                f"middleware {step.source}",
                error,
                about=f" on {self._catalogue.shown(message.event)}",
                socket=step.socket,
                event=message.event,
                answer=None if is_answered else lambda: refuse_now(step, message, late, TIMEOUT),
            )
            action = self._policies.middleware_timeout
            await self._filters.act(step, action, error, TIMEOUT.message)

    def _special(
        self, step: Step, message: dict[str, Any], codec: CodecName, size: int
    ) -> Awaitable[None] | None:
        """Return an awaitable for a message of the protocol, or one before authentication.

        Returns None for an event, which may have any other `type`.
        """
        kind = lifecycle_type(message)
        if kind == MessageType.AUTH and "data" in message:
            return self.authentication.by_message(step, message["data"], codec)
        if not step.sending.is_authenticated:
            return self._too_early(step)
        if kind is not None and _is_membership(kind, message):
            request = MessageType(kind)
            work = self._requests.handle(step, request, message)
            if self._telemetry.listener is None:
                return work
            return self._observe(step, _requested(step, request, message), work)
        if kind is None and self._presence.is_declared and is_presence(message):
            self._change_entry(step, message, codec, size)
            return nothing()
        return None

    def _change_entry(
        self, step: Step, message: dict[str, Any], codec: CodecName, size: int
    ) -> None:
        """Change the client's own entry in a room's presence, unless it sends too much."""
        limiter = self._limiter
        if limiter is None or limiter.passes(step, Incoming(message, codec, size)):
            change_entry(step, self._presence, message, codec)

    def _classify_other(
        self, step: Step, message: object, payload: bytes | str, codec: CodecName
    ) -> Awaitable[None]:
        """Return an awaitable for a message that is not an object; middleware may replace it."""
        if not isinstance(message, list | bytes | datetime):
            error = DecodeError(f"A message is an object, not {type(message).__name__}.")
            return self._malformed(step, Phase.VALIDATION, error, payload, "bad format")
        if not step.sending.is_authenticated:
            return self._too_early(step)
        incoming = Incoming({"data": message}, codec, len(payload))
        if not self._middleware.steps:
            return nothing()
        if self._limiter is not None and not self._limiter.passes(step, incoming):
            return nothing()
        return self._filter(step, incoming)

    async def _pass_everywhere(self, step: Step, incoming: Incoming) -> None:
        """Handle an event whose rate all processes share, if it does not come too often.

        The connection's next message waits behind it. If the server closed the connection
        meanwhile, the message is dropped, as those that still wait are.
        """
        if not await self._rates.passes_everywhere(step, incoming):
            return
        if step.sending.close_sent is not None:
            return
        if self._telemetry.listener is not None:
            await self._pass(step, incoming)
        else:
            await self._pass_on(step, incoming)

    def _pass(self, step: Step, incoming: Incoming) -> Awaitable[None]:
        """Return an awaitable for an event with telemetry."""
        return self._observe(step, observed(step, incoming), self._pass_on(step, incoming))

    async def _pass_on(self, step: Step, incoming: Incoming) -> None:
        """Handle a message when this is awaited, so that it is inside its telemetry operation."""
        if self._middleware.steps:
            await self._filter(step, incoming)
        else:
            await self._router.route(step, incoming)

    async def _observe(self, step: Step, values: dict[str, Any], work: Awaitable[None]) -> None:
        telemetry = self._telemetry
        token = telemetry.began(Operation.MESSAGE, values)
        step.is_overdue = False
        step.outcome = "cancelled"
        try:
            step.outcome = "ok"
            await work
        except BaseException:
            step.outcome = _cut_short(step)
            raise
        finally:
            ended(telemetry, token, step.outcome)

    def _filter(self, step: Step, message: Incoming) -> Awaitable[None]:
        """Return what to await for a message that goes through the application's middleware."""
        router = self._router
        return self._filters.around(
            step, message, self._middleware, lambda came: router.route(step, came)
        )

    def _refused(self, message: dict[str, Any]) -> str | None:
        """Return what is wrong with an event message so that its connection is closed, or None."""
        if is_longer(message.get("id"), self._id_bytes):
            return "request id too long"
        has_both = "room" in message and "rooms" in message
        if has_both and self._policies.room_and_rooms == "refuse":
            return "room and rooms in one message"
        return None

    def _too_early(self, step: Step) -> Awaitable[None]:
        """Apply the policy for a message before authentication other than credentials."""
        if self._policies.before_auth == "close":
            close_for(step, self._telemetry, "authenticate first")
        return nothing()

    async def _malformed(
        self, step: Step, phase: Phase, error: DecodeError, payload: bytes | str, reason: str
    ) -> None:
        size = f"binary ({len(payload)} bytes)"
        raw = payload[:RAW_EXCERPT] if isinstance(payload, str) else size
        close_for(step, self._telemetry, reason, error)
        await self._lifecycle.report(step.socket, ErrorContext(phase, error, raw=raw))


def _cut_short(step: Step) -> str:
    """Return the outcome of a message whose work was cancelled: what `overran` answers, if late."""
    if not step.is_overdue:
        return "cancelled"
    if step.phase in PHASES.values():
        return "ok" if step.request is not None and step.request.is_done else TIMEOUT.code
    answer = None if step.message is None else step.message.answer
    is_answered = step.phase is Phase.MIDDLEWARE and answer is not None and answer.is_over
    return step.outcome if is_answered else TIMEOUT.code


def _is_membership(kind: int, message: dict[str, Any]) -> bool:
    if kind in (MessageType.JOIN_ROOM, MessageType.LEAVE_ROOM):
        return is_room(message.get("room"))
    if kind in (MessageType.JOIN_ROOMS, MessageType.LEAVE_ROOMS):
        return is_rooms(message.get("rooms"))
    return False


def _requested(step: Step, kind: MessageType, message: dict[str, Any]) -> dict[str, Any]:
    """Return the telemetry values of a membership request."""
    rooms = message.get("rooms")
    return {
        "socket": step.sending.socket_id,
        "user": step.sending.user_key,
        "kind": _KINDS[kind],
        "event": None,
        "room": message.get("room"),
        "rooms": None if rooms is None else tuple(rooms),
        "request": False,
        "concurrent": False,
    }
