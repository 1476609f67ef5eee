"""Threads for plain functions: how many there are, and who gets them."""

import asyncio  # noqa: TID251 - servers cancel tasks by its own means
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial

import anyio
import pytest
from anyio import CancelScope, create_task_group, fail_after, from_thread

from bytesocket_app import threads
from bytesocket_app.threads import Share, Threads, in_thread
from tests.support.talk import DEADLINE, until


class Sleepers:
    """Functions that hold their thread until they are let go, any one of a name at a time."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.ended: list[str] = []
        self._gates: dict[str, threading.Semaphore] = {}

    def sleeper(self, name: str) -> Callable[[], str]:
        gate = self._gates.setdefault(name, threading.Semaphore(0))

        def sleep() -> str:
            self.began.append(name)
            assert gate.acquire(timeout=DEADLINE)
            self.ended.append(name)
            return name

        return sleep

    def has_begun(self, count: int) -> bool:
        return len(self.began) == count

    def wake(self, name: str) -> None:
        self._gates[name].release()

    def wake_all(self) -> None:
        for gate in self._gates.values():
            gate.release(1000)


@contextmanager
def sleepers() -> Generator[Sleepers]:
    made = Sleepers()
    try:
        yield made
    finally:
        made.wake_all()


async def turn() -> None:
    """Let everybody who can go on do so."""
    for _ in range(20):
        await anyio.lowlevel.checkpoint()


@pytest.mark.anyio
async def test_a_result_and_an_error_come_back() -> None:
    share = Threads().share()
    assert await share.run(lambda: 3) == 3

    def fail() -> None:
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        await share.run(fail)
    assert await share.run(threading.get_ident) != threading.get_ident()


@pytest.mark.anyio
async def test_a_connection_gets_a_quarter_and_leaves_the_rest_to_others() -> None:
    shared = Threads(8)
    greedy, modest = shared.share(), shared.share()
    with sleepers() as made:
        async with create_task_group() as tasks:
            for _ in range(45):
                tasks.start_soon(greedy.run, made.sleeper("greedy"))
            await until(lambda: len(made.began) == 2)
            with fail_after(DEADLINE):
                assert await modest.run(lambda: "at once") == "at once"
            assert made.began == ["greedy"] * 2
            made.wake("greedy")
            await until(lambda: len(made.began) == 3)
            assert made.ended == ["greedy"]
            made.wake_all()
    assert len(made.ended) == 45


@pytest.mark.parametrize(("most", "expected"), [(1, 1), (3, 3), (4, 4), (7, 7), (8, 8), (0, 40)])
@pytest.mark.anyio
async def test_there_are_so_many_threads_and_no_more(most: int, expected: int) -> None:
    shared = Threads(most)
    with sleepers() as made:
        async with create_task_group() as tasks:
            for number in range(expected + 5):
                tasks.start_soon(shared.share().run, made.sleeper(str(number)))
            await until(lambda: len(made.began) == expected)
            await turn()
            assert len(made.began) == expected
            made.wake_all()
    assert len(made.ended) == expected + 5


@pytest.mark.anyio
async def test_those_that_wait_get_threads_in_turn() -> None:
    shared, order = Threads(1), ["a", "b", "c", "a", "b", "a", "a"]
    with sleepers() as made:
        async with create_task_group() as tasks:

            def wait_for(share: Share, name: str) -> None:
                tasks.start_soon(share.run, made.sleeper(name))

            first, second, third = shared.share(), shared.share(), shared.share()
            for _ in range(4):
                wait_for(first, "a")
            await until(lambda: made.began == ["a"])
            wait_for(second, "b")
            wait_for(second, "b")
            await turn()
            wait_for(third, "c")
            await turn()
            for count, name in enumerate(order, 1):
                await until(partial(made.has_begun, count))
                assert made.began == order[:count]
                made.wake(name)
    assert made.ended == order


@pytest.mark.anyio
async def test_who_is_cancelled_while_it_waits_gives_up_its_place() -> None:
    shared = Threads(1)
    first, second, third = shared.share(), shared.share(), shared.share()
    with sleepers() as made:
        async with create_task_group() as tasks:
            tasks.start_soon(first.run, made.sleeper("first"))
            await until(lambda: made.began)
            waiting = CancelScope()

            async def wait() -> None:
                with waiting:
                    await second.run(made.sleeper("second"))

            tasks.start_soon(wait)
            await turn()
            tasks.start_soon(third.run, made.sleeper("third"))
            await turn()
            waiting.cancel()
            await turn()
            made.wake("first")
            await until(lambda: "third" in made.began)
            made.wake("third")
    assert made.ended == ["first", "third"]
    assert await second.run(lambda: "free") == "free"


@pytest.mark.anyio
async def test_who_is_cancelled_in_the_moment_of_its_turn_passes_it_on() -> None:
    shared = Threads(1)
    first, second, third = shared.share(), shared.share(), shared.share()
    with sleepers() as made:
        waiting = CancelScope()

        async def run_first() -> None:
            await first.run(made.sleeper("first"))
            waiting.cancel()  # the second has its turn by now, and has not begun

        async def wait() -> None:
            with waiting:
                await second.run(made.sleeper("second"))

        async with create_task_group() as tasks:
            tasks.start_soon(run_first)
            await until(lambda: made.began)
            tasks.start_soon(wait)
            await turn()
            tasks.start_soon(third.run, made.sleeper("third"))
            await turn()
            made.wake("first")
            await until(lambda: "third" in made.began)
            made.wake("third")
    assert made.began == ["first", "third"]


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_task_that_is_cancelled_in_the_moment_of_its_turn_passes_it_on() -> None:
    shared = Threads(1)
    first, second, third = shared.share(), shared.share(), shared.share()
    native = list["asyncio.Task[str]"]()
    with sleepers() as made:

        async def run_first() -> None:
            await first.run(made.sleeper("first"))
            native[0].cancel()  # the second has its turn by now, and has not begun

        async with create_task_group() as tasks:
            tasks.start_soon(run_first)
            await until(lambda: made.began)
            native.append(asyncio.create_task(second.run(made.sleeper("second"))))
            await turn()
            tasks.start_soon(third.run, made.sleeper("third"))
            await turn()
            made.wake("first")
            await until(lambda: "third" in made.began)
            made.wake("third")
        with pytest.raises(asyncio.CancelledError):
            await native[0]
    assert made.began == ["first", "third"]


@pytest.mark.anyio
async def test_a_thread_that_is_cancelled_is_held_until_it_ends() -> None:
    shared = Threads(1)
    first, second = shared.share(), shared.share()
    with sleepers() as made:
        async with create_task_group() as tasks:
            scope = CancelScope()

            async def run_first() -> None:
                with scope:
                    await first.run(made.sleeper("first"))

            tasks.start_soon(run_first)
            await until(lambda: made.began)
            scope.cancel()
            tasks.start_soon(second.run, made.sleeper("second"))
            await turn()
            assert made.began == ["first"]
            made.wake("first")
            await until(lambda: made.began == ["first", "second"])
            made.wake("second")


@pytest.mark.anyio
async def test_a_thread_that_calls_back_does_not_wait_for_itself() -> None:
    shared = Threads(1)
    threads.current.set(shared.share())

    async def asynchronous(depth: int) -> int:
        return await in_thread(partial(plain, depth))

    def plain(depth: int) -> int:
        return 0 if not depth else 1 + from_thread.run(asynchronous, depth - 1)

    with fail_after(DEADLINE):
        assert await asynchronous(3) == 3
        assert await asynchronous(3) == 3


@pytest.mark.anyio
async def test_outside_connections_there_are_anyios_threads() -> None:
    assert threads.current.get() is None
    assert await in_thread(threading.get_ident) != threading.get_ident()


def test_an_application_runs_on_one_event_loop_after_the_other() -> None:
    shared = Threads(1)

    async def half_done() -> None:
        """End with calls that wait, and one that has a thread."""
        with sleepers() as made:
            async with create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(shared.share().run, made.sleeper("old"))
                await until(lambda: made.began)
                tasks.cancel_scope.cancel()
                made.wake_all()

    async def whole() -> int:
        return await shared.share().run(lambda: 1)

    for backend in ("asyncio", "trio", "asyncio"):
        anyio.run(half_done, backend=backend)
        assert anyio.run(whole, backend=backend) == 1
