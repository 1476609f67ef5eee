"""Shared rates: two applications on one broker count together, and each by itself without it."""

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import replace
from itertools import count
from math import inf, nan
from typing import Any

import anyio
import pytest
from typing_extensions import override

from bytesocket_app import (
    ByteSocket,
    ClientEvent,
    ConfigurationError,
    Event,
    Limits,
    Router,
    Settings,
    Socket,
)
from bytesocket_app.cluster import rates
from bytesocket_app.engines import EngineListener, MemoryBroker, MemoryEngine, TokenRequest
from bytesocket_app.engines.memory import BROKERS
from bytesocket_app.testing import RequestError, TestClient, virtual_clock
from bytesocket_app.testing.clock import VirtualClock
from tests.support.listening import Noted
from tests.support.talk import logged, until

pytestmark = pytest.mark.anyio

NUMBERS = count()

COUNTED = 'engine_rates_total{counted="engine"}'
HERE = 'engine_rates_total{counted="here"}'


class Bid(ClientEvent, name="bid"):
    amount: int = 1


class Ask(ClientEvent, name="ask"):
    """Nothing is said of how often it may come."""


class Move(Event, name="move"):
    x: int = 0


class Cursor(Event, name="cursor", volatile=True):
    x: int = 0


async def known(credentials: int | str) -> int | str:
    """Whoever they say they are."""
    return credentials


def key(user: Any) -> Any:
    return user


def auction(engine: Any, limits: Limits | None = None, **options: Any) -> ByteSocket:
    """An application whose bids have a rate, three at once by each user unless told otherwise."""
    options = {"rate": "1/h", "burst": 3, "per": "user", "shared": True, **options}
    app = ByteSocket(
        title="Auction",
        events=[Bid, Ask, Move, Cursor],
        engine=engine,
        settings=Settings(limits=limits or Limits()),
    )
    app.auth(key=key)(known)

    @app.on(Bid, **options)
    async def bid(event: Bid) -> int:
        return event.amount

    @app.on(Ask)
    async def ask() -> str:
        return "yes"

    return app


class Auctions:
    """Two processes on one broker in memory, with one virtual time."""

    def __init__(self, limits: Limits | None = None, **options: Any) -> None:
        self.name = f"rates-{next(NUMBERS)}"
        url = f"memory://{self.name}"
        self.one, self.two = (auction(url, limits, **options) for _ in range(2))
        self.clocks: list[VirtualClock] = []

    @property
    def apps(self) -> tuple[ByteSocket, ByteSocket]:
        return self.one, self.two

    @property
    def broker(self) -> MemoryBroker:
        return BROKERS[self.name]

    async def elapse(self, seconds: float) -> None:
        for clock in self.clocks:
            await clock.elapse(seconds)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        with ExitStack() as clocks:
            self.clocks += [clocks.enter_context(virtual_clock(app)) for app in self.apps]
            async with self.one.running(), self.two.running():
                await until(lambda: all(app.metrics()["cluster_nodes"] == 2 for app in self.apps))
                yield
        del BROKERS[self.name]

    async def down(self) -> None:
        self.broker.stop()
        await until(lambda: not any(app.metrics()["engine_up"] for app in self.apps))

    async def up(self) -> None:
        self.broker.start()
        with anyio.fail_after(30):
            while not all(app.metrics()["engine_up"] for app in self.apps):  # noqa: ASYNC110 - nothing tells of it
                await anyio.sleep(0.01)


async def passes(client: TestClient, message: Any = None, **options: Any) -> bool:
    """Make a request, and return False if it came too often."""
    try:
        await client.request(message or Bid(), **options)
    except RequestError as error:
        if error.code != "rate_limited" or not error.data["retry_after"] > 0:
            raise
        return False
    return True


