"""What every runner does around its server: the lifespan, and a shutdown in a fixed order.

The order: no new sockets and a close frame to all (`drain`), a wait for calls that are still
running, their cancellation, the server's own end, the application's lifespan. Each step has a
bound, so a peer that never answers cannot delay the exit (design: hypercorn 0.18 leaves open
WebSockets hanging at shutdown on Python 3.12 and 3.13).
"""

import logging
import socket
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import anyio

from bytesocket_app.serving.runners.certificate import Certificate
from bytesocket_app.transports.asgi import ASGIApp, Receive, Scope, Send
from bytesocket_app.transports.interface import Served
from bytesocket_app.transports.lifespan import run_lifespan

logger = logging.getLogger("bytesocket.server")

Drain: TypeAlias = Callable[[float], Awaitable[None]]
"""Closes all sockets within so many seconds: `ByteSocket.drain`."""

Trigger: TypeAlias = Callable[[], Awaitable[None]]
"""A server serves until this returns."""

Server: TypeAlias = Callable[["CountedApplication", "Hosting", Trigger], Awaitable[None]]
"""A runner's own part: serve until the trigger returns, then end."""


async def _nothing(_grace: float) -> None:
    """Drain an application that has no sockets of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosting:
    """How to host one application.

    Attributes:
        listener: A bound socket; the runner duplicates it, its owner closes it.
        drain: Closes the application's sockets; gets the seconds it has for it.
        grace: Seconds from the wish to stop to the cancellation of the server.
        linger: The last seconds of the grace: for calls that were cancelled, and for the server.
        message_bytes: The longest message a server should take; 0 for any.
        backend: The event loop that the caller runs; hypercorn has one server for each.
        served: The applications whose sockets are served, for a server that is no ASGI server.
        certificate: What to show for https and wss; without it the server speaks plain text.
        started: Called once, when the server accepts connections.
    """

    listener: socket.socket
    drain: Drain = _nothing
    grace: float = 10.0
    linger: float = 0.3
    message_bytes: int = 0
    backend: Literal["asyncio", "trio"] = "asyncio"
    served: Sequence[Served] = ()
    certificate: Certificate | None = None
    started: Callable[[], None] = field(default=lambda: None)


class CountedApplication:
    """The application as the server sees it: every call counted, and ended when time is up.

    Args:
        app: The application.

    Attributes:
        app: As given.
        state: What its lifespan put there.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._calls: set[anyio.CancelScope] = set()
        self._idle = anyio.Event()
        self.state: dict[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one connection on. The lifespan is ours: the server gets an empty one."""
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            return
        scope["state"] = dict(self.state)
        with self.call():
            await self.app(scope, receive, send)

    @contextmanager
    def call(self) -> Generator[None]:
        """Count what runs in the block as a call, and end it when time is up."""
        with anyio.CancelScope() as call:
            self._calls.add(call)
            try:
                yield
            finally:
                self._calls.discard(call)
                if not self._calls:
                    self._idle.set()

    async def idle(self) -> None:
        """Wait until no call is running."""
        while self._calls:
            self._idle = anyio.Event()
            await self._idle.wait()

    def cancel(self) -> None:
        """End every call that is running."""
        for call in tuple(self._calls):
            call.cancel()


async def host(app: ASGIApp, server: Server, hosting: Hosting, stop: anyio.Event) -> None:
    """Serve the application until `stop` is set, then end within the bounds of `hosting`.

    Args:
        app: Any ASGI application.
        server: The runner's own part.
        hosting: Where and how.
        stop: Set by whoever wants the server to end.

    Raises:
        LifespanError: The application could not start; nothing was served.
    """
    hosted = CountedApplication(app)

    async def trigger() -> None:
        hosting.started()
        await stop.wait()
        await _wind_down(hosted, hosting)
        # What is left is the server's own; on its way out it may wait for peers for ever.
        tasks.cancel_scope.deadline = anyio.current_time() + hosting.linger / 2

    async def serve() -> None:
        try:
            await server(hosted, hosting, trigger)
        except Exception:
            if not stop.is_set():
                raise
            logger.debug("the server complained while it was stopped", exc_info=True)
        tasks.cancel_scope.cancel()

    async with (
        run_lifespan(app, hosted.state, timeout=hosting.grace / 4),
        anyio.create_task_group() as tasks,
    ):
        # As a task of its own: a cancelled server may leak its cancellation, which ends there.
        tasks.start_soon(serve)


async def _wind_down(hosted: CountedApplication, hosting: Hosting) -> None:
    patience = max(hosting.grace - hosting.linger, 0)
    with anyio.move_on_after(patience):
        try:
            await hosting.drain(patience)
        except Exception:
            logger.exception("the application could not close its sockets")
        await hosted.idle()
    hosted.cancel()
    with anyio.move_on_after(hosting.linger / 2):
        await hosted.idle()
