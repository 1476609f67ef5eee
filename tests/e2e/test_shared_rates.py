"""Shared rates on real brokers: two applications count together, through all that befalls these."""

import json
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import anyio
import pytest
from anyio import create_task_group

from bytesocket_app import ByteSocket, ClientEvent
from bytesocket_app.cluster import rates
from bytesocket_app.testing import RequestError, TestClient
from tests.support.brokers import Broker, BrokerName, running_broker
from tests.support.server_process import RudePeer, serving
from tests.support.talk import DEADLINE, logged

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

COUNTED = 'engine_rates_total{counted="engine"}'
HERE = 'engine_rates_total{counted="here"}'

SCRIPTED: tuple[BrokerName, ...] = ("redis-6.2", "valkey-9.1")

EVERYWHERE = pytest.mark.parametrize(
    ("name", "anyio_backend"),
    [(name, backend) for name in SCRIPTED for backend in ("asyncio", "trio")],
)
ONCE = pytest.mark.parametrize(
    ("name", "anyio_backend"), [("redis-6.2", "trio"), ("valkey-9.1", "asyncio")]
)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the broker as long as a busy machine makes it take."""
    monkeypatch.setattr(rates, "PATIENCE", DEADLINE)


class Bid(ClientEvent, name="bid"):
    """Three at once by each user, and one more in an hour."""


class Quick(ClientEvent, name="quick"):
    """A thousand a second by each user."""


def auction(url: str) -> ByteSocket:
    app = ByteSocket(title="Auction", events=[Bid, Quick], engine=url)
    app.auth(key=str)(known)
    app.on(Bid, rate="1/h", burst=3, per="user", shared=True)(yes)
    app.on(Quick, rate="1000/s", burst=5, per="user", shared=True)(yes)
    return app


async def known(credentials: str) -> str:
    return credentials


async def yes() -> str:
    return "yes"


async def in_time(condition: Callable[[], object]) -> None:
    with anyio.fail_after(DEADLINE):
        while not condition():  # noqa: ASYNC110 - nothing tells of it
            await anyio.sleep(0.02)


@asynccontextmanager
async def processes(url: str) -> AsyncGenerator[tuple[ByteSocket, ByteSocket]]:
    one, two = auction(url), auction(url)
    async with one.running(), two.running():
        await in_time(lambda: one.metrics()["cluster_nodes"] == two.metrics()["cluster_nodes"] == 2)
        yield one, two


@asynccontextmanager
async def both(
    url: str,
) -> AsyncGenerator[tuple[ByteSocket, ByteSocket, TestClient, TestClient]]:
    """Two processes, and a socket of the same user in each."""
    async with (
        processes(url) as (one, two),
        TestClient(one, "ann") as here,
        TestClient(two, "ann") as there,
    ):
        yield one, two, here, there


async def passing(client: TestClient, times: int) -> int:
    """Bid, and return how many bids did not come too often."""
    passed = 0
    for _ in range(times):
        try:
            await client.request(Bid())
        except RequestError as error:
            if error.code != "rate_limited" or not 0 < error.data["retry_after"] <= 3600:
                raise
        else:
            passed += 1
    return passed


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    lines = logged(caplog, logging.WARNING)
    return [line for line in lines if "does not count a shared rate" in line]


@EVERYWHERE
async def test_all_sockets_of_a_user_get_through_as_often_as_one(name: BrokerName) -> None:
    with running_broker(name) as broker:
        async with processes(broker.url) as apps:
            passed = list[int]()

            async def bid(app: ByteSocket, user: str) -> None:
                async with TestClient(app, user) as client:
                    passed.append(await passing(client, 8))

            async with create_task_group() as tasks:
                for number in range(6):
                    tasks.start_soon(bid, apps[number % 2], "ann")
            assert sum(passed) == 3
            await bid(apps[0], "bob")
            assert passed[-1] == 3
            assert sum(app.metrics()[COUNTED] for app in apps) == 56
            assert sum(app.metrics()[HERE] for app in apps) == 0


@EVERYWHERE
async def test_a_bucket_that_is_full_again_leaves_nothing_on_the_broker(name: BrokerName) -> None:
    with running_broker(name) as broker:
        async with processes(broker.url) as (one, _), TestClient(one, "ann") as client:
            assert await client.request(Quick()) == "yes"
            assert broker.ask("DBSIZE") == b":1\r\n"
            await in_time(lambda: broker.ask("DBSIZE") == b":0\r\n")


@EVERYWHERE
async def test_a_broker_that_is_killed_leaves_each_process_to_itself_until_it_is_back(
    name: BrokerName,
) -> None:
    with running_broker(name) as broker:
        async with both(broker.url) as (one, two, here, there):
            assert await passing(here, 2) == 2
            broker.stop()
            assert await passing(here, 5) == 1
            assert await passing(there, 5) == 3
            assert one.metrics()[HERE] == two.metrics()[HERE] == 5
            await in_time(lambda: not one.metrics()["engine_up"])
            broker.start()  # empty
            await in_time(lambda: one.metrics()["engine_up"] and two.metrics()["engine_up"])
            assert await passing(there, 5) == 3
            assert await passing(here, 5) == 0
            assert one.metrics()[HERE] == two.metrics()[HERE] == 5


@ONCE
async def test_a_broker_that_is_frozen_is_waited_for_once_in_a_while(
    name: BrokerName, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "PATIENCE", 0.25)
    monkeypatch.setattr(rates, "PAUSE", 60)
    with running_broker(name) as broker:
        async with processes(broker.url) as (one, _), TestClient(one, "ann") as client:
            assert await passing(client, 1) == 1
            broker.freeze()
            before = one.metrics()[HERE]
            assert await passing(client, 40) == 2
            assert one.metrics()[HERE] == before + 40
            (line,) = warnings(caplog)
            assert line.endswith(": no answer in 0.25 s")
            broker.thaw()


async def spoilt(
    broker: Broker, caplog: pytest.LogCaptureFixture, spoil: Callable[[], object], reason: str
) -> None:
    """Check that each process counts by itself, and says why, once the broker will not."""
    async with both(broker.url) as (one, two, here, there):
        assert await passing(here, 1) == 1
        spoil()
        assert await passing(here, 5) == 2
        assert await passing(there, 5) == 3
        assert one.metrics()[HERE] == two.metrics()[HERE] == 5
        assert one.metrics()["engine_up"] == two.metrics()["engine_up"] == 1
        assert one.metrics()["engine_connections_total"] == 1
        lines = warnings(caplog)
        assert len(lines) == 2  # one for each process
        assert all(reason in line for line in lines)


@ONCE
async def test_a_user_who_may_not_run_scripts(
    name: BrokerName, caplog: pytest.LogCaptureFixture
) -> None:
    with running_broker(name) as broker:
        await spoilt(
            broker,
            caplog,
            lambda: broker.ask("ACL", "SETUSER", "default", "-evalsha", "-eval"),
            "NOPERM",
        )


@ONCE
async def test_a_user_who_may_not_write_the_keys(
    name: BrokerName, caplog: pytest.LogCaptureFixture
) -> None:
    with running_broker(name) as broker:
        await spoilt(
            broker,
            caplog,
            lambda: broker.ask("ACL", "SETUSER", "default", "resetkeys", "~other.*"),
            "NOPERM",
        )


def the_key(broker: Broker) -> str:
    """The only key on the broker."""
    return broker.ask("KEYS", "*").split(b"\r\n")[2].decode()


@ONCE
async def test_something_else_is_at_the_name_of_a_bucket(
    name: BrokerName, caplog: pytest.LogCaptureFixture
) -> None:
    with running_broker(name) as broker:

        def spoil() -> None:
            key = the_key(broker)
            assert key.startswith("bs.Auction.b.")
            broker.ask("DEL", key)
            broker.ask("LPUSH", key, "a", "b")

        await spoilt(broker, caplog, spoil, "WRONGTYPE")
        assert broker.ask("LLEN", the_key(broker)) == b":2\r\n"  # it is somebody else's


@ONCE
async def test_a_broker_that_is_full(name: BrokerName, caplog: pytest.LogCaptureFixture) -> None:
    with running_broker(name) as broker:
        await spoilt(broker, caplog, lambda: broker.ask("CONFIG", "SET", "maxmemory", "1"), "OOM")


@ONCE
@pytest.mark.parametrize("text", ["nonsense", "'nan 0'", "'-1e9 1'", "'inf inf'", "'1 nan'", "''"])
async def test_a_text_that_is_no_bucket_counts_as_a_full_one(name: BrokerName, text: str) -> None:
    with running_broker(name) as broker:
        async with processes(broker.url) as (one, _), TestClient(one, "ann") as client:
            assert await passing(client, 1) == 1
            broker.ask("SET", the_key(broker), text)
            assert await passing(client, 5) == 3
            assert one.metrics()[HERE] == 0


@ONCE
async def test_a_broker_that_forgot_the_script_is_given_it_again(name: BrokerName) -> None:
    with running_broker(name) as broker:
        async with both(broker.url) as (one, two, here, there):
            assert await passing(here, 1) == 1
            broker.ask("SCRIPT", "FLUSH")
            assert await passing(there, 5) == 2
            assert one.metrics()[HERE] == two.metrics()[HERE] == 0


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_on_nats_each_process_counts_by_itself_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with running_broker("nats") as broker:
        async with processes(broker.url) as (one, two):
            lines = logged(caplog, logging.WARNING)
            assert len(lines) == 2  # one for each process
            assert all(f"{broker.url} cannot count rates for all" in line for line in lines)
            async with TestClient(one, "ann") as here, TestClient(two, "ann") as there:
                assert await passing(here, 5) == 3
                assert await passing(there, 5) == 3
            assert one.metrics()[HERE] == two.metrics()[HERE] == 5


SOURCE = """\
import os

