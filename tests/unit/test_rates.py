"""Rates: what comes too often is refused or dropped, early, and the contract says how often."""

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from random import Random
from typing import Any

import pytest
from pydantic import Field

from bytesocket_app import (
    AuthError,
    ByteSocket,
    ClientEvent,
    ConfigurationError,
    ErrorContext,
    Event,
    Handshake,
    Limits,
    Router,
    Settings,
    Socket,
)
from bytesocket_app.buckets import Buckets
from bytesocket_app.declarations.rates import Rate
from bytesocket_app.serving.connection import Connection
from bytesocket_app.telemetry import Count, Operation
from bytesocket_app.testing import RequestError, TestClient, virtual_clock
from bytesocket_app.transports import Rejection
from tests.support.talk import error

pytestmark = pytest.mark.anyio


class Bid(ClientEvent, name="bid"):
    amount: int = Field(gt=0)


class Ask(ClientEvent, name="ask"):
    """Nothing is said of how often it may come."""


class Move(Event, name="move"):
    x: int = 0


class Cursor(Event, name="cursor", volatile=True):
    x: int = 0


class Noted:
    """A listener that keeps what is counted."""

    def __init__(self) -> None:
        self.counts: list[tuple[Count, Mapping[str, Any]]] = []
        self.begun: list[object] = []

    def began(self, operation: object, _values: object, /) -> None:
        self.begun.append(operation)

    def ended(self, _token: object, _outcome: str, /) -> None:
        """Keep nothing."""

    def counted(self, count: Count, amount: int, values: Mapping[str, Any], /) -> None:
        self.counts += [(count, values)] * amount

    def number(self, count: Count, **values: Any) -> int:
        return sum(one is count and values.items() <= found.items() for one, found in self.counts)


def auction(limits: Limits | None = None, **more: Any) -> ByteSocket:
    """An application that knows the vocabulary, and limits nothing by itself."""
    return ByteSocket(
        title="Auction",
        events=[Bid, Ask, Move, Cursor],
        settings=Settings(limits=limits or Limits()),
        **more,
    )


def answering(app: ByteSocket, **options: Any) -> list[int]:
    """Handle bids; returns the amounts that got through."""
    seen: list[int] = []

    @app.on(Bid, **options)
    async def bid(event: Bid) -> int:
        seen.append(event.amount)
        return event.amount

    @app.on(Ask)
    async def ask() -> str:
        return "yes"

    return seen


def noted(app: ByteSocket) -> Noted:
    listener = Noted()
    app.telemetry.listener = listener
    return listener


async def refused(client: TestClient, message: Any = None, **options: Any) -> float:
    """Make a request that is refused for its rate; returns the seconds to wait."""
    with pytest.raises(RequestError) as caught:
        await client.request(message or Bid(amount=1), **options)
    assert caught.value.code == "rate_limited"
    wait: float = caught.value.data["retry_after"]
    return wait


async def bids(client: TestClient, count: int) -> None:
    for _ in range(count):
        assert await client.request(Bid(amount=1)) == 1


class From(TestClient):
    """A client from another address."""

    def __init__(self, app: ByteSocket, address: str | None, *more: Any, **options: Any) -> None:
        super().__init__(app, *more, **options)
        client = None if address is None else (address, 1)
        self._handshake = replace(self._handshake, client=client)


# ---- what a declaration says


@pytest.mark.parametrize(
    ("text", "per_second", "burst"),
    [
        ("5/s", 5, 10),
        ("0.5/s", 0.5, 1),
        ("100/m", 100 / 60, 4),
        ("1000/h", 1000 / 3600, 1),
        ("1/h", 1 / 3600, 1),
        ("2.5/s", 2.5, 5),
    ],
)
def test_a_rate_is_a_number_for_a_unit_of_time(text: str, per_second: float, burst: int) -> None:
    rate = Rate.read(text, None, "socket")
    assert rate is not None
    assert rate.values == (per_second, burst, "socket", False)
    given = Rate.read(text, 7, "user")
    assert given is not None
    assert given.values == (per_second, 7, "user", False)
    assert __file__ in given.source


