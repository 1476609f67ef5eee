"""The ASGI lifespan protocol, from both sides: answering a server, and driving an application.

Source: the ASGI specification, "Lifespan Protocol".
"""

import logging
import re
import sysconfig
import traceback
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

import anyio

from bytesocket_app.errors import ConfigurationError
from bytesocket_app.transports.asgi import ASGIApp, Message, Receive, Send

_STDLIB: Final = sysconfig.get_path("stdlib")
logger = logging.getLogger("bytesocket.server")


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
    except Exception:
        phase = "shutdown" if entered else "startup"
        await send({"type": f"lifespan.{phase}.failed", "message": traceback.format_exc()})
        if not entered:
            raise  # as Starlette does: a server that has been told takes no notice
    else:
        await send({"type": "lifespan.shutdown.complete"})


class LifespanError(ConfigurationError):
    """Failed start of an application, which reported it or raised an exception."""


class Lifespan:
    """Lifespan of one application: the events sent to it, and its answers."""

    def __init__(self, app: ASGIApp, state: dict[str, Any]) -> None:
        self._app = app
        self._state = state
        self._asked = False
        self._answered = anyio.Event()
        self._stop = anyio.Event()
        self.ended = anyio.Event()
        self.failure: str | None = None
        self._cause: Exception | None = None

    async def run(self) -> None:
        """Call the application with its lifespan scope, and wait until it returns."""
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self._state,
        }
        try:
            await self._app(scope, self._receive, self._send)
        except Exception as error:  # noqa: BLE001 - the boundary between the server and the application
            self._raised(error)
        finally:
            self._answered.set()
            self.ended.set()

    async def start(self) -> None:
        """Wait for the application's answer.

        Raises:
            LifespanError: The application cannot start. An application without lifespan can.
        """
        await self._answered.wait()
        if self.failure is not None:
            raise LifespanError(reason(self.failure)) from self._cause

    async def stop(self) -> None:
        """Tell the application to end, and wait until it has."""
        self._stop.set()
        await self.ended.wait()

    def _raised(self, error: Exception) -> None:
        if self.failure is not None:  # it reported it before it raised, as Starlette does
            self._cause = self._cause or error
            return
        if self._answered.is_set():
            logger.error("the application's lifespan failed", exc_info=error)
        elif self._asked:
            self.failure, self._cause = "".join(traceback.format_exception(error)), error
        # Otherwise it raised before it received an event: it does not support lifespan, which the
        # specification allows.

    async def _receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "lifespan.startup"}
        await self._stop.wait()
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "lifespan.startup.failed":
            self.failure = message.get("message") or "the application gave no reason"
        elif message["type"] == "lifespan.shutdown.failed":
            logger.error("the application did not shut down: %s", message.get("message", ""))
        if message["type"].startswith("lifespan.startup"):
            self._answered.set()


@asynccontextmanager
async def run_lifespan(
    app: ASGIApp, state: dict[str, Any], *, timeout: float
) -> AsyncGenerator[None]:
    """Run the block inside the application's lifespan.

    Args:
        app: The application.
        state: Filled by the application; becomes every connection's `scope["state"]`.
        timeout: Seconds for the application's shutdown, after which it is cancelled.

    Raises:
        LifespanError: The application cannot start.
    """
    lifespan = Lifespan(app, state)
    failure: LifespanError | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lifespan.run)
        try:
            await lifespan.start()
            yield
        except LifespanError as error:
            failure = error  # raised outside the group, which would wrap it
        finally:
            with anyio.move_on_after(timeout, shield=True):
                await lifespan.stop()
            tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


def reason(failure: str) -> str:
    """Shorten a failure to `file:line: Error: text`; applications send whole tracebacks."""
    # A traceback of an exception group has bars in front of its lines.
    lines = [bare for line in failure.splitlines() if (bare := line.strip(" |+-"))]
    places = [
        f"{file}:{line}: "
        for file, line in re.findall(r'File "([^"]+)", line (\d+)', failure)
        if "site-packages" not in file and not file.startswith(_STDLIB)
    ]
    return f"{places[-1] if places else ''}{lines[-1] if lines else 'no reason given'}"
