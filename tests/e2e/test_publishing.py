"""Publishing from other programs, by real brokers, to real sockets."""

import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread

from bytesocket_app import EngineRefused, Publisher, ServerEvent
from bytesocket_app.client import ClientSettings
from bytesocket_app.client.dynamic import DynamicClient
from bytesocket_app.errors import EngineError
from tests.support.brokers import BROKERS, Broker, BrokerName, running_broker
from tests.support.hearing import hearing
from tests.support.ports import reserved_port
from tests.support.server_process import DEADLINE, bytesocket, environment, serving

pytestmark = pytest.mark.slow

over_brokers = pytest.mark.parametrize(
    ("name", "anyio_backend"), [(name, "asyncio") for name in BROKERS]
)

EVENTS = """\
from bytesocket_app import ServerEvent


class Counted(ServerEvent, name="counted"):
    number: int
"""

APP = """\
import os

from bytesocket_app import ByteSocket, Socket

import events

app = ByteSocket(title="Count", events=events, engine=os.environ["BROKER"])
app.room("lobby")


@app.auth(key=str)
async def user(socket: Socket) -> str:
    return "ann"
"""

CRON = """\
import os

from bytesocket_app import Publisher

import events

with Publisher(engine=os.environ["BROKER"], title="Count", events=events) as publisher:
    publisher.emit("lobby", events.Counted(number=1))
    publisher.user("ann").emit(events.Counted(number=2))
    publisher.broadcast(events.Counted(number=3))
    with publisher.pipeline() as many:
        for number in range(4, 104):
            many.emit("lobby", events.Counted(number=number))
"""

PREFORK = """\
import os
import sys
import traceback

from bytesocket_app import Publisher

import events

publisher = Publisher(engine=os.environ["BROKER"], title="Count", events=events)
publisher.emit("lobby", events.Counted(number=0))  # the thread of this process starts


def work(worker: int) -> None:
    for number in range(10):
        publisher.emit("lobby", events.Counted(number=worker * 100 + number))


children = []
for worker in range(1, 5):
    child = os.fork()
    if not child:
        try:
            work(worker)
            publisher.close()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        if worker % 2:
            os._exit(0)  # as multiprocessing's and billiard's children end
        sys.exit(0)
    children.append(child)
work(9)
ended = [os.waitpid(child, 0)[1] for child in children]
work(10)
sys.exit(any(ended))
"""


class Counted(ServerEvent, name="counted"):
    """A number."""

    number: int