@pytest.mark.parametrize(
    "text",
    [
        *(
            "5",
            "5/d",
            "/s",
            "0/s",
            "-1/s",
            "nan/s",
            "inf/s",
            "5 /s",
            "5/s ",
            "1e3/s",
            "\u0665/s",
            "",
        ),
        *("0.0000000001/h", "9999999999/s", "9" * 400 + "/s", 5, 5.0, b"5/s"),
    ],
)
def test_what_is_no_rate_is_refused_where_it_is_declared(text: Any) -> None:
    app = auction()
    for declare in (
        lambda: app.on(Bid, rate=text),
        lambda: Router().on(Bid, rate=text),
        lambda: app.room("a").on(Bid, rate=text),
        lambda: app.room("b").relay(Move, rate=text),
    ):
        with pytest.raises(
            ConfigurationError, match=rf"{__name__.split('.')[-1]}\.py:\d+: rate=.* as in \"5/s\""
        ):
            declare()


@pytest.mark.parametrize("burst", [0, -1, 1.5, True, "5", inf, 10**10])
def test_a_burst_is_a_whole_number(burst: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"test_rates\.py:\d+: burst=.*use a whole number"):
        auction().on(Bid, rate="5/s", burst=burst)


def test_the_owner_of_a_rate_is_one_of_three() -> None:
    wrong: Any = "sokcet"
    with pytest.raises(ConfigurationError, match=r"per='sokcet' is none of.*mean 'socket'\?"):
        auction().on(Bid, rate="5/s", per=wrong)


def test_a_burst_or_an_owner_without_a_rate_is_refused() -> None:
    app = auction()
    with pytest.raises(
        ConfigurationError, match=r'test_rates\.py:\d+: burst=5 needs a rate.*"5/s"'
    ):
        app.on(Bid, burst=5)
    with pytest.raises(ConfigurationError, match=r"per='user' needs a rate"):
        app.room("a").relay(Move, per="user")


def test_one_event_has_one_rate_in_one_place() -> None:
    app = auction()
    answering(app, rate="5/s", burst=10)

    async def other() -> None: ...

    app.on(Bid)(other)  # says nothing: it is the same event
    app.on(Bid, rate="5/s")(other)
    with pytest.raises(
        ConfigurationError,
        match=r"test_rates\.py:\d+: event 'bid' has another rate \(6/s, burst 12, per socket\) "
        r"than at .*test_rates\.py:\d+ \(5/s, burst 10, per socket\)",
    ):
        app.on(Bid, rate="6/s")(other)
    room = app.room("a")
    room.relay(Move, rate="5/s")
    with pytest.raises(ConfigurationError, match="event 'move' has another rate"):
        room.on(Move, rate="5/s", per="address")(other)
    app.room("b").relay(Move, rate="9/s")  # another place


def test_a_rate_goes_with_the_last_handler_that_says_it() -> None:
    app = auction()

    async def one() -> None: ...

    async def two() -> None: ...

    hook = app.on(Bid, rate="5/s")
    hook(one)
    app.on(Bid, rate="5/s")(two)
    hook.remove(one)
    with pytest.raises(ConfigurationError, match="another rate"):
        app.on(Bid, rate="6/s")(one)
    hook.remove(two)
    app.on(Bid, rate="6/s")(one)


async def test_a_users_rate_needs_to_know_users() -> None:
    app = auction()
    answering(app, rate="5/s", per="user")
    with pytest.raises(
        ConfigurationError, match=r"test_rates\.py:\d+: per=\"user\" needs.*app\.auth\(key="
    ):
        async with TestClient(app):
            pass

    @app.auth(key=str)
    async def login(handshake: Handshake) -> str:
        return handshake.query

    async with TestClient(app):
        pass


# ---- the rate of an event


@pytest.mark.parametrize("codec", ["json", "binary"])
async def test_what_is_over_the_rate_is_refused_until_there_is_a_token(codec: Any) -> None:
    app = auction()
    seen = answering(app, rate="5/s", burst=10)
    with virtual_clock(app) as clock:
        async with TestClient(app, codec=codec) as client:
            await bids(client, 10)
            assert await refused(client) == 0.2
            clock.advance(0.15)
            assert await refused(client) == 0.05
            clock.advance(0.05)
            await bids(client, 1)
            assert await refused(client) == 0.2
            assert await client.request(Ask()) == "yes"
            clock.advance(100)
            await bids(client, 10)
            await refused(client)
    assert len(seen) == 21


