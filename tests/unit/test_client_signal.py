"""Waking those who wait."""

import anyio
import pytest

from bytesocket_app.client.signal import Ready, Signal

pytestmark = pytest.mark.anyio


async def test_everybody_waiting_wakes_and_later_ones_wait_again() -> None:
    signal, woken = Signal(), list[int]()

    async def wait(number: int) -> None:
        await signal.wait()
        woken.append(number)

    signal.notify()
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait, 1)
            tasks.start_soon(wait, 2)
            await anyio.wait_all_tasks_blocked()
            assert woken == []
            signal.notify()
            await anyio.wait_all_tasks_blocked()
            assert sorted(woken) == [1, 2]


async def test_ready_can_be_awaited_often_or_never() -> None:
    calls: list[int] = []

    async def wait() -> None:
        calls.append(1)

    ready = Ready(wait)
    assert calls == []
    await ready
    await ready
    assert calls == [1, 1]
