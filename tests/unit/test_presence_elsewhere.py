"""Presence over processes: applications on one broker in memory, with random users and cuts."""

from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from typing import Any

import anyio
import pytest
from anyio import TASK_STATUS_IGNORED, Event, create_task_group, fail_after, sleep
from anyio.abc import TaskGroup, TaskStatus
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from bytesocket_app import ByteSocket, Settings, Socket, Timeouts
from bytesocket_app.declarations.rooms import Room
from bytesocket_app.delivery.presence_link import PresenceLink
from bytesocket_app.engines.memory import MemoryEngine
from bytesocket_app.testing import TestClient

pytestmark = pytest.mark.anyio

NAMES = count()
USERS = ("ann", "bob", "cy")


class Mood(BaseModel):
    mood: str = ""


class Site:
    """One process: an application whose document tells who is in it.

    Attributes:
        told: The calls of its hooks.
    """

    def __init__(self, name: str, *, linger: float = 0, ordered: bool = True) -> None:
        self.app = app = ByteSocket(
            title="Site",
            engine=f"memory://{name}",
            settings=Settings(timeouts=Timeouts(presence_linger=linger)),
        )
        self.told = told = list[tuple[str, str]]()
        self.is_ordered = ordered

        @app.auth(key=str)
        async def known(credentials: str) -> str:
            return credentials

        self.doc: Room = app.room("doc:{doc_id}")

        @self.doc.presence(clients=["mood"])
        def mood(socket: Socket[str]) -> Mood:
            return Mood(mood=socket.user)

        @self.doc.presence.entered
        async def entered(user_key: str) -> None:
            told.append(("entered", user_key))

        @self.doc.presence.exited
        async def exited(user_key: str) -> None:
            told.append(("exited", user_key))

    @property
    def engine(self) -> MemoryEngine:
        cluster = self.app.cluster
        assert cluster is not None
        assert cluster.elsewhere is not None
        engine: Any = cluster.elsewhere.node._engine  # pyright: ignore[reportPrivateUsage]
        return engine

    @property
    def link(self) -> PresenceLink:
        cluster = self.app.cluster
        assert cluster is not None
        assert cluster.elsewhere is not None
        link = cluster.elsewhere.presence
        assert link is not None
        return link

    @property
    def peers(self) -> int:
        cluster = self.app.cluster
        assert cluster is not None
        return 0 if cluster.elsewhere is None else len(cluster.elsewhere.node.peers)

    def seen(self) -> dict[str, list[str]] | None:
        """The users of the document with their moods; None if nobody is here."""
        room = self.app.presence.find("doc:7")
        if room is None:
            return None
        return {
            str(key): sorted(one.mood for one in entries)
            for key, entries in room.state.users().items()
        }


@asynccontextmanager
async def sites(number: int, **more: Any) -> AsyncGenerator[list[Site]]:
    """Processes on a broker of their own, who know each other."""
    name = f"presence{next(NAMES)}"
    found = [Site(name, **more) for _ in range(number)]
    async with AsyncExitStack() as stack:
        for each in found:
            await stack.enter_async_context(each.app.running())
        await wait(lambda: all(each.peers == number - 1 for each in found))
        yield found


