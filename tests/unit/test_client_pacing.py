"""A client keeps to the rates of its contract: in virtual time, which jumps when all wait."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
import trio.lowlevel
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from bytesocket_app.buckets import TokenBucket
from bytesocket_app.client.outgoing import Outgoing
from bytesocket_app.client.pacing import MARGIN, Pace, Pacing, SeveralPaces
from bytesocket_app.client.settings import ClientSettings, EventRate
from bytesocket_app.errors import Disconnected, RequestError, RequestTimeout
from bytesocket_app.events import ClientEvent, EventModel, PayloadType
from bytesocket_app.wire import JSON
from tests.support.memory_socket import Peer, memory_connection
from tests.unit.test_client_session import Talk

pytestmark = pytest.mark.anyio

TEXT = PayloadType(str)
EACH = 0.2 * 1.002
"""Seconds from one bid to the next, at 5/s."""
BIDS = EventRate(event="bid", per_second=5, burst=3)


class Bid(ClientEvent, name="bid"):
    amount: int


class Look(ClientEvent, name="look"):
    """Nothing is said of how often it may be sent."""

    number: int = 0


class Move(ClientEvent, name="move", volatile=True):
    x: int = 0


class Poke(ClientEvent, name="poke", volatile=True):
    """Volatile, without a rate."""


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "trio", {"clock": MockClock(autojump_threshold=0)}


class Clock:
    """What a peer heard, each with the seconds since the beginning."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._began = anyio.current_time()

    @property
    def now(self) -> float:
        return anyio.current_time() - self._began

    async def heard(self, count: int) -> list[tuple[float, Any]]:
        """Wait for so many messages: their times, and their payloads or what they are."""
        found: list[tuple[float, Any]] = []
        while len(found) < count:
            message = await self._peer.message()
            data = message.get("data", {})
            found.append((round(self.now, 4), next(iter(data.values()), message.get("event"))))
        return found


@asynccontextmanager
async def connected(outgoing: Outgoing) -> AsyncGenerator[tuple[Clock, Peer]]:
    """Connect as a session does; what waits is sent meanwhile."""
    connection, peer, _ = memory_connection()

    async def ignore(payload: bytes, is_binary: bool) -> None:
        pass

    async def run() -> None:
        await connection.run(ignore)

    with anyio.fail_after(3600):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            tasks.start_soon(outgoing.keep_pace)
            await anyio.wait_all_tasks_blocked()
            outgoing.opened(connection)
            yield Clock(peer), peer
            outgoing.closed("lost")
            tasks.cancel_scope.cancel()


def paced(*rates: EventRate, **settings: Any) -> Outgoing:
    return Outgoing(JSON, ClientSettings(**settings), rates or [BIDS])


def due(number: int) -> float:
    """When the message of that number may be sent, if the first is sent at 0."""
    return 0.0 if number <= 3 else round(MARGIN + (number - 3) * EACH, 4)


async def emitted(outgoing: Outgoing, *events: EventModel) -> list[str]:
    return [await outgoing.emit(event) for event in events]


async def test_a_burst_goes_at_once_and_the_rest_at_its_pace() -> None:
    outgoing = paced()
    async with connected(outgoing) as (clock, _):
        fates = await emitted(outgoing, *(Bid(amount=number) for number in range(1, 9)))
        assert fates == ["sent"] * 3 + ["queued"] * 5
        assert await clock.heard(8) == [(due(number), number) for number in range(1, 9)]
        assert await outgoing.emit(Look()) == "sent"


async def test_after_a_pause_the_burst_is_there_again() -> None:
    outgoing = paced()
    async with connected(outgoing) as (clock, _):
        await emitted(outgoing, *(Bid(amount=number) for number in range(5)))
        await clock.heard(5)
        await anyio.sleep(MARGIN + 3 * EACH + 0.001)
        fates = await emitted(outgoing, *(Bid(amount=number) for number in range(4)))
        assert fates == ["sent"] * 3 + ["queued"]


async def test_what_comes_after_one_that_waits_waits_behind_it() -> None:
    outgoing = paced(BIDS, EventRate(event="move", per_second=20, burst=2))
    async with connected(outgoing) as (clock, _):
        await emitted(outgoing, *(Bid(amount=number) for number in range(1, 5)))
        later = await emitted(outgoing, Look(number=10), Move(), Poke(), Bid(amount=11))
        assert later == ["queued", "dropped", "dropped", "queued"]
        heard = await clock.heard(6)
        assert [(at, data) for at, data in heard if data not in {1, 2, 3}] == [
            (due(4), 4),
            (due(4), 10),
            (due(5), 11),
        ]
        assert await emitted(outgoing, Poke(), Move(x=1)) == ["sent", "sent"]


