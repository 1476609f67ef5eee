"""Engines on real brokers: the promises, through cuts and kills."""

import pytest

from bytesocket_app.testing.engines import check_engine
from tests.support.brokers import BROKERS, BrokerName, running_broker

pytestmark = pytest.mark.slow


@pytest.mark.anyio
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("name", "anyio_backend"),
    [
        *((name, "asyncio") for name in BROKERS),
        *((name, "trio") for name in BROKERS if name != "nats"),
    ],
)
async def test_an_engine_keeps_its_promises(name: BrokerName, seed: int) -> None:
    with running_broker(name) as broker:
        report = await check_engine(broker.engine, seed=seed, broker=broker)

    assert report.accepted > 100