async def wait(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    with fail_after(30):
        while not holds():  # noqa: ASYNC110 - of several processes nobody tells it
            await sleep(0.005)


class Visit:
    """A client in the document."""

    def __init__(self, site: Site, user: str) -> None:
        self.site = site
        self.user = user
        self.mood = user
        self.client = TestClient(site.app, user)
        self.over, self.gone = Event(), Event()

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        async with self.client:
            await self.client.join("doc:7")
            task_status.started()
            await self.over.wait()
        self.gone.set()


class Crowd:
    """Clients of several processes, and what is to be seen of them."""

    def __init__(self, found: list[Site], tasks: TaskGroup) -> None:
        self.sites = found
        self.visits: list[Visit] = []
        self._tasks = tasks

    async def come(self, site: int, user: str) -> None:
        visit = Visit(self.sites[site], user)
        await self._tasks.start(visit.run)
        self.visits.append(visit)

    async def go(self, index: int) -> None:
        if self.visits:
            visit = self.visits.pop(index % len(self.visits))
            visit.over.set()
            await visit.gone.wait()

    async def feel(self, index: int, mood: str) -> None:
        if self.visits:
            visit = self.visits[index % len(self.visits)]
            visit.mood = mood
            await visit.client.send({"type": 36, "room": "doc:7", "data": {"mood": mood}})

    def expected(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for visit in self.visits:
            found.setdefault(visit.user, []).append(visit.mood)
        return {user: sorted(moods) for user, moods in found.items()}

    def is_right(self) -> bool:
        """True if every process that has somebody there sees all, and the others nobody."""
        hosts = {id(visit.site) for visit in self.visits}
        expected = self.expected()
        return all(each.seen() == (expected if id(each) in hosts else None) for each in self.sites)

    async def quiet(self) -> None:
        await wait(self.is_right)

    async def leave(self) -> None:
        while self.visits:
            await self.go(0)


COMES = st.tuples(st.just("come"), st.integers(0, 2), st.sampled_from(USERS))
GOES = st.tuples(st.just("go"), st.integers(0, 9))
FEELS = st.tuples(st.just("feel"), st.integers(0, 9), st.sampled_from(("well", "so", "bad")))
CUTS = st.tuples(st.just("cut"), st.integers(0, 2))
STOPS = st.tuples(st.just("stop"), st.sampled_from((0.0, 0.1, 0.7)))


async def take(crowd: Crowd, step: Any) -> None:
    """Do one step."""
    match step:
        case ("come", site, user):
            await crowd.come(site, user)
        case ("go", index):
            await crowd.go(index)
        case ("feel", index, mood):
            await crowd.feel(index, mood)
        case ("cut", site):
            crowd.sites[site].engine.reset("cut")
        case (_, seconds):
            broker = crowd.sites[0].engine._broker  # pyright: ignore[reportPrivateUsage]
            broker.stop()
            await sleep(seconds)
            broker.start()


def changes(crowd: Crowd) -> Counter[tuple[str, str]]:
    return Counter(call for each in crowd.sites for call in each.told)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(COMES, COMES, GOES, FEELS), max_size=20))
def test_a_user_enters_and_exits_once_whatever_process_they_are_in(steps: list[Any]) -> None:
    async def main() -> None:
        async with sites(3) as found, create_task_group() as tasks:
            crowd = Crowd(found, tasks)
            truth = Counter[tuple[str, str]]()
            before = set[str]()
            for step in steps:
                await take(crowd, step)
                await crowd.quiet()
                after = set(crowd.expected())
                truth.update(("entered", user) for user in after - before)
                truth.update(("exited", user) for user in before - after)
                before = after
            await wait(lambda: changes(crowd).total() >= truth.total())
            assert changes(crowd) == truth
            await crowd.leave()

    anyio.run(main)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(st.one_of(COMES, GOES), max_size=6), max_size=6))
def test_users_who_come_and_go_at_once_are_told_of_in_pairs(batches: list[list[Any]]) -> None:
    async def main() -> None:
        async with sites(3) as found, create_task_group() as tasks:
            crowd = Crowd(found, tasks)
            for batch in batches:
                async with create_task_group() as some:
                    for step in batch:
                        some.start_soon(take, crowd, step)
            await crowd.quiet()
            await crowd.leave()
            await crowd.quiet()

            def in_pairs() -> bool:
                counts = changes(crowd)
                return all(counts["entered", user] == counts["exited", user] for user in USERS)

            await wait(in_pairs)

    anyio.run(main)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(COMES, COMES, GOES, FEELS, CUTS, STOPS), max_size=14))
def test_after_cuts_all_processes_see_the_same(steps: list[Any]) -> None:
    async def main() -> None:
        async with sites(3) as found, create_task_group() as tasks:
            crowd = Crowd(found, tasks)
            for step in steps:
                await take(crowd, step)
            await crowd.quiet()
            await crowd.leave()

    anyio.run(main)
