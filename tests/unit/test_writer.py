"""The shared writer: one task does the work, and a slow reader keeps only its own."""

# pyright: reportPrivateUsage=false
# What must not leak or be encoded twice is looked at from inside.

import anyio
import pytest
from anyio import Event as Signal
from anyio import create_task_group
from anyio.abc import TaskGroup
from typing_extensions import override

from bytesocket_app.transports.writer import SPARE, Writer
from tests.support.talk import until

pytestmark = pytest.mark.anyio


class Line:
    """Something to flush, which waits for its gate if it has one."""

    def __init__(self, gate: Signal | None = None) -> None:
        self.gate = gate
        self.begun = 0
        self.done = 0

    async def send_all(self) -> None:
        self.begun += 1
        if self.gate is not None:
            await self.gate.wait()
        self.done += 1


class Counting:
    """A task group that counts what is started in it."""

    def __init__(self, tasks: TaskGroup) -> None:
        self._tasks = tasks
        self.started = 0
        self.cancel_scope = tasks.cancel_scope

    def start_soon(self, *args: object) -> None:
        self.started += 1
        self._tasks.start_soon(*args)  # type: ignore[arg-type]


async def test_a_fan_out_wakes_one_task() -> None:
    writer, lines = Writer(), [Line() for _ in range(1000)]
    async with create_task_group() as tasks:
        counting = Counting(tasks)
        writer.lend(counting)  # type: ignore[arg-type]
        for line in lines:
            writer.put(line)
        await until(lambda: all(line.done for line in lines))
        await anyio.wait_all_tasks_blocked()
        for line in lines:
            writer.put(line)
        await until(lambda: all(line.done == 2 for line in lines))
        assert counting.started == 1
        writer.reclaim()


async def test_a_stuck_flush_does_not_hold_up_the_others() -> None:
    writer, gate = Writer(), Signal()
    stuck, others = [Line(gate) for _ in range(3)], [Line() for _ in range(10)]
    async with create_task_group() as tasks:
        writer.lend(tasks)
        for line in (*stuck, *others):
            writer.put(line)
        await until(lambda: all(line.done for line in others))
        assert [line.begun for line in stuck] == [1, 1, 1]
        assert not any(line.done for line in stuck)
        gate.set()
        await until(lambda: all(line.done for line in stuck))
        writer.put(others[0])
        await until(lambda: others[0].done == 2)
        writer.reclaim()


async def test_a_task_that_comes_back_goes_on_where_nobody_took_over() -> None:
    writer, gate = Writer(), Signal()
    stuck, late = Line(gate), Line()
    async with create_task_group() as tasks:
        counting = Counting(tasks)
        writer.lend(counting)  # type: ignore[arg-type]
        writer.put(stuck)
        await until(lambda: stuck.begun)
        gate.set()
        await until(lambda: stuck.done)
        writer.put(late)
        await until(lambda: late.done)
        assert counting.started == 1
        writer.reclaim()


async def test_two_that_come_back_leave_the_work_to_one() -> None:
    writer = Writer()
    gates = [Signal(), Signal()]
    stuck = [Line(gate) for gate in gates]
    async with create_task_group() as tasks:
        writer.lend(tasks)
        for line in stuck:
            writer.put(line)
        await until(lambda: all(line.begun for line in stuck))
        third = Line(Signal())
        writer.put(third)
        await until(lambda: third.begun)
        for gate in gates:
            gate.set()
        lines = [Line() for _ in range(20)]
        for line in lines:
            writer.put(line)
        await until(lambda: all(line.done == 1 for line in lines))
        assert third.gate is not None
        third.gate.set()
        await until(lambda: third.done)
        writer.reclaim()


async def test_idle_tasks_beyond_the_spare_ones_end() -> None:
    writer, gate = Writer(), Signal()
    stuck = [Line(gate) for _ in range(SPARE * 2)]
    async with create_task_group() as tasks:
        writer.lend(tasks)
        for line in stuck:
            writer.put(line)
        await until(lambda: all(line.begun for line in stuck))
        gate.set()
        await until(lambda: all(line.done for line in stuck))
        await anyio.wait_all_tasks_blocked()
        assert len(writer._idle) == SPARE
        writer.reclaim()
        assert not writer._idle


async def test_what_waits_is_flushed_by_the_next_lender() -> None:
    writer, line = Writer(), Line()
    writer.put(line)
    async with create_task_group() as tasks:
        writer.lend(tasks)
        await until(lambda: line.done)
        writer.reclaim()
    writer.put(line)
    assert line.done == 1
    async with create_task_group() as tasks:
        writer.lend(tasks)
        await until(lambda: line.done == 2)
        writer.reclaim()


async def test_a_flush_outlives_its_loan_and_takes_nothing_more() -> None:
    writer, gate = Writer(), Signal()
    stuck, next_one = Line(gate), Line()
    async with create_task_group() as old, create_task_group() as new:
        writer.lend(old)
        writer.put(stuck)
        await until(lambda: stuck.begun)
        writer.reclaim()
        writer.put(next_one)
        gate.set()
        await until(lambda: stuck.done)
        await anyio.wait_all_tasks_blocked()
        assert not next_one.begun
        writer.lend(new)
        await until(lambda: next_one.done)
        writer.reclaim()


async def test_a_task_that_was_asked_after_the_loan_ended_does_nothing() -> None:
    writer, line = Writer(), Line()
    async with create_task_group() as tasks:
        writer.lend(tasks)
        writer.put(line)
        writer.reclaim()
    assert not line.begun


async def test_a_loan_that_ends_within_a_flush_that_need_not_wait() -> None:
    writer = Writer()

    class Ending(Line):
        @override
        async def send_all(self) -> None:
            writer.reclaim()
            await super().send_all()

    ending, left = Ending(), Line()
    async with create_task_group() as tasks:
        writer.lend(tasks)
        writer.put(ending)
        writer.put(left)
    assert (ending.done, left.done) == (1, 0)


async def test_a_flush_that_waits_after_its_loan_ended_hands_over_nothing() -> None:
    writer, gate = Writer(), Signal()

    class Ending(Line):
        @override
        async def send_all(self) -> None:
            writer.reclaim()
            await super().send_all()

    ending = Ending(gate)
    async with create_task_group() as tasks:
        writer.lend(tasks)
        writer.put(ending)
        await until(lambda: ending.begun)
        gate.set()
    assert ending.done
