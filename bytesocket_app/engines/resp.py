"""One connection to a Redis or Valkey server: RESP3, parsed and packed by hiredis.

Commands are answered in their order, so that each waits in a queue for its answer. A subscription
is answered by a push for each channel, or by an error in their place. Pushes of messages come
between answers and belong to none.
"""

from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, Never, Protocol, TypeAlias, cast

import anyio
import hiredis
from anyio.abc import TaskGroup

from bytesocket_app.engines.interface import MAX_UNSENT, Confirmation, confirmed
from bytesocket_app.engines.line import Line
from bytesocket_app.errors import EngineError

QUIET: Final = 1.0
"""Seconds without a byte from the server after which it is asked for one."""
SILENCES: Final = 3
"""Quiet seconds in a row after which the server counts as lost."""
BATCH: Final = 512
"""Channels of one command."""

Argument: TypeAlias = str | bytes | int

LOST: Final = (
    OSError,
    TimeoutError,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.EndOfStream,
    hiredis.HiredisError,
    EngineError,
)
"""Exceptions by which a connection ends."""


class Subscriber(Protocol):
    """Listener to a connection."""

    def message(self, channel: bytes, payload: bytes) -> None:
        """Take a message of a subscribed channel."""
        ...

    def acknowledged(self, count: int) -> None:
        """Take note that the server has done the oldest `count` publications."""
        ...

    def refused(self, reason: str) -> None:
        """Take note that the server will not do the oldest publication."""
        ...


class _Answer:
    """Answer to a command, that somebody waits for."""

    __slots__ = ("_done", "error", "value")

    def __init__(self) -> None:
        self.value: Any = None
        self.error: Exception | None = None
        self._done = anyio.Event()

    def end(self, value: Any = None, error: Exception | None = None) -> None:
        """Give the answer."""
        self.value, self.error = value, error
        self._done.set()

    async def wait(self) -> Any:
        """Return the answer; raises the server's error, or EngineError if it never came."""
        await self._done.wait()
        if self.error is not None:
            raise self.error
        return self.value


class _SubscriptionChange:
    """Change of subscriptions that the server has not confirmed for all its channels."""

    __slots__ = ("confirmation", "left")

    def __init__(self, left: int) -> None:
        self.left = left
        self.confirmation = Confirmation()


