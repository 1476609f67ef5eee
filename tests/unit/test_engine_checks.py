"""The check of engines: it passes ours in memory, and names what a faulty engine does."""

from collections.abc import Awaitable, Sequence

import pytest
from typing_extensions import override

from bytesocket_app.engines import Confirmation, MemoryBroker, MemoryEngine, TokenRequest
from bytesocket_app.testing import engines
from bytesocket_app.testing.engines import EngineCheckFailed, check_engine


@pytest.mark.anyio
@pytest.mark.parametrize("seed", [1, 2])
async def test_the_engine_in_memory_keeps_its_promises(seed: int) -> None:
    broker = MemoryBroker()

    report = await check_engine(lambda: MemoryEngine(broker), seed=seed, seconds=2, broker=broker)

    assert report.accepted > 100
    assert report.connections > 3


class AcknowledgesTooEarly(MemoryEngine):
    """Says that the broker has what is still in a buffer of its own."""

    @override
    def publish(self, channel: str, payload: bytes, /) -> None:
        if self._listener is not None and self._is_up:
            self._listener.acknowledged(1)
            self._early = [*getattr(self, "_early", ()), (channel, payload)]
            self._wake.set()

    @override
    def reset(self, reason: str, /) -> None:
        self._early = []
        super().reset(reason)

    @override
    def _deliver(self) -> None:
        early, self._early = getattr(self, "_early", []), list[tuple[str, bytes]]()
        for channel, payload in early:
            self._broker.spread(channel, payload)
        super()._deliver()


class Reorders(MemoryEngine):
    """Delivers the newest first."""

    @override
    def take(self, channel: str, payload: bytes) -> None:
        super().take(channel, payload)
        self._inbox.reverse()


class ForgetsSubscriptions(MemoryEngine):
    """Wants nothing any more after a loss."""

    @override
    def reset(self, reason: str, /) -> None:
        super().reset(reason)
        self._wanted.clear()


class Duplicates(MemoryEngine):
    """Delivers all twice."""

    @override
    def take(self, channel: str, payload: bytes) -> None:
        super().take(channel, payload)
        super().take(channel, payload)


class IgnoresUnsubscribing(MemoryEngine):
    """Hears for ever what it once wanted."""

    @override
    def unsubscribe(self, channels: Sequence[str], /) -> None:
        pass


class IsDeafToItself(MemoryEngine):
    """Does not hear what it publishes itself."""

    @override
    def publish(self, channel: str, payload: bytes, /) -> None:
        is_wanted = channel in self._wanted
        self._wanted.discard(channel)
        super().publish(channel, payload)
        if is_wanted:
            self._wanted.add(channel)


class ConfirmsTooEarly(MemoryEngine):
    """Says that a channel is subscribed to before it is."""

    @override
    def subscribe(self, channels: Sequence[str], /) -> Awaitable[None]:
        confirmation = super().subscribe(())
        self._later = [*getattr(self, "_later", ()), *channels]
        self._wake.set()
        return confirmation

    @override
    def _deliver(self) -> None:
        later, self._later = getattr(self, "_later", []), list[str]()
        super()._deliver()
        self._wanted.update(later)


class CountsByItself(MemoryEngine):
    """Has buckets of its own, of which the other processes know nothing."""

    @override
    async def take_tokens(self, requests: Sequence[TokenRequest], now: float, /) -> float:
        self._buckets: MemoryBroker = getattr(self, "_buckets", MemoryBroker())
        return self._buckets.take_tokens(requests, now)


class TakesSome(MemoryEngine):
    """Takes from the buckets that have enough, whatever the others have."""

    @override
    async def take_tokens(self, requests: Sequence[TokenRequest], now: float, /) -> float:
        return max([await super(TakesSome, self).take_tokens([one], now) for one in requests])


class NeverFills(MemoryEngine):
    """Counts what was taken, and no time."""

    @override
    async def take_tokens(self, requests: Sequence[TokenRequest], now: float, /) -> float:
        return await super().take_tokens(requests, 0)


class LeavesSubscribersWaiting(MemoryEngine):
    """Never says what became of subscriptions after its first loss."""

    @override
    def subscribe(self, channels: Sequence[str], /) -> Awaitable[None]:
        confirmation = super().subscribe(channels)
        return Confirmation() if self._broker.connections > 3 else confirmation


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_who_waits_for_ever_for_a_subscription_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engines, "PROMISES", {})
    monkeypatch.setattr(engines, "WAIT", 2.0)
    broker = MemoryBroker()

    with pytest.raises(EngineCheckFailed) as caught:
        await check_engine(lambda: LeavesSubscribersWaiting(broker), seconds=2)

    assert "unconfirmed" in caught.value.problems


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(
    ("kind", "promise"),
    [
        (AcknowledgesTooEarly, "acknowledges"),
        (Reorders, "order"),
        (ForgetsSubscriptions, "resubscribes"),
        (Duplicates, "order"),
        (IgnoresUnsubscribing, "unsubscribes"),
        (IsDeafToItself, "echo"),
        (ConfirmsTooEarly, "confirms"),
        (CountsByItself, "counts"),
        (TakesSome, "all or none"),
        (NeverFills, "fills"),
    ],
)
async def test_a_faulty_engine_fails_by_the_promise_s_name(
    kind: type[MemoryEngine], promise: str
) -> None:
    broker = MemoryBroker()

    with pytest.raises(EngineCheckFailed) as caught:
        await check_engine(lambda: kind(broker), seconds=1)

    assert promise in caught.value.problems
    assert promise in str(caught.value)