async def test_a_volatile_event_without_a_token_is_dropped_and_loses_no_time_to_the_margin() -> (
    None
):
    outgoing = paced(EventRate(event="move", per_second=20, burst=1))
    async with connected(outgoing):
        fates: list[str] = []
        for _ in range(9):
            fates.append(await outgoing.emit(Move()))
            await anyio.sleep(0.0251)
        assert fates == ["sent", "dropped"] * 4 + ["sent"]


async def test_places_have_rates_of_their_own() -> None:
    room = EventRate(event="bid", room="lot:{number}", per_second=5, burst=1)
    outgoing = paced(BIDS, room)
    for name in ("lot:1", "lot:2", "hall"):
        outgoing.join(name, "lot:{number}" if ":" in name else None)
    async with connected(outgoing):
        bid = Bid(amount=1)
        fates = [await outgoing.emit(bid, name) for name in ("hall", "hall", "lot:1")]
        outside = await emitted(outgoing, bid, bid)
        # Rooms of one pattern share a rate, as they do at the server.
        assert [*fates, *outside, await outgoing.emit(bid, "lot:2")] == ["sent"] * 5 + ["queued"]


async def test_a_request_waits_for_its_turn_within_its_own_time() -> None:
    outgoing = paced()
    async with connected(outgoing) as (_, peer):
        await emitted(outgoing, *(Bid(amount=number) for number in range(3)))
        with pytest.raises(RequestTimeout):
            await outgoing.request(Bid(amount=7), TEXT, timeout=0.1)
        answers: list[str] = []

        async def ask() -> None:
            answers.append(await outgoing.request(Bid(amount=8), TEXT, timeout=5))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            asked = [await peer.message() for _ in range(4)][-1]
            assert asked["data"] == {"amount": 8}, "the one that gave up was sent"
            outgoing.requests.answer(asked["id"], "yes")
        assert answers == ["yes"]


async def test_one_that_is_taken_back_lets_those_behind_it_go() -> None:
    outgoing = paced(EventRate(event="bid", per_second=1 / 3600, burst=1))
    async with connected(outgoing) as (clock, _):
        await outgoing.emit(Bid(amount=1))
        assert await clock.heard(1) == [(0, 1)]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(give_up, outgoing)
            await anyio.wait_all_tasks_blocked()
            assert await outgoing.emit(Look(number=2)) == "queued"
        assert await clock.heard(1) == [(1, 2)]


async def give_up(outgoing: Outgoing) -> None:
    with pytest.raises(RequestTimeout):
        await outgoing.request(Bid(amount=9), TEXT, timeout=1)


async def test_a_full_queue_refuses_what_has_to_wait() -> None:
    outgoing = paced(queue_limit=2)
    async with connected(outgoing) as (clock, _):
        fates = await emitted(outgoing, *(Bid(amount=number) for number in range(6)))
        assert fates == ["sent"] * 3 + ["queued"] * 2 + ["dropped"]
        with pytest.raises(RequestError) as caught:
            await outgoing.request(Look(), TEXT)
        assert caught.value.code == "too_many_requests"
        assert [data for _, data in await clock.heard(5)] == [0, 1, 2, 3, 4]


async def test_what_was_queued_without_a_connection_is_sent_at_its_pace() -> None:
    outgoing = paced()
    await emitted(outgoing, *(Bid(amount=number) for number in range(1, 6)))
    async with connected(outgoing) as (clock, _):
        assert await clock.heard(5) == [(due(number), number) for number in range(1, 6)]


async def test_what_waits_outlives_the_connection_and_sockets_begin_anew() -> None:
    outgoing = paced()
    outcomes: list[object] = []

    async def ask() -> None:
        outcomes.append(await outgoing.request(Bid(amount=6), TEXT, timeout=60))

    async with anyio.create_task_group() as tasks:
        async with connected(outgoing) as (clock, _):
            await emitted(outgoing, *(Bid(amount=number) for number in range(1, 6)))
            tasks.start_soon(ask)
            await clock.heard(4)
        async with connected(outgoing) as (clock, peer):
            assert [data for _, data in await clock.heard(1)] == [5]
            asked = await peer.message()
            assert (clock.now, asked["data"]) == (0, {"amount": 6})
            outgoing.requests.answer(asked["id"], "yes")
            await anyio.wait_all_tasks_blocked()
    assert outcomes == ["yes"]


async def test_a_request_that_waited_and_was_sent_ends_with_the_connection() -> None:
    outgoing = paced()
    outcomes: list[object] = []

    async def ask() -> None:
        try:
            outcomes.append(await outgoing.request(Bid(amount=4), TEXT, timeout=0))
        except Disconnected as error:
            outcomes.append(str(error))

    async with anyio.create_task_group() as tasks:
        async with connected(outgoing) as (clock, _):
            await emitted(outgoing, *(Bid(amount=number) for number in range(3)))
            tasks.start_soon(ask)
            assert [data for _, data in await clock.heard(4)] == [0, 1, 2, 4]
        await anyio.wait_all_tasks_blocked()
    assert outcomes == ["lost"]