@pytest.mark.parametrize("rate", ["3/s", "7/s", "1000/h", "11/m", "0.3/s", "999/s"])
async def test_who_waits_as_long_as_told_gets_through(rate: str) -> None:
    app = auction(Limits(refusals=0))
    answering(app, rate=rate, burst=1)
    with virtual_clock(app) as clock:
        async with TestClient(app) as client:
            await bids(client, 1)
            for _ in range(10):
                wait = await refused(client)
                assert round(wait, 3) == wait
                clock.advance(wait)
                await bids(client, 1)


@pytest.mark.parametrize("codec", ["json", "binary"])
async def test_a_plain_message_is_refused_like_others(codec: Any) -> None:
    app = auction()
    answering(app, rate="5/s", burst=1)
    listener = noted(app)
    with virtual_clock(app):
        async with TestClient(app, codec=codec) as client:
            await client.emit(Bid(amount=1))
            await client.emit(Bid(amount=1))
            assert await client.receive_message() == {
                "type": 3,
                "data": {
                    "phase": "handler",
                    "error": {
                        "code": "rate_limited",
                        "message": "Too many messages; try again in 0.2 s.",
                        "data": {"retry_after": 0.2},
                    },
                    "event": "bid",
                },
            }
    assert listener.number(Count.REFUSED, code="rate_limited") == 1
    assert listener.begun.count(Operation.MESSAGE) == 1


async def test_a_refusal_for_the_rate_comes_before_all_else() -> None:
    app = auction()
    answering(app, rate="5/s", burst=1)
    reached: list[object] = []

    @app.middleware
    async def step(socket: Socket, message: Any, call_next: Any) -> Any:
        reached.append(message.event)
        return await call_next(message)

    @app.lifecycle.error
    async def failed(context: ErrorContext) -> None:
        reached.append(context)

    with virtual_clock(app):
        async with TestClient(app) as client:
            await bids(client, 1)
            await client.send({"event": "bid", "data": {"amount": "none"}, "id": 7})
            answer = await client.receive_message()
            assert (answer["type"], answer["id"]) == (33, 7)
            assert error(answer)["code"] == "rate_limited"
            assert "details" not in answer["data"]
    assert reached == ["bid"]


async def test_a_rate_that_is_declared_later_counts_at_once() -> None:
    app = auction()
    with virtual_clock(app):
        async with TestClient(app) as client:
            answering(app, rate="5/s", burst=1)
            await bids(client, 1)
            await refused(client)


async def test_a_router_s_rate_comes_before_its_middleware() -> None:
    app, router = auction(), Router(prefix="deep:")
    reached: list[object] = []

    @router.middleware
    async def step(socket: Socket, message: Any, call_next: Any) -> Any:
        reached.append(message.event)
        return await call_next(message)

    @router.on("ping", rate="1/s", burst=1)
    async def ping(data: int) -> int:
        return data

    lobby = router.room("lobby")
    lobby.relay(Move, rate="1/s", burst=1)
    app.include(router)
    with virtual_clock(app):
        async with TestClient(app) as client:
            await client.join("deep:lobby")
            for identity, code in ((1, None), (2, "rate_limited")):
                await client.send({"event": "deep:ping", "data": 1, "id": identity})
                answer = await client.receive_message()
                assert answer["id"] == identity
                assert (error(answer)["code"] if code else answer["data"]) == (code or 1)
            await client.request(Move(), room="deep:lobby")
            await refused(client, Move(), room="deep:lobby")
    assert reached == ["deep:ping", "move"]


async def test_a_number_in_another_form_is_the_same_event() -> None:
    app = auction(Limits(event_messages_per_second=1))

    @app.on(7, rate="1/s", burst=1)
    async def seven(data: int) -> int:
        return data

    @app.on(8)
    async def eight(data: int) -> int:
        return data

    with virtual_clock(app):
        async with TestClient(app, codec="binary") as client:
            for name, code in ((7, 0), (7.0, 1), (8, 0), (8.0, 0), (8, 1), (8.0, 1)):
                await client.send({"event": name, "data": 1, "id": 1})
                answer = await client.receive_message()
                assert (answer["type"] == 33) == bool(code), (name, answer)


