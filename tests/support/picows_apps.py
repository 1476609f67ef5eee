"""Applications that are attacked on picows, which say more of what they hold."""

import asyncio  # noqa: TID251 - picows runs on asyncio only
import gc
import random

import anyio

from bytesocket_app import ByteSocket, ClientEvent, Limits, Settings, Socket, Timeouts
from tests.support.hostile_app import State, make


class Held(ClientEvent, name="held"):
    """Ask what the process holds of connections."""


class Shout(ClientEvent, name="shout"):
    """Have 20 MiB sent to everybody."""


def watched(settings: Settings | None = None) -> ByteSocket:
    """Make an application that says what it holds of connections, the asking one included."""
    app = make(settings)
    hooks = {"opened": 0, "closed": 0}

    @app.lifecycle.open
    async def opened() -> None:
        hooks["opened"] += 1

    @app.lifecycle.close
    async def closed() -> None:
        hooks["closed"] += 1

    @app.on(Shout)
    async def shout(app: ByteSocket) -> None:
        for _ in range(200):
            await app.broadcast(State(text="x" * 100_000))

    @app.on(Held)
    async def held(app: ByteSocket) -> dict[str, int]:
        gc.collect()
        found = [type(each).__name__ for each in gc.get_objects()]
        return {
            "sockets": len(app.sockets()),
            "remembered": len(app.memberships._sides),  # pyright: ignore[reportPrivateUsage]
            "unclosed": hooks["opened"] - hooks["closed"],
            "tasks": len(asyncio.all_tasks()),
            "readers": found.count("Reader"),
            "fronts": found.count("HandshakeProtocol"),
            "heads": found.count("Head"),
        }

    return app


plain = watched()

by_handshake = watched()


@by_handshake.auth
async def decide(_: Socket) -> str:
    """Take a moment, in which clients leave."""
    await anyio.sleep(random.random() / 50)
    return "ann"


short = watched(Settings(timeouts=Timeouts(close=1, handshake=1, stalled=1)))
"""Deadlines as short as can be noticed."""

frozen = watched(Settings(timeouts=Timeouts(ping=1, pong=1)))

strict = watched(Settings(limits=Limits(headers=20, header_bytes=4096)))
