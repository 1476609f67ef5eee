"""Lifespan function of an application, declared with `@app.lifespan`."""

import inspect
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol, TypeAlias, TypeVar

from anyio import CancelScope, Lock

from bytesocket_app.dependencies import Lasting
from bytesocket_app.errors import ConfigurationError, where
from bytesocket_app.signature import Offer, by_type
from bytesocket_app.socket import Application

logger = logging.getLogger("bytesocket")

LifespanFunction: TypeAlias = Callable[..., Any]
"""`async def lifespan(app: ByteSocket): ...` with one `yield`; it may ask for dependencies."""

L = TypeVar("L", bound=LifespanFunction)


class Inside(Protocol):
    """Work that runs inside the lifespan."""

    @property
    def what(self) -> str:
        """Name of what is declared, with its place; empty if nothing is."""
        ...

    def running(self) -> AbstractAsyncContextManager[object]:
        """Return the context of what runs, entered by each user."""
        ...


class LifespanRunner:
    """Runner of the application's lifespan function: once for all users at the same time.

    The first user enters the function's context and the last one exits it. Users are a server's
    lifespan, `app.running()`, and every `TestClient`.

    Args:
        app: The application, which the function may ask for.
        check: Raises ConfigurationError if the application's declarations contradict each other.
        check_bare: Raises ConfigurationError if the application needs a lifespan to be served.
        inside: What else runs inside the lifespan, for each user; None for nothing.
        ended: Called when the last user is gone.
    """

    def __init__(
        self,
        app: object,
        check: Callable[[], None],
        check_bare: Callable[[], None],
        inside: Inside | None = None,
        *,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self._app = app
        self._check = check
        self._check_bare = check_bare
        self._users = 0
        self._inside = inside
        self._ended = ended
        self._checked = False
        self._function: LifespanFunction | None = None
        self._lasting: Lasting | None = None
        self._needed = 0
        self._turn: Lock | None = None
        self._running: AbstractAsyncContextManager[object] | None = None
        self._is_known = False
        self._hosts: list[object] = []

    @property
    def host(self) -> object:
        """The FastAPI or Starlette application in whose lifespan it runs, the last; or None."""
        return self._hosts[-1] if self._hosts else None

    def declare(self, function: L) -> L:
        """Take the application's function.

        Raises:
            ConfigurationError: The application has a function already, this is not an `async def`
                with a `yield`, or a parameter asks for neither the application nor a dependency.
        """
        if self._function is not None:
            raise ConfigurationError(
                f"{where(function)}: the lifespan is declared already, at "
                f"{where(self._function)}. Do both things in one function."
            )
        _check(function)
        kind = type(self._app)
        offer = Offer(
            f"the application ({kind.__name__})",
            by_type(kind, "app", also=Application),
            usual=f"app: {kind.__name__}",
        )
        self._lasting = Lasting(function, offer, "the lifespan")
        self._function = function
        return function

    def check(self) -> None:
        """Check the application's declarations, unless it was done; for a run without lifespan.

        Raises:
            ConfigurationError: They contradict each other, or it cannot be served without one.
        """
        if not self._checked:
            self._check()
            self._checked = True
        if not self._users:
            self._check_bare()

    def met(self, root: str, path: str) -> None:
        """Take note of a connection; warn once if something is declared and nobody ran it.

        Args:
            root: The prefix of the mounts around the application; "" for none.
            path: The socket's path below it.
        """
        if self._is_known:
            return
        self._is_known = True
        what = "" if self._inside is None else self._inside.what
        if self._function is not None:
            what = f"the lifespan {where(self._function)}"
        if not what:
            return
        where_it_is = "the server runs no lifespans, or an application around this one does not"
        instead = "have them run, or"
        if root:
            where_it_is = f"a mount, as at {root!r}, runs none"
            there = path if root.endswith(path) else f"{root}{path}"
            instead = f"attach it in place of the mount, `app.attach(host, {there!r})`, or"
        logger.warning(
            "%s of %r did not run: %s. Remedy: %s `async with app.running():` around "
            "the `yield` of the host's own lifespan",
            what,
            getattr(self._app, "title", ""),
            where_it_is,
            instead,
        )

    @asynccontextmanager
    async def running(self, host: object = None) -> AsyncGenerator[None]:
        """Run the block inside the lifespan.

        Args:
            host: The application that it is attached to, whose `dependency_overrides` count too.

        Raises:
            ConfigurationError: The application's declarations contradict each other.
            Exception: Any exception from the start of the lifespan.
        """
        self._is_known = True
        self._checked = False  # declarations may have been added since the last run
        self._users += 1
        if host is not None:
            self._hosts.append(host)
        try:
            self.check()
            async with self._entered():
                if self._inside is None:
                    yield
                else:
                    async with self._inside.running():
                        yield
        finally:
            self._users -= 1
            if host is not None:
                self._hosts.remove(host)
            if not self._users:
                self._ended()

    @asynccontextmanager
    async def _entered(self) -> AsyncGenerator[None]:
        if self._lasting is None:
            yield
            return
        await self._enter(self._lasting)
        try:
            yield
        finally:
            await self._leave()

    async def _enter(self, function: Lasting) -> None:
        # A lock belongs to one event loop; an application may run in several, one by one.
        if self._turn is None or not self._needed:
            self._turn = Lock()
        self._needed += 1
        try:
            async with self._turn:
                if self._running is None:
                    theirs = getattr(self.host, "dependency_overrides", {})
                    overrides = {**theirs, **getattr(self._app, "dependency_overrides", {})}
                    context = function.entered(self._app, overrides)
                    await context.__aenter__()
                    self._running = context
        except BaseException:
            self._needed -= 1
            raise

    async def _leave(self) -> None:
        turn = self._turn
        assert turn is not None  # noqa: S101 - whoever leaves has entered
        with CancelScope(shield=True):  # the count has to go down even if this is cancelled
            await turn.acquire()
        try:
            if self._needed == 1 and self._running is not None:
                context, self._running = self._running, None
                await context.__aexit__(None, None, None)
        finally:
            # Only now: a user that comes during the exit waits for the lock, and enters again.
            self._needed -= 1
            turn.release()


def _check(function: LifespanFunction) -> None:
    if callable(function) and inspect.isasyncgenfunction(inspect.unwrap(function)):
        return
    raise ConfigurationError(
        f"{where(function)}: {function!r} cannot be the lifespan: it is no `async def` with a "
        "`yield`. Write `async def lifespan(app: ByteSocket): ...` with one `yield`: before it "
        "what the start needs, after it what the end needs."
    )