from bytesocket_app import ByteSocket, ClientEvent
from bytesocket_app.cluster import rates

rates.PATIENCE = 30  # a busy machine's

class Bid(ClientEvent, name="bid"):
    pass


class Ask(ClientEvent, name="ask"):
    pass


app = ByteSocket(
    title="Auction", events=[Bid, Ask], serialization="json", engine=os.environ["ENGINE"]
)


@app.auth(key=str)
async def known(credentials: str) -> str:
    return credentials


@app.on(Bid, rate="1/h", burst=5, per="user", shared=True)
async def bid() -> str:
    return "bid"


@app.on(Ask)
async def ask() -> str:
    return "ask"
"""


@pytest.mark.parametrize("transport", ["picows", "uvicorn", "hypercorn"])
def test_real_processes_count_together_and_answer_in_order(transport: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(SOURCE)
    arguments = ("run", "app:app", "--port", "0", "--transport", transport)
    with running_broker("redis-6.2") as broker, ExitStack() as stack:
        variables = {"ENGINE": broker.url}
        ports = [
            stack.enter_context(serving(*arguments, cwd=tmp_path, variables=variables)).port
            for _ in range(2)
        ]
        peers = [RudePeer(port) for port in (*ports, *ports)]
        for peer in peers:
            stack.callback(peer.close)
            peer.send({"type": 4, "data": "ann"})
            peer.receive()
        for peer in peers:  # all at once, and nobody waits for an answer
            for number in range(20):
                peer.send({"event": "ask" if number % 2 else "bid", "data": {}, "id": number})
        passed = 0
        for peer in peers:
            answers = [json.loads(peer.receive()[1]) for _ in range(20)]
            assert [answer["id"] for answer in answers] == list(range(20))
            assert [each["type"] for each in answers[1::2]] == [32] * 10
            passed += sum(each["type"] == 32 for each in answers[::2])
        assert passed == 5