class RespConnection:
    """An open connection; `run` reads and writes until it ends.

    Args:
        line: The line to the server.
        subscriber: Told of messages and of what became of publications.
    """

    def __init__(self, line: Line, subscriber: Subscriber) -> None:
        self._line = line
        self._subscriber = subscriber
        self._reader = hiredis.Reader()
        # None stands for the answer to a publication.
        self._expected: deque[_Answer | _SubscriptionChange | None] = deque()
        self._is_quiet = False
        self._tasks: TaskGroup | None = None
        self._error: Exception | None = None

    async def run(self, opened: Callable[[], Coroutine[Any, Any, None]]) -> Never:
        """Read and write until the connection ends, and close it; always raises, one of `LOST`.

        Args:
            opened: Called in a task beside, once: what is to be asked and told first.
        """
        try:
            async with anyio.create_task_group() as self._tasks:
                self._tasks.start_soon(self._line.run)
                self._tasks.start_soon(self._watch)
                self._tasks.start_soon(opened)
                await self._read()
        except BaseExceptionGroup as group:
            raise _first(group) from None
        finally:
            try:
                with anyio.CancelScope(shield=True):
                    await self._line.close()
            finally:
                self._abandon()  # whoever subscribed meanwhile waits too
        raise self._error or EngineError("the connection was ended")

    def end(self, reason: str) -> None:
        """End the connection: `run` raises EngineError with the reason."""
        if self._tasks is not None and self._error is None:
            self._error = EngineError(reason)
            self._tasks.cancel_scope.cancel()

    def publish(self, channel: bytes, payload: bytes) -> None:
        """Send a message to a channel; the subscriber is told what becomes of it."""
        # The same as `pack_command`, for a tenth of its instructions.
        self._put(
            b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n"
            % (len(channel), channel, len(payload), payload),
            None,
        )

    def subscribe(self, channels: Sequence[bytes]) -> Confirmation:
        """Subscribe to channels; if the server refuses, the connection ends with its error."""
        return self._change(b"SUBSCRIBE", channels)

    def unsubscribe(self, channels: Sequence[bytes]) -> None:
        """Unsubscribe from channels."""
        _ = self._change(b"UNSUBSCRIBE", channels)

    def _change(self, command: bytes, channels: Sequence[bytes]) -> Confirmation:
        confirmation = confirmed()
        for start in range(0, len(channels), BATCH):
            some = channels[start : start + BATCH]
            change = _SubscriptionChange(len(some))
            confirmation = change.confirmation  # the last one comes last
            self._put(packed(command, *some), change)
        return confirmation

    async def ask(self, *command: Argument) -> Any:
        """Send a command and return its answer.

        Raises:
            ReplyError: The server answers with an error.
            EngineError: The connection ended first.
        """
        answer = _Answer()
        self._put(packed(*command), answer)
        return await answer.wait()

    def _put(self, data: bytes, answer: _Answer | _SubscriptionChange | None) -> None:
        self._expected.append(answer)
        self._line.write(data)
        if self._line.unsent > MAX_UNSENT:
            self.end("the broker does not keep up")

    async def _read(self) -> None:
        reader, line, subscriber = self._reader, self._line, self._subscriber
        while True:
            try:
                reader.feed(await line.receive())
            except anyio.EndOfStream:
                raise EngineError("the server closed the connection") from None
            self._is_quiet = False
            acknowledged = 0
            while (value := reader.gets()) is not False:
                if type(value) is hiredis.PushNotification:
                    self._pushed(value)
                    continue
                answer = self._expected.popleft() if self._expected else None
                if answer is not None:
                    _answer(answer, value)
                elif not isinstance(value, hiredis.ReplyError):
                    acknowledged += 1
                else:
                    subscriber.acknowledged(acknowledged)
                    acknowledged = 0
                    subscriber.refused(str(value))
            if acknowledged:
                subscriber.acknowledged(acknowledged)

    def _pushed(self, push: Any) -> None:
        kind = push[0]
        if kind == b"message":
            self._subscriber.message(push[1], push[2])
        elif kind in (b"subscribe", b"unsubscribe"):
            change = self._expected[0] if self._expected else None
            if not isinstance(change, _SubscriptionChange):
                raise EngineError(f"the server confirmed {push[1]!r}, which nobody asked for")
            change.left -= 1
            if not change.left:
                self._expected.popleft()
                change.confirmation.end()

    async def _watch(self) -> None:
        """Ask a quiet server for a sign of life; raise TimeoutError if it gives none."""
        silences = 0
        while True:
            self._is_quiet = True
            await anyio.sleep(QUIET)
            silences = silences + 1 if self._is_quiet else 0
            if silences == SILENCES:
                raise TimeoutError(f"the broker has been silent for {SILENCES * QUIET:g} s")
            if silences == 1:
                self._put(packed("PING"), _Answer())

    def _abandon(self) -> None:
        """End all who wait for the server."""
        error = EngineError("the connection to the broker was lost")
        for expected in self._expected:
            if isinstance(expected, _Answer):
                expected.end(error=error)
            elif expected is not None:
                expected.confirmation.end()
        self._expected.clear()


# Its stub takes a tuple of exactly one item, and does not say what it returns.
_pack = cast(
    "Callable[[tuple[Argument, ...]], bytes]",
    hiredis.pack_command,  # pyright: ignore[reportUnknownMemberType]
)


def packed(*command: Argument) -> bytes:
    """Return a command in RESP."""
    return _pack(command)


def _answer(expected: _Answer | _SubscriptionChange, value: Any) -> None:
    """Give an answer to whoever waits; raises the error with which a subscription is refused."""
    is_error = isinstance(value, hiredis.ReplyError)
    if isinstance(expected, _Answer):
        expected.end(None if is_error else value, value if is_error else None)
    elif is_error:
        raise value
    else:
        raise EngineError(f"the server answered {value!r} to a subscription")


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the exception that ended a connection: its tasks were cancelled for it."""
    ended: BaseException | None = group.subgroup(Exception)
    while isinstance(ended, BaseExceptionGroup):
        ended = ended.exceptions[0]
    return group if ended is None else ended
