"""Brokers that say what none does: the connection is lost, and the engine tries again."""

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from bytesocket_app.engines import parse_engine
from bytesocket_app.engines.make import make_engine

pytestmark = pytest.mark.anyio


class Told:
    """Listener that is never told anything here."""

    def up(self) -> None:
        raise AssertionError("up")

    def down(self, reason: str) -> None:
        raise AssertionError(reason)

    def received(self, channel: str, payload: bytes) -> None:
        raise AssertionError(channel)

    def acknowledged(self, count: int) -> None:
        raise AssertionError(count)

    def refused(self, reason: str) -> None:
        raise AssertionError(reason)


@pytest.mark.parametrize(
    "answer", [b":7\r\n", b"_\r\n", b">0\r\n", b">3\r\n+message\r\n:1\r\n:2\r\n"]
)
async def test_an_answer_that_is_none_is_a_reason_to_connect_again(answer: bytes) -> None:
    connections, again = 0, anyio.Event()

    async def answers(stream: SocketStream) -> None:
        nonlocal connections
        connections += 1
        if connections == 3:
            again.set()
        async with stream:
            async for _ in stream:
                await stream.send(answer)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as tasks:
        port = listener.extra(SocketAttribute.local_port)
        engine = make_engine(parse_engine(f"redis://127.0.0.1:{port}"), "test")
        tasks.start_soon(listener.serve, answers)
        tasks.start_soon(engine.run, Told())
        with anyio.fail_after(30):
            await again.wait()
        tasks.cancel_scope.cancel()
