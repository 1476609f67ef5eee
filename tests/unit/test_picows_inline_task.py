"""A coroutine that is taken on from outside its task. On asyncio alone, as its transport is."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from typing import Any

import anyio
import pytest

from bytesocket_app.transports.picows.inline_task import InlineTask, park

DEADLINE = 30.0
Notes = list[Any]


class Lab:
    """Runs a coroutine with `InlineTask` in a task, and takes steps in callbacks of the loop."""

    def __init__(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self.coroutine = coroutine
        self.waits = 0
        self.steps: InlineTask
        self.task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        self.steps = InlineTask(self.coroutine, self._wait)
        await self.steps

    def _wait(self) -> None:
        self.waits += 1

    async def turn(self) -> None:
        """Let everything happen that is due."""
        for _ in range(5):
            await asyncio.sleep(0)

    async def take(self) -> None:
        """Take a step as a transport does, in a callback."""
        asyncio.get_running_loop().call_soon(self.steps.take)
        await self.turn()


def on_asyncio(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    async def bounded() -> None:
        async with asyncio.timeout(DEADLINE):
            await test()

    def run() -> None:
        asyncio.run(bounded())

    return run


@on_asyncio
async def test_a_step_runs_at_once_in_the_tasks_name_and_the_task_is_not_woken() -> None:
    notes: Notes = []

    async def work() -> None:
        while True:
            await park()
            notes.append(asyncio.current_task())
            with anyio.CancelScope():
                notes.append("in a scope")
                await park()

    lab = Lab(work())
    await lab.turn()
    loop = asyncio.get_running_loop()

    def callback() -> None:
        lab.steps.take()
        notes.append(asyncio.current_task(loop))

    loop.call_soon(callback)
    await lab.turn()
    assert notes == [lab.task, "in a scope", None]
    lab.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await lab.task


@on_asyncio
async def test_what_waits_goes_on_in_the_task() -> None:
    notes: Notes = []
    gate = asyncio.Event()

    async def work() -> None:
        await park()
        notes.append("before")
        await gate.wait()
        await asyncio.sleep(0)
        notes.append("after")
        await park()
        notes.append("again")

    lab = Lab(work())
    await lab.turn()
    await lab.take()
    assert notes == ["before"]
    await lab.take()  # it is not parked: nothing happens
    gate.set()
    await lab.turn()
    assert notes == ["before", "after"]
    assert lab.waits == 2
    await lab.take()
    await lab.task
    assert notes == ["before", "after", "again"]


@on_asyncio
async def test_a_woken_task_goes_on_by_itself_and_so_does_one_whose_step_a_task_takes() -> None:
    notes: Notes = []

    async def work() -> None:
        for number in range(2):
            await park()
            notes.append(number)

    lab = Lab(work())
    await lab.turn()
    lab.steps.wake()
    lab.steps.wake()
    assert notes == []
    await lab.turn()
    assert notes == [0]
    lab.steps.take()  # here, in the test's own task
    assert notes == [0]
    await lab.task
    assert notes == [0, 1]
    lab.steps.wake()


@on_asyncio
async def test_what_a_step_raises_comes_out_of_the_task() -> None:
    async def work() -> None:
        await park()
        raise LookupError("broken")

    lab = Lab(work())
    await lab.turn()
    await lab.take()
    with pytest.raises(LookupError, match="broken"):
        await lab.task


@pytest.mark.parametrize("waits", [False, True])
def test_a_cancelled_task_cancels_the_coroutine_wherever_it_is(*, waits: bool) -> None:
    notes: Notes = []

    async def work() -> None:
        try:
            await park()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            notes.append("cancelled")
            raise

    @on_asyncio
    async def test() -> None:
        lab = Lab(work())
        await lab.turn()
        if waits:
            # Between the step that came to wait and the task that will: nobody waits yet.
            asyncio.get_running_loop().call_soon(lab.steps.take)
            asyncio.get_running_loop().call_soon(lab.task.cancel)
            await lab.turn()
        else:
            lab.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await lab.task

    test()
    assert notes == ["cancelled"]


@on_asyncio
async def test_a_cancelled_scope_is_left_although_the_step_was_taken_outside() -> None:
    notes: Notes = []
    scopes: list[anyio.CancelScope] = []

    async def work() -> None:
        with anyio.CancelScope() as scope:
            scopes.append(scope)
            await park()
            await anyio.sleep_forever()
        notes.append(scope.cancelled_caught)
        await park()

    lab = Lab(work())
    await lab.turn()
    await lab.take()
    scopes[0].cancel()
    await lab.turn()
    assert notes == [True]
    await lab.take()
    await lab.task


@on_asyncio
async def test_all_steps_share_one_context() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="nothing")
    notes: Notes = []

    async def work() -> None:
        token = variable.set("something")
        await park()
        notes.append(variable.get())
        await asyncio.sleep(0)
        variable.reset(token)
        await park()
        notes.append(variable.get())

    lab = Lab(work())
    await lab.turn()
    await lab.take()
    await lab.take()
    await lab.task
    assert notes == ["something", "nothing"]
    assert variable.get() == "nothing"


@on_asyncio
async def test_a_task_that_is_thrown_away_closes_its_coroutine() -> None:
    notes: Notes = []

    async def work() -> None:
        try:
            await park()
        finally:
            notes.append("closed")

    async def run() -> None:
        await InlineTask(work(), lambda: None)

    coroutine = run()
    coroutine.send(None)
    coroutine.close()
    assert notes == ["closed"]


@pytest.mark.parametrize("then", ["wait", "park", "end"])
def test_a_step_may_wake_its_own_task(then: str) -> None:
    notes: Notes = []

    async def test() -> None:
        async def work() -> None:
            await park()
            lab.steps.wake()
            if then == "wait":
                await asyncio.sleep(0)
            if then == "park":
                await park()
            notes.append("done")

        asyncio.get_running_loop().set_exception_handler(lambda _, told: notes.append(told))
        lab = Lab(work())
        await lab.turn()
        await lab.take()
        await lab.task

    on_asyncio(test)()
    assert notes == ["done"]
