"""Presence over real brokers: all processes see the same, and hooks are called as promised."""

from collections import Counter

import anyio
import pytest
from anyio import create_task_group

from tests.support.brokers import BROKERS, BrokerName, running_broker
from tests.support.presence import Crowd, sites, wait

pytestmark = pytest.mark.slow

STEPS = [(0, "ann"), (1, "ann"), (2, "bob"), (0, "bob"), (2, "cy"), (1, "cy")]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("name", "anyio_backend"),
    [
        *((name, "asyncio") for name in BROKERS),
        *((name, "trio") for name in BROKERS if name != "nats"),
    ],
)
async def test_users_enter_and_exit_over_a_broker(name: BrokerName) -> None:
    with running_broker(name) as broker:
        async with sites(3, broker.url) as found, create_task_group() as tasks:
            crowd = Crowd(found, tasks)
            async with create_task_group() as some:
                for site, user in STEPS:
                    some.start_soon(crowd.come, site, user)
            await crowd.quiet()
            await crowd.feel(3, "well")
            await crowd.quiet()
            async with create_task_group() as some:
                for _ in STEPS:
                    some.start_soon(crowd.go, 0)
            await crowd.quiet()

            def calls() -> Counter[tuple[str, str]]:
                return Counter(call for each in found for call in each.told)

            expected = {(what, user) for what in ("entered", "exited") for _, user in STEPS}
            await wait(lambda: set(calls()) == expected)
            if name != "nats":
                assert all(count == 1 for count in calls().values())


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_broker_that_is_killed_comes_back_to_the_same_users() -> None:
    with running_broker("redis-6.2") as broker:
        async with sites(3, broker.url) as found, create_task_group() as tasks:
            crowd = Crowd(found, tasks)
            for site, user in STEPS[:3]:
                await crowd.come(site, user)
            await crowd.quiet()
            broker.stop()
            await anyio.sleep(0.5)
            for site, user in STEPS[3:]:
                await crowd.come(site, user)
            await crowd.go(0)
            broker.start()
            await crowd.quiet()
            await crowd.leave()
