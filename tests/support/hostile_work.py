"""An application whose handlers and hooks work for long, as a target of attacks."""

import anyio

from bytesocket_app import ByteSocket, ClientEvent, Handshake, Limits, Settings, Timeouts
from bytesocket_app.serving.connection import Connection
from tests.support.hostile_app import make

AFTER_CLOSE = 10
"""Lost connections for which messages are handled."""


class Work(ClientEvent, name="work"):
    """Do something that takes for ever, one after another."""

    text: str = ""


class Beside(ClientEvent, name="beside"):
    """Do something that takes for ever, concurrently."""


class Held(ClientEvent, name="held"):
    """Ask what is at work, and what waits."""


class Release(ClientEvent, name="release"):
    """Have all work end, or from now on take for ever again."""

    all: bool


class Busy:
    """Counts of what has begun, and of what runs."""

    def __init__(self) -> None:
        self.begun = self.running = self.most = 0
        self._released: anyio.Event | None = None

    def release(self, event: Release) -> None:
        """End all work, or begin anew."""
        if self._released is not None and event.all:
            self._released.set()
        elif not event.all:
            self._released = None

    async def work(self) -> None:
        """Work for ever."""
        self.begun += 1
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if self._released is None:
                self._released = anyio.Event()
            await self._released.wait()
        finally:
            self.running -= 1


def long_work() -> ByteSocket:
    """Make the application."""
    app = make(
        Settings(
            timeouts=Timeouts(handler=20, after_close=2),
            limits=Limits(after_close=AFTER_CLOSE),
        )
    )
    busy = Busy()
    app.on(Work)(busy.work)
    app.on(Beside, concurrent=True)(busy.work)

    @app.on(Release)
    async def release(event: Release) -> str:
        busy.release(event)
        return "ok"

    @app.on(Held)
    async def held(app: ByteSocket) -> dict[str, int]:
        connections = [c for c in app.housekeeping.connections if isinstance(c, Connection)]
        return {
            "begun": busy.begun,
            "running": busy.running,
            "most": busy.most,
            "connections": len(connections),
            "paused": sum(c._paused for c in connections),  # pyright: ignore[reportPrivateUsage]
            "bytes": sum(c._inbox_bytes for c in connections),  # pyright: ignore[reportPrivateUsage]
        }

    return app


def slow_doors() -> ByteSocket:
    """Make an application whose upgrade hook takes for ever for clients that ask for it."""
    app = make(Settings(timeouts=Timeouts(handler=0.5)))
    busy = Busy()

    @app.lifecycle.upgrade
    async def hang(handshake: Handshake) -> None:
        if "slow" in handshake.headers:
            await busy.work()

    @app.on(Held)
    async def held() -> dict[str, int]:
        return {"begun": busy.begun, "running": busy.running}

    return app


work = long_work()
doors = slow_doors()
