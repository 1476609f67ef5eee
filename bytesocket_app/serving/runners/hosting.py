"""Parts that all runners share: the lifespan, and a shutdown in a fixed order.

The order: no new sockets, and a close frame to all (`drain`); a wait for calls that are still
running; their cancellation; the server's own shutdown; the application's lifespan. Each step has a
time limit, so a peer that never answers cannot delay the exit (hypercorn 0.18 waits for open
WebSockets for ever on Python 3.12 and 3.13).
"""

import logging
import socket
from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, TypedDict

import anyio

from bytesocket_app.serving.runners.certificate import Certificate
from bytesocket_app.settings import Limits, Settings, widest
from bytesocket_app.transports.asgi import ASGIApp, Receive, Scope, Send
from bytesocket_app.transports.interface import Served
from bytesocket_app.transports.lifespan import run_lifespan

logger = logging.getLogger("bytesocket.server")

NEVER: Final = 86_400.0
"""Seconds in place of no deadline, for servers that have no word for it."""
LEFTOVERS: Final = 1024 * 1024
"""Bytes of a refused peer that are thrown away while it reads its answer."""

Drain: TypeAlias = Callable[[float], Awaitable[None]]
"""Function that closes all sockets within a number of seconds: `ByteSocket.drain`."""

Trigger: TypeAlias = Callable[[], Awaitable[None]]
"""Function that returns when the server has to stop."""

Server: TypeAlias = Callable[["CountedApplication", "Hosting", Trigger], Awaitable[None]]
"""Part of a runner that is specific to its server: serve until the trigger returns."""


async def _nothing(_grace: float) -> None:
    """Do nothing, for an application without sockets of this framework."""


class ServerLimits(TypedDict):
    """Options of `Hosting` that come out of settings."""

    message_bytes: int
    header_bytes: int
    handshake: float
    close: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosting:
    """Options for hosting one application.

    Attributes:
        listener: A bound socket, which the runner listens on once the application has started; it
            duplicates it, and its owner closes it.
        drain: Closes the application's sockets, within the seconds that it is called with.
        grace: Seconds from the request to stop to the cancellation of the server.
        linger: Last seconds of the grace, for cancelled calls to end and for the server.
        message_bytes: Greatest length of a message that the server takes; 0 for no limit.
        header_bytes: Greatest length of a request's line and headers; 0 for no limit.
        handshake: Seconds for a connection's TLS, and again for its request; 0 for no deadline.
        close: Seconds that a connection gets to take its last bytes; 0 for no deadline.
        backend: The event loop that the caller runs, "asyncio" or "trio".
        served: The applications with sockets, for a server that is not an ASGI server.
        certificate: The certificate for https and wss; None for http and ws.
        started: Called once, when the server accepts connections.
    """

    listener: socket.socket
    drain: Drain = _nothing
    grace: float = 10.0
    linger: float = 0.3
    message_bytes: int = 0
    header_bytes: int = 16 * 1024
    handshake: float = 10.0
    close: float = 10.0
    backend: Literal["asyncio", "trio"] = "asyncio"
    served: Sequence[Served] = ()
    certificate: Certificate | None = None
    started: Callable[[], None] = field(default=lambda: None)


def server_limits(settings: Iterable[Settings]) -> ServerLimits:
    """Return what a server has to know of the settings of its applications: the most generous."""
    groups = tuple(settings) or (Settings(limits=Limits(message_bytes=0)),)
    return {
        "message_bytes": widest(each.limits.message_bytes for each in groups),
        "header_bytes": widest(each.limits.header_bytes for each in groups),
        "handshake": widest(each.timeouts.handshake for each in groups),
        "close": widest(each.timeouts.close for each in groups),
    }


class CountedApplication:
    """Wrapper of the application that counts its calls, and can cancel them.

    Args:
        app: The application.

    Attributes:
        app: As given.
        state: The state that the application's lifespan filled.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._calls: set[anyio.CancelScope] = set()
        self._idle = anyio.Event()
        self.state: dict[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; of the lifespan, which `host` runs, only confirm the events."""
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
        """Count the block as a call, which `cancel` can end."""
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
        """Cancel every call that is running."""
        for call in tuple(self._calls):
            call.cancel()


async def host(app: ASGIApp, server: Server, hosting: Hosting, stop: anyio.Event) -> None:
    """Serve the application until `stop` is set, then end within the bounds of `hosting`.

    Args:
        app: Any ASGI application.
        server: The part of the runner that is specific to its server.
        hosting: The options.
        stop: Set to stop the server.

    Raises:
        LifespanError: The application could not start; nothing was served.
    """
    hosted = CountedApplication(app)

    async def trigger() -> None:
        hosting.started()
        await stop.wait()
        await _wind_down(hosted, hosting)
        # The server's own shutdown follows, which may wait for peers for ever.
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
        # In a task of its own: a cancelled server may leak its cancellation, which ends there.
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
