"""One connection: messages in, through dispatch, one at a time and in order.

There is no task, cancel scope or timer per message. The pump runs batches inside one cancel
scope; a sweep that finds a step over its deadline cancels that scope, and the pump answers for
the step, opens a new scope and goes on. With nothing to do it parks in the transport.

A connection goes through these states, downwards only::

    state      entered when                          socket      messages that come or wait
    ─────────  ────────────────────────────────────  ──────────  ──────────────────────────────────
    open       the adaptor opened it                 open        handled in order
    closing    the server closed it (`close_sent`)   is_closed   dropped (protocol.md Q20)
    lost       the transport told its end (`lost`)   is_closed   those that came before are handled,
                                                                 for `Timeouts.after_close`, on
                                                                 `Limits.after_close` connections;
                                                                 after closing: none
    over       all is handled, or the time is up     is_closed   the leave and close hooks run
"""

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from math import inf
from sys import getsizeof, maxsize
from typing import Any, Final

from anyio import CancelScope, move_on_after
from anyio.abc import TaskGroup

from bytesocket_app import threads
from bytesocket_app.dispatch import Dispatcher, Runtime, Step
from bytesocket_app.event_loop import cancelled_itself, ends_everything
from bytesocket_app.lifecycle import HookKind
from bytesocket_app.lifecycle.failures import must_pass
from bytesocket_app.serving.concurrency import ConcurrentHandlers
from bytesocket_app.serving.housekeeping import Housekeeping
from bytesocket_app.serving.silence import allowed_silence
from bytesocket_app.socket import AuthState, SendingSide, Socket
from bytesocket_app.socket.sending_side import HINTS
from bytesocket_app.telemetry import Count
from bytesocket_app.transports import Transport
from bytesocket_app.wire.close import CloseCode
from bytesocket_app.wire.frame import PONG

logger = logging.getLogger("bytesocket")

TURN: Final = 64 * 1024
"""Bytes of messages that a connection handles before others get their turn."""
EACH: Final = 1024
"""Bytes that every message counts for besides its own: small ones cost time too."""
BREACHES: Final = frozenset({CloseCode.PROTOCOL, CloseCode.INVALID_TEXT, CloseCode.TOO_BIG})
"""Codes with which a transport ends a connection for what its peer sent."""
SMALL: Final = 256
"""Bytes that a small message counts for while it waits, whatever it has; others by their memory."""