async def test_every_socket_has_its_own_rate() -> None:
    app = auction()
    answering(app, rate="5/s", burst=2)
    with virtual_clock(app):
        async with TestClient(app) as one, TestClient(app) as other:
            await bids(one, 2)
            await refused(one)
            await bids(other, 2)
            await refused(other)


async def test_all_sockets_of_a_user_share_a_users_rate() -> None:
    app = auction()
    answering(app, rate="5/s", burst=2, per="user")

    @app.auth(key=str)
    async def login(credentials: str) -> str:
        return credentials

    with virtual_clock(app) as clock:
        async with TestClient(app, "ann") as one, TestClient(app, "ann") as other:
            await bids(one, 2)
            assert await refused(other) == 0.2
            async with TestClient(app, "bob") as bob:
                await bids(bob, 2)
        async with TestClient(app, "ann") as again:
            await refused(again)
            clock.advance(0.2)
            await bids(again, 1)


async def test_all_sockets_of_an_address_share_an_address_s_rate() -> None:
    app = auction()
    answering(app, rate="5/s", burst=2, per="address")
    with virtual_clock(app):
        async with From(app, "10.0.0.1") as one, From(app, "10.0.0.1") as other:
            await bids(one, 2)
            await refused(other)
            async with From(app, "10.0.0.2") as third:
                await bids(third, 2)
        async with From(app, "2001:db8::1") as one, From(app, "2001:db8::ffff:2") as other:
            await bids(one, 2)
            await refused(other)  # who has one IPv6 address has 2 ** 64 of them
        async with From(app, None) as unknown:
            await bids(unknown, 2)
        async with From(app, None) as second:
            await refused(second)


# ---- rooms


async def test_the_rate_in_a_room_is_that_of_its_pattern() -> None:
    app = auction()
    doc = app.room("doc:{number}")
    seen: list[str] = []

    @doc.on(Bid, rate="5/s", burst=3)
    async def bid(room: str, number: int) -> None:
        seen.append(room)

    with virtual_clock(app):
        async with TestClient(app) as client:
            for number in range(4):
                await client.join(f"doc:{number}")
            for number in range(3):
                await client.request(Bid(amount=1), room=f"doc:{number}")
            assert await refused(client, room="doc:3") == 0.2
    assert seen == ["doc:0", "doc:1", "doc:2"]


async def test_a_relayed_event_has_a_rate() -> None:
    app = auction()
    app.room("a").relay(Move, Cursor, rate="5/s", burst=1)
    with virtual_clock(app):
        async with TestClient(app) as client, TestClient(app) as other:
            await client.join("a")
            await other.join("a")
            await client.request(Move(x=1), room="a")
            assert await refused(client, Move(x=2), room="a") == 0.2
            await client.request(Cursor(x=3), room="a")  # each event by itself
            assert await other.receive(Move) == Move(x=1)
            assert await other.receive(Cursor) == Cursor(x=3)


async def bulk(client: TestClient, *rooms: str) -> Any:
    """Send a move into several rooms; returns the answer."""
    await client.send({"rooms": list(rooms), "event": "move", "data": {}, "id": 1})
    return await client.receive_message()


async def test_a_message_for_several_rooms_costs_one_token_each() -> None:
    app = auction()
    app.room("doc:{number}").relay(Move, rate="1/s", burst=4)
    names = [f"doc:{number}" for number in range(4)]
    with virtual_clock(app) as clock:
        async with TestClient(app) as client:
            for name in names:
                await client.join(name)
            assert (await bulk(client, *names[:3]))["type"] == 32
            answer = await bulk(client, *names[:3])
            assert error(answer)["data"] == {"retry_after": 2}
            assert (await bulk(client, names[0]))["type"] == 32
            clock.advance(3)
            assert (await bulk(client, *names[:3]))["type"] == 32


async def test_more_rooms_than_the_bucket_holds_leave_it_in_debt() -> None:
    app = auction()
    app.room("doc:{number}").relay(Move, rate="1/s", burst=2)
    names = [f"doc:{number}" for number in range(8)]
    with virtual_clock(app) as clock:
        async with TestClient(app) as client:
            for name in names:
                await client.join(name)
            assert (await bulk(client, *names))["type"] == 32
            assert error(await bulk(client, names[0]))["data"] == {"retry_after": 7}
            clock.advance(7)
            assert error(await bulk(client, *names))["data"] == {"retry_after": 1}
            clock.advance(1)
            assert (await bulk(client, *names))["type"] == 32