async def bulk(client: TestClient, times: int, *rooms: str) -> int:
    """Send moves into several rooms, and return how many did not come too often."""
    passed = 0
    for _ in range(times):
        await client.send({"rooms": list(rooms), "event": "move", "data": {}, "id": 1})
        answer: Any = {}
        while answer.get("type") not in {32, 33}:  # what others say comes too
            answer = await client.receive_message()
        passed += answer["type"] == 32
    return passed


async def passing(client: TestClient, times: int, message: Any = None, **options: Any) -> int:
    """Make requests, and return how many did not come too often."""
    return sum([await passes(client, message, **options) for _ in range(times)])


class From(TestClient):
    """A client from another address."""

    def __init__(self, app: ByteSocket, address: str, *more: Any, **options: Any) -> None:
        super().__init__(app, *more, **options)
        self._handshake = replace(self._handshake, client=(address, 1))


# ---- what a declaration says


def test_a_socket_has_nothing_to_share() -> None:
    app = ByteSocket(title="Auction", events=[Bid, Move])
    for declare in (
        lambda: app.on(Bid, rate="5/s", shared=True),
        lambda: Router().on(Bid, rate="5/s", shared=True),
        lambda: app.room("a").on(Bid, rate="5/s", shared=True),
        lambda: app.room("b").relay(Move, rate="5/s", shared=True),
    ):
        with pytest.raises(
            ConfigurationError,
            match=r'test_shared_rates\.py:\d+: shared=True .* a socket is in one.*per="user" or',
        ):
            declare()


def test_what_is_shared_is_a_rate() -> None:
    app = ByteSocket(title="Auction", events=[Bid])
    with pytest.raises(ConfigurationError, match=r"\.py:\d+: shared=True needs a rate beside it"):
        app.on(Bid, per="user", shared=True)


def test_the_handlers_of_an_event_agree_on_it() -> None:
    app = auction("memory://")
    with pytest.raises(ConfigurationError, match=r"\(0.0002.* per user\) than .* user, shared\)"):

        @app.on(Bid, rate="1/h", burst=3, per="user")
        async def another(event: Bid) -> None:
            """Count the same by itself."""


def test_a_client_does_not_see_it() -> None:
    one, other = auction("memory://"), auction("memory://", shared=False)
    assert one.contract().fingerprint == other.contract().fingerprint


# ---- counted together


async def test_a_user_has_one_rate_in_all_processes() -> None:
    both = Auctions()
    async with (
        both.running(),
        TestClient(both.one, "ann") as here,
        TestClient(both.two, "ann") as there,
        TestClient(both.two, "bob") as bob,
    ):
        assert await passes(here)
        assert await passing(there, 5) == 2
        with pytest.raises(RequestError) as caught:
            await here.request(Bid())
        assert caught.value.code == "rate_limited"
        assert caught.value.data == {"retry_after": 3600.0}
        assert await passing(bob, 5) == 3
        assert await passing(here, 5, Ask()) == 5
        assert [app.metrics()[COUNTED] for app in both.apps] == [2, 10]
        assert [app.metrics()[HERE] for app in both.apps] == [0, 0]


async def test_an_address_has_one_rate_in_all_processes() -> None:
    both = Auctions(per="address")
    async with (
        both.running(),
        From(both.one, "192.0.2.1", "ann") as here,
        From(both.two, "192.0.2.1", "bob") as there,
        From(both.two, "192.0.2.2", "ann") as other,
    ):
        assert await passing(here, 2) == 2
        assert await passing(there, 5) == 1
        assert await passing(other, 5) == 3


async def test_keys_that_look_alike_are_others() -> None:
    both = Auctions()
    async with (
        both.running(),
        TestClient(both.one, 7) as number,
        TestClient(both.two, "7") as text,
    ):
        assert await passing(number, 5) == 3
        assert await passing(text, 5) == 3


