"""Where the work for all sockets runs, and who takes it over."""

# pyright: reportPrivateUsage=false
# What must not leak or be encoded twice is looked at from inside.

import time

import anyio
import pytest
from anyio import create_task_group

from bytesocket_app.serving.housekeeping import Housekeeping, sweep_interval
from bytesocket_app.settings import Timeouts
from bytesocket_app.testing import TestClient
from tests.support.talk import Said, talk, until

pytestmark = pytest.mark.anyio


class Connection:
    """A session as far as the host is concerned."""

    def __init__(self) -> None:
        self.checks: list[float] = []

    def check(self, now: float) -> None:
        self.checks.append(now)

    def abort(self) -> None:
        raise AssertionError("the host drops nobody")

    def give_up(self) -> None:
        raise AssertionError("nobody is lost")


class Line:
    def __init__(self) -> None:
        self.flushed = 0

    async def send_all(self) -> None:
        self.flushed += 1


async def works(host: Housekeeping) -> None:
    """See that the writer runs."""
    line = Line()
    host.writer.put(line)
    await until(lambda: line.flushed)


async def test_the_oldest_connection_hosts_and_hands_over_when_it_ends() -> None:
    host = Housekeeping(time.monotonic)
    first, second = Connection(), Connection()
    async with create_task_group() as old, create_task_group() as new:
        host.enter(first, old)
        host.enter(second, new)
        await works(host)
        host.leave(first)
        await works(host)
        host.leave(second)
        await anyio.wait_all_tasks_blocked()
    assert not host.connections


async def test_the_second_connection_may_end_first() -> None:
    host = Housekeeping(time.monotonic)
    first, second = Connection(), Connection()
    async with create_task_group() as old, create_task_group() as new:
        host.enter(first, old)
        host.enter(second, new)
        host.leave(second)
        await works(host)
        host.leave(first)


async def test_a_lifespan_goes_before_connections_and_leaves_to_them() -> None:
    host, session = Housekeeping(time.monotonic), Connection()
    async with create_task_group() as tasks:
        host.enter(session, tasks)
        async with host.lifespan():
            await works(host)
        await works(host)
        host.leave(session)


async def test_a_second_lifespan_changes_nothing_and_takes_over_later() -> None:
    host = Housekeeping(time.monotonic)
    async with host.lifespan():
        async with host.lifespan():
            await works(host)
        await works(host)


async def test_the_sweep_runs_by_itself() -> None:
    now = 5.0
    host, session = Housekeeping(lambda: now), Connection()
    async with create_task_group() as tasks:
        host.enter(session, tasks)
        await until(lambda: session.checks)
        host.leave(session)
    assert session.checks[0] == 5.0


@pytest.mark.parametrize(
    ("timeouts", "seconds"),
    [
        (Timeouts(), 1.0),
        (Timeouts(handler=5), 0.5),
        (Timeouts(handler=0.1), 0.25),
        (Timeouts(auth=0, middleware=0, handler=0, idle=0, close=0), 1.0),
    ],
)
def test_the_shortest_deadline_says_how_often_to_look(timeouts: Timeouts, seconds: float) -> None:
    assert sweep_interval(timeouts) == seconds


async def test_everybody_who_waits_for_the_last_connection_learns_of_its_end() -> None:
    host, session = Housekeeping(time.monotonic), Connection()
    learned: list[int] = []

    async def learn(number: int) -> None:
        await host.emptied()
        learned.append(number)

    await host.emptied()
    async with create_task_group() as tasks, create_task_group() as waiters:
        host.enter(session, tasks)
        waiters.start_soon(learn, 1)
        waiters.start_soon(learn, 2)
        await anyio.wait_all_tasks_blocked()
        host.leave(session)
        await until(lambda: len(learned) == 2)


async def test_broadcasts_go_on_when_the_oldest_client_leaves() -> None:
    app = talk()
    async with TestClient(app) as stays:
        async with TestClient(app):
            pass
        await app.broadcast(Said(text="on"))
        assert (await stays.receive(Said)).text == "on"


async def test_nothing_is_left_after_200_connections_that_end_in_all_ways() -> None:
    app = talk()
    app.room("lobby")
    async with app.running():
        for number in range(200):
            async with TestClient(app) as client:
                await client.join("lobby")
                match number % 5:
                    case 0:
                        await client.close(4000, "bye")
                    case 1:
                        await app.sockets()[0].close()
                    case 2:
                        await client.send_raw("{")
                    case 3:
                        next(iter(app.housekeeping.connections)).abort()
                    case _:
                        pass
        await anyio.wait_all_tasks_blocked()
        assert not app.housekeeping.connections
        assert not app.memberships.sockets
        assert not app.memberships._ends
        assert len(app.memberships.index) == 0
        assert len(app.housekeeping.writer._idle) <= 1
