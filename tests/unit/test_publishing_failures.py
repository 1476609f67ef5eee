"""Publishers through failures: what was confirmed arrives once, what failed never comes later."""

import anyio
import pytest
from typing_extensions import override

from bytesocket_app import AsyncPublisher, EngineError, ServerEvent
from bytesocket_app.cluster import NodeState
from bytesocket_app.cluster import node as node_module
from bytesocket_app.engines import MemoryBroker, MemoryEngine
from bytesocket_app.publishing.link import Link
from tests.support.hearing import Hearer, hearing
from tests.support.talk import until

pytestmark = pytest.mark.anyio


class Counted(ServerEvent, name="counted"):
    """A number."""

    number: int


def publisher_on(broker: MemoryBroker, deadline: float = 30.0) -> AsyncPublisher:
    """A publisher on a broker in memory."""
    return AsyncPublisher(
        engine=lambda: MemoryEngine(broker), title="Count", events=[Counted], deadline=deadline
    )


def link_of(publisher: AsyncPublisher) -> Link:
    """The link of an open publisher."""
    return publisher._opened()  # pyright: ignore[reportPrivateUsage]


async def test_a_broker_that_is_down_fails_the_call_which_is_never_sent_then() -> None:
    broker = MemoryBroker()
    async with hearing(lambda: MemoryEngine(broker), "Count", 1) as (hearer,):
        broker.stop()
        async with publisher_on(broker, deadline=0.2) as publisher:
            with pytest.raises(EngineError, match=r"could not be reached in 0.2 s.*Nothing was"):
                await publisher.emit("lobby", Counted(number=1))
            broker.start()
            await hearer.is_up()
            await link_of(publisher)._node.wait_up()  # pyright: ignore[reportPrivateUsage]
            await publisher.emit("lobby", Counted(number=2))
            await hearer.until(lambda: hearer.numbers)
        assert hearer.numbers == [2]


async def test_a_call_waits_for_a_broker_that_comes_back_and_for_all_processes() -> None:
    broker = MemoryBroker()
    async with (
        hearing(lambda: MemoryEngine(broker), "Count") as hearers,
        publisher_on(broker) as publisher,
    ):
        await publisher.emit("lobby", Counted(number=0))
        for number in range(1, 20):
            broker.stop()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(publisher.emit, "lobby", Counted(number=number))
                await anyio.lowlevel.checkpoint()
                broker.start()
        for hearer in hearers:
            await hearer.until(lambda: len(hearer.numbers) >= 20)  # noqa: B023 - awaited in this turn
            assert hearer.numbers == list(range(20))
            assert hearer.node.counters.lost == 0


async def test_a_call_that_is_cancelled_is_not_sent_later() -> None:
    broker = MemoryBroker()
    async with (
        hearing(lambda: MemoryEngine(broker), "Count", 1) as (hearer,),
        publisher_on(broker) as publisher,
    ):
        broker.stop()
        with anyio.move_on_after(0.05) as scope:
            await publisher.emit("lobby", Counted(number=1))
        assert scope.cancelled_caught
        broker.start()
        await hearer.is_up()
        await publisher.emit("lobby", Counted(number=2))
        await hearer.until(lambda: hearer.numbers)
        assert hearer.numbers == [2]


class Silent(MemoryEngine):
    """Engine of a broker that takes messages, does nothing with them and says nothing."""

    is_silent = False

    @override
    def publish(self, channel: str, payload: bytes, /) -> None:
        if not self.is_silent:
            super().publish(channel, payload)


async def test_what_was_not_confirmed_in_time_is_not_sent_again() -> None:
    broker = MemoryBroker()
    engine = Silent(broker)
    async with (
        hearing(lambda: MemoryEngine(broker), "Count", 1) as (hearer,),
        AsyncPublisher(
            engine=lambda: engine, title="Count", events=[Counted], deadline=0.3
        ) as publisher,
    ):
        await publisher.emit("lobby", Counted(number=1))
        engine.is_silent = True
        with pytest.raises(EngineError, match=r"did not confirm in 0.3 s.*may have arrived"):
            await publisher.emit("lobby", Counted(number=2))
        engine.is_silent = False
        engine.reset("the test cuts it")
        node = link_of(publisher)._node  # pyright: ignore[reportPrivateUsage]
        await hearer.until(lambda: node.counters.connections == 2)
        await node.wait_up()
        await publisher.emit("lobby", Counted(number=3))
        await hearer.until(lambda: len(hearer.numbers) >= 2)
        assert hearer.numbers == [1, 3]
        assert hearer.node.counters.lost == 1  # the one of which nobody knew


