"""A connection to Redis that ends."""

import anyio
import pytest

from bytesocket_app.engines.resp import RespConnection
from bytesocket_app.errors import EngineError

pytestmark = pytest.mark.anyio


class Mute:
    """A line on which nothing comes, and something is done while it is closed."""

    unsent = 0

    def __init__(self) -> None:
        self.closing, self.closed = anyio.Event(), anyio.Event()

    def write(self, data: bytes) -> None:
        """Lose it."""

    async def receive(self) -> bytes:
        await anyio.sleep_forever()
        return b""

    async def run(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        self.closing.set()
        await self.closed.wait()


class Nobody:
    """A subscriber that is told nothing."""

    def message(self, channel: bytes, payload: bytes) -> None:
        raise AssertionError

    def acknowledged(self, count: int) -> None:
        raise AssertionError

    def refused(self, reason: str) -> None:
        raise AssertionError


async def test_who_subscribes_while_a_connection_is_closed_does_not_wait_for_ever() -> None:
    line = Mute()
    connection = RespConnection(line, Nobody())

    async def opened() -> None:
        connection.end("the test ends it")

    async def run() -> None:
        with pytest.raises(EngineError, match="the test ends it"):
            await connection.run(opened)

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            before = connection.subscribe([b"before"])
            tasks.start_soon(run)
            await line.closing.wait()
            late = connection.subscribe([b"late"])
            line.closed.set()
            await before
            await late
