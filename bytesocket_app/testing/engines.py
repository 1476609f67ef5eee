"""Checks of an engine: its promises one by one, then three nodes over it, with faults.

A third party's engine is checked by one call, `await check_engine(make)`.
"""

import os
import random
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any, Final, Protocol, TypeAlias

import anyio

from bytesocket_app.cluster import Node, NodeState
from bytesocket_app.engines import Engine, RateEngine, TokenRequest

MakeEngine: TypeAlias = Callable[[], Engine]
"""Makes another engine on the same broker; called inside an event loop."""

WAIT: Final = 30.0
"""Seconds to wait for what an engine has promised."""

QUIET: Final = 0.5
"""Seconds in which nothing arrives, after which nothing is under way."""

FILLS: Final = 10
"""Times to wait for a token as long as the engine says."""

KIND: Final = 16
CHANNELS: Final = tuple(f"r.{number}" for number in range(6))
NODES: Final = 3


class BrokerControl(Protocol):
    """Power over a broker, for outages."""

    def stop(self) -> None:
        """End the broker at once, as by `kill -9`."""
        ...

    def start(self) -> None:
        """Start it again at the same address, empty; may return before it takes connections."""
        ...


class EngineCheckFailed(AssertionError):
    """Promises that an engine does not keep, by name.

    Attributes:
        problems: What went wrong, by the promise's name.
    """

    def __init__(self, problems: dict[str, str]) -> None:
        lines = "".join(f"\n  {name}: {text}" for name, text in problems.items())
        super().__init__(f"the engine does not keep its promises:{lines}")
        self.problems = problems


@dataclass
class EngineReport:
    """Record of what three nodes over an engine did, and what went wrong.

    Attributes:
        accepted, dropped: Messages that were published, and that were not taken for want of room.
        deliveries: Messages that arrived.
        connections: Connections of all nodes.
        missing: Accepted messages that a subscriber did not get.
        doubled: Deliveries of a message that was there before.
        stray: Deliveries of what nobody published on that channel.
        disordered: Deliveries of a message after a later one of the same node and channel.
        uncounted: Drops and losses that the nodes' counters do not say.
        unconfirmed: Subscriptions whose confirmation never ended, not even with the connection.
    """

    accepted: int = 0
    dropped: int = 0
    deliveries: int = 0
    connections: int = 0
    missing: int = 0
    doubled: int = 0
    stray: int = 0
    disordered: int = 0
    uncounted: int = 0
    unconfirmed: int = 0

    @property
    def problems(self) -> dict[str, str]:
        """Faults by name, in words."""
        texts = {
            "missing": "accepted messages did not arrive",
            "doubled": "messages arrived twice",
            "stray": "messages arrived that nobody published",
            "disordered": "messages arrived in another order than they were published in",
            "uncounted": "drops or losses were not counted",
            "unconfirmed": "subscriptions were neither confirmed nor given up",
        }
        return {
            name: f"{number} {text}"
            for name, text in texts.items()
            if (number := getattr(self, name))
        }


async def check_engine(
    make: MakeEngine,
    *,
    seed: int = 0,
    seconds: float = 4.0,
    broker: BrokerControl | None = None,
    outages: tuple[float, ...] = (0.3, 1.0),
) -> EngineReport:
    """Check an engine: the promises of `Engine`, and that three nodes over it lose nothing.

    An engine with `take_tokens` is checked for the promises of `RateEngine` too.

    Args:
        make: Makes an engine; all of them are on one broker.
        seed: Chooses what the nodes publish, and when links are cut.
        seconds: How long they do.
        broker: Power over the broker, to have outages too.
        outages: Seconds that an outage may last.

    Returns:
        What the nodes did.

    Raises:
        EngineCheckFailed: A promise is not kept.
    """
    problems: dict[str, str] = {}
    for name, check in PROMISES.items():
        try:
            with anyio.fail_after(WAIT):
                await check(make)
        except (AssertionError, TimeoutError) as error:
            problems[name] = str(error) or f"nothing came in {WAIT:g} s"
    if problems:
        raise EngineCheckFailed(problems)
    report = await _Program(make, random.Random(seed), seconds, broker, outages).run()  # noqa: S311
    if report.problems:
        raise EngineCheckFailed(report.problems)
    return report