async def test_the_time_of_a_test_is_the_brokers_in_memory() -> None:
    both = Auctions(rate="1/s")
    async with (
        both.running(),
        TestClient(both.one, "ann") as here,
        TestClient(both.two, "ann") as there,
    ):
        assert await passing(here, 5) == 3
        await both.elapse(2)
        assert await passing(there, 5) == 2
        await both.elapse(0.5)
        with pytest.raises(RequestError) as caught:
            await here.request(Bid())
        assert caught.value.data == {"retry_after": 0.5}


async def test_rooms_have_a_rate_for_each_pattern_and_one_for_all_rooms_of_it() -> None:
    both = Auctions()
    options: Any = {"rate": "1/h", "burst": 3, "per": "user", "shared": True}
    for app in both.apps:
        app.room("doc:{doc_id}").relay(Move, **options)
        router = Router(prefix="of:")
        page = router.room("page:{number}")

        @page.on(Bid, **options)
        async def turned(event: Bid) -> int:
            return 1

        app.include(router)
    async with (
        both.running(),
        TestClient(both.one, "ann") as here,
        TestClient(both.two, "ann") as there,
    ):
        for client in (here, there):
            for room in ("doc:1", "doc:2", "of:page:1"):
                await client.join(room)
        assert await bulk(here, 1, "doc:1", "doc:2") == 1
        assert await bulk(there, 1, "doc:1", "doc:2") == 0
        assert await passing(there, 3, Move(), room="doc:2") == 1
        assert await passing(here, 3, room="of:page:1") == 3
        assert await passing(there, 5, room="of:page:1") == 0
        assert await passing(there, 5) == 3


async def test_a_rate_that_is_not_shared_stays_each_processs_own() -> None:
    both = Auctions()
    for app in both.apps:
        app.room("one").on(Bid, rate="1/h", burst=2, per="user")(silent)
    async with (
        both.running(),
        TestClient(both.one, "ann") as here,
        TestClient(both.two, "ann") as there,
    ):
        for client in (here, there):
            await client.join("one")
            assert await passing(client, 5, room="one") == 2
        assert [app.metrics()[COUNTED] for app in both.apps] == [0, 0]


async def silent(event: Bid) -> None:
    """Handle it, and say nothing."""


async def test_a_message_for_rooms_with_and_without_takes_from_all_or_none() -> None:
    both = Auctions()
    for app in both.apps:
        app.room("shared").relay(Move, rate="1/h", burst=3, per="user", shared=True)
        app.room("own").relay(Move, rate="1/h", burst=2, per="user")
    async with (
        both.running(),
        TestClient(both.one, "ann") as here,
        TestClient(both.two, "ann") as there,
    ):
        for client in (here, there):
            await client.join("shared")
            await client.join("own")
        assert await bulk(here, 5, "shared", "own") == 2
        # What was refused for the one cost nothing of the other.
        assert await bulk(there, 5, "shared", "own") == 1
        assert await passing(there, 3, Move(), room="own") == 1
        assert await passing(here, 3, Move(), room="own") == 0


async def test_the_whole_sockets_rate_is_asked_first_and_costs_the_others_nothing() -> None:
    both = Auctions(Limits(messages_per_second=1))
    async with (
        both.running(),
        TestClient(both.one, "ann") as here,
        TestClient(both.two, "ann") as there,
    ):
        assert await passing(here, 2) == 2
        with pytest.raises(RequestError) as caught:
            await here.request(Bid())
        assert caught.value.data == {"retry_after": 1.0}
        assert await passing(there, 2) == 1
        assert not await passes(there)  # both refused: for the event, and for the socket
        await both.elapse(2)
        with pytest.raises(RequestError) as caught:
            await there.request(Bid())
        assert caught.value.data["retry_after"] > 3590


