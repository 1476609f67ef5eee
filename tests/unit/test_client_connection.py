"""One WebSocket over one stream: messages, closing, and what goes wrong."""

from collections.abc import Callable

import anyio
import pytest
from websockets.frames import Opcode
from websockets.server import ServerProtocol

from bytesocket_app.client.connection import HIGH_WATER, Ending, WebSocketConnection
from tests.support.memory_socket import memory_connection

pytestmark = pytest.mark.anyio


class Running:
    """A connection that runs; `ending` says how it ended."""

    def __init__(self, connection: WebSocketConnection) -> None:
        self.connection = connection
        self.messages: list[tuple[bytes, bool]] = []
        self.ending: Ending | None = None
        self.changed = anyio.Event()

    async def __call__(self) -> None:
        self.ending = await self.connection.run(self._received)

    async def _received(self, payload: bytes, is_binary: bool) -> None:
        self.messages.append((payload, is_binary))
        self.changed.set()


async def test_messages_go_both_ways_with_their_kind() -> None:
    connection, peer, _ = memory_connection()
    running = Running(connection)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(running)
            connection.send(b"text", is_binary=False)
            connection.send(b"\x00", is_binary=True)
            assert ((await peer.next()).opcode, (await peer.next()).opcode) == (
                Opcode.TEXT,
                Opcode.BINARY,
            )
            await peer.say(lambda protocol: protocol.send_binary(b"\x01"))
            await running.changed.wait()
            connection.close(1000, "done")
            assert (await peer.next()).opcode is Opcode.CLOSE
            await peer.flush()
    assert running.messages == [(b"\x01", True)]
    assert running.ending == Ending(1000, "done")
    assert not connection.is_open
    connection.send(b"too late", is_binary=False)


async def test_fragments_are_put_together() -> None:
    connection, peer, _ = memory_connection()
    running = Running(connection)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(running)
            await peer.say(lambda protocol: protocol.send_text(b"one ", fin=False))
            await peer.say(lambda protocol: protocol.send_ping(b"?"))
            await peer.say(lambda protocol: protocol.send_continuation(b"two", fin=True))
            assert (await peer.next()).opcode is Opcode.PONG
            await running.changed.wait()
            await peer.say(lambda protocol: protocol.send_close(1001, "away"))
    assert running.messages == [(b"one two", False)]
    assert running.ending == Ending(1001, "away")


async def test_the_peers_close_is_answered() -> None:
    connection, peer, _ = memory_connection()
    running = Running(connection)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(running)
            await peer.say(lambda protocol: protocol.send_close(1012, "restart"))
            assert (await peer.next()).opcode is Opcode.CLOSE
    assert running.ending == Ending(1012, "restart")


async def test_a_lost_stream_is_1006() -> None:
    connection, peer, _ = memory_connection()
    running = Running(connection)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(running)
            await peer.stream.aclose()
    assert running.ending == Ending(1006, "")


async def test_a_peer_that_does_not_answer_the_close_is_dropped() -> None:
    connection, peer, _ = memory_connection(close_timeout=1)  # to write the frame in, too
    running = Running(connection)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(running)
            connection.close(4003, "Pong timeout")
    assert running.ending == Ending(4003, "Pong timeout")
    assert (await peer.next()).opcode is Opcode.CLOSE


def talk_too_long(protocol: ServerProtocol) -> None:
    protocol.send_text(b"x" * 2000)


def talk_nonsense(protocol: ServerProtocol) -> None:
    protocol.writes.append(b"\xff\xff")


@pytest.mark.parametrize(("break_it", "code"), [(talk_too_long, 1009), (talk_nonsense, 1002)])
async def test_a_peer_that_breaks_the_rules_is_closed(
    break_it: Callable[[ServerProtocol], None], code: int
) -> None:
    connection, peer, _ = memory_connection()
    running = Running(connection)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(running)
            await peer.say(break_it)
            assert (await peer.next()).opcode is Opcode.CLOSE
            await peer.stream.aclose()
    assert running.ending is not None
    assert running.ending.code == code


async def test_a_full_network_makes_senders_wait() -> None:
    connection, peer, ours = memory_connection()
    ours.blocked = True
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(Running(connection))
            connection.send(b"small", is_binary=True)
            await connection.drained()
            connection.send(bytes(HIGH_WATER), is_binary=True)
            with anyio.move_on_after(0.01) as scope:
                await connection.drained()
            assert scope.cancelled_caught
            tasks.start_soon(connection.drained)
            await anyio.wait_all_tasks_blocked()
            connection.close(1000, timeout=0.01)
    assert not connection.is_open
    assert peer.frames == []


async def test_cancelling_says_goodbye() -> None:
    connection, peer, _ = memory_connection()
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(Running(connection))
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        frame = await peer.next()
        assert (frame.opcode, bytes(frame.data)[:2]) == (Opcode.CLOSE, (1001).to_bytes(2, "big"))


async def test_cancelling_in_the_middle_of_a_write_does_not_wait_for_it() -> None:
    connection, peer, ours = memory_connection()
    ours.blocked = True
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(Running(connection))
            connection.send(b"stuck", is_binary=True)
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
    assert ours.written == []
    assert peer.frames == []


async def test_a_write_that_fails_ends_the_connection() -> None:
    connection, peer, ours = memory_connection()
    running = Running(connection)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(running)
            await anyio.wait_all_tasks_blocked()
            ours.outgoing.close()
            connection.send(b"lost", is_binary=True)
            await anyio.wait_all_tasks_blocked()
            await peer.stream.aclose()
    assert running.ending == Ending(1006, "")


async def test_the_subprotocol_is_known() -> None:
    connection, _, _ = memory_connection()
    assert connection.subprotocol is None
