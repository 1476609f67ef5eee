"""Four hundred clients of four workers on one broker, and a worker that is killed."""

import os
import signal
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, ExitStack, closing
from pathlib import Path
from typing import Any

import anyio
import pytest

from bytesocket_app import ClientEvent, ServerEvent
from bytesocket_app.client import ClientSettings, DynamicClient, DynamicRoom
from tests.support.brokers import BrokerName, running_broker
from tests.support.cluster_app import SOURCE
from tests.support.figures import ROW
from tests.support.server_process import DEADLINE, RudePeer, serving

CROWD = 400
WORKERS = 4
AT_ONCE = 40
"""Clients that connect at the same time."""


class Publish(ClientEvent, name="publish"):
    """Have the process publish a number."""

    number: int


class Command(ClientEvent, name="command"):
    """Have the process do or tell something."""

    verb: str
    key: str


class Metrics(ClientEvent, name="metrics"):
    """Ask for the counters of the process."""


class Number(ServerEvent, name="number"):
    """A number, and the process that published it."""

    sender: str
    number: int


class Guest:
    """A client in the lobby.

    Attributes:
        client: The client.
        room: The lobby.
        home: The process that serves it.
        heard: The numbers that came, by the process that published them.
        losses: How often it lost its connection.
    """

    def __init__(self, url: str, name: str) -> None:
        settings = ClientSettings(backoff_base=0.05, backoff_cap=0.5)
        self.client = DynamicClient(url, auth=name, settings=settings)
        self.client.on(Number, self._hear)
        self.client.on_state(self._changed)
        self.room: DynamicRoom = self.client.join("lobby")
        self.home = ""
        self.heard: dict[str, list[int]] = defaultdict(list)
        self.losses = 0
        self._is_open = False

    def _hear(self, event: Number) -> None:
        self.heard[event.sender].append(event.number)

    def _changed(self, state: str) -> None:
        self.losses += self._is_open and state != "open"
        self._is_open = state == "open"

    async def enter(self) -> None:
        """Wait until it is in the room, and ask where that is."""
        await self.room.ready
        self.home = await self.client.request(Command(verb="who", key=""), str, timeout=DEADLINE)


