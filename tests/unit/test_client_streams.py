"""Events as an iterator."""

import anyio
import pytest

from bytesocket_app.client.streams import EventStream

pytestmark = pytest.mark.anyio


async def test_events_come_in_order_until_the_end() -> None:
    stream = EventStream[int](10)
    assert stream.push(1)
    assert stream.push(2)
    stream.end()
    assert stream.push(3)
    assert [event async for event in stream] == [1, 2]


async def test_a_waiting_reader_is_woken() -> None:
    stream = EventStream[int](10)
    heard: list[int] = []

    async def read() -> None:
        heard.extend([event async for event in stream])

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await anyio.wait_all_tasks_blocked()
            stream.push(1)
            await anyio.wait_all_tasks_blocked()
            stream.end()
    assert heard == [1]


async def test_the_oldest_goes_when_it_is_full() -> None:
    async with EventStream[int](2) as stream:
        assert [stream.push(number) for number in range(3)] == [True, True, False]
        assert await anext(stream) == 1
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
