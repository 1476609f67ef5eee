"""Signals as an iteration, on every platform.

asyncio takes signals on POSIX alone. Elsewhere plain handlers note them, and are asked often.
"""

import signal
from collections import deque
from collections.abc import AsyncIterator, Generator
from contextlib import ExitStack, contextmanager

import anyio
from typing_extensions import override

PAUSE = 0.1
"""Seconds between two looks at the signals, where an event loop cannot be told of them."""


@contextmanager
def signals(*numbers: signal.Signals) -> Generator[AsyncIterator[int]]:
    """Receive signals within the block, in the order in which they come."""
    with ExitStack() as stack:
        received: AsyncIterator[int]
        try:
            received = stack.enter_context(anyio.open_signal_receiver(*numbers))
        except NotImplementedError:
            received = stack.enter_context(_noted(*numbers))
        yield received


class _Noted(AsyncIterator[int]):
    """Signals that came, noted by a handler."""

    def __init__(self) -> None:
        self._found: deque[int] = deque()

    def note(self, number: int, _frame: object) -> None:
        """Handle a signal."""
        self._found.append(number)

    @override
    async def __anext__(self) -> int:
        """Wait for the next signal."""
        while not self._found:  # noqa: ASYNC110 - no event may be set in a signal handler
            await anyio.sleep(PAUSE)
        return self._found.popleft()


@contextmanager
def _noted(*numbers: signal.Signals) -> Generator[AsyncIterator[int]]:
    noted = _Noted()
    before = {number: signal.signal(number, noted.note) for number in numbers}
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