@pytest.mark.parametrize(("per", "wait"), [("socket", 0), ("user", MARGIN + EACH)])
async def test_what_is_counted_for_more_than_the_socket_does_not_begin_anew(
    per: Any, wait: float
) -> None:
    outgoing = paced(EventRate(event="bid", per_second=5, burst=3, per=per))
    async with connected(outgoing):
        await emitted(outgoing, *(Bid(amount=number) for number in range(3)))
    async with connected(outgoing) as (clock, _):
        await outgoing.emit(Bid(amount=4))
        assert await clock.heard(1) == [(round(wait, 4), 4)]


@pytest.mark.parametrize("room", [None, "lot:1"])
async def test_a_refusal_all_the_same_is_heeded(room: str | None) -> None:
    pattern = None if room is None else "lot:{number}"
    outgoing = paced(EventRate(event="bid", room=pattern, per_second=5, burst=3))
    if room is not None:
        outgoing.join(room, pattern)
    error = {"code": "rate_limited", "message": "", "data": {"retry_after": 2}}
    context = {"phase": "handler", "error": error, "event": "bid", "room": room}
    async with connected(outgoing) as (clock, peer):
        if room is not None:
            await peer.message()
        assert await outgoing.emit(Bid(amount=1), room) == "sent"
        outgoing.refused(context)
        fates = [await outgoing.emit(Bid(amount=number), room) for number in (2, 3)]
        assert fates == ["queued"] * 2
        assert await clock.heard(3) == [
            (0, 1),
            (round(2 + MARGIN, 4), 2),
            (round(2 + MARGIN + EACH, 4), 3),
        ]


@pytest.mark.parametrize(
    "context",
    [
        None,
        {"error": "rate_limited"},
        {"error": {"code": "rate_limited"}, "event": "bid"},
        {"error": {"code": "rate_limited", "data": {"retry_after": "9"}}, "event": "bid"},
        {"error": {"code": "rate_limited", "data": {"retry_after": float("nan")}}, "event": "bid"},
        {"error": {"code": "rate_limited", "data": {"retry_after": float("inf")}}, "event": "bid"},
        {"error": {"code": "rate_limited", "data": {"retry_after": True}}, "event": "bid"},
        {"error": {"code": "rate_limited", "data": {"retry_after": -1}}, "event": "bid"},
        {"error": {"code": "rate_limited", "data": {"retry_after": 9}}, "event": ["bid"]},
        {"error": {"code": "rate_limited", "data": {"retry_after": 9}}, "event": "look"},
        {"error": {"code": "muted", "data": {"retry_after": 9}}, "event": "bid"},
    ],
    ids=str,
)
async def test_other_refusals_and_nonsense_change_nothing(context: Any) -> None:
    outgoing = paced()
    async with connected(outgoing):
        outgoing.refused(context)
        assert await outgoing.emit(Bid(amount=1)) == "sent"


async def test_a_session_paces_and_heeds_refusals_of_both_kinds() -> None:
    talk = Talk(outgoing=paced(ping_interval=0))
    error = {"code": "rate_limited", "message": "slow", "data": {"retry_after": 2}}
    context = {"phase": "handler", "error": error, "event": "bid"}

    async def story() -> None:
        clock = Clock(talk.peer)
        await anyio.wait_all_tasks_blocked()
        fates = await emitted(talk.outgoing, *(Bid(amount=number) for number in range(4)))
        assert fates == ["sent"] * 3 + ["queued"]
        await clock.heard(3)
        await talk.peer.send({"type": 3, "data": context})
        assert await clock.heard(1) == [(round(2 + MARGIN, 4), 3)]
        await anyio.sleep(10)
        at = clock.now
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(refused)
            asked = await talk.peer.message()
            await talk.peer.send({"type": 33, "id": asked["id"], "data": context})
        assert await talk.outgoing.emit(Bid(amount=6)) == "queued"
        assert await clock.heard(1) == [(round(at + 2 + MARGIN, 4), 6)]

    async def refused() -> None:
        with pytest.raises(RequestError, match="slow"):
            await talk.outgoing.request(Bid(amount=5), TEXT)

    await talk.during(story)