async def test_a_bulk_message_takes_from_each_pattern_for_its_own_rooms() -> None:
    app = auction()
    app.room("a:{number}").relay(Move, rate="1/s", burst=2)
    app.room("b:{number}").relay(Move, rate="1/s", burst=1)
    app.room("c").relay(Move)
    with virtual_clock(app):
        async with TestClient(app) as client:
            for name in ("a:1", "a:2", "b:1", "c"):
                await client.join(name)
            assert (await bulk(client, "a:1", "a:2", "b:1", "c"))["type"] == 32
            for name in ("a:1", "b:1"):
                assert error(await bulk(client, name, "c"))["code"] == "rate_limited"
            assert (await bulk(client, "c", "c", "c"))["type"] == 32


async def test_names_beyond_what_a_message_may_have_cost_nothing_more() -> None:
    app = auction(Limits(messages_per_second=10, rooms_per_message=5))
    answering(app)
    app.room("a").relay(Move)
    with virtual_clock(app):
        async with TestClient(app) as client:
            assert error(await bulk(client, *["a"] * 10_000))["code"] == "too_many_rooms"
            for _ in range(15):
                await client.request(Ask())
            assert await refused(client, Ask()) == 0.1


# ---- the settings


async def test_the_rate_of_a_socket_is_for_all_its_events() -> None:
    app = auction(Limits(messages_per_second=3))
    answering(app)
    app.room("a").relay(Move)
    with virtual_clock(app) as clock:
        async with TestClient(app) as client:
            await client.join("a")
            await bids(client, 2)
            assert await client.request(Ask()) == "yes"
            await client.request(Move(), room="a")
            for name in ("made up", 7):
                await client.send({"event": name, "data": 1})
                assert error(await client.receive_message())["code"] == "unknown_event"
            assert await refused(client) == 0.334
            assert await refused(client, Move(), room="a") == 0.334
            await client.send({"event": "made up"})
            assert error(await client.receive_message())["code"] == "rate_limited"
            await client.leave("a")  # no event
            clock.advance(0.334)
            await bids(client, 1)


async def test_the_rate_of_a_socket_is_asked_before_the_event_s() -> None:
    app = auction(Limits(messages_per_second=1))
    answering(app, rate="0.1/s", burst=1)
    with virtual_clock(app) as clock:
        async with TestClient(app) as client:
            await bids(client, 1)
            assert await refused(client) == 10  # its event has no token; the socket's is spent
            assert await refused(client, Ask()) == 1
            clock.advance(1)
            assert await client.request(Ask()) == "yes"


async def test_who_waits_for_two_rates_is_told_the_longer_wait() -> None:
    app = auction(Limits(messages_per_second=1))
    answering(app, rate="100/s", burst=1)
    with virtual_clock(app) as clock:
        async with TestClient(app) as client:
            await bids(client, 1)
            assert await refused(client) == 1  # 0.01 for its event
            clock.advance(1)
            await bids(client, 1)


async def test_a_refused_bulk_message_takes_no_room_s_tokens() -> None:
    app = auction()
    app.room("a").relay(Move, rate="0.1/s", burst=1)
    app.room("b").relay(Move, rate="1/s", burst=1)
    with virtual_clock(app) as clock:
        async with TestClient(app) as client:
            await joined(client, "a", "b")
            await client.request(Move(), room="b")
            assert error(await bulk(client, "a", "b"))["data"] == {"retry_after": 1}
            clock.advance(1)
            assert (await bulk(client, "a", "b"))["type"] == 32
            clock.advance(1)
            assert error(await bulk(client, "b", "a"))["data"] == {"retry_after": 9}
            await client.request(Move(), room="b")


async def test_middleware_is_not_flooded_by_what_is_no_event() -> None:
    app = auction(Limits(messages_per_second=1))
    reached: list[object] = []

    @app.middleware
    async def step(socket: Socket, message: Any, call_next: Any) -> None:
        reached.append(message.data)

    with virtual_clock(app):
        async with TestClient(app) as client:
            for value in ([1], [2], [3], {"data": 4}):
                await client.send(value)
            for _ in range(2):
                answer = await client.receive_message()
                assert (answer["type"], error(answer)["code"]) == (3, "rate_limited")
                assert "event" not in answer["data"]
    assert reached == [[1], [2]]


