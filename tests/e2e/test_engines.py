"""Engines on real brokers: the promises, through cuts and kills."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, cast

import anyio
import pytest

from bytesocket_app.engines import MemoryBroker, MemoryEngine
from bytesocket_app.testing.engines import EngineReport, check_engine
from tests.support.brokers import BROKERS, BrokerName, running_broker
from tests.support.figures import ROW

pytestmark = pytest.mark.slow

PAIRS = [
    *((name, "asyncio") for name in BROKERS),
    *((name, "trio") for name in BROKERS if name != "nats"),
]
AT_ONCE = 4
"""Seeds that run at the same time: most of it is waiting."""


@pytest.mark.anyio
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("name", "anyio_backend"), PAIRS)
async def test_an_engine_keeps_its_promises(name: BrokerName, seed: int) -> None:
    with running_broker(name) as broker:
        report = await check_engine(broker.engine, seed=seed, broker=broker)

    assert report.accepted > 100


async def check_seed(name: str, seed: int, **options: Any) -> EngineReport:
    """Check the engine of a broker of its own, with outages."""
    if name == "memory":
        memory = MemoryBroker()
        return await check_engine(lambda: MemoryEngine(memory), seed=seed, broker=memory, **options)
    with running_broker(cast("BrokerName", name)) as broker:
        return await check_engine(broker.engine, seed=seed, broker=broker, **options)


async def check_seeds(name: str, seeds: int, **options: Any) -> EngineReport:
    """Check the engine with each of the seeds, and sum up."""
    total: Counter[str] = Counter()
    limiter = anyio.CapacityLimiter(AT_ONCE)

    async def check(seed: int) -> None:
        async with limiter:
            total.update(asdict(await check_seed(name, seed, **options)))

    async with anyio.create_task_group() as tasks:
        for seed in range(1, seeds + 1):
            tasks.start_soon(check, seed)
    return EngineReport(**total)


@pytest.mark.nightly
@pytest.mark.anyio
@pytest.mark.parametrize(
    ("seeds", "options"),
    [
        pytest.param(20, {"seconds": 4.0, "outages": (0.3, 1.0, 2.0)}, id="seeds"),
        pytest.param(1, {"seconds": 22.0, "outages": (20.0,)}, id="20s"),
    ],
)
@pytest.mark.parametrize(
    ("name", "anyio_backend"), [("memory", "asyncio"), ("memory", "trio"), *PAIRS]
)
async def test_figures_of_engines(
    name: str,
    anyio_backend: str,
    seeds: int,
    options: dict[str, Any],
    record_property: Callable[[str, object], None],
) -> None:
    """A fault is raised by its name; what is left to tell is how much was done without one."""
    begun = anyio.current_time()
    report = await check_seeds(name, seeds, **options)
    longest = f"outages of {max(options['outages']):g} s"
    row = {**asdict(report), "seconds": f"{anyio.current_time() - begun:.0f}"}
    record_property(ROW, (f"{name}, {anyio_backend}: {seeds} seeds, {longest}", row))