async def test_what_comes_too_often_ends_as_it_does_in_one_process() -> None:
    both = Auctions(Limits(refusals=3))
    noted = Noted()
    both.two.telemetry.listener = noted
    for app in both.apps:
        app.on(Cursor, rate="1/h", burst=1, per="user", shared=True)(moved)
    async with (
        both.running(),
        TestClient(both.one, "ann") as here,
        TestClient(both.two, "ann") as there,
    ):
        await here.emit(Cursor())
        assert await passing(here, 3) == 3
        for _ in range(10):
            await there.emit(Cursor())  # dropped, without an answer
        for _ in range(3):
            await there.emit(Bid())
        code, reason = await there.wait_closed()
        assert (code, reason) == (1008, "rate limited")


async def moved(event: Cursor) -> None:
    """Handle it, and say nothing."""


async def test_middleware_and_telemetry_get_what_passed() -> None:
    both = Auctions()
    noted, seen = Noted(), list[Any]()
    both.one.telemetry.listener = noted

    @both.one.middleware
    async def see(socket: Socket, message: Any, call_next: Any) -> Any:
        seen.append(message.event)
        return await call_next(message)

    async with both.running(), TestClient(both.one, "ann") as here:
        assert await passing(here, 5) == 3
    assert seen == ["bid"] * 3


# ---- without the engine


async def test_alone_a_process_counts_by_itself_and_asks_nobody() -> None:
    app = auction("memory://")
    async with TestClient(app, "ann") as one, TestClient(app, "ann") as two:
        assert await passing(one, 2) == 2
        assert await passing(two, 5) == 1


async def test_without_a_broker_each_process_counts_and_knows_what_it_let_through() -> None:
    both = Auctions()
    async with (
        both.running(),
        TestClient(both.one, "ann") as here,
        TestClient(both.two, "ann") as there,
    ):
        assert await passing(here, 2) == 2
        await both.down()
        assert await passing(here, 5) == 1
        assert await passing(there, 5) == 3
        assert [app.metrics()[HERE] for app in both.apps] == [5, 5]
        await both.up()  # empty
        assert await passing(there, 5) == 3
        assert await passing(here, 5) == 0
        assert [app.metrics()[HERE] for app in both.apps] == [5, 5]


class Stubborn(MemoryEngine):
    """An engine that waits for a word before it counts, or answers what it should not."""

    def __init__(self, answer: Any = None) -> None:
        super().__init__(MemoryBroker())
        self.answer = answer
        self.asked = self.cancelled = 0
        self.word = anyio.Event()

    @override
    async def take_tokens(self, requests: Sequence[TokenRequest], now: float, /) -> float:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            answer: float = self.answer
            return answer
        try:
            await self.word.wait()
        except anyio.get_cancelled_exc_class():
            self.cancelled += 1
            raise
        return await super().take_tokens(requests, now)


async def test_an_engine_that_is_slow_is_not_waited_for_twice_in_a_row(
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine = Stubborn()
    app = auction(engine)
    async with TestClient(app, "ann") as client:
        assert await passing(client, 5) == 3
        assert (engine.asked, engine.cancelled) == (1, 1)
        assert app.metrics()[HERE] == 5
    (line,) = [line for line in logged(caplog, logging.WARNING) if "shared rate" in line]
    assert "no answer in 0.25 s" in line


async def test_an_engine_that_was_slow_is_asked_again_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rates, "PAUSE", 0)
    engine = Stubborn()
    app = auction(engine)
    async with TestClient(app, "ann") as client:
        assert await passes(client)
        engine.word.set()
        assert await passing(client, 5) == 3  # it knows nothing of the first one
        assert engine.asked == 6