async def test_each_event_has_the_default_rate_by_itself() -> None:
    app = auction(Limits(event_messages_per_second=2))
    answering(app, rate="5/s", burst=6)
    app.room("a").relay(Move)
    app.room("b").relay(Move, rate="1/s", burst=1)
    with virtual_clock(app):
        async with TestClient(app) as client:
            for name in ("a", "b"):
                await client.join(name)
            await bids(client, 6)
            assert await refused(client) == 0.2
            for _ in range(4):
                assert await client.request(Ask()) == "yes"
                await client.request(Move(), room="a")
            assert await refused(client, Ask()) == 0.5
            assert await refused(client, Move(), room="a") == 0.5
            await client.request(Move(), room="b")
            assert await refused(client, Move(), room="b") == 1


async def test_names_that_are_made_up_share_one_rate() -> None:
    app = auction(Limits(event_messages_per_second=2))
    with virtual_clock(app):
        async with TestClient(app) as client:
            codes: list[str] = []
            for number in range(10):
                await client.send({"event": f"made up {number}", "data": 1})
                codes.append(error(await client.receive_message())["code"])
            assert codes == ["unknown_event"] * 4 + ["rate_limited"] * 6
            (connection,) = app.housekeeping.connections
            assert isinstance(connection, Connection)
            assert connection.step.tally is not None
            assert len(connection.step.tally.buckets) == 1


# ---- volatile events


async def test_volatile_events_over_the_rate_are_dropped_and_counted() -> None:
    app = auction(Limits(refusals=3))
    answering(app)
    app.room("a").relay(Cursor, rate="5/s", burst=2)
    listener = noted(app)
    with virtual_clock(app) as clock:
        async with TestClient(app) as client, TestClient(app) as other:
            await client.join("a")
            await other.join("a")
            for x in range(20):
                await client.emit(Cursor(x=x), room="a")
            await client.request(Ask())  # all are handled
            clock.advance(1)
            await client.request(Cursor(x=20), room="a")
            assert [await other.receive(Cursor) for _ in range(3)] == [
                Cursor(x=0),
                Cursor(x=1),
                Cursor(x=20),
            ]
            assert client.closed is None
            # Who asks gets an answer.
            await client.request(Cursor(x=21), room="a")
            await refused(client, Cursor(x=22), room="a")
    assert listener.number(Count.DROPPED, reason="rate") == 18
    assert listener.number(Count.REFUSED, code="rate_limited") == 1


# ---- too many refusals


async def test_a_hundred_refusals_in_ten_seconds_close_the_socket() -> None:
    app = auction()
    seen = answering(app, rate="1/h", burst=1)
    with virtual_clock(app) as clock:
        async with TestClient(app) as client, TestClient(app) as other:
            await bids(client, 1)
            for _ in range(99):
                await refused(client)
            clock.advance(10)
            await refused(client)
            assert await client.wait_closed() == (1008, "rate limited")
            await bids(other, 1)
    assert len(seen) == 2


async def test_fewer_refusals_do_not_close_it() -> None:
    app = auction(Limits(refusals=5))
    answering(app, rate="1/h", burst=1)
    with virtual_clock(app) as clock:
        async with TestClient(app) as client:
            await bids(client, 1)
            for _ in range(10):
                for _ in range(4):
                    await refused(client)
                clock.advance(10.5)
            for _ in range(20):
                clock.advance(2.6)
                await refused(client)
            assert client.closed is None
            clock.advance(2)
            await refused(client)
            assert await client.wait_closed() == (1008, "rate limited")


async def test_without_a_limit_refusals_close_nothing() -> None:
    app = auction(Limits(refusals=0))
    answering(app, rate="1/h", burst=1)
    with virtual_clock(app):
        async with TestClient(app) as client:
            await bids(client, 1)
            for _ in range(300):
                await refused(client)
            assert client.closed is None


# ---- joins


async def joined(client: TestClient, *names: str) -> Any:
    await client.send({"type": 15, "rooms": list(names)})
    return await client.receive_message()


