"""Two ends in one process."""

import pytest
from anyio import create_task_group
from anyio.lowlevel import checkpoint

from bytesocket_app.transports import Transport
from bytesocket_app.transports.memory import MemoryTransport
from bytesocket_app.transports.null import NullTransport
from bytesocket_app.wire.frame import Frame
from tests.support.talk import until

pytestmark = pytest.mark.anyio


class Core:
    """The core's end: notes what comes, and pauses when it is told to."""

    def __init__(self, *, pausing: bool = False) -> None:
        self.pausing = pausing
        self.came: list[tuple[bytes | str, bool]] = []
        self.ends: list[tuple[int, str]] = []

    def received(self, payload: bytes | str, is_binary: bool, /) -> bool:
        self.came.append((payload, is_binary))
        return not self.pausing

    def heard(self) -> None:
        pass

    def lost(self, code: int, reason: str, /) -> None:
        self.ends.append((code, reason))

    def interrupt(self) -> None:
        """Nobody parks."""

    async def run(self) -> None:
        await checkpoint()


def frame(text: str) -> Frame:
    return Frame(text.encode(), is_binary=False)


async def test_frames_are_taken_in_order_and_the_end_comes_after_them() -> None:
    transport, core = MemoryTransport(), Core()
    transport.receiver = core
    transport.cork()
    transport.write(frame("a"))
    transport.write(frame("b"))
    transport.flush()
    transport.close(4000, "bye")
    transport.close(4001, "again")
    transport.write(frame("late"))
    taken = [await transport.take() for _ in range(3)]
    assert [item and item.text for item in taken] == ["a", "b", None]
    assert (core.ends, transport.closed) == ([(4000, "bye")], (4000, "bye"))
    assert transport.buffered == 0


async def test_a_take_waits_for_a_frame() -> None:
    transport = MemoryTransport()
    found: list[Frame | None] = []

    async def take() -> None:
        found.append(await transport.take())
        found.append(await transport.take())

    async with create_task_group() as tasks:
        tasks.start_soon(take)
        await checkpoint()
        transport.write(frame("now"))
        await until(lambda: found)
        transport.abort()
    assert [item and item.text for item in found] == ["now", None]
    assert transport.closed == (1006, "")


async def test_a_pause_holds_the_sender_until_it_is_resumed_or_over() -> None:
    transport, core = MemoryTransport(), Core(pausing=True)
    transport.receiver = core
    sent: list[str] = []

    async def push(text: str) -> None:
        await transport.push(text, is_binary=False)
        sent.append(text)

    async with create_task_group() as tasks:
        tasks.start_soon(push, "one")
        await until(lambda: core.came)
        assert not sent
        transport.resume()
        await until(lambda: sent)
        tasks.start_soon(push, "two")
        await until(lambda: len(core.came) == 2)
        transport.end(1000, "")
        await until(lambda: len(sent) == 2)
    await transport.push("three", is_binary=False)
    assert len(core.came) == 2


async def test_the_oldest_frame_can_be_dropped() -> None:
    transport = MemoryTransport()
    transport.write(frame("old"))
    transport.write(frame("new"))
    assert transport.drop_oldest() > 0
    taken = await transport.take()
    assert taken is not None
    assert taken.text == "new"


async def test_before_it_is_opened_nothing_goes_anywhere() -> None:
    transport: Transport = NullTransport()
    assert transport.write(frame("x")) < 0  # what settles it says "dropped"
    type(transport).write_many([transport], frame("x"))
    transport.cork()
    transport.flush()
    transport.close(1000, "")
    transport.abort()
    transport.resume()
    assert (transport.buffered, transport.drop_oldest()) == (0, 0)