# Promises one by one.


@dataclass
class _Listener:
    """Listener that keeps what an engine tells, in its order."""

    messages: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])
    acknowledged_so_far: int = 0
    ups: int = 0
    downs: int = 0
    changed: anyio.Event = field(default_factory=anyio.Event)

    def up(self) -> None:
        self.ups += 1
        self._tell()

    def down(self, reason: str) -> None:  # noqa: ARG002 - for people
        self.downs += 1
        self._tell()

    def received(self, channel: str, payload: bytes) -> None:
        self.messages.append((channel, payload))
        self._tell()

    def acknowledged(self, count: int) -> None:
        self.acknowledged_so_far += count
        self._tell()

    def refused(self, reason: str) -> None:
        raise AssertionError(f"the broker refused a message: {reason}")

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for a condition."""
        with anyio.move_on_after(WAIT / 2):
            while not condition():
                self.changed = anyio.Event()
                await self.changed.wait()
            return
        raise AssertionError(what)

    async def quiet(self) -> None:
        """Wait until nothing arrives any more."""
        before = -1
        while before != len(self.messages):
            before = len(self.messages)
            await anyio.sleep(QUIET)

    def _tell(self) -> None:
        self.changed.set()


@asynccontextmanager
async def _running(make: MakeEngine, number: int) -> AsyncGenerator[list[tuple[Engine, _Listener]]]:
    """Run engines that are up."""
    pairs = [(make(), _Listener()) for _ in range(number)]
    broken: AssertionError | None = None
    async with anyio.create_task_group() as tasks:
        try:
            for engine, listener in pairs:
                tasks.start_soon(engine.run, listener)
            for _, listener in pairs:
                await listener.until(partial(_is_up, listener), "`up` was never told")
            yield pairs
        except AssertionError as error:
            broken = error  # raised below, where no group wraps it
        tasks.cancel_scope.cancel()
    if broken is not None:
        raise broken


def _is_up(listener: _Listener) -> bool:
    return listener.ups > listener.downs


async def _a_confirmed_channel_is_heard(make: MakeEngine) -> None:
    async with _running(make, 2) as ((speaker, _), (hearer, heard)):
        for number in range(20):
            await hearer.subscribe([f"r.c{number}"])
            speaker.publish(f"r.c{number}", b"now")
            await heard.until(
                lambda: len(heard.messages) > number,  # noqa: B023 - awaited in this turn
                "a message that was published after a subscription was confirmed did not arrive",
            )


async def _messages_keep_their_order(make: MakeEngine) -> None:
    async with _running(make, 2) as ((speaker, told), (hearer, heard)):
        await hearer.subscribe(["r.a", "r.b"])
        for number in range(1000):
            speaker.publish("r.a" if number % 3 else "r.b", b"%d" % number)
        await told.until(lambda: told.acknowledged_so_far == 1000, "not all was acknowledged")  # noqa: PLR2004
        await heard.quiet()
        for channel in ("r.a", "r.b"):
            got = [int(payload) for name, payload in heard.messages if name == channel]
            sent = [number for number in range(1000) if ("r.a" if number % 3 else "r.b") == channel]
            assert len(got) == len(set(got)), "a message arrived twice"  # noqa: S101
            assert sorted(got) == sent, f"{len(sent) - len(got)} messages did not arrive"  # noqa: S101
            assert got == sent, "messages of one channel arrived in another order"  # noqa: S101


async def _own_messages_come_back(make: MakeEngine) -> None:
    async with _running(make, 1) as ((engine, told),):
        await engine.subscribe(["r.own"])
        engine.publish("r.own", b"me")
        await told.until(
            lambda: told.messages == [("r.own", b"me")],
            "a process does not hear what it publishes on a channel that it subscribes to",
        )


async def _a_channel_that_was_left_is_not_heard(make: MakeEngine) -> None:
    async with _running(make, 2) as ((speaker, told), (hearer, heard)):
        await hearer.subscribe(["r.left", "r.stays"])
        hearer.unsubscribe(["r.left"])
        await hearer.subscribe(["r.mark"])  # after it, the broker has done both
        speaker.publish("r.left", b"no")
        speaker.publish("r.stays", b"yes")
        await told.until(lambda: told.acknowledged_so_far == 2, "not all was acknowledged")  # noqa: PLR2004
        await heard.quiet()
        assert heard.messages == [("r.stays", b"yes")], f"it heard {heard.messages}"  # noqa: S101


async def _subscriptions_outlive_a_connection(make: MakeEngine) -> None:
    async with _running(make, 2) as ((speaker, _), (hearer, heard)):
        await hearer.subscribe(["r.before"])
        for turn in range(1, 4):
            hearer.reset("the check cuts it")
            await heard.until(
                lambda: heard.ups == heard.downs + 1 == turn + 1,  # noqa: B023
                "`down` and `up` were not told once each after `reset`",
            )
            speaker.publish("r.before", b"%d" % turn)
            await heard.until(
                lambda: (b"%d" % turn) in [payload for _, payload in heard.messages],  # noqa: B023
                "a channel is not heard any more after the connection was made anew",
            )


async def _nothing_is_kept_for_the_next_connection(make: MakeEngine) -> None:
    async with _running(make, 2) as ((speaker, told), (hearer, heard)):
        await hearer.subscribe(["r.old"])
        for turn in range(1, 4):
            for number in range(100):
                speaker.publish("r.old", b"%d" % number)
            speaker.reset("the check cuts it")
            await told.until(lambda: told.downs == turn, "`down` was not told after `reset`")  # noqa: B023
            acknowledged, before = told.acknowledged_so_far, told.ups
            await heard.quiet()
            arrived = len(heard.messages)
            await told.until(lambda: told.ups > before or told.ups == turn + 1, "`up` was not told")  # noqa: B023
            await heard.quiet()
            late = len(heard.messages) - arrived
            assert not late, f"{late} messages of the connection before were sent on a new one"  # noqa: S101
            assert told.acknowledged_so_far == acknowledged, "it acknowledged what was lost"  # noqa: S101


async def _an_acknowledged_message_arrived(make: MakeEngine) -> None:
    async with _running(make, 2) as ((speaker, told), (hearer, heard)):
        await hearer.subscribe(["r.ack"])
        for turn in range(1, 6):
            before = len(heard.messages), told.acknowledged_so_far
            for number in range(50):
                speaker.publish("r.ack", b"%d" % number)
            speaker.reset("the check cuts it before anything could leave")
            await told.until(lambda: told.ups == turn + 1, "`up` was not told after `reset`")  # noqa: B023
            await heard.quiet()
            arrived = len(heard.messages) - before[0]
            acknowledged = told.acknowledged_so_far - before[1]
            assert acknowledged <= arrived, (  # noqa: S101
                f"{acknowledged} messages were acknowledged, and {arrived} of them arrived"
            )


class _Tokens:
    """Buckets of three engines, with names that no earlier check has used."""

    def __init__(self, engines: list[RateEngine]) -> None:
        self._engines = engines
        self._name = f"b.{os.urandom(8).hex()}"

    def request(
        self, bucket: str, tokens: int = 1, *, burst: int, per_second: float = 0.001
    ) -> TokenRequest:
        return TokenRequest(f"{self._name}{bucket}", tokens, per_second, burst)

    async def take(self, *requests: TokenRequest, by: int = 0) -> float:
        return await self._engines[by].take_tokens(requests, anyio.current_time())

    async def rush(self, times: int, *requests: TokenRequest) -> int:
        """Take by all engines at once, each so often; returns how often there was enough."""
        waits = list[float]()

        async def take(by: int) -> None:
            waits.append(await self.take(*requests, by=by))

        async with anyio.create_task_group() as tasks:
            for number in range(times * len(self._engines)):
                tasks.start_soon(take, number % len(self._engines))
        return sum(not wait for wait in waits)


@asynccontextmanager
async def _counting(make: MakeEngine) -> AsyncGenerator[_Tokens | None]:
    """Run engines that count rates; None if they do not."""
    async with _running(make, NODES) as pairs:
        engines = [engine for engine, _ in pairs if isinstance(engine, RateEngine)]
        yield _Tokens(engines) if engines else None


async def _rates_are_counted_together(make: MakeEngine) -> None:
    async with _counting(make) as tokens:
        if tokens is None:
            return
        request = tokens.request("together", burst=20)
        taken = await tokens.rush(20, request)
        assert taken == 20, f"{taken} tokens were taken from a bucket of 20"  # noqa: PLR2004, S101
        wait = await tokens.take(request, by=1)
        assert 900 < wait <= 1000, f"a token that comes in 1000 s is {wait!r} s away"  # noqa: PLR2004, S101
        other = await tokens.take(tokens.request("other", burst=20))
        assert other == 0, "one bucket's tokens are missing from another"  # noqa: S101


async def _tokens_are_taken_from_all_buckets_or_none(make: MakeEngine) -> None:
    async with _counting(make) as tokens:
        if tokens is None:
            return
        empty, full = tokens.request("empty", burst=1), tokens.request("full", burst=5)
        assert await tokens.take(full, empty) == 0, "there was enough in both buckets"  # noqa: S101
        assert await tokens.rush(3, full, empty) == 0, "one of the buckets was empty"  # noqa: S101
        taken = await tokens.rush(3, full)
        assert taken == 4, f"{taken} of 4 tokens were left in the bucket that had enough"  # noqa: PLR2004, S101


async def _buckets_fill(make: MakeEngine) -> None:
    async with _counting(make) as tokens:
        if tokens is None:
            return
        fast = tokens.request("fast", burst=1, per_second=20)
        assert await tokens.take(fast) == 0, "a new bucket was not full"  # noqa: S101
        for _ in range(FILLS):
            wait = await tokens.take(fast, by=1)
            assert wait <= 0.05, f"a token that comes in 0.05 s is {wait!r} s away"  # noqa: PLR2004, S101
            if not wait:
                break
            await anyio.sleep(wait)
        else:
            raise AssertionError("a bucket does not fill in the time that it names itself")
        debt = tokens.request("debt", 10, burst=5)
        assert await tokens.take(debt) == 0, "a full bucket refused more than it ever holds"  # noqa: S101
        wait = await tokens.take(debt._replace(tokens=1), by=1)
        assert 5000 < wait <= 6000, f"a bucket in debt has a token in {wait!r} s, not 6000"  # noqa: PLR2004, S101


PROMISES: Final[dict[str, Callable[[MakeEngine], Awaitable[None]]]] = {
    "confirms": _a_confirmed_channel_is_heard,
    "order": _messages_keep_their_order,
    "echo": _own_messages_come_back,
    "unsubscribes": _a_channel_that_was_left_is_not_heard,
    "resubscribes": _subscriptions_outlive_a_connection,
    "keeps nothing": _nothing_is_kept_for_the_next_connection,
    "acknowledges": _an_acknowledged_message_arrived,
    "counts": _rates_are_counted_together,
    "all or none": _tokens_are_taken_from_all_buckets_or_none,
    "fills": _buckets_fill,
}
"""Checks of promises that need no faults of a broker, by name."""


# Three nodes.


class _Heard:
    """Messages that a node got, by sender and channel."""

    def __init__(self) -> None:
        self.messages: dict[tuple[int, str], list[int]] = {}
        self.number = 0

    def arrived(self, node: bytes, channel: str, body: list[Any]) -> bool:  # noqa: ARG002
        self.messages.setdefault((body[1], channel), []).append(body[2])
        self.number += 1
        return True

    def gone(self, node: bytes) -> None:
        """Nothing is kept of a node."""

    def forget(self, channel: str) -> None:
        """Forget a channel: what is sent again may come to who left and came back."""
        for key in [key for key in self.messages if key[1] == channel]:
            del self.messages[key]


class _Program:
    """Three nodes that publish, join and leave while links are cut and the broker is stopped."""

    def __init__(
        self,
        make: MakeEngine,
        chance: random.Random,
        seconds: float,
        broker: BrokerControl | None,
        outages: tuple[float, ...],
    ) -> None:
        self._chance = chance
        self._seconds = seconds
        self._broker = broker
        self._outages = outages
        self._engines = [make() for _ in range(NODES)]
        self._heard = [_Heard() for _ in range(NODES)]
        self._nodes = [
            Node(engine, "check", heard, secret=b"check")
            for engine, heard in zip(self._engines, self._heard, strict=True)
        ]
        self._published: dict[tuple[int, str], list[int]] = {}
        # From which number on a node must have what comes on a channel.
        self._since: dict[tuple[int, str], int] = {}
        self._number = 0
        self._report = EngineReport()

    async def run(self) -> EngineReport:
        async with anyio.create_task_group() as tasks:
            for node in self._nodes:
                tasks.start_soon(node.run)
            await self._up()
            for index, node in enumerate(self._nodes):
                await node.subscribe(CHANNELS)
                self._since.update(((index, channel), 0) for channel in CHANNELS)
            end = anyio.current_time() + self._seconds
            async with anyio.create_task_group() as work:
                work.start_soon(self._publish, end)
                work.start_soon(self._come_and_go, end)
                work.start_soon(self._cut, end)
            await self._up()
            await self._quiet()
            for node in self._nodes:
                await node.leave()
            tasks.cancel_scope.cancel()
        self._count()
        return self._report

    async def _up(self) -> None:
        with anyio.fail_after(WAIT):
            for node in self._nodes:
                await node.wait_up()

    async def _quiet(self) -> None:
        """Wait until nothing is under way."""
        before: list[int] = []
        with anyio.fail_after(WAIT):
            while before != [heard.number for heard in self._heard] or self._waits():
                before = [heard.number for heard in self._heard]
                await anyio.sleep(QUIET)

    def _waits(self) -> bool:
        return any(node.state is not NodeState.UP or node.waiting != (0, 0) for node in self._nodes)

    async def _publish(self, end: float) -> None:
        while anyio.current_time() < end:
            for _ in range(self._chance.randrange(1, 8)):
                index, channel = self._chance.randrange(NODES), self._chance.choice(CHANNELS)
                self._number += 1
                outcome = self._nodes[index].publish(channel, [KIND, index, self._number])
                if outcome == "dropped":
                    self._report.dropped += 1
                else:
                    self._report.accepted += 1
                    self._published.setdefault((index, channel), []).append(self._number)
            await anyio.sleep(0.005)

    async def _come_and_go(self, end: float) -> None:
        while anyio.current_time() < end:
            await anyio.sleep(self._chance.uniform(0.01, 0.1))
            index, channel = self._chance.randrange(NODES), self._chance.choice(CHANNELS)
            node = self._nodes[index]
            if self._since.pop((index, channel), None) is not None:
                node.unsubscribe([channel])
                continue
            connections = node.counters.connections
            self._heard[index].forget(channel)
            with anyio.move_on_after(WAIT) as patience:
                await node.subscribe([channel])
            if patience.cancelled_caught:
                self._report.unconfirmed += 1
            elif node.state is NodeState.UP and node.counters.connections == connections:
                self._since[index, channel] = self._number + 1
            else:
                node.unsubscribe([channel])  # nothing is promised for it yet

    async def _cut(self, end: float) -> None:
        while anyio.current_time() < end:
            await anyio.sleep(self._chance.uniform(0.2, 0.8))
            if self._broker is None or self._chance.random() < 0.7:  # noqa: PLR2004
                self._chance.choice(self._engines).reset("the check cuts it")
                continue
            self._broker.stop()
            await anyio.sleep(self._chance.choice(self._outages))
            self._broker.start()
            await self._up()

    def _count(self) -> None:
        report, counted = self._report, Counter[str]()
        for node in self._nodes:
            counted["dropped"] += node.counters.dropped_full
            counted["lost"] += node.counters.lost
            report.connections += node.counters.connections
        for index, heard in enumerate(self._heard):
            report.deliveries += heard.number
            for key, got in heard.messages.items():
                said = set(self._published.get(key, ()))
                report.stray += sum(number not in said for number in got)
                report.doubled += len(got) - len(set(got))
                report.disordered += sum(one > other for one, other in pairwise(got))
            for (sender, channel), said_in_order in self._published.items():
                since = self._since.get((index, channel))
                if since is not None and sender != index:
                    got_of = set(heard.messages.get((sender, channel), ()))
                    report.missing += sum(
                        number >= since and number not in got_of for number in said_in_order
                    )
        report.uncounted = abs(report.dropped - counted["dropped"])
        report.uncounted += max(0, report.missing - counted["lost"])
