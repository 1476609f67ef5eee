"""Notice the moment a coroutine waits for something."""

from collections.abc import Callable, Coroutine, Generator
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class OnSuspend:
    """Await a coroutine; call back when it first suspends, and not at all if it never does.

    The coroutine runs in the awaiting task as if it were awaited directly: what it yields to the
    event loop is passed on untouched, on asyncio and on trio.
    """

    __slots__ = ("_callback", "_coroutine")

    def __init__(self, coroutine: Coroutine[Any, Any, T], callback: Callable[[], object]) -> None:
        self._coroutine = coroutine
        self._callback = callback

    def __await__(self) -> Generator[Any, Any, Any]:
        """Run the coroutine, reporting its first suspension."""
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
    """Who is told when a connection's own task waits."""

    is_parked: bool
    """Whether it waits because there is nothing to do."""

    def hold_up(self) -> None:
        """It waits for something else."""
        ...


class Attended:
    """Await what runs a connection; tell its transport whenever that waits and is not parked.

    What the coroutine yields to the event loop is passed on untouched.
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
