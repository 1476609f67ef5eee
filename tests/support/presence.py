"""Applications on one broker whose document tells who is in it, and clients who come and go."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count

from anyio import TASK_STATUS_IGNORED, Event, fail_after, sleep
from anyio.abc import TaskGroup, TaskStatus
from pydantic import BaseModel

from bytesocket_app import ByteSocket, Settings, Socket, Timeouts
from bytesocket_app.cluster import Node
from bytesocket_app.declarations.rooms import Room
from bytesocket_app.delivery.elsewhere import Elsewhere
from bytesocket_app.delivery.presence_link import PresenceLink
from bytesocket_app.engines.memory import MemoryBroker, MemoryEngine, broker_of
from bytesocket_app.testing import TestClient

NAMES = count()
USERS = ("ann", "bob", "cy")


class Mood(BaseModel):
    mood: str = ""


class Site:
    """One process: an application whose document tells who is in it.

    Attributes:
        told: The calls of its hooks.
    """

    def __init__(self, engine: str, *, linger: float = 0) -> None:
        self.app = app = ByteSocket(
            title="Site",
            engine=engine,
            settings=Settings(timeouts=Timeouts(presence_linger=linger)),
        )
        self.url = engine
        self.told = told = list[tuple[str, str]]()

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
    def _elsewhere(self) -> Elsewhere:
        cluster = self.app.cluster
        assert cluster is not None
        assert cluster.elsewhere is not None
        return cluster.elsewhere

    @property
    def node(self) -> Node:
        return self._elsewhere.node

    @property
    def link(self) -> PresenceLink:
        link = self.app.presence.remote
        assert isinstance(link, PresenceLink)
        return link

    @property
    def engine(self) -> MemoryEngine:
        engine = self.node._engine  # pyright: ignore[reportPrivateUsage]
        assert isinstance(engine, MemoryEngine)
        return engine

    @property
    def broker(self) -> MemoryBroker:
        return broker_of(self.url.removeprefix("memory://"))

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
async def sites(
    number: int, engine: str | None = None, *, linger: float = 0
) -> AsyncGenerator[list[Site]]:
    """Processes on a broker, by default one of their own, who know each other."""
    engine = engine or f"memory://presence{next(NAMES)}"
    found = [Site(engine, linger=linger) for _ in range(number)]
    async with AsyncExitStack() as stack:
        for each in found:
            await stack.enter_async_context(each.app.running())
        await wait(lambda: all(len(each.node.peers) >= number - 1 for each in found))
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
