"""One connection: messages in, through dispatch, one at a time and in order.

There is no task, cancel scope or timer per message. The pump runs batches inside one cancel
scope; a sweep that finds a step over its deadline cancels that scope, and the pump answers for
the step, opens a new scope and goes on. With nothing to do it parks in the transport.
"""

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from math import inf
from sys import maxsize
from typing import Any

from anyio import CancelScope, get_cancelled_exc_class, move_on_after
from anyio.abc import TaskGroup

from bytesocket_app.delivery.hub import Hub
from bytesocket_app.dispatch import Dispatcher, Step
from bytesocket_app.lifecycle import HookKind, Lifecycle
from bytesocket_app.serving.housekeeping import Housekeeping
from bytesocket_app.settings import Limits, Timeouts
from bytesocket_app.socket import AuthState, Socket
from bytesocket_app.transports import Transport
from bytesocket_app.wire.close import CloseCode
from bytesocket_app.wire.frame import PONG

logger = logging.getLogger("bytesocket")


class Connection:
    """Runs one socket over one transport. An adaptor pushes into it; see `Receiver`.

    Attributes:
        socket: The connection as handlers see it.
        peer: The connection as dispatch sees it.
    """

    def __init__(
        self,
        socket: Socket[Any],
        transport: Transport,
        dispatcher: Dispatcher,
        hub: Hub,
        lifecycle: Lifecycle,
        housekeeping: Housekeeping,
        tasks: TaskGroup,
    ) -> None:
        self.socket = socket
        self.step = Step(socket, housekeeping.clock, self._spawn)
        self._transport = transport
        self._dispatcher = dispatcher
        self._hub = hub
        self._lifecycle = lifecycle
        self._housekeeping = housekeeping
        self._tasks = tasks
        self._timeouts: Timeouts = socket.app.settings.timeouts
        self._limits: Limits = socket.app.settings.limits
        limits = (self._limits.message_bytes, self._limits.auth_message_bytes)
        # Text is counted in UTF-8, of at most four bytes a character.
        self._surely_fits = min((limit // 4 for limit in limits if limit), default=maxsize)
        self._inbox_limit = self._limits.inbox or maxsize
        self._inbox: deque[tuple[bytes | str, bool]] = deque()
        self._working = CancelScope()
        self._overrun = False
        self._paused = False
        self._beside = 0
        self._lost: tuple[int, str] | None = None
        self._heard = False
        self._heard_at = self.step.opened_at
        self._closing_at = inf

    def received(self, payload: bytes | str, is_binary: bool) -> bool:  # noqa: FBT001
        """Take one message; answer a ping right here. False asks for a pause."""
        if self.socket.is_closed:
            return True  # protocol.md Q20: what was in flight when we closed is dropped
        self._heard = True
        if len(payload) > self._surely_fits and self._is_too_big(payload):
            self.socket.shut(CloseCode.TOO_BIG, "message too big")
            return True
        if is_binary and not payload:
            self.socket.write(PONG)  # within the limits: a peer may ping and never read
            if not self._lifecycle.hears_messages:
                return True
        inbox = self._inbox
        inbox.append((payload, is_binary))
        if len(inbox) < self._inbox_limit:
            return True
        self._paused = True
        return False

    def _is_too_big(self, payload: bytes | str) -> bool:
        limit = self._limits.message_bytes
        if not self.socket.is_authenticated:
            limit = self._limits.auth_message_bytes or limit
        return 0 < limit < _size(payload)

    def lost(self, code: int, reason: str) -> None:
        """Note that the connection is over; what came before is still handled."""
        if self._lost is None:
            self._lost = (code, reason)
            self._transport.wake()

    async def run(self) -> None:
        """Pump messages until the connection is over, then run the close hooks."""
        self._housekeeping.enter(self, self._tasks)
        try:
            await self._open()
            while not self._is_over():
                self._working, self._overrun = CancelScope(), False
                with self._working:
                    await self._pump()
                if self._overrun and self._working.cancelled_caught:
                    await self._dispatcher.overran(self.step)
        except get_cancelled_exc_class():
            self._lost = self._lost or (CloseCode.GOING_AWAY, "")
            raise
        finally:
            # Whatever ended the loop, the hooks get their turn, for a bounded time.
            await self._closed()
            self._housekeeping.leave(self)

    def check(self, now: float) -> None:
        """Compare this connection's deadlines with the time; called by the sweep."""
        timeouts, socket = self._timeouts, self.socket
        if self._heard:
            self._heard, self._heard_at = False, now
        if self.step.is_late(now):
            self._overrun = True
            self._working.cancel()
        if socket.is_closed:
            self._closing_at = min(self._closing_at, now)
            if self._lost is None and now - self._closing_at > timeouts.close:
                self.abort()
        elif not socket.is_authenticated:
            waiting = socket.auth_state is AuthState.IDLE
            if waiting and timeouts.auth and now - self.step.opened_at > timeouts.auth:
                self._tasks.start_soon(self._dispatcher.late, socket)
        elif timeouts.idle and now - self._heard_at > timeouts.idle:
            socket.shut(CloseCode.GOING_AWAY, "idle timeout")
            self._transport.wake()

    def interrupt(self) -> None:
        """Let the connection's task leave its `park`, and park again."""
        self._working.cancel()

    def abort(self) -> None:
        """Drop the connection, whatever is waiting for the peer."""
        self._transport.abort()
        self._working.cancel()

    async def _open(self) -> None:
        self._working = CancelScope()
        self._transport.cork()
        with self._working:
            await self._dispatcher.opened(self.step)
            sending = self._transport.flush()
            if sending is not None:
                await sending

    async def _pump(self) -> None:
        """Handle what comes in batches, and send what each made in one go.

        Returns when the connection is over, or when a step overran and the scope is spent.
        """
        transport, inbox, socket = self._transport, self._inbox, self.socket
        step, dispatcher, lifecycle = self.step, self._dispatcher, self._lifecycle
        park = transport.park
        # A step may end in its own time although it was cancelled (a thread does): what comes
        # next must not run, or be sent, in the cancelled scope.
        while not self._overrun:
            if inbox and not socket.is_closed:
                transport.cork()
                # What comes meanwhile is the next batch: a peer that sends without a pause and
                # never reads is to meet the `flush` that waits for it.
                batch = len(inbox)
                while batch and not socket.is_closed and not self._overrun:
                    batch -= 1
                    payload, is_binary = inbox.popleft()
                    try:
                        if lifecycle.hears_messages:
                            await dispatcher.announce(step, payload, is_binary)
                        await dispatcher.dispatch(step, payload, is_binary)
                    except Exception:
                        # The outermost guard: a defect of ours costs one connection only.
                        logger.exception("dispatch failed, %s", socket)
                        socket.shut(CloseCode.INTERNAL, "internal error")
                    if self._paused and len(inbox) * 2 <= self._inbox_limit:
                        self._resume()
                sending = None if self._overrun else transport.flush()
                if sending is not None:
                    await sending
            elif self._lost is not None and not self._beside:
                return
            else:
                if self._paused:
                    self._resume()
                await park()

    def _resume(self) -> None:
        self._paused = False
        self._transport.resume()

    def _is_over(self) -> bool:
        drained = not self._inbox or self.socket.is_closed
        return self._lost is not None and drained and not self._beside

    async def _closed(self) -> None:
        socket = self.socket
        code, reason = socket.close_sent or self._lost or (CloseCode.ABNORMAL, "")
        socket.is_closed = True
        self._inbox.clear()
        await self._bounded(self._hub.remove(socket), "leave")
        await self._bounded(
            self._lifecycle.run(HookKind.CLOSE, socket, socket, int(code), reason), "close"
        )
        self._hub.forget(socket)

    async def _bounded(self, hooks: Awaitable[object], kind: str) -> None:
        with move_on_after(self._timeouts.close or None, shield=True) as scope:
            await hooks
        if scope.cancelled_caught:
            logger.error("%s hooks took too long, %s", kind, self.socket)

    def _spawn(self, work: Callable[[], Awaitable[None]]) -> None:
        self._beside += 1
        self._tasks.start_soon(self._run_beside, work)

    async def _run_beside(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception:
            logger.exception("a concurrent handler failed, %s", self.socket)
        finally:
            self._beside -= 1
            self._transport.wake()


def _size(payload: bytes | str) -> int:
    """The bytes of a message, whichever way the adaptor gave it."""
    if isinstance(payload, str) and not payload.isascii():
        return len(payload.encode("utf-8", "replace"))
    return len(payload)