@pytest.mark.parametrize("at_once", [1, 64, 128], ids=["singly", "in bulk", "all at once"])
@pytest.mark.parametrize("codec", ["json", "binary"])
async def test_joining_all_rooms_again_never_counts(at_once: int, codec: Any) -> None:
    app = auction(Limits(joins_per_second=1))
    app.room("doc:{number}")
    names = [f"doc:{number}" for number in range(128)]
    with virtual_clock(app):
        for _ in range(3):  # after every drain, at once
            async with TestClient(app, codec=codec) as client:
                for start in range(0, 128, at_once):
                    answer = await joined(client, *names[start : start + at_once])
                    assert answer["type"] == 16
                assert len(app.sockets()[0].rooms.list()) == 128


@pytest.mark.parametrize("codec", ["json", "binary"])
async def test_joins_over_the_rate_are_refused(codec: Any) -> None:
    app = auction(Limits(joins_per_second=2, rooms_per_socket=3))
    asked: list[str] = []
    room = app.room("doc:{number}")

    @room.guard
    async def guard(room: str) -> None:
        asked.append(room)

    with virtual_clock(app) as clock:
        async with TestClient(app, codec=codec) as client:
            for _ in range(4):  # twice the rate is more than the rooms
                await client.join("doc:1")
                await client.leave("doc:1")
            with pytest.raises(RequestError) as caught:
                await client.join("doc:1")
            assert (caught.value.code, caught.value.data) == ("rate_limited", {"retry_after": 0.5})
            answer = await joined(client, "doc:1", "doc:2", "doc:2")
            assert (answer["type"], answer["rooms"]) == (17, ["doc:1", "doc:2", "doc:2"])
            assert answer["data"]["phase"] == "onJoinRooms"
            assert error(answer)["data"] == {"retry_after": 1}
            clock.advance(1)
            assert (await joined(client, "doc:1", "doc:2", "doc:2"))["type"] == 16
    assert asked == [*["doc:1"] * 4, "doc:1", "doc:2"]


async def test_refused_joins_count_among_the_refusals() -> None:
    app = auction(Limits(joins_per_second=1, rooms_per_socket=1, refusals=5))
    app.room("a")
    listener = noted(app)
    with virtual_clock(app):
        async with TestClient(app) as client:
            for _ in range(2):
                await client.join("a")
            for _ in range(5):
                with pytest.raises(RequestError, match="rate_limited: Too many joins"):
                    await client.join("a")
            assert await client.wait_closed() == (1008, "rate limited")
    assert listener.number(Count.REFUSED, code="rate_limited") == 5


# ---- authentication


async def test_authentications_of_an_address_are_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = auction(Limits(authentications_per_second=1))
    asked: list[str] = []

    @app.auth
    async def login(credentials: str) -> str:
        asked.append(credentials)
        raise AuthError("no")

    listener = noted(app)
    with virtual_clock(app) as clock:
        for _ in range(10):
            with pytest.raises(RequestError):
                async with From(app, "10.0.0.1", "guess"):
                    pass
        async with From(app, "10.0.0.1") as client:
            await client.send({"type": 4, "data": "guess"})
            assert await client.wait_closed() == (1013, "too many authentications")
            assert "  < " not in str(client.log)
        with pytest.raises(RequestError, match="unauthorized"):
            async with From(app, "10.0.0.2", "other"):
                pass
        clock.advance(1)
        with pytest.raises(RequestError, match="unauthorized"):
            async with From(app, "10.0.0.1", "later"):
                pass
    assert asked == ["guess"] * 10 + ["other", "later"]
    assert any(
        line.startswith("refused for now: authentications_per_second of 10.0.0.1, <socket ")
        for line in caplog.messages
    )
    assert listener.number(Count.REFUSED, code="too_many_authentications") == 1


