"""Notice the moment a coroutine first waits for something."""

from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

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