@pytest.mark.parametrize(
    "answer", [nan, inf, -1.0, "soon", ValueError("no"), KeyError(), OSError("gone")]
)
async def test_an_engine_that_answers_nonsense_does_not_count(
    answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    engine = Stubborn(answer)
    app = auction(engine)
    async with TestClient(app, "ann") as client:
        assert await passing(client, 5) == 3
        assert engine.asked == app.metrics()[HERE] == 5
    lines = [line for line in logged(caplog, logging.WARNING) if "shared rate" in line]
    assert len(lines) == 1  # not one for each message
    assert not logged(caplog)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for an engine until it has had its word."""
    monkeypatch.setattr(rates, "PATIENCE", 60)


@pytest.mark.usefixtures("patient")
async def test_a_sockets_messages_keep_their_order_while_the_engine_is_asked() -> None:
    engine, order = Stubborn(), list[str]()
    app = auction(engine)

    @app.on("note")
    async def note(event: str) -> None:
        order.append(event)

    @app.on(Bid)
    async def bid(event: Bid) -> None:
        order.append(f"bid {event.amount}")

    async with TestClient(app, "ann") as client, TestClient(app, "ann") as other:
        await client.send({"event": "note", "data": "one"})
        await client.emit(Bid(amount=1))
        await client.send({"event": "note", "data": "two"})
        await client.emit(Bid(amount=2))
        await client.send({"event": "note", "data": "three"})
        await until(lambda: engine.asked)
        assert await passes(other, Ask())  # another socket does not wait
        assert order == ["one"]
        engine.word.set()
        await until(lambda: len(order) == 5)
        assert order == ["one", "bid 1", "two", "bid 2", "three"]


@pytest.mark.usefixtures("patient")
async def test_what_a_peer_said_before_it_went_is_handled_when_the_engine_answered() -> None:
    engine, seen = Stubborn(), list[int]()
    app = auction(engine)

    @app.on(Bid)
    async def bid(event: Bid) -> None:
        seen.append(event.amount)

    async with app.running(), TestClient(app, "ann") as client:
        await client.emit(Bid(amount=7))
        await until(lambda: engine.asked)
        socket = app.sockets()[0]
        await client.close()
        await until(lambda: socket.is_closed)
        assert not seen
        engine.word.set()
        await until(lambda: seen)
    assert seen == [7]


@pytest.mark.usefixtures("patient")
async def test_what_waits_on_a_connection_that_the_server_closed_is_dropped() -> None:
    engine, seen = Stubborn(), list[int]()
    app = auction(engine)

    @app.on(Bid)
    async def bid(event: Bid) -> None:
        seen.append(event.amount)

    async with app.running():
        async with TestClient(app, "ann") as client:
            await client.emit(Bid(amount=7))
            await until(lambda: engine.asked)
            await app.sockets()[0].close()
            engine.word.set()
            await client.wait_closed()
        await until(lambda: not app.sockets())
        assert not seen


@pytest.mark.usefixtures("patient")
async def test_an_application_that_ends_waits_for_no_engine() -> None:
    engine = Stubborn()
    app = auction(engine)
    with anyio.fail_after(20):
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(app.running())
            client = await stack.enter_async_context(TestClient(app, "ann"))
            await client.emit(Bid())
            await until(lambda: engine.asked)
            await app.drain(0.1)
            await stack.aclose()
    assert not app.sockets()
    assert engine.cancelled == 1


class Plain:
    """A third party's engine that carries messages, and counts nothing."""

    def __init__(self) -> None:
        self._engine = MemoryEngine(MemoryBroker())
        self.publish, self.reset = self._engine.publish, self._engine.reset
        self.subscribe, self.unsubscribe = self._engine.subscribe, self._engine.unsubscribe

    async def run(self, listener: EngineListener, /) -> None:
        await self._engine.run(listener)

    @override
    def __repr__(self) -> str:
        return "<a plain engine>"


async def test_an_engine_that_does_not_count_is_said_at_the_start(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = auction(Plain())
    async with TestClient(app, "ann") as client:
        (line,) = logged(caplog, logging.WARNING)
        assert line.startswith("<a plain engine> cannot count rates for all processes")
        assert "test_shared_rates.py:" in line
        assert "use Redis or Valkey" in line
        assert await passing(client, 5) == 3
        assert app.metrics()[HERE] == 5
    caplog.clear()
    async with TestClient(auction(Plain(), shared=False)):
        assert not logged(caplog, logging.WARNING)
