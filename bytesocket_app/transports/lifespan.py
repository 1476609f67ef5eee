"""The ASGI lifespan protocol, from both sides: answering a server, and driving an inner app."""

import logging
import traceback
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from anyio import CancelScope, Event, create_task_group

from bytesocket_app.transports.asgi import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("bytesocket")


async def answer_lifespan(
    context: AbstractAsyncContextManager[object], receive: Receive, send: Send
) -> None:
    """Enter a context at a server's startup and leave it at its shutdown."""
    await receive()
    entered = False
    try:
        async with context:
            entered = True
            await send({"type": "lifespan.startup.complete"})
            await receive()
    except Exception:  # noqa: BLE001 - the server reports it, and says what to do then
        phase = "shutdown" if entered else "startup"
        await send({"type": f"lifespan.{phase}.failed", "message": traceback.format_exc()})
    else:
        await send({"type": "lifespan.shutdown.complete"})


@asynccontextmanager
async def inner_lifespan(app: ASGIApp, scope: Scope) -> AsyncGenerator[None]:
    """Run an inner application's lifespan; one that knows no lifespan has none.

    Raises:
        RuntimeError: The inner application's startup failed.
    """
    relay = _Relay()
    async with create_task_group() as tasks:
        tasks.start_soon(relay.run, app, scope)
        await relay.started.wait()
        if relay.failure is None:
            try:
                yield
            finally:
                with CancelScope(shield=True):
                    relay.stopping.set()
                    await relay.over.wait()
    if relay.failure is not None:  # outside the group, which would wrap it
        raise RuntimeError(f"The HTTP application's startup failed: {relay.failure}")


class _Relay:
    """One inner application's lifespan, run in a task of its own."""

    def __init__(self) -> None:
        self.started = Event()
        self.stopping = Event()
        self.over = Event()
        self.failure: str | None = None
        self._asked = False

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        try:
            await app(scope, self._receive, self._send)
        except Exception:
            if self.failure is not None:
                logger.debug("the HTTP application's startup failed, as it said")
            elif self.started.is_set():
                logger.exception("the HTTP application's lifespan failed")
            else:  # the specification: raising means "no lifespan here"
                logger.debug("the HTTP application knows no lifespan")
        self.started.set()
        self.over.set()

    async def _receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "lifespan.startup"}
        await self.stopping.wait()
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "lifespan.startup.failed":
            self.failure = message.get("message", "")
        self.started.set()
