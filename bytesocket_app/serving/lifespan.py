"""`@app.lifespan`: what an application does around its own life, whoever runs it."""

import inspect
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias, TypeVar

from anyio import CancelScope, Lock

from bytesocket_app.errors import ConfigurationError, where

LifespanFunction: TypeAlias = Callable[..., Any]
"""`async def lifespan(app): ...` with one `yield`."""

L = TypeVar("L", bound=LifespanFunction)


class LifespanRunner:
    """Runs the application's lifespan function once, however many need it to be running.

    The first to come enters it and the last to go leaves it: a server's lifespan and
    `app.running()` are such, and so is every `TestClient`.

    Args:
        app: What the function is called with.
        check: Raises ConfigurationError if the application's declarations do not go together.
    """

    def __init__(self, app: object, check: Callable[[], None]) -> None:
        self._app = app
        self._check = check
        self._checked = False
        self._function: LifespanFunction | None = None
        self._needed = 0
        self._turn: Lock | None = None
        self._running: AbstractAsyncContextManager[object] | None = None

    def declare(self, function: L) -> L:
        """Take the application's function.

        Raises:
            ConfigurationError: There is one already, or this is no `async def` with a `yield`
                that can be called with the application.
        """
        if self._function is not None:
            raise ConfigurationError(
                f"{where(function)}: the lifespan is declared already, at "
                f"{where(self._function)}. Do both things in one function."
            )
        _check(function, self._app)
        self._function = function
        return function

    def check(self) -> None:
        """Check the application's declarations, once all are made: where it runs without a life."""
        if not self._checked:
            self._check()
            self._checked = True

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Have the lifespan run for the block.

        Raises:
            ConfigurationError: The application's declarations do not go together.
            Exception: Whatever the start of the lifespan raises.
        """
        self._checked = False  # for an application that is declared further between two lives
        self.check()
        if self._function is None:
            yield
            return
        await self._enter(self._function)
        try:
            yield
        finally:
            await self._leave()

    async def _enter(self, function: LifespanFunction) -> None:
        # A lock belongs to one event loop; an application may live in several, one by one.
        if self._turn is None or not self._needed:
            self._turn = Lock()
        self._needed += 1
        try:
            async with self._turn:
                if self._running is None:
                    # Decorated by the application or not, `asynccontextmanager` made it.
                    plain = inspect.isasyncgenfunction(function)
                    make: Any = asynccontextmanager(function) if plain else function
                    context: AbstractAsyncContextManager[object] = make(self._app)
                    await context.__aenter__()
                    self._running = context
        except BaseException:
            self._needed -= 1
            raise

    async def _leave(self) -> None:
        turn = self._turn
        assert turn is not None  # noqa: S101 - whoever leaves has entered
        with CancelScope(shield=True):  # cancelled or not, this one has to be counted out
            await turn.acquire()
        try:
            if self._needed == 1 and self._running is not None:
                context, self._running = self._running, None
                await context.__aexit__(None, None, None)
        finally:
            # Only now: who comes meanwhile waits for the turn, and starts it anew.
            self._needed -= 1
            turn.release()


def _check(function: LifespanFunction, app: object) -> None:
    problem = None
    if not (callable(function) and inspect.isasyncgenfunction(inspect.unwrap(function))):
        problem = "it is no `async def` with a `yield`"
    else:
        try:
            inspect.signature(function).bind(app)
        except TypeError as exc:
            problem = f"it cannot be called with the application ({exc})"
    if problem is not None:
        raise ConfigurationError(
            f"{where(function)}: {function!r} cannot be the lifespan: {problem}. Write "
            "`async def lifespan(app): ...` with one `yield`: before it what the start needs, "
            "after it what the end needs."
        )