class Speaker:
    """A guest that has its process publish.

    Attributes:
        guest: The guest.
        home: The process that served it at first.
        accepted: The numbers that it took.
    """

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self.home = guest.home
        self.accepted: list[int] = []

    async def say(self) -> None:
        """Publish the next number."""
        number = len(self.accepted) + 1
        outcome, _ = await self.guest.client.request(Publish(number=number), list[Any])
        assert outcome in ("sent", "queued")
        self.accepted.append(number)

    async def metrics(self) -> dict[str, Any]:
        """Read the counters of its process."""
        return await self.guest.client.request(Metrics(), dict[str, Any], timeout=DEADLINE)


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait until something is so."""
    with anyio.move_on_after(DEADLINE):
        while not condition():  # noqa: ASYNC110 - other processes tell nobody
            await anyio.sleep(0.02)
        return
    raise AssertionError(what)


async def at_once(guests: Sequence[Guest]) -> None:
    """Let guests enter, some at a time."""
    for start in range(0, len(guests), AT_ONCE):
        async with anyio.create_task_group() as tasks:
            for guest in guests[start : start + AT_ONCE]:
                tasks.start_soon(guest.enter)


def is_even(shares: Counter[str]) -> bool:
    """Tell whether clients are spread over the workers as they must be."""
    return max(shares.values()) / min(shares.values()) <= 1.6


def homes_of_others(port: int) -> Counter[str]:
    """Connect as many others for a moment, and count where they are."""
    with ExitStack() as stack:
        peers = [stack.enter_context(closing(RudePeer(port))) for _ in range(CROWD)]
        for peer in peers:
            peer.send({"type": 4, "data": "somebody"})
            peer.receive()
        return Counter(peer.request("command", {"verb": "who", "key": ""}) for peer in peers)


async def talk(speakers: Sequence[Speaker], rounds: int) -> None:
    """Have each speaker publish so many numbers."""
    for _ in range(rounds):
        for speaker in speakers:
            await speaker.say()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(
    ("transport", "broker"),
    [
        ("picows", "valkey-9.1"),
        pytest.param("hypercorn", "redis-6.2", marks=pytest.mark.nightly),
        pytest.param("uvicorn", "nats", marks=pytest.mark.nightly),
    ],
)
async def test_a_worker_of_four_is_killed_among_four_hundred_clients(
    transport: str,
    broker: BrokerName,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    (tmp_path / "app.py").write_text(SOURCE)
    command = ("run", "app:app", "--host", "127.0.0.1", "--port", "0", "--transport", transport)
    async with AsyncExitStack() as stack:
        found = stack.enter_context(running_broker(broker))
        options = ("--workers", str(WORKERS), "--engine", found.url)
        variables = {"ENGINE": found.url}
        server = stack.enter_context(serving(*command, *options, cwd=tmp_path, variables=variables))
        url = f"ws://127.0.0.1:{server.port}/ws"
        guests = [Guest(url, f"guest {number}") for number in range(CROWD)]
        for start in range(0, CROWD, AT_ONCE):
            for guest in guests[start : start + AT_ONCE]:
                await stack.enter_async_context(guest.client)
            await at_once(guests[start : start + AT_ONCE])

        shares = Counter(guest.home for guest in guests)
        assert len(shares) == WORKERS
        if not is_even(shares):  # by chance alone, once in two hundred times
            again = await anyio.to_thread.run_sync(homes_of_others, server.port)
            assert is_even(again), (shares, again)

        first = {guest.home: guest for guest in reversed(guests)}
        victim, *others = [Speaker(guest) for guest in first.values()]
        dead = victim.home
        await talk([victim, *others], 8)
        os.kill(int(dead), signal.SIGKILL)
        begun = anyio.current_time()
        await talk(others, 8)
        lost = [guest for guest in guests if guest.home == dead]
        stayed = [guest for guest in guests if guest.home != dead]
        await until(lambda: all(guest.losses for guest in lost), "it was not noticed")
        await at_once(lost)
        back = anyio.current_time() - begun
        assert dead not in {guest.home for guest in lost}
        await anyio.to_thread.run_sync(server.wait_for, "serves again")

        await _check(victim, others, stayed, lost)

        # The dead one counts no more, and the new one does.
        for speaker in others:
            with anyio.fail_after(DEADLINE):
                while (await speaker.metrics())["cluster_nodes"] != WORKERS:  # noqa: ASYNC110
                    await anyio.sleep(0.1)
            asked = Command(verb="count", key="lobby")
            assert await speaker.guest.client.request(asked, list[Any]) == [CROWD, []]
        title = f"{broker}, {transport}: a worker of {WORKERS} is killed with {len(lost)} clients"
        row = {
            "most on a worker": max(shares.values()),
            "least": min(shares.values()),
            "all back in the room after, s": f"{back:.2f}",
            "nobody counts the dead one after, s": f"{anyio.current_time() - begun:.1f}",
        }
        record_property(ROW, (title, row))


async def _check(
    victim: Speaker, others: Sequence[Speaker], stayed: Sequence[Guest], lost: Sequence[Guest]
) -> None:
    """Check what everybody heard, and the counters of those that live."""
    before = [len(speaker.accepted) for speaker in others]
    await talk(others, 8)

    def came() -> bool:
        return all(
            speaker.accepted[-1] in guest.heard[speaker.home]
            for speaker in others
            for guest in (*stayed, *lost)
        )

    await until(came, "somebody does not get the last number")
    for guest in stayed:
        assert not guest.losses
        for speaker in (victim, *others):
            assert guest.heard[speaker.home] == speaker.accepted
    for guest in lost:
        for speaker, start in zip(others, before, strict=True):
            heard = guest.heard[speaker.home]
            assert heard == sorted(set(heard))  # nothing twice, and in order
            assert heard[-len(speaker.accepted[start:]) :] == speaker.accepted[start:]
    total = sum(len(speaker.accepted) for speaker in (victim, *others))
    for speaker in others:
        metrics = await speaker.metrics()
        said = len(speaker.accepted)
        assert metrics['engine_published_total{outcome="sent"}'] == said
        assert metrics["engine_received_total"] == total - said
        for name in ("lost", "foreign", "refused"):
            assert metrics[f"engine_{name}_total"] == 0
        assert metrics['engine_published_total{outcome="dropped"}'] == 0
        assert metrics["engine_connections_total"] == 1
