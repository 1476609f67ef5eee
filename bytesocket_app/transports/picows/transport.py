"""The way out of one connection, and the ways in which it ends."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Final, Self

from typing_extensions import override

from bytesocket_app.transports.interface import Receiver, Transport
from bytesocket_app.transports.outbox import Outbox
from bytesocket_app.transports.picows.closing import close_payload, hang_up
from bytesocket_app.transports.picows.inline_task import InlineTask, park
from bytesocket_app.transports.picows.interfaces import ConnectionList, WayIn
from bytesocket_app.wire.close import CloseCode, close_reason
from bytesocket_app.wire.frame import FINAL_CLOSE, FINAL_PING, FINAL_PONG, Frame, framed

CHUNK: Final = 64 * 1024
"""Bytes of frames, waiting or held, that are joined into one write."""

LOT: Final = 256
"""Frames of one batch that are held at most before they are written; fewer above `CHUNK`."""

_PING: Final = framed(FINAL_PING, b"")


class PicowsTransport(Transport):
    """A connection's transport, on an asyncio transport whose buffer tells when it is full.

    The way out is in one of these states. Frames are written at once (`direct`), held for one
    write (`corked`), or wait for the network (`blocked`), and the close frame behind them
    (`farewell`).

    ===========  ======  ======  =======  =======  ====  ====  =======  ========
    way out      direct  corked  blocked  closing  over  held  waiting  farewell
    ===========  ======  ======  =======  =======  ====  ====  =======  ========
    direct       yes     no      no       no       no    no    no       no
    corked       no      yes     no       no       no    any   no       no
    blocked      no      no      yes      no       no    no    any      no
    close waits  no      no      yes      yes      no    no    any      yes
    close said   no      no      any      yes      no    no    no       no
    over         no      no      any      yes      yes   no    no       no
    ===========  ======  ======  =======  =======  ====  ====  =======  ========

    What was read is being handed out (`reading`), and then handled at once; or when the network
    takes more, if the answers to what came before had to wait (`behind`). While it is handed out,
    the peer's close frame waits behind it (`parting`).

    ===========  =======  ====  ======  =======  ====
    way in       reading  due   behind  parting  over
    ===========  =======  ====  ======  =======  ====
    idle         no       no    any     no       no
    handing out  yes      any   any     any      no
    put off      no       yes   yes     no       no
    over         any      any   no      any      yes
    ===========  =======  ====  ======  =======  ====

    Some things wait for the network, so only while it is blocked. (`leaving`, which says that
    `leave` will be called as the turn ends, goes with every state.)

    ===========  =======  ======  ====  ===========  =======
    network      blocked  behind  pong  reads_later  waiters
    ===========  =======  ======  ====  ===========  =======
    takes more   no       no      no    no           no
    is full      yes      any     any   any          any
    ===========  =======  ======  ====  ===========  =======

    Args:
        real: The connection.
        home: Told when the connection is over for the core, and when it is closed.

    Attributes:
        asked_at: When a ping was sent that is not answered yet.
        is_closing: Our close frame is sent, or waits behind what was written before it.
        is_due: Something was read that the connection's own task is to handle.
        is_over: The core knows of the end, and is told nothing more.
        is_reading: Frames are being handed out that came in one read; `end_reading` ends it.
    """

    __slots__ = (
        "__weakref__",
        "_blocked",
        "_corked",
        "_direct",
        "_farewell",
        "_held",
        "_held_bytes",
        "_home",
        "_is_behind",
        "_is_gone",
        "_is_leaving",
        "_left_before",
        "_limit",
        "_notify",
        "_outbox",
        "_parting",
        "_pong",
        "_reads_later",
        "_real",
        "_receiver",
        "_size",
        "_steps",
        "_turn",
        "_unblocked",
        "_way_in",
        "_write",
        "asked_at",
        "is_closing",
        "is_due",
        "is_over",
        "is_reading",
    )

    def __init__(self, real: asyncio.Transport, home: ConnectionList) -> None:
        self._real = real
        self._write: Callable[[bytes], object] = getattr(real, "write_nocheck", real.write)
        self._direct: Callable[[bytes], object] | None = self._write  # None: frames have to wait
        self._is_gone: Callable[[], bool] = real.is_closing
        self._size: Callable[[], int] = real.get_write_buffer_size
        self._home = home
        self._turn = home.turn
        self._steps: InlineTask | None = None
        self.is_reading = self.is_due = False
        self._outbox = Outbox()
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._corked = self._blocked = self._reads_later = False
        self._is_leaving = self._is_behind = False
        self._unblocked: asyncio.Event | None = None
        self._left_before: int | None = None
        self._limit = 0
        self._notify: Callable[[], object] | None = None
        self._pong: bytes | None = None
        self._farewell: bytes | None = None
        self._parting: tuple[int, str] | None = None
        self._receiver: Receiver | None = None
        self._way_in: WayIn | None = None
        self.asked_at: float | None = None
        self.is_closing = False
        self.is_over = False

    def open(self, receiver: Receiver, way_in: WayIn) -> None:
        """Tell this receiver of the end. The connection may be over already."""
        self._way_in = way_in
        self._receiver = receiver
        if self.is_over:
            receiver.lost(CloseCode.ABNORMAL, "")

    # What the core asks for: see `Transport`.

    @property
    @override
    def buffered(self) -> int:
        """Bytes that the network has not taken."""
        return self._outbox.size + self._size()

    @property
    @override
    def overdue(self) -> int:
        """Bytes of them that wait here although the network had a turn to take them."""
        return self._outbox.overdue

    @property
    @override
    def departed(self) -> int:
        """Bytes that the network has taken, of those that had to wait."""
        return self._outbox.departed - self._size()

    @override
    def notify_below(self, limit: int, callback: Callable[[], object]) -> None:
        """Call back once when at most `limit` bytes wait."""
        self._limit, self._notify = limit, callback
        self._notify_if_below()

    @override
    def write(self, frame: Frame) -> int:
        """Send a frame, or keep it: corked, or while the network takes no more."""
        wire = frame.wire or frame.framed()
        write = self._direct
        if write is not None:
            if not self._turn.is_busy:
                write(wire)
                if self._is_gone():
                    self._block_for_good()
                return 0 if self._direct else self.buffered
            self.hold()
        if self._corked:
            held = self._held
            held.append(wire)
            self._held_bytes += len(wire)
            if len(held) < LOT and self._held_bytes < CHUNK:
                return 0
            self._send_held()
            if self._is_gone():
                self._block_for_good()
        elif not (self.is_closing or self.is_over):
            self._outbox.append(frame)
        return self.buffered if self._blocked else 0

    @classmethod
    @override
    def write_many(  # pyright: ignore[reportIncompatibleMethodOverride] - it loses the Self
        cls, transports: Collection[Self], frame: Frame, *, skip: Self | None = None
    ) -> list[Self]:
        """Send or keep a frame on each of many connections: the quickest way known."""
        # One turn is enough to ask: to send where another server's is busy is early, not wrong.
        if next(iter(transports))._turn.is_busy:  # noqa: SLF001 - of this class
            return [each for each in transports if each is not skip and each.write(frame)]
        wire = frame.wire or frame.framed()
        behind: list[Self] = []
        for each in transports:
            if each is skip:
                continue
            write = each._direct  # noqa: SLF001 - of this class
            if write is None:
                if each.write(frame):
                    behind.append(each)
            else:
                write(wire)
                if each._direct is None:  # noqa: SLF001 - of this class
                    behind.append(each)
        return behind

    @override
    def drop_oldest(self, *, volatile: bool = False) -> int:
        """Throw away one waiting frame."""
        return self._outbox.drop_oldest(volatile=volatile)

    @override
    def close(self, code: int, reason: str) -> None:
        """Send a close frame after what is written."""
        if self.is_closing or self.is_over:
            return
        self.hold_up()
        self.is_closing, self._direct = True, None
        payload = close_payload(code, close_reason(reason))
        self._farewell = framed(FINAL_CLOSE, payload)
        if self._way_in is not None:
            self._way_in.ignore()
        if not self._outbox.size:
            self._say_farewell()

    @override
    def abort(self) -> None:
        """Drop the connection."""
        self._real.abort()
        if not self.is_over:
            self._end(CloseCode.ABNORMAL, "")

    @override
    def resume(self) -> None:
        """Read on; while the network takes no answers, no sooner than it does."""
        self._reads_later = self._blocked and not self.is_closing
        if self._reads_later or self.is_over or self._way_in is None:
            return
        if self._way_in.is_paused:
            self._way_in.resume()

    @override
    def cork(self) -> None:
        """Keep what is written."""
        if self._direct is not None:
            self._corked, self._direct = True, None

    def hold(self) -> None:
        """Keep what is written until the turn ends: one read may have thousands of pings."""
        if self._direct is not None:
            self.cork()
            self._leave_later()

    def hold_up(self) -> None:
        """Send what was kept, in one write."""
        if self._corked:
            self._corked, self._direct = False, self._write
            if self._held:
                self._send_held()

    @override
    def flush(self) -> Awaitable[None] | None:
        """Have the kept sent as the turn ends; returns what to await while the network is full."""
        if self._corked and not self._is_leaving:
            if self._held:
                self._leave_later()
            else:
                self.hold_up()
        return self._free() if self._blocked else None

    def _leave_later(self) -> None:
        self._is_leaving = True
        self._turn.add(self)

    def leave(self) -> None:
        """The turn ends: send what was kept, and take no more messages until it went."""
        self._is_leaving = False
        self.hold_up()
        self._is_behind = self._blocked and not self.is_over

    async def _free(self) -> None:
        while self._blocked and not self.is_over:
            if self._unblocked is None:
                self._unblocked = asyncio.Event()
            await self._unblocked.wait()

    park = staticmethod(park)  # pyright: ignore[reportAssignmentType] - no method: a call less

    @override
    def wake(self) -> None:
        """Let the connection go on: here, as soon as all is read that came, or in its task."""
        if self.is_reading:
            self.is_due = True
        elif self._steps is not None:
            self._steps.wake()

    async def run(self, receiver: Receiver) -> None:
        """Run the receiver, in this task and in what is read."""
        self._steps = InlineTask(receiver.run(), self.hold_up)
        await self._steps

    # What the reader tells.

    def end_reading(self) -> None:
        """All is read that came. The messages in it are handled right here, as one batch.

        While answers wait for the network it is not: more of them could only pile up.
        """
        self.is_reading = False
        if self.is_due and not self._is_behind:
            self.is_due = False
            turn = self._turn
            if turn.is_begun:
                turn.go_on()
            else:
                turn.begin()
            if self._steps is not None:
                self._steps.take()
        if self._parting is not None:
            self.part(*self._parting)

    def read(self, *, on: bool) -> None:
        """Read from the network, or stop."""
        if self._real.is_closing():
            return
        if on:
            self._real.resume_reading()
        else:
            self._real.pause_reading()

    def block(self) -> None:
        """The network takes no more: keep what is written."""
        self._blocked = self._outbox.behind = True
        self._corked, self._direct = False, None
        if self._held:
            self._send_held()

    def _block_for_good(self) -> None:
        """Let who sends wait: a write failed, and `lose` is called no sooner than in the next turn.

        Until then the connection throws away what it is given.
        """
        if not (self._blocked or self.is_over):
            self.block()

    def unblock(self) -> None:
        """The network takes more."""
        self._blocked = self._outbox.behind = False
        pong, self._pong = self._pong, None
        if pong is not None and not self._said_farewell():
            self._write(pong)
        if self._blocked:
            return
        self._direct = None if self.is_closing else self._write
        if self._outbox.size:
            self._drain()
        elif self._farewell is not None:
            self._say_farewell()
        if not self._blocked:
            self._is_behind = False
            self._let_go()
            self._notify_if_below()
            if self._reads_later:
                self.resume()
            if self.is_due:
                self.is_due = False
                self.wake()

    def answer(self, payload: bytes) -> None:
        """Answer a ping. A peer that does not read gets the answer to its last one only."""
        pong = framed(FINAL_PONG, payload)
        if self._blocked:
            self._pong = pong  # RFC 6455 section 5.5.3
            return
        self.hold()
        if self._corked:
            self._held.append(pong)
            self._held_bytes += len(pong)
            if len(self._held) >= LOT:
                self._send_held()
        elif not self._said_farewell():
            self._write(pong)

    def part(self, code: int, reason: str) -> None:
        """Answer the peer's close frame and close the connection, as servers do first.

        What came in one read with the close frame is handled before, and may be answered.
        """
        self._parting = (code, reason) if self.is_reading else None
        if self.is_over or self._parting is not None:
            return
        self._say(close_payload(code, ""))
        self._end(code, reason)
        self._real.close()
        self._home.lingers(self)

    def fail(self, code: int, reason: str) -> None:
        """Close the connection because of what the peer did; see `hang_up`."""
        if self.is_over:
            return
        self._say(close_payload(code, close_reason(reason)))
        self._end(code, reason)
        hang_up(self._real, self.lose)
        self._home.lingers(self)
        self.end_reading()  # picows may hand out nothing more of what it read

    def depart(self) -> None:
        """The peer said that it will send nothing more, and not by a close frame.

        What was written still gets its time to leave.
        """
        if not self.is_over:
            self._end(CloseCode.ABNORMAL, "")
        self._home.lingers(self)

    def lose(self) -> None:
        """The connection is closed."""
        self._home.gone(self._real)
        if not self.is_over:
            self._end(CloseCode.ABNORMAL, "")
        self._way_in = None  # a cycle, which would keep the read buffer for long

    # What the sweep asks for.

    def ping(self, now: float) -> bool:
        """Ask the peer for a sign of life; False if one is owed already.

        While the way out is full no ping goes through: then any byte that leaves is one.
        """
        if self.is_over or self.is_closing or self.asked_at is not None:
            return False
        if self._blocked:
            self._left_before = self.departed
        else:
            self._left_before = None
            self._write(_PING)
        self.asked_at = now
        return True

    def owes_pong(self, since: float) -> bool:
        """Return True if the question of `ping`, no later than that, got no answer.

        A pong may wait behind messages that are not read, in a pause.
        """
        late = self.asked_at is not None and self.asked_at <= since
        if not late or self.is_over or self._way_in is None:
            return False
        if self._left_before is None:
            return not self._way_in.is_paused
        if self._blocked and self.departed == self._left_before:
            return True
        self.asked_at = None
        return False

    # What all of them need.

    def _send_held(self) -> None:
        held = self._held
        data = held[0] if len(held) == 1 else b"".join(held)
        held.clear()
        self._held_bytes = 0
        write = self._write
        write(data)

    def _drain(self) -> None:
        outbox = self._outbox
        while outbox.size and not self._blocked:
            wire = outbox.popleft().framed()
            if outbox.size:
                pieces = [wire]
                size = len(wire)
                while outbox.size and size < CHUNK:
                    pieces.append(outbox.popleft().framed())
                    size += len(pieces[-1])
                wire = b"".join(pieces)
            self._write(wire)
        if self._farewell is not None and not outbox.size:
            self._say_farewell()

    def _say_farewell(self) -> None:
        if self._farewell is not None:
            self._write(self._farewell)
            self._farewell = None

    def _say(self, payload: bytes) -> None:
        """Send a close frame, unless one was sent; one that waits is not, and this is it."""
        if not self._said_farewell():
            self.hold_up()
            self._farewell = framed(FINAL_CLOSE, payload)
            self._say_farewell()

    def _said_farewell(self) -> bool:
        return self.is_closing and self._farewell is None

    def _end(self, code: int, reason: str) -> None:
        self.is_over = self.is_closing = True
        self._corked, self._direct = False, None
        self._held.clear()
        self._held_bytes = 0
        self._is_behind = False
        self._outbox.clear()
        self._farewell = self._pong = None
        self._let_go()
        self._notify_if_below()
        if self._way_in is not None:
            self._way_in.stop()
        if self._receiver is not None:
            self._receiver.lost(code, reason)

    def _notify_if_below(self) -> None:
        if self._notify is not None and (self.is_over or self.buffered <= self._limit):
            notify, self._notify = self._notify, None
            notify()

    def _let_go(self) -> None:
        if self._unblocked is not None:
            self._unblocked.set()
            self._unblocked = None
