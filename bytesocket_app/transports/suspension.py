"""Awaitables that report when a coroutine suspends."""

from collections.abc import Callable, Coroutine, Generator
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class OnSuspend:
    """Awaitable around a coroutine; it calls back at the first suspension, if there is one.

    The coroutine runs in the awaiting task as if it were awaited directly: all that it yields to
    the event loop is passed on unchanged, on asyncio and on trio.
    """

    __slots__ = ("_callback", "_coroutine")

    def __init__(self, coroutine: Coroutine[Any, Any, T], callback: Callable[[], object]) -> None:
        self._coroutine = coroutine
        self._callback = callback

    def __await__(self) -> Generator[Any, Any, Any]:
        """Run the coroutine, and report its first suspension."""
        coroutine = self._coroutine
        try:
            request = coroutine.send(None)
        except StopIteration as done:
            return done.value
        self._callback()
        while True:
            failure: BaseException | None = None
            answer: Any = None
            try:
                answer = yield request
            except GeneratorExit:
                coroutine.close()
                raise
            except BaseException as exc:  # noqa: BLE001 - it belongs to the coroutine
                failure = exc
            try:
                request = coroutine.send(answer) if failure is None else coroutine.throw(failure)
            except StopIteration as done:
                return done.value


class Attendant(Protocol):
    """Transport that is told when a connection's task waits."""

    is_parked: bool
    """True while the task waits because there is nothing to do."""

    def hold_up(self) -> None:
        """Take note that the task waits for something else."""
        ...


class Attended:
    """Awaitable around a connection's coroutine; it tells the transport of waits outside `park`.

    All that the coroutine yields to the event loop is passed on unchanged.
    """

    __slots__ = ("_attendant", "_coroutine")

    def __init__(self, coroutine: Coroutine[Any, Any, T], attendant: Attendant) -> None:
        self._coroutine = coroutine
        self._attendant = attendant

    def __await__(self) -> Generator[Any, Any, Any]:
        """Run the coroutine."""
        coroutine, attendant = self._coroutine, self._attendant
        send = coroutine.send
        failure: BaseException | None = None
        answer: Any = None
        while True:
            try:
                request = send(answer) if failure is None else coroutine.throw(failure)
            except StopIteration as done:
                return done.value
            if not attendant.is_parked:
                attendant.hold_up()
            failure = answer = None
            try:
                answer = yield request
            except GeneratorExit:
                coroutine.close()
                raise
            except BaseException as exc:  # noqa: BLE001 - it belongs to the coroutine
                failure = exc