async def test_there_is_a_timer_only_while_something_waits() -> None:
    outgoing = paced()

    async def seconds_to_next_timer() -> float:
        await anyio.wait_all_tasks_blocked()
        return trio.lowlevel.current_statistics().seconds_to_next_deadline

    async with connected(outgoing) as (clock, _):
        await emitted(outgoing, *(Bid(amount=number) for number in range(3)))
        await clock.heard(3)
        assert await seconds_to_next_timer() > 1000
        await outgoing.emit(Bid(amount=4))
        assert await seconds_to_next_timer() < 1
        await clock.heard(1)
        assert await seconds_to_next_timer() > 1000


async def test_after_the_end_what_waited_is_gone() -> None:
    outgoing = paced()
    async with connected(outgoing):
        await emitted(outgoing, *(Bid(amount=number) for number in range(5)))
        outgoing.end(Disconnected("closed"))
        assert await outgoing.emit(Bid(amount=5)) == "dropped"
    assert await outgoing.emit(Look()) == "dropped"


def test_without_rates_there_is_no_pacing() -> None:
    assert Outgoing(JSON, ClientSettings()).pacing is None
    assert not Pacing([])


@given(
    burst=st.integers(1, 6),
    per_second=st.sampled_from([0.1, 1, 5, 20, 1000]),
    pauses=st.lists(st.floats(0, 4), min_size=1, max_size=60),
    delays=st.lists(st.floats(0, 1), min_size=1, max_size=17),
    drift=st.floats(0.9985, 1.0015),
)
def test_the_server_takes_all_that_comes_no_later_than_the_margin(
    burst: int, per_second: float, pauses: list[float], delays: list[float], drift: float
) -> None:
    """Pauses of a user are in messages' times, delays on the wire in the margin's."""
    margin = min(MARGIN, max(0.5, burst - 1) / per_second)
    pace = Pace(EventRate(event="bid", per_second=per_second, burst=burst))
    bucket = TokenBucket(per_second, burst)
    now, arrival = 100.0, 0.0
    for number, pause in enumerate(pauses):
        now += pause / per_second
        now += pace.wait(now)
        assert pace.wait(now) == 0
        pace.sent(now)
        arrival = max(arrival, now + margin * delays[number % len(delays)])
        assert bucket.take(arrival * drift) == 0


@given(burst=st.integers(1, 6), per_second=st.sampled_from([0.1, 1, 5, 20, 1000]))
def test_it_costs_the_margin_once_and_little_of_the_rate(burst: int, per_second: float) -> None:
    pace = Pace(EventRate(event="bid", per_second=per_second, burst=burst))
    now = 0.0
    margin = min(MARGIN, max(0.5, burst - 1) * 1.002 / per_second)
    for _ in range(burst + 100):
        now += pace.wait(now)
        pace.sent(now)
    times = 100 if burst == 1 else 1
    assert now == pytest.approx(times * margin + 100 * 1.002 / per_second)


async def test_a_message_for_several_rooms_takes_a_token_for_each() -> None:
    outgoing = paced(EventRate(event="bid", room="hall:{name}", per_second=5, burst=4))
    halls = [f"hall:{number}" for number in range(5)]
    for hall in halls:
        outgoing.join(hall, "hall:{name}")
    async with connected(outgoing) as (clock, _):
        assert await outgoing.emit(Bid(amount=1), halls[:3]) == "sent"
        assert await outgoing.emit(Bid(amount=2), [*halls[:2], "lobby"]) == "queued"
        assert await outgoing.emit(Bid(amount=3), halls) == "queued"
        assert await outgoing.emit(Look(number=4), ["lobby"]) == "queued"
        heard = await clock.heard(9)
        # One token is left for two rooms; for more rooms than the burst, the bucket has to be full.
        second = EACH + MARGIN
        third = second + 4 * EACH
        assert [data for _, data in heard[5:]] == [1, 2, 3, 4]
        assert [at for at, _ in heard[5:]] == pytest.approx([0, second, third, third])


@given(
    burst=st.integers(1, 6),
    tokens=st.lists(st.integers(1, 8), min_size=1, max_size=40),
    pauses=st.lists(st.floats(0, 8), min_size=1, max_size=7),
    delays=st.lists(st.floats(0, 1), min_size=1, max_size=7),
)
def test_the_server_takes_messages_for_several_rooms(
    burst: int, tokens: list[int], pauses: list[float], delays: list[float]
) -> None:
    margin = min(MARGIN, max(0.5, burst - 1) / 5)
    pace = Pace(EventRate(event="bid", room="hall", per_second=5, burst=burst))
    bucket = TokenBucket(5, burst)
    now, arrival = 100.0, 0.0
    for number, count in enumerate(tokens):
        message = SeveralPaces([pace] * count)
        now += pauses[number % len(pauses)] / 5
        now += message.wait(now)
        assert message.wait(now) == 0
        message.sent(now)
        arrival = max(arrival, now + margin * delays[number % len(delays)])
        assert bucket.take(arrival, count) == 0