def run(folder: Path, program: str, broker: Broker) -> str:
    """Run a program to its end; returns what it printed."""
    (folder / "program.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "-W", "default::ResourceWarning", "program.py"],
        cwd=folder,
        env=environment(BROKER=broker.url),
        capture_output=True,
        text=True,
        timeout=4 * DEADLINE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@asynccontextmanager
async def members(folder: Path, broker: Broker) -> AsyncGenerator[list[Any]]:
    """The streams of two clients in the room, one for each codec, of an application that runs."""
    (folder / "events.py").write_text(EVENTS)
    (folder / "app.py").write_text(APP)
    variables = {"BROKER": broker.url}
    with serving("run", "app.py", "--port", "0", cwd=folder, variables=variables) as server:
        url = f"ws://127.0.0.1:{server.port}/ws"
        async with AsyncExitStack() as stack:
            streams = list[Any]()
            for codec in ("json", "binary"):
                settings = ClientSettings(request_timeout=DEADLINE)
                client = DynamicClient(url, codec=codec, settings=settings)
                streams.append(client.events(Counted))
                await stack.enter_async_context(client)
                await client.join("lobby").ready
            yield streams


async def numbers(stream: Any, count: int) -> list[int]:
    """The next numbers of a stream."""
    with anyio.fail_after(DEADLINE):
        return [(await anext(stream)).number for _ in range(count)]


@pytest.mark.anyio
@over_brokers
async def test_what_other_programs_emit_reaches_websockets_of_both_codecs(
    name: BrokerName, tmp_path: Path
) -> None:
    with running_broker(name) as broker:
        async with members(tmp_path, broker) as streams:
            printed = await to_thread.run_sync(run, tmp_path, CRON, broker)
            assert printed == ""
            for stream in streams:
                found = await numbers(stream, 103)
                assert sorted(found) == list(range(1, 104))
                in_room = [number for number in found if number not in (2, 3)]
                assert in_room == sorted(in_room)  # on NATS each channel has an order of its own

            for whom in (["--room", "lobby"], ["--user", "ann"], ["--all"]):
                done = await to_thread.run_sync(
                    lambda: bytesocket(
                        "emit",
                        "counted",
                        '{"number": 7}',
                        *whom,  # noqa: B023 - awaited in this turn
                        f"--engine={broker.url}",
                        "app.py",
                        cwd=tmp_path,
                        variables={"BROKER": broker.url},
                    )
                )
                assert (done.returncode, done.stderr) == (0, "")
                for stream in streams:
                    assert await numbers(stream, 1) == [7]


@pytest.mark.anyio
@over_brokers
async def test_each_process_of_a_prefork_server_publishes_for_itself(
    name: BrokerName, tmp_path: Path
) -> None:
    with running_broker(name) as broker:
        (tmp_path / "events.py").write_text(EVENTS)
        async with hearing(broker.engine, "Count", 1) as (hearer,):
            await to_thread.run_sync(run, tmp_path, PREFORK, broker)
            await hearer.until(lambda: len(hearer.numbers) >= 61)
            await hearer.until(lambda: not len(hearer.node.publishers))
            expected = [
                worker * 100 + number for worker in (1, 2, 3, 4, 9, 10) for number in range(10)
            ]
            assert sorted(hearer.numbers) == [0, *expected]
            for worker in (1, 2, 3, 4, 9, 10):
                own = [number for number in hearer.numbers if number // 100 == worker]
                assert own == sorted(own)


@pytest.mark.anyio
@over_brokers
async def test_what_was_confirmed_arrives_once_though_the_broker_is_killed(
    name: BrokerName,
) -> None:
    sent = 0
    is_over = False

    def work() -> None:
        nonlocal sent
        url = broker.url
        with Publisher(engine=url, title="Count", events=[Counted], deadline=60) as publisher:
            while not is_over:
                publisher.emit("lobby", Counted(number=sent))
                sent += 1
                time.sleep(0.001)

    with running_broker(name) as broker:
        async with hearing(broker.engine, "Count") as hearers:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(to_thread.run_sync, work)
                for outage in (0.0, 0.3, 1.0):
                    before = sent
                    await hearers[0].until(lambda: sent > before + 100)  # noqa: B023 - awaited in this turn
                    broker.stop()
                    await anyio.sleep(outage)
                    await to_thread.run_sync(broker.start)
                before = sent
                await hearers[0].until(lambda: sent > before + 100)
                for _ in range(10):
                    connections = hearers[0].node.counters.connections
                    hearers[0].engine.reset("the test cuts it")
                    await hearers[0].until(
                        lambda: hearers[0].node.counters.connections > connections  # noqa: B023 - awaited in this turn
                    )
                    await hearers[0].is_up()
                is_over = True
            for hearer in hearers:
                await hearer.until(lambda: len(hearer.numbers) >= sent)  # noqa: B023 - awaited in this turn
                assert hearer.numbers == list(range(sent))
                assert hearer.node.counters.lost == 0


@pytest.mark.parametrize("scheme", ["redis", "nats"])
def test_a_broker_that_is_not_there_fails_the_call_and_is_found_later(scheme: str) -> None:
    with reserved_port() as port:
        url = f"{scheme}://127.0.0.1:{port}"
        publisher = Publisher(engine=url, title="Count", events=[Counted], deadline=0.5)
        with publisher, pytest.raises(EngineError, match=f"{url} could not be reached in 0.5 s"):
            publisher.emit("lobby", Counted(number=1))


@pytest.mark.parametrize(
    ("name", "arguments", "login"),
    [
        ("redis-6.2", ["--requirepass", "right"], "ann:hunter2@"),
        ("valkey-9.1", ["--requirepass", "right"], ":hunter2@"),
        ("valkey-9.1", ["--requirepass", "right"], ""),
        ("nats", ["--user", "ann", "--pass", "right"], "ann:hunter2@"),
    ],
)
def test_a_wrong_password_is_refused_at_once_and_never_said(
    name: BrokerName, arguments: list[str], login: str, caplog: pytest.LogCaptureFixture
) -> None:
    with running_broker(name, *arguments) as broker:
        url = broker.url.replace("://", f"://{login}")
        with Publisher(engine=url, title="Count", events=[Counted], deadline=600) as publisher:
            for _ in range(2):
                with pytest.raises(EngineRefused, match="will not serve") as caught:
                    publisher.emit("lobby", Counted(number=1))
                assert "hunter2" not in str(caught.value) + caplog.text
        right = {"redis-6.2": ":right@", "valkey-9.1": ":right@", "nats": "ann:right@"}[name]
        url = broker.url.replace("://", f"://{right}")
        with Publisher(engine=url, title="Count", events=[Counted]) as publisher:
            publisher.emit("lobby", Counted(number=1))