async def test_handshakes_that_authenticate_too_often_are_told_when_to_come_back() -> None:
    app = auction(Limits(authentications_per_second=1))
    asked: list[str] = []

    @app.auth
    async def login(handshake: Handshake) -> str:
        asked.append(handshake.query)
        return "ann"

    listener = noted(app)
    with virtual_clock(app) as clock:
        mine = Handshake("/ws", client=("10.0.0.1", 1))
        for _ in range(10):
            assert not isinstance(await app.endpoint.admit(mine), Rejection)
        refusal = await app.endpoint.admit(mine)
        assert isinstance(refusal, Rejection)
        assert (refusal.status, refusal.headers) == (429, (("retry-after", "1"),))
        other = Handshake("/ws", client=("10.0.0.2", 1))
        assert not isinstance(await app.endpoint.admit(other), Rejection)
        clock.advance(1)
        assert not isinstance(await app.endpoint.admit(mine), Rejection)
    assert len(asked) == 12
    assert listener.number(Count.REFUSED, code="429") == 1


async def test_applications_without_authentication_count_none() -> None:
    app = auction(Limits(authentications_per_second=1))
    mine = Handshake("/ws", client=("10.0.0.1", 1))
    for _ in range(50):
        assert not isinstance(await app.endpoint.admit(mine), Rejection)


# ---- what it costs


async def test_no_setting_is_too_great() -> None:
    great = 10**400
    limits = Limits(
        messages_per_second=great,
        event_messages_per_second=great,
        joins_per_second=great,
        authentications_per_second=great,
        rooms_per_socket=great,
        refusals=great,
    )
    app = auction(limits)
    answering(app, rate="1/s", burst=1)
    app.room("a")

    @app.auth
    async def login(credentials: str) -> str:
        return credentials

    with virtual_clock(app):
        async with TestClient(app, "ann") as client:
            await client.join("a")
            await bids(client, 1)
            await refused(client)
            for _ in range(50):
                await client.request(Ask())


@pytest.mark.parametrize("seed", range(20))
async def test_no_mix_of_messages_gets_more_than_its_rate(seed: int) -> None:
    app, source = auction(Limits(refusals=0)), Random(seed)
    app.room("doc:{number}").relay(Move, rate="2/s", burst=4)
    names = [f"doc:{number}" for number in range(8)]
    taken: list[tuple[float, int]] = []
    with virtual_clock(app) as clock:
        async with TestClient(app) as client:
            await joined(client, *names)
            for _ in range(80):
                clock.advance(source.choice([0, 0, 0.1, 0.5, 3]))
                some = source.sample(names, source.choice([1, 1, 2, 4, 8]))
                answer = await bulk(client, *some)
                if answer["type"] == 32:
                    taken.append((clock.now, len(some)))
                else:
                    assert error(answer)["code"] == "rate_limited"
    for first, (start, _) in enumerate(taken):
        for last in range(first, len(taken)):
            # What the last one got on credit is paid for by those that come after it.
            sent = sum(cost for _, cost in taken[first:last]) + min(taken[last][1], 4)
            assert sent <= 4 + 2 * (taken[last][0] - start) + 0.01


async def test_tables_of_users_and_addresses_are_bounded() -> None:
    table = Buckets(1, 2, most=100)
    for number in range(10_000):
        table.take(number, 0)
    assert len(table) == 100


async def test_without_rates_nothing_is_counted() -> None:
    app = auction()
    answering(app)

    def clock() -> float:
        raise AssertionError("a message needs no time")

    async with TestClient(app) as client:
        await bids(client, 1)
        app.housekeeping.clock, real = clock, app.housekeeping.clock
        try:
            await bids(client, 100)
        finally:
            app.housekeeping.clock = real


# ---- the contract


def test_the_contract_has_the_declared_rates_and_nothing_else() -> None:
    plain, rated = auction(), auction()
    answering(plain)
    answering(rated, rate="5/s", burst=10)
    options: dict[str, Any] = {"rate": "90/m", "per": "user"}
    for app, given in ((plain, {}), (rated, options)):
        room = app.room("a")
        room.relay(Move, **given)

        async def bid(event: Bid) -> None: ...

        room.on(Bid, **given)(bid)
    written = rated.contract().document
    events = {event["name"]: event for event in written["events"]}
    assert events["bid"].pop("rate") == {"per_second": 5.0, "burst": 10, "per": "socket"}
    inside = {event["name"]: event for event in written["rooms"][0]["client_events"]}
    for name in ("bid", "move"):
        assert inside[name].pop("rate") == {"per_second": 1.5, "burst": 3, "per": "user"}
    without = plain.contract().document
    assert written["fingerprint"] != without["fingerprint"]
    for key in ("events", "rooms"):
        assert written[key] == without[key]