async def _cut(hearer: Hearer, times: int) -> None:
    for _ in range(times):
        before = hearer.node.counters.connections
        hearer.engine.reset("the test cuts it")
        await hearer.until(lambda: hearer.node.counters.connections > before)  # noqa: B023 - awaited in this turn
        await anyio.sleep(0.01)


async def test_a_process_whose_link_is_cut_gets_what_a_publisher_said_meanwhile() -> None:
    broker = MemoryBroker()
    is_over = False
    sent = 0

    async def speak(publisher: AsyncPublisher) -> None:
        nonlocal sent
        while not is_over:
            await publisher.emit("lobby", Counted(number=sent))
            sent += 1
            await anyio.sleep(0.001)

    async with (
        hearing(lambda: MemoryEngine(broker), "Count") as hearers,
        publisher_on(broker) as publisher,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(speak, publisher)
        await hearers[0].until(lambda: hearers[0].numbers)
        await _cut(hearers[0], 100)
        is_over = True
        for hearer in hearers:
            await hearer.until(lambda: len(hearer.numbers) >= sent)  # noqa: B023 - awaited in this turn
            assert hearer.numbers == list(range(sent))
            assert hearer.node.counters.lost == 0


class Gated(MemoryEngine):
    """Engine that connects while its gate is open."""

    gate: anyio.Event

    @override
    async def _live(self) -> str:
        await self.gate.wait()
        return await super()._live()


async def test_a_publisher_that_was_quiet_for_long_is_asked_too() -> None:
    broker = MemoryBroker()
    engine = Gated(broker)
    engine.gate = anyio.Event()
    engine.gate.set()
    async with (
        hearing(lambda: engine, "Count", 1) as (hearer,),
        publisher_on(broker) as publisher,
    ):
        await publisher.emit("lobby", Counted(number=0))
        await hearer.until(lambda: hearer.numbers)
        (known,) = hearer.node.publishers
        hearer.node.publishers.remove(known)  # as after a minute
        engine.gate = anyio.Event()
        engine.reset("the test cuts it")
        await hearer.until(lambda: hearer.node.state is NodeState.DOWN)
        await publisher.emit("lobby", Counted(number=1))
        engine.gate.set()
        await hearer.until(lambda: 1 in hearer.numbers)


async def test_nobody_waits_for_a_publisher_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_module, "PATIENCE", 3600.0)  # who waits, waits for ever
    broker = MemoryBroker()
    async with hearing(lambda: MemoryEngine(broker), "Count") as hearers:
        async with anyio.create_task_group() as tasks:
            engine = MemoryEngine(broker)
            gone = node_module.Node(engine, "Count", hearers[0], is_publisher=True)
            tasks.start_soon(gone.run)
            await gone.wait_up()
            gone.publish("r.lobby", [16, 0, ["lobby"], None, None, None, None, NUMBER, None])
            await hearers[1].until(lambda: all(hearer.numbers for hearer in hearers))
            tasks.cancel_scope.cancel()  # as by `kill -9`: without a word
        broker.stop()
        broker.start()
        for hearer in hearers:
            assert len(hearer.node.publishers) == 1
            await hearer.until(lambda: hearer.node.counters.connections == 2)  # noqa: B023 - awaited in this turn
            await hearer.is_up()


NUMBER = b'{"room":"lobby","event":"counted","data":{"number":7}}'


async def test_a_publisher_is_forgotten_after_its_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_module, "FORGET", 0.1)
    monkeypatch.setattr(node_module, "BEAT", 0.05)
    broker = MemoryBroker()
    async with (
        hearing(lambda: MemoryEngine(broker), "Count", 1) as (hearer,),
        publisher_on(broker) as publisher,
    ):
        await publisher.emit("lobby", Counted(number=0))
        await hearer.until(lambda: hearer.numbers and not len(hearer.node.publishers))
        await publisher.emit("lobby", Counted(number=1))
        await hearer.until(lambda: len(hearer.numbers) == 2)
        assert len(hearer.node.peers) == 0


async def test_a_publishers_own_dead_link_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_module, "DEAF", 0.2)
    monkeypatch.setattr(node_module, "BEAT", 0.05)
    broker = MemoryBroker()
    engine = Silent(broker)
    async with AsyncPublisher(engine=lambda: engine, title="Count", events=[Counted]) as publisher:
        await publisher.emit("lobby", Counted(number=0))
        node = link_of(publisher)._node  # pyright: ignore[reportPrivateUsage]
        engine.is_silent = True
        await until(lambda: node.counters.connections >= 2)
        engine.is_silent = False
        await publisher.emit("lobby", Counted(number=1))