class Connection:
    """Runs one socket over one transport. An adaptor pushes into it; see `Receiver`.

    Args:
        socket: The socket that handlers hold.
        sending: Its sending side.
        transport: The way out.
        runtime: The parts of the application.
        dispatcher: Handles the messages.
        housekeeping: Lists running connections, and tells the time.
        tasks: Runs concurrent handlers; it lives as long as the connection.

    Attributes:
        socket, sending: As given.
        step: The work at hand.
    """

    def __init__(
        self,
        socket: Socket[Any],
        sending: SendingSide,
        transport: Transport,
        runtime: Runtime,
        dispatcher: Dispatcher,
        housekeeping: Housekeeping,
        tasks: TaskGroup,
    ) -> None:
        self.socket = socket
        self.sending = sending
        self._working = CancelScope()
        # The class of this loop's scopes: anyio works that out anew whenever it is asked for one.
        scopes = type(self._working)
        self._beside = ConcurrentHandlers(
            tasks,
            housekeeping.slots,
            runtime.settings.limits.concurrent,
            self._run_concurrent,
            transport.wake,
        )
        self.step = Step(socket, sending, housekeeping.clock(), self._beside.spawn, scopes)
        self._transport = transport
        self._dispatcher = dispatcher
        self._memberships = runtime.memberships
        self._lifecycle = runtime.lifecycle
        self._housekeeping = housekeeping
        self._telemetry = runtime.telemetry
        self._threads = runtime.threads
        self._tasks = tasks
        self._timeouts = runtime.settings.timeouts
        self._limits = runtime.settings.limits
        limits = (self._limits.message_bytes, self._limits.auth_message_bytes)
        # Text is counted in UTF-8, of at most four bytes a character.
        self._surely_fits = min((limit // 4 for limit in limits if limit), default=maxsize)
        self._inbox_limit = self._limits.inbox or maxsize
        self._inbox: deque[tuple[bytes | str, bool, int]] = deque()
        self._inbox_bytes = 0
        self._inbox_bytes_limit = self._limits.inbox_bytes or maxsize
        self._overrun = False
        self._paused = False
        self._is_handling = True
        self._is_at_rest = False
        self._is_given_up = False
        self._lost_at: float | None = None
        self._heard = False
        self._heard_at = self.step.opened_at
        self._closing_at = inf
        self._patience: float | None = None

    def received(self, payload: bytes | str, is_binary: bool) -> bool:  # noqa: FBT001
        """Take one message; answer a ping right here. False asks for a pause."""
        sending = self.sending
        if sending.is_closed:
            return True  # protocol.md Q20: what was in flight when we closed is dropped
        self._heard = True
        size = len(payload)
        if size > self._surely_fits and self._is_too_big(payload):
            self._note_breach(CloseCode.TOO_BIG)
            sending.shut(CloseCode.TOO_BIG, "message too big")
            return True
        if is_binary and not payload:
            sending.write_unawaited(PONG)  # within the limits: a peer may ping and never read
            if not self._lifecycle.hears_messages:
                return True
        inbox = self._inbox
        size = getsizeof(payload) if size > SMALL else SMALL
        inbox.append((payload, is_binary, size))
        self._inbox_bytes += size
        if len(inbox) < self._inbox_limit and self._inbox_bytes < self._inbox_bytes_limit:
            return True
        self._paused = True
        return False

    def heard(self) -> None:
        """Note a sign of life that is no message."""
        self._heard = True

    def _is_silent(self, now: float) -> bool:
        if self._patience is None:
            self._patience = allowed_silence(self.socket, self._timeouts)
        return 0 < self._patience < now - self._heard_at

    def _is_too_big(self, payload: bytes | str) -> bool:
        limit = self._limits.message_bytes
        if not self.sending.is_authenticated:
            limit = self._limits.auth_message_bytes or limit
        return 0 < limit < _size(payload)

    def lost(self, code: int, reason: str) -> None:
        """Take note that the connection is over: at once for everybody who looks at the socket.

        What came before is still handled. Handlers that asked for it are cancelled.
        """
        if self._lost_at is not None:
            return
        self._lost_at = self._housekeeping.clock()
        if code in BREACHES and self.sending.close_sent is None:
            self._note_breach(code)
        self.sending.lose(code, reason)
        if self.sending.close_sent is not None:
            self._empty_inbox()
            self._beside.drop_waiting()
        if self._is_handling and not (self._is_at_rest and self._is_over()):
            self._housekeeping.lost(self)
        self.step.cut()
        self._beside.cut()
        self._transport.wake()

    def _note_breach(self, code: int) -> None:
        """Log and count an end for what the peer sent, before it could be decoded."""
        name = CloseCode(code).name.lower()
        logger.info("closing %d %s, %s", code, name, self.socket)
        self._telemetry.count(Count.REFUSED, socket=self.sending.socket_id, code=name)

    async def run(self) -> None:
        """Pump messages until the connection is over, then run the close hooks."""
        self._housekeeping.enter(self, self._tasks)
        threads.current.set(self._threads.share())
        try:
            await self._open()
            while not self._is_over():
                self._working, self._overrun = CancelScope(), False
                with self._working:
                    await self._pump()
                if self._overrun and self._working.cancelled_caught:
                    await self._dispatcher.overran(self.step)
        finally:
            # Whatever ended the loop, the hooks get their turn, for a bounded time.
            self._is_handling = False
            self._housekeeping.handled(self)
            self._beside.drop_waiting()
            self.lost(CloseCode.GOING_AWAY, "")
            try:
                await self._closed()
            finally:  # a hook may have cancelled this task
                self._memberships.forget(self.socket)
                self._housekeeping.leave(self)

    def check(self, now: float) -> None:
        """Compare this connection's deadlines with the time; called by the sweep."""
        timeouts, sending = self._timeouts, self.sending
        sending.hints = HINTS
        if self._heard or self._paused:  # a peer that is not read cannot be heard
            self._heard, self._heard_at = False, now
        if self.step.is_late(now) and not self.step.stop():
            self._overrun = True
            self._working.cancel()
        if sending.senders:
            sending.check_progress(now, timeouts.stalled)
        if self._lost_at is not None:
            self._check_rest(now - self._lost_at)
        elif sending.is_closed:
            self._closing_at = min(self._closing_at, now)
            self._empty_inbox()
            if now - self._closing_at > timeouts.close:
                self.abort()
        elif not sending.is_authenticated:
            waiting = sending.auth_state is AuthState.IDLE
            if waiting and timeouts.auth and now - self.step.opened_at > timeouts.auth:
                self._tasks.start_soon(self._guarded, "late authentication", self._late)
        elif self._is_silent(now):
            sending.shut(CloseCode.GOING_AWAY, "idle timeout")
            self._transport.wake()

    def interrupt(self) -> None:
        """Let the connection's task leave its `park`, and park again."""
        self._working.cancel()

    def abort(self) -> None:
        """Drop the connection, whatever is waiting for the peer."""
        self._transport.abort()
        self._working.cancel()

    def _check_rest(self, gone: float) -> None:
        """End the work for a peer that has been gone for so many seconds, if that is too long."""
        patience = self._timeouts.after_close
        if patience and self._is_handling and gone > patience:
            if not self._is_given_up:
                logger.warning(
                    "what came before the loss of a connection took too long and is dropped, %s",
                    self.socket,
                )
            self.give_up()

    def give_up(self) -> None:
        """End all work for a peer that is gone."""
        dropped = len(self._inbox) + len(self._beside)
        if not self._is_given_up:
            dropped = max(dropped, 1)  # at least what is at work
        self._is_given_up = True
        if dropped:
            self._count_dropped(dropped)
        self._empty_inbox()
        self._working.cancel()
        self._beside.cancel()

    def _empty_inbox(self) -> None:
        """Forget the messages that wait: nobody will handle them."""
        self._inbox.clear()
        self._inbox_bytes = 0

    def _count_dropped(self, amount: int) -> None:
        self._telemetry.count(
            Count.DROPPED, amount, socket=self.sending.socket_id, reason="after close"
        )

    async def _late(self) -> None:
        await self._dispatcher.authentication.late(self.socket, self.sending)

    async def _open(self) -> None:
        self._working = CancelScope()
        self._transport.cork()
        with self._working:
            await self._dispatcher.authentication.opened(self.step)
            sending = self._transport.flush()
            if sending is not None:
                await sending

    async def _pump(self) -> None:  # noqa: C901, PLR0912, PLR0915 - hot: a call less a message
        """Handle what comes in batches, and send what each made in one go.

        Returns when the connection is over, or when a step overran and the scope is spent.
        """
        transport, inbox, sending = self._transport, self._inbox, self.sending
        step, dispatcher, lifecycle = self.step, self._dispatcher, self._lifecycle
        park, beside = transport.park, self._beside
        spent = 0
        self._is_at_rest = False
        # A step may end in its own time although it was cancelled (a thread does): what comes
        # next must not run, or be sent, in the cancelled scope.
        while not self._overrun:
            if beside.waiting:
                await beside.all_started()
            if spent > TURN:
                spent = 0
                await transport.give_way()
            if inbox and sending.close_sent is None:
                transport.cork()
                # What comes meanwhile is the next batch: a peer that sends without a pause and
                # never reads is to meet the `flush` that waits for it.
                batch = len(inbox)
                while batch and inbox and sending.close_sent is None and not self._overrun:
                    batch -= 1
                    payload, is_binary, size = inbox.popleft()
                    self._inbox_bytes -= size
                    spent += EACH + size
                    try:
                        if lifecycle.hears_messages:
                            await dispatcher.announce(step, payload, is_binary)
                        await dispatcher.dispatch(step, payload, is_binary)
                    except BaseException as error:
                        if must_pass(error):
                            payload = b""  # a traceback may keep this frame for long
                            raise
                        # The outermost guard: a defect of ours costs one connection only.
                        logger.exception("dispatch failed, %s", self.socket)
                        sending.shut(CloseCode.INTERNAL, "internal error")
                    if sending.is_crowded:
                        await sending.drained()
                    if self._paused:
                        self._resume_if_half_done()
                    if spent > TURN or beside.waiting:
                        break
                flushing = None if self._overrun else transport.flush()
                if flushing is not None:
                    await flushing
            elif self._lost_at is not None and not len(beside):
                return
            else:
                if self._paused:
                    self._resume()
                payload, step.message = b"", None  # not to be kept until the next one comes
                self._is_at_rest = True
                await park()
                self._is_at_rest = False
                spent += EACH  # what was read may have been a ping, answered already

    def _resume_if_half_done(self) -> None:
        few = len(self._inbox) * 2 <= self._inbox_limit
        if few and self._inbox_bytes * 2 <= self._inbox_bytes_limit:
            self._resume()

    def _resume(self) -> None:
        self._paused = False
        self._transport.resume()

    def _is_over(self) -> bool:
        drained = not self._inbox or self.sending.close_sent is not None
        return self._lost_at is not None and drained and not len(self._beside)

    async def _closed(self) -> None:
        socket, sending = self.socket, self.sending
        if self._inbox and sending.close_sent is None:
            self._count_dropped(len(self._inbox))
        self._empty_inbox()
        sending.is_draining = False
        self.step.message = None
        code, reason = sending.ended or (CloseCode.ABNORMAL, "")
        try:
            await self._bounded(self._memberships.finish(socket), "leave")
        finally:  # a leave hook may have cancelled this task
            await self._bounded(
                self._lifecycle.run(HookKind.CLOSE, socket, socket, int(code), reason), "close"
            )

    async def _bounded(self, hooks: Awaitable[object], kind: str) -> None:
        with move_on_after(self._timeouts.close or None, shield=True) as scope:
            await hooks
        if scope.cancelled_caught:
            logger.error("%s hooks took too long, %s", kind, self.socket)

    async def _run_concurrent(self, work: Callable[[], Awaitable[None]]) -> None:
        await self._guarded("a concurrent handler", work)

    async def _guarded(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do work in a task beside the pump, which may belong to all connections of a server."""
        try:
            await work()
        except BaseException as error:
            if ends_everything(error):
                raise
            if not cancelled_itself(error):
                logger.exception("%s failed, %s", what, self.socket)
            if not isinstance(error, Exception):
                self.abort()


def _size(payload: bytes | str) -> int:
    """Return the bytes of a message, whichever way the adaptor gave it."""
    if isinstance(payload, str) and not payload.isascii():
        return len(payload.encode("utf-8", "replace"))
    return len(payload)
