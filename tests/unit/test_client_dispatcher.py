"""Callbacks: one after another, and never the end of the client."""

import anyio
import anyio.lowlevel
import pytest

from bytesocket_app.client.dispatcher import Dispatcher

pytestmark = pytest.mark.anyio


async def test_calls_are_made_in_order_async_or_not() -> None:
    heard: list[object] = []

    async def slowly(argument: object) -> None:
        await anyio.lowlevel.checkpoint()
        heard.append(argument)

    dispatcher = Dispatcher(10, lambda _: None)
    dispatcher.post(slowly, 1)
    dispatcher.post(heard.append, 2)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(dispatcher.run)
            await dispatcher.idle()
            tasks.cancel_scope.cancel()
    assert heard == [1, 2]


async def test_a_failing_callback_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    def fail(argument: object) -> None:
        raise ValueError(argument)

    told: list[Exception] = []
    dispatcher = Dispatcher(10, told.append)
    dispatcher.post(fail, "listener")
    dispatcher.post(fail, "hook", is_error_hook=True)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(dispatcher.run)
            await dispatcher.idle()
            tasks.cancel_scope.cancel()
    assert [str(error) for error in told] == ["listener"]
    assert len(caplog.records) == 2


async def test_a_full_queue_makes_the_reader_wait() -> None:
    dispatcher = Dispatcher(1, lambda _: None)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            dispatcher.post(id, 1)
            with anyio.move_on_after(0.01) as scope:
                await dispatcher.room()
            assert scope.cancelled_caught
            tasks.start_soon(dispatcher.run)
            await dispatcher.room()
            tasks.cancel_scope.cancel()
