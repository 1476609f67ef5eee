"""Noticing that a coroutine waits, without getting in its way."""

from collections.abc import Generator

import anyio
import pytest
from anyio import CancelScope, create_task_group, move_on_after, sleep_forever
from anyio.lowlevel import checkpoint

from bytesocket_app.transports.suspension import Attended, OnSuspend

pytestmark = pytest.mark.anyio


class ResolvedHandlers:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


async def test_what_never_waits_is_not_reported() -> None:
    calls = ResolvedHandlers()

    async def at_once() -> int:
        return 7

    assert await OnSuspend(at_once(), calls) == 7
    assert calls.count == 0


async def test_many_waits_are_reported_once() -> None:
    calls = ResolvedHandlers()

    async def often() -> str:
        for _ in range(3):
            await checkpoint()
        return "done"

    assert await OnSuspend(often(), calls) == "done"
    assert calls.count == 1


@pytest.mark.parametrize("waits", [False, True])
async def test_exceptions_pass_through(waits: bool) -> None:
    async def fail() -> None:
        if waits:
            await checkpoint()
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await OnSuspend(fail(), ResolvedHandlers())


async def test_cancellation_reaches_the_coroutine_and_comes_out() -> None:
    calls, cleaned = ResolvedHandlers(), ResolvedHandlers()

    async def hang() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            cleaned()

    with move_on_after(0) as scope:
        await OnSuspend(hang(), calls)
    assert scope.cancelled_caught
    assert (calls.count, cleaned.count) == (1, 1)


async def test_a_coroutine_may_survive_a_cancellation_of_its_own() -> None:
    async def survive() -> str:
        with move_on_after(0):
            await anyio.sleep_forever()
        await checkpoint()
        return "alive"

    assert await OnSuspend(survive(), ResolvedHandlers()) == "alive"


async def test_task_groups_work_inside() -> None:
    order: list[str] = []

    async def child() -> None:
        await checkpoint()
        order.append("child")

    async def parent() -> None:
        async with create_task_group() as tasks:
            tasks.start_soon(child)
        order.append("parent")

    await OnSuspend(parent(), ResolvedHandlers())
    assert order == ["child", "parent"]


def test_closing_the_awaiting_coroutine_closes_the_inner_one() -> None:
    closed = ResolvedHandlers()

    class Yielding:
        def __await__(self) -> Generator[None, None, None]:
            yield

    async def inner() -> None:
        try:
            await Yielding()
        finally:
            closed()

    async def outer() -> None:
        await OnSuspend(inner(), ResolvedHandlers())

    coroutine = outer()
    coroutine.send(None)
    coroutine.close()
    assert closed.count == 1


class Attendant:
    """Notes how often it was told."""

    def __init__(self) -> None:
        self.is_parked = False
        self.held_up = 0

    def hold_up(self) -> None:
        self.held_up += 1


async def test_who_attends_is_told_of_each_wait_but_those_with_nothing_to_do() -> None:
    attendant = Attendant()

    async def work() -> int:
        await checkpoint()
        before = attendant.held_up
        attendant.is_parked = True
        await checkpoint()
        attendant.is_parked = False
        assert attendant.held_up == before > 0
        await checkpoint()
        assert attendant.held_up > before
        return 7

    assert await Attended(work(), attendant) == 7


async def test_what_is_attended_is_cancelled_and_closed_like_anything_else() -> None:
    ends: list[str] = []

    async def work() -> None:
        try:
            await sleep_forever()
        finally:
            ends.append("over")

    with CancelScope() as scope:
        scope.cancel()
        await Attended(work(), Attendant())
    assert ends == ["over"]
    with pytest.raises(LookupError):
        await Attended(failing(), Attendant())


async def failing() -> None:
    raise LookupError
