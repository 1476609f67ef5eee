"""Threads for plain functions: so many for an application, shared out among its connections.

A connection holds a quarter of them at most, so that what one makes wait is others' no concern.
Those that wait get threads in turn, a connection after the other and not a call after the other.
"""

from collections import OrderedDict
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final, TypeVar

from anyio import CapacityLimiter, Event, to_thread
from anyio.lowlevel import RunVar

T = TypeVar("T")

USUAL: Final = 40
"""Threads of an application, unless told otherwise."""
_PARTS: Final = 4
"""The part of all threads that a connection may hold: a quarter."""


class Threads:
    """Threads of one application, on each event loop that it runs on.

    Args:
        most: Threads at once; 0 for 40.
    """

    def __init__(self, most: int = 0) -> None:
        self._most = most or USUAL
        self._lot: RunVar[_Lot] = RunVar("bytesocket_threads")

    def share(self) -> "Share":
        """Return the share of a new connection, on the running event loop."""
        lot = self._lot.get(None)
        if lot is None:
            self._lot.set(lot := _Lot(self._most))
        return Share(lot)


class _Lot:
    """Threads on one event loop.

    While threads are free nobody is in turn: who could have one has it.

    Attributes:
        free: Threads that nobody uses.
        most: Threads that one share may hold.
        turn: Shares whose calls wait and that may hold more, the next one first.
    """

    __slots__ = ("free", "most", "turn")

    def __init__(self, threads: int) -> None:
        self.free = threads
        self.most = max(threads // _PARTS, 1)
        self.turn: OrderedDict[Share, None] = OrderedDict()


class Share:
    """One connection's share of the threads.

    Args:
        lot: The threads of its event loop.
    """

    __slots__ = ("_calls", "_held", "_lot")

    def __init__(self, lot: _Lot) -> None:
        self._lot = lot
        self._held = 0
        # The calls that wait, oldest first; in most connections there never is one.
        self._calls: OrderedDict[Event, None] | None = None

    async def run(self, function: Callable[[], T]) -> T:
        """Run a function in a thread as soon as there is one; raises what it raises.

        A cancellation gives up the place in the queue. It does not interrupt the function.
        """
        await self._acquire()
        try:
            return await _run(function)
        finally:
            self._held -= 1
            self._lot.free += 1
            self._line_up()
            self._serve()

    async def _acquire(self) -> None:
        lot = self._lot
        if lot.free and self._held < lot.most:
            lot.free -= 1
            self._held += 1
            return
        call = Event()
        if self._calls is None:
            self._calls = OrderedDict()
        self._calls[call] = None
        self._line_up()
        try:
            await call.wait()
        except BaseException:
            if call in self._calls:
                del self._calls[call]
                if not self._calls:
                    lot.turn.pop(self, None)
            else:  # it was this one's turn at the same moment
                self._held -= 1
                lot.free += 1
                self._line_up()
                self._serve()
            raise

    def _line_up(self) -> None:
        """Stand in line, at its end unless there already, if a call waits and may have a thread."""
        if self._calls and self._held < self._lot.most:
            self._lot.turn.setdefault(self)

    def _serve(self) -> None:
        """Give free threads to those in line, one each."""
        lot = self._lot
        while lot.free and lot.turn:
            share, _ = lot.turn.popitem(last=False)
            share._take()  # noqa: SLF001 - another one's of this class

    def _take(self) -> None:
        calls = self._calls
        assert calls  # noqa: S101 - who stands in line has a call
        call, _ = calls.popitem(last=False)
        self._held += 1
        self._lot.free -= 1
        self._line_up()
        call.set()


_NESTED: Final = object()
"""Stands for the share inside a thread: who waits for a call has a thread, and waits for no other.

A function in a thread may call async code, which calls a plain function again. Were that to wait
for its connection's turn, it would wait for the thread that it is called from.
"""

current: ContextVar[Any] = ContextVar("bytesocket_share", default=None)
"""The share of the connection at work; None outside connections."""


class AtWork:
    """Plain functions at work, of all applications in the process.

    A virtual clock waits for them: to an event loop their tasks look idle.

    Attributes:
        threads: How many run in a thread, or wait for one.
    """

    threads = 0


at_work: Final = AtWork()


async def in_thread(function: Callable[[], T]) -> T:
    """Run a function in a thread, one of the share of the connection at work.

    Outside connections it is one of anyio's. Raises what the function raises.
    """
    share = current.get()
    at_work.threads += 1
    try:
        if isinstance(share, Share):
            return await share.run(function)
        if share is _NESTED:
            return await _run(function)
        return await to_thread.run_sync(function)
    finally:
        at_work.threads -= 1


async def _run(function: Callable[[], T]) -> T:
    def nested() -> T:
        current.set(_NESTED)  # in the thread's own context
        return function()

    return await to_thread.run_sync(nested, limiter=CapacityLimiter(1))
