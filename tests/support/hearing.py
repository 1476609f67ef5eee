"""Processes of an application as far as a publisher is concerned: nodes that hear one room."""

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio

from bytesocket_app.cluster import Node, NodeState
from bytesocket_app.cluster.channels import room_channel
from bytesocket_app.engines import Engine

WAIT = 30.0
"""Seconds for anything to arrive on a busy machine."""


class Hearer:
    """A node that notes the numbers that are told in the room `lobby`, in their order."""

    def __init__(self, engine: Engine, title: str) -> None:
        self.engine = engine
        self.node = Node(engine, title, self)
        self.numbers: list[int] = []

    def arrived(self, node: bytes, channel: str, body: list[Any]) -> bool:
        """Note a number."""
        assert channel == room_channel("lobby")
        self.numbers.append(json.loads(body[7])["data"]["number"])
        return True

    def gone(self, node: bytes) -> None:
        """Take no note."""

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition."""
        with anyio.fail_after(WAIT):
            while not condition():  # noqa: ASYNC110 - real brokers tell nobody
                await anyio.sleep(0.005)

    async def is_up(self) -> None:
        """Wait until the link is up."""
        await self.until(lambda: self.node.state is NodeState.UP)


@asynccontextmanager
async def hearing(
    make: Callable[[], Engine], title: str, number: int = 2
) -> AsyncGenerator[Sequence[Hearer]]:
    """Run nodes that hear the room, and that have heard of each other."""
    hearers = [Hearer(make(), title) for _ in range(number)]
    async with anyio.create_task_group() as tasks:
        for hearer in hearers:
            _ = hearer.node.subscribe([room_channel("lobby")])
            tasks.start_soon(hearer.node.run)
        for hearer in hearers:
            await hearer.is_up()
            await hearer.until(lambda: len(hearer.node.peers) == number - 1)  # noqa: B023 - awaited in this turn
        yield hearers
        tasks.cancel_scope.cancel()
