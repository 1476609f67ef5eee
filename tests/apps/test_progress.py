"""Jobs in threads, shown to their owner on all tabs, in memory."""

import pytest

from bytesocket_app.testing import RequestError, TestClient
from tests.apps.progress.app import app
from tests.apps.progress.events import Advanced, Cancel, Ended, Job, Load, Mine, Start, Started

pytestmark = pytest.mark.anyio

ENDLESS = 1_000_000


def tab(user_id: int) -> TestClient:
    """A tab of a user."""
    return TestClient(app, {"user_id": user_id, "secret": f"secret {user_id}"})


async def started(client: TestClient, steps: int, title: str = "Count") -> str:
    """Start a job; its id."""
    return await client.request(Start(title=title, steps=steps), str)


async def ended(client: TestClient, job_id: str) -> str:
    """Wait for the end of a job; how it ended."""
    while (end := await client.receive(Ended)).job_id != job_id:
        pass
    return end.outcome


async def test_a_thread_reports_on_every_tab_of_the_owner_and_on_no_other() -> None:
    async with tab(1) as first, tab(1) as second, tab(2) as other:
        job_id = await started(first, 3)
        for client in (first, second):
            job = (await client.receive(Started)).job
            assert job == Job(job_id=job_id, title="Count", steps=3)
            reports = [await client.receive(Advanced) for _ in range(3)]
            assert reports == [Advanced(job_id=job_id, done=done) for done in (1, 2, 3)]
            assert await ended(client, job_id) == "done"
        theirs = await started(other, 1)
        assert (await other.receive(Started)).job.job_id == theirs
        assert await other.receive(Advanced) == Advanced(job_id=theirs, done=1)
        assert await ended(other, theirs) == "done"


async def test_a_tab_that_closes_in_the_middle_stops_nothing() -> None:
    async with tab(1) as stays:
        async with tab(1) as goes:
            job_id = await started(goes, ENDLESS)
            await goes.receive(Advanced)
        at = (await stays.receive(Advanced)).done
        while (report := await stays.receive(Advanced)).done <= at + 5:
            pass
        async with tab(1) as later:
            jobs = {job.job_id: job for job in await later.request(Mine(), list[Job])}
            assert jobs[job_id].done >= report.done
            assert (await later.receive(Advanced)).job_id == job_id
            await later.request(Cancel(job_id=job_id))
            assert await ended(later, job_id) == await ended(stays, job_id) == "cancelled"


async def test_a_job_goes_on_without_any_tab() -> None:
    async with app.running():
        async with tab(1) as client:
            job_id = await started(client, ENDLESS)
            done = (await client.receive(Advanced)).done
        async with tab(1) as client:
            assert (await client.receive(Advanced)).done > done
            await client.request(Cancel(job_id=job_id))
            assert await ended(client, job_id) == "cancelled"


async def test_a_job_can_be_cancelled_by_its_owner_once() -> None:
    async with tab(1) as owner, tab(2) as other:
        job_id = await started(owner, ENDLESS)
        with pytest.raises(RequestError) as refused:
            await other.request(Cancel(job_id=job_id))
        assert refused.value.code == "no_such_job"
        await owner.request(Cancel(job_id=job_id))
        assert await ended(owner, job_id) == "cancelled"
        with pytest.raises(RequestError):
            await owner.request(Cancel(job_id=job_id))


async def test_a_job_that_breaks_costs_nothing_but_itself() -> None:
    async with tab(1) as client:
        assert await ended(client, await started(client, 5, "break")) == "failed"
        assert await ended(client, await started(client, 5)) == "done"


async def test_everybody_sees_how_busy_it_is_and_nobody_joins_the_feed_alone() -> None:
    async with tab(1) as first, tab(2) as second:
        job_id = await started(first, ENDLESS)
        load = await second.receive(Load, room="feed")
        assert load.waiting + load.running == 1
        with pytest.raises(RequestError, match="feed"):
            await second.join("feed")
        await first.request(Cancel(job_id=job_id))
        while await second.receive(Load) != Load(waiting=0, running=0):
            pass


async def test_what_still_runs_at_the_end_is_cancelled() -> None:
    async with tab(1) as client:
        job_id = await started(client, ENDLESS)
    async with tab(1) as client:
        jobs = {job.job_id: job for job in await client.request(Mine(), list[Job])}
    assert jobs[job_id].outcome == "cancelled"
