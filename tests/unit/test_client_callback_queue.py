"""Callbacks: one after another, and never the end of the client."""

import anyio
import anyio.lowlevel
import pytest

from bytesocket_app.client.callback_queue import CallbackQueue

pytestmark = pytest.mark.anyio


async def test_calls_are_made_in_order_async_or_not() -> None:
    heard: list[object] = []

    async def slowly(argument: object) -> None:
        await anyio.lowlevel.checkpoint()
        heard.append(argument)

    callbacks = CallbackQueue(10, lambda _: None)
    callbacks.post(slowly, 1)
    callbacks.post(heard.append, 2)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(callbacks.run)
            await callbacks.idle()
            tasks.cancel_scope.cancel()
    assert heard == [1, 2]


async def test_a_failing_callback_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    def fail(argument: object) -> None:
        raise ValueError(argument)

    told: list[BaseException] = []
    callbacks = CallbackQueue(10, told.append)
    callbacks.post(fail, "listener")
    callbacks.post(fail, "hook", is_error_hook=True)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(callbacks.run)
            await callbacks.idle()
            tasks.cancel_scope.cancel()
    assert [str(error) for error in told] == ["listener"]
    assert len(caplog.records) == 2


async def test_a_full_queue_makes_the_reader_wait() -> None:
    callbacks = CallbackQueue(1, lambda _: None)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            callbacks.post(id, 1)
            with anyio.move_on_after(0.01) as scope:
                await callbacks.room()
            assert scope.cancelled_caught
            tasks.start_soon(callbacks.run)
            await callbacks.room()
            tasks.cancel_scope.cancel()
