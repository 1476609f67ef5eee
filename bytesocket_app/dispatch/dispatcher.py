"""The order in which an incoming frame is looked at (protocol.md section 3)."""

import logging
from collections.abc import Awaitable
from datetime import datetime
from typing import Any, Final

from bytesocket_app.declarations.auth import Authenticator
from bytesocket_app.delivery.hub import Hub
from bytesocket_app.dispatch.answers import (
    INTERNAL,
    TIMEOUT,
    error_context,
    protocol_frame,
    refuse,
    send,
)
from bytesocket_app.dispatch.events import EventRouter
from bytesocket_app.dispatch.incoming import Incoming, nothing
from bytesocket_app.dispatch.membership_requests import PHASES, MembershipRequests
from bytesocket_app.dispatch.runner import HandlerRunner
from bytesocket_app.dispatch.step import Step
from bytesocket_app.errors import AuthError, DecodeError, ErrorContext, Phase, Refusal
from bytesocket_app.lifecycle import HookKind, Lifecycle
from bytesocket_app.middleware import Message, MiddlewareChain
from bytesocket_app.settings import Settings
from bytesocket_app.socket import AuthState, Socket
from bytesocket_app.transports.http_errors import http_refusal
from bytesocket_app.types import CodecName
from bytesocket_app.wire import decode, decode_json
from bytesocket_app.wire.close import CloseCode
from bytesocket_app.wire.message_type import MessageType
from bytesocket_app.wire.portable import kind_of
from bytesocket_app.wire.shapes import is_room, is_rooms, lifecycle_type

logger = logging.getLogger("bytesocket")

RAW_EXCERPT: Final = 256
"""Characters of a broken message that the error hooks get to see (protocol.md Q26)."""

_MIDDLEWARE: Final = Phase.MIDDLEWARE
_REFUSED: Final = Refusal("Authentication failed.", code="internal")


