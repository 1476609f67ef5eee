"""Base class of transports whose server sends by a coroutine, one message after another."""

import logging
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import ClassVar, Final

from anyio import CancelScope, Event, move_on_after, sleep_forever
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint
from typing_extensions import override

from bytesocket_app.transports.interface import Receiver, Transport
from bytesocket_app.transports.outbox import BEHIND, Outbox
from bytesocket_app.transports.suspension import Attended
from bytesocket_app.wire.close import CloseCode, close_reason
from bytesocket_app.wire.frame import Frame

logger = logging.getLogger("bytesocket")

PATIENCE: Final = 1.0
"""Seconds that the reader gets to tell the end of a connection after a failure to send."""


class QueuedTransport(Transport, abstract=True):
    """A transport with an outbox: frames wait in it for `send`, and the close for all of them.

    An adaptor writes `send`, `send_close` and `abort`, sets `receiver` to what `Endpoint.open`
    returned, and awaits `run`; beside that it reads, and gives each message to `push`, the end to
    `lose`. All else is here: the outbox and its size, dropping, corking, pausing, and a task that
    sends while there is something to send.

    Output is in one of these states. Something waits if a frame does, or a close behind them.

    ====================  ======  ======  =======  =====  ====  ===============================
    state                 corked  queued  sending  waits  over  left by
    ====================  ======  ======  =======  =====  ====  ===============================
    idle                  no      no      no       no     no    `write`, `close`, `cork`
    queued                no      yes     no       any    no    `send_all`, `cork`
    corked                yes     no      no       any    no    `flush`, `hold_up`, `close`
    corked while queued   yes     yes     no       any    no    `send_all`, `flush`, `hold_up`
    sending               any     any     yes      any    no    the end of `send_all`
    over                  any     any     any      no     yes
    ====================  ======  ======  =======  =====  ====  ===============================

    So what waits is always held, on its way to `send_all`, or in it. Output is over once the close
    is on its way, or `drop` was called.

    Args:
        tasks: Where frames are sent; it lives as long as the connection.

    Attributes:
        receiver: The core's end of the connection.
        is_parked: True while the connection's own task has nothing to do.
    """

    MANDATORY: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "send": "async send(frame): send one message, wait until the network took it",
            "send_close": "async send_close(code, reason): send a close frame",
            "abort": "abort(): drop the connection without waiting, and tell the receiver",
        }
    )

    __slots__ = (
        "_alone",
        "_closing",
        "_corked",
        "_outbox",
        "_over",
        "_patience",
        "_queued",
        "_resumed",
        "_tasks",
        "is_parked",
        "receiver",
    )

    receiver: Receiver

    def __init__(self, tasks: TaskGroup) -> None:
        self._parked = None
        self._tasks = tasks
        self._outbox = Outbox()
        # Mostly one frame waits, and a queue for it would cost more than the rest of its way.
        self._alone: Frame | None = None
        self._corked = False
        self._queued = False
        self._closing: tuple[int, str] | None = None
        self._over = False
        self._resumed: Event | None = None
        self._patience: CancelScope | None = None
        self.is_parked = False

    @abstractmethod
    def send(self, frame: Frame, /) -> Awaitable[None]:
        """Send one message, and wait until the network took it: `async def` in most adaptors.

        OSError and RuntimeError mean that the peer is gone. The reader then has a second to tell
        the end by `lose`, with the peer's close code; after that, `abort` is called. Any other
        exception is logged, and `abort` called at once.
        """

    @abstractmethod
    def send_close(self, code: int, reason: str, /) -> Awaitable[None]:
        """Send a close frame; the reader tells of the peer's answer by `lost`."""

    async def run(self) -> None:
        """Run the receiver to its end; what it held is sent whenever it waits for anything.

        A frame that a handler wrote would else wait until the handler is done; see `cork`.
        """
        await Attended(self.receiver.run(), self)

    @override
    async def park(self) -> None:
        """Wait until the receiver was pushed something, or until `wake`."""
        self._parked = parked = Event()
        self.is_parked = True
        try:
            await parked.wait()
        finally:
            self.is_parked = False

    @override
    async def give_way(self) -> None:
        """Let others run. Nothing is held, and nothing kept waiting: it counts as parked."""
        self.is_parked = True
        try:
            await checkpoint()
        finally:
            self.is_parked = False

    async def push(self, payload: bytes | str, *, is_binary: bool) -> None:
        """Give the receiver one message, and wait as long as it asks for a pause."""
        accepted = self.receiver.received(payload, is_binary)
        self.wake()
        if not accepted:
            await self.resumed()

    @property
    def is_paused(self) -> bool:
        """True while the receiver wants nothing more: a peer that owes a pong may be innocent."""
        return self._resumed is not None

    async def resumed(self) -> None:
        """Wait for `resume`: the receiver asked for a pause."""
        self._resumed = resumed = Event()
        await resumed.wait()

    @override
    def resume(self) -> None:
        """Read on: let `push` return."""
        if self._resumed is not None:
            self._resumed.set()
            self._resumed = None

    def lose(self, code: int = CloseCode.ABNORMAL, reason: str = "") -> None:
        """Tell the receiver of the end, and drop what is left to send."""
        self.drop()
        self.receiver.lost(code, reason)

    def schedule(self) -> None:
        """Have `send_all` called soon."""
        self._tasks.start_soon(self.send_all)

    @property
    @override
    def buffered(self) -> int:
        """Bytes not yet taken by the server."""
        self._queue_alone()
        return self._outbox.size

    @property
    @override
    def overdue(self) -> int:
        """Bytes of them that the server had a turn to take."""
        self._queue_alone()
        return self._outbox.overdue

    @property
    @override
    def departed(self) -> int:
        """Bytes that the server has taken."""
        return self._outbox.departed

    @override
    def write(self, frame: Frame) -> int:
        """Queue a frame; nothing happens after `close`."""
        outbox = self._outbox
        if self._closing is None and not self._over:
            if not (self._corked or self._queued):
                self._queued = True
                self.schedule()
            if self._alone is None and not (outbox.size or outbox.behind):
                self._alone = frame
                # Who sends a large one has to know that it is not gone yet.
                return 0 if frame.size <= BEHIND else frame.size
            self._queue_alone()
            outbox.append(frame)
        return outbox.waiting

    @override
    def drop_oldest(self, *, volatile: bool = False) -> int:
        """Throw away one waiting frame."""
        self._queue_alone()
        return self._outbox.drop_oldest(volatile=volatile)

    @override
    def notify_below(self, limit: int, callback: Callable[[], object]) -> None:
        """Call back once when at most `limit` bytes wait."""
        self._queue_alone()
        self._outbox.notify_below(limit, callback)

    @override
    def close(self, code: int, reason: str) -> None:
        """Send a close frame after what is written."""
        if self._closing is None and not self._over:
            self._closing = (code, close_reason(reason))
            if not self._queued:
                self._enqueue()

    @override
    def cork(self) -> None:
        """Hold what is written for a flush by the connection's own task."""
        self._corked = True

    def hold_up(self) -> None:
        """Send what is held: the connection's own task waits for something else."""
        self._corked = False
        if self._has_output() and not self._queued:
            self._enqueue()

    @override
    def flush(self) -> Awaitable[None] | None:
        """Hand everything to the server."""
        if self._has_output():
            return self.send_all()
        self._queued = self._corked = False
        return None

    async def send_all(self) -> None:
        """Hand everything to the server. A second call leaves the work to the first."""
        self._queued = self._corked = False
        outbox, send = self._outbox, self.send
        if outbox.behind:
            return
        # For whoever writes while `send` waits; nobody else looks.
        outbox.behind = True
        try:
            while self._alone is not None or outbox.size:
                frame, self._alone = self._alone or outbox.popleft(), None
                await send(frame)
            if self._closing is not None and not self._over:
                self._over = True
                self.before_close()
                await self.send_close(*self._closing)
        except (OSError, RuntimeError):
            # The peer went while we wrote (servers raise one or the other).
            await self._await_loss()
        except Exception:
            # Whatever else a server raises costs this connection, not others it sends for.
            logger.exception("the server could not send")
            self._give_up()
        finally:
            outbox.behind = False

    def before_close(self) -> None:
        """Prepare for `send_close`; nothing by default."""

    async def _await_loss(self) -> None:
        """Wait until the reader tells the end, as it knows the close code; else tell it here.

        Meanwhile the network counts as behind, so that what is written waits, and its writers too.
        """
        if self._over:
            self.drop()
            return
        if self._resumed is None:  # a reader that pauses tells nothing
            with move_on_after(PATIENCE) as self._patience:
                await sleep_forever()
        self._give_up()

    def _give_up(self) -> None:
        """Drop the connection, if the receiver does not know of its end."""
        if not self._over:
            self.abort()
            self.drop()
            if self.is_parked:  # perhaps in a read that never ends
                self.receiver.interrupt()

    def drop(self) -> None:
        """Drop what is left: nobody reads it any more."""
        self._over = True
        if self._patience is not None:
            self._patience.cancel()
        self._alone = None
        self._outbox.clear()

    def _queue_alone(self) -> None:
        if self._alone is not None:
            self._outbox.append(self._alone)
            self._alone = None

    def _has_output(self) -> bool:
        return self._alone is not None or self._outbox.size > 0 or self._closing is not None

    def _enqueue(self) -> None:
        self._queued = True
        self.schedule()
