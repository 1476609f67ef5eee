"""WebSocket connection over a byte stream: the protocol core of `websockets`, driven by anyio.

Handles frames, pings and closing; does not interpret ByteSocket messages.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import anyio
import anyio.lowlevel
from anyio.abc import ByteStream
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import SEND_EOF, State

from bytesocket_app.client.signal import Signal
from bytesocket_app.wire import CloseCode, close_reason

HIGH_WATER: Final = 64 * 1024
"""Unsent bytes above which `drained` waits."""

BEHIND: Final = 16 * 1024
"""Unsent bytes above which the network counts as behind and volatile events are dropped."""

TURNS: Final = 5
"""Turns of the event loop within which an unhindered write is finished."""

Received: TypeAlias = Callable[[bytes, bool], Awaitable[None]]
"""Function called with each message: its payload, and True if the frame was binary."""

BROKEN: Final = (
    OSError,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.EndOfStream,
)
"""Exceptions that a stream raises when its connection is lost."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Close code and reason of a connection: the peer's, else ours, else 1006.

    `is_peers` is True if the peer closed by itself, and did not only answer our close.
    """

    code: int
    reason: str
    is_peers: bool = field(default=False, compare=False)


class WebSocketConnection:
    """An open WebSocket.

    `run` reads and writes until the connection ends; the other methods may be called meanwhile.

    Args:
        stream: The stream that carries the frames.
        protocol: The protocol core, after its handshake.
        close_timeout: Seconds from our close frame until the connection is dropped.

    Attributes:
        has_heard: Set to True whenever something arrives, be it part of a frame.
        stirred: Signal to notify when something is sent or closed; None while nobody waits for it.
    """

    def __init__(self, stream: ByteStream, protocol: ClientProtocol, close_timeout: float) -> None:
        self._stream = stream
        self._protocol = protocol
        self._close_timeout = close_timeout
        self._outgoing: list[bytes] = []
        self._unsent = 0
        self._senders = 0
        self.has_heard = False
        self.stirred: Signal | None = None
        self._is_writing = False
        self._is_aborted = False
        self._wake = Signal()
        self._progress = Signal()
        self._fragments: list[bytes] = []
        self._is_binary = False
        self._scope = anyio.CancelScope()

    @property
    def is_open(self) -> bool:
        """True if messages can be sent."""
        return self._protocol.state is State.OPEN

    async def is_behind(self) -> bool:
        """Return True if so many bytes are unsent that volatile events should be dropped.

        Waits for some turns of the event loop, so that pending writes can finish.
        """
        for _ in range(TURNS):
            if self._unsent <= BEHIND:
                return False
            await anyio.lowlevel.checkpoint()  # the writer may only be waiting for its turn
        return True

    async def is_silent(self) -> bool:
        """Return True if nothing arrived since `has_heard` was last set to False.

        Waits for some turns of the event loop, which a listener may have held up: what arrived
        meanwhile is read then.
        """
        for _ in range(TURNS):
            if self.has_heard:
                return False
            await anyio.lowlevel.checkpoint()
        return not self.has_heard

    @property
    def is_clogged(self) -> bool:
        """True while somebody waits in `drained`."""
        return self._senders > 0

    @property
    def subprotocol(self) -> str | None:
        """Subprotocol that the server chose of those offered, or None."""
        return self._protocol.subprotocol

    def send(self, payload: bytes, *, is_binary: bool) -> None:
        """Queue a message for sending; does nothing if the connection is not open. Never waits."""
        if not self.is_open:
            return
        if is_binary:
            self._protocol.send_binary(payload)
        else:
            self._protocol.send_text(payload)
        self._flush()

    async def drained(self) -> None:
        """Wait until the unsent bytes are below the limit, or the connection is over."""
        await self._until_unsent(HIGH_WATER)

    async def flushed(self) -> None:
        """Wait until all is written, or the connection is over."""
        await self._until_unsent(0)

    async def _until_unsent(self, most: int) -> None:
        if self._unsent <= most:
            return
        self._senders += 1
        self._stir()
        try:
            while self._unsent > most and self.is_open:
                await self._progress.wait()
        finally:
            self._senders -= 1

    def close(self, code: int, reason: str = "", *, timeout: float | None = None) -> None:
        """Start the closing handshake. `run` ends when the peer answers or the timeout passes."""
        if self.is_open:
            self._protocol.send_close(code, close_reason(reason))
            self._flush()
        self._end_within(self._close_timeout if timeout is None else timeout)
        self._progress.notify()

    def abort(self) -> None:
        """Drop the connection without a close frame; `run` ends at once."""
        self._is_aborted = True
        self._scope.cancel()

    def _end_within(self, seconds: float) -> None:
        self._scope.deadline = min(self._scope.deadline, anyio.current_time() + seconds)

    async def run(self, received: Received) -> Ending:
        """Read messages until the connection is over, and close the stream.

        If cancelled, a close frame is sent where that takes no time, and the stream is closed.
        """
        try:
            with self._scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._write)
                    await self._read(received)
                    tasks.cancel_scope.cancel()
        finally:
            self._progress.notify()
            await self._leave()
        return self._ending()

    async def _leave(self) -> None:
        """Close the stream; if cancelled, send a close frame first where that takes no time."""
        if self.is_open and not self._is_aborted:
            self._protocol.send_close(CloseCode.GOING_AWAY)
            self._flush()
        with anyio.CancelScope(shield=True):
            # A cancelled write may have sent part of a frame, so nothing can be sent after it.
            if self._outgoing and not (self._is_writing or self._is_aborted):
                with anyio.move_on_after(0.1), suppress(*BROKEN):
                    await self._stream.send(b"".join(self._outgoing))
            await anyio.aclose_forcefully(self._stream)

    def _ending(self) -> Ending:
        theirs, ours = self._protocol.close_rcvd, self._protocol.close_sent
        close = theirs or ours
        if close is None:
            return Ending(CloseCode.ABNORMAL, "")
        is_first = bool(self._protocol.close_rcvd_then_sent)
        # Both may close at once: an answer to our close has its code.
        is_peers = theirs is not None and (is_first or ours is None or theirs.code != ours.code)
        if ours is not None and not is_peers:
            close = ours  # an answer need not have its reason
        return Ending(close.code, close.reason, is_peers)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data is not SEND_EOF and data:
                self._outgoing.append(data)
                self._unsent += len(data)
        self._wake.notify()
        if self.stirred is not None:
            self.stirred.notify()

    def _stir(self) -> None:
        if self.stirred is not None:
            self.stirred.notify()

    async def _write(self) -> None:
        while True:
            while not self._outgoing:
                await self._wake.wait()
            data = b"".join(self._outgoing)
            self._outgoing.clear()
            self._is_writing = True
            try:
                await self._stream.send(data)
            except BROKEN:
                self._unsent = 0
                self._progress.notify()
                return
            self._is_writing = False
            self._unsent -= len(data)
            self._progress.notify()

    async def _read(self, received: Received) -> None:
        while True:
            events = self._protocol.events_received()
            self._flush()
            for event in events:
                if isinstance(event, Frame):
                    await self._frame(event, received)
            if self._protocol.close_rcvd is not None:
                return await self._last_words()
            if not self.is_open:
                self._end_within(self._close_timeout)
            try:
                data = await self._stream.receive()
            except BROKEN:
                return self._protocol.receive_eof()
            self.has_heard = True
            self._protocol.receive_data(data)

    async def _last_words(self) -> None:
        """Let the writer finish, so that our close frame reaches the peer."""
        with anyio.move_on_after(self._close_timeout):
            while self._unsent:
                await self._progress.wait()

    async def _frame(self, frame: Frame, received: Received) -> None:
        if frame.opcode in {Opcode.TEXT, Opcode.BINARY}:
            self._is_binary = frame.opcode is Opcode.BINARY
            self._fragments = []
        elif frame.opcode is not Opcode.CONT:
            return
        self._fragments.append(bytes(frame.data))
        if frame.fin:
            await received(b"".join(self._fragments), self._is_binary)
            self._fragments = []