class Dispatcher:
    """Handles one connection's messages, one after another.

    Everything that an application or a peer can get wrong ends here: a message is handled,
    ignored, answered with a refusal, or its own connection is closed.
    """

    def __init__(
        self,
        hub: Hub,
        calls: HandlerRunner,
        router: EventRouter,
        membership: MembershipRequests,
        middleware: MiddlewareChain,
        lifecycle: Lifecycle,
        settings: Settings,
    ) -> None:
        self.authenticator: Authenticator | None = None
        self._hub = hub
        self._calls = calls
        self._router = router
        self._membership = membership
        self._middleware = middleware
        self._lifecycle = lifecycle
        self._timeouts = settings.timeouts
        self._policies = settings.policies
        self._depth = settings.limits.depth or 200

    async def opened(self, step: Step) -> None:
        """Welcome an accepted connection: at once, or when its credentials come."""
        socket = step.socket
        if socket.is_closed:
            return  # by a drain, in the moment between
        if self.authenticator is None:
            self._hub.register_authenticated(socket)
            await self._lifecycle.run(HookKind.OPEN, socket, socket)
        elif self.authenticator.credentials is None:
            # Accepted with the handshake: to the protocol, a connection without authentication.
            socket.auth_state = AuthState.SUCCESS
            await self._welcome(socket)

    async def announce(self, step: Step, payload: bytes | str, is_binary: bool) -> None:  # noqa: FBT001
        """Run the message hooks, which hear every frame before anything else happens."""
        socket = step.socket
        await self._lifecycle.run(HookKind.MESSAGE, socket, socket, payload, is_binary)

    def dispatch(self, step: Step, payload: bytes | str, is_binary: bool) -> Awaitable[None]:  # noqa: FBT001
        """Read one frame; returns what is still to be awaited.

        What needs no waiting is done right here: a coroutine less for every message.
        """
        if is_binary and not payload:
            return nothing()  # a ping; answered when it came
        message: Any
        try:
            if is_binary:
                message = decode(payload, is_binary, max_depth=self._depth)
            else:
                message = decode_json(payload, max_depth=self._depth)
        except DecodeError as exc:
            return self._malformed(step.socket, Phase.DECODE, exc, payload, "decode error")
        codec: CodecName = "binary" if is_binary else "json"
        if kind_of(message) is not dict:
            return self._classify_other(step, message, payload, codec)
        socket = step.socket
        if "type" in message or not socket.is_authenticated:
            special = self._special(step, message, codec)
            if special is not None:
                return special
        if "room" in message and "rooms" in message and self._policies.room_and_rooms == "refuse":
            socket.shut(CloseCode.POLICY, "room and rooms in one message")
            return nothing()
        incoming = Incoming(message, codec)
        if self._middleware.steps:
            return self._filter(step, incoming)
        return self._router.route(step, incoming)

    async def overran(self, step: Step) -> None:
        """Answer for a step that was cancelled because it took too long."""
        message, socket, phase = step.message, step.socket, step.phase
        step.done()
        if phase is Phase.AUTH:
            await self.late(socket)
        elif phase in PHASES.values():
            self._membership.overran(step)
        elif message is not None and phase is Phase.HANDLER:
            self._calls.timed_out(socket, message)
        elif message is not None:
            logger.error("middleware took too long on %r, %s", message.event, socket)
            error = TimeoutError(f"Middleware timeout after {self._timeouts.middleware:g} s")
            await self._failed(socket, message, Phase.MIDDLEWARE_TIMEOUT, error, TIMEOUT)

    async def late(self, socket: Socket[Any]) -> None:
        """Close a connection that did not authenticate in time."""
        if self._policies.auth_timeout == "refuse":
            error = AuthError("Authentication took too long.", code="timeout")
            await self._unwelcome(socket, error, error, CloseCode.AUTH_TIMEOUT)
            return
        logger.warning("not authenticated in time, %s", socket)
        socket.auth_state = AuthState.FAILED
        socket.shut(CloseCode.TRY_LATER, "authentication took too long")

    def _special(
        self, step: Step, message: dict[str, Any], codec: CodecName
    ) -> Awaitable[None] | None:
        """What to await for a message of the protocol's own, or one that comes too early.

        None if it is an event, whatever its `type` says.
        """
        socket = step.socket
        kind = lifecycle_type(message)
        if kind == MessageType.AUTH and "data" in message:
            return self._authenticate(step, message["data"], codec)
        if not socket.is_authenticated:
            return self._too_early(socket)
        if kind is not None and _is_membership(kind, message):
            return self._membership.handle(step, MessageType(kind), message)
        return None

    def _classify_other(
        self, step: Step, message: object, payload: bytes | str, codec: CodecName
    ) -> Awaitable[None]:
        """What to await for a message that is no object: only middleware may make sense of it."""
        if not isinstance(message, list | bytes | datetime):
            error = DecodeError(f"A message is an object, not {type(message).__name__}.")
            return self._malformed(step.socket, Phase.VALIDATION, error, payload, "bad format")
        if not step.socket.is_authenticated:
            return self._too_early(step.socket)
        if self._middleware.steps:
            return self._filter(step, Incoming({"data": message}, codec))
        return nothing()

    async def _filter(self, step: Step, message: Incoming) -> None:
        socket = step.socket
        seconds = self._timeouts.middleware
        step.message = message
        step.start(_MIDDLEWARE, seconds)
        shown = message.frozen()

        async def inner(passed_on: Message) -> None:
            came = message if passed_on is shown else Incoming.passed_on(passed_on)
            await self._router.route(step, came)
            step.start(_MIDDLEWARE, seconds)

        try:
            await self._middleware.run(socket, shown, inner)
        except Refusal as refusal:
            refuse(socket, message, _MIDDLEWARE, refusal)
        except Exception as exc:
            refused = http_refusal(exc)
            if refused is not None:
                refuse(socket, message, _MIDDLEWARE, refused)
                return
            logger.exception("middleware failed on %r, %s", message.event, socket)
            await self._failed(socket, message, _MIDDLEWARE, exc, INTERNAL)
        finally:
            step.done()

    def _too_early(self, socket: Socket[Any]) -> Awaitable[None]:
        """Meet a message other than credentials from a socket that is not authenticated."""
        if self._policies.before_auth == "close":
            socket.shut(CloseCode.POLICY, "authenticate first")
        return nothing()

    async def _failed(
        self,
        socket: Socket[Any],
        message: Incoming,
        phase: Phase,
        error: Exception,
        refusal: Refusal,
    ) -> None:
        refuse(socket, message, phase, refusal)
        await self._lifecycle.report(socket, ErrorContext(phase, error, event=message.event))
        policies = self._policies
        late = phase is Phase.MIDDLEWARE_TIMEOUT
        action = policies.middleware_timeout if late else policies.middleware_error
        if action == "close":
            socket.shut(CloseCode.INTERNAL, refusal.message)
        elif callable(action):
            await self._lifecycle.call(action, error, socket)

    async def _authenticate(self, step: Step, data: Any, codec: CodecName) -> None:
        socket, authenticator = step.socket, self.authenticator
        if authenticator is None or authenticator.credentials is None:
            logger.debug("credentials nobody asked for, %s", socket)
            return
        if socket.auth_state is not AuthState.IDLE:
            return
        socket.auth_state = AuthState.PENDING
        step.start(Phase.AUTH, self._timeouts.auth, since=step.opened_at)
        try:
            socket.user = await authenticator.decide(socket, data, codec)
        except Refusal as refusal:
            await self._unwelcome(socket, refusal, refusal, CloseCode.AUTH_FAILED)
        except Exception as exc:
            refused = http_refusal(exc)
            if refused is None:
                logger.exception("authentication failed, %s", socket)
            await self._unwelcome(socket, refused or _REFUSED, exc, CloseCode.AUTH_FAILED)
        else:
            step.done()
            if not socket.is_closed:
                socket.auth_state = AuthState.SUCCESS
                send(socket, {"type": MessageType.AUTH_SUCCESS.value})
                await self._welcome(socket)
        finally:
            step.done()

    async def _welcome(self, socket: Socket[Any]) -> None:
        self._hub.register_authenticated(socket)
        await self._lifecycle.run(HookKind.AUTH_SUCCESS, socket, socket)
        await self._lifecycle.run(HookKind.OPEN, socket, socket)

    async def _unwelcome(
        self, socket: Socket[Any], refusal: Refusal, error: Exception, code: CloseCode
    ) -> None:
        if socket.is_closed:
            return
        context = error_context(Phase.AUTH, refusal, code=int(code))
        socket.auth_state = AuthState.FAILED
        answer = {"type": MessageType.AUTH_ERROR.value, "data": context}
        # Written, not delivered: the socket is not authenticated, and this is how it learns why.
        socket.write(protocol_frame(socket, answer))
        socket.shut(code, "auth")
        failed = ErrorContext(Phase.AUTH, error, code=int(code))
        await self._lifecycle.run(HookKind.AUTH_ERROR, socket, socket, failed)

    async def _malformed(
        self,
        socket: Socket[Any],
        phase: Phase,
        error: DecodeError,
        payload: bytes | str,
        reason: str,
    ) -> None:
        size = f"binary ({len(payload)} bytes)"
        raw = payload[:RAW_EXCERPT] if isinstance(payload, str) else size
        logger.info("closing 1008 %s: %s, %s", reason, error, socket)
        socket.shut(CloseCode.POLICY, reason)
        await self._lifecycle.report(socket, ErrorContext(phase, error, raw=raw))


def _is_membership(kind: int, message: dict[str, Any]) -> bool:
    if kind in (MessageType.JOIN_ROOM, MessageType.LEAVE_ROOM):
        return is_room(message.get("room"))
    if kind in (MessageType.JOIN_ROOMS, MessageType.LEAVE_ROOMS):
        return is_rooms(message.get("rooms"))
    return False
